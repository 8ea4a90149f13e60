"""Door: what both front doors have in common, so that an HTTP API and a REST API say the same of themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from troposphere import Ref, Sub, awslambda

from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.expressions import Check, every, none_exists, prop
from claimstack.generator.questions import COGNITO_TOKEN_DOMAIN, COGNITO_USER_POOL_API, EntrancesAre, NoPublicPrincipal, RoutesAre
from claimstack.generator.system import Stack

DoorType = Literal["http-api", "rest-api"]

FRONT_DOOR = Component("front-door", "Front door", "Receives every call from outside and passes it to the MCP server.")


@dataclass(frozen=True, slots=True)
class Route:
    """A method on a path of the front door."""

    logical_id: str
    """Start of the logical ids of all resources that belong to the route."""
    method: str
    path: str
    protected: bool

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = (
    Route("PostMcp", "POST", "/mcp", protected=True),
    Route("GetMcp", "GET", "/mcp", protected=True),
    Route("DeleteMcp", "DELETE", "/mcp", protected=True),
    Route("GetMetadata", "GET", "/.well-known/oauth-protected-resource", protected=False),
    Route("GetMcpMetadata", "GET", "/.well-known/oauth-protected-resource/mcp", protected=False),
)
PROTECTED_ROUTES = tuple(route.key for route in ROUTES if route.protected)
PUBLIC_ROUTES = tuple(route.key for route in ROUTES if not route.protected)


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What other modules need to know of the front door that was built."""

    metric_dimensions: tuple[tuple[str, Any], ...]
    metric_4xx: str
    metric_5xx: str
    metric_latency: str
    """In milliseconds."""
    limit_ms: int | None
    """When the front door gives up on the function; None where it streams."""
    stage_arn: Any = None
    """What a web ACL is associated with; None for an HTTP API, which cannot have one."""


@dataclass(frozen=True, slots=True)
class LogField:
    """A field of the access log and the content of an audit record that it stands for."""

    name: str
    point: str
    http_api: str | None
    """Context variable of an HTTP API; None where it has none."""
    rest_api: str | None

    def variable(self, door: DoorType) -> str | None:
        return self.http_api if door == "http-api" else self.rest_api


# Variables: API Gateway developer guide, "Customize HTTP API access logs" and "Variables for access logging for API Gateway".
# Callers influence some of them (userAgent, the error messages). API Gateway escapes quotes in what it writes; the quoted variant
# error.messageString would stand without quotes where there is no error, which is no JSON.
ACCESS_LOG_FIELDS = (
    LogField("httpMethod", "au-3_smt.a", "$context.httpMethod", "$context.httpMethod"),
    LogField("routeKey", "au-3_smt.a", "$context.routeKey", "$context.resourcePath"),
    LogField("requestTime", "au-3_smt.b", "$context.requestTime", "$context.requestTime"),
    LogField("requestTimeEpoch", "au-3_smt.b", "$context.requestTimeEpoch", "$context.requestTimeEpoch"),
    LogField("domainName", "au-3_smt.c", "$context.domainName", "$context.domainName"),
    LogField("apiId", "au-3_smt.c", "$context.apiId", "$context.apiId"),
    LogField("stage", "au-3_smt.c", "$context.stage", "$context.stage"),
    LogField("sourceIp", "au-3_smt.d", "$context.identity.sourceIp", "$context.identity.sourceIp"),
    LogField("userAgent", "au-3_smt.d", "$context.identity.userAgent", "$context.identity.userAgent"),
    LogField("status", "au-3_smt.e", "$context.status", "$context.status"),
    LogField("errorType", "au-3_smt.e", "$context.error.responseType", "$context.error.responseType"),
    LogField("errorMessage", "au-3_smt.e", "$context.error.message", "$context.error.message"),
    LogField("authorizerError", "au-3_smt.e", "$context.authorizer.error", "$context.authorizer.error"),
    LogField("integrationStatus", "au-3_smt.e", "$context.integration.status", "$context.integration.status"),
    LogField("integrationError", "au-3_smt.e", "$context.integration.error", "$context.integration.error"),
    LogField("clientId", "au-3_smt.f", "$context.authorizer.claims.client_id", "$context.authorizer.claims.client_id"),
    LogField("subject", "au-3_smt.f", "$context.authorizer.claims.sub", "$context.authorizer.claims.sub"),
    LogField("scope", "au-3_smt.f", "$context.authorizer.claims.scope", "$context.authorizer.claims.scope"),
    LogField("requestId", "au-3.1_smt", "$context.requestId", "$context.requestId"),
    LogField("extendedRequestId", "au-3.1_smt", "$context.extendedRequestId", "$context.extendedRequestId"),
    LogField("protocol", "au-3.1_smt", "$context.protocol", "$context.protocol"),
    LogField("integrationLatency", "au-3.1_smt", "$context.integration.latency", "$context.integration.latency"),
    LogField("tlsVersion", "au-3.1_smt", None, "$context.tlsVersion"),
    LogField("cipherSuite", "au-3.1_smt", None, "$context.cipherSuite"),
    LogField("traceId", "au-3.1_smt", None, "$context.xrayTraceId"),
    LogField("wafStatus", "au-3.1_smt", None, "$context.waf.status"),
)

_RECORD_SENTENCES = {
    "au-3_smt.a": "Each record of the access log names the HTTP method and the route that was called.",
    "au-3_smt.b": "Each record of the access log gives the time of the call.",
    "au-3_smt.c": "Each record of the access log names the host, the API and the stage where the call arrived.",
    "au-3_smt.d": "Each record of the access log gives the network address and the program that the call came from.",
    "au-3_smt.e": "Each record of the access log gives the HTTP status, and why the door, its authorizer or the function refused.",
    "au-3_smt.f": "Each record of the access log names the client, the subject and the scopes of the token that opened the door.",
}


def _record_sentence(config: Config, point: str) -> str:
    if point != "au-3.1_smt":
        return _RECORD_SENTENCES[point]
    if config.front_door.type == "rest-api":
        rest = "the protocol, the TLS version and cipher suite, a trace id and the time that the function took"
    else:
        rest = "the protocol and the time that the function took"
    return f"Each record of the access log carries two request ids, {rest}."


def log_fields(config: Config) -> tuple[LogField, ...]:
    """The access log fields of this system's door; without authentication there is no identity to record."""
    return tuple(
        field
        for field in ACCESS_LOG_FIELDS
        if field.variable(config.front_door.type)
        and (config.auth.type != "none" or field.point != "au-3_smt.f")
        and (config.front_door.waf or field.name != "wafStatus")
    )


def access_log_format(config: Config) -> str:
    """One JSON object on one line; every value is text, since API Gateway writes `-` for what it does not know."""
    return json.dumps({field.name: field.variable(config.front_door.type) for field in log_fields(config)}, separators=(",", ":"))


def access_log_claims(config: Config, settings: str, destination: Any) -> tuple[Claim, ...]:
    """What a stage claims by its access log.

    `settings` is the property that holds DestinationArn and Format; `destination` the log group's ARN that must stand there.
    """
    enabled = prop(f"{settings}.DestinationArn").equals(destination)
    mentions = {
        field: prop(f"{settings}.Format").mentions(str(field.variable(config.front_door.type))).named(f"access-log.{field.name}")
        for field in log_fields(config)
    }
    by_point: dict[str, list[Any]] = {}
    for field, check in mentions.items():
        by_point.setdefault(field.point, []).append(check)
    return (
        Claim(
            "au-2_smt.a",
            "The stage can log calls by method, route and time, and is set to do so.",
            enabled,
            *by_point["au-3_smt.a"],
            *by_point["au-3_smt.b"],
        ),
        *(Claim(point, _record_sentence(config, point), enabled, *checks) for point, checks in by_point.items()),
        Claim("au-12_smt.a", "The stage is set to write records of calls to the access log group.", enabled),
        Claim("au-12_smt.c", "The records that the stage writes have every field of the access log format.", enabled, *mentions.values()),
        Claim(
            "ac-17.1_smt",
            "The stage is set to record calls of remote callers in the access log.",
            enabled,
            *by_point["au-3_smt.d"],
            meets=("ac-17.1_obj-1",),
        ),
    )


def public_url(config: Config) -> Any:
    """The canonical MCP URL: on the custom domain, else a Sub on the default endpoint of the HTTP API (stage `$default`)."""
    return config.public_url or Sub("https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/mcp")


def entrances(config: Config) -> tuple[str, ...]:
    """Every public entrance of the system, by the names that EntrancesAre uses."""
    api = "HttpApi" if config.front_door.type == "http-api" else "RestApi"
    own = f"{api} custom domain" if config.front_door.domain else f"{api} default endpoint"
    return (own, COGNITO_TOKEN_DOMAIN, COGNITO_USER_POOL_API) if config.auth.type == "cognito" else (own,)


def entrances_sentence(config: Config) -> str:
    """The entrances, named and counted: how many access points there are is what SC-7(3) asks."""
    api = "HTTP API" if config.front_door.type == "http-api" else "REST API"
    own = f"the {'custom domain' if config.front_door.domain else 'default endpoint'} of the {api}"
    if config.auth.type == "cognito":
        return f"The system has three public entrances and no others: {own}, the token domain and the API of the user pool."
    return f"The system has one public entrance and no other: {own}."


def entrances_are(config: Config) -> EntrancesAre:
    return EntrancesAre(entrances=entrances(config))


def routes_are() -> RoutesAre:
    return RoutesAre(public=PUBLIC_ROUTES, protected=PROTECTED_ROUTES)


def entrances_claim(config: Config, *further: Check) -> Claim:
    return Claim("sc-7_smt.c", entrances_sentence(config), entrances_are(config), none_exists(awslambda.Url), *further)


def access_points_claim(config: Config, closed: Check) -> Claim:
    """`closed`: that the default endpoint is off."""
    return Claim("sc-7.3_smt", entrances_sentence(config), entrances_are(config), closed, none_exists(awslambda.Url))


def one_way_in_claim(config: Config, closed: Check) -> Claim:
    """`closed`: that the default endpoint is off."""
    sentence = "Remote callers come in by the custom domain; the default endpoint is off."
    return Claim("ac-17.3_smt", sentence, entrances_are(config), closed)


def token_claims(routes: RoutesAre) -> tuple[Claim, ...]:
    """What an API claims that asks for a token."""
    return (
        Claim(
            "ac-14_smt.a",
            "At the API, a caller without a token can read the two protected-resource metadata documents, and call nothing else.",
            routes,
        ),
        Claim(
            "ac-17.1_smt",
            "The API lets a call to /mcp through only with a valid token; the two metadata documents are open.",
            routes,
            meets=("ac-17.1_obj-2",),
        ),
        Claim("sc-2_smt", "The API has the routes of MCP and of its metadata, and none by which the system is managed.", routes),
    )


def session_claim(*checks: Check) -> Claim:
    return Claim("sc-23_smt", "Every call of a session carries a token whose signature, issuer and life are checked.", *checks)


def service_claim(*checks: Check) -> Claim:
    return Claim("ia-9_smt", "A calling service is known by its token before its call reaches the function.", *checks)


def protected_claim(route: Route, *checks: Check) -> Claim:
    return Claim("ac-3_smt", f"{route.key} opens for a token with a scope of the MCP server only.", *checks)


def public_claim(route: Route, *checks: Check) -> Claim:
    return Claim("ac-14_smt.a", f"{route.key} is open because it tells a caller without a token where to get one.", *checks)


def throttle_claims(config: Config, each: Literal["route", "method"], *throttled: Check) -> tuple[Claim, ...]:
    limits = f"{config.front_door.rate_per_second} calls a second with bursts of {config.front_door.burst}"
    return (
        Claim("sc-5_smt.a", f"Against floods of calls, each {each} is throttled at a target of {limits}.", *throttled),
        Claim("sc-5_smt.b", f"Each {each} is throttled at a target of {limits}, which API Gateway keeps as best it can.", *throttled),
    )


def _route_arn(route: Route, api: str, stage_name: str) -> str:
    return f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api}}}/{stage_name}/{route.method}{route.path}"


def add_permission(stack: Stack, route: Route, api: str, stage_name: str, function_arn: Any) -> awslambda.Permission:
    """Let this route of this API call the function; `api` is the logical id of the API."""
    permissions = every(awslambda.Permission)
    checks = (
        prop("SourceArn").equals(Sub(_route_arn(route, api, stage_name))),
        permissions.prop("SourceArn").one_of(*(_route_arn(known, api, stage_name) for known in ROUTES)),
        permissions.prop("SourceAccount").equals(Ref("AWS::AccountId")),
        permissions.prop("Principal").equals("apigateway.amazonaws.com"),
        permissions.prop("Action").equals("lambda:InvokeFunction"),
        permissions.prop("FunctionName").equals(function_arn),
        NoPublicPrincipal(),
    )
    claims = [Claim("ac-6_smt", f"API Gateway may invoke this function for {route.key} of this API, and for nothing else.", *checks)]
    if route.protected and stack.config.auth.type != "none":
        claims.append(
            Claim(
                "ac-3_smt",
                f"API Gateway may hand calls of {route.key} to the function only from this API, where the route has an authorizer.",
                *checks,
                routes_are(),
            )
        )
    return stack.add(
        FRONT_DOOR,
        awslambda.Permission(
            f"{route.logical_id}Permission",
            Action="lambda:InvokeFunction",
            FunctionName=function_arn,
            Principal="apigateway.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
            SourceArn=Sub(_route_arn(route, api, stage_name)),
        ),
        *claims,
    )
