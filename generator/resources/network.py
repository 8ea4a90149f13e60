"""Network: where the function sits in the VPC, and the only ways out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from troposphere import GetAtt, Ref, awslambda, ec2

from claimstack.generator.claims import Claim, Component
from claimstack.generator.expressions import Check, every, none_exists, prop
from claimstack.generator.questions import EgressIsExplicit, NoIngress
from claimstack.generator.system import Stack

NETWORK = Component("network", "Network", "Placement of the MCP server's function in the VPC, and the ways out of it.", type="network")

FUNCTION_GROUP_ID: Final = "FunctionGroup"
"""Logical id of the function's own group, to which an extension adds the ways out that its tools need."""

HTTPS: Final = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}

BYTE: Final = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PRIVATE: Final = (
    rf"10\.{BYTE}",
    r"172\.(1[6-9]|2[0-9]|3[01])",
    r"192\.168",
    r"100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])",
)
EGRESS_CIDR: Final = rf"^({'|'.join(_PRIVATE)})\.{BYTE}\.{BYTE}/(1[6-9]|2[0-9]|3[0-2])$"
"""An IPv4 range of at most 2^16 addresses inside those that nobody on the internet has (RFC 1918) or that carriers share (RFC 6598)."""

PREFIX_LIST: Final = r"^pl-[0-9a-f]{8,17}$"
SECURITY_GROUP: Final = r"^sg-[0-9a-f]{8,17}$"


@dataclass(frozen=True, slots=True)
class Network:
    """What the function's VpcConfig names."""

    subnet_ids: Any
    security_group_ids: Any
    vpc_id: Any

    def placed(self) -> tuple[Check, ...]:
        """That every function of the system has this place."""
        functions = every(awslambda.Function)
        return (
            functions.prop("VpcConfig.SubnetIds").equals(self.subnet_ids),
            functions.prop("VpcConfig.SecurityGroupIds").equals(self.security_group_ids),
        )


def add_network(stack: Stack) -> Network:
    """The function's own security group, or the given ones, whose rules are then not ours to claim."""
    vpc_id, subnet_ids = place_parameters(
        stack, "VPC of the function.", "Private subnets of the function, in at least two availability zones."
    )
    if stack.config.network.security_groups == "given":
        if stack.config.network.endpoints:
            stack.system.warnings.append(
                "network.security_groups = given, network.endpoints = true: admit your groups to the endpoints on TCP 443 yourself "
                "(ingress of EndpointSecurityGroupId from each group); without it the function reaches no AWS service."
            )
        groups: Any = stack.parameter(
            "SecurityGroupIds",
            "Security groups of the function, at most five; their rules are the landing zone's.",
            example="sg-0123456789abcdef0",
            Type="List<AWS::EC2::SecurityGroup::Id>",
        )
        return Network(subnet_ids, groups, vpc_id)
    network = Network(subnet_ids, [GetAtt(FUNCTION_GROUP_ID, "GroupId")], vpc_id)
    if stack.config.network.endpoints:
        _with_endpoints(stack, network)
    else:
        _without_endpoints(stack, network)
    return network


def place_parameters(stack: Stack, vpc: str, subnets: str) -> tuple[Ref, Ref]:
    """VPC and subnets; a rule refuses subnets of another VPC. Rules cannot count, so that two zones are asked for in words only."""
    vpc_id = stack.parameter("VpcId", vpc, example="vpc-0123456789abcdef0", Type="AWS::EC2::VPC::Id")
    subnet_ids = stack.parameter(
        "SubnetIds",
        subnets,
        example="subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        Type="List<AWS::EC2::Subnet::Id>",
    )
    stack.rule(
        "SubnetsLieInTheVpc",
        "Every subnet lies in the VPC.",
        {"Fn::EachMemberEquals": [{"Fn::ValueOf": ["SubnetIds", "VpcId"]}, {"Ref": "VpcId"}]},
    )
    return vpc_id, subnet_ids


def one_port_only() -> tuple[Check, ...]:
    """That every egress rule of the security group is TCP 443."""
    rule = "SecurityGroupEgress[*]"
    return (
        prop(f"{rule}.IpProtocol").equals("tcp"),
        prop(f"{rule}.FromPort").equals(443),
        prop(f"{rule}.ToPort").equals(443),
    )


def _with_endpoints(stack: Stack, network: Network) -> None:
    endpoints = stack.parameter(
        "EndpointSecurityGroupId",
        "Security group of the VPC endpoints: the output EndpointSecurityGroupId of the endpoints stack.",
        example="sg-0123456789abcdef0",
        AllowedPattern=SECURITY_GROUP,
        ConstraintDescription="The id of a security group, such as sg-0123456789abcdef0.",
    )
    rules = [
        ec2.SecurityGroupRule(Description="Interface endpoints of AWS services", DestinationSecurityGroupId=endpoints, **HTTPS),
    ]
    destinations: list[Check] = [
        prop("SecurityGroupEgress", "0", "DestinationSecurityGroupId").equals(endpoints).named("SecurityGroupEgress.endpoints.equals")
    ]
    if stack.config.runtime.sessions:
        prefixes = stack.parameter(
            "DynamoDbPrefixListId",
            "AWS-managed prefix list of DynamoDB in the region (aws ec2 describe-managed-prefix-lists).",
            example="pl-02cd2c6b",
            AllowedPattern=PREFIX_LIST,
            ConstraintDescription="The id of a prefix list, such as pl-02cd2c6b.",
        )
        rules.append(ec2.SecurityGroupRule(Description="DynamoDB through the gateway endpoint", DestinationPrefixListId=prefixes, **HTTPS))
        destinations.append(
            prop("SecurityGroupEgress", "1", "DestinationPrefixListId").equals(prefixes).named("SecurityGroupEgress.dynamodb.equals")
        )
    group = _function_group(
        stack,
        network,
        rules,
        "the security group of the VPC endpoints" + (" and the addresses of DynamoDB" if stack.config.runtime.sessions else ""),
        (*destinations, prop("SecurityGroupEgress[*].CidrIp").absent(), prop("SecurityGroupEgress[*].CidrIpv6").absent()),
    )
    stack.add(
        NETWORK,
        ec2.SecurityGroupIngress(
            "EndpointIngress",
            Description="The function calls AWS services",
            GroupId=endpoints,
            SourceSecurityGroupId=GetAtt(group, "GroupId"),
            **HTTPS,
        ),
        Claim(
            "ac-4_smt",
            "The endpoints accept TCP port 443 from the function's own security group.",
            prop("GroupId").equals(endpoints),
            prop("SourceSecurityGroupId").equals(GetAtt(group, "GroupId")),
            prop("IpProtocol").equals("tcp"),
            prop("FromPort").equals(443),
            prop("ToPort").equals(443),
            NoIngress(),
        ),
    )


def _without_endpoints(stack: Stack, network: Network) -> None:
    cidr = stack.parameter(
        "EgressCidr",
        "Private addresses of the VPC endpoints or the proxy by which the function reaches AWS services and whatever its tools call.",
        example="10.20.30.0/24",
        AllowedPattern=EGRESS_CIDR,
        ConstraintDescription="An IPv4 range of /16 to /32 inside 10/8, 172.16/12, 192.168/16 or 100.64/10, such as 10.20.30.0/24.",
    )
    rules = [ec2.SecurityGroupRule(Description="Endpoints or proxy of the landing zone", CidrIp=cidr, **HTTPS)]
    _function_group(
        stack,
        network,
        rules,
        "the one address range that the landing zone provides for it",
        (
            prop("SecurityGroupEgress[*].CidrIp").equals(cidr),
            prop("SecurityGroupEgress[*].CidrIp").matches(EGRESS_CIDR),
            prop("SecurityGroupEgress[*].CidrIpv6").absent(),
        ),
    )


def _function_group(
    stack: Stack, network: Network, rules: list[ec2.SecurityGroupRule], where: str, destinations: tuple[Check, ...]
) -> ec2.SecurityGroup:
    port = one_port_only()
    placed = network.placed()
    destinations = (
        *destinations,
        prop("SecurityGroupEgress", str(len(rules))).absent().named("SecurityGroupEgress.no-other"),
        # An extension may add a way out as a resource of its own, which then says for itself where it leads.
        every(ec2.SecurityGroupEgress).or_none().attribute("Metadata.Compliance.Points").present(),
    )
    group: ec2.SecurityGroup = stack.add(
        NETWORK,
        ec2.SecurityGroup(
            FUNCTION_GROUP_ID,
            GroupDescription=f"Function of the MCP server {stack.config.name}: no way in, named ways out",
            VpcId=network.vpc_id,
            SecurityGroupEgress=rules,
        ),
        Claim(
            "sc-7.5_smt",
            f"The security group admits no inbound connection, and its own rules let the function connect to {where} only; lookups at the "
            "resolver of the VPC pass every security group.",
            NoIngress(),
            EgressIsExplicit(),
            *destinations,
            *port,
            *placed,
            meets=("sc-7.5_obj-1", "sc-7.5_obj-2"),
        ),
        Claim(
            "ac-4_smt",
            f"The security group's own rules let data flow from the function to {where} only.",
            EgressIsExplicit(),
            *destinations,
            *placed,
        ),
        Claim(
            "sc-7_smt.a",
            "The security group controls every connection at the function's interfaces in the VPC.",
            NoIngress(),
            EgressIsExplicit(),
            *destinations,
            prop("VpcId").equals(network.vpc_id),
            *placed,
            meets=("sc-7_obj.a-4",),
        ),
        Claim("sc-7_smt.b", "The function accepts no connection from the network that it is attached to.", NoIngress(), *placed),
        Claim(
            "sc-7_smt.c",
            f"The security group lets the function out to {where}; the stack adds no internet gateway, no NAT gateway and no route.",
            EgressIsExplicit(),
            *destinations,
            none_exists(ec2.InternetGateway, ec2.NatGateway, ec2.Route, ec2.EIP),
            *placed,
        ),
    )
    return group
