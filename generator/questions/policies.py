"""Policy questions: what the policies of the whole system allow, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Place, words
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.reading import (
    PolicyStatement,
    Question,
    as_list,
    extra,
    identity_allows,
    is_everyone,
    is_pinned,
    policy_statements,
    principals,
    referenced,
    referenced_resource,
    text_of,
)

UNREADABLE = "a policy that cannot be read in the template"
_ADMINISTRATOR = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"}


def _policy(statement: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": statement}


@dataclass(frozen=True, slots=True)
class NoWildcardAction(Question):
    """Roles may carry only managed policies of their own stack: the actions of any other are not in the templates."""

    kind: ClassVar[str] = "question.no-wildcard-action"

    def sentence(self) -> str:
        return "no identity policy allows an action by wildcard or by exception, and roles carry no policy from elsewhere"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        allows = identity_allows(emitted)
        if not allows:
            yield self.nothing(scope, "no identity policy")
        for statement in allows:
            if not statement.readable:
                yield self.found(statement.place, UNREADABLE, outcome=False)
            elif "NotAction" in statement.body:
                yield self.found(statement.place.below("NotAction"), statement.body["NotAction"], outcome=False)
            else:
                literal = bool(statement.actions) and all(isinstance(action, str) for action in statement.actions)
                named = literal and not any(re.search(r"[*?]", action) for action in statement.actions)
                place = statement.place.below("Action") if "Action" in statement.body else statement.place
                yield self.found(place, statement.body.get("Action"), named)
        for resource in emitted.resources("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
            for index, arn in enumerate(as_list(resource.properties.get("ManagedPolicyArns", []))):
                own = referenced_resource(emitted, resource.stack, arn, "AWS::IAM::ManagedPolicy") is not None
                yield self.found(resource.property_place("ManagedPolicyArns", index), arn, own)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for statement in identity_allows(emitted):
            for what, action in (("every action", "*"), ("every action of a service", [*statement.actions, "s3:*"])):
                yield Mutant(f"{statement.resource.logical_id}: allow {what}", (Edit(statement.place.below("Action"), action),))
            swapped = {**{k: v for k, v in statement.body.items() if k != "Action"}, "NotAction": "iam:CreateUser"}
            yield Mutant(f"{statement.resource.logical_id}: allow all but one action", (Edit(statement.place, swapped),))
        for role in emitted.resources("AWS::IAM::Role"):
            place = role.property_place("ManagedPolicyArns")
            arns = [*as_list(role.properties.get("ManagedPolicyArns", [])), _ADMINISTRATOR]
            yield Mutant(f"{role.logical_id}: attach AdministratorAccess", (Edit(place, arns),))
            inline = {"PolicyName": "all", "PolicyDocument": _policy({"Effect": "Allow", "Action": "*", "Resource": "*"})}
            yield Mutant(f"{role.logical_id}: inline policy", (Edit(role.property_place("Policies"), [inline]),))
        document = _policy([{"Effect": "Allow", "Action": ["dynamodb:*"], "Resource": "*"}])
        yield extra(scope, "AWS::IAM::ManagedPolicy", {"PolicyDocument": document}, "add a policy that allows all of a service")


def is_star(resource: Json) -> bool:
    """Whether a Resource reaches beyond one account or names nothing: `*`, and ARNs with a wildcard before or in place of the resource."""
    text = text_of(resource)
    if text is None:
        return True
    bare = re.sub(r"\$\{[^}]*\}", "x", text)
    segments = bare.split(":", 5)
    if segments[0] != "arn" or len(segments) < 6:
        return bool(re.search(r"[*?]", bare)) and not re.fullmatch(r"x[\w/.:-]+[*]?|x/[*]", bare)
    return any(re.search(r"[*?]", segment) for segment in segments[1:5]) or not segments[5].strip("*?")


@dataclass(frozen=True, slots=True)
class ResourceStarListed(Question):
    kind: ClassVar[str] = "question.resource-star-listed"

    def sentence(self) -> str:
        return "every allowing statement whose Resource is `*` is listed with its reason, by Sid, in Metadata.Compliance.ResourceStar"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        allows = identity_allows(emitted)
        if not allows:
            yield self.nothing(scope, "no identity policy")
        starred: set[tuple[str, str, str]] = set()
        for statement in allows:
            listed = _listed(statement)
            sid = str(statement.body.get("Sid", ""))
            star = "NotResource" in statement.body or any(map(is_star, as_list(statement.body.get("Resource", "*"))))
            if star:
                starred.add((statement.resource.stack, statement.resource.logical_id, sid))
            place = statement.place.below("Resource") if "Resource" in statement.body else statement.place
            yield self.found(place, statement.body.get("Resource"), not star or (statement.readable and bool(listed.get(sid))))
        for resource in emitted.resources():
            for sid in resource.body.get("Metadata", {}).get("Compliance", {}).get("ResourceStar", {}):
                place = resource.place.below("Metadata", "Compliance", "ResourceStar", sid)
                yield self.found(place, sid, (resource.stack, resource.logical_id, sid) in starred, "every listed statement is there")

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for statement in identity_allows(emitted):
            name = statement.resource.logical_id
            if not _listed(statement).get(str(statement.body.get("Sid", ""))):
                for star in ("*", ["arn:*:s3:::*"]):
                    yield Mutant(f"{name}: widen Resource", (Edit(statement.place.below("Resource"), star),))
            elif "Sid" in statement.body:
                yield Mutant(f"{name}: drop the Sid", (Edit(statement.place.below("Sid"), REMOVE),))
        document = _policy({"Sid": "Unlisted", "Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:x"})
        yield extra(scope, "AWS::IAM::ManagedPolicy", {"PolicyDocument": document}, "add a policy on all resources but one")


def _listed(statement: PolicyStatement) -> Json:
    return statement.resource.body.get("Metadata", {}).get("Compliance", {}).get("ResourceStar", {})


@dataclass(frozen=True, slots=True)
class NoPublicPrincipal(Question):
    """Everyone is `*` in any form, a principal with a wildcard, or NotPrincipal."""

    kind: ClassVar[str] = "question.no-public-principal"

    def sentence(self) -> str:
        return "no policy allows everyone without a condition that binds the request to an account, an organisation or an ARN"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        empty = True
        for statement in policy_statements(emitted):
            if statement.is_identity or not statement.allows:
                continue
            empty = False
            if not statement.readable:
                yield self.found(statement.place, UNREADABLE, outcome=False)
                continue
            named = "Principal" in statement.body and not is_everyone(statement.body)
            place = statement.place.below("Principal") if "Principal" in statement.body else statement.place
            outcome = _chosen_principal(emitted, statement) if named else is_pinned(statement.body.get("Condition"))
            yield self.found(place, statement.body.get("Principal", statement.body.get("NotPrincipal")), outcome)
        for permission in emitted.resources("AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission"):
            empty = False
            principal = permission.properties.get("Principal")
            yield self.found(permission.property_place("Principal"), principal, isinstance(principal, str) and "*" not in principal)
        for bucket in emitted.resources("AWS::S3::Bucket"):
            if "AccessControl" in bucket.properties:
                acl = bucket.properties["AccessControl"]
                yield self.found(bucket.property_place("AccessControl"), acl, acl in ("Private", "BucketOwnerFullControl"))
        if empty:
            yield self.nothing(scope, "no policy names a principal", passes=True)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for statement in policy_statements(emitted):
            if statement.is_identity or not statement.allows or not statement.readable:
                continue
            name = statement.resource.logical_id
            bare = {key: value for key, value in statement.body.items() if key not in ("Principal", "NotPrincipal", "Condition")}
            for principal in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
                yield Mutant(f"{name}: allow {words(principal)}", (Edit(statement.place, {**bare, "Principal": principal}),))
            loose = {**bare, "Principal": "*", "Condition": {"StringLike": {"aws:SourceArn": "*"}}}
            yield Mutant(f"{name}: a condition that binds nothing", (Edit(statement.place, loose),))
            others = {**bare, "NotPrincipal": {"AWS": "arn:x"}}
            yield Mutant(f"{name}: allow all but one", (Edit(statement.place, others),))
        for permission in emitted.resources("AWS::Lambda::Permission"):
            yield Mutant(f"{permission.logical_id}: allow *", (Edit(permission.property_place("Principal"), "*"),))
        document = _policy({"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"})
        yield extra(scope, "AWS::SNS::TopicPolicy", {"PolicyDocument": document, "Topics": []}, "add a public topic policy")


def _chosen_principal(emitted: Emitted, statement: PolicyStatement) -> Outcome:
    """Conditional where a parameter names the principal and its pattern admits `*`."""
    for _, value in principals(statement.body["Principal"]):
        parameter = emitted.template_parameter(statement.resource.stack, referenced(value) or "")
        if parameter is not None:
            pattern = parameter.get("AllowedPattern")
            if pattern is None or re.fullmatch(pattern, "*"):
                return Outcome.CONDITIONAL
    return Outcome.PASSED


_WILDCARDS = ("*", "?", "a*", "a?", "arn:aws:kms:us-east-1:111122223333:key/*", "arn:aws:iam::111122223333:policy/*")
"""What a template parameter that a policy names has to refuse."""


@dataclass(frozen=True, slots=True)
class PolicyParametersBounded(Question):
    """A parameter whose pattern admits a wildcard widens the policy at deployment, behind every check of its text."""

    kind: ClassVar[str] = "question.policy-parameters-bounded"

    def sentence(self) -> str:
        return "every template parameter that a policy names refuses wildcards"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        named = _policy_parameters(emitted)
        for stack, name in named:
            parameter = emitted.template_parameter(stack, name)
            pattern, values = parameter.get("AllowedPattern"), parameter.get("AllowedValues", [])
            bounded = pattern is not None and not any(re.fullmatch(pattern, wildcard) for wildcard in _WILDCARDS)
            listed = bool(values) and not any(re.search(r"[*?]", str(value)) for value in values)
            yield self.found(Place(stack, ("Parameters", name)), pattern or values or "no pattern", bounded or listed)
        if not named:
            yield self.nothing(scope, "no policy names a parameter", passes=True)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for stack, name in _policy_parameters(emitted):
            place = Place(stack, ("Parameters", name, "AllowedPattern"))
            yield Mutant(f"{name}: remove its pattern", (Edit(place, REMOVE),))
            yield Mutant(f"{name}: admit everything", (Edit(place, ".*"),))
        document = _policy({"Effect": "Allow", "Principal": {"AWS": {"Ref": "ClaimstackMutant"}}, "Action": "sns:Publish", "Resource": "*"})
        topic = Edit(
            Place(scope.stack, ("Resources", "Unwanted")), {"Type": "AWS::SNS::TopicPolicy", "Properties": {"PolicyDocument": document}}
        )
        yield Mutant(
            "a policy for whoever is named", (Edit(Place(scope.stack, ("Parameters", "ClaimstackMutant")), {"Type": "String"}), topic)
        )


def _policy_parameters(emitted: Emitted) -> list[tuple[str, str]]:
    """(stack, template parameter) that policy statements name, each once."""
    found: dict[tuple[str, str], None] = {}
    for statement in policy_statements(emitted):
        stack = statement.resource.stack
        for name in _named(statement.body):
            if emitted.template_parameter(stack, name) is not None:
                found[stack, name] = None
    return list(found)


def _named(value: Json) -> Iterator[str]:
    """Names that Ref and Sub use below a value."""
    if isinstance(value, str):
        yield from re.findall(r"\$\{([A-Za-z0-9]+)\}", value)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Ref":
                yield str(item)
            yield from _named(item)
