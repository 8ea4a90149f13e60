"""Flows are read from the emitted templates, whatever the configuration, and change when a template does."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import itertools
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from claimstack.generator.build import build
from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.extensions import load_extensions
from claimstack.generator.flows import DERIVATIONS, Flow, FlowMap, derivation_source, flow_map
from claimstack.generator.loading import load_config
from claimstack.generator.package import emit, judge

EXAMPLES = Path(__file__).parents[3] / "examples"

REST = {"type": "rest-api", "domain": "mcp.example.gov"}
VARIANTS: dict[str, dict[str, Any]] = {
    "commercial": {},
    "endpoints": {"network": {"endpoints": True}},
    "further endpoints": {"network": {"endpoints": True, "endpoint_services": ["sqs", "bedrock-runtime", "kms"]}},
    "supplied groups": {"network": {"security_groups": "given"}},
    "no authentication": {"auth": {"type": "none"}},
    "external issuer": {"auth": {"type": "external", "issuer": "https://login.example.gov/tenant", "audience": ["mcp"]}},
    "people": {"auth": {"consumers": ["reporting"], "callback_urls": ["http://localhost:8976/callback"]}},
    "no sessions": {"runtime": {"sessions": False}},
    "no FIPS": {"runtime": {"fips_endpoints": False}},
    "default endpoint": {"front_door": {"type": "http-api"}},
    "supplied key and image": {"key": {"stack": False}, "registry": {"stack": False}},
    "landing zone": {"organisation": {"log_archive": True, "alarm_topic": "given", "permissions_boundary": True}},
}


DECIDING_NOTHING = {"claimstack.generator.evaluation", "claimstack.generator.sources"}
"""Modules that bring the templates to the derivation, or name its code."""


def edited(evaluated: Evaluated, *edits: Edit) -> FlowMap:
    return flow_map(dataclasses.replace(evaluated, emitted=evaluated.emitted.edited(*edits)))


def place(logical_id: str, *steps: str | int, stack: str = "server") -> Place:
    return Place(stack, ("Resources", logical_id, *steps))


def found(map_: FlowMap, rule: str, source: str | None = None, target: str | None = None) -> list[Flow]:
    return [flow for flow in map_.flows if flow.derived_by == rule and source in (None, flow.source) and target in (None, flow.target)]


def sound(evaluated: Evaluated) -> FlowMap:
    """The flow map, after everything has been asked of it that holds for any system."""
    map_ = flow_map(evaluated)
    ends = [end.id for end in map_.ends]
    assert len(set(ends)) == len(ends)
    assert len({flow.id for flow in map_.flows}) == len(map_.flows)
    assert {flow.source for flow in map_.flows} | {flow.target for flow in map_.flows} <= set(ends)
    assert {flow.derived_by for flow in map_.flows} <= set(DERIVATIONS)
    pointers = [pointer for flow in map_.flows for pointer in flow.pointers]
    assert [pointer for pointer in pointers if not evaluated.emitted.resolves(pointer)] == []
    assert [flow.id for flow in map_.flows if not flow.pointers or not flow.purpose or not flow.encryption] == []
    assert {asset for end in map_.ends for asset in end.assets} == {f"{r.stack}.{r.logical_id}" for r in evaluated.emitted.resources()}
    assert [end.id for end in map_.ends if end.inside != (end.kind == "component")] == []
    return map_


@pytest.mark.parametrize("variant", VARIANTS)
def test_flows_of_any_configuration_are_sound(built: Callable[..., Evaluated], variant: str) -> None:
    sound(built(**VARIANTS[variant]))


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_whoever_calls_reaches_the_function_through_the_front_door_alone(built: Callable[..., Evaluated], like: str) -> None:
    map_ = sound(built(like))
    assert len(found(map_, "route", "outside-mcp-client", "front-door")) == 5
    assert {flow.source for flow in found(map_, "integration") + found(map_, "lambda-permission")} == {"front-door"}
    assert [flow.target for flow in found(map_, "authorizer")] == ["identity"]
    tls = {flow.encryption for flow in found(map_, "route")}
    assert tls == {"TLS; API Gateway security policy TLS_1_2"}


def test_what_is_given_lies_outside(built: Callable[..., Evaluated]) -> None:
    ends = {end.id for end in sound(built(**VARIANTS["supplied key and image"])).ends}
    assert {"given-KeyArn", "given-ImageUri"} <= ends
    assert not {"encryption-key", "image-registry"} & ends
    landing = sound(built(**VARIANTS["landing zone"]))
    assert {flow.target for flow in found(landing, "subscription-filter")} == {"given-LogDestinationArn"}
    assert {flow.target for flow in found(landing, "alarm-action")} == {"given-AlarmTopicArn"}
    groups = sound(built(**VARIANTS["supplied groups"]))
    assert [flow.target for flow in found(groups, "placement")] == ["given-SecurityGroupIds"]
    assert found(groups, "egress-rule") == []


def test_an_external_issuer_is_an_end_outside(built: Callable[..., Evaluated]) -> None:
    (flow,) = found(sound(built(**VARIANTS["external issuer"])), "authorizer")
    assert flow.target == "outside-identity-provider"
    assert "https://login.example.gov/tenant" in flow.purpose


def test_without_authentication_every_route_is_said_to_be_open(built: Callable[..., Evaluated]) -> None:
    map_ = sound(built(**VARIANTS["no authentication"]))
    assert {flow.purpose.rpartition(": ")[2] for flow in found(map_, "route")} == {"open to everyone"}
    assert found(map_, "authorizer") == []


def test_a_person_signs_in_where_a_client_is_for_people(built: Callable[..., Evaluated]) -> None:
    assert [flow.source for flow in found(sound(built(**VARIANTS["people"])), "user-pool-client", "outside-person")] == ["outside-person"]
    assert "outside-person" not in {end.id for end in sound(built()).ends}


def test_the_function_reaches_its_stores_by_their_endpoints(built: Callable[..., Evaluated]) -> None:
    map_ = sound(built(**VARIANTS["endpoints"]))
    (egress,) = found(map_, "egress-rule", "mcp-server")
    assert (egress.target, egress.protocol, egress.port) == ("vpc-endpoints", "HTTPS", 443)
    assert {flow.target for flow in found(map_, "vpc-endpoint", "vpc-endpoints")} == {"state-secret", "session-table"}
    assert {"state-secret", "session-table"} <= {flow.target for flow in found(map_, "iam-statement", "mcp-server")}


def test_calls_that_lambda_makes_with_the_role_of_the_function_are_no_calls_of_its_code(built: Callable[..., Evaluated]) -> None:
    map_ = sound(built(**VARIANTS["endpoints"]))
    own = {flow.target: flow for flow in found(map_, "iam-statement", "aws-lambda")}
    assert set(own) == {"audit-log", "aws-ec2", "aws-xray"}
    assert {(flow.protocol, flow.port) for flow in own.values()} == {("AWS internal", None)}
    assert not {"audit-log", "aws-ec2", "aws-xray"} & {flow.target for flow in found(map_, "iam-statement", "mcp-server")}
    logs = found(sound(built("govcloud", front_door={**REST, "account_role": "own"})), "iam-statement", "front-door")
    assert {(flow.target, flow.protocol, flow.port) for flow in logs} == {("aws-logs", "AWS internal", None)}


def test_a_tool_that_asks_the_logs_service_calls_it_itself(built: Callable[..., Evaluated]) -> None:
    body = {"Effect": "Allow", "Action": ["logs:StartQuery", "logs:GetQueryResults"], "Resource": "*"}
    policy = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [body]}, "Roles": [{"Ref": "FunctionRole"}]},
    }
    (flow,) = found(edited(built(), Edit(place("ToolPolicy"), policy)), "iam-statement", "mcp-server", "aws-logs")
    assert (flow.protocol, flow.port) == ("HTTPS", 443)


def test_fips_is_told_only_of_calls_that_the_environment_governs(built: Callable[..., Evaluated]) -> None:
    with_fips = {flow.target: flow.encryption for flow in found(sound(built()), "iam-statement", "mcp-server")}
    assert "AWS_USE_FIPS_ENDPOINT" in with_fips["session-table"]
    assert "audit-log" not in with_fips
    past = found(sound(built(**VARIANTS["endpoints"])), "iam-statement", "mcp-server", "state-secret")
    assert "AWS_ENDPOINT_URL_SECRETS_MANAGER" in past[0].encryption
    assert not any("FIPS" in flow.encryption for flow in sound(built(**VARIANTS["no FIPS"])).flows)


def test_a_new_way_out_is_a_new_flow(built: Callable[..., Evaluated]) -> None:
    evaluated = built(**VARIANTS["endpoints"])
    group = evaluated.emitted.value(place("FunctionGroup", "Properties", "GroupDescription"))
    assert group
    rule = {
        "GroupId": {"Fn::GetAtt": ["FunctionGroup", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 5432,
        "ToPort": 5432,
        "CidrIp": "10.1.0.0/16",
    }
    extra = {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": rule}
    map_ = edited(evaluated, Edit(place("Unwanted"), extra))
    (flow,) = [flow for flow in map_.flows if flow.id not in {known.id for known in flow_map(evaluated).flows}]
    assert (flow.source, flow.target, flow.protocol, flow.port) == ("mcp-server", "outside-internet", "tcp", 5432)
    assert flow.pointers == ("cloudformation/server.json#/Resources/Unwanted/Properties",)
    inline = Edit(place("FunctionGroup", "Properties", "SecurityGroupEgress", 2), {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"})
    assert [(flow.target, flow.protocol) for flow in found(edited(evaluated, inline), "egress-rule", "mcp-server")][1:] == [
        ("outside-internet", "any")
    ]


def test_a_group_without_egress_rules_lets_everything_out(built: Callable[..., Evaluated]) -> None:
    map_ = edited(built(), Edit(place("FunctionGroup", "Properties", "SecurityGroupEgress"), REMOVE))
    assert [(flow.source, flow.target, flow.protocol) for flow in found(map_, "egress-rule")] == [("mcp-server", "outside-internet", "any")]


def test_a_rule_beside_a_group_does_not_take_back_what_ec2_lets_out(built: Callable[..., Evaluated]) -> None:
    rule = {"GroupId": {"Ref": "FunctionGroup"}, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.1.0.0/16"}
    beside = Edit(place("Beside"), {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": rule})
    for unsaid in (REMOVE, [], {"Ref": "AWS::NoValue"}):
        map_ = edited(built(), Edit(place("FunctionGroup", "Properties", "SecurityGroupEgress"), unsaid), beside)
        everything = [flow for flow in found(map_, "egress-rule", "mcp-server") if "EC2 lets everything out" in flow.purpose]
        assert [(flow.target, flow.protocol, flow.pointers) for flow in everything] == [
            ("outside-internet", "any", ("cloudformation/server.json#/Resources/FunctionGroup",))
        ]


def test_a_function_outside_the_vpc_may_connect_anywhere(built: Callable[..., Evaluated]) -> None:
    map_ = edited(built(), Edit(place("Function", "Properties", "VpcConfig"), REMOVE))
    assert [(flow.source, flow.target) for flow in found(map_, "placement")] == [("mcp-server", "outside-internet")]


def test_a_further_route_and_a_further_entrance_are_seen(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    body = evaluated.emitted.value(place("GetMetadataRoute"))
    map_ = edited(evaluated, Edit(place("Other"), body), Edit(place("Other", "Properties", "RouteKey"), "ANY /{proxy+}"))
    assert [flow.purpose for flow in found(map_, "route") if "proxy" in flow.purpose] == ["ANY /{proxy+}: open to everyone"]
    opened = edited(evaluated, Edit(place("HttpApi", "Properties", "DisableExecuteApiEndpoint"), REMOVE))
    assert len(found(opened, "entrance", target="front-door")) == len(found(flow_map(evaluated), "entrance", target="front-door")) + 1
    url = edited(evaluated, Edit(place("Url"), {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}}))
    assert [flow.target for flow in found(url, "entrance", "outside-internet") if "Url" in flow.pointers[0]] == ["resource-server-Url"]


def test_wider_rights_are_seen(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    more = edited(evaluated, Edit(place("TracingPolicy", "Properties", "PolicyDocument", "Statement", 0, "Action", 2), "sqs:SendMessage"))
    assert "aws-sqs" in {flow.target for flow in found(more, "iam-statement", "mcp-server")}
    administrator = Edit(place("FunctionRole", "Properties", "ManagedPolicyArns"), ["arn:aws:iam::aws:policy/AdministratorAccess"])
    assert "aws-any" in {flow.target for flow in found(edited(evaluated, administrator), "iam-statement", "mcp-server")}
    denied = Edit(place("SecretPolicy", "Properties", "PolicyDocument", "Statement", 0, "Effect"), "Deny")
    assert found(edited(evaluated, denied), "iam-statement", target="state-secret") == []


def test_public_and_foreign_principals_are_seen(built: Callable[..., Evaluated]) -> None:
    statement = place("AlarmTopicPolicy", "Properties", "PolicyDocument", "Statement", 0)
    public = edited(built(), Edit(statement.below("Principal"), "*"))
    assert [flow.target for flow in found(public, "resource-policy", "outside-internet")] == ["alarming"]


def test_an_event_source_and_another_destination_are_seen(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    source = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": "arn:aws:sqs:us-east-1:111122223333:jobs"}
    events = edited(evaluated, Edit(place("Jobs"), {"Type": "AWS::Lambda::EventSourceMapping", "Properties": source}))
    assert [(flow.source, flow.target) for flow in found(events, "event-source")] == [("aws-sqs", "mcp-server")]
    arn = "arn:aws:firehose:us-east-1:111122223333:deliverystream/amazon-apigateway-x"
    logs = edited(evaluated, Edit(place("HttpApiStage", "Properties", "AccessLogSettings", "DestinationArn"), arn))
    assert [flow.target for flow in found(logs, "access-log")] != ["audit-log"]


def test_an_overlay_of_a_team_brings_its_flows() -> None:
    path = EXAMPLES / "overlay" / "system.toml"
    config = load_config(path)
    system = build(config, load_extensions(config.extensions, path.parent))
    map_ = sound(judge(system, emit(system)))
    assert [flow.source for flow in found(map_, "vpc-endpoint", target="given-ReportsBucket")] == ["vpc-endpoints"]
    assert [flow.purpose for flow in found(map_, "iam-statement", target="given-ReportsBucket")] == [
        "Lets the function do what its reports tools need: s3:ListBucket, s3:GetObject"
    ]
    assert any("S3Egress" in pointer for flow in found(map_, "egress-rule", "mcp-server", "vpc-endpoints") for pointer in flow.pointers)


def test_templates_of_odd_shape_still_give_a_map(built: Callable[..., Evaluated]) -> None:
    odd = itertools.cycle([[], None, {"Ref": ["x"]}, "text", 7, [{"Fn::If": ["a", "b", "c"]}], {"a": {"b": [1]}}])
    evaluated = built("govcloud")
    one_of_each = {resource.type: resource for resource in evaluated.emitted.resources()}
    for resource in one_of_each.values():
        for key in resource.properties:
            edited(evaluated, Edit(resource.property_place(key), next(odd)))


def test_the_deriving_code_is_named_by_its_hash() -> None:
    sources = {source.module: source for source in derivation_source()}
    own = sources["claimstack.generator.flows.network"]
    text = files("claimstack.generator").joinpath("flows/network.py").read_bytes()
    assert own.sha256 == hashlib.sha256(text).hexdigest()
    folder = Path(str(files("claimstack.generator"))) / "flows"
    trees = [ast.parse(path.read_text()) for path in folder.glob("*.py")]
    imported = {node.module for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    deciding = {module for module in imported if module and module.startswith("claimstack.generator.")} - DECIDING_NOTHING
    assert {"claimstack.generator.flows", "claimstack.generator.build"} < deciding
    assert deciding <= set(sources)
    assert {f"generator/flows/{path.name}" for path in folder.glob("*.py")} <= {source.path for source in derivation_source()}


def test_a_call_that_another_service_has_to_make_stays_within_aws(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    (by_way,) = found(flow_map(evaluated), "iam-statement", "mcp-server", "encryption-key")
    assert (by_way.protocol, by_way.port) == ("AWS internal", None)
    assert ", by way of lambda, secretsmanager" in by_way.purpose
    direct = edited(evaluated, Edit(place("KeyPolicy", "Properties", "PolicyDocument", "Statement", 0, "Condition"), REMOVE))
    (flow,) = found(direct, "iam-statement", "mcp-server", "encryption-key")
    assert (flow.protocol, flow.port) == ("HTTPS", 443)
