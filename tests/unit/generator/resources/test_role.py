"""The role of the function and its policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.claims import Claim
from claimstack.generator.expressions import prop
from claimstack.generator.resources.policies import allow
from claimstack.generator.resources.role import INTERFACE_ACTIONS, POLICIES_PER_ROLE, ROLE_ID, TABLE_ACTIONS, add_policy
from claimstack.generator.system import Stack

FULL = {"network": {"endpoints": True}, "runtime": {"sessions": True}}


def test_each_policy_is_attached_to_the_function_role_alone(workload: Callable[..., Any]) -> None:
    built = workload(**FULL)
    policies = {policy.logical_id: policy.properties for policy in built.emitted.resources("AWS::IAM::ManagedPolicy")}
    assert set(policies) == {
        "InterfaceDenyPolicy",
        "KeyPolicy",
        "LogsPolicy",
        "NetworkPolicy",
        "SecretPolicy",
        "SessionsPolicy",
        "TracingPolicy",
    }
    assert {str(policy["Roles"]) for policy in policies.values()} == {"[{'Ref': 'FunctionRole'}]"}
    assert not any({"Users", "Groups"} & set(policy) for policy in policies.values())


def test_statements_name_exact_resources(workload: Callable[..., Any]) -> None:
    built = workload(**FULL)
    statements = {name: built.properties(name)["PolicyDocument"]["Statement"] for name in ("LogsPolicy", "SecretPolicy", "SessionsPolicy")}
    assert statements == {
        "LogsPolicy": [
            {
                "Sid": "WriteOwnLogGroup",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": {"Fn::GetAtt": ["AuditLog", "Arn"]},
            }
        ],
        "SecretPolicy": [
            {
                "Sid": "ReadStateSecret",
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": {"Ref": "StateSecret"},
            }
        ],
        "SessionsPolicy": [
            {
                "Sid": "UseSessionRecords",
                "Effect": "Allow",
                "Action": list(TABLE_ACTIONS),
                "Resource": {"Fn::GetAtt": ["Sessions", "Arn"]},
            }
        ],
    }


def test_key_is_used_through_the_services_that_store_the_data(workload: Callable[..., Any]) -> None:
    hosts = {"lambda", "secretsmanager", "dynamodb"}
    for tables, services in (({}, hosts - {"dynamodb"}), (FULL, hosts)):
        statement = workload(**tables).properties("KeyPolicy")["PolicyDocument"]["Statement"][0]
        through = [item["Fn::Sub"] for item in statement["Condition"]["StringEquals"]["kms:ViaService"]]
        assert set(through) == {f"{service}.${{AWS::Region}}.${{AWS::URLSuffix}}" for service in services}
        assert (statement["Action"], statement["Resource"]) == (["kms:Decrypt"], {"Ref": "KeyArn"})


def test_code_of_the_function_is_kept_from_interface_actions(workload: Callable[..., Any]) -> None:
    assert workload().properties("InterfaceDenyPolicy")["PolicyDocument"]["Statement"] == [
        {
            "Sid": "KeepCodeFromInterfaces",
            "Effect": "Deny",
            "Action": list(INTERFACE_ACTIONS),
            "Resource": "*",
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]}}},
        }
    ]


def test_uses_of_all_resources_are_listed_with_reasons(workload: Callable[..., Any]) -> None:
    built = workload(**FULL)
    listed = {
        resource.logical_id: list(resource.body["Metadata"]["Compliance"]["ResourceStar"])
        for resource in built.emitted.resources()
        if "ResourceStar" in resource.body["Metadata"]["Compliance"]
    }
    assert listed == {"NetworkPolicy": ["DescribeInterfaces", "CreateInterfaces"], "TracingPolicy": ["SendTraces"]}


def test_interfaces_can_be_placed_into_subnets_that_another_account_shares(workload: Callable[..., Any]) -> None:
    create = workload().properties("NetworkPolicy")["PolicyDocument"]["Statement"][1]
    assert create["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:network-interface/*"},
        {"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:*:subnet/*"},
        {"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:security-group/*"},
    ]


def test_landing_zone_gives_boundary_and_path(workload: Callable[..., Any]) -> None:
    built = workload(organisation={"permissions_boundary": True, "role_path": "/mcp/"})
    role = built.properties("FunctionRole")
    assert (role["PermissionsBoundary"], role["Path"]) == ({"Ref": "PermissionsBoundaryArn"}, "/mcp/")
    assert "PermissionsBoundary" not in workload().properties("FunctionRole")


@pytest.mark.parametrize(
    ("logical_id", "path", "value", "check"),
    [
        ("LogsPolicy", ("Action",), ["logs:*"], "system.no-wildcard-action"),
        ("LogsPolicy", ("Resource",), "*", "server.LogsPolicy.PolicyDocument.Statement.each.Resource.equals"),
        ("LogsPolicy", ("Action",), ["logs:DeleteLogGroup"], "server.LogsPolicy.PolicyDocument.Statement.each.Action.only"),
        ("SecretPolicy", ("Resource",), {"Ref": "Other"}, "server.SecretPolicy.PolicyDocument.Statement.each.Resource.equals"),
        ("NetworkPolicy", ("Action",), ["ec2:RunInstances"], "server.NetworkPolicy.PolicyDocument.Statement.each.Action.only"),
        ("TracingPolicy", ("Action",), ["xray:GetTraceSummaries"], "server.TracingPolicy.PolicyDocument.Statement.each.Action.only"),
    ],
)
def test_a_wider_statement_is_noticed(workload: Callable[..., Any], logical_id: str, path: tuple[str, ...], value: Any, check: str) -> None:
    assert check in workload(**FULL).set(logical_id, "PolicyDocument", "Statement", 0, *path, to=value)


def test_a_role_that_a_person_may_assume_is_noticed(workload: Callable[..., Any]) -> None:
    principal = {"Service": "lambda.amazonaws.com", "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    failed = workload().set("FunctionRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal", to=principal)
    assert failed == [
        "server.FunctionRole.AssumeRolePolicyDocument.Statement.each.Principal.equals",
        "system.AWS-IAM-Role.AssumeRolePolicyDocument.Statement.each.Principal.AWS.absent",
    ]


def add_tool_policy(stack: Stack, role: str, logical_id: str) -> None:
    claim = Claim("ac-6_smt", "The policy lets the tool read one bucket.", prop("PolicyDocument.Statement[*].Effect").equals("Allow"))
    add_policy(stack, role, logical_id, "For a tool.", (allow("Read", "s3:GetObject", on="arn"),), claim)


def test_a_policy_that_iam_would_not_attach_is_refused_with_its_place_and_role(workload: Callable[..., Any]) -> None:
    stack = workload().system.stacks["server"]
    for number in range(POLICIES_PER_ROLE - sum(declared.type == "AWS::IAM::ManagedPolicy" for declared in stack.declared.values())):
        add_tool_policy(stack, ROLE_ID, f"Tool{number}Policy")
    with pytest.raises(InputError) as refused:
        add_tool_policy(stack, ROLE_ID, "OneTooMany")
    where, _, what = refused.value.causes[0].partition(": ")
    assert where.startswith("resources/test_role.py:")
    assert what == (
        "server.OneTooMany: FunctionRole has the 10 managed policies that IAM attaches to a role; put the statements into another policy"
    )


def test_policies_of_another_role_take_no_room(workload: Callable[..., Any]) -> None:
    stack = workload().system.stacks["server"]
    for number in range(POLICIES_PER_ROLE):
        add_tool_policy(stack, "OtherRole", f"Other{number}Policy")
    add_tool_policy(stack, ROLE_ID, "ToolPolicy")
    with pytest.raises(InputError, match="OtherRole has the 10 managed policies"):
        add_tool_policy(stack, "OtherRole", "OneTooMany")
