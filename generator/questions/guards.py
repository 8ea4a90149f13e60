"""Guard questions: what the policies of resources and keys refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Place
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.questions.reading import (
    PolicyStatement,
    Question,
    as_list,
    as_mapping,
    covers,
    extra,
    is_pinned,
    pins,
    policy_statements,
    principals,
    referenced,
    text_of,
)

TRANSPORT_TYPES = {
    "AWS::DynamoDB::Table": ("dynamodb:GetItem", "dynamodb:PutItem"),
    "AWS::EC2::VPCEndpoint": (),
    "AWS::S3::BucketPolicy": ("s3:GetObject", "s3:PutObject"),
    "AWS::SNS::TopicInlinePolicy": ("sns:Publish",),
    "AWS::SNS::TopicPolicy": ("sns:Publish",),
    "AWS::SQS::QueueInlinePolicy": ("sqs:ReceiveMessage", "sqs:SendMessage"),
    "AWS::SQS::QueuePolicy": ("sqs:ReceiveMessage", "sqs:SendMessage"),
    "AWS::SecretsManager::ResourcePolicy": ("secretsmanager:GetSecretValue",),
}
"""Types with a resource policy → the actions that it has to deny over plain HTTP, besides those that it allows."""
_NEEDS_POLICY = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
}
"""Types that answer plain HTTP unless their policy refuses it → the type of that policy and the property that names what it is for."""


@dataclass(frozen=True, slots=True)
class DeniesPlainTransport(Question):
    """A policy of an endpoint may instead allow nothing without TLS; a table policy need not exist, for DynamoDB answers TLS only."""

    kind: ClassVar[str] = "question.denies-plain-transport"

    def sentence(self) -> str:
        return "every topic, queue and bucket and every resource and endpoint policy denies requests without TLS"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        by_resource: dict[Place, list[PolicyStatement]] = {}
        for statement in policy_statements(emitted):
            by_resource.setdefault(statement.resource.place, []).append(statement)
        empty = True
        denying: set[tuple[str, str]] = set()
        for resource in emitted.resources(*TRANSPORT_TYPES):
            statements = by_resource.get(resource.place, [])
            if not statements and resource.type == "AWS::DynamoDB::Table":
                continue
            empty = False
            denies = _denies_plain(statements, TRANSPORT_TYPES[resource.type])
            if resource.type == "AWS::EC2::VPCEndpoint":
                denies = denies or (bool(statements) and all(_needs_tls(statement) for statement in statements if statement.allows))
            if denies:
                subjects = as_list(resource.properties.get(_NEEDS_POLICY_PROPERTY.get(resource.type, ""), []))
                denying |= {(resource.stack, name) for name in map(referenced, subjects) if name}
            yield self.found(resource.place, [sid for s in statements if (sid := s.body.get("Sid"))], denies)
        for resource in emitted.resources(*_NEEDS_POLICY):
            empty = False
            covered = (resource.stack, resource.logical_id) in denying
            yield self.found(resource.place, "denied by its policy" if covered else "no policy that denies it", covered)
        if empty:
            yield self.nothing(scope, "no resource policy")

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for statement in policy_statements(emitted):
            if statement.resource.type not in TRANSPORT_TYPES or not statement.readable:
                continue
            name = statement.resource.logical_id
            if _denies_tls(statement):
                yield Mutant(f"{name}: allow what was denied", (Edit(statement.place.below("Effect"), "Allow"),))
                narrowed = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/one"}}
                yield Mutant(f"{name}: deny one principal only", (Edit(statement.place.below("Principal"), narrowed),))
                test = {"Bool": {"aws:SecureTransport": "true"}}
                yield Mutant(f"{name}: deny TLS instead", (Edit(statement.place.below("Condition"), test),))
            elif _needs_tls(statement) and statement.allows:
                yield Mutant(f"{name}: allow without TLS", (Edit(statement.place.below("Condition"), REMOVE),))
        yield extra(scope, "AWS::SNS::Topic", {}, "add a topic without policy")


_NEEDS_POLICY_PROPERTY = dict(_NEEDS_POLICY.values())


def _tests_transport(statement: PolicyStatement, value: str) -> bool:
    condition = statement.body.get("Condition")
    if not isinstance(condition, dict):
        return False
    tests = condition.get("Bool")
    found = tests.get("aws:SecureTransport") if isinstance(tests, dict) else None
    return (found[0] if isinstance(found, list) and len(found) == 1 else found) in (value, value == "true")


def _denies_tls(statement: PolicyStatement) -> bool:
    """Denies everyone, everywhere, on nothing but the transport."""
    body = statement.body
    only = body.get("Condition", {}) if isinstance(body.get("Condition"), dict) else {}
    narrow = len(only) != 1 or len(next(iter(only.values()))) != 1
    everyone = "NotPrincipal" not in body and body.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
    whole = "NotResource" not in body and "NotAction" not in body
    return not statement.allows and everyone and whole and not narrow and _tests_transport(statement, "false")


def _needs_tls(statement: PolicyStatement) -> bool:
    return statement.readable and _tests_transport(statement, "true")


def _denies_plain(statements: list[PolicyStatement], required: tuple[str, ...]) -> bool:
    denied = [pattern for statement in statements if _denies_tls(statement) for pattern in statement.actions]
    allowed = [action for statement in statements if statement.allows for action in statement.actions or ["*"]]
    needed = [*required, *(str(action) for action in allowed)]
    return bool(denied) and all(any(covers(pattern, action) for pattern in denied) for action in needed)


@dataclass(frozen=True, slots=True)
class KeyPolicyBounded(Question):
    kind: ClassVar[str] = "question.key-policy-bounded"

    def sentence(self) -> str:
        return "the policy of every own key admits only the administration of the account and services bound to the account"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        keys = {key.place: key for key in emitted.resources("AWS::KMS::Key", "AWS::KMS::ReplicaKey")}
        if not keys:
            yield self.nothing(scope, "no own key")
        statements = [statement for statement in policy_statements(emitted) if statement.resource.place in keys]
        for place in keys:
            if not any(statement.resource.place == place and statement.allows for statement in statements):
                yield self.found(place, "no policy of its own", outcome=False)
        for statement in statements:
            if statement.allows:
                yield self.found(statement.place, statement.body.get("Principal"), _is_bounded(statement))

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for statement in policy_statements(emitted):
            if statement.resource.type != "AWS::KMS::Key" or not statement.allows or not statement.readable:
                continue
            name = statement.resource.logical_id
            yield Mutant(f"{name}: allow everyone", (Edit(statement.place.below("Principal"), {"AWS": "*"}),))
            foreign = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::111122223333:root"}}
            yield Mutant(f"{name}: allow another account", (Edit(statement.place.below("Principal"), foreign),))
            if "Service" in as_mapping(statement.body.get("Principal")):
                yield Mutant(f"{name}: a service for any account", (Edit(statement.place.below("Condition"), REMOVE),))
        yield extra(scope, "AWS::KMS::Key", {}, "add a key without policy")


def _is_bounded(statement: PolicyStatement) -> bool:
    if not statement.readable or "Principal" not in statement.body:
        return False
    found = list(principals(statement.body["Principal"]))
    roots = [text_of(value) == "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" for kind, value in found if kind == "AWS"]
    services = [isinstance(text_of(value), str) and "*" not in str(text_of(value)) for kind, value in found if kind == "Service"]
    if not found or len(roots) + len(services) != len(found) or not all(roots) or not all(services):
        return False
    return not services or is_pinned_to_account(statement.body.get("Condition"))


def is_pinned_to_account(condition: Json) -> bool:
    """Whether a condition binds the request to this very account, by its id or by an ARN that holds it."""
    tests = [
        value
        for operator, keys in as_mapping(condition).items()
        for key, values in as_mapping(keys).items()
        if is_pinned({operator: {key: values}})
        for value in as_list(values)
    ]
    return bool(tests) and any(pins(value) and "${AWS::AccountId}" in str(text_of(value)) for value in tests)
