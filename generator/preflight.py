"""Preflight: which consumer a supplied key's policy would leave out, told before anything is deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from claimstack.controls.errors import InputError
from claimstack.generator.config import Config
from claimstack.generator.emitted import Json
from claimstack.generator.resources.key import Consumer, filled, key_consumers

URL_SUFFIX: Final = "amazonaws.com"
"""Of both partitions that are built for."""
ACCOUNT_PLACEHOLDER: Final = "<ACCOUNT_ID>"
"""Stands for the account in key-policy.json, and here in the policy of a template."""

_ROOT = re.compile(r"arn:[^:]+:iam::([^:]+):root")
_GRANT_ACTION = "kms:CreateGrant"
_SET_OPERATORS = ("ForAllValues:", "ForAnyValue:")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a key policy admits one consumer."""

    consumer: Consumer
    needs: tuple[str, ...]
    """The actions that the consumer asks for."""
    ok: bool
    missing: tuple[str, ...]
    """Those that the policy does not allow, or denies."""
    because: tuple[str, ...]
    """Why, by statement; empty where no statement speaks of the consumer."""
    consequence: str
    """What happens without the missing actions; empty where nothing is missing."""

    @property
    def silent(self) -> bool:
        """Whether the deployment would succeed all the same, so that nobody notices."""
        return not self.ok and self.consumer.failure == "silent"


def preflight(config: Config, policy: Json, *, account: str | None = None, caller: Mapping[str, str] | None = None) -> tuple[Verdict, ...]:
    """Evaluate a key policy, as `aws kms get-key-policy` gives it, for every consumer of the configuration.

    `account` is the account that the system is deployed to; without it, the one that the policy names as root. `caller` holds
    condition keys of the account's own principals that are known beforehand, such as aws:PrincipalOrgID or aws:PrincipalArn. For
    these principals the key policy alone is looked at: their IAM policies have to allow the same.

    Raises InputError for what is no policy document, and where the account cannot be known.
    """
    statements = list(_statements(policy))
    places = {
        "${AWS::Partition}": config.partition.name,
        "${AWS::Region}": config.region,
        "${AWS::URLSuffix}": URL_SUFFIX,
        "${AWS::AccountId}": account or ACCOUNT_PLACEHOLDER,
    }
    statements = [filled(statement, places) for statement in statements]
    places["${AWS::AccountId}"] = account or _account_of(statements)
    return tuple(
        _verdict(consumer, filled(consumer.principal, places), filled(dict(consumer.context), places), statements, places, caller or {})
        for consumer in key_consumers(config)
    )


def load_key_policy(path: Path) -> Json:
    """A key policy from a file: the document itself, or the whole answer of `aws kms get-key-policy`.

    Raises InputError for a file that cannot be read or is not JSON.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        return json.loads(found["Policy"]) if isinstance(found, dict) and isinstance(found.get("Policy"), str) else found
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}; save what `aws kms get-key-policy --output text` prints") from error


def _statements(policy: Json) -> Iterator[Json]:
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements or not all(isinstance(statement, dict) for statement in statements):
        raise InputError("key policy: expected a policy document with a Statement; save what `aws kms get-key-policy` prints as Policy")
    for number, statement in enumerate(statements):
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise InputError(f"key policy: Statement[{number}]: Effect is neither Allow nor Deny; nothing can be said of such a policy")
    yield from statements


def _account_of(statements: list[Json]) -> str:
    """The account whose root the policy admits. Fn::Sub text and placeholders count, so that a template's policy can be judged."""
    accounts = {
        found[1] for statement in statements for kind, value in _principals(statement) if kind == "AWS" and (found := _ROOT.match(value))
    }
    if len(accounts) == 1:
        return accounts.pop()
    named = ", ".join(sorted(accounts)) or "no account"
    raise InputError(f"key policy: it admits the root of {named}; say which account the system is deployed to")


def _verdict(
    consumer: Consumer,
    service: str | None,
    context: Mapping[str, str],
    statements: list[Json],
    places: Mapping[str, str],
    caller: Mapping[str, str],
) -> Verdict:
    missing: list[str] = []
    because: list[str] = []
    account = places["${AWS::AccountId}"]
    for action in consumer.actions:
        request = _Request(action, service, account, places["${AWS::Partition}"], _context(action, service, context, account, caller))
        allowed, reasons = _decide(request, statements)
        if not allowed:
            missing.append(action)
            because += [reason for reason in reasons if reason not in because]
    consequence = consumer.consequence if missing else ""
    return Verdict(consumer, consumer.actions, not missing, tuple(missing), tuple(because), consequence)


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


def _decide(request: _Request, statements: list[Json]) -> tuple[bool, list[str]]:
    """Whether the policy allows a request: an Allow that holds, and no Deny that holds or that cannot be ruled out."""
    allowed = False
    reasons: list[str] = []
    for number, statement in enumerate(statements):
        who = _names_principal(statement, request)
        if who == "no" or not _names_action(statement, request.action):
            continue
        name = statement.get("Sid") or f"Statement[{number}]"
        unmet, open_tests = _condition(statement.get("Condition") or {}, request)
        if statement["Effect"] == "Deny" and not unmet:
            return False, [f"{name} denies it{_unless_known(open_tests)}"]
        if statement["Effect"] == "Allow":
            if who == "unknown":
                reasons.append(f"{name} admits named principals only; say with aws:PrincipalArn who is meant")
            elif unmet or open_tests:
                reasons.append(f"{name} allows it only if {' and '.join(unmet or open_tests)}")
            else:
                allowed = True
    return allowed, reasons


def _unless_known(open_tests: list[str]) -> str:
    return f", for all that is known here, as {' and '.join(open_tests)} depends on the caller" if open_tests else ""


def _names_action(statement: Json, action: str) -> bool:
    if "NotAction" in statement:
        return not any(_like(pattern.lower(), action.lower()) for pattern in _list(statement["NotAction"]))
    return any(_like(pattern.lower(), action.lower()) for pattern in _list(statement.get("Action", [])))


def _principals(statement: Json, element: str = "Principal") -> Iterator[tuple[str, str]]:
    principal = statement.get(element, {})
    if isinstance(principal, str):
        yield "*", principal
    elif isinstance(principal, dict):
        yield from ((kind, value) for kind, values in principal.items() for value in _list(values) if isinstance(value, str))


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
            values = [str(item).lower() if isinstance(item, bool) else str(item) for item in _list(value)]
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


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]
