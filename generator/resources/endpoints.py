"""Endpoints: the stack of VPC endpoints by which the function reaches AWS services without a way to the internet."""

from __future__ import annotations

from typing import Any, Final, Literal

from troposphere import GetAtt, Ref, Sub, ec2

from claimstack.controls.errors import InputError
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.expressions import Check, every, prop
from claimstack.generator.questions import (
    DeniesPlainTransport,
    EgressIsExplicit,
    NoIngress,
    NoPublicPrincipal,
    PolicyParametersBounded,
    statements_are,
)
from claimstack.generator.resources.network import HTTPS, one_port_only, place_parameters
from claimstack.generator.resources.policies import OF_THIS_ACCOUNT, allow, arn, deny_plain_transport, document
from claimstack.generator.resources.role import TABLE_ACTIONS
from claimstack.generator.resources.sessions import TABLE_ID
from claimstack.generator.system import Stack

VPC_ENDPOINTS = Component("vpc-endpoints", "VPC endpoints", "Private entrances to AWS services in the VPC of the function.", type="network")

CODE_CALLS: Final = ("secretsmanager",)
"""Interface endpoints that the runtime's own code needs: it reads the state key. Records, metrics and traces leave the function
through Lambda itself, and DynamoDB has the gateway endpoint."""

SDK_NAMES: Final = {"secretsmanager": "SECRETS_MANAGER"}
"""Interface endpoint service without a FIPS twin → its name in AWS_ENDPOINT_URL_<name>, the SDK's setting of one service's address.

Secrets Manager is the one of them that the runtime calls: the private DNS name of `secretsmanager` is the standard one (AWS PrivateLink
guide, "AWS services that integrate with AWS PrivateLink"). Where a region offers `secretsmanager-fips` as well, system.toml can ask for it.
"""

SECRET_ACTIONS: Final = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
"""What the endpoint of Secrets Manager lets through."""

ENDPOINT_GROUP_ID: Final = "EndpointGroup"
TABLE_ENDPOINT_ID: Final = "TableEndpoint"
"""The gateway endpoint of DynamoDB, for the session table and for tables of tools."""

NOWHERE: Final = "127.0.0.1/32"
"""An endpoint opens no connection. A group without a rule would get EC2's own, which allows all."""

ROUTE_TABLE: Final = r"^rtb-[0-9a-f]{8,17}$"
STACK_NAME: Final = r"^[A-Za-z][A-Za-z0-9-]{0,127}$"


def interface_services(config: Config) -> tuple[str, ...]:
    """Interface endpoints of the endpoints stack, by service name without the region prefix; none without that stack.

    A FIPS endpoint that system.toml asks for stands in place of the standard one.
    """
    asked = config.network.endpoint_services
    needed = (service for service in CODE_CALLS if f"{service}-fips" not in asked)
    return tuple(dict.fromkeys((*needed, *asked))) if config.network.endpoints else ()


def runs_past_fips(config: Config) -> tuple[tuple[str, str], ...]:
    """Services that have to be called by their standard name although FIPS endpoints are asked for: (service, name for the SDK)."""
    if not config.runtime.fips_endpoints:
        return ()
    return tuple((service, SDK_NAMES[service]) for service in interface_services(config) if service in SDK_NAMES)


def add_endpoints(stack: Stack) -> None:
    """The group, the interface endpoints, the gateway endpoint where there is a session table, and the output for the server stack."""
    vpc_id, _ = place_parameters(
        stack,
        "VPC of the function, with DNS names and DNS resolution switched on.",
        "Private subnets of the endpoints: one in each availability zone of the function.",
    )
    group = _group(stack, vpc_id)
    for service in interface_services(stack.config):
        _service_endpoint(stack, service)
    if stack.config.runtime.sessions:
        _table_endpoint(stack)
    stack.output(
        "EndpointSecurityGroupId",
        GetAtt(group, "GroupId"),
        "Security group of the VPC endpoints, to which the server stack admits its function.",
    )


def _group(stack: Stack, vpc_id: Any) -> ec2.SecurityGroup:
    nowhere = (prop("SecurityGroupEgress[*].CidrIp").equals(NOWHERE), *one_port_only())
    interfaces = every(ec2.VPCEndpoint).where(prop("VpcEndpointType").equals("Interface"))
    group: ec2.SecurityGroup = stack.add(
        VPC_ENDPOINTS,
        ec2.SecurityGroup(
            ENDPOINT_GROUP_ID,
            GroupDescription=f"VPC endpoints of the MCP server {stack.config.name}: callers are admitted one by one",
            VpcId=vpc_id,
            SecurityGroupEgress=[ec2.SecurityGroupRule(Description="No connection starts here", CidrIp=NOWHERE, **HTTPS)],
        ),
        Claim(
            "sc-7.5_smt",
            "The security group admits nobody until a stack names a security group as caller, and lets no connection start here.",
            NoIngress(),
            EgressIsExplicit(),
            prop("SecurityGroupIngress").absent(),
            *nowhere,
            meets=("sc-7.5_obj-1", "sc-7.5_obj-2"),
        ),
        Claim(
            "sc-7_smt.a",
            "The security group controls every connection to the interface endpoints.",
            NoIngress(),
            prop("SecurityGroupIngress").absent(),
            prop("VpcId").equals(vpc_id),
            interfaces.prop("SecurityGroupIds").equals([GetAtt(ENDPOINT_GROUP_ID, "GroupId")]),
            meets=("sc-7_obj.a-4",),
        ),
    )
    return group


def endpoint_id(service: str) -> str:
    """Logical id of the interface endpoint of a service."""
    return "".join(word.capitalize() for word in service.replace("-", ".").split(".")) + "Endpoint"


def _logical_id(stack: Stack, service: str) -> str:
    logical_id = endpoint_id(service)
    if logical_id in stack.declared:
        raise InputError(
            f"network.endpoint_services: '{service}' and another service would share the logical id {logical_id}; remove one of them"
        )
    return logical_id


def keeps_secrets(service: str) -> bool:
    """Whether its endpoint lets only SECRET_ACTIONS through."""
    return service in ("secretsmanager", "secretsmanager-fips")


def _service_endpoint(stack: Stack, service: str) -> None:
    """The endpoint of a service that the configuration names: of our own services it lets through only what the runtime calls."""
    if keeps_secrets(service):
        what = "to read secrets of this account"
        calls = allow(
            "ReadSecretsOfThisAccount", *SECRET_ACTIONS, on=arn("secretsmanager", "secret:*"), principal="*", condition=OF_THIS_ACCOUNT
        )
    else:
        what = f"to call {service}"
        # Which actions a tool calls is not known here; its own IAM statement says so.
        calls = allow("CallsOfThisAccount", "*", on="*", principal="*", condition=OF_THIS_ACCOUNT)
    add_interface_endpoint(stack, service, f"The endpoint lets callers of this account through, {what}, and nobody else.", calls)


def add_interface_endpoint(stack: Stack, service: str, sentence: str, *statements: dict[str, Any]) -> ec2.VPCEndpoint:
    """An interface endpoint of the endpoints stack whose policy holds these statements and refuses plain transport.

    `sentence`: what its policy lets through, with the endpoint as subject.
    """
    vpc_id, subnet_ids = Ref("VpcId"), Ref("SubnetIds")
    groups = [GetAtt(ENDPOINT_GROUP_ID, "GroupId")]
    policy = [*statements, deny_plain_transport("*")]
    name = Sub(f"com.amazonaws.${{AWS::Region}}.{service}")
    endpoint: ec2.VPCEndpoint = stack.add(
        VPC_ENDPOINTS,
        ec2.VPCEndpoint(
            _logical_id(stack, service),
            VpcEndpointType="Interface",
            ServiceName=name,
            VpcId=vpc_id,
            SubnetIds=subnet_ids,
            SecurityGroupIds=groups,
            PrivateDnsEnabled=True,
            PolicyDocument=document(*policy),
        ),
        *_endpoint_claims(
            service,
            sentence,
            policy,
            (
                prop("VpcEndpointType").equals("Interface"),
                prop("ServiceName").equals(name),
                prop("PrivateDnsEnabled").is_true(),
                prop("SubnetIds").equals(subnet_ids),
                prop("VpcId").equals(vpc_id),
            ),
        ),
        Claim(
            "sc-7.5_smt",
            "The endpoint admits connections only as the security group of the endpoints says.",
            prop("SecurityGroupIds").equals(groups),
            NoIngress(),
            meets=("sc-7.5_obj-1", "sc-7.5_obj-2"),
        ),
    )
    return endpoint


def _table_endpoint(stack: Stack) -> None:
    server = stack.parameter(
        "ServerStackName",
        "Name of the server stack, from which the name of its session table is built.",
        example=f"{stack.config.name}-server",
        Default=f"{stack.config.name}-server",
        AllowedPattern=STACK_NAME,
        ConstraintDescription="The name of a CloudFormation stack: a letter, then letters, digits and hyphens.",
    )
    # The name that CloudFormation gives a table is <stack>-<logical id>-<random>.
    table = arn("dynamodb", f"table/${{{server.data['Ref']}}}-{TABLE_ID}-*")
    add_gateway_endpoint(
        stack,
        TABLE_ENDPOINT_ID,
        "dynamodb",
        f"The endpoint lets callers of this account through to records of tables whose name begins with ServerStackName-{TABLE_ID}-, "
        "as that of the session table does, and to no other table.",
        allow("UseSessionRecords", *TABLE_ACTIONS, on=table, principal="*", condition=OF_THIS_ACCOUNT),
    )


def add_gateway_endpoint(
    stack: Stack, logical_id: str, service: Literal["dynamodb", "s3"], sentence: str, *statements: dict[str, Any]
) -> ec2.VPCEndpoint:
    """A gateway endpoint of the endpoints stack whose policy holds these statements and refuses plain transport.

    `sentence`: what its policy lets through, with the endpoint as subject. A VPC has one gateway endpoint of a service on a route table.
    """
    vpc_id = Ref("VpcId")
    route_tables = stack.parameter(
        "RouteTableIds",
        "Route tables of the function's subnets. Whoever else uses them is held to the policies of the gateway endpoints as well.",
        example="rtb-0123456789abcdef0",
        Type="CommaDelimitedList",
        AllowedPattern=ROUTE_TABLE,
        ConstraintDescription="Ids of route tables, such as rtb-0123456789abcdef0, separated by commas.",
    )
    policy = [*statements, deny_plain_transport("*")]
    name = Sub(f"com.amazonaws.${{AWS::Region}}.{service}")
    endpoint: ec2.VPCEndpoint = stack.add(
        VPC_ENDPOINTS,
        ec2.VPCEndpoint(
            logical_id,
            VpcEndpointType="Gateway",
            ServiceName=name,
            VpcId=vpc_id,
            RouteTableIds=route_tables,
            PolicyDocument=document(*policy),
        ),
        *_endpoint_claims(
            service,
            sentence,
            policy,
            (
                prop("VpcEndpointType").equals("Gateway"),
                prop("ServiceName").equals(name),
                prop("RouteTableIds").equals(route_tables),
                prop("VpcId").equals(vpc_id),
            ),
        ),
    )
    return endpoint


def _endpoint_claims(service: str, sentence: str, statements: list[dict[str, Any]], managed: tuple[Check, ...]) -> tuple[Claim, ...]:
    only = (statements_are("PolicyDocument", statements), NoPublicPrincipal())
    over_tls = (statements_are("PolicyDocument", statements), DeniesPlainTransport())
    return (
        Claim("ac-4_smt", sentence, *only, PolicyParametersBounded()),
        Claim(
            "sc-7_smt.c", f"The endpoint is the interface, managed by the stack, through which the VPC reaches {service} of AWS.", *managed
        ),
        Claim("sc-8_smt", "The endpoint passes requests on over TLS only.", *over_tls),
        Claim("sc-8.1_smt", "The endpoint refuses requests that are not encrypted in transit.", *over_tls),
    )
