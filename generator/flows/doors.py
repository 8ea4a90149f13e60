"""Doors: flows through the entrances of a system, to what answers behind them, and to whoever issues the tokens."""

from __future__ import annotations

from collections.abc import Iterator

from claimstack.generator.emitted import Emitted, Json, Place, Resource
from claimstack.generator.flows.landscape import (
    IDENTITY_PROVIDER,
    INTERNET,
    MCP_CLIENT,
    NOT_IN_TEMPLATE,
    PERSON,
    TLS_UNKNOWN,
    Landscape,
    joined,
    unquoted,
)
from claimstack.generator.flows.sighting import Sighting, within_aws
from claimstack.generator.questions.doors import COGNITO_TOKEN_DOMAIN, ENTRANCES, MAPPINGS, Route, entrances, routes
from claimstack.generator.questions.reading import as_list, as_mapping, referenced, referenced_resource, text_of

_DOORS = tuple(name for name in ENTRANCES if name.startswith(("HttpApi", "RestApi")))
_HTTPS_ONLY = (*_DOORS, COGNITO_TOKEN_DOMAIN, "Cognito user pool API", "Lambda function URL", "CloudFront distribution")
"""Entrances whose service answers on TCP 443 only, or redirects to it."""
_DOMAINS = ("AWS::ApiGatewayV2::DomainName", "AWS::ApiGateway::DomainName")


def entrance_flows(land: Landscape) -> Iterator[Sighting]:
    for kind, resource in entrances(land.emitted):
        if kind == COGNITO_TOKEN_DOMAIN:
            continue
        source = MCP_CLIENT if kind in _DOORS else INTERNET
        https = kind in _HTTPS_ONLY
        protocol, port = ("HTTPS", 443) if https else (NOT_IN_TEMPLATE, None)
        encryption = _policy(resource) if https else NOT_IN_TEMPLATE
        yield Sighting(
            land.outside(source),
            land.owner(resource),
            f"Public entrance: {kind}",
            (resource.place,),
            f"{kind} {resource.logical_id}",
            protocol,
            port,
            encryption,
        )


def _policy(resource: Resource) -> str:
    """The TLS policy of a door, as far as its resource names one."""
    named = [resource.properties.get("SecurityPolicy")]
    for configuration in as_list(resource.properties.get("DomainNameConfigurations", [])):
        named.append(as_mapping(configuration).get("SecurityPolicy"))
    policies = [unquoted(policy) for policy in named if policy]
    return f"TLS; API Gateway security policy {joined(policies)}" if policies else TLS_UNKNOWN


def route_flows(land: Landscape) -> Iterator[Sighting]:
    for route in routes(land.emitted):
        api = _api(land.emitted, route.resource)
        target = land.owner(api or route.resource)
        domains = _domains(land.emitted, api) if api is not None else []
        encryption = "; ".join(dict.fromkeys(map(_policy, domains))) or (_policy(api) if api is not None else TLS_UNKNOWN)
        yield Sighting(
            land.outside(MCP_CLIENT),
            target,
            f"{route.key or 'A route that cannot be read'}: {_admission(land.emitted, route)}",
            (route.resource.place, *(domain.place for domain in domains)),
            route.key or route.resource.logical_id,
            encryption=encryption,
        )


def _admission(emitted: Emitted, route: Route) -> str:
    if route.is_open():
        return "open to everyone"
    scopes = [unquoted(scope) for scope in as_list(route.resource.properties.get("AuthorizationScopes", []))]
    if route.is_guarded(emitted):
        return f"with a token that holds a scope of {joined(scopes)}"
    return f"with {text_of(route.authorization) or 'unreadable'} authorization"


def _api(emitted: Emitted, resource: Resource) -> Resource | None:
    named = resource.properties.get("ApiId", resource.properties.get("RestApiId"))
    return referenced_resource(emitted, resource.stack, named, "AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi")


def _domains(emitted: Emitted, api: Resource) -> list[Resource]:
    """The custom domains under which an API answers."""
    found: dict[str, Resource] = {}
    for mapping in emitted.resources(*MAPPINGS):
        if mapping.stack == api.stack and referenced(mapping.properties.get(MAPPINGS[mapping.type])) == api.logical_id:
            domain = referenced_resource(emitted, mapping.stack, mapping.properties.get("DomainName"), *_DOMAINS)
            if domain is not None:
                found[domain.logical_id] = domain
    return list(found.values())


def integration_flows(land: Landscape) -> Iterator[Sighting]:
    for integration in land.emitted.resources("AWS::ApiGatewayV2::Integration"):
        yield from _integration(land, integration, integration.properties.get("IntegrationUri"), integration.property_place())
    for method in land.emitted.resources("AWS::ApiGateway::Method"):
        found = as_mapping(method.properties.get("Integration"))
        if found.get("Type") != "MOCK" and "Uri" in found:
            yield from _integration(land, method, found["Uri"], method.property_place("Integration"))


def _integration(land: Landscape, resource: Resource, uri: Json, place: Place) -> Iterator[Sighting]:
    source = land.owner(_api(land.emitted, resource) or resource)
    target = land.resolve(resource.stack, uri)
    if target is not None and target != source:
        yield within_aws(source, target, "Passes each admitted request on and returns the answer", place)
    elif target is None:
        port = 443 if unquoted(uri).startswith("https://") else None
        encryption = TLS_UNKNOWN if port else NOT_IN_TEMPLATE
        yield Sighting(
            source,
            land.outside(INTERNET),
            f"Passes requests on to {unquoted(uri)}",
            (place,),
            unquoted(uri),
            "HTTPS" if port else "HTTP",
            port,
            encryption,
        )


def permission_flows(land: Landscape) -> Iterator[Sighting]:
    for permission in land.emitted.resources("AWS::Lambda::Permission"):
        properties = permission.properties
        target = land.resolve(permission.stack, properties.get("FunctionName")) or land.service("lambda")
        caller = properties.get("Principal")
        prefix = str(caller).partition(".")[0] if isinstance(caller, str) and caller.endswith("amazonaws.com") else None
        source = land.resolve(permission.stack, properties.get("SourceArn"))
        if source is None or source == target:
            source = land.service(prefix) if prefix else land.outside(INTERNET)
        what = unquoted(properties.get("SourceArn", "whatever calls")).rpartition("}/")[2]
        yield within_aws(source, target, f"{unquoted(caller)} may invoke for {what}", permission.place)


def event_source_flows(land: Landscape) -> Iterator[Sighting]:
    for mapping in land.emitted.resources("AWS::Lambda::EventSourceMapping"):
        target = land.resolve(mapping.stack, mapping.properties.get("FunctionName")) or land.service("lambda")
        arn = mapping.properties.get("EventSourceArn")
        source = land.resolve(mapping.stack, arn) or land.service_of_arn(arn)
        yield within_aws(source, target, f"Events of {unquoted(arn)}", mapping.place)


def authorizer_flows(land: Landscape) -> Iterator[Sighting]:
    for authorizer in land.emitted.resources("AWS::ApiGatewayV2::Authorizer", "AWS::ApiGateway::Authorizer"):
        properties = authorizer.properties
        source = land.owner(_api(land.emitted, authorizer) or authorizer)
        jwt = as_mapping(properties.get("JwtConfiguration"))
        asked: list[tuple[Json, tuple[str | int, ...]]] = []
        if "Issuer" in jwt:
            asked.append((jwt["Issuer"], ("JwtConfiguration", "Issuer")))
        asked += [(arn, ("ProviderARNs", index)) for index, arn in enumerate(as_list(properties.get("ProviderARNs", [])))]
        if "AuthorizerUri" in properties:
            asked.append((properties["AuthorizerUri"], ("AuthorizerUri",)))
        for value, path in asked:
            target = land.resolve(authorizer.stack, value)
            whom = "of the system" if target is not None else unquoted(value)
            yield Sighting(
                source,
                target or land.outside(IDENTITY_PROVIDER),
                f"Asks the issuer {whom} for the keys that tokens are checked with" if path[0] != "AuthorizerUri" else "Asks who may call",
                (authorizer.property_place(*path),),
                "" if target is not None else whom,
            )


def client_flows(land: Landscape) -> Iterator[Sighting]:
    domains = list(land.emitted.resources("AWS::Cognito::UserPoolDomain"))
    for client in land.emitted.resources("AWS::Cognito::UserPoolClient"):
        pool = referenced(client.properties.get("UserPoolId"))
        own = [domain for domain in domains if domain.stack == client.stack and referenced(domain.properties.get("UserPoolId")) == pool]
        places = (client.place, *(domain.place for domain in own))
        flows = [unquoted(flow) for flow in as_list(client.properties.get("AllowedOAuthFlows", []))]
        name = unquoted(client.properties.get("ClientName", client.logical_id))
        target = land.resolve(client.stack, client.properties.get("UserPoolId")) or land.owner(client)
        yield Sighting(
            land.outside(MCP_CLIENT),
            target,
            f"Client {name} asks the token endpoint for a token ({joined(flows) or 'no OAuth flow'})",
            places,
            client.logical_id,
        )
        if {"code", "implicit"} & set(flows):
            yield Sighting(
                land.outside(PERSON), target, f"Signs in on the hosted pages, for client {name}", places, f"sign-in {client.logical_id}"
            )
