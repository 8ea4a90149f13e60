"""REST routes: the resources, methods and answers of the REST API, and the authorizer in front of them."""

from __future__ import annotations

import json
from typing import Any

from troposphere import GetAtt, Ref, Sub, apigateway

from claimstack.generator.claims import Claim, Exempt
from claimstack.generator.config import Config
from claimstack.generator.expressions import prop
from claimstack.generator.questions import RoutesAre
from claimstack.generator.resources.door import (
    FRONT_DOOR,
    PROTECTED_ROUTES,
    PUBLIC_ROUTES,
    ROUTES,
    Route,
    protected_claim,
    public_claim,
    routes_are,
    service_claim,
    session_claim,
)
from claimstack.generator.resources.identity import Identity
from claimstack.generator.system import Stack

REST_API = "RestApi"
AUTHORIZER = "TokenAuthorizer"
VALIDATOR = "BodyValidator"
MESSAGE = "JsonRpcMessage"

TOKEN_SOURCE = "method.request.header.Authorization"  # noqa: S105 - where the token is, not the token
METADATA_PATH = "/.well-known/oauth-protected-resource/mcp"

BUFFERED_LIMIT_MS = 29_000
"""The longest that a regional REST API waits for an integration without a raised quota."""
STREAMING_LIMIT_MS = 900_000

PATHS = {
    "/mcp": "McpResource",
    "/.well-known": "WellKnownResource",
    "/.well-known/oauth-protected-resource": "MetadataResource",
    METADATA_PATH: "McpMetadataResource",
}
"""Path → logical id; a parent stands before its children."""


def rest_routes_are(config: Config) -> RoutesAre:
    return RoutesAre(public=(*PROTECTED_ROUTES, *PUBLIC_ROUTES), protected=()) if config.auth.type == "none" else routes_are()


def limit_ms(config: Config) -> int:
    """When the door gives up on the function: never before the function has had its own time."""
    return min((config.runtime.timeout_seconds + 1) * 1000, STREAMING_LIMIT_MS) if config.front_door.streaming else BUFFERED_LIMIT_MS


def add_routes(stack: Stack, function_arn: Any, identity: Identity) -> None:
    """Everything below the API that a deployment takes a copy of."""
    for path, logical_id in PATHS.items():
        parent, _, part = path.rpartition("/")
        parent_id = Ref(PATHS[parent]) if parent else GetAtt(REST_API, "RootResourceId")
        stack.add(
            FRONT_DOOR,
            apigateway.Resource(logical_id, RestApiId=Ref(REST_API), ParentId=parent_id, PathPart=part),
            Exempt("A segment of a path: what can be called on it is claimed by its methods."),
        )
    if not identity.is_open:
        _add_authorizer(stack, identity)
    _add_body_validation(stack)
    for route in ROUTES:
        _add_method(stack, route, function_arn, identity)
    _add_gateway_responses(stack, identity)


def _add_authorizer(stack: Stack, identity: Identity) -> apigateway.Authorizer:
    checks = (
        prop("Type").equals("COGNITO_USER_POOLS"),
        prop("ProviderARNs").equals([identity.user_pool_arn]),
        prop("IdentitySource").equals(TOKEN_SOURCE),
        prop("RestApiId").equals(Ref(REST_API)),
    )
    routes = rest_routes_are(stack.config)
    return stack.add(
        FRONT_DOOR,
        apigateway.Authorizer(
            AUTHORIZER,
            RestApiId=Ref(REST_API),
            Name=AUTHORIZER,
            Type="COGNITO_USER_POOLS",
            IdentitySource=TOKEN_SOURCE,
            ProviderARNs=[identity.user_pool_arn],
        ),
        Claim("ac-3_smt", "The authorizer accepts tokens of the one user pool.", *checks),
        Claim("ia-8_smt", "The authorizer knows each caller by a token that the one user pool has signed.", *checks),
        service_claim(*checks, routes),
        session_claim(*checks, routes),
    )


def _add_body_validation(stack: Stack) -> None:
    message = {
        "type": "object",
        "required": ["jsonrpc"],
        "properties": {
            "jsonrpc": {"enum": ["2.0"]},
            "method": {"type": "string"},
            "result": {"type": "object"},
            "error": {"type": "object"},
        },
        "anyOf": [{"required": [part]} for part in ("method", "result", "error")],
    }
    # Clients of the older protocol era may send several messages in one body.
    schema = json.dumps(
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "title": MESSAGE,
            "anyOf": [message, {"type": "array", "minItems": 1, "items": message}],
        },
        separators=(",", ":"),
    )
    stack.add(
        FRONT_DOOR,
        apigateway.Model(MESSAGE, RestApiId=Ref(REST_API), ContentType="application/json", Schema=schema),
        Claim(
            "si-10_smt",
            "The model asks of a JSON body, or of each item of a list, that it bears jsonrpc 2.0 and a method, a result or an error.",
            prop("ContentType").equals("application/json"),
            prop("Schema").equals(schema),
        ),
    )
    stack.add(
        FRONT_DOOR,
        apigateway.RequestValidator(VALIDATOR, RestApiId=Ref(REST_API), ValidateRequestBody=True, ValidateRequestParameters=False),
        Claim(
            "si-10_smt",
            "The validator holds JSON bodies against the model of their method before the function is called.",
            prop("ValidateRequestBody").is_true(),
            prop("RestApiId").equals(Ref(REST_API)),
        ),
    )


def _integration_uri(config: Config, function_arn: Any) -> Any:
    place = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path"
    api, action = ("2021-11-15", "response-streaming-invocations") if config.front_door.streaming else ("2015-03-31", "invocations")
    return Sub(f"{place}/{api}/functions/${{Function}}/{action}", Function=function_arn)


def _add_method(stack: Stack, route: Route, function_arn: Any, identity: Identity) -> apigateway.Method:
    config = stack.config
    uri = _integration_uri(config, function_arn)
    mode = "STREAM" if config.front_door.streaming else "BUFFERED"
    method = apigateway.Method(
        f"{route.logical_id}Method",
        RestApiId=Ref(REST_API),
        ResourceId=Ref(PATHS[route.path]),
        HttpMethod=route.method,
        AuthorizationType="NONE",
        Integration=apigateway.Integration(
            Type="AWS_PROXY",
            IntegrationHttpMethod="POST",
            Uri=uri,
            ResponseTransferMode=mode,
            TimeoutInMillis=limit_ms(config),
        ),
    )
    placed = (
        prop("RestApiId").equals(Ref(REST_API)),
        prop("ResourceId").equals(Ref(PATHS[route.path])),
        prop("HttpMethod").equals(route.method),
    )
    claims = [
        Claim(
            "cm-7_smt.a",
            f"{route.key} is passed to the one function of the MCP server, and to nothing else.",
            prop("Integration.Type").equals("AWS_PROXY"),
            prop("Integration.Uri").equals(uri),
            prop("Integration.IntegrationHttpMethod").equals("POST"),
            prop("Integration.ResponseTransferMode").equals(mode),
            *placed,
        )
    ]
    if route.method == "POST":
        method.RequestValidatorId = Ref(VALIDATOR)
        method.RequestModels = {"application/json": Ref(MESSAGE)}
        claims.append(
            Claim(
                "si-10_smt",
                f"{route.key} holds bodies of type application/json against the model of a JSON-RPC message; other types pass unchecked.",
                prop("RequestValidatorId").equals(Ref(VALIDATOR)),
                prop("RequestModels").equals({"application/json": Ref(MESSAGE)}),
            )
        )
    open_method: dict[str, str] = {}
    if identity.is_open:
        open_method = {"CKV_AWS_59": "system.toml asks for a server without authentication."}
    elif route.protected:
        method.AuthorizationType = "COGNITO_USER_POOLS"
        method.AuthorizerId = Ref(AUTHORIZER)
        method.AuthorizationScopes = list(identity.scopes)
        claims.append(
            protected_claim(
                route,
                rest_routes_are(config),
                prop("AuthorizationType").equals("COGNITO_USER_POOLS"),
                prop("AuthorizationScopes").only(*identity.scopes),
                prop("AuthorizerId").equals(Ref(AUTHORIZER)),
                *placed,
            )
        )
    else:
        open_method = {"CKV_AWS_59": "Discovery of the authorization server has to work without a token (RFC 9728)."}
        claims.append(public_claim(route, rest_routes_are(config), prop("AuthorizationType").equals("NONE"), *placed))
    return stack.add(FRONT_DOOR, method, *claims, accepts=open_method)


def _add_gateway_responses(stack: Stack, identity: Identity) -> None:
    """Answers that API Gateway gives in the function's place; a refused MCP client learns where to get a token (RFC 9728, RFC 6750)."""
    metadata = f'resource_metadata="https://{stack.config.front_door.domain}{METADATA_PATH}"'
    # A static value stands between single quotes and knows no escape.
    scope = " ".join(scope for scope in identity.scopes if "'" not in scope)
    refusals = (
        ("UnauthorizedResponse", "UNAUTHORIZED", "401", f"Bearer {metadata}"),
        ("ExpiredTokenResponse", "EXPIRED_TOKEN", "401", f'Bearer error="invalid_token", {metadata}'),
        ("AccessDeniedResponse", "ACCESS_DENIED", "403", f'Bearer error="insufficient_scope", scope="{scope}", {metadata}'),
    )
    for logical_id, type_, status, challenge in () if identity.is_open else refusals:
        headers = {"gatewayresponse.header.WWW-Authenticate": f"'{challenge}'"}
        stack.add(
            FRONT_DOOR,
            apigateway.GatewayResponse(
                logical_id, RestApiId=Ref(REST_API), ResponseType=type_, StatusCode=status, ResponseParameters=headers
            ),
            Claim(
                "sc-23_smt",
                f"A caller refused as {type_} gets {status} and is sent for its token to the metadata of this server.",
                prop("ResponseType").equals(type_),
                prop("StatusCode").equals(status),
                prop("ResponseParameters").equals(headers),
                prop("RestApiId").equals(Ref(REST_API)),
            ),
        )
    invalid = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid Request"}}
    for logical_id, type_, status, body in (
        ("UnknownRouteResponse", "MISSING_AUTHENTICATION_TOKEN", "404", {"message": "Not Found"}),
        ("InvalidBodyResponse", "BAD_REQUEST_BODY", "400", invalid),
    ):
        templates = {"application/json": json.dumps(body, separators=(",", ":"))}
        stack.add(
            FRONT_DOOR,
            apigateway.GatewayResponse(
                logical_id,
                RestApiId=Ref(REST_API),
                ResponseType=type_,
                StatusCode=status,
                ResponseTemplates=templates,
            ),
            Claim(
                "si-11_smt.a",
                f"The answer to a call refused as {type_} is a fixed text that names the error and no detail of the server.",
                prop("ResponseTemplates").equals(templates),
                prop("ResponseType").equals(type_),
                prop("StatusCode").equals(status),
                prop("RestApiId").equals(Ref(REST_API)),
            ),
        )
