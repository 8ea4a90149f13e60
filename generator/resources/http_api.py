"""HTTP API: the front door that API Gateway v2 gives, with a JWT authorizer in front of every MCP route."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Sub, apigatewayv2

from claimstack.generator.claims import Claim, Exempt
from claimstack.generator.config import Config
from claimstack.generator.expressions import every, prop
from claimstack.generator.resources.custom_domain import DOMAIN, add_outputs, certificate_parameter, domain_claims, mapping_claim
from claimstack.generator.resources.door import (
    FRONT_DOOR,
    ROUTES,
    FrontDoor,
    Route,
    access_log_claims,
    access_log_format,
    access_points_claim,
    add_permission,
    entrances_claim,
    one_way_in_claim,
    protected_claim,
    public_claim,
    public_url,
    routes_are,
    service_claim,
    session_claim,
    throttle_claims,
    token_claims,
)
from claimstack.generator.resources.identity import Identity
from claimstack.generator.system import Stack

HTTP_API = "HttpApi"
INTEGRATION = "McpIntegration"
AUTHORIZER = "TokenAuthorizer"
STAGE = "HttpApiStage"
STAGE_NAME = "$default"
"""The one stage whose name is no part of the URL: the discovery addresses have to lie at the root of the host."""

TIMEOUT_MS = 30_000
"""The longest that an HTTP API waits for an integration."""

TOKEN_SOURCE = "$request.header.Authorization"  # noqa: S105 - where the token is, not the token

CORS_REQUEST_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
)
"""Request headers that an MCP client in a browser sends, in both eras of the protocol (streamable HTTP transport)."""
CORS_RESPONSE_HEADERS = ("mcp-protocol-version", "mcp-session-id", "www-authenticate")
CORS_METHODS = ("DELETE", "GET", "POST")


def add_http_api(stack: Stack, *, function_arn: Any, identity: Identity, access_log_arn: Any) -> FrontDoor:
    """The HTTP API with its routes, stage, authorizer, permissions and, where one is configured, its custom domain."""
    config = stack.config
    _add_api(stack)
    _add_integration(stack, function_arn)
    if not identity.is_open:
        _add_authorizer(stack, identity)
    for route in ROUTES:
        _add_route(stack, route, identity)
        add_permission(stack, route, HTTP_API, STAGE_NAME, function_arn)
    _add_stage(stack, access_log_arn)
    if config.front_door.domain is not None:
        _add_domain(stack, config.front_door.domain)
    stack.output("Endpoint", public_url(config), "The canonical URL of the MCP server.")
    return FrontDoor(
        metric_dimensions=(("ApiId", Ref(HTTP_API)),),
        metric_4xx="4xx",
        metric_5xx="5xx",
        metric_latency="Latency",
        limit_ms=TIMEOUT_MS,
    )


def _add_api(stack: Stack) -> apigatewayv2.Api:
    config = stack.config
    origins = config.front_door.allowed_origins
    api = apigatewayv2.Api(
        HTTP_API,
        Name=config.name,
        ProtocolType="HTTP",
    )
    if config.front_door.domain is not None:
        api.DisableExecuteApiEndpoint = True
    if origins:
        api.CorsConfiguration = apigatewayv2.Cors(
            AllowCredentials=False,
            AllowHeaders=list(CORS_REQUEST_HEADERS),
            AllowMethods=list(CORS_METHODS),
            AllowOrigins=list(origins),
            ExposeHeaders=list(CORS_RESPONSE_HEADERS),
        )
    return stack.add(FRONT_DOOR, api, *_api_claims(config))


def _api_claims(config: Config) -> list[Claim]:
    claims = [entrances_claim(config), _cors_claim(config)]
    if config.auth.type != "none":
        claims += [
            *token_claims(routes_are()),
            Claim(
                "cm-7_smt.a",
                "The API has the routes POST, GET and DELETE on /mcp and GET on two metadata paths, and no others.",
                routes_are(),
                prop("ProtocolType").equals("HTTP"),
            ),
        ]
    if config.front_door.domain is not None:
        closed = every(apigatewayv2.Api).prop("DisableExecuteApiEndpoint").is_true()
        claims += [one_way_in_claim(config, closed), access_points_claim(config, closed)]
    return claims


def _cors_claim(config: Config) -> Claim:
    origins = config.front_door.allowed_origins
    if not origins:
        return Claim(
            "ac-4_smt",
            "The API adds no headers of its own that would let a web page of another origin read its answers.",
            every(apigatewayv2.Api).prop("CorsConfiguration").absent(),
        )
    return Claim(
        "ac-4_smt",
        "The API permits web pages of the listed origins to read its answers, and of no others.",
        prop("CorsConfiguration.AllowOrigins").equals(list(origins)),
        prop("CorsConfiguration.AllowMethods").equals(list(CORS_METHODS)),
        prop("CorsConfiguration.AllowHeaders").equals(list(CORS_REQUEST_HEADERS)),
        prop("CorsConfiguration.ExposeHeaders").equals(list(CORS_RESPONSE_HEADERS)),
        prop("CorsConfiguration.AllowCredentials").is_false(),
    )


def _add_integration(stack: Stack, function_arn: Any) -> apigatewayv2.Integration:
    return stack.add(
        FRONT_DOOR,
        apigatewayv2.Integration(
            INTEGRATION,
            ApiId=Ref(HTTP_API),
            IntegrationType="AWS_PROXY",
            IntegrationUri=function_arn,
            PayloadFormatVersion="2.0",
            TimeoutInMillis=TIMEOUT_MS,
        ),
        Claim(
            "cm-7_smt.a",
            "The API passes calls as they come to the one function of the MCP server, and to nothing else.",
            every(apigatewayv2.Integration).prop("IntegrationUri").equals(function_arn),
            every(apigatewayv2.Integration).prop("IntegrationType").equals("AWS_PROXY"),
            every(apigatewayv2.Integration).prop("ApiId").equals(Ref(HTTP_API)),
            every(apigatewayv2.Integration).prop("PayloadFormatVersion").equals("2.0"),
            every(apigatewayv2.Integration).prop("CredentialsArn").absent(),
            every(apigatewayv2.Integration).prop("RequestParameters").absent(),
        ),
        Claim(
            "sc-5_smt.b",
            "A slow call holds the API for thirty seconds at most.",
            every(apigatewayv2.Integration).prop("TimeoutInMillis").equals(TIMEOUT_MS),
        ),
    )


def _add_authorizer(stack: Stack, identity: Identity) -> apigatewayv2.Authorizer:
    audience = list(identity.audience)
    authorizers = every(apigatewayv2.Authorizer)
    checks = (
        authorizers.prop("AuthorizerType").equals("JWT"),
        authorizers.prop("JwtConfiguration.Issuer").equals(identity.issuer),
        authorizers.prop("JwtConfiguration.Audience").equals(audience),
        authorizers.prop("IdentitySource").equals([TOKEN_SOURCE]),
        authorizers.prop("ApiId").equals(Ref(HTTP_API)),
    )
    return stack.add(
        FRONT_DOOR,
        apigatewayv2.Authorizer(
            AUTHORIZER,
            ApiId=Ref(HTTP_API),
            AuthorizerType="JWT",
            IdentitySource=[TOKEN_SOURCE],
            JwtConfiguration=apigatewayv2.JWTConfiguration(Audience=audience, Issuer=identity.issuer),
            Name=AUTHORIZER,
        ),
        Claim(
            "ac-3_smt",
            "The authorizer accepts tokens of one issuer: those for a listed audience or, where a token names none, of a listed client.",
            *checks,
        ),
        Claim("ia-8_smt", "The authorizer lets a caller in by a signed token for a listed audience or of a listed client.", *checks),
        service_claim(*checks, routes_are()),
        session_claim(*checks, routes_are()),
    )


def _add_route(stack: Stack, route: Route, identity: Identity) -> apigatewayv2.Route:
    target = Sub(f"integrations/${{{INTEGRATION}}}")
    resource = apigatewayv2.Route(
        f"{route.logical_id}Route",
        ApiId=Ref(HTTP_API),
        AuthorizationType="NONE",
        RouteKey=route.key,
        Target=target,
    )
    placed = (prop("ApiId").equals(Ref(HTTP_API)), prop("RouteKey").equals(route.key), prop("Target").equals(target))
    if identity.is_open:
        return stack.add(
            FRONT_DOOR,
            resource,
            Exempt("auth.type is none: anybody may call this route, so that it supports no control."),
        )
    if not route.protected:
        return stack.add(
            FRONT_DOOR,
            resource,
            public_claim(route, routes_are(), prop("AuthorizationType").equals("NONE"), *placed),
        )
    resource.AuthorizationType = "JWT"
    resource.AuthorizationScopes = list(identity.scopes)
    resource.AuthorizerId = Ref(AUTHORIZER)
    return stack.add(
        FRONT_DOOR,
        resource,
        protected_claim(
            route,
            routes_are(),
            prop("AuthorizationType").equals("JWT"),
            prop("AuthorizationScopes").equals(list(identity.scopes)),
            prop("AuthorizerId").equals(Ref(AUTHORIZER)),
            *placed,
        ),
    )


def _add_stage(stack: Stack, access_log_arn: Any) -> apigatewayv2.Stage:
    config = stack.config
    door = config.front_door
    stages = every(apigatewayv2.Stage)
    throttled = (
        stages.prop("DefaultRouteSettings.ThrottlingRateLimit").equals(door.rate_per_second),
        stages.prop("DefaultRouteSettings.ThrottlingBurstLimit").equals(door.burst),
        stages.prop("RouteSettings").absent(),
    )
    return stack.add(
        FRONT_DOOR,
        apigatewayv2.Stage(
            STAGE,
            ApiId=Ref(HTTP_API),
            StageName=STAGE_NAME,
            AutoDeploy=True,
            AccessLogSettings=apigatewayv2.AccessLogSettings(DestinationArn=access_log_arn, Format=access_log_format(config)),
            DefaultRouteSettings=apigatewayv2.RouteSettings(ThrottlingBurstLimit=door.burst, ThrottlingRateLimit=door.rate_per_second),
        ),
        *access_log_claims(config, "AccessLogSettings", access_log_arn),
        Claim(
            "cm-6_smt.b",
            "The stage serves the routes as they are declared, and no older deployment of them.",
            prop("AutoDeploy").is_true(),
            prop("DeploymentId").absent(),
            prop("ApiId").equals(Ref(HTTP_API)),
            prop("StageName").equals(STAGE_NAME),
        ),
        *throttle_claims(config, "route", *throttled),
    )


def _add_domain(stack: Stack, domain: str) -> None:
    certificate = certificate_parameter(stack, domain)
    policy = stack.config.partition.http_security_policy
    settings = every(apigatewayv2.DomainName).prop("DomainNameConfigurations[*].SecurityPolicy").equals(policy)
    certified = (
        prop("DomainNameConfigurations[*].CertificateArn").equals(certificate),
        prop("DomainNameConfigurations[*].EndpointType").equals("REGIONAL"),
        prop("DomainName").equals(domain),
    )
    closed = every(apigatewayv2.Api).prop("DisableExecuteApiEndpoint").is_true()
    stack.add(
        FRONT_DOOR,
        apigatewayv2.DomainName(
            DOMAIN,
            DomainName=domain,
            DomainNameConfigurations=[
                apigatewayv2.DomainNameConfiguration(CertificateArn=certificate, EndpointType="REGIONAL", SecurityPolicy=policy)
            ],
        ),
        *domain_claims((settings, closed), (settings, *certified)),
    )
    stack.add(
        FRONT_DOOR,
        apigatewayv2.ApiMapping(f"{DOMAIN}Mapping", ApiId=Ref(HTTP_API), DomainName=Ref(DOMAIN), Stage=Ref(STAGE)),
        mapping_claim(
            every(apigatewayv2.ApiMapping).prop("ApiId").equals(Ref(HTTP_API)),
            every(apigatewayv2.ApiMapping).prop("Stage").equals(Ref(STAGE)),
            prop("DomainName").equals(Ref(DOMAIN)),
            prop("ApiMappingKey").absent(),
        ),
    )
    add_outputs(stack, domain)
