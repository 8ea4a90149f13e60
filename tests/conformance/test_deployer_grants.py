"""The deployer's grants against the permissions that CloudFormation's own handlers ask for."""

from collections.abc import Iterator

import pytest

from claimstack.generator.documents.cloudformation.deployer_grants import GRANTS

pytestmark = pytest.mark.conformance

OF_THE_KEY = (
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolDomain",
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::Lambda::Function",
)
"""Types whose kms: actions the deployer gets by way of the service, from the table of the key's consumers."""

NOT_NEEDED = {
    "AWS::ApiGateway::Account": ("iam:GetRole", "iam:PassRole"),
    "AWS::ApiGateway::Authorizer": ("iam:PassRole",),
    "AWS::ApiGateway::Method": ("iam:PassRole",),
    "AWS::ApiGateway::Model": (),
    "AWS::ApiGateway::RestApi": ("apigateway:UpdateRestApiPolicy", "iam:PassRole", "s3:GetObject"),
    "AWS::ApiGatewayV2::Api": ("s3:getObject",),
    "AWS::ApiGatewayV2::Authorizer": ("iam:PassRole",),
    "AWS::ApiGatewayV2::DomainName": ("s3:GetObject", "s3:GetObjectVersion"),
    "AWS::ApiGatewayV2::Integration": ("iam:PassRole",),
    "AWS::Cognito::UserPool": ("iam:CreateServiceLinkedRole", "iam:PassRole"),
    "AWS::Cognito::UserPoolClient": ("iam:CreateServiceLinkedRole", "iam:DeleteRolePolicy", "iam:PassRole", "iam:PutRolePolicy"),
    "AWS::Cognito::UserPoolDomain": ("cloudfront:updateDistribution",),
    "AWS::DynamoDB::Table": (
        *("dynamodb:AssociateTableReplica", "dynamodb:BatchWriteItem", "dynamodb:CreateTableReplica", "dynamodb:DeleteItem"),
        *("dynamodb:DescribeImport", "dynamodb:DisableKinesisStreamingDestination", "dynamodb:EnableKinesisStreamingDestination"),
        *("dynamodb:GetItem", "dynamodb:ImportTable", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"),
        *("dynamodb:UpdateContributorInsights", "dynamodb:UpdateItem", "dynamodb:UpdateKinesisStreamingDestination"),
        *("iam:CreateServiceLinkedRole", "kinesis:DescribeStream", "kinesis:PutRecords"),
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        *("logs:PutRetentionPolicy", "s3:GetObject", "s3:GetObjectMetadata", "s3:ListBucket"),
    ),
    "AWS::EC2::VPCEndpoint": (
        "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
        "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation",
        "vpce:AllowMultiRegion",
    ),
    "AWS::IAM::ManagedPolicy": (
        *("iam:AttachGroupPolicy", "iam:AttachUserPolicy", "iam:DetachGroupPolicy", "iam:DetachUserPolicy"),
        *("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
    ),
    "AWS::IAM::Role": ("iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy", "iam:PutRolePolicy"),
    "AWS::KMS::Alias": ("kms:ListAliases",),
    "AWS::Lambda::Function": (
        *("elasticfilesystem:DescribeMountTargets", "iam:PassRole", "lambda:AssociateRuntimeAlias"),
        *("lambda:DeleteFunctionCodeSigningConfig", "lambda:GetCodeSigningConfig", "lambda:GetLayerVersion", "lambda:PassCapacityProvider"),
        *("lambda:PublishVersion", "lambda:PutFunctionCodeSigningConfig", "lambda:PutFunctionScalingConfig"),
        *("lambda:PutRuntimeManagementConfig", "s3:GetObject", "s3:GetObjectVersion", "s3files:ListMountTargets"),
    ),
    "AWS::Logs::LogGroup": (
        *("firehose:TagDeliveryStream", "logs:DeleteDataProtectionPolicy", "logs:DeleteIndexPolicy", "logs:DeleteResourcePolicy"),
        *("logs:PutBearerTokenAuthentication", "logs:PutDataProtectionPolicy", "logs:PutIndexPolicy", "s3:REST.PUT.OBJECT"),
    ),
    "AWS::Logs::SubscriptionFilter": ("iam:PassRole",),
    "AWS::SNS::Subscription": ("iam:GetRole", "iam:PassRole"),
    "AWS::SNS::Topic": ("iam:GetRole", "iam:PassRole", "sns:PutDataProtectionPolicy"),
    "AWS::SecretsManager::Secret": (
        "secretsmanager:RemoveRegionsFromReplication",
        "secretsmanager:ReplicateSecretToRegions",
    ),
    "AWS::WAFv2::LoggingConfiguration": (
        *("firehose:ListDeliveryStreams", "iam:DescribeOrganization", "s3:GetBucketPolicy", "s3:PutBucketPolicy"),
        # Granted with the log groups that the configuration writes to, or by a statement of its own with a condition.
        *("iam:CreateServiceLinkedRole", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups"),
        *("logs:DescribeResourcePolicies", "logs:PutResourcePolicy"),
    ),
    "AWS::WAFv2::WebACL": ("payments:GetConnectedAccount",),
}
"""Type → permissions of features that no stack uses, or that another type's grant holds."""

OTHER_DOORS = ("amplify:", "apprunner:", "appsync:", "bedrock-agentcore:", "cognito-idp:", "ec2:", "elasticloadbalancing:")
"""What a web ACL association needs for targets other than a REST stage; the permission policy is for accounts beside one's own."""


def _asked(type_: str) -> Iterator[str]:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # its import takes seconds

    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema["handlers"]
    for handler in ("create", "read", "update", "delete"):
        for action in handlers.get(handler, {}).get("permissions", []):
            if not (type_ in OF_THE_KEY and action.startswith("kms:")):
                yield action


def _granted(type_: str) -> set[str]:
    return {action for grant in GRANTS if type_ in grant.types for action in grant.actions}


@pytest.mark.parametrize("type_", sorted({type_ for grant in GRANTS for type_ in grant.types}))
def test_every_permission_that_a_handler_asks_for_is_granted_or_not_needed(type_: str) -> None:
    missing = set(_asked(type_)) - _granted(type_) - set(NOT_NEEDED.get(type_, ()))
    if type_ == "AWS::WAFv2::WebACLAssociation":
        missing = {action for action in missing if not action.startswith(OTHER_DOORS)}
        missing -= {"wafv2:GetPermissionPolicy", "wafv2:PutPermissionPolicy"}
    assert missing == set()


def test_nothing_is_excused_that_no_handler_asks_for() -> None:
    stale = {type_: set(actions) - set(_asked(type_)) for type_, actions in NOT_NEEDED.items()}
    assert {type_: actions for type_, actions in stale.items() if actions} == {}
