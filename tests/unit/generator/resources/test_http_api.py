"""The front door of API Gateway v2."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import load_families
from claimstack.generator.config import Config
from claimstack.generator.emitted import REMOVE, Edit, Place, plain
from claimstack.generator.evaluation import evaluate
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions import NoLiteralPlace
from claimstack.generator.resources.door import ROUTES, FrontDoor, access_log_format, public_url
from claimstack.generator.resources.http_api import CORS_METHODS, CORS_REQUEST_HEADERS, CORS_RESPONSE_HEADERS, add_http_api
from claimstack.generator.resources.identity import add_identity
from claimstack.generator.system import Stack, System

from .conftest import at, emitted, properties

DOMAIN = {"domain": "mcp.example.gov"}
CONSUMERS = {"consumers": ("agents",)}
ISSUER = {"type": "external", "issuer": "https://login.example.gov/tenant", "audience": ("mcp",), "scopes": ("tools.invoke",)}
SYSTEMS: dict[str, dict[str, Any]] = {
    "custom domain": {"front_door": DOMAIN, "auth": CONSUMERS},
    "default endpoint": {"front_door": {}, "auth": CONSUMERS},
    "browsers and people": {
        "front_door": {**DOMAIN, "allowed_origins": ("https://app.example.gov",)},
        "auth": {"callback_urls": ("https://app.example.gov/callback",)},
    },
    "external issuer": {"front_door": DOMAIN, "auth": ISSUER},
    "no authentication": {"front_door": DOMAIN, "auth": {"type": "none"}},
    "govcloud": {"region": "us-gov-west-1", "front_door": DOMAIN, "auth": CONSUMERS},
}
AUTHENTICATION_POINTS = {"ac-3_smt", "ac-14_smt.a", "ac-12_smt", "ia-8_smt", "ia-9_smt", "au-3_smt.f"}


def built(**tables: Any) -> tuple[Stack, FrontDoor]:
    base = {"name": "grants-tools", "title": "Grants tools", "class": "C", "certification": "20x", "region": "us-east-1"}
    config = Config.model_validate({**base, "as_of": date(2026, 11, 1), **SYSTEMS["custom domain"], **tables})
    system = System(config, load_catalog(), load_families())
    stack = system.stack("server", "MCP server.")
    parameters = {name: stack.parameter(name, f"{name}.", example="arn") for name in ("KeyArn", "FunctionArn", "AccessLogArn")}
    identity = add_identity(stack, parameters["KeyArn"], public_url(config))
    return stack, add_http_api(stack, function_arn=parameters["FunctionArn"], identity=identity, access_log_arn=parameters["AccessLogArn"])


def test_front_door_tells_alarms_and_the_function_what_they_need() -> None:
    _, door = built()
    assert plain({name: getattr(door, name) for name in FrontDoor.__dataclass_fields__}) == {
        "metric_dimensions": [["ApiId", {"Ref": "HttpApi"}]],
        "metric_4xx": "4xx",
        "metric_5xx": "5xx",
        "metric_latency": "Latency",
        "limit_ms": 30_000,
        "stage_arn": None,
    }


def test_mcp_routes_ask_for_a_token_with_the_scope() -> None:
    stack, _ = built()
    for logical_id, key in (("PostMcpRoute", "POST /mcp"), ("GetMcpRoute", "GET /mcp"), ("DeleteMcpRoute", "DELETE /mcp")):
        assert properties(stack, logical_id) == {
            "ApiId": {"Ref": "HttpApi"},
            "AuthorizationScopes": ["https://mcp.example.gov/mcp/invoke"],
            "AuthorizationType": "JWT",
            "AuthorizerId": {"Ref": "TokenAuthorizer"},
            "RouteKey": key,
            "Target": {"Fn::Sub": "integrations/${McpIntegration}"},
        }


def test_metadata_routes_are_open() -> None:
    stack, _ = built()
    for logical_id, path in (("GetMetadataRoute", ""), ("GetMcpMetadataRoute", "/mcp")):
        assert properties(stack, logical_id) == {
            "ApiId": {"Ref": "HttpApi"},
            "AuthorizationType": "NONE",
            "RouteKey": f"GET /.well-known/oauth-protected-resource{path}",
            "Target": {"Fn::Sub": "integrations/${McpIntegration}"},
        }


def test_authorizer_takes_client_ids_for_the_audience() -> None:
    stack, _ = built()
    assert properties(stack, "TokenAuthorizer") == {
        "ApiId": {"Ref": "HttpApi"},
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Audience": [{"Ref": "AgentsClient"}], "Issuer": {"Fn::GetAtt": ["UserPool", "ProviderURL"]}},
        "Name": "TokenAuthorizer",
    }


@pytest.mark.parametrize(
    ("door", "url"),
    [
        (DOMAIN, "https://mcp.example.gov/mcp"),
        ({}, {"Fn::Sub": "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/mcp"}),
    ],
)
def test_authorizer_takes_the_tokens_that_people_get_for_the_canonical_url(door: dict[str, Any], url: Any) -> None:
    stack, _ = built(front_door=door, auth={**CONSUMERS, "callback_urls": ("http://localhost:8976/callback",)})
    audience = [{"Ref": "AgentsClient"}, {"Ref": "PublicClientWithPkce"}, url]
    assert properties(stack, "TokenAuthorizer")["JwtConfiguration"]["Audience"] == audience


def test_open_routes_claim_no_authorizer() -> None:
    stack, _ = built()
    guarded = {declared.logical_id for declared, claim in stack.system.claims() if claim.point == "ac-3_smt"}
    assert {name for name in guarded if name.endswith("Permission")} == {"PostMcpPermission", "GetMcpPermission", "DeleteMcpPermission"}


def test_authorizer_takes_an_external_issuer_as_given() -> None:
    stack, _ = built(auth=ISSUER)
    assert properties(stack, "TokenAuthorizer")["JwtConfiguration"] == {"Audience": ["mcp"], "Issuer": "https://login.example.gov/tenant"}
    assert properties(stack, "PostMcpRoute")["AuthorizationScopes"] == ["tools.invoke"]


def test_stage_throttles_and_logs() -> None:
    stack, _ = built(front_door={**DOMAIN, "rate_per_second": 7, "burst": 9})
    stage = properties(stack, "HttpApiStage")
    del stage["Tags"]
    assert stage == {
        "AccessLogSettings": {"DestinationArn": {"Ref": "AccessLogArn"}, "Format": access_log_format(stack.config)},
        "ApiId": {"Ref": "HttpApi"},
        "AutoDeploy": True,
        "DefaultRouteSettings": {"ThrottlingBurstLimit": 9, "ThrottlingRateLimit": 7},
        "StageName": "$default",
    }


def test_each_route_of_this_account_alone_may_invoke_the_function() -> None:
    stack, _ = built()
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/$default"
    assert {r.logical_id: r.properties for r in emitted(stack).resources("AWS::Lambda::Permission")} == {
        f"{route.logical_id}Permission": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "FunctionArn"},
            "Principal": "apigateway.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
            "SourceArn": {"Fn::Sub": f"{api}/{route.method}{route.path}"},
        }
        for route in ROUTES
    }


def test_custom_domain_closes_the_default_endpoint() -> None:
    stack, _ = built()
    domain = properties(stack, "CustomDomain")
    del domain["Tags"]
    assert properties(stack, "HttpApi")["DisableExecuteApiEndpoint"] is True
    assert domain == {
        "DomainName": "mcp.example.gov",
        "DomainNameConfigurations": [
            {"CertificateArn": {"Ref": "CertificateArn"}, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}
        ],
    }
    assert properties(stack, "CustomDomainMapping") == {
        "ApiId": {"Ref": "HttpApi"},
        "DomainName": {"Ref": "CustomDomain"},
        "Stage": {"Ref": "HttpApiStage"},
    }


def test_default_endpoint_earns_nothing_for_transport_or_a_single_entrance() -> None:
    stack, _ = built(**SYSTEMS["default endpoint"])
    claimed = {claim.point for _, claim in stack.system.claims()}
    assert claimed & {"sc-8_smt", "sc-8.1_smt", "sc-7.3_smt", "ac-17.2_smt", "ac-17.3_smt"} == set()
    assert stack.to_dict()["Outputs"]["Endpoint"]["Value"] == {
        "Fn::Sub": "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/mcp"
    }


def test_browsers_of_listed_origins_may_send_what_mcp_needs() -> None:
    stack, _ = built(**SYSTEMS["browsers and people"])
    assert properties(stack, "HttpApi")["CorsConfiguration"] == {
        "AllowCredentials": False,
        "AllowHeaders": list(CORS_REQUEST_HEADERS),
        "AllowMethods": list(CORS_METHODS),
        "AllowOrigins": ["https://app.example.gov"],
        "ExposeHeaders": list(CORS_RESPONSE_HEADERS),
    }
    assert {"mcp-protocol-version", "mcp-session-id"} <= set(CORS_REQUEST_HEADERS)


def test_no_origin_means_no_cors() -> None:
    stack, _ = built()
    assert "CorsConfiguration" not in properties(stack, "HttpApi")


def test_no_authentication_opens_every_route_and_claims_none_of_it() -> None:
    stack, _ = built(auth={"type": "none"})
    routes = list(emitted(stack).resources("AWS::ApiGatewayV2::Route"))
    assert {route.properties["AuthorizationType"] for route in routes} == {"NONE"}
    assert all("Exempt" in route.body["Metadata"]["Compliance"] for route in routes)
    assert {claim.point for _, claim in stack.system.claims()} & AUTHENTICATION_POINTS == set()
    assert [check for check in stack.system.checks if check == "system.routes-are"] == []


def test_authenticated_system_claims_what_the_open_one_cannot() -> None:
    stack, _ = built()
    assert {claim.point for _, claim in stack.system.claims()} >= AUTHENTICATION_POINTS


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_fact_passes_and_each_mutant_of_a_check_fails_it(system: str) -> None:
    stack, _ = built(**SYSTEMS[system])
    good = emitted(stack)
    evaluated = evaluate(stack.system, good)
    assert [fact for fact in evaluated.facts if fact.outcome is not Outcome.PASSED] == []
    for declared in stack.system.checks.values():
        mutants = list(declared.check.mutants(good, declared.scope))
        assert mutants, declared.id
        for mutant in mutants:
            outcomes = {finding.outcome for finding in declared.check.evaluate(good.edited(*mutant.edits), declared.scope)}
            assert Outcome.FAILED in outcomes, (declared.id, mutant.what)


@pytest.mark.parametrize("system", SYSTEMS)
def test_templates_name_no_place_but_what_the_user_gave(system: str) -> None:
    stack, _ = built(**SYSTEMS[system])
    good = emitted(stack)
    scope = next(iter(stack.system.checks.values())).scope
    question = NoLiteralPlace(given=(str(stack.config.auth.issuer),))
    assert {finding.outcome for finding in question.evaluate(good, scope)} == {Outcome.PASSED}


@pytest.mark.parametrize(
    ("place", "value", "point"),
    [
        (at("PostMcpRoute", "AuthorizationType"), "NONE", "ac-3_smt"),
        (at("GetMcpRoute", "AuthorizationScopes"), REMOVE, "ac-3_smt"),
        (at("DeleteMcpRoute", "AuthorizerId"), REMOVE, "ac-3_smt"),
        (at("PostMcpRoute", "RouteKey"), "$default", "cm-7_smt.a"),
        (at("TokenAuthorizer", "JwtConfiguration", "Issuer"), "https://evil.example", "ia-8_smt"),
        (at("TokenAuthorizer", "JwtConfiguration", "Audience"), ["anybody"], "ac-3_smt"),
        (at("PostMcpPermission", "SourceAccount"), REMOVE, "ac-6_smt"),
        (at("PostMcpPermission", "SourceArn"), REMOVE, "ac-6_smt"),
        (at("HttpApiStage", "AccessLogSettings"), REMOVE, "au-12_smt.a"),
        (at("HttpApiStage", "AccessLogSettings", "Format"), '{"requestId":"$context.requestId"}', "au-3_smt.f"),
        (at("HttpApiStage", "DefaultRouteSettings", "ThrottlingRateLimit"), 10_000, "sc-5_smt.b"),
        (at("HttpApiStage", "RouteSettings"), {"POST /mcp": {"ThrottlingRateLimit": 10_000}}, "sc-5_smt.b"),
        (at("HttpApi", "DisableExecuteApiEndpoint"), REMOVE, "sc-7.3_smt"),
        (at("HttpApi", "CorsConfiguration"), {"AllowOrigins": ["*"]}, "ac-4_smt"),
        (at("CustomDomain", "DomainNameConfigurations", "0", "SecurityPolicy"), "TLS_1_0", "sc-8.1_smt"),
        (at("McpIntegration", "IntegrationUri"), {"Ref": "KeyArn"}, "cm-7_smt.a"),
        (at("McpIntegration", "TimeoutInMillis"), REMOVE, "sc-5_smt.b"),
        (at("TokenDomain", "ManagedLoginVersion"), 2, "ac-14_smt.a"),
        (at("UserPool", "AdminCreateUserConfig", "AllowAdminCreateUserOnly"), False, "ac-14_smt.a"),
        (at("SecondPool"), {"Type": "AWS::Cognito::UserPool", "Properties": {}}, "sc-7.3_smt"),
        (at("SideDoor"), {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}}, "sc-7.3_smt"),
    ],
)
def test_weakened_door_fails_the_point_that_it_concerns(place: Place, value: Any, point: str) -> None:
    stack, _ = built()
    assert evaluate(stack.system, emitted(stack).edited(Edit(place, value))).answers[point].status == "failed"
