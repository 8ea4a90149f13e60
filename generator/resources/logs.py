"""Log groups: encrypted, retained records of what the server did."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from troposphere import Ref, Sub, logs

from claimstack.controls.floors import floor
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.expressions import attribute, every, prop
from claimstack.generator.resources.arns import KEY_ARN, arn_pattern, example_arn
from claimstack.generator.system import Stack

AUDIT_LOG = Component("audit-log", "Audit log", "Encrypted, retained record of every call to the MCP server.")

STACK_NAME = "${AWS::StackName}"


@dataclass(frozen=True, slots=True)
class LogGroupName:
    """A log group of the server stack. It has a physical name since the key policy names it, and since services ask for prefixes."""

    logical_id: str
    name: str
    holds: str
    built: Callable[[Config], bool] = lambda config: True  # noqa: ARG005 - one signature for the table


LOG_GROUPS = (
    LogGroupName("AuditLog", f"/claimstack/{STACK_NAME}/audit", "application log and audit records of the function"),
    # Below /aws/vendedlogs/ a delivery adds nothing to the account's log resource policy, which may hold 5,120 characters
    # (CloudWatch Logs user guide, "Enable logging from AWS services").
    LogGroupName("AccessLog", f"/aws/vendedlogs/claimstack/{STACK_NAME}/access", "access log of the front door"),
    # A web ACL logs to groups with this prefix only (AWS WAF developer guide, "Logging destinations").
    LogGroupName("WafLog", f"aws-waf-logs-{STACK_NAME}", "log of the web ACL", lambda config: config.front_door.waf),
    # API Gateway would make this group by itself, without key and retention, at the first error it has to report.
    LogGroupName(
        "ExecutionLog",
        "API-Gateway-Execution-Logs_${RestApi}/live",
        "errors of API Gateway itself",
        lambda config: config.front_door.type == "rest-api",
    ),
)

LOG_DESTINATION_ARN = arn_pattern("logs", "destination:[^:*]{1,512}")


def built_log_groups(config: Config) -> tuple[LogGroupName, ...]:
    """The log groups that a configuration builds."""
    return tuple(group for group in LOG_GROUPS if group.built(config))


def log_group_names(config: Config) -> dict[str, str]:
    """Logical id → name of the log groups that a configuration builds, in a server stack of the agreed name.

    `*` stands for the id of an API, which is known only once it exists.
    """
    places = {STACK_NAME: f"{config.name}-server", "${RestApi}": "*"}
    names = {group.logical_id: group.name for group in built_log_groups(config)}
    return {logical_id: re.sub(r"\$\{[^}]+\}", lambda found: places[found[0]], name) for logical_id, name in names.items()}


def add_audit_log(stack: Stack, key_arn: Any) -> logs.LogGroup:
    """The log group of the function: application log and audit records."""
    return _add_named(stack, "AuditLog", key_arn)


def add_access_log(stack: Stack, key_arn: Any) -> logs.LogGroup:
    """The log group of the front door."""
    return _add_named(stack, "AccessLog", key_arn)


def add_waf_log(stack: Stack, key_arn: Any) -> logs.LogGroup:
    """The log group of the web ACL."""
    return _add_named(stack, "WafLog", key_arn)


def add_execution_log(stack: Stack, key_arn: Any) -> logs.LogGroup:
    """The log group that API Gateway writes its own errors to (REST API)."""
    return _add_named(stack, "ExecutionLog", key_arn)


def _add_named(stack: Stack, logical_id: str, key_arn: Any) -> logs.LogGroup:
    name = next(group.name for group in LOG_GROUPS if group.logical_id == logical_id)
    return add_log_group(stack, logical_id, name, key_arn)


def add_log_group(stack: Stack, logical_id: str, name: str, key_arn: Any) -> logs.LogGroup:
    """An encrypted log group with the retention of the control parameter AU-11; `name` may hold ${AWS::StackName}.

    With a log archive of the organisation its records are forwarded there.
    """
    # A group of class DELIVERY keeps records for two days, whatever its retention says.
    standard = every(logs.LogGroup).prop("LogGroupClass").absent()
    group = stack.add(
        AUDIT_LOG,
        logs.LogGroup(
            logical_id,
            LogGroupName=Sub(name) if "${" in name else name,
            RetentionInDays=stack.config.retention_days,
            KmsKeyId=key_arn,
            DeletionProtectionEnabled=True,
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        Claim(
            "au-11_smt",
            "Audit records stay available for at least thirty months.",
            every(logs.LogGroup).prop("RetentionInDays").at_least(floor("au-11")),
            standard,
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
        ),
        Claim(
            "au-4_smt",
            "The log group drops records by age alone, and not before thirty months have passed.",
            every(logs.LogGroup).prop("RetentionInDays").at_least(floor("au-11")),
            standard,
        ),
        Claim(
            "sc-28_smt",
            "Audit records are encrypted at rest with the key given as KeyArn.",
            every(logs.LogGroup).prop("KmsKeyId").equals(key_arn),
            every(logs.LogGroup).prop("KmsKeyId").matches(KEY_ARN),
        ),
        Claim(
            "sc-28.1_smt",
            "The log group is encrypted with the key given as KeyArn, under the name by which a key policy can tell it from others.",
            every(logs.LogGroup).prop("KmsKeyId").equals(key_arn),
            prop("LogGroupName").equals(Sub(name) if "${" in name else name),
            meets=("sc-28.1_obj-1",),
        ),
        Claim(
            "au-9_smt.a",
            "The log group refuses deletion until its protection is lifted, and no stack change destroys it.",
            every(logs.LogGroup).prop("DeletionProtectionEnabled").is_true(),
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
        ),
    )
    if stack.config.organisation.log_archive:
        _forward(stack, group)
    return group


def _forward(stack: Stack, group: logs.LogGroup) -> logs.SubscriptionFilter:
    """Forward every record to the organisation's archive. A destination brings its own access policy, so that no role is needed."""
    destination = stack.parameter(
        "LogDestinationArn",
        "ARN of the CloudWatch Logs destination of the organisation's log archive.",
        example=example_arn(stack.config, "logs", "destination:log-archive"),
        AllowedPattern=LOG_DESTINATION_ARN,
        ConstraintDescription="must be the ARN of a CloudWatch Logs destination, such as arn:…:logs:…:destination:log-archive",
    )
    return stack.add(
        AUDIT_LOG,
        logs.SubscriptionFilter(
            f"{group.title}Archive",
            LogGroupName=Ref(group),
            DestinationArn=destination,
            FilterPattern="",
        ),
        Claim(
            "au-4.1_smt",
            "Every record of the log group is sent on to the organisation's log archive as it arrives.",
            prop("LogGroupName").equals(Ref(group)),
            prop("DestinationArn").equals(destination),
            prop("DestinationArn").matches(LOG_DESTINATION_ARN),
            prop("FilterPattern").equals(""),
        ),
    )
