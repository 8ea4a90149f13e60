"""Guides: how to deploy and how to run this one system, with the exact commands, for the people who do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from claimstack.controls.floors import floor
from claimstack.controls.rules import Timeframe, drift_detection, machine_verification
from claimstack.generator.config import Config
from claimstack.generator.documents.cloudformation.deployer_policy import (
    POLICY_LIMIT,
    render_deployer_policy,
    scp_actions,
    star_reasons,
    uncovered_types,
)
from claimstack.generator.documents.cloudformation.guide_views import (
    StackView,
    alarm_views,
    kept_views,
    left_behind,
    log_group_views,
    output_of,
    stack_views,
)
from claimstack.generator.documents.cloudformation.template_text import INLINE_LIMIT
from claimstack.generator.documents.markdown import fill_skeleton
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Answer, Evaluated
from claimstack.generator.resources.alarms import ALARMS
from claimstack.generator.resources.identity import client_logical_id
from claimstack.generator.resources.waf import COUNTED_RULES

SERVER: Final = "server"


def render_deploy_guide(evaluated: Evaluated) -> str:
    """From an empty account to a verified server, then updates, rollback, deletion, and how to take up again what deletion leaves."""
    kept = kept_views(evaluated)
    return fill_skeleton(
        "deploy.md.j2",
        **_common(evaluated),
        inline_limit=f"{INLINE_LIMIT:,}",
        policy_limit=f"{POLICY_LIMIT:,}",
        deployer_policies=list(render_deployer_policy(evaluated)),
        deployer_path=_deployer_path(evaluated),
        stars=star_reasons(evaluated),
        scp=_by_service(scp_actions(evaluated)),
        uncovered=uncovered_types(evaluated),
        kept=kept,
        kept_types=sorted({resource.type for resource in kept}),
        left_behind=left_behind(evaluated),
        passwords=_password_policy(evaluated),
        domain=evaluated.system.config.front_door.domain,
        server_parameters=evaluated.emitted.stacks[SERVER].get("Parameters", {}),
    )


def render_operations_guide(evaluated: Evaluated) -> str:
    """A runbook for each alarm of the templates, the duties that come back, and what is left to whom."""
    config = evaluated.system.config
    return fill_skeleton(
        "operations.md.j2",
        **_common(evaluated),
        alarms=alarm_views(evaluated),
        specs={spec.id: spec for spec in ALARMS},
        log_groups=log_group_views(evaluated, SERVER),
        counted=tuple(_counted(evaluated)),
        drift_detection=_every(drift_detection(config.class_)[1]),
        machine_verification=_machine_verification(config),
        retention_days=config.retention_days,
        retention_floor=floor("au-11").value,
        remains=_remains(evaluated.answers.values()),
        unclaimed=_unclaimed(evaluated.answers.values()),
    )


def _common(evaluated: Evaluated) -> dict[str, Any]:
    config = evaluated.system.config
    stacks = stack_views(evaluated)
    server = next(stack for stack in stacks if stack.name == SERVER)
    return {
        "config": config,
        "region": config.region,
        "partition": config.partition.name,
        "stacks": stacks,
        "server": server.deployed,
        "outputs": server.outputs,
        "types": {resource.type for resource in evaluated.emitted.resources()},
        "groups": {group.id: group.command for group in log_group_views(evaluated, SERVER)},
        "clients": tuple(_clients(evaluated, server)),
        "warnings": tuple(evaluated.system.warnings),
        "api": next((resource.logical_id for resource in evaluated.emitted.resources(*API_TYPES)), None),
    }


API_TYPES: Final = ("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi")


def _deployer_path(evaluated: Evaluated) -> str:
    """IAM path of the deployer's own policies: not that of the roles and policies which they let the deployer change."""
    return "/deployers/" if evaluated.system.config.organisation.role_path != "/deployers/" else "/deployer-policies/"


def _password_policy(evaluated: Evaluated) -> Json:
    """What the user pool asks of passwords; empty without a pool."""
    pools = evaluated.emitted.resources("AWS::Cognito::UserPool")
    return next((pool.properties.get("Policies", {}).get("PasswordPolicy", {}) for pool in pools), {})


def _clients(evaluated: Evaluated, server: StackView) -> Iterator[dict[str, str]]:
    """Every confidential client: the consumer it is for, and the output that holds its id."""
    consumers = {client_logical_id(consumer): consumer for consumer in evaluated.system.config.auth.consumers}
    for client in evaluated.emitted.resources("AWS::Cognito::UserPoolClient"):
        output = output_of(evaluated.emitted.stacks[client.stack], {"Ref": client.logical_id})
        if client.stack == server.name and client.properties.get("GenerateSecret") is True and output is not None:
            yield {"consumer": consumers.get(client.logical_id, client.logical_id), "output": output}


def _counted(evaluated: Evaluated) -> Iterator[dict[str, str]]:
    """Every rule of a managed group that only counts, with the reason; one that nobody gave a reason for says so."""
    for acl in evaluated.emitted.resources("AWS::WAFv2::WebACL"):
        for rule in acl.properties.get("Rules", []):
            group = rule.get("Statement", {}).get("ManagedRuleGroupStatement", {})
            for override in group.get("RuleActionOverrides", []):
                if "Count" in override.get("ActionToUse", {}):
                    name = str(override["Name"])
                    yield {"group": str(group["Name"]), "name": name, "reason": COUNTED_RULES.get(name, "No reason is on record.")}


def _every(interval: Timeframe) -> str:
    return f"every {str(interval).removeprefix('1 ')}"


def _machine_verification(config: Config) -> str:
    rule, interval = machine_verification(config.class_, config.certification)
    at_least = "at least " if config.certification == "20x" else ""
    return f"{at_least}{_every(interval)} (a {rule.force[config.class_].lower()})"


def _by_service(actions: Iterable[str]) -> dict[str, list[str]]:
    services: dict[str, list[str]] = {}
    for action in actions:
        service, _, name = action.partition(":")
        services.setdefault(service, []).append(name)
    return services


def _remains(answers: Iterable[Answer]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Heading → what is left to do, with the points that it is left for; of points that the system makes claims about."""
    found: dict[str, dict[str, list[str]]] = {}
    for answer in answers:
        for remainder in answer.remains if answer.claims else ():
            points = found.setdefault(remainder.who, {}).setdefault(remainder.what, [])
            if answer.point.id not in points:
                points.append(answer.point.id)
    return [(party.title, list(found[who].items())) for who, party in PARTIES.items() if who in found]


def _unclaimed(answers: Iterable[Answer]) -> list[tuple[str, int]]:
    """Status → how many points of the class it stands for, of those that no claim answers."""
    counted: dict[str, int] = {}
    for answer in answers:
        if not answer.claims and not answer.supplemental:
            counted[answer.status.value] = counted.get(answer.status.value, 0) + 1
    return sorted(counted.items())
