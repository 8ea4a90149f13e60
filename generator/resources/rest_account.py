"""REST account: the region-wide setting by which API Gateway may write the logs of REST APIs."""

from __future__ import annotations

from typing import Any, Literal

from troposphere import GetAtt, apigateway, iam

from claimstack.generator.claims import Claim
from claimstack.generator.expressions import Check, attribute, every, prop
from claimstack.generator.questions import NoWildcardAction, ResourceStarListed
from claimstack.generator.resources.door import FRONT_DOOR
from claimstack.generator.resources.policies import allow, trust
from claimstack.generator.resources.role import add_policy, boundary_parameter
from claimstack.generator.system import Stack

AccountRole = Literal["own", "given"]
"""Who sets the log role of API Gateway in this account and region: this stack, or somebody before it."""

ACCOUNT = "ApiGatewayAccount"
SERVICE = "apigateway.amazonaws.com"

# API Gateway tries the whole list when the setting is made and refuses a role without one of them
# (API Gateway developer guide, "Permissions for CloudWatch logging").
LOG_ACTIONS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
)

SHARED = "One role serves the logs of every REST API in the region, whose groups have names that this stack cannot know."


def add_account(stack: Stack) -> apigateway.Account:
    """The log role of API Gateway, set for the whole region.

    All of it stays when the stack is deleted: other REST APIs of the region log by the same setting, which would dangle without the role.
    """
    role = _add_role(stack)
    policy = _add_policy(stack, role)
    return stack.add(
        FRONT_DOOR,
        apigateway.Account(
            ACCOUNT,
            CloudWatchRoleArn=GetAtt(role, "Arn"),
            DependsOn=[policy.title],
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
        ),
        Claim(
            "au-12_smt.a",
            "API Gateway can write the logs of REST APIs in this region, also after this stack is gone.",
            every(apigateway.Account).prop("CloudWatchRoleArn").equals(GetAtt(role, "Arn")),
            *_stays(),
        ),
    )


def _stays() -> tuple[Check, ...]:
    return (attribute("DeletionPolicy").equals("Retain"), attribute("UpdateReplacePolicy").equals("Retain"))


def _add_role(stack: Stack) -> iam.Role:
    organisation = stack.config.organisation
    optional: dict[str, Any] = {}
    bounded: tuple[Check, ...] = ()
    boundary = boundary_parameter(stack)
    if boundary is not None:
        optional["PermissionsBoundary"] = boundary
        bounded = (prop("PermissionsBoundary").equals(boundary),)
    return stack.add(
        FRONT_DOOR,
        iam.Role(
            "ApiGatewayLogRole",
            Description="Lets API Gateway write the logs of REST APIs in this region.",
            AssumeRolePolicyDocument=trust(SERVICE),
            Path=organisation.role_path,
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            **optional,
        ),
        Claim(
            "ac-6_smt",
            "The log role of API Gateway holds one customer managed policy without a wildcard action, and only API Gateway assumes it.",
            NoWildcardAction(),
            ResourceStarListed(),
            prop("ManagedPolicyArns").absent(),
            prop("Policies").absent(),
            prop("Path").equals(organisation.role_path),
            prop("AssumeRolePolicyDocument.Statement[*].Principal").equals({"Service": SERVICE}),
            prop("AssumeRolePolicyDocument.Statement[*].Action").equals(["sts:AssumeRole"]),
            prop("AssumeRolePolicyDocument.Statement[*].Effect").equals("Allow"),
            *bounded,
        ),
        Claim("au-12_smt.a", "The log role of API Gateway outlives this stack.", *_stays()),
    )


def _add_policy(stack: Stack, role: iam.Role) -> iam.ManagedPolicy:
    return add_policy(
        stack,
        role,
        "ApiGatewayLogPolicy",
        "Lets API Gateway write the logs of REST APIs in this region.",
        (allow("WriteLogsOfRestApis", *LOG_ACTIONS, on="*"),),
        Claim(
            "ac-6_smt",
            "The policy lets API Gateway write and read records on every log group of the account, as it requires, and delete none.",
            prop("PolicyDocument.Statement[*].Effect").equals("Allow"),
            prop("PolicyDocument.Statement[*].Action").only(*LOG_ACTIONS),
            prop("PolicyDocument.Statement[*].Resource").equals("*"),
            ResourceStarListed(),
            prop("Path").equals(stack.config.organisation.role_path),
        ),
        Claim(
            "au-12_smt.a",
            "The policy gives API Gateway each action that it needs to write its logs, and outlives this stack.",
            prop("PolicyDocument.Statement[*].Action").contains(*LOG_ACTIONS),
            *_stays(),
        ),
        component=FRONT_DOOR,
        resource_star={"WriteLogsOfRestApis": SHARED},
        accepts={"CKV_AWS_111": SHARED},
        attributes={"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"},
    )
