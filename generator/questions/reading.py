"""Reading: what the questions share, the base of a question and the reading of texts and policies in emitted templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from claimstack.generator.emitted import Edit, Emitted, Json, Place, Resource, is_symbol
from claimstack.generator.expressions import Check, Finding, Mutant, Scope
from claimstack.generator.predicates import Outcome


@dataclass(frozen=True, slots=True)
class Question(Check):
    """A check of the whole system that no expression over one property can state; its id is its kind."""

    def _own_id(self) -> str:
        return self.kind.removeprefix("question.")

    def data(self) -> dict[str, Any]:
        stated = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "name"}
        return {"kind": self.kind, **{name: _as_data(value) for name, value in stated.items()}}

    def found(self, place: Place, actual: Json, outcome: bool | Outcome, expected: str = "") -> Finding:  # noqa: FBT001 - what was found
        if isinstance(outcome, bool):
            outcome = Outcome.PASSED if outcome else Outcome.FAILED
        return Finding(place, expected or self.sentence(), actual, outcome)

    def nothing(self, scope: Scope, actual: str, *, passes: bool = False) -> Finding:
        """The finding where there is nothing to look at."""
        return self.found(Place(scope.stack, ("Resources",)), actual, passes)


def _as_data(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: value[key] for key in sorted(value)}
    return list(value) if isinstance(value, tuple) else value


def extra(scope: Scope, type_: str, properties: Json, what: str, logical_id: str = "Unwanted") -> Mutant:
    """The mutant that adds a resource to the stack of the scope."""
    return Mutant(what, (Edit(Place(scope.stack, ("Resources", logical_id)), {"Type": type_, "Properties": properties}),))


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def as_mapping(value: Json) -> dict[str, Json]:
    """An edited template may hold anything in the place of a mapping."""
    return value if isinstance(value, dict) else {}


def text_of(value: Json) -> str | None:
    """A value as one text in which every reference stands as `${LogicalId}` or `${LogicalId.Attribute}`; None where it is no text."""
    if isinstance(value, str):
        return value
    if not is_symbol(value):
        return None
    function, inner = next(iter(value.items()))
    if function == "Ref":
        return "${" + str(inner) + "}"
    if function == "Fn::GetAtt":
        return "${" + (".".join(map(str, inner)) if isinstance(inner, list) else str(inner)) + "}"
    if function == "Fn::Sub" and isinstance(inner, str):
        return inner
    if function == "Fn::Sub" and isinstance(inner, list) and len(inner) == 2 and isinstance(inner[1], dict):
        replaced = str(inner[0])
        for name, item in inner[1].items():
            replaced = replaced.replace("${" + name + "}", text_of(item) or "${?}")
        return replaced
    if function == "Fn::Join" and isinstance(inner, list) and len(inner) == 2 and isinstance(inner[1], list):
        parts = [text_of(item) for item in inner[1]]
        return None if None in parts else str(inner[0]).join(str(part) for part in parts)
    return None


def referenced(value: Json) -> str | None:
    """The logical id or parameter that a Ref or a GetAtt names; None for anything else."""
    text = text_of(value) if is_symbol(value) else None
    match = re.fullmatch(r"\$\{([A-Za-z0-9]+)(\.[A-Za-z0-9.]+)?\}", text or "")
    return match[1] if match else None


def references(value: Json) -> set[str]:
    """Logical ids and template parameters that a part of a template names by Ref, Fn::GetAtt, Fn::Sub or DependsOn."""
    if isinstance(value, list):
        return {name for item in value for name in references(item)}
    if not isinstance(value, dict):
        return set()
    found = {name for item in value.values() for name in references(item)}
    for key, item in value.items():
        if key == "Fn::Sub":
            found.update(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", text_of({key: item}) or ""))
        elif key in ("Ref", "Fn::GetAtt"):
            named = item[0] if isinstance(item, list) and item else item
            found.update([named.partition(".")[0]] if isinstance(named, str) else [])
        elif key == "DependsOn":
            found.update(name for name in as_list(item) if isinstance(name, str))
    return found


def referenced_resource(emitted: Emitted, stack: str, value: Json, *types: str) -> Resource | None:
    """The resource of the stack that a Ref or a GetAtt names, if it is of one of the types."""
    name = referenced(value)
    resource = emitted.resource(stack, name) if name else None
    return resource if resource is not None and resource.type in types else None


def strings(value: Json, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text below a place, keys of maps included."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield place.below(key), key
            yield from strings(item, place.below(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, place.below(index))


POLICY_PROPERTIES = (
    "AssumeRolePolicyDocument",
    "KeyPolicy",
    "Policy",
    "PolicyDocument",
    "RepositoryPolicyText",
    "ResourcePolicy",
    "ResourcePolicyDocument",
)
"""Properties whose value is a policy document: a value that cannot be read as one is treated as a policy that allows everything."""
_OTHER_STATEMENTS = ("AWS::WAF::", "AWS::WAFRegional::", "AWS::WAFv2::")
"""Types whose rules have a Statement that is no policy statement."""


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """A statement of a policy document, wherever in a resource it stands."""

    resource: Resource
    place: Place
    body: Mapping[str, Json]
    """Empty where the statement cannot be read, as when a parameter stands for it."""

    @property
    def readable(self) -> bool:
        return bool(self.body)

    @property
    def allows(self) -> bool:
        """Whatever does not say Deny is taken to allow."""
        return self.body.get("Effect") != "Deny"

    @property
    def is_trust(self) -> bool:
        return "AssumeRolePolicyDocument" in self.place.path

    @property
    def is_identity(self) -> bool:
        """Whether the statement says what a principal may do, rather than who may do something to the resource."""
        of_identity = self.resource.type.startswith("AWS::IAM::") or self.resource.type == "AWS::SSO::PermissionSet"
        return of_identity and not self.is_trust

    @property
    def actions(self) -> list[Json]:
        return as_list(self.body.get("Action", []))


def policy_statements(emitted: Emitted) -> tuple[PolicyStatement, ...]:
    """Every statement of every policy of the system, also those inside lists, conditions and JSON texts."""
    return emitted.once(_policy_statements)


def identity_allows(emitted: Emitted) -> list[PolicyStatement]:
    """What principals of the system are allowed."""
    return [statement for statement in policy_statements(emitted) if statement.is_identity and statement.allows]


def allowed_actions(emitted: Emitted) -> Iterator[str]:
    """The actions that principals of the system are allowed, as policies spell them: patterns too."""
    return (action for statement in identity_allows(emitted) for action in statement.actions if isinstance(action, str))


def _policy_statements(emitted: Emitted) -> tuple[PolicyStatement, ...]:
    return tuple(
        statement
        for resource in emitted.resources()
        if not resource.type.startswith(_OTHER_STATEMENTS) and _may_hold_policy(resource.properties)
        for statement in _documents(resource, resource.properties, resource.place.below("Properties"))
    )


def _may_hold_policy(value: Json) -> bool:
    """A quick look before the walk that keeps every place: most resources have no policy."""
    if isinstance(value, dict):
        return any(key == "Statement" or key in POLICY_PROPERTIES or _may_hold_policy(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_may_hold_policy(item) for item in value)
    return isinstance(value, str) and '"Statement"' in value


def _documents(resource: Resource, value: Json, place: Place) -> Iterator[PolicyStatement]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield from _statements(resource, value["Statement"], place.below("Statement"))
            return
        for key, item in value.items():
            if key in POLICY_PROPERTIES and _is_opaque(item):
                yield PolicyStatement(resource, place.below(key), {})
            else:
                yield from _documents(resource, item, place.below(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _documents(resource, item, place.below(index))
    elif isinstance(value, str) and _holds_statement(value):
        document = _parsed(value)
        if isinstance(document, dict) and "Statement" in document:
            yield from (PolicyStatement(resource, place, found.body) for found in _statements(resource, document["Statement"], place))
        else:
            yield PolicyStatement(resource, place, {})


def _holds_statement(value: Json) -> bool:
    if isinstance(value, str):
        return '"Statement"' in value
    if isinstance(value, dict):
        return "Statement" in value or any(_holds_statement(item) for item in value.values())
    return isinstance(value, list) and any(_holds_statement(item) for item in value)


def _is_opaque(document: Json) -> bool:
    """Whether something stands for a policy document that cannot be read in the template."""
    if isinstance(document, str) or is_symbol(document):
        return not _holds_statement(document)
    return not isinstance(document, dict | list)


def _parsed(text: str) -> Json:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _statements(resource: Resource, value: Json, place: Place) -> Iterator[PolicyStatement]:
    """A statement given alone, in a list, or in the branches of a function; what is neither is unreadable."""
    if isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _statements(resource, item, place.below(index))
    elif isinstance(value, dict) and "Effect" in value:
        yield PolicyStatement(resource, place, value)
    elif is_symbol(value) and isinstance(next(iter(value.values())), list) and "Fn::If" in value:
        for index, item in enumerate(value["Fn::If"][1:], start=1):
            if item != {"Ref": "AWS::NoValue"}:
                yield from _statements(resource, item, place.below("Fn::If", index))
    else:
        yield PolicyStatement(resource, place, {})


def covers(pattern: Json, action: str) -> bool:
    """Whether an action of a policy statement, possibly with wildcards, covers an action; services ignore case."""
    return isinstance(pattern, str) and fnmatchcase(action.lower(), pattern.lower())


def principals(principal: Json) -> Iterator[tuple[str, Json]]:
    """(kind, value) of every principal: kind is AWS, Service, Federated, CanonicalUser, or `*` for the bare text."""
    if isinstance(principal, dict) and not is_symbol(principal):
        for kind, values in principal.items():
            for value in as_list(values):
                yield kind, value
    else:
        for value in as_list(principal):
            yield "*", value


def is_everyone(statement: Mapping[str, Json]) -> bool:
    """Whether the principals of a statement include everyone; a principal with a wildcard counts as everyone."""
    if "NotPrincipal" in statement:
        return True
    for kind, value in principals(statement.get("Principal", [])):
        text = text_of(value)
        if text is None or (kind == "*" and "*" in text) or (kind != "*" and "*" in text):
            return True
    return False


PINNING_KEYS = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "kms:calleraccount",
    "kms:encryptioncontext:aws:logs:arn",
)
"""Condition keys, in lower case, that bind a request to an account, an organisation or an ARN."""
PINNING_OPERATORS = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
"""The forms with IfExists and ForAllValues are true of a request without the key, so that they bind nothing."""


def is_pinned(condition: Json) -> bool:
    """Whether a condition binds the request to an account, an organisation or an ARN; operators and keys are joined by and."""
    if not isinstance(condition, dict):
        return False
    return any(
        operator in PINNING_OPERATORS and isinstance(tests, dict) and key.lower() in PINNING_KEYS and _all_pin(values)
        for operator, tests in condition.items()
        if isinstance(tests, dict)
        for key, values in tests.items()
    )


def _all_pin(values: Json) -> bool:
    listed = as_list(values)
    return bool(listed) and all(pins(value) for value in listed)


def pins(value: Json) -> bool:
    """Whether a condition value admits only one account, organisation or ARN: a wildcard may stand only behind the account of an ARN."""
    text = text_of(value)
    if not text:
        return False
    plain_text = re.sub(r"\$\{[^}]*\}", "x", text)
    if not re.search(r"[*?]", plain_text):
        return True
    segments = plain_text.split(":")
    return len(segments) >= 6 and segments[0] == "arn" and not re.search(r"[*?]", segments[4]) and bool(segments[4])
