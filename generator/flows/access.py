"""Access: flows that policies admit, of roles to services, of services to resources, and of services to the encryption key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from claimstack.generator.emitted import Emitted, Json, Place, Resource
from claimstack.generator.flows.landscape import ACCOUNT, INTERNET, TLS_UNKNOWN, Landscape, joined, unquoted
from claimstack.generator.flows.sighting import Sighting, within_aws
from claimstack.generator.questions.reading import (
    PolicyStatement,
    as_list,
    as_mapping,
    identity_allows,
    policy_statements,
    principals,
    referenced_resource,
    text_of,
)
from claimstack.generator.resources.role import INTERFACE_ACTIONS

_POLICIES = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
_OF_THE_PLATFORM = frozenset(
    {
        *INTERFACE_ACTIONS,
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Calls that Lambda itself makes with a function's role (placement, log group, traces): neither the SDK's settings nor the function's
network reach them. https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""

_ACTIONS_TOLD = 6


def statement_flows(land: Landscape) -> Iterator[Sighting]:
    for statement in identity_allows(land.emitted):
        for role in _roles_of(land, statement.resource):
            for user, actor in _users_of(land, role):
                yield from _calls(land, statement, user, actor)
    for role in land.emitted.resources("AWS::IAM::Role"):
        for index, arn in enumerate(as_list(role.properties.get("ManagedPolicyArns", []))):
            if referenced_resource(land.emitted, role.stack, arn, "AWS::IAM::ManagedPolicy") is None:
                for user, _ in _users_of(land, role):
                    purpose = f"Whatever the policy {unquoted(arn)} allows; it is not in the templates"
                    yield Sighting(user, land.service("any"), purpose, (role.property_place("ManagedPolicyArns", index),), unquoted(arn))


def _roles_of(land: Landscape, policy: Resource) -> list[Resource]:
    if policy.type == "AWS::IAM::Role":
        return [policy]
    named = as_list(policy.properties.get("Roles", policy.properties.get("RoleName", [])))
    found = [role for value in named if (role := referenced_resource(land.emitted, policy.stack, value, "AWS::IAM::Role"))]
    for role in land.emitted.resources("AWS::IAM::Role"):
        arns = as_list(role.properties.get("ManagedPolicyArns", []))
        if role.stack == policy.stack and any(referenced_resource(land.emitted, role.stack, arn, *_POLICIES) == policy for arn in arns):
            found.append(role)
    return found


def _users_of(land: Landscape, role: Resource) -> list[tuple[str, Resource | None]]:
    """(end, resource) for whatever acts with a role; the role's own end where no resource does."""
    found: dict[str, Resource | None] = {}
    for resource in land.emitted.resources():
        for key in ("Role", "RoleArn", "CloudWatchRoleArn", "ServiceRole", "ExecutionRoleArn"):
            if key in resource.properties and land.target(resource.stack, resource.properties[key]) == role:
                found[land.owner(resource)] = resource
    return list(found.items()) or [(land.owner(role), None)]


def _calls(land: Landscape, statement: PolicyStatement, user: str, actor: Resource | None) -> Iterator[Sighting]:
    """Calls of a function's code go over its network; what another resource has a role for, its service does within AWS."""
    why = statement.resource.properties.get("Description", statement.body.get("Sid", statement.resource.logical_id))
    if not statement.readable or "NotAction" in statement.body:
        yield Sighting(
            user, land.service("any"), "A policy that cannot be read in the template", (statement.place,), statement.place.pointer
        )
        return
    by_service: dict[str, list[str]] = {}
    for action in statement.actions:
        prefix = str(action).partition(":")[0] if isinstance(action, str) else "any"
        by_service.setdefault(prefix if prefix != "*" else "any", []).append(unquoted(action))
    via = _via(statement.body.get("Condition"))
    for prefix, actions in by_service.items():
        purpose = f"{unquoted(why).rstrip('.')}: {joined(actions)}{via}"
        is_function = actor is not None and actor.type == "AWS::Lambda::Function"
        for target in _resources(land, statement, prefix):
            if target == user:
                continue
            if is_function and _OF_THE_PLATFORM.issuperset(actions):
                yield within_aws(land.service("lambda"), target, purpose, statement.place, detail=prefix)
            elif via or not (actor is None or is_function):
                yield within_aws(user, target, purpose, statement.place, detail=prefix)
            else:
                yield Sighting(user, target, purpose, (statement.place,), prefix, encryption=_of_calls(actor, prefix))


def _via(condition: Json) -> str:
    """The services that must make the call on behalf of whoever acts with the role (condition kms:ViaService)."""
    services = [unquoted(each) for tests in as_mapping(condition).values() for each in as_list(as_mapping(tests).get("kms:ViaService", []))]
    return f", by way of {joined(service.partition('.')[0] for service in services)}" if services else ""


def _resources(land: Landscape, statement: PolicyStatement, prefix: str) -> list[str]:
    """The ends that the resources of a statement name; the service where they name none."""
    found: dict[str, None] = {}
    for value in as_list(statement.body.get("Resource", "*")):
        target = land.target(statement.resource.stack, value)
        text = text_of(value) or ""
        if isinstance(target, Resource):
            found[land.owner(target)] = None
        elif isinstance(target, str) and (text == "${" + target + "}" or re.search(r":\$\{" + target + r"\}(/|$)", text)):
            found[land.given(target)] = None
        else:
            found[land.service(prefix)] = None
    return list(found)


def _of_calls(function: Resource | None, prefix: str) -> str:
    """What the environment of a function asks of the AWS SDK for calls to a service; its keys Lambda uses as well."""
    if function is None or prefix == "kms":
        return TLS_UNKNOWN
    variables = as_mapping(as_mapping(function.properties.get("Environment")).get("Variables"))
    for name, value in variables.items():
        if name.startswith("AWS_ENDPOINT_URL_") and name.removeprefix("AWS_ENDPOINT_URL_").replace("_", "").lower() == prefix.replace(
            "-", ""
        ):
            return f"TLS to {unquoted(value)}, the address that {name} sets; version policy not in the template"
    if str(variables.get("AWS_USE_FIPS_ENDPOINT", "")).lower() == "true":
        return "TLS to the FIPS endpoint of the service, which AWS_USE_FIPS_ENDPOINT asks for; version policy not in the template"
    return TLS_UNKNOWN


def resource_policy_flows(land: Landscape) -> Iterator[Sighting]:
    """Endpoint policies are read with their endpoints, trust policies with roles."""
    for statement in policy_statements(land.emitted):
        if statement.is_identity or not statement.allows or statement.resource.type == "AWS::EC2::VPCEndpoint":
            continue
        target = _protected(land, statement)
        if not statement.readable:
            yield Sighting(
                land.outside(INTERNET), target, "A policy that cannot be read in the template", (statement.place,), statement.place.pointer
            )
            continue
        actions = _told([unquoted(action) for action in statement.actions]) or "an exception of actions"
        sid = unquoted(statement.body.get("Sid", statement.resource.logical_id))
        for kind, value in principals(statement.body.get("Principal", "*" if "NotPrincipal" in statement.body else [])):
            source, internal = _principal(land, statement, kind, value)
            detail = "" if statement.is_trust else sid
            if source != target and internal:
                yield within_aws(source, target, f"{sid}: {actions}", statement.place, detail=detail)
            elif source != target:
                yield Sighting(source, target, f"{sid}: {actions}", (statement.place,), detail)


def _told(actions: list[str]) -> str:
    """The first actions of a statement; the rest stands where the flow points."""
    more = len(actions) - _ACTIONS_TOLD
    return joined(actions) if more <= 1 else f"{joined(actions[:_ACTIONS_TOLD])} and {more} more"


def _principal(land: Landscape, statement: PolicyStatement, kind: str, value: Json) -> tuple[str, bool]:
    """(end, whether a service of AWS calls)."""
    text = text_of(value) or ""
    if kind == "Service":
        return land.service(text.partition(".")[0]), True
    if kind == "AWS" and "${AWS::AccountId}" in text:
        return land.outside(ACCOUNT), False
    found = land.resolve(statement.resource.stack, value)
    return found or land.outside(INTERNET), False


def _protected(land: Landscape, statement: PolicyStatement) -> str:
    """The end that a resource policy protects: what it is attached to, else its own resource."""
    properties = statement.resource.properties
    for key in ("Topics", "Queues", "Bucket", "SecretId", "ResourceArn"):
        for value in as_list(properties.get(key, [])):
            found = land.resolve(statement.resource.stack, value)
            if found is not None:
                return found
    return land.owner(statement.resource)


def key_flows(land: Landscape) -> Iterator[Sighting]:
    for resource, place, value in key_places(land.emitted):
        target = land.resolve(resource.stack, value) or land.service("kms")
        source = land.owner(resource)
        if source != target:
            purpose = "Encrypts what is stored with data keys of the key"
            yield within_aws(source, target, purpose, place)


def key_places(emitted: Emitted) -> Iterator[tuple[Resource, Place, Json]]:
    """(resource, place, key) of every property of a resource that names a KMS key."""
    for resource in emitted.resources():
        if not resource.type.startswith(("AWS::KMS::", "AWS::IAM::")):
            for place, value in _keys(resource.properties, resource.property_place()):
                yield resource, place, value


def _keys(value: Json, place: Place) -> Iterator[tuple[Place, Json]]:
    """Every property whose name says that it holds a KMS key."""
    if isinstance(value, dict):
        for key, item in value.items():
            if re.fullmatch(r"(?i)kms(master)?key(id|arn|)", key) and not isinstance(item, bool):
                yield place.below(key), item
            elif key not in ("PolicyDocument", "Variables"):
                yield from _keys(item, place.below(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _keys(item, place.below(index))
