"""Log groups: encrypted, retained records of what the server did."""

from __future__ import annotations

from typing import Any

from troposphere import Sub, logs

from claimstack.controls.floors import floor
from claimstack.generator.claims import Claim, Component
from claimstack.generator.expressions import attribute, every, none_exists, prop
from claimstack.generator.system import Stack

AUDIT_LOG = Component("audit-log", "Audit log", "Encrypted, retained record of every call to the MCP server.")


def add_log_group(stack: Stack, logical_id: str, name: str, key_arn: Any) -> logs.LogGroup:
    """An encrypted log group with the retention of the control parameter AU-11; `name` may hold ${AWS::StackName}."""
    return stack.add(
        AUDIT_LOG,
        logs.LogGroup(
            logical_id,
            LogGroupName=Sub(name),
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
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
        ),
        Claim(
            "sc-28_smt",
            "Audit records are encrypted at rest with the customer managed key.",
            every(logs.LogGroup).prop("KmsKeyId").equals(key_arn),
        ),
        Claim(
            "sc-28.1_smt",
            "Audit records at rest can be read only by those whom the customer managed key admits.",
            every(logs.LogGroup).prop("KmsKeyId").equals(key_arn),
            meets=("sc-28.1_obj-1",),
        ),
        Claim(
            "au-9_smt.a",
            "The log group refuses deletion until its protection is lifted, and no stack change destroys it.",
            prop("DeletionProtectionEnabled").is_true(),
            attribute("UpdateReplacePolicy").equals("Retain"),
        ),
    )
