"""The tables that both front doors share."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from claimstack.controls.catalog import load_catalog
from claimstack.generator.config import Config
from claimstack.generator.emitted import plain
from claimstack.generator.resources.door import (
    PROTECTED_ROUTES,
    PUBLIC_ROUTES,
    access_log_claims,
    access_log_format,
    entrances,
    entrances_sentence,
    log_fields,
    public_url,
)


def config(**tables: Any) -> Config:
    base = {"name": "grants-tools", "title": "Grants tools", "class": "C", "certification": "20x", "region": "us-east-1"}
    return Config.model_validate({**base, "as_of": date(2026, 11, 1), **tables})


def test_routes_are_those_of_mcp_and_of_discovery() -> None:
    assert PROTECTED_ROUTES == ("POST /mcp", "GET /mcp", "DELETE /mcp")
    assert PUBLIC_ROUTES == ("GET /.well-known/oauth-protected-resource", "GET /.well-known/oauth-protected-resource/mcp")


def test_access_log_of_an_http_api_is_one_line_of_json() -> None:
    text = access_log_format(config())
    assert "\n" not in text
    assert json.loads(text) == {
        "httpMethod": "$context.httpMethod",
        "routeKey": "$context.routeKey",
        "requestTime": "$context.requestTime",
        "requestTimeEpoch": "$context.requestTimeEpoch",
        "domainName": "$context.domainName",
        "apiId": "$context.apiId",
        "stage": "$context.stage",
        "sourceIp": "$context.identity.sourceIp",
        "userAgent": "$context.identity.userAgent",
        "status": "$context.status",
        "errorType": "$context.error.responseType",
        "errorMessage": "$context.error.message",
        "authorizerError": "$context.authorizer.error",
        "integrationStatus": "$context.integration.status",
        "integrationError": "$context.integration.error",
        "clientId": "$context.authorizer.claims.client_id",
        "subject": "$context.authorizer.claims.sub",
        "scope": "$context.authorizer.claims.scope",
        "requestId": "$context.requestId",
        "extendedRequestId": "$context.extendedRequestId",
        "protocol": "$context.protocol",
        "integrationLatency": "$context.integration.latency",
    }


def test_rest_api_logs_tls_and_the_firewall_as_well() -> None:
    plain_door = config(front_door={"type": "rest-api", "domain": "mcp.example.gov"})
    guarded = config(front_door={"type": "rest-api", "domain": "mcp.example.gov", "waf": True})
    added = [field.name for field in log_fields(plain_door) if field not in log_fields(config())]
    assert added == ["tlsVersion", "cipherSuite", "traceId"]
    assert [field.name for field in log_fields(guarded) if field not in log_fields(plain_door)] == ["wafStatus"]
    assert json.loads(access_log_format(guarded))["routeKey"] == "$context.resourcePath"


def test_server_without_authentication_records_no_identity() -> None:
    points = [claim.point for claim in access_log_claims(config(auth={"type": "none"}), "AccessLogSettings", "arn")]
    assert "au-3_smt.f" not in points
    assert {"au-3_smt.a", "au-3_smt.b", "au-3_smt.c", "au-3_smt.d", "au-3_smt.e"} <= set(points)


def test_sentence_about_the_connection_names_what_the_door_logs() -> None:
    rest = config(front_door={"type": "rest-api", "domain": "mcp.example.gov"})
    said = [
        claim.sentence
        for door in (config(), rest)
        for claim in access_log_claims(door, "AccessLogSettings", "arn")
        if claim.point == "au-3.1_smt"
    ]
    assert said == [
        "Each record of the access log carries two request ids, the protocol and the time that the function took.",
        "Each record of the access log carries two request ids, the protocol, the TLS version and cipher suite, a trace id and the time "
        "that the function took.",
    ]


def test_every_log_field_is_asked_for_under_a_point_of_the_catalog() -> None:
    asked = {field.point for field in log_fields(config())}
    assert asked <= set(load_catalog().points)
    claims = {claim.point: claim for claim in access_log_claims(config(), "AccessLogSettings", "arn")}
    assert asked <= set(claims)
    assert len(claims["au-12_smt.c"].checks) == len(log_fields(config())) + 1


def test_entrances_follow_the_configuration() -> None:
    rest = {"type": "rest-api", "domain": "mcp.example.gov"}
    pool = ("Cognito token domain", "Cognito user pool API")
    assert entrances(config()) == ("HttpApi default endpoint", *pool)
    assert entrances(config(front_door={"domain": "mcp.example.gov"})) == ("HttpApi custom domain", *pool)
    assert entrances(config(front_door=rest, auth={"type": "none"})) == ("RestApi custom domain",)


def test_entrances_are_counted_in_the_sentence_about_them() -> None:
    rest = {"type": "rest-api", "domain": "mcp.example.gov"}
    issuer = {"type": "external", "issuer": "https://login.example.gov/tenant", "audience": ("mcp",), "scopes": ("tools.invoke",)}
    assert [entrances_sentence(config()), entrances_sentence(config(front_door=rest)), entrances_sentence(config(auth=issuer))] == [
        "The system has three public entrances and no others: the default endpoint of the HTTP API, the token domain and the API of the "
        "user pool.",
        "The system has three public entrances and no others: the custom domain of the REST API, the token domain and the API of the "
        "user pool.",
        "The system has one public entrance and no other: the default endpoint of the HTTP API.",
    ]


def test_public_url_is_the_custom_domain_or_the_default_endpoint() -> None:
    assert public_url(config(front_door={"domain": "mcp.example.gov"})) == "https://mcp.example.gov/mcp"
    assert plain(public_url(config())) == {"Fn::Sub": "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/mcp"}
