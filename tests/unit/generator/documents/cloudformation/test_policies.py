"""The policies beside the templates: of the key, of the deployer, of the stacks."""

import json
import re
from collections.abc import Callable

import pytest

from claimstack.generator.documents.cloudformation.deployer_policy import (
    POLICY_LIMIT,
    deployer_statements,
    render_deployer_policy,
    scp_actions,
    star_reasons,
    uncovered_types,
)
from claimstack.generator.documents.cloudformation.key_policy import render_key_policy
from claimstack.generator.documents.cloudformation.stack_policy import render_stack_policy
from claimstack.generator.emitted import Edit, Emitted, Place
from claimstack.generator.evaluation import Evaluated

Built = Callable[..., Evaluated]


def test_the_key_policy_is_whole_but_for_the_account(built: Built) -> None:
    policy = render_key_policy(built("govcloud"))
    alarms = policy["Statement"][-1]
    assert alarms == {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "<ACCOUNT_ID>"},
            "ArnLike": {"aws:SourceArn": "arn:aws-us-gov:cloudwatch:us-gov-west-1:<ACCOUNT_ID>:alarm:*"},
        },
    }
    assert "${" not in json.dumps(policy)
    assert "Fn::Sub" not in json.dumps(policy)


def test_the_written_key_policy_is_that_of_the_key_stack(built: Built) -> None:
    evaluated = built()
    text = json.dumps(evaluated.emitted.resource("key", "Key").properties["KeyPolicy"])
    text = re.sub(r'\{"Fn::Sub": ("[^"]+")\}', r"\1", text)
    for pseudo, value in {"AccountId": "<ACCOUNT_ID>", "Region": "us-east-1", "Partition": "aws", "URLSuffix": "amazonaws.com"}.items():
        text = text.replace(f"${{AWS::{pseudo}}}", value)
    assert json.loads(text) == render_key_policy(evaluated)


def test_updates_may_neither_replace_nor_delete_what_holds_data(built: Built) -> None:
    allow, deny = render_stack_policy(built())["Statement"]
    assert allow == {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    assert (deny["Effect"], deny["Action"]) == ("Deny", ["Update:Replace", "Update:Delete"])
    stateful = {"AuditLog", "AccessLog", "Sessions", "StateSecret", "UserPool", "Key", "Repository"}
    assert {resource.removeprefix("LogicalResourceId/") for resource in deny["Resource"]} == stateful


def test_without_stateful_resources_nothing_is_denied(built: Built) -> None:
    evaluated = built()
    empty = Evaluated(evaluated.system, Emitted({"server": {"Resources": {}}}), (), {})
    assert [statement["Effect"] for statement in render_stack_policy(empty)["Statement"]] == ["Allow"]


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_each_deployer_policy_fits_and_all_statements_are_in_one(built: Built, like: str) -> None:
    evaluated = built(like, organisation={"log_archive": True, "permissions_boundary": True})
    policies = render_deployer_policy(evaluated)
    assert list(policies) == [f"grants-tools-deployer-{number}" for number in range(1, len(policies) + 1)]
    assert max(len(json.dumps(policy, separators=(",", ":"))) for policy in policies.values()) <= POLICY_LIMIT
    assert [statement for policy in policies.values() for statement in policy["Statement"]] == deployer_statements(evaluated)
    assert uncovered_types(evaluated) == ()


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_the_deployer_gets_no_wildcard_action_and_every_star_has_a_reason(built: Built, like: str) -> None:
    evaluated = built(like)
    statements = deployer_statements(evaluated)
    assert [action for statement in statements for action in statement["Action"] if "*" in action] == []
    starred = {statement["Sid"] for statement in statements if statement["Resource"] == "*"}
    assert starred == set(star_reasons(evaluated))
    assert all(star_reasons(evaluated).values())
    assert len({statement["Sid"] for statement in statements}) == len(statements)
    text = json.dumps(statements)
    assert re.findall(r"\$?\{[a-zA-Z_:]+\}", text) == []
    assert set(re.findall(r"arn:([a-z-]+):", text)) == {evaluated.system.config.partition.name}


def test_roles_are_passed_to_the_services_that_run_as_them_alone(built: Built) -> None:
    passes = [statement for statement in deployer_statements(built("govcloud")) if "iam:PassRole" in statement["Action"]]
    assert [(statement["Sid"], statement["Condition"]) for statement in passes] == [
        ("PassFunctionRole", {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
        ("PassLoggingRole", {"StringEquals": {"iam:PassedToService": "apigateway.amazonaws.com"}}),
    ]


def test_the_key_is_granted_only_to_services_and_named_where_it_is_supplied(built: Built) -> None:
    statements = {statement["Sid"]: statement for statement in deployer_statements(built("govcloud"))}
    services = [f"{name}.us-gov-west-1.amazonaws.com" for name in ("cognito-idp", "dynamodb", "ecr", "lambda")]
    assert statements["GrantKeyToServices"] == {
        "Sid": "GrantKeyToServices",
        "Effect": "Allow",
        "Action": ["kms:CreateGrant"],
        "Resource": "<KEY_ARN>",
        "Condition": {"StringEquals": {"kms:ViaService": services}, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    own = {statement["Sid"]: statement for statement in deployer_statements(built())}
    assert own["GrantKeyToServices"]["Resource"] == "arn:aws:kms:us-east-1:<ACCOUNT_ID>:key/*"


def test_a_boundary_of_the_organisation_binds_new_roles(built: Built) -> None:
    def condition(evaluated: Evaluated) -> object:
        (statement,) = (s for s in deployer_statements(evaluated) if "iam:CreateRole" in s["Action"])
        return statement.get("Condition")

    assert condition(built()) is None
    bound = {"StringEquals": {"iam:PermissionsBoundary": "<PERMISSIONS_BOUNDARY_ARN>"}}
    assert condition(built(organisation={"permissions_boundary": True})) == bound


def test_a_statement_without_a_boundary_is_not_named_after_one(built: Built) -> None:
    def about_roles(evaluated: Evaluated) -> dict[str, list[str]]:
        return {s["Sid"]: s["Action"] for s in deployer_statements(evaluated) if "iam:CreateRole" in s["Action"]}

    making = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DetachRolePolicy"]
    assert about_roles(built()) == {"RolesWithoutBoundary": making}
    bounded = about_roles(built(organisation={"permissions_boundary": True}))
    assert bounded == {"RolesWithinBoundary": [*making, "iam:PutRolePermissionsBoundary"]}


def test_security_groups_can_be_made_in_a_vpc_that_another_account_shares(built: Built) -> None:
    (groups,) = (statement for statement in deployer_statements(built()) if statement["Sid"] == "SecurityGroups")
    assert groups["Resource"][-1] == "arn:aws:ec2:us-east-1:*:vpc/*"


def test_a_type_without_a_grant_is_reported(built: Built) -> None:
    evaluated = built()
    bucket = Edit(Place("server", ("Resources", "Bucket")), {"Type": "AWS::S3::Bucket"})
    extended = Evaluated(evaluated.system, evaluated.emitted.edited(bucket), evaluated.facts, evaluated.answers)
    assert uncovered_types(extended) == ("AWS::S3::Bucket",)


def test_control_policies_must_leave_the_deployer_and_the_roles_their_actions(built: Built) -> None:
    actions = scp_actions(built())
    assert actions == tuple(sorted(set(actions)))
    assert {"cloudformation:ExecuteChangeSet", "lambda:CreateFunction", "dynamodb:GetItem", "xray:PutTraceSegments"} <= set(actions)
