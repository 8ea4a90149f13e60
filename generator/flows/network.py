"""Network: flows that security groups, VPC endpoints and placement admit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from claimstack.generator.emitted import Json, Place, Resource
from claimstack.generator.flows.landscape import HTTPS, INTERNET, NOT_IN_TEMPLATE, TLS_UNKNOWN, Landscape, joined, unquoted
from claimstack.generator.flows.sighting import Sighting
from claimstack.generator.questions.network import groups_open_to_everything, rules
from claimstack.generator.questions.reading import as_list, as_mapping, policy_statements, text_of

GROUP = "AWS::EC2::SecurityGroup"
_DESTINATIONS = ("DestinationSecurityGroupId", "DestinationPrefixListId", "CidrIp", "CidrIpv6")
_SOURCES = ("SourceSecurityGroupId", "SourceSecurityGroupName", "SourcePrefixListId", "CidrIp", "CidrIpv6")


def egress_flows(land: Landscape) -> Iterator[Sighting]:
    for resource, place, rule in rules(land.emitted, "Egress"):
        group: Json = {"Ref": resource.logical_id} if resource.type == GROUP else as_mapping(rule).get("GroupId")
        for target, purpose in _ends(land, resource.stack, as_mapping(rule), _DESTINATIONS):
            for source in land.users_of_group(resource.stack, group):
                if source != target:
                    yield _rule_sighting(source, target, purpose, place, as_mapping(rule))
    for resource in groups_open_to_everything(land.emitted):
        for source in land.users_of_group(resource.stack, {"Ref": resource.logical_id}):
            yield Sighting(
                source,
                land.outside(INTERNET),
                "The group declares no egress rule, so that EC2 lets everything out",
                (resource.place,),
                resource.logical_id,
                "any",
                None,
                NOT_IN_TEMPLATE,
            )


def ingress_flows(land: Landscape) -> Iterator[Sighting]:
    for resource, place, rule in rules(land.emitted, "Ingress"):
        group: Json = {"Ref": resource.logical_id} if resource.type == GROUP else as_mapping(rule).get("GroupId")
        for source, purpose in _ends(land, resource.stack, as_mapping(rule), _SOURCES):
            for target in land.users_of_group(resource.stack, group):
                if source != target:
                    yield _rule_sighting(source, target, purpose, place, as_mapping(rule))


def _rule_sighting(source: str, target: str, purpose: str, place: Place, rule: dict[str, Json]) -> Sighting:
    protocol, port, ports = _ports(rule)
    encryption = TLS_UNKNOWN if port == 443 else NOT_IN_TEMPLATE
    return Sighting(source, target, purpose, (place,), f"{protocol} {ports}", protocol, port, encryption)


def _ports(rule: dict[str, Json]) -> tuple[str, int | None, str]:
    protocol = unquoted(rule.get("IpProtocol", "-1")).lower()
    if protocol in ("-1", "all"):
        return "any", None, "any"
    low, high = rule.get("FromPort"), rule.get("ToPort")
    ports = unquoted(low) if low == high else f"{unquoted(low)}-{unquoted(high)}"
    name = {"6": "tcp", "17": "udp"}.get(protocol, protocol)
    single = int(ports) if re.fullmatch(r"\d{1,5}", ports) else None
    if name == "tcp" and single == 443:
        return HTTPS, single, ports
    return name if single is not None else f"{name} {ports}", single, ports


def _ends(land: Landscape, stack: str, rule: dict[str, Json], keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(end, purpose) for each place that a rule leads to or from."""
    said = unquoted(rule["Description"]) if "Description" in rule else ""
    for key in keys:
        if key not in rule:
            continue
        value = rule[key]
        if key.endswith(("SecurityGroupId", "SecurityGroupName")):
            for end in land.users_of_group(stack, value) or [land.outside(INTERNET)]:
                yield end, said or "Named by its security group"
        elif key.endswith("PrefixListId"):
            yield _prefix_list(land, stack, value), said or "Named by its prefix list"
        elif not _is_loopback(value):
            end = land.resolve(stack, value) or land.outside(INTERNET)
            yield end, said if end.startswith("given-") and said else f"{said + ': ' if said else ''}{unquoted(value)}"
    if not any(key in rule for key in keys):
        yield land.outside(INTERNET), said or "A rule that names no other end"


def _is_loopback(value: Json) -> bool:
    try:
        return isinstance(value, str) and ip_network(value, strict=False).is_loopback
    except ValueError:
        return False


def _prefix_list(land: Landscape, stack: str, value: Json) -> str:
    """The gateway endpoint whose service the template parameter of a prefix list is called after."""
    target = land.target(stack, value)
    if isinstance(target, str):
        for endpoint in land.emitted.resources("AWS::EC2::VPCEndpoint"):
            service = endpoint_service(endpoint)
            if endpoint.properties.get("VpcEndpointType", "Gateway") == "Gateway" and target.lower().startswith(service):
                return land.owner(endpoint)
    return land.resolve(stack, value) or land.outside(INTERNET)


def endpoint_service(endpoint: Resource) -> str:
    """`secretsmanager` of com.amazonaws.${AWS::Region}.secretsmanager."""
    name = text_of(endpoint.properties.get("ServiceName")) or "any"
    return re.sub(r"^com\.amazonaws\.([a-z0-9-]+|\$\{AWS::Region\})\.", "", name)


def endpoint_flows(land: Landscape) -> Iterator[Sighting]:
    for endpoint in land.emitted.resources("AWS::EC2::VPCEndpoint"):
        service = endpoint_service(endpoint)
        statements = [
            statement
            for statement in policy_statements(land.emitted)
            if (statement.resource.stack, statement.resource.logical_id) == (endpoint.stack, endpoint.logical_id) and statement.allows
        ]
        actions = joined(unquoted(action) for statement in statements for action in statement.actions)
        purpose = actions if statements else "every action of every caller: the endpoint has no policy"
        if any(not statement.readable or "NotAction" in statement.body for statement in statements):
            purpose = "a policy that cannot be read"
        given = [
            end
            for statement in statements
            for value in as_list(statement.body.get("Resource", []))
            if isinstance(target := land.target(endpoint.stack, value), str) and not _has_default(land, endpoint.stack, target)
            for end in [land.given(target)]
        ]
        places = (endpoint.place, *(statement.place for statement in statements))
        for target in dict.fromkeys(given) or land.stores(service) or [land.service(service)]:
            yield Sighting(land.owner(endpoint), target, f"{service} endpoint: {purpose}", places, service)


def _has_default(land: Landscape, stack: str, parameter: str) -> bool:
    """Whether a template parameter settles a name of this system rather than something given."""
    return "Default" in as_mapping(land.emitted.template_parameter(stack, parameter))


def placement_flows(land: Landscape) -> Iterator[Sighting]:
    for function in land.emitted.resources("AWS::Lambda::Function"):
        vpc = as_mapping(function.properties.get("VpcConfig"))
        if not vpc.get("SubnetIds"):
            yield Sighting(
                land.owner(function),
                land.outside(INTERNET),
                "The function is placed in no VPC, so that it may connect to any address",
                (function.place,),
                function.logical_id,
                "any",
                None,
                NOT_IN_TEMPLATE,
            )
            continue
        for index, group in enumerate(as_list(vpc.get("SecurityGroupIds", []))):
            target = land.target(function.stack, group)
            if not isinstance(target, Resource):
                place = function.property_place("VpcConfig", "SecurityGroupIds")
                yield Sighting(
                    land.owner(function),
                    land.given(target) if target is not None else land.outside(INTERNET),
                    "The rules of a supplied security group are not in the templates",
                    (place.below(index) if isinstance(vpc["SecurityGroupIds"], list) else place,),
                    "",
                    NOT_IN_TEMPLATE,
                    None,
                    NOT_IN_TEMPLATE,
                )
