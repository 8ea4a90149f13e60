"""Key: the customer managed key, who needs it, and the policy that admits exactly those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from troposphere import GetAtt, Ref, Sub, kms

from claimstack.generator.claims import Claim, Component, Exempt
from claimstack.generator.config import Config
from claimstack.generator.emitted import Json
from claimstack.generator.expressions import attribute, prop
from claimstack.generator.questions import KeyPolicyBounded, NoPublicPrincipal, statements_are
from claimstack.generator.resources.arns import KEY_ARN, example_arn
from claimstack.generator.resources.logs import log_group_names
from claimstack.generator.system import Stack

KEY = Component("encryption-key", "Encryption key", "Customer managed KMS key for every store of the MCP server.")

ACCOUNT = "${AWS::AccountId}"
REGION = "${AWS::Region}"
PARTITION = "${AWS::Partition}"
URL_SUFFIX = "${AWS::URLSuffix}"
ROOT = f"arn:{PARTITION}:iam::{ACCOUNT}:root"
"""The account itself: a statement for it lets the account's own IAM policies decide who in the account."""

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""What administrators need; no encryption, no decryption, no new grants. PutKeyPolicy stays, since a key without it can never be mended."""
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")

Failure = Literal["stack creation fails", "silent", "invocation fails"]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A use of the key by the chosen features: what it asks of KMS, and what happens when the key policy does not let it."""

    id: str
    title: str
    principal: str | None
    """The service principal; None for IAM principals of the account, whose calls reach KMS by way of a service."""
    actions: tuple[str, ...]
    context: Mapping[str, str]
    """Condition keys of its requests, with the pseudo parameters of CloudFormation where a place is meant."""
    failure: Failure
    consequence: str
    feature: str
    """What in system.toml makes it a consumer."""

    @property
    def via(self) -> str | None:
        """The service through which an IAM principal uses the key, such as `dynamodb`."""
        return self.context["kms:ViaService"].partition(".")[0] if "kms:ViaService" in self.context else None


@dataclass(frozen=True, slots=True)
class _Through:
    """A row of the table of IAM principals that use the key by way of a service."""

    id: str
    title: str
    service: str
    actions: tuple[str, ...]
    failure: Failure
    consequence: str
    feature: str


_DEPLOYER_THROUGH = (
    _Through(
        "deployer-lambda",
        "The deployer, through Lambda",
        "lambda",
        ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
        "stack creation fails",
        "the function cannot be created, since its environment cannot be encrypted",
        "always",
    ),
    _Through(
        "deployer-secrets-manager",
        "The deployer, through Secrets Manager",
        "secretsmanager",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        "stack creation fails",
        "the state secret cannot be created",
        "always",
    ),
    _Through(
        "deployer-dynamodb",
        "The deployer, through DynamoDB",
        "dynamodb",
        ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:RevokeGrant"),
        "stack creation fails",
        "the session table cannot be created",
        "runtime.sessions",
    ),
    _Through(
        "deployer-ecr",
        "The deployer, through ECR",
        "ecr",
        ("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"),
        "stack creation fails",
        "the image repository cannot be created",
        "registry.stack",
    ),
    _Through(
        "deployer-cognito",
        "The deployer, through Cognito",
        "cognito-idp",
        (
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ),
        "stack creation fails",
        "the user pool cannot be created",
        "auth.type",
    ),
    _Through(
        "function-environment",
        "The function's role, through Lambda",
        "lambda",
        ("kms:Decrypt",),
        "invocation fails",
        "the function starts without its environment and every call ends in an error",
        "always",
    ),
    _Through(
        "function-secret",
        "The function's role, through Secrets Manager",
        "secretsmanager",
        ("kms:Decrypt",),
        "invocation fails",
        "the function cannot read its state secret",
        "always",
    ),
    _Through(
        "function-sessions",
        "The function's role, through DynamoDB",
        "dynamodb",
        ("kms:Decrypt",),
        "invocation fails",
        "the function cannot read or write sessions",
        "runtime.sessions",
    ),
)


def key_consumers(config: Config) -> tuple[Consumer, ...]:
    """Everyone who needs the key for the chosen features, in the order in which a deployment meets them.

    Sources: CloudWatch Logs user guide, "Encrypt log data"; Knowledge Center, "CloudWatch alarm to an encrypted SNS topic"; for the
    deployer, the permissions that the registry schemas of CloudFormation list for the handlers of each type.
    """
    built = {
        "always": True,
        "runtime.sessions": config.runtime.sessions,
        "registry.stack": config.registry.stack,
        "auth.type": config.auth.type == "cognito",
    }
    through = tuple(_through(row) for row in _DEPLOYER_THROUGH if built[row.feature])
    return (*through, *(_log_group(*group) for group in log_group_names(config).items()), *_alarms(config))


def _through(row: _Through) -> Consumer:
    context = {"kms:CallerAccount": ACCOUNT, "kms:ViaService": f"{row.service}.{REGION}.{URL_SUFFIX}"}
    return Consumer(row.id, row.title, None, row.actions, context, row.failure, row.consequence, row.feature)


def _log_group(logical_id: str, name: str) -> Consumer:
    return Consumer(
        id=f"log-group-{logical_id}",
        title=f"CloudWatch Logs, for log group {name}",
        principal=f"logs.{REGION}.amazonaws.com",
        actions=("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
        context={"kms:EncryptionContext:aws:logs:arn": f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{name}"},
        failure="stack creation fails",
        consequence=f"log group {name} cannot be created",
        feature={"WafLog": "front_door.waf", "ExecutionLog": "front_door.type"}.get(logical_id, "always"),
    )


def _alarms(config: Config) -> Iterator[Consumer]:
    if config.organisation.alarm_topic == "own":
        yield Consumer(
            id="alarms",
            title="CloudWatch alarms, for the alarm topic",
            principal="cloudwatch.amazonaws.com",
            actions=("kms:Decrypt", "kms:GenerateDataKey"),
            context={
                "aws:SourceAccount": ACCOUNT,
                "aws:SourceArn": f"arn:{PARTITION}:cloudwatch:{REGION}:{ACCOUNT}:alarm:{config.name}-server-FunctionErrors",
            },
            failure="silent",
            consequence="everything deploys, alarms change state, and no notification is ever delivered",
            feature="organisation.alarm_topic",
        )


def key_policy(config: Config) -> Json:
    """The key policy for the chosen features. Text may hold the pseudo parameters ${AWS::Partition}, Region, AccountId and URLSuffix."""
    consumers = key_consumers(config)
    through = [consumer for consumer in consumers if consumer.via]
    services = sorted({consumer.context["kms:ViaService"] for consumer in through})
    granting = sorted({consumer.context["kms:ViaService"] for consumer in through if "kms:CreateGrant" in consumer.actions})
    groups = [consumer.context["kms:EncryptionContext:aws:logs:arn"] for consumer in consumers if consumer.id.startswith("log-group-")]
    by_account = {"kms:CallerAccount": ACCOUNT}
    statements = [
        _statement("Administration", {"AWS": ROOT}, ADMINISTRATION),
        _statement("UseThroughServices", {"AWS": ROOT}, USE, {"StringEquals": {**by_account, "kms:ViaService": services}}),
        _statement(
            "GrantsForServices",
            {"AWS": ROOT},
            ("kms:CreateGrant",),
            {"StringEquals": {**by_account, "kms:ViaService": granting}, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        _statement(
            "LogGroups",
            {"Service": f"logs.{REGION}.amazonaws.com"},
            USE,
            {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
        ),
    ]
    if any(consumer.id == "alarms" for consumer in consumers):
        alarms = f"arn:{PARTITION}:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
        pinned = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": alarms}}
        statements.append(_statement("Alarms", {"Service": "cloudwatch.amazonaws.com"}, ("kms:Decrypt", "kms:GenerateDataKey*"), pinned))
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(sid: str, principal: Json, actions: tuple[str, ...], condition: Json = None) -> Json:
    """A statement of a key policy, where `*` as the resource means the key that has the policy."""
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def substituted(value: Json) -> Json:
    """The same JSON with every text that holds a pseudo parameter wrapped in Fn::Sub."""
    if isinstance(value, dict):
        return {key: substituted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [substituted(item) for item in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value


def filled(value: Json, places: Mapping[str, str]) -> Json:
    """The same JSON with pseudo parameters replaced by these values, and no Fn::Sub around text."""
    if isinstance(value, dict):
        return filled(value["Fn::Sub"], places) if set(value) == {"Fn::Sub"} else {key: filled(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, places) for item in value]
    if isinstance(value, str):
        for pseudo, place in places.items():
            value = value.replace(pseudo, place)
    return value


def key_parameter(stack: Stack) -> Ref:
    """The template parameter KeyArn.

    Its pattern binds partition and region form together and refuses aliases. Whether the key lies in the region and account of the
    stack, and is symmetric, only AWS can tell: CloudFormation rules compare whole values, and cannot look into an ARN.
    """
    return stack.parameter(
        "KeyArn",
        "ARN of the symmetric customer managed KMS key of this region. Its key policy must admit what key-policy.json lists.",
        example=example_arn(stack.config, "kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        AllowedPattern=KEY_ARN,
        ConstraintDescription="must be the ARN of a key, such as arn:…:kms:…:key/1234abcd-…; an alias or a bare key id is refused",
    )


def add_key(stack: Stack) -> kms.Key:
    """The customer managed key, with an alias for people and the output KeyArn."""
    policy = substituted(key_policy(stack.config))
    key: Any = stack.add(
        KEY,
        kms.Key(
            "Key",
            Description=f"Encrypts what the MCP server {stack.config.name} stores",
            Enabled=True,
            EnableKeyRotation=True,
            RotationPeriodInDays=365,
            PendingWindowInDays=30,
            KeySpec="SYMMETRIC_DEFAULT",
            KeyUsage="ENCRYPT_DECRYPT",
            Origin="AWS_KMS",
            MultiRegion=False,
            KeyPolicy=policy,
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        Claim(
            "sc-12_smt",
            "The key is made inside KMS, and no copy of its material exists in another region.",
            prop("Origin").equals("AWS_KMS"),
            prop("KeySpec").equals("SYMMETRIC_DEFAULT"),
            prop("KeyUsage").equals("ENCRYPT_DECRYPT"),
            prop("MultiRegion").is_false(),
            prop("Enabled").is_true(),
            meets=("sc-12_obj-1",),
        ),
        Claim(
            "sc-12_smt",
            "The key rotates at least once a year and survives its stack; where CloudFormation deletes it nevertheless, thirty days pass "
            "first. Its policy admits the account, whose IAM decides who, and AWS services bound to the account, and nobody else.",
            prop("EnableKeyRotation").is_true(),
            prop("RotationPeriodInDays").at_most(365),
            prop("PendingWindowInDays").at_least(30),
            attribute("DeletionPolicy").one_of("Retain", "RetainExceptOnCreate"),
            attribute("UpdateReplacePolicy").equals("Retain"),
            statements_are("KeyPolicy", policy["Statement"]),
            KeyPolicyBounded(),
            NoPublicPrincipal(),
            meets=("sc-12_obj-2",),
        ),
        Claim(
            "ac-6_smt",
            "The key's policy delegates administration and use to the account's IAM in separate statements, and lets IAM principals use "
            "the key through the services of the system only, never directly.",
            statements_are("KeyPolicy", policy["Statement"]),
        ),
    )
    stack.add(
        KEY,
        kms.Alias("KeyAlias", AliasName=Sub("alias/${AWS::StackName}"), TargetKeyId=Ref(key)),
        Exempt("A name for people: no resource and no policy of the system refers to the key by it."),
    )
    stack.output("KeyArn", GetAtt(key, "Arn"), "ARN of the key: the value of KeyArn in the other stacks.")
    return key
