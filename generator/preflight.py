"""Preflight: which consumer a supplied key's policy would leave out, told before anything is deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.config import Config
from claimstack.generator.emitted import Json
from claimstack.generator.questions.reading import as_list
from claimstack.generator.resources.key import Consumer, filled, key_consumers
from claimstack.generator.resources.placeholders import ACCOUNT_PLACEHOLDER, pseudo_parameters

ACCOUNT_ID: Final = r"[0-9]{12}"
ROLE_ARN: Final = r"arn:aws(-us-gov)?:iam::[0-9]{12}:role/[\w+=,.@/-]+"
CONDITION_KEY: Final = r"(aws|kms):[A-Za-z][\w:/.@+=-]*"

Outcome = Literal["admitted", "undecided", "left out"]

_ROOT = re.compile(r"arn:[^:]+:iam::([^:]+):root")
_GRANT_ACTION = "kms:CreateGrant"
_SET_OPERATORS = ("ForAllValues:", "ForAnyValue:")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a key policy admits one consumer."""

    consumer: Consumer
    needs: tuple[str, ...]
    """The actions that the consumer asks for."""
    outcome: Outcome
    """`undecided`: the policy alone does not tell, since it depends on who calls or on what the request carries."""
    missing: tuple[str, ...]
    """Actions that the policy does not allow, or denies."""
    undecided: tuple[str, ...]
    """Actions of which the policy alone does not tell."""
    because: tuple[str, ...]
    """Why, by statement; empty where no statement speaks of the consumer."""
    consequence: str
    """What happens without the missing and undecided actions; empty where there are none."""

    @property
    def ok(self) -> bool:
        return self.outcome == "admitted"

    @property
    def silent(self) -> bool:
        """Whether the deployment would succeed all the same, so that nobody notices."""
        return not self.ok and self.consumer.failure == "silent"

    def data(self) -> dict[str, Any]:
        """For a pipeline."""
        return {**asdict(self), "ok": self.ok, "silent": self.silent}


@dataclass(frozen=True, slots=True)
class Known:
    """What a person knows beforehand of those who will ask for the key."""

    account: str | None = None
    """The account that is deployed to; without it, the one whose root the policy admits."""
    caller: Mapping[str, str] = field(default_factory=dict)
    """Condition keys of whoever deploys; those of the organisation hold for the function's role as well."""
    function_role: str | None = None
    """The ARN of the function's role."""


def preflight(config: Config, policy: Json, known: Known | None = None, *, name: str = "key policy") -> tuple[Verdict, ...]:
    """Evaluate a key policy, as `aws kms get-key-policy` gives it, for every consumer of the configuration.

    Of the account's own principals the key policy alone is looked at: their IAM policies have to allow the same. `name` stands in front
    of what is wrong with the policy. Raises InputError for what is no policy document, and where the account cannot be known.
    """
    known = known or Known()
    statements = list(_statements(policy, name))
    places = dict(pseudo_parameters(config, known.account or ACCOUNT_PLACEHOLDER))
    statements = [filled(statement, places) for statement in statements]
    places["${AWS::AccountId}"] = known.account or _account_of(statements, name)
    of_function = {key: value for key, value in known.caller.items() if key.lower().startswith(_OF_THE_ORGANISATION)}
    if known.function_role is not None:
        of_function["aws:PrincipalArn"] = known.function_role
    return tuple(
        _verdict(
            consumer,
            filled(consumer.principal, places),
            filled(dict(consumer.context), places),
            statements,
            places,
            of_function if consumer.id.startswith("function-") else known.caller,
        )
        for consumer in key_consumers(config)
    )


def known_of(account: str | None, pairs: Iterable[str], function_role: str | None) -> Known:
    """What the flags say, KEY=VALUE for each condition key. Raises InputError with a cause for each that is wrong."""
    caller: dict[str, str] = {}
    causes: list[str] = []
    if account is not None and not re.fullmatch(ACCOUNT_ID, account):
        causes.append(f"--account: expected the twelve digits of an account, found {account!r}")
    for pair in pairs:
        key, _, value = pair.partition("=")
        if not value or not re.fullmatch(CONDITION_KEY, key):
            causes.append(
                f"--caller: expected KEY=VALUE with a condition key of AWS, such as aws:PrincipalOrgID=o-abcdefghij; found {pair!r}"
            )
        elif caller.setdefault(key, value) != value:
            causes.append(f"--caller: {key} is given as {caller[key]!r} and as {value!r}; give one, and run again for the other")
    if function_role is not None and not re.fullmatch(ROLE_ARN, function_role):
        causes.append(f"--function-role: expected the ARN of a role, such as arn:aws:iam::111122223333:role/desk; found {function_role!r}")
    raise_all(causes)
    return Known(account, caller, function_role)


def load_key_policy(path: Path) -> Json:
    """A key policy from a file: the document itself, or the whole answer of `aws kms get-key-policy`.

    Raises InputError for a file that cannot be read or is not JSON.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        return json.loads(found["Policy"]) if isinstance(found, dict) and isinstance(found.get("Policy"), str) else found
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; correct the path or its permissions") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}; save what `aws kms get-key-policy --output text` prints") from error


def _statements(policy: Json, name: str) -> Iterator[Json]:
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements or not all(isinstance(statement, dict) for statement in statements):
        raise InputError(f"{name}: expected a policy document with a Statement; save what `aws kms get-key-policy` prints as Policy")
    raise_all(
        f"{name}: Statement[{number}]: {cause}" for number, statement in enumerate(statements) for cause in _statement_causes(statement)
    )
    yield from statements


def _statement_causes(statement: Json) -> Iterator[str]:
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "Effect is neither Allow nor Deny; nothing can be said of such a policy"
    condition = statement.get("Condition") or {}
    if not isinstance(condition, dict) or not all(isinstance(tests, dict) for tests in condition.values()):
        yield "Condition is not a table of operators, each with its condition keys; copy the policy once more"


def _account_of(statements: list[Json], name: str) -> str:
    """The account whose root the policy admits. Fn::Sub text and placeholders count, so that a template's policy can be judged."""
    accounts = {
        found[1] for statement in statements for kind, value in _principals(statement) if kind == "AWS" and (found := _ROOT.match(value))
    }
    if len(accounts) == 1:
        return accounts.pop()
    named = "the roots of " + ", ".join(sorted(accounts)) if accounts else "the root of no account"
    raise InputError(f"{name}: it admits {named}; say with --account which account the system is deployed to")


def _verdict(
    consumer: Consumer,
    service: str | None,
    context: Mapping[str, str],
    statements: list[Json],
    places: Mapping[str, str],
    caller: Mapping[str, str],
) -> Verdict:
    short: dict[Outcome, list[str]] = {"left out": [], "undecided": [], "admitted": []}
    because: dict[str, None] = {}
    account = places["${AWS::AccountId}"]
    for action in consumer.actions:
        request = _Request(action, service, account, places["${AWS::Partition}"], _context(action, service, context, account, caller))
        decided, reasons = _decide(request, statements)
        short[decided].append(action)
        because |= dict.fromkeys(reasons)
    outcome: Outcome = next((outcome for outcome, actions in short.items() if actions), "admitted")
    consequence = "" if outcome == "admitted" else consumer.consequence
    return Verdict(consumer, consumer.actions, outcome, tuple(short["left out"]), tuple(short["undecided"]), tuple(because), consequence)


@dataclass(frozen=True, slots=True)
class _Request:
    action: str
    service: str | None
    account: str
    partition: str
    context: Mapping[str, str]
    """Condition keys in lower case, as AWS compares them."""


def _context(action: str, service: str | None, context: Mapping[str, str], account: str, caller: Mapping[str, str]) -> Mapping[str, str]:
    known = {**context, "aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true" if service else "false"}
    if service is None:
        known |= {"aws:PrincipalAccount": account, **caller}
        # A service that uses the key with a caller's rights does so by forwarding the caller's request.
        known["aws:ViaAWSService"] = "true"
    else:
        known["aws:PrincipalServiceName"] = service
    if action == _GRANT_ACTION:
        known["kms:GrantIsForAWSResource"] = "true"
    prefix = "kms:EncryptionContext:"
    for key in [key for key in context if key.startswith(prefix)]:
        known["kms:EncryptionContextKeys"] = key.removeprefix(prefix)
    return {key.lower(): value for key, value in known.items()}


def _decide(request: _Request, statements: list[Json]) -> tuple[Outcome, list[str]]:
    """Whether the policy allows a request: an Allow that holds, and no Deny that holds. Reasons are empty for what is admitted."""
    allowed = False
    refused: list[str] = []
    perhaps_allowed: list[str] = []
    perhaps_denied: list[str] = []
    for number, statement in enumerate(statements):
        who = _names_principal(statement, request)
        if who == "no" or not _names_action(statement, request.action):
            continue
        name = statement.get("Sid") or f"Statement[{number}]"
        unmet, open_tests = _condition(statement.get("Condition") or {}, request)
        named = "the caller is none that it names" if "NotPrincipal" in statement else "the caller is one that it names"
        depends = [*([named] if who == "unknown" else []), *open_tests]
        if statement["Effect"] == "Deny":
            if not unmet and not depends:
                return "left out", [f"{name} denies it"]
            if not unmet:
                perhaps_denied.append(f"{name} denies it if {' and '.join(depends)}")
        elif unmet:
            refused.append(f"{name} allows it only if {' and '.join(unmet)}")
        elif depends:
            perhaps_allowed.append(f"{name} allows it only if {' and '.join(depends)}")
        else:
            allowed = True
    if not allowed and not perhaps_allowed:
        return "left out", refused
    if not allowed or perhaps_denied:
        return "undecided", [*([] if allowed else perhaps_allowed), *perhaps_denied]
    return "admitted", []


def _names_action(statement: Json, action: str) -> bool:
    if "NotAction" in statement:
        return not any(_like(pattern.lower(), action.lower()) for pattern in as_list(statement["NotAction"]))
    return any(_like(pattern.lower(), action.lower()) for pattern in as_list(statement.get("Action", [])))


def _principals(statement: Json, element: str = "Principal") -> Iterator[tuple[str, str]]:
    principal = statement.get(element, {})
    if isinstance(principal, str):
        yield "*", principal
    elif isinstance(principal, dict):
        yield from ((kind, value) for kind, values in principal.items() for value in as_list(values) if isinstance(value, str))


def _names_principal(statement: Json, request: _Request) -> str:
    """`yes`, `no`, or `unknown` where named principals of the account may or may not be the ones that call."""
    if "NotPrincipal" in statement:
        return {"yes": "no", "no": "yes", "unknown": "unknown"}[_matches_principal(list(_principals(statement, "NotPrincipal")), request)]
    return _matches_principal(list(_principals(statement)), request)


def _matches_principal(principals: list[tuple[str, str]], request: _Request) -> str:
    if any(value == "*" and kind in ("*", "AWS") for kind, value in principals):
        return "yes"
    if request.service is not None:
        return "yes" if ("Service", request.service) in principals else "no"
    values = [value for kind, value in principals if kind == "AWS"]
    arn = request.context.get("aws:principalarn")
    if request.account in values or f"arn:{request.partition}:iam::{request.account}:root" in values or (arn is not None and arn in values):
        return "yes"
    named = [value for value in values if f":{request.account}:" in value]
    return "unknown" if named and arn is None else "no"


def _condition(condition: Json, request: _Request) -> tuple[list[str], list[str]]:
    """The tests of a condition block that are not true of a request, and those that a key policy alone does not decide."""
    unmet: list[str] = []
    open_tests: list[str] = []
    for operator, tests in condition.items():
        for key, value in tests.items():
            values = [str(item).lower() if isinstance(item, bool) else str(item) for item in as_list(value)]
            found = _test(operator, key, values, request)
            if not found:
                (open_tests if found is None else unmet).append(f"{operator} {key} {', '.join(values)}")
    return unmet, open_tests


def _test(operator: str, key: str, values: list[str], request: _Request) -> bool | None:
    """One test of a condition block; None where its outcome depends on what only the request itself would show."""
    everyone = operator.startswith("ForAllValues:")
    for prefix in _SET_OPERATORS:
        operator = operator.removeprefix(prefix)
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    actual = request.context.get(key.lower())
    if actual is None and _depends_on_caller(key, request):
        return None
    if operator == "Null":
        return (actual is None) == (values == ["true"])
    negated = operator.startswith(("StringNot", "ArnNot"))
    if actual is None:
        return if_exists or negated or everyone
    plain = operator.replace("Not", "", 1) if negated else operator
    if plain in ("StringEquals", "Bool"):
        met = actual in values
    elif plain == "StringEqualsIgnoreCase":
        met = actual.lower() in [value.lower() for value in values]
    elif plain == "StringLike":
        met = any(_like(value, actual) for value in values)
    elif plain in ("ArnEquals", "ArnLike"):
        met = any(_arn_like(value, actual) for value in values)
    else:
        return None
    return met != negated


_OF_THE_CALLER = (
    "aws:multifactor",
    "aws:principal",
    "aws:requesttag",
    "aws:source",
    "aws:userid",
    "aws:username",
    "kms:encryptioncontext",
)
_OF_THE_SERVICE = ("aws:sourceorg",)
_OF_THE_ORGANISATION = ("aws:principalorg",)
"""Keys that are the same for every principal of an account."""


def _depends_on_caller(key: str, request: _Request) -> bool:
    """Whether a key describes who calls, from where or for what, which a policy alone does not show."""
    return key.lower().startswith(_OF_THE_CALLER if request.service is None else _OF_THE_SERVICE)


def _arn_like(pattern: str, arn: str) -> bool:
    """ARN operators compare part by part; wildcards do not reach over a colon except in the last part."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(_like(one, other) for one, other in zip(patterns, parts, strict=True))


def _like(pattern: str, text: str) -> bool:
    """`*` and `?` as IAM reads them; brackets mean themselves."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))
