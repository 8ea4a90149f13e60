"""Deployer grants: which API actions the deployment of each resource type takes, and on what.

The actions are those that CloudFormation's registry schemas list for the create, read, update and delete handlers of the type, without
those of features that these stacks do not use; a conformance test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Grant:
    """A statement of the deployer's policy, needed as soon as one of the types is in a template.

    Text may hold {partition}, {region}, {account}, {name} (of the system), {path} (of roles) and {boundary}.
    """

    sid: str
    types: tuple[str, ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any] = field(default_factory=dict)
    because: str = ""
    """Why the resource is `*`."""
    only_with_boundary: bool = False
    """Whether the condition counts only where the organisation asks for a permissions boundary."""


def _arn(service: str, resource: str, region: str = "{region}") -> str:
    return f"arn:{{partition}}:{service}:{region}:{{account}}:{resource}"


STACKS = Grant(
    "Stacks",
    (),
    (
        "cloudformation:CancelUpdateStack",
        "cloudformation:ContinueUpdateRollback",
        "cloudformation:CreateChangeSet",
        "cloudformation:CreateStack",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DeleteStack",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResource",
        "cloudformation:DescribeStackResourceDrifts",
        "cloudformation:DescribeStackResources",
        "cloudformation:DescribeStacks",
        "cloudformation:DetectStackDrift",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetStackPolicy",
        "cloudformation:GetTemplate",
        "cloudformation:ListChangeSets",
        "cloudformation:ListStackResources",
        "cloudformation:RollbackStack",
        "cloudformation:SetStackPolicy",
        "cloudformation:TagResource",
        "cloudformation:UntagResource",
        "cloudformation:UpdateStack",
        "cloudformation:UpdateTerminationProtection",
    ),
    (_arn("cloudformation", "stack/{name}-*/*"),),
)
TEMPLATES = Grant(
    "Templates",
    (),
    ("cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"),
    ("*",),
    because="These calls concern a template or a detection, not a stack that could be named.",
)

GRANTS = (
    Grant(
        "NewKey",
        ("AWS::KMS::Key",),
        ("kms:CreateKey", "kms:ListAliases"),
        ("*",),
        because="A key has no name before it exists, and aliases are listed for all keys.",
    ),
    Grant(
        "Key",
        ("AWS::KMS::Key",),
        (
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ),
        (_arn("kms", "key/*"),),
    ),
    Grant(
        "KeyAlias",
        ("AWS::KMS::Alias",),
        ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
        (_arn("kms", "alias/{name}-*"), _arn("kms", "key/*")),
    ),
    Grant(
        "Repository",
        ("AWS::ECR::Repository",),
        (
            "ecr:CreateRepository",
            "ecr:DeleteLifecyclePolicy",
            "ecr:DeleteRepository",
            "ecr:DeleteRepositoryPolicy",
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:TagResource",
            "ecr:UntagResource",
        ),
        (_arn("ecr", "repository/{name}-*"),),
    ),
    Grant(
        "LogGroups",
        ("AWS::Logs::LogGroup",),
        (
            "logs:AssociateKmsKey",
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:DescribeIndexPolicies",
            "logs:DisassociateKmsKey",
            "logs:GetDataProtectionPolicy",
            "logs:ListTagsForResource",
            "logs:PutLogGroupDeletionProtection",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
        ),
        ("{log_groups}",),
    ),
    Grant(
        "LogDelivery",
        ("AWS::Logs::LogGroup",),
        (
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ),
        ("*",),
        because="API Gateway and AWS WAF set up log delivery with the deployer's rights, and these actions know no narrower resource.",
    ),
    Grant(
        "LogArchive",
        ("AWS::Logs::SubscriptionFilter",),
        ("logs:DeleteSubscriptionFilter", "logs:DescribeSubscriptionFilters", "logs:PutSubscriptionFilter"),
        ("{log_groups}", "arn:{partition}:logs:{region}:*:destination:*"),
    ),
    Grant(
        "Topic",
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"),
        (
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetDataProtectionPolicy",
            "sns:GetSubscriptionAttributes",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
            "sns:SetSubscriptionAttributes",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:Unsubscribe",
            "sns:UntagResource",
        ),
        (_arn("sns", "{name}-*"),),
    ),
    Grant(
        "Alarms",
        ("AWS::CloudWatch::Alarm",),
        (
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ),
        (_arn("cloudwatch", "alarm:{name}-*"),),
    ),
    Grant(
        "Function",
        ("AWS::Lambda::Function", "AWS::Lambda::Permission"),
        (
            "lambda:AddPermission",
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionRecursionConfig",
            "lambda:GetFunctionScalingConfig",
            "lambda:GetPolicy",
            "lambda:GetRuntimeManagementConfig",
            "lambda:PutFunctionConcurrency",
            "lambda:PutFunctionRecursionConfig",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ),
        (_arn("lambda", "function:{name}-*"),),
    ),
    Grant(
        "Image",
        ("AWS::Lambda::Function",),
        ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetRepositoryPolicy"),
        (_arn("ecr", "repository/*"),),
    ),
    Grant(
        "NetworkReading",
        ("AWS::Lambda::Function", "AWS::EC2::SecurityGroup", "AWS::EC2::VPCEndpoint"),
        (
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribePrefixLists",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
        ),
        ("*",),
        because="EC2 offers no narrower resource for describing.",
    ),
    Grant(
        "SecurityGroups",
        ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"),
        (
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteTags",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
            "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
        ),
        (_arn("ec2", "security-group/*"), _arn("ec2", "security-group-rule/*"), _arn("ec2", "vpc/*")),
    ),
    Grant(
        "Endpoints",
        ("AWS::EC2::VPCEndpoint",),
        ("ec2:CreateTags", "ec2:CreateVpcEndpoint", "ec2:DeleteTags", "ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint"),
        (
            _arn("ec2", "vpc-endpoint/*"),
            _arn("ec2", "vpc/*"),
            _arn("ec2", "subnet/*"),
            _arn("ec2", "route-table/*"),
            _arn("ec2", "security-group/*"),
        ),
    ),
    Grant(
        "Roles",
        ("AWS::IAM::Role",),
        (
            "iam:DeleteRole",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ),
        (_arn("iam", "role{path}{name}-*", region=""),),
    ),
    Grant(
        "RolesWithinBoundary",
        ("AWS::IAM::Role",),
        ("iam:AttachRolePolicy", "iam:CreateRole", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary"),
        (_arn("iam", "role{path}{name}-*", region=""),),
        {"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
        only_with_boundary=True,
    ),
    Grant(
        "Policies",
        ("AWS::IAM::ManagedPolicy",),
        (
            "iam:CreatePolicy",
            "iam:CreatePolicyVersion",
            "iam:DeletePolicy",
            "iam:DeletePolicyVersion",
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:ListEntitiesForPolicy",
            "iam:ListPolicyVersions",
            "iam:TagPolicy",
            "iam:UntagPolicy",
        ),
        (_arn("iam", "policy{path}{name}-*", region=""),),
    ),
    Grant(
        "PassFunctionRole",
        ("AWS::Lambda::Function",),
        ("iam:PassRole",),
        (_arn("iam", "role{path}{name}-*", region=""),),
        {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    ),
    Grant(
        "PassLoggingRole",
        ("AWS::ApiGateway::Account",),
        ("iam:PassRole",),
        (_arn("iam", "role{path}{name}-*", region=""),),
        {"StringEquals": {"iam:PassedToService": "apigateway.amazonaws.com"}},
    ),
    Grant(
        "LoggingServiceRole",
        ("AWS::WAFv2::LoggingConfiguration",),
        ("iam:CreateServiceLinkedRole",),
        (_arn("iam", "role/aws-service-role/wafv2.amazonaws.com/*", region=""),),
        {"StringEquals": {"iam:AWSServiceName": "wafv2.amazonaws.com"}},
    ),
    Grant(
        "Secret",
        ("AWS::SecretsManager::Secret", "AWS::SecretsManager::ResourcePolicy"),
        (
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteResourcePolicy",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetResourcePolicy",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutResourcePolicy",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            "secretsmanager:UpdateSecret",
        ),
        # CloudFormation names a secret after its logical id, without the name of the stack.
        (_arn("secretsmanager", "secret:StateSecret-*"),),
    ),
    Grant(
        "RandomPassword",
        ("AWS::SecretsManager::Secret",),
        ("secretsmanager:GetRandomPassword",),
        ("*",),
        because="A random value is drawn for no resource in particular.",
    ),
    Grant(
        "Table",
        ("AWS::DynamoDB::Table",),
        (
            "dynamodb:CreateTable",
            "dynamodb:DeleteResourcePolicy",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeContributorInsights",
            "dynamodb:DescribeKinesisStreamingDestination",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:GetResourcePolicy",
            "dynamodb:ListTagsOfResource",
            "dynamodb:PutResourcePolicy",
            "dynamodb:TagResource",
            "dynamodb:UntagResource",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTable",
            "dynamodb:UpdateTimeToLive",
        ),
        (_arn("dynamodb", "table/{name}-*"),),
    ),
    Grant(
        "Api",
        tuple(f"AWS::ApiGatewayV2::{name}" for name in ("Api", "ApiMapping", "Authorizer", "DomainName", "Integration", "Route", "Stage"))
        + tuple(
            f"AWS::ApiGateway::{name}"
            for name in ("Account", "Authorizer", "BasePathMapping", "Deployment", "DomainName", "GatewayResponse", "Method")
        )
        + tuple(f"AWS::ApiGateway::{name}" for name in ("Model", "RequestValidator", "Resource", "RestApi", "Stage")),
        (
            "apigateway:AddCertificateToDomain",
            "apigateway:DELETE",
            "apigateway:GET",
            "apigateway:PATCH",
            "apigateway:POST",
            "apigateway:PUT",
            "apigateway:RemoveCertificateFromDomain",
            "apigateway:TagResource",
            "apigateway:UntagResource",
        ),
        # API Gateway's ARNs carry no account, and the id of an API is known only once it exists.
        tuple(
            f"arn:{{partition}}:apigateway:{{region}}::/{root}"
            for root in ("account", "apis", "apis/*", "domainnames", "domainnames/*", "restapis", "restapis/*", "tags/*")
        ),
    ),
    Grant(
        "UserPool",
        tuple(f"AWS::Cognito::{name}" for name in ("UserPool", "UserPoolClient", "UserPoolDomain", "UserPoolResourceServer")),
        (
            "cognito-idp:AddCustomAttributes",
            "cognito-idp:CreateResourceServer",
            "cognito-idp:CreateUserPoolClient",
            "cognito-idp:CreateUserPoolDomain",
            "cognito-idp:DeleteResourceServer",
            "cognito-idp:DeleteUserPool",
            "cognito-idp:DeleteUserPoolClient",
            "cognito-idp:DeleteUserPoolDomain",
            "cognito-idp:DescribeResourceServer",
            "cognito-idp:DescribeUserPool",
            "cognito-idp:DescribeUserPoolClient",
            "cognito-idp:GetUserPoolMfaConfig",
            "cognito-idp:ListTagsForResource",
            "cognito-idp:ListUserPoolClientSecrets",
            "cognito-idp:SetUserPoolMfaConfig",
            "cognito-idp:TagResource",
            "cognito-idp:UntagResource",
            "cognito-idp:UpdateResourceServer",
            "cognito-idp:UpdateUserPool",
            "cognito-idp:UpdateUserPoolClient",
            "cognito-idp:UpdateUserPoolDomain",
        ),
        (_arn("cognito-idp", "userpool/*"),),
    ),
    Grant(
        "NewUserPool",
        ("AWS::Cognito::UserPool", "AWS::Cognito::UserPoolDomain"),
        ("cognito-idp:CreateUserPool", "cognito-idp:DescribeUserPoolDomain"),
        ("*",),
        because="A pool has no ARN before it exists, and a domain has none at all.",
    ),
    Grant(
        "WebAcl",
        ("AWS::WAFv2::WebACL", "AWS::WAFv2::LoggingConfiguration", "AWS::WAFv2::WebACLAssociation"),
        (
            "apigateway:SetWebACL",
            "wafv2:AssociateWebACL",
            "wafv2:CreateWebACL",
            "wafv2:DeleteLoggingConfiguration",
            "wafv2:DeleteWebACL",
            "wafv2:DisassociateWebACL",
            "wafv2:GetLoggingConfiguration",
            "wafv2:GetWebACL",
            "wafv2:GetWebACLForResource",
            "wafv2:ListTagsForResource",
            "wafv2:PutLoggingConfiguration",
            "wafv2:TagResource",
            "wafv2:UntagResource",
            "wafv2:UpdateWebACL",
        ),
        (
            _arn("wafv2", "regional/webacl/*"),
            "arn:{partition}:wafv2:{region}:*:regional/managedruleset/*/*",
            "arn:{partition}:apigateway:{region}::/restapis/*/stages/*",
        ),
    ),
)
