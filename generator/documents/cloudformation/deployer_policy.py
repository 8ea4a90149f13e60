"""Deployer policy: the least that the role of the pipeline needs to deploy, update and delete the stacks of one system."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from claimstack.generator.config import Config
from claimstack.generator.documents.cloudformation.deployer_grants import GRANTS, STACKS, TEMPLATES, Grant
from claimstack.generator.emitted import Json, words
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.questions.reading import allowed_actions
from claimstack.generator.resources.key import filled, key_consumers
from claimstack.generator.resources.placeholders import ACCOUNT_PLACEHOLDER, BOUNDARY_PLACEHOLDER, KEY_PLACEHOLDER, pseudo_parameters

POLICY_LIMIT = 6_144
"""Characters without white space that a managed policy takes; a role takes ten such policies (IAM quotas)."""


def render_deployer_policy(evaluated: Evaluated) -> Json:
    """Managed policies for the role that deploys, by name: `<system>-deployer-1` and on, as many as IAM's size limit asks for.

    `*` is a resource only where AWS offers nothing narrower; `star_reasons` says why.
    """
    parts: list[list[Json]] = [[]]
    for statement in deployer_statements(evaluated):
        if parts[-1] and _size([*parts[-1], statement]) > POLICY_LIMIT:
            parts.append([])
        parts[-1].append(statement)
    return {f"{evaluated.system.config.name}-deployer-{number}": _document(part) for number, part in enumerate(parts, start=1)}


def deployer_statements(evaluated: Evaluated) -> list[Json]:
    """Every statement of the deployer's policies, each with a Sid of its own."""
    own_key = any(evaluated.emitted.resources("AWS::KMS::Key"))
    grants = [*_needed(evaluated), *_key_grants(evaluated.system.config, _key(own=own_key))]
    return [_statement(grant, evaluated) for grant in grants]


def _document(statements: list[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": statements}


def _size(statements: list[Json]) -> int:
    return len(json.dumps(_document(statements), separators=(",", ":")))


def star_reasons(evaluated: Evaluated) -> Mapping[str, str]:
    """Sid of each statement whose resource is `*` → the reason."""
    return {grant.sid: grant.because for grant in _needed(evaluated) if grant.resources == ("*",)}


def uncovered_types(evaluated: Evaluated) -> tuple[str, ...]:
    """Resource types, as an extension may bring them, for which the team has to add the deployer's actions itself."""
    covered = {type_ for grant in GRANTS for type_ in grant.types}
    return tuple(sorted({resource.type for resource in evaluated.emitted.resources()} - covered))


def scp_actions(evaluated: Evaluated) -> tuple[str, ...]:
    """API actions that no service control policy may deny: those of the deployer, and those that roles of the system are allowed."""
    of_deployer = {action for statement in deployer_statements(evaluated) for action in statement["Action"]}
    return tuple(sorted(of_deployer.union(allowed_actions(evaluated.emitted))))


def _needed(evaluated: Evaluated) -> tuple[Grant, ...]:
    types = {resource.type for resource in evaluated.emitted.resources()}
    not_for = not evaluated.system.config.organisation.permissions_boundary
    return (STACKS, TEMPLATES, *(grant for grant in GRANTS if types.intersection(grant.types) and grant.boundary is not not_for))


def _key(*, own: bool) -> str:
    """The key's ARN: of an own key only the account is known beforehand."""
    return "arn:{partition}:kms:{region}:{account}:key/*" if own else KEY_PLACEHOLDER


def _key_grants(config: Config, key: str) -> Iterator[Grant]:
    """What the deployer asks of the key through the services that it deploys."""
    consumers = [consumer for consumer in key_consumers(config) if consumer.id.startswith("deployer-")]
    services = sorted({consumer.context["kms:ViaService"] for consumer in consumers})
    granting = sorted({consumer.context["kms:ViaService"] for consumer in consumers if "kms:CreateGrant" in consumer.actions})
    asked = {action for consumer in consumers for action in consumer.actions}
    use = tuple(sorted(action for action in asked if not action.endswith("Grant")))
    yield Grant("UseKeyThroughServices", (), use, (key,), {"StringEquals": {"kms:ViaService": services}})
    only = {"StringEquals": {"kms:ViaService": granting}, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    yield Grant("GrantKeyToServices", (), ("kms:CreateGrant",), (key,), only)
    revoking = tuple(sorted(asked.intersection({"kms:RetireGrant", "kms:RevokeGrant"})))
    if revoking:
        yield Grant("EndKeyGrants", (), revoking, (key,), {"StringEquals": {"kms:ViaService": granting}})


def _statement(grant: Grant, evaluated: Evaluated) -> Json:
    config = evaluated.system.config
    resources = [resource for text in grant.resources for resource in (_log_groups(evaluated) if text == "{log_groups}" else [text])]
    statement: Json = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Action": list(grant.actions),
        "Resource": resources[0] if len(resources) == 1 else resources,
    }
    if grant.condition:
        statement["Condition"] = dict(grant.condition)
    places = {
        "{partition}": config.partition.name,
        "{region}": config.region,
        "{account}": ACCOUNT_PLACEHOLDER,
        "{name}": config.name,
        "{path}": config.organisation.role_path,
        "{boundary}": BOUNDARY_PLACEHOLDER,
        **pseudo_parameters(config),
    }
    return filled(statement, places)


def _log_groups(evaluated: Evaluated) -> list[str]:
    """ARNs of the emitted log groups; where a part of a name is known only at deployment, `*` stands for it."""
    name = evaluated.system.config.name
    found = []
    for group in evaluated.emitted.resources("AWS::Logs::LogGroup"):
        text = words(group.properties.get("LogGroupName", "*")).replace("${AWS::StackName}", f"{name}-{group.stack}")
        known = "*".join(part.partition("}")[2] if index else part for index, part in enumerate(text.split("${")))
        found.append(f"arn:{{partition}}:logs:{{region}}:{{account}}:log-group:{known}:*")
    return found
