"""The regional REST front door."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from troposphere import GetAtt

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.families import load_families
from claimstack.generator.config import Config
from claimstack.generator.emitted import REMOVE, Edit, Emitted, Place, plain
from claimstack.generator.evaluation import evaluate
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions import NoLiteralPlace
from claimstack.generator.questions.rest_api import DeploymentIsCurrent, definition_hash
from claimstack.generator.resources.door import FrontDoor, access_log_format, entrances, public_url
from claimstack.generator.resources.identity import Identity, add_identity
from claimstack.generator.resources.key import key_parameter
from claimstack.generator.resources.logs import add_access_log
from claimstack.generator.resources.rest_account import AccountRole
from claimstack.generator.resources.rest_api import add_rest_api
from claimstack.generator.system import Stack, System

from .conftest import at, emitted, properties

DOOR = {"type": "rest-api", "domain": "mcp.example.gov"}
POOL = "arn:aws-us-gov:cognito-idp:us-gov-west-1:111122223333:userpool/us-gov-west-1_AbCdEf123"
SYSTEMS: dict[str, dict[str, Any]] = {
    "commercial": {},
    "streaming in govcloud": {"region": "us-gov-west-1", "front_door": {**DOOR, "streaming": True}, "runtime": {"timeout_seconds": 300}},
    "existing pool": {"region": "us-gov-west-1", "auth": {"type": "external", "user_pool_arn": POOL, "scopes": ("tools.invoke",)}},
    "no authentication": {"auth": {"type": "none"}},
    "landing zone": {"organisation": {"permissions_boundary": True, "role_path": "/mcp/", "tags": {"Owner": "grants"}}},
}


def built(account_role: AccountRole = "own", **tables: Any) -> tuple[Stack, FrontDoor]:
    base = {"name": "grants-tools", "title": "Grants tools", "class": "C", "certification": "20x", "region": "us-east-1"}
    door = {"front_door": DOOR, "auth": {"consumers": ("agents",)}}
    config = Config.model_validate({**base, "as_of": date(2026, 11, 1), **door, **tables})
    stack = System(config, load_catalog(), load_families()).stack("server", "MCP server.")
    function = stack.parameter("FunctionArn", "Stands in for the function.", example="arn")
    key = key_parameter(stack)
    identity = add_identity(stack, key, public_url(config))
    return stack, add_rest_api(
        stack,
        function_arn=function,
        identity=identity,
        access_log_arn=GetAtt(add_access_log(stack, key), "Arn"),
        key_arn=key,
        account_role=account_role,
    )


def failing(stack: Stack, *edits: Edit) -> set[str]:
    """Ids of the checks that do not pass once the template is edited."""
    template = emitted(stack).edited(*edits)
    return {
        declared.id
        for declared in stack.system.checks.values()
        if any(finding.outcome is not Outcome.PASSED for finding in declared.check.evaluate(template, declared.scope))
    }


def test_front_door_tells_alarms_and_the_web_acl_what_they_need() -> None:
    _, door = built()
    assert plain({name: getattr(door, name) for name in FrontDoor.__dataclass_fields__}) == {
        "metric_dimensions": [["ApiName", {"Ref": "AWS::StackName"}], ["Stage", "live"]],
        "metric_4xx": "4XXError",
        "metric_5xx": "5XXError",
        "metric_latency": "Latency",
        "limit_ms": 29_000,
        "stage_arn": {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestApi}/stages/${RestApiStage}"},
    }
    assert built(**SYSTEMS["streaming in govcloud"])[1].limit_ms is None


@pytest.mark.parametrize("tables", SYSTEMS.values(), ids=SYSTEMS)
def test_every_fact_passes_and_every_check_can_fail(tables: dict[str, Any]) -> None:
    stack, _ = built(**tables)
    template = emitted(stack)
    assert [fact for fact in evaluate(stack.system, template).facts if fact.outcome is not Outcome.PASSED] == []
    unnoticed = []
    for declared in stack.system.checks.values():
        mutants = list(declared.check.mutants(template, declared.scope))
        assert mutants, declared.id
        for mutant in mutants:
            findings = declared.check.evaluate(template.edited(*mutant.edits), declared.scope)
            if all(finding.outcome is Outcome.PASSED for finding in findings):
                unnoticed.append((declared.id, mutant.what))
    assert unnoticed == []


@pytest.mark.parametrize("tables", SYSTEMS.values(), ids=SYSTEMS)
def test_template_names_no_place_of_its_own(tables: dict[str, Any]) -> None:
    stack, _ = built(**tables)
    given = (POOL,) if stack.config.auth.type == "external" else ()
    check = NoLiteralPlace(given=given)
    findings = check.evaluate(emitted(stack), next(iter(stack.system.checks.values())).scope)
    assert [finding.place.pointer for finding in findings if finding.outcome is not Outcome.PASSED] == []


def test_protected_method_asks_for_a_scope_and_hands_on_what_is_json_rpc() -> None:
    stack, _ = built()
    assert properties(stack, "PostMcpMethod") == {
        "RestApiId": {"Ref": "RestApi"},
        "ResourceId": {"Ref": "McpResource"},
        "HttpMethod": "POST",
        "AuthorizationType": "COGNITO_USER_POOLS",
        "AuthorizerId": {"Ref": "TokenAuthorizer"},
        "AuthorizationScopes": ["https://mcp.example.gov/mcp/invoke"],
        "RequestValidatorId": {"Ref": "BodyValidator"},
        "RequestModels": {"application/json": {"Ref": "JsonRpcMessage"}},
        "Integration": {
            "Type": "AWS_PROXY",
            "IntegrationHttpMethod": "POST",
            "Uri": {
                "Fn::Sub": [
                    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function}/invocations",
                    {"Function": {"Ref": "FunctionArn"}},
                ]
            },
            "ResponseTransferMode": "BUFFERED",
            "TimeoutInMillis": 29_000,
        },
    }


def test_metadata_method_is_open() -> None:
    stack, _ = built()
    method = properties(stack, "GetMcpMetadataMethod")
    assert {key: value for key, value in method.items() if key != "Integration"} == {
        "RestApiId": {"Ref": "RestApi"},
        "ResourceId": {"Ref": "McpMetadataResource"},
        "HttpMethod": "GET",
        "AuthorizationType": "NONE",
    }


def test_streaming_outlasts_the_function() -> None:
    stack, _ = built(**SYSTEMS["streaming in govcloud"])
    integration = properties(stack, "PostMcpMethod")["Integration"]
    assert (integration["ResponseTransferMode"], integration["TimeoutInMillis"]) == ("STREAM", 301_000)
    assert integration["Uri"]["Fn::Sub"][0].endswith("/2021-11-15/functions/${Function}/response-streaming-invocations")
    longest, _ = built(front_door={**DOOR, "streaming": True}, runtime={"timeout_seconds": 900})
    assert properties(longest, "PostMcpMethod")["Integration"]["TimeoutInMillis"] == 900_000


def test_authorizer_takes_the_existing_pool() -> None:
    stack, _ = built(**SYSTEMS["existing pool"])
    assert properties(stack, "TokenAuthorizer")["ProviderARNs"] == [POOL]
    assert properties(stack, "PostMcpMethod")["AuthorizationScopes"] == ["tools.invoke"]
    assert entrances(stack.config) == ("RestApi custom domain",)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("us-east-1", {"SecurityPolicy": "SecurityPolicy_TLS13_1_3_FIPS_2025_09", "EndpointAccessMode": "STRICT"}),
        ("us-gov-west-1", {"SecurityPolicy": "TLS_1_2"}),
    ],
)
def test_api_and_domain_have_the_tls_policy_of_the_partition(region: str, expected: dict[str, str]) -> None:
    stack, _ = built(region=region)
    for logical_id in ("RestApi", "CustomDomain"):
        found = properties(stack, logical_id)
        assert {key: found[key] for key in ("SecurityPolicy", "EndpointAccessMode") if key in found} == expected
        assert found["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "sc-13_smt.b" in {claim.point for _, claim in stack.system.claims()} or region == "us-gov-west-1"


@pytest.mark.parametrize("resource", ["RestApi", "CustomDomain"])
def test_old_tls_fails_the_transmission_claims(resource: str) -> None:
    stack, _ = built()
    evaluated = evaluate(stack.system, emitted(stack).edited(Edit(at(resource, "SecurityPolicy"), "TLS_1_0")))
    failed = {answer.point.id for answer in evaluated.answers.values() if answer.status == "failed"}
    assert {"ac-17.2_smt", "sc-8_smt", "sc-8.1_smt", "sc-13_smt.b", "sc-23_smt"} <= failed


def test_domain_leads_to_the_stage_at_its_root() -> None:
    stack, _ = built()
    assert properties(stack, "CustomDomainMapping") == {
        "DomainName": {"Ref": "CustomDomain"},
        "RestApiId": {"Ref": "RestApi"},
        "Stage": {"Ref": "RestApiStage"},
    }
    assert {"Endpoint", "CustomDomainTarget", "CustomDomainHostedZoneId"} <= set(stack.to_dict()["Outputs"])


@pytest.mark.parametrize(
    ("message", "taken"),
    [
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, True),
        ({"jsonrpc": "2.0", "method": "notifications/initialized"}, True),
        ({"jsonrpc": "2.0", "id": "a", "result": {}}, True),
        ({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid Request"}}, True),
        ([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], True),
        ({"jsonrpc": "2.0"}, False),
        ({"jsonrpc": "2.0", "method": 1}, False),
        ({"jsonrpc": "1.0", "method": "ping"}, False),
        ({"jsonrpc": "2.0", "id": 1, "result": "done"}, False),
        ({"method": "ping"}, False),
        ([], False),
        ([{"jsonrpc": "2.0", "method": "ping"}, {"jsonrpc": "2.0"}], False),
    ],
)
def test_model_takes_requests_notifications_and_answers(message: Any, taken: bool) -> None:  # noqa: FBT001 - a table of cases
    schema = json.loads(properties(built()[0], "JsonRpcMessage")["Schema"])
    assert jsonschema_rs.validator_for(schema).is_valid(message) is taken


def test_refused_caller_learns_where_to_get_a_token() -> None:
    stack, _ = built()
    metadata = 'resource_metadata="https://mcp.example.gov/.well-known/oauth-protected-resource/mcp"'
    scope = 'scope="https://mcp.example.gov/mcp/invoke"'
    assert {
        response.properties["ResponseType"]: (response.properties["StatusCode"], response.properties.get("ResponseParameters"))
        for response in emitted(stack).resources("AWS::ApiGateway::GatewayResponse")
    } == {
        "UNAUTHORIZED": ("401", {"gatewayresponse.header.WWW-Authenticate": f"'Bearer {metadata}'"}),
        "EXPIRED_TOKEN": ("401", {"gatewayresponse.header.WWW-Authenticate": f"'Bearer error=\"invalid_token\", {metadata}'"}),
        "ACCESS_DENIED": (
            "403",
            {"gatewayresponse.header.WWW-Authenticate": f"'Bearer error=\"insufficient_scope\", {scope}, {metadata}'"},
        ),
        "MISSING_AUTHENTICATION_TOKEN": ("404", None),
        "BAD_REQUEST_BODY": ("400", None),
    }


def test_stage_logs_traces_and_throttles() -> None:
    stack, _ = built(front_door={**DOOR, "rate_per_second": 7, "burst": 9})
    deployment = next(emitted(stack).resources("AWS::ApiGateway::Deployment"))
    stage = properties(stack, "RestApiStage")
    assert {key: value for key, value in stage.items() if key != "Tags"} == {
        "RestApiId": {"Ref": "RestApi"},
        "DeploymentId": {"Ref": deployment.logical_id},
        "StageName": "live",
        "AccessLogSetting": {"DestinationArn": {"Fn::GetAtt": ["AccessLog", "Arn"]}, "Format": access_log_format(stack.config)},
        "MethodSettings": [
            {
                "HttpMethod": "*",
                "ResourcePath": "/*",
                "ThrottlingRateLimit": 7,
                "ThrottlingBurstLimit": 9,
                "MetricsEnabled": True,
                "LoggingLevel": "ERROR",
                "DataTraceEnabled": False,
            }
        ],
        "TracingEnabled": True,
    }
    assert emitted(stack).value(Place("server", ("Resources", "RestApiStage", "DependsOn"))) == ["ExecutionLog", "ApiGatewayAccount"]


def test_execution_log_has_key_and_retention_before_api_gateway_could_make_it() -> None:
    stack, _ = built()
    group = properties(stack, "ExecutionLog")
    assert {key: value for key, value in group.items() if key != "Tags"} == {
        "LogGroupName": {"Fn::Sub": "API-Gateway-Execution-Logs_${RestApi}/live"},
        "RetentionInDays": 1096,
        "KmsKeyId": {"Ref": "KeyArn"},
        "DeletionProtectionEnabled": True,
    }


def test_deployment_follows_the_definition_and_not_the_stage() -> None:
    def deployment(**tables: Any) -> str:
        return next(emitted(built(**tables)[0]).resources("AWS::ApiGateway::Deployment")).logical_id

    first = deployment()
    assert first == deployment(front_door={**DOOR, "rate_per_second": 7})
    assert first == deployment(organisation={"tags": {"Owner": "grants"}})
    assert first != deployment(auth={"consumers": ("agents",), "scopes": ("read",)})
    resources = json.loads(json.dumps(built()[0].to_dict()))["Resources"]
    assert first == f"Deployment{definition_hash(resources, 'RestApi')}"


def test_edited_method_without_a_new_deployment_is_noticed() -> None:
    stack, _ = built()
    template = emitted(stack).edited(Edit(at("GetMetadataMethod", "HttpMethod"), "HEAD"))
    scope = next(iter(stack.system.checks.values())).scope
    findings = list(DeploymentIsCurrent().evaluate(template, scope))
    assert [(finding.place.pointer, finding.outcome) for finding in findings] == [
        ("cloudformation/server.json#/Resources/RestApiStage/Properties/DeploymentId", Outcome.FAILED),
        (f"cloudformation/server.json#/Resources/{next(template.resources('AWS::ApiGateway::Deployment')).logical_id}", Outcome.PASSED),
    ]


def test_system_without_a_stage_serves_no_current_deployment() -> None:
    stack, _ = built()
    scope = next(iter(stack.system.checks.values())).scope
    outcomes = [finding.outcome for finding in DeploymentIsCurrent().evaluate(Emitted({"server": {"Resources": {}}}), scope)]
    assert outcomes == [Outcome.FAILED]


@pytest.mark.parametrize(
    ("edit", "noticed"),
    [
        (Edit(at("DeleteMcpMethod", "AuthorizationType"), "NONE"), "system.routes-are"),
        (Edit(at("PostMcpMethod", "AuthorizationScopes"), REMOVE), "system.routes-are"),
        (Edit(at("McpResource", "PathPart"), "{proxy+}"), "system.routes-are"),
        (Edit(at("RestApi", "DisableExecuteApiEndpoint"), REMOVE), "system.entrances-are"),
        (Edit(at("TokenAuthorizer", "ProviderARNs"), []), "server.TokenAuthorizer.ProviderARNs.equals"),
        (
            Edit(at("RestApiStage", "MethodSettings", 0, "ThrottlingRateLimit"), -1),
            "server.RestApiStage.MethodSettings.each.ThrottlingRateLimit.equals",
        ),
        (
            Edit(at("RestApiStage", "MethodSettings", 0, "DataTraceEnabled"), value=True),
            "server.RestApiStage.MethodSettings.each.DataTraceEnabled.equals",
        ),
        (
            Edit(at("UnauthorizedResponse", "ResponseParameters"), {"gatewayresponse.header.WWW-Authenticate": "'Bearer'"}),
            "server.UnauthorizedResponse.ResponseParameters.equals",
        ),
        (Edit(at("ApiGatewayLogPolicy", "PolicyDocument", "Statement", 0, "Action"), ["logs:*"]), "system.no-wildcard-action"),
    ],
)
def test_what_an_attacker_of_the_template_would_do_is_noticed(edit: Edit, noticed: str) -> None:
    assert noticed in failing(built()[0], edit)


def test_log_role_is_left_to_the_account_when_it_is_given() -> None:
    stack, _ = built(account_role="given")
    types = {resource.type for resource in emitted(stack).resources()}
    assert not types & {"AWS::ApiGateway::Account", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}
    assert emitted(stack).value(Place("server", ("Resources", "RestApiStage", "DependsOn"))) == ["ExecutionLog"]


def test_log_role_outlives_the_stack() -> None:
    resources = built()[0].to_dict()["Resources"]
    kept = {name: body["DeletionPolicy"] for name, body in resources.items() if name.startswith("ApiGateway")}
    assert kept == {"ApiGatewayAccount": "Retain", "ApiGatewayLogRole": "Retain", "ApiGatewayLogPolicy": "Retain"}


def test_boundary_and_path_of_the_organisation_hold_for_the_log_role() -> None:
    stack, _ = built(region="us-gov-west-1", **SYSTEMS["landing zone"])
    role = properties(stack, "ApiGatewayLogRole")
    assert (role["Path"], role["PermissionsBoundary"]) == ("/mcp/", {"Ref": "PermissionsBoundaryArn"})
    assert stack.parameters["PermissionsBoundaryArn"].example == "arn:aws-us-gov:iam::111122223333:policy/boundary"


def test_open_server_claims_nothing_about_access() -> None:
    stack, _ = built(**SYSTEMS["no authentication"])
    claimed = {claim.point for _, claim in stack.system.claims()}
    assert claimed & {"ac-3_smt", "ac-14_smt.a", "au-3_smt.f", "ia-8_smt", "ia-9_smt", "sc-7.5_smt"} == set()
    assert {"sc-8_smt", "sc-7.3_smt", "au-2_smt.a"} <= claimed
    assert not list(emitted(stack).resources("AWS::ApiGateway::Authorizer"))


@pytest.mark.parametrize(
    ("front_door", "identity", "cause"),
    [
        (
            {"type": "rest-api"},
            Identity("none"),
            "grants-tools: a rest-api needs front_door.domain; add it to system.toml, or use type = 'http-api'",
        ),
        (DOOR, Identity("external"), "grants-tools: the authorizer of a rest-api takes Cognito user pools only; give auth.user_pool_arn"),
        (
            {**DOOR, "allowed_origins": ("https://app.example.gov",)},
            Identity("none"),
            "grants-tools: a rest-api answers no preflight request; remove front_door.allowed_origins, or use type = 'http-api'",
        ),
    ],
)
def test_door_that_cannot_be_built_is_refused(front_door: dict[str, Any], identity: Identity, cause: str) -> None:
    tables = {"name": "grants-tools", "title": "Grants", "class": "C", "certification": "20x", "region": "us-east-1"}
    config = Config.model_validate({**tables, "as_of": date(2026, 11, 1), "front_door": front_door})
    stack = System(config, load_catalog(), load_families()).stack("server", "MCP server.")
    with pytest.raises(InputError) as error:
        add_rest_api(stack, function_arn="function", identity=identity, access_log_arn="log", key_arn="key")
    assert error.value.causes == (cause,)
