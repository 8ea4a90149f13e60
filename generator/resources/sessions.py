"""Sessions: the table in which the runtime keeps sessions of the older protocol era."""

from __future__ import annotations

from typing import Any, Final

from troposphere import GetAtt, dynamodb

from claimstack.generator.claims import Claim, Component
from claimstack.generator.expressions import attribute, every, prop
from claimstack.generator.questions import DeniesPlainTransport, NoPublicPrincipal, statements_are
from claimstack.generator.resources.arns import KEY_ARN
from claimstack.generator.resources.policies import deny, deny_plain_transport, document
from claimstack.generator.resources.role import ROLE_ID
from claimstack.generator.system import Stack

SESSION_TABLE = Component("session-table", "Session table", "Encrypted, expiring records of sessions of the older protocol era.")

TABLE_ID: Final = "Sessions"
"""Logical id; the endpoint policy recognises the table by it, since CloudFormation builds the table's name from it."""
KEY_ATTRIBUTE: Final = "pk"
"""Partition key of every record: `s#…` a session, `c#…` a call, `a#…` an answer."""
TTL_ATTRIBUTE: Final = "expires"
"""Seconds since the epoch after which a record is deleted."""

RECOVERY_DAYS: Final = 35
"""The longest that DynamoDB keeps what point-in-time recovery needs (DynamoDB developer guide, "Point-in-time backups")."""

RECORD_ACTIONS: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLSelect",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
"""Every action that reads or writes records."""


def add_sessions(stack: Stack, key_arn: Any) -> dynamodb.Table:
    """The table, bound to the function's role.

    Its resource policy denies the record actions to everybody else and leaves administration, backup and the policy itself to the
    account: nobody is locked out, and whoever has to look into records must change the policy first, which leaves a trace.
    `add_role` declares the role that the policy names.
    """
    # A table's own policy cannot name the table's ARN (that would be a circle); it reaches that table only.
    only_function = deny(
        "DenyRecordsToOthers",
        *RECORD_ACTIONS,
        on="*",
        principal="*",
        condition={"ArnNotEquals": {"aws:PrincipalArn": GetAtt(ROLE_ID, "Arn")}},
    )
    plain_transport = deny_plain_transport("*", "dynamodb:*")
    statements = statements_are("ResourcePolicy.PolicyDocument", (only_function, plain_transport))
    table: dynamodb.Table = stack.add(
        SESSION_TABLE,
        dynamodb.Table(
            TABLE_ID,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[dynamodb.AttributeDefinition(AttributeName=KEY_ATTRIBUTE, AttributeType="S")],
            KeySchema=[dynamodb.KeySchema(AttributeName=KEY_ATTRIBUTE, KeyType="HASH")],
            TimeToLiveSpecification=dynamodb.TimeToLiveSpecification(AttributeName=TTL_ATTRIBUTE, Enabled=True),
            SSESpecification=dynamodb.SSESpecification(SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=key_arn),
            PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(
                PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=RECOVERY_DAYS
            ),
            DeletionProtectionEnabled=True,
            ResourcePolicy=dynamodb.ResourcePolicy(PolicyDocument=document(only_function, plain_transport)),
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        Claim(
            "ac-3_smt",
            "The table denies reading and writing of its records to everybody but the function's role and streams no copy of them; "
            "exports, restores and changes of this policy are left to administrators.",
            statements,
            *(prop(copy).absent() for copy in ("StreamSpecification", "KinesisStreamSpecification", "ContributorInsightsSpecification")),
            NoPublicPrincipal(),
        ),
        Claim(
            "ac-12_smt",
            "The table deletes the record of a session after the time that the record names; deletion may lag behind it, and recovery data "
            "holds the record longer.",
            prop("TimeToLiveSpecification.Enabled").is_true(),
            prop("TimeToLiveSpecification.AttributeName").equals(TTL_ATTRIBUTE),
        ),
        Claim(
            "cp-9_smt.a",
            f"The table is backed up continuously and can be restored to any second of the last {RECOVERY_DAYS} days.",
            prop("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled").is_true(),
            prop("PointInTimeRecoverySpecification.RecoveryPeriodInDays").at_least(RECOVERY_DAYS),
        ),
        Claim(
            "cp-9_smt.d",
            "Recovery data is encrypted with the key given as KeyArn, and the table is protected from deletion by call or stack change.",
            *_encrypted_with(key_arn),
            prop("DeletionProtectionEnabled").is_true(),
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
            meets=("cp-9_obj.d-1", "cp-9_obj.d-3"),
        ),
        Claim("cp-9.8_smt", "Recovery data of the table is encrypted with the key given as KeyArn.", *_encrypted_with(key_arn)),
        Claim("sc-28_smt", "Session records are encrypted at rest with the key given as KeyArn.", *_encrypted_with(key_arn)),
        Claim(
            "sc-28.1_smt",
            "Session records at rest are encrypted with the key given as KeyArn.",
            *_encrypted_with(key_arn),
            meets=("sc-28.1_obj-1",),
        ),
        Claim(
            "sc-5_smt.b",
            "The table has no provisioned capacity that a burst of sessions could use up.",
            prop("BillingMode").equals("PAY_PER_REQUEST"),
            prop("OnDemandThroughput").absent(),
        ),
        Claim(
            "sc-8_smt",
            "The table answers requests over TLS only.",
            statements,
            DeniesPlainTransport(),
        ),
        Claim(
            "sc-8.1_smt",
            "The table refuses requests that are not encrypted in transit.",
            statements,
            DeniesPlainTransport(),
        ),
    )
    return table


def _encrypted_with(key_arn: Any) -> tuple[Any, ...]:
    """That this table, and any other of the system, is encrypted with the key."""
    tables = every(dynamodb.Table)
    return (
        tables.prop("SSESpecification.SSEEnabled").is_true(),
        tables.prop("SSESpecification.SSEType").equals("KMS"),
        tables.prop("SSESpecification.KMSMasterKeyId").equals(key_arn),
        tables.prop("SSESpecification.KMSMasterKeyId").matches(KEY_ARN),
    )
