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
    boundary: bool | None = None
    """Whether the grant is for systems whose roles have a permissions boundary, for the others, or (None) for both."""


def _arn(service: str, resource: str, region: str = "{region}", account: str = "{account}") -> str:
    """`account` is `*` where the organisation may share the resource: it then belongs to its owner's account."""
    return f"arn:{{partition}}:{service}:{region}:{account}:{resource}"


def _actions(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


STACKS = Grant(
    "Stacks",
    (),
    _actions(
        "cloudformation",
        "CancelUpdateStack ContinueUpdateRollback CreateChangeSet CreateStack DeleteChangeSet DeleteStack "
        "DescribeChangeSet DescribeStackEvents DescribeStackResource DescribeStackResourceDrifts "
        "DescribeStackResources DescribeStacks DetectStackDrift ExecuteChangeSet GetStackPolicy GetTemplate "
        "ListChangeSets ListStackResources RollbackStack SetStackPolicy TagResource UntagResource UpdateStack "
        "UpdateTerminationProtection",
    ),
    (_arn("cloudformation", "stack/{name}-*/*"),),
)
TEMPLATES = Grant(
    "Templates",
    (),
    _actions("cloudformation", "DescribeStackDriftDetectionStatus GetTemplateSummary ValidateTemplate"),
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
        _actions(
            "kms",
            "DescribeKey DisableKey DisableKeyRotation EnableKey EnableKeyRotation GetKeyPolicy GetKeyRotationStatus "
            "ListResourceTags PutKeyPolicy ScheduleKeyDeletion TagResource UntagResource UpdateKeyDescription",
        ),
        (_arn("kms", "key/*"),),
    ),
    Grant(
        "KeyAlias",
        ("AWS::KMS::Alias",),
        _actions("kms", "CreateAlias DeleteAlias UpdateAlias"),
        (_arn("kms", "alias/{name}-*"), _arn("kms", "key/*")),
    ),
    Grant(
        "Repository",
        ("AWS::ECR::Repository",),
        _actions(
            "ecr",
            "CreateRepository DeleteLifecyclePolicy DeleteRepository DeleteRepositoryPolicy DescribeRepositories "
            "GetLifecyclePolicy GetRepositoryPolicy ListTagsForResource PutImageScanningConfiguration "
            "PutImageTagMutability PutLifecyclePolicy SetRepositoryPolicy TagResource UntagResource",
        ),
        (_arn("ecr", "repository/{name}-*"),),
    ),
    Grant(
        "LogGroups",
        ("AWS::Logs::LogGroup",),
        _actions(
            "logs",
            "AssociateKmsKey CreateLogGroup DeleteLogGroup DeleteRetentionPolicy DescribeIndexPolicies "
            "DisassociateKmsKey GetDataProtectionPolicy ListTagsForResource PutLogGroupDeletionProtection "
            "PutRetentionPolicy TagResource UntagResource",
        ),
        ("{log_groups}",),
    ),
    Grant(
        "LogDelivery",
        ("AWS::Logs::LogGroup",),
        _actions(
            "logs",
            "CreateLogDelivery DeleteLogDelivery DescribeLogGroups DescribeResourcePolicies GetLogDelivery "
            "ListLogDeliveries PutResourcePolicy UpdateLogDelivery",
        ),
        ("*",),
        because="API Gateway and AWS WAF set up log delivery with the deployer's rights, and these actions know no narrower resource.",
    ),
    Grant(
        "LogArchive",
        ("AWS::Logs::SubscriptionFilter",),
        _actions("logs", "DeleteSubscriptionFilter DescribeSubscriptionFilters PutSubscriptionFilter"),
        ("{log_groups}", "arn:{partition}:logs:{region}:*:destination:*"),
    ),
    Grant(
        "Topic",
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription"),
        _actions(
            "sns",
            "CreateTopic DeleteTopic GetDataProtectionPolicy GetSubscriptionAttributes GetTopicAttributes "
            "ListSubscriptionsByTopic ListTagsForResource SetSubscriptionAttributes SetTopicAttributes Subscribe "
            "TagResource Unsubscribe UntagResource",
        ),
        (_arn("sns", "{name}-*"),),
    ),
    Grant(
        "Alarms",
        ("AWS::CloudWatch::Alarm",),
        _actions("cloudwatch", "DeleteAlarms DescribeAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource"),
        (_arn("cloudwatch", "alarm:{name}-*"),),
    ),
    Grant(
        "Function",
        ("AWS::Lambda::Function", "AWS::Lambda::Permission"),
        _actions(
            "lambda",
            "AddPermission CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction "
            "GetFunctionCodeSigningConfig GetFunctionRecursionConfig GetFunctionScalingConfig GetPolicy "
            "GetRuntimeManagementConfig PutFunctionConcurrency PutFunctionRecursionConfig RemovePermission TagResource "
            "UntagResource UpdateFunctionCode UpdateFunctionConfiguration",
        ),
        (_arn("lambda", "function:{name}-*"),),
    ),
    Grant(
        "Image",
        ("AWS::Lambda::Function",),
        _actions("ecr", "BatchGetImage GetDownloadUrlForLayer GetRepositoryPolicy"),
        (_arn("ecr", "repository/*"),),
    ),
    Grant(
        "NetworkReading",
        (
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::SecurityGroupEgress",
            "AWS::EC2::SecurityGroupIngress",
            "AWS::EC2::VPCEndpoint",
            "AWS::Lambda::Function",
        ),
        _actions(
            "ec2",
            "DescribeInstances DescribeNetworkInterfaces DescribePrefixLists DescribeSecurityGroupRules "
            "DescribeSecurityGroups DescribeSubnets DescribeVpcEndpoints DescribeVpcs",
        ),
        ("*",),
        because="EC2 offers no narrower resource for describing.",
    ),
    Grant(
        "SecurityGroups",
        ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"),
        _actions(
            "ec2",
            "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateSecurityGroup CreateTags "
            "DeleteSecurityGroup DeleteTags RevokeSecurityGroupEgress RevokeSecurityGroupIngress "
            "UpdateSecurityGroupRuleDescriptionsEgress UpdateSecurityGroupRuleDescriptionsIngress",
        ),
        (_arn("ec2", "security-group/*"), _arn("ec2", "security-group-rule/*"), _arn("ec2", "vpc/*", account="*")),
    ),
    Grant(
        "Endpoints",
        ("AWS::EC2::VPCEndpoint",),
        _actions("ec2", "CreateTags CreateVpcEndpoint DeleteTags DeleteVpcEndpoints ModifyVpcEndpoint"),
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
        _actions(
            "iam",
            "DeleteRole GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies TagRole UntagRole "
            "UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        ),
        (_arn("iam", "role{path}{name}-*", region=""),),
    ),
    Grant(
        "RolesWithinBoundary",
        ("AWS::IAM::Role",),
        _actions("iam", "AttachRolePolicy CreateRole DetachRolePolicy PutRolePermissionsBoundary"),
        (_arn("iam", "role{path}{name}-*", region=""),),
        {"StringEquals": {"iam:PermissionsBoundary": "{boundary}"}},
        boundary=True,
    ),
    Grant(
        "RolesWithoutBoundary",
        ("AWS::IAM::Role",),
        _actions("iam", "AttachRolePolicy CreateRole DetachRolePolicy"),
        (_arn("iam", "role{path}{name}-*", region=""),),
        boundary=False,
    ),
    Grant(
        "Policies",
        ("AWS::IAM::ManagedPolicy",),
        _actions(
            "iam",
            "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion "
            "ListEntitiesForPolicy ListPolicyVersions TagPolicy UntagPolicy",
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
        _actions(
            "secretsmanager",
            "CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetResourcePolicy GetSecretValue "
            "PutResourcePolicy TagResource UntagResource UpdateSecret",
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
        _actions(
            "dynamodb",
            "CreateTable DeleteResourcePolicy DeleteTable DescribeContinuousBackups DescribeContributorInsights "
            "DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetResourcePolicy ListTagsOfResource "
            "PutResourcePolicy TagResource UntagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive",
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
        _actions("apigateway", "AddCertificateToDomain DELETE GET PATCH POST PUT RemoveCertificateFromDomain TagResource UntagResource"),
        # API Gateway's ARNs carry no account, and the id of an API is known only once it exists.
        tuple(
            f"arn:{{partition}}:apigateway:{{region}}::/{root}"
            for root in ("account", "apis", "apis/*", "domainnames", "domainnames/*", "restapis", "restapis/*", "tags/*")
        ),
    ),
    Grant(
        "UserPool",
        tuple(f"AWS::Cognito::{name}" for name in ("UserPool", "UserPoolClient", "UserPoolDomain", "UserPoolResourceServer")),
        _actions(
            "cognito-idp",
            "AddCustomAttributes CreateResourceServer CreateUserPoolClient CreateUserPoolDomain DeleteResourceServer "
            "DeleteUserPool DeleteUserPoolClient DeleteUserPoolDomain DescribeResourceServer DescribeUserPool "
            "DescribeUserPoolClient GetUserPoolMfaConfig ListTagsForResource ListUserPoolClientSecrets "
            "SetUserPoolMfaConfig TagResource UntagResource UpdateResourceServer UpdateUserPool UpdateUserPoolClient "
            "UpdateUserPoolDomain",
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
