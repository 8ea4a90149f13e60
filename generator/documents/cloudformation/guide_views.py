"""Guide views: what the guides say of stacks, kept resources and alarms, read from the emitted templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from claimstack.generator.build import FEEDS, Feed
from claimstack.generator.documents.cloudformation.template_text import fits_inline, template_text
from claimstack.generator.emitted import Json, Resource, words
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.questions.reading import references
from claimstack.generator.resources.logs import LOG_GROUPS

IMPORT_IDENTIFIERS: Final = {
    "AWS::Cognito::UserPool": "UserPoolId",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::IAM::ManagedPolicy": "PolicyArn",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Key": "KeyId",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicArn",
    "AWS::SQS::Queue": "QueueUrl",
    "AWS::SecretsManager::Secret": "Id",
}
"""Type → the one property by which CloudFormation imports a resource; for each of these it equals the physical id.

Source: `primaryIdentifier` of the resource schemas. `AWS::ApiGateway::Account` is left out on purpose: its identifier is made up by
CloudFormation, and making the setting anew does the same.
"""

SET_AFTER_IMPORT: Final = ("RepositoryPolicyText", "ResourcePolicy", "ResourcePolicyDocument")
"""Optional properties that an import can do without, since the update after it sets them."""

PHYSICAL_NAMES: Final = (
    "AliasName", "BucketName", "FunctionName", "LogGroupName", "Name", "QueueName", "RepositoryName", "RoleName", "TableName", "TopicName",
)  # fmt: skip
"""Properties that give a resource a name of its own, which no second resource can take."""

IAM_NAMES: Final = ("GroupName", "InstanceProfileName", "ManagedPolicyName", "RoleName", "UserName")
"""Properties of IAM resources that ask for CAPABILITY_NAMED_IAM."""


@dataclass(frozen=True, slots=True)
class ParameterView:
    name: str
    description: str
    fed_by: Feed | None


@dataclass(frozen=True, slots=True)
class StackView:
    """One stack as it is deployed."""

    name: str
    deployed: str
    """Name of the CloudFormation stack."""
    size: str
    """Bytes of the template file, with thousands separators."""
    inline: bool
    capability: str | None
    parameters: tuple[ParameterView, ...]
    outputs: frozenset[str]

    @property
    def feeds(self) -> tuple[Feed, ...]:
        return tuple(parameter.fed_by for parameter in self.parameters if parameter.fed_by is not None)

    @property
    def own_parameters(self) -> tuple[ParameterView, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.fed_by is None)


@dataclass(frozen=True, slots=True)
class KeptView:
    """A resource that stays when its stack is deleted."""

    stack: str
    logical_id: str
    type: str
    protected: bool
    """Whether it refuses deletion until its protection is lifted."""
    name: str | None
    """Its physical name where the template fixes it: a new stack of the same name cannot make a second one."""
    identifier: str | None
    """Property to import it by; None where it cannot be taken up by import."""
    set_later: tuple[str, ...]
    """Policies that name what is gone with the stack: left out of an import, set by the update after it."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What a stack leaves when it is deleted."""

    stack: StackView
    kept: tuple[KeptView, ...]

    @property
    def importable(self) -> tuple[KeptView, ...]:
        return tuple(resource for resource in self.kept if resource.identifier is not None)

    @property
    def identifiers(self) -> dict[str, str | None]:
        """Type → property to import by."""
        return {resource.type: resource.identifier for resource in self.importable}


@dataclass(frozen=True, slots=True)
class LogGroupView:
    id: str
    name: str | None
    """None where AWS makes up a part of it."""
    command: str
    """Shell substitution for its name."""
    holds: str


@dataclass(frozen=True, slots=True)
class AlarmView:
    stack: str
    id: str
    namespace: str
    metric: str
    statistic: str
    """What is compared with the threshold: a statistic of the metric, or an expression over it."""
    threshold: str
    period: int
    periods: int
    description: str


def stack_views(evaluated: Evaluated) -> tuple[StackView, ...]:
    """In the order of deployment."""
    present = evaluated.emitted.stacks
    return tuple(
        StackView(
            name=name,
            deployed=deployed(evaluated, name),
            size=f"{len(text.encode()):,}",
            inline=fits_inline(text),
            capability=_capability(template),
            parameters=tuple(
                ParameterView(parameter, str(body.get("Description", "")), _feed(name, parameter, present))
                for parameter, body in template.get("Parameters", {}).items()
            ),
            outputs=frozenset(template.get("Outputs", {})),
        )
        for name, template in present.items()
        for text in (template_text(template),)
    )


def deployed(evaluated: Evaluated, stack: str) -> str:
    return f"{evaluated.system.config.name}-{stack}"


def kept_views(evaluated: Evaluated) -> tuple[KeptView, ...]:
    """Resources with a DeletionPolicy that keeps them, in the order of their stacks."""
    kept = tuple(resource for resource in evaluated.emitted.resources() if _is_kept(resource))
    importable = _importable(evaluated, kept)
    return tuple(
        KeptView(
            stack=resource.stack,
            logical_id=resource.logical_id,
            type=resource.type,
            protected=_is_protected(resource),
            name=_name(evaluated, resource),
            identifier=IMPORT_IDENTIFIERS[resource.type] if resource.logical_id in importable[resource.stack] else None,
            set_later=tuple(
                name
                for name in SET_AFTER_IMPORT
                if _dangling(resource.properties.get(name), evaluated.emitted.stacks[resource.stack], importable[resource.stack])
            ),
        )
        for resource in kept
    )


def left_behind(evaluated: Evaluated) -> tuple[LeftBehind, ...]:
    """Stacks that leave something behind, in the order of deployment."""
    kept = kept_views(evaluated)
    found = (LeftBehind(stack, tuple(resource for resource in kept if resource.stack == stack.name)) for stack in stack_views(evaluated))
    return tuple(left for left in found if left.kept)


def alarm_views(evaluated: Evaluated) -> tuple[AlarmView, ...]:
    return tuple(_alarm(resource) for resource in evaluated.emitted.resources("AWS::CloudWatch::Alarm"))


def log_group_views(evaluated: Evaluated, stack: str) -> tuple[LogGroupView, ...]:
    """The log groups of a stack: by output where there is one, so that no command depends on how a name is made."""
    template, stack_name = evaluated.emitted.stacks[stack], deployed(evaluated, stack)
    holds = {group.logical_id: group.holds for group in LOG_GROUPS}
    found = []
    for group in evaluated.emitted.resources("AWS::Logs::LogGroup"):
        if group.stack == stack:
            id_ = group.logical_id
            output = output_of(template, {"Ref": id_})
            command = f"$(output {stack_name} {output})" if output else f"$(physical {stack_name} {id_})"
            name = literal(group.properties.get("LogGroupName"), stack_name, evaluated)
            found.append(LogGroupView(id_, name, command, holds.get(id_, f"see `{id_}` in the template")))
    return tuple(found)


def output_of(template: Json, value: Json) -> str | None:
    """The output of a template that holds this value."""
    return next((name for name, output in template.get("Outputs", {}).items() if output["Value"] == value), None)


def literal(value: Json, stack_name: str, evaluated: Evaluated) -> str | None:
    """A text of the template as it will be in the deployed stack; the account is `$ACCOUNT`, as the guides' commands call it.

    None where something else is only known after deployment.
    """
    config = evaluated.system.config
    if isinstance(value, dict) and isinstance(value.get("Fn::Sub"), str):
        value = value["Fn::Sub"]
    elif value == {"Ref": "AWS::StackName"}:
        value = stack_name
    if not isinstance(value, str):
        return None
    places = {"StackName": stack_name, "Region": config.region, "Partition": config.partition.name, "AccountId": "$ACCOUNT"}
    for pseudo, text in places.items():
        value = value.replace(f"${{AWS::{pseudo}}}", text)
    return None if "${" in value else value


def _feed(stack: str, parameter: str, present: Any) -> Feed | None:
    return next((feed for feed in FEEDS if (feed.to_stack, feed.parameter) == (stack, parameter) and feed.from_stack in present), None)


def _capability(template: Json) -> str | None:
    iam = [body for body in template["Resources"].values() if body["Type"].startswith("AWS::IAM::")]
    if any(name in body.get("Properties", {}) for body in iam for name in IAM_NAMES):
        return "CAPABILITY_NAMED_IAM"
    return "CAPABILITY_IAM" if iam else None


def _is_kept(resource: Resource) -> bool:
    return str(resource.body.get("DeletionPolicy", "")).startswith("Retain")


def _is_protected(resource: Resource) -> bool:
    return resource.properties.get("DeletionProtectionEnabled") is True or resource.properties.get("DeletionProtection") == "ACTIVE"


def _name(evaluated: Evaluated, resource: Resource) -> str | None:
    stack_name = deployed(evaluated, resource.stack)
    names = (literal(resource.properties[name], stack_name, evaluated) for name in PHYSICAL_NAMES if name in resource.properties)
    return next((name for name in names if name is not None), None)


def _importable(evaluated: Evaluated, kept: tuple[Resource, ...]) -> dict[str, set[str]]:
    """Stack → kept resources that an import can take: of a known type, and in need of nothing that is no longer there.

    An import makes nothing, so that a template for it may hold only resources that exist.
    """
    found: dict[str, set[str]] = {name: set() for name in evaluated.emitted.stacks}
    for resource in kept:
        if resource.type in IMPORT_IDENTIFIERS:
            found[resource.stack].add(resource.logical_id)
    for stack, ids in found.items():
        template = evaluated.emitted.stacks[stack]
        while lost := {logical_id for logical_id in ids if _dangling(_without_policies(template["Resources"][logical_id]), template, ids)}:
            ids -= lost
    return found


def _dangling(value: Json, template: Json, present: set[str]) -> bool:
    """Whether a value names a resource of the template that is not present."""
    return any(name in template["Resources"] and name not in present for name in references(value))


def _without_policies(body: Json) -> Json:
    return {**body, "Properties": {name: value for name, value in body.get("Properties", {}).items() if name not in SET_AFTER_IMPORT}}


def _alarm(resource: Resource) -> AlarmView:
    properties = resource.properties
    queries = properties.get("Metrics", [])
    stat: Json = next((query["MetricStat"] for query in queries if "MetricStat" in query), {})
    metric = stat.get("Metric", properties)
    expression = next((words(query["Expression"]) for query in queries if "Expression" in query), None)
    return AlarmView(
        stack=resource.stack,
        id=resource.logical_id,
        namespace=str(metric.get("Namespace", "")),
        metric=str(metric.get("MetricName", "")),
        statistic=f"`{expression}`" if expression else str(properties.get("ExtendedStatistic", properties.get("Statistic", ""))),
        threshold=f"{properties['Threshold']:g}" if isinstance(properties.get("Threshold"), int | float) else "",
        period=int(stat.get("Period", properties.get("Period", 0))),
        periods=int(properties.get("EvaluationPeriods", 0)),
        description=str(properties.get("AlarmDescription", "")),
    )
