"""The function's place in the VPC, and the endpoints by which it leaves it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.config import Config
from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.resources.endpoints import interface_services, runs_past_fips
from claimstack.generator.resources.network import EGRESS_CIDR

ENDPOINTS = {"endpoints": True}
SESSIONS = {"sessions": True}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


def egress(built: Any, logical_id: str = "FunctionGroup", stack: str = "server") -> list[dict[str, Any]]:
    rules = built.properties(logical_id, stack)["SecurityGroupEgress"]
    return [{key: value for key, value in rule.items() if key != "Description"} for rule in rules]


def test_without_endpoints_the_function_reaches_one_range(workload: Callable[..., Any]) -> None:
    assert egress(workload()) == [{**HTTPS, "CidrIp": {"Ref": "EgressCidr"}}]


def test_with_endpoints_the_function_reaches_their_group_and_the_table(workload: Callable[..., Any]) -> None:
    to_group = {**HTTPS, "DestinationSecurityGroupId": {"Ref": "EndpointSecurityGroupId"}}
    to_table = {**HTTPS, "DestinationPrefixListId": {"Ref": "DynamoDbPrefixListId"}}
    assert egress(workload(network=ENDPOINTS)) == [to_group]
    built = workload(network=ENDPOINTS, runtime=SESSIONS)
    assert egress(built) == [to_group, to_table]
    ingress = {key: value for key, value in built.properties("EndpointIngress").items() if key != "Description"}
    assert ingress == {
        **HTTPS,
        "GroupId": {"Ref": "EndpointSecurityGroupId"},
        "SourceSecurityGroupId": {"Fn::GetAtt": ["FunctionGroup", "GroupId"]},
    }


def test_given_groups_are_used_and_nothing_is_claimed_of_their_rules(workload: Callable[..., Any]) -> None:
    built = workload(network={"security_groups": "given"})
    assert built.properties("Function")["VpcConfig"]["SecurityGroupIds"] == {"Ref": "SecurityGroupIds"}
    assert list(built.emitted.resources("AWS::EC2::SecurityGroup")) == []
    assert built.evaluated.answers["sc-7.5_smt"].claims == ()


def test_endpoint_group_lets_nothing_start(workload: Callable[..., Any]) -> None:
    built = workload(network=ENDPOINTS)
    assert egress(built, "EndpointGroup", "endpoints") == [{**HTTPS, "CidrIp": "127.0.0.1/32"}]
    assert "SecurityGroupIngress" not in built.properties("EndpointGroup", "endpoints")


def test_subnets_of_another_vpc_are_refused(workload: Callable[..., Any]) -> None:
    built = workload(network=ENDPOINTS)
    rule = {"Fn::EachMemberEquals": [{"Fn::ValueOf": ["SubnetIds", "VpcId"]}, {"Ref": "VpcId"}]}
    for stack in ("endpoints", "server"):
        assertion = built.emitted.stacks[stack]["Rules"]["SubnetsLieInTheVpc"]["Assertions"][0]
        assert assertion == {"Assert": rule, "AssertDescription": "Every subnet lies in the VPC."}


@pytest.mark.parametrize(
    ("cidr", "accepted"),
    [
        ("10.20.30.0/24", True),
        ("10.255.0.0/16", True),
        ("172.31.4.0/24", True),
        ("192.168.7.7/32", True),
        ("100.127.255.0/28", True),
        ("10.0.0.0/8", False),
        ("10.0.0.0/15", False),
        ("8.0.0.0/16", False),
        ("172.32.0.0/16", False),
        ("192.0.2.7/32", False),
        ("100.128.0.0/16", False),
        ("0.0.0.0/0", False),
        ("10.0.0.0/7", False),
        ("10.0.0.0", False),
        ("10.0.0.256/32", False),
        ("10.0.0.0/33", False),
        ("::/0", False),
    ],
)
def test_egress_range_is_private_and_no_wider_than_a_vpc(cidr: str, accepted: bool) -> None:  # noqa: FBT001 - a row of the table
    assert bool(re.fullmatch(EGRESS_CIDR, cidr)) is accepted


def test_services_are_those_of_the_code_and_of_the_tools() -> None:
    base = {"name": "grants-tools", "title": "T", "class": "C", "certification": "20x", "region": "us-east-1", "as_of": "2026-11-01"}

    def config(**tables: Any) -> Config:
        return Config.model_validate({**base, **tables}, strict=False)

    assert interface_services(config()) == ()
    with_tools = config(network={"endpoints": True, "endpoint_services": ("sqs-fips", "secretsmanager")})
    assert interface_services(with_tools) == ("secretsmanager", "sqs-fips")
    assert runs_past_fips(with_tools) == (("secretsmanager", "SECRETS_MANAGER"),)
    assert runs_past_fips(config(network={"endpoints": True}, runtime={"fips_endpoints": False})) == ()
    by_fips_name = config(network={"endpoints": True, "endpoint_services": ("secretsmanager-fips",)})
    assert (interface_services(by_fips_name), runs_past_fips(by_fips_name)) == (("secretsmanager-fips",), ())


def test_a_fips_endpoint_lets_the_same_calls_through_as_the_one_it_replaces(workload: Callable[..., Any]) -> None:
    standard = workload(network=ENDPOINTS).properties("SecretsmanagerEndpoint", "endpoints")
    fips = workload(network={**ENDPOINTS, "endpoint_services": ("secretsmanager-fips",)})
    assert fips.emitted.resource("endpoints", "SecretsmanagerEndpoint") is None
    replaced = {**standard, "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.secretsmanager-fips"}}
    assert fips.properties("SecretsmanagerFipsEndpoint", "endpoints") == replaced


def test_endpoints_stack_without_sessions_asks_for_nothing_about_tables(workload: Callable[..., Any]) -> None:
    def parameters(**tables: Any) -> set[str]:
        return set(workload(**tables).emitted.stacks["endpoints"]["Parameters"])

    assert parameters(network=ENDPOINTS) == {"VpcId", "SubnetIds"}
    assert parameters(network=ENDPOINTS, runtime=SESSIONS) == {"VpcId", "SubnetIds", "RouteTableIds", "ServerStackName"}


def test_interface_endpoint_reads_secrets_of_this_account_over_tls(workload: Callable[..., Any]) -> None:
    built = workload(network=ENDPOINTS)
    properties = {key: value for key, value in built.properties("SecretsmanagerEndpoint", "endpoints").items() if key != "Tags"}
    assert properties == {
        "VpcEndpointType": "Interface",
        "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.secretsmanager"},
        "VpcId": {"Ref": "VpcId"},
        "SubnetIds": {"Ref": "SubnetIds"},
        "SecurityGroupIds": [{"Fn::GetAtt": ["EndpointGroup", "GroupId"]}],
        "PrivateDnsEnabled": True,
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ReadSecretsOfThisAccount",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                    "Resource": {"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*"},
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}},
                },
                {
                    "Sid": "DenyPlainTransport",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": ["*"],
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        },
    }


def test_table_endpoint_knows_one_table_only(workload: Callable[..., Any]) -> None:
    built = workload(network=ENDPOINTS, runtime=SESSIONS)
    statement = built.properties("TableEndpoint", "endpoints")["PolicyDocument"]["Statement"][0]
    table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${ServerStackName}-Sessions-*"
    assert statement["Resource"] == {"Fn::Sub": table}
    assert built.properties("Sessions").get("TableName") is None
    assert built.emitted.template_parameter("endpoints", "ServerStackName")["Default"] == "grants-tools-server"


def test_two_services_that_would_share_a_logical_id_are_refused(workload: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"'ecr\.api' and another service would share the logical id EcrApiEndpoint"):
        workload(network={"endpoints": True, "endpoint_services": ("ecr-api", "ecr.api")})


@pytest.mark.parametrize(
    ("logical_id", "path", "value", "check", "stack"),
    [
        ("FunctionGroup", ("SecurityGroupEgress", 0), {**HTTPS, "CidrIp": "0.0.0.0/0"}, "system.egress-is-explicit", "server"),
        ("FunctionGroup", ("SecurityGroupEgress",), REMOVE, "system.egress-is-explicit", "server"),
        (
            "FunctionGroup",
            ("SecurityGroupEgress", 0, "FromPort"),
            0,
            "server.FunctionGroup.SecurityGroupEgress.each.FromPort.equals",
            "server",
        ),
        ("FunctionGroup", ("SecurityGroupIngress",), [{**HTTPS, "CidrIp": "10.0.0.0/8"}], "system.no-ingress", "server"),
        ("EndpointIngress", ("SourceSecurityGroupId",), {"Ref": "Other"}, "server.EndpointIngress.SourceSecurityGroupId.equals", "server"),
        ("SecretsmanagerEndpoint", ("PrivateDnsEnabled",), False, "endpoints.SecretsmanagerEndpoint.PrivateDnsEnabled.equals", "endpoints"),
        (
            "TableEndpoint",
            ("PolicyDocument", "Statement", 0, "Resource"),
            "*",
            "endpoints.TableEndpoint.PolicyDocument.Statement.equals",
            "endpoints",
        ),
    ],
)
def test_a_wider_network_is_noticed(
    workload: Callable[..., Any], logical_id: str, path: tuple[str | int, ...], value: Any, check: str, stack: str
) -> None:
    built = workload(network=ENDPOINTS, runtime=SESSIONS)
    assert check in built.set(logical_id, *path, to=value, stack=stack)


def test_a_further_way_out_is_noticed(workload: Callable[..., Any]) -> None:
    built = workload(network=ENDPOINTS)
    rule = {**HTTPS, "DestinationPrefixListId": "pl-02cd2c6b"}
    assert built.set("FunctionGroup", "SecurityGroupEgress", 1, to=rule) == ["server.FunctionGroup.SecurityGroupEgress.no-other"]
    unclaimed = {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {**rule, "GroupId": "sg-0123456789abcdef0"}}
    added = Edit(Place("server", ("Resources", "Unclaimed")), unclaimed)
    assert sorted(built.failed_by(added)) == [
        "system.AWS-EC2-SecurityGroupEgress.Metadata.Compliance.Points.present",
        "system.only-declared",
    ]


@pytest.mark.parametrize("point", ["ac-4_smt", "sc-7_smt.a", "sc-7_smt.b", "sc-7_smt.c", "sc-7.5_smt"])
@pytest.mark.parametrize("property_", ["SecurityGroupIds", "SubnetIds"])
def test_what_the_group_claims_of_the_function_fails_without_the_group(workload: Callable[..., Any], point: str, property_: str) -> None:
    claims = workload().evaluated.answers[point].claims
    of_the_group = {check.id for result in claims if result.declared.logical_id == "FunctionGroup" for check in result.checks}
    assert f"system.AWS-Lambda-Function.VpcConfig.{property_}.equals" in of_the_group


def test_an_interface_endpoint_with_another_group_is_noticed(workload: Callable[..., Any]) -> None:
    noticed = workload(network=ENDPOINTS).set("SecretsmanagerEndpoint", "SecurityGroupIds", to=["sg-0123456789abcdef0"], stack="endpoints")
    assert "system.AWS-EC2-VPCEndpoint.SecurityGroupIds.equals" in noticed
