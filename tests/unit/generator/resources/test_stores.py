"""What the function keeps: the state secret and the session table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claimstack.generator.emitted import REMOVE
from claimstack.generator.resources.sessions import RECORD_ACTIONS

SESSIONS = {"sessions": True}


def test_secret_is_generated_under_the_customer_key_and_kept(workload: Callable[..., Any]) -> None:
    body = workload().emitted.resource("server", "StateSecret").body
    properties = {key: value for key, value in body["Properties"].items() if key not in ("Tags", "Description")}
    assert properties == {"KmsKeyId": {"Ref": "KeyArn"}, "GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True}}
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_secret_refuses_other_accounts_and_plain_transport(workload: Callable[..., Any]) -> None:
    policy = workload().properties("StateSecretPolicy")
    everyone = {"Effect": "Deny", "Principal": "*", "Action": ["secretsmanager:*"], "Resource": "*"}
    assert policy == {
        "SecretId": {"Ref": "StateSecret"},
        "BlockPublicPolicy": True,
        "ResourcePolicy": {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "DenyPlainTransport", **everyone, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
                {
                    "Sid": "DenyOtherAccounts",
                    **everyone,
                    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
                },
            ],
        },
    }


def test_table_of_a_system_with_sessions(workload: Callable[..., Any]) -> None:
    body = workload(runtime=SESSIONS).emitted.resource("server", "Sessions").body
    properties = {key: value for key, value in body["Properties"].items() if key not in ("Tags", "ResourcePolicy")}
    assert properties == {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "KeyArn"}},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35},
        "DeletionProtectionEnabled": True,
    }
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_records_are_for_the_function_and_the_table_is_for_its_administrators(workload: Callable[..., Any]) -> None:
    others, transport = workload(runtime=SESSIONS).properties("Sessions")["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert others == {
        "Sid": "DenyRecordsToOthers",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(RECORD_ACTIONS),
        "Resource": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["FunctionRole", "Arn"]}}},
    }
    assert transport["Sid"] == "DenyPlainTransport"
    administration = ("Backup", "Restore", "Policy", "Table", "Continuous", "Export", "TimeToLive")
    assert not any(word in action for action in RECORD_ACTIONS for word in administration)


def test_no_table_without_sessions(workload: Callable[..., Any]) -> None:
    built = workload()
    assert list(built.emitted.resources("AWS::DynamoDB::Table")) == []
    assert built.evaluated.answers["cp-9_smt.a"].claims == ()


@pytest.mark.parametrize(
    ("logical_id", "path", "value", "check"),
    [
        ("StateSecret", ("KmsKeyId",), REMOVE, "system.AWS-SecretsManager-Secret.KmsKeyId.equals"),
        ("StateSecret", ("GenerateSecretString", "PasswordLength"), 42, "server.StateSecret.GenerateSecretString.PasswordLength.at-least"),
        ("StateSecret", ("SecretString",), "x", "server.StateSecret.SecretString.absent"),
        ("StateSecretPolicy", ("ResourcePolicy", "Statement", 1), REMOVE, "server.StateSecretPolicy.ResourcePolicy.Statement.equals"),
        ("Sessions", ("SSESpecification", "KMSMasterKeyId"), REMOVE, "system.AWS-DynamoDB-Table.SSESpecification.KMSMasterKeyId.equals"),
        ("Sessions", ("TimeToLiveSpecification", "Enabled"), False, "server.Sessions.TimeToLiveSpecification.Enabled.equals"),
        (
            "Sessions",
            ("ResourcePolicy", "PolicyDocument", "Statement", 0, "Action"),
            ["dynamodb:Scan"],
            "server.Sessions.ResourcePolicy.PolicyDocument.Statement.equals",
        ),
        (
            "Sessions",
            ("PointInTimeRecoverySpecification", "RecoveryPeriodInDays"),
            34,
            "server.Sessions.PointInTimeRecoverySpecification.RecoveryPeriodInDays.at-least",
        ),
        ("Sessions", ("DeletionProtectionEnabled",), False, "server.Sessions.DeletionProtectionEnabled.equals"),
    ],
)
def test_a_weaker_store_is_noticed(
    workload: Callable[..., Any], logical_id: str, path: tuple[str | int, ...], value: Any, check: str
) -> None:
    assert check in workload(runtime=SESSIONS).set(logical_id, *path, to=value)
