"""SSP boundary: what is inside and outside, how the network is made and how data flows, read from the emitted templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claimstack.generator.documents.markdown import fill_skeleton
from claimstack.generator.documents.outside import aws_services, given
from claimstack.generator.emitted import Emitted, Json, asset_id, words
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import UNDERIVED, flow_map
from claimstack.generator.questions.doors import entrances
from claimstack.generator.questions.network import groups_open_to_everything, rules
from claimstack.generator.questions.reading import as_list

KEPT_HERE: Final[Mapping[str, str]] = {
    "AWS::Cognito::UserPool": "its users, and the ids and secrets of its clients",
    "AWS::DynamoDB::Table": "its records, open sessions among them",
    "AWS::ECR::Repository": "its images, unless the account replicates them",
    "AWS::KMS::Key": "everything that was encrypted under it, since the key is of one region",
    "AWS::Logs::LogGroup": "its records, except those that were forwarded elsewhere",
    "AWS::S3::Bucket": "its objects, unless they are replicated",
    "AWS::SQS::Queue": "the messages that wait in it",
    "AWS::SecretsManager::Secret": "its value; what it sealed or signed is no longer accepted",
}
"""Type of a resource that keeps something → what a rebuild of the stacks in a second region starts without."""

KEEPS_NOTHING: Final = ("AWS::ApiGateway::Account", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role")
"""Types that stacks may retain although they hold no data."""

NETWORK_TYPES: Final[Mapping[str, str]] = {
    "AWS::EC2::VPC": "VPC",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::RouteTable": "route table",
    "AWS::EC2::Route": "route",
    "AWS::EC2::NetworkAcl": "network ACL",
    "AWS::EC2::InternetGateway": "internet gateway",
    "AWS::EC2::NatGateway": "NAT gateway",
    "AWS::EC2::FlowLog": "flow log",
}
"""What a network may have; the plan says which of these the templates do not declare."""

PEERS: Final = (
    "CidrIp",
    "CidrIpv6",
    "SourceSecurityGroupId",
    "DestinationSecurityGroupId",
    "SourcePrefixListId",
    "DestinationPrefixListId",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A component with its resources, as the boundary lists it."""

    title: str
    resources: tuple[str, ...]


def boundary_text(evaluated: Evaluated) -> str:
    config = evaluated.system.config
    return _filled(
        "ssp-authorization-boundary.md.j2",
        config=config,
        stacks=list(evaluated.emitted.stacks),
        parts=_parts(evaluated),
        count=sum(len(part.resources) for part in _parts(evaluated)),
        entrances=[(kind, asset_id(resource)) for kind, resource in entrances(evaluated.emitted)],
        services=[service.title for service in aws_services(evaluated)],
        given=given(config),
        lost=list(_lost(evaluated)),
    )


def network_text(evaluated: Evaluated) -> str:
    emitted = evaluated.emitted
    return _filled(
        "ssp-network-architecture.md.j2",
        config=evaluated.system.config,
        placed=list(_placed(evaluated)),
        rules=list(_group_rules(emitted)),
        endpoints=[
            (
                asset_id(each),
                words(each.properties.get("ServiceName")),
                each.properties.get("VpcEndpointType", "Gateway"),
            )
            for each in emitted.resources("AWS::EC2::VPCEndpoint")
        ],
        entrances=[(kind, asset_id(resource)) for kind, resource in entrances(emitted)],
        undeclared=[word for type_, word in NETWORK_TYPES.items() if not any(emitted.resources(type_))],
    )


def data_flow_text(evaluated: Evaluated) -> str:
    flows = flow_map(evaluated)
    return _filled(
        "ssp-data-flow.md.j2",
        config=evaluated.system.config,
        flows=[(flows.end(flow.source).title, flows.end(flow.target).title, flow) for flow in flows.flows],
        unseen=UNDERIVED,
    )


def _filled(skeleton: str, **values: object) -> str:
    return fill_skeleton(skeleton, **values).rstrip("\n")


def _parts(evaluated: Evaluated) -> list[Part]:
    system = evaluated.system
    return [
        Part(
            component.title,
            tuple(asset_id(each) for each in system.declared() if each.component.id == component.id),
        )
        for component in system.components()
    ]


def _lost(evaluated: Evaluated) -> Iterator[tuple[str, str]]:
    for resource in evaluated.emitted.resources():
        retained = str(resource.body.get("DeletionPolicy", "")).startswith("Retain") and resource.type not in KEEPS_NOTHING
        if retained or resource.type in KEPT_HERE:
            yield asset_id(resource), KEPT_HERE.get(resource.type, "what it holds")


def _placed(evaluated: Evaluated) -> Iterator[tuple[str, str, str]]:
    for function in evaluated.emitted.resources("AWS::Lambda::Function"):
        place = function.properties.get("VpcConfig") or {}
        if place:
            yield asset_id(function), _listed(place.get("SubnetIds")), _listed(place.get("SecurityGroupIds"))


def _listed(value: Json) -> str:
    return ", ".join(words(item) for item in as_list(value))


def _group_rules(emitted: Emitted) -> Iterator[str]:
    """What security groups let in, then what they let out, in words."""
    for group in emitted.resources("AWS::EC2::SecurityGroup"):
        if not group.properties.get("SecurityGroupIngress"):
            yield f"{asset_id(group)}: no inbound rule of its own"
    for direction, way in (("Ingress", "from"), ("Egress", "to")):
        for resource, _, rule in rules(emitted, direction):
            if resource.type == "AWS::EC2::SecurityGroup":
                yield f"{asset_id(resource)}: {_rule(rule, way)}"
            else:
                yield f"{words(resource.properties.get('GroupId'))}: {_rule(rule, way)} ({asset_id(resource)})"
    for group in groups_open_to_everything(emitted):
        yield f"{asset_id(group)}: every protocol to anywhere, since the group declares no egress rule"


def _rule(rule: Json, way: str) -> str:
    if not isinstance(rule, dict):
        return "a rule that cannot be read in the template"
    peer = next((words(rule[key]) for key in PEERS if key in rule), "anywhere")
    first, last = words(rule.get("FromPort")), words(rule.get("ToPort"))
    ports = f"port {first}" if first == last else f"ports {first} to {last}"
    if words(rule.get("IpProtocol")) == "-1":
        return f"every protocol {way} {peer}"
    return f"{words(rule.get('IpProtocol'))} {ports if 'FromPort' in rule else 'all ports'} {way} {peer}"
