"""Door questions: which routes and entrances the system has, who may pass them, and which of them a web ACL protects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, Final

from claimstack.controls.errors import InputError
from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Place, Resource
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.questions.reading import Question, as_list, extra, referenced, referenced_resource, text_of

PRM_ROUTES: Final = ("GET /.well-known/oauth-protected-resource", "GET /.well-known/oauth-protected-resource/mcp")
MAPPINGS: Final[Mapping[str, str]] = {"AWS::ApiGatewayV2::ApiMapping": "ApiId", "AWS::ApiGateway::BasePathMapping": "RestApiId"}
"""Type of what maps a custom domain to an API → the property that names the API."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of an HTTP API or a method of a REST API."""

    resource: Resource
    key: str | None
    """Such as `POST /mcp`; None where the template does not tell."""
    authorization: Json

    def is_open(self) -> bool:
        """Whether nobody has to show a token, and no authorizer pretends otherwise."""
        properties = self.resource.properties
        return self.authorization == "NONE" and not properties.get("AuthorizerId") and not properties.get("AuthorizationScopes")

    def is_guarded(self, emitted: Emitted) -> bool:
        """Whether an authorizer of the same stack checks a token and at least one scope."""
        properties = self.resource.properties
        kind = "AWS::ApiGatewayV2::Authorizer" if self.resource.type == "AWS::ApiGatewayV2::Route" else "AWS::ApiGateway::Authorizer"
        authorizer = referenced_resource(emitted, self.resource.stack, properties.get("AuthorizerId"), kind)
        scopes = properties.get("AuthorizationScopes")
        if authorizer is None or not isinstance(scopes, list) or not scopes or not all(text_of(scope) for scope in scopes):
            return False
        if kind == "AWS::ApiGatewayV2::Authorizer":
            jwt = authorizer.properties.get("JwtConfiguration") or {}
            checks_token = authorizer.properties.get("AuthorizerType") == "JWT" and jwt.get("Issuer") and jwt.get("Audience")
            api = "ApiId"
        else:
            checks_token = authorizer.properties.get("Type") == "COGNITO_USER_POOLS" and authorizer.properties.get("ProviderARNs")
            api = "RestApiId"
        expected = "JWT" if kind == "AWS::ApiGatewayV2::Authorizer" else "COGNITO_USER_POOLS"
        same_api = authorizer.properties.get(api) == properties.get(api)
        return bool(checks_token) and self.authorization == expected and same_api


def routes(emitted: Emitted) -> Iterator[Route]:
    for route in emitted.resources("AWS::ApiGatewayV2::Route"):
        key = route.properties.get("RouteKey")
        yield Route(route, key if isinstance(key, str) else None, route.properties.get("AuthorizationType", "NONE"))
    for method in emitted.resources("AWS::ApiGateway::Method"):
        path = _rest_path(emitted, method.stack, method.properties.get("ResourceId"))
        verb = method.properties.get("HttpMethod")
        key = f"{verb} {path}" if path is not None and isinstance(verb, str) else None
        yield Route(method, key, method.properties.get("AuthorizationType", "NONE"))


def _rest_path(emitted: Emitted, stack: str, resource_id: Json, depth: int = 0) -> str | None:
    """The path of a REST resource, from its parents; None where it does not lead to the root of an API."""
    if (text_of(resource_id) or "").endswith(".RootResourceId}"):
        return "" if depth else "/"
    resource = referenced_resource(emitted, stack, resource_id, "AWS::ApiGateway::Resource")
    if resource is None or depth > 20:
        return None
    parent = _rest_path(emitted, stack, resource.properties.get("ParentId"), depth + 1)
    part = resource.properties.get("PathPart")
    return f"{parent}/{part}" if parent is not None and isinstance(part, str) else None


_IMPORTS = ("Body", "BodyS3Location", "CloneFrom", "RouteKey", "Target")
"""Properties that give an API routes which are no resources of the template."""


@dataclass(frozen=True, slots=True)
class RoutesAre(Question):
    kind: ClassVar[str] = "question.routes-are"
    protected: tuple[str, ...]
    public: tuple[str, ...] = PRM_ROUTES

    def sentence(self) -> str:
        return (
            f"the one API has exactly the routes {', '.join(self.protected)}, each with an authorizer that asks for a scope, "
            f"and without authorization {', '.join(self.public) or 'none'}"
        )

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        apis = list(emitted.resources("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"))
        if not apis:
            yield self.nothing(scope, "no API")
        for api in apis:
            imported = [name for name in _IMPORTS if name in api.properties]
            http = api.type == "AWS::ApiGateway::RestApi" or api.properties.get("ProtocolType") == "HTTP"
            yield self.found(
                api.place, imported or f"{len(apis)} API", len(apis) == 1 and not imported and http, "one API, every route declared"
            )
        seen: Counter[str] = Counter()
        for route in routes(emitted):
            seen[route.key or "?"] += 1
            known = route.key is not None and seen[route.key] == 1 and self._of_api(route, apis)
            right = (route.key in self.public and route.is_open()) or (route.key in self.protected and route.is_guarded(emitted))
            actual = f"{route.key or 'a route that cannot be read'} with {text_of(route.authorization) or 'no'} authorization"
            yield self.found(route.resource.place, actual, known and right)
        for key in (*self.protected, *self.public):
            if key not in seen:
                yield self.nothing(scope, f"no route {key}")

    @staticmethod
    def _of_api(route: Route, apis: list[Resource]) -> bool:
        api = referenced(route.resource.properties.get("ApiId", route.resource.properties.get("RestApiId")))
        return any(known.logical_id == api and known.stack == route.resource.stack for known in apis)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        twin = Place(scope.stack, ("Resources", "UnwantedRoute"))
        for route in routes(emitted):
            name, place = route.resource.logical_id, route.resource.property_place
            yield Mutant(f"{name}: remove the route", (Edit(route.resource.place, REMOVE),))
            if route.key in self.protected:
                yield Mutant(f"{name}: no authorization", (Edit(place("AuthorizationType"), "NONE"),))
                yield Mutant(f"{name}: signature instead of token", (Edit(place("AuthorizationType"), "AWS_IAM"),))
                yield Mutant(f"{name}: no authorization type", (Edit(place("AuthorizationType"), REMOVE),))
                yield Mutant(f"{name}: no authorizer", (Edit(place("AuthorizerId"), REMOVE),))
                yield Mutant(f"{name}: no scope", (Edit(place("AuthorizationScopes"), REMOVE),))
                yield Mutant(f"{name}: empty scopes", (Edit(place("AuthorizationScopes"), []),))
            verb = "RouteKey" if "RouteKey" in route.resource.properties else "HttpMethod"
            for other in ("ANY /{proxy+}", "$default") if verb == "RouteKey" else ("ANY", "OPTIONS"):
                edits = (Edit(twin, route.resource.body), Edit(twin.below("Properties", verb), other))
                yield Mutant(f"add {other} beside {name}", edits)
        for api in emitted.resources("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"):
            second = Place(api.stack, ("Resources", "UnwantedApi"))
            yield Mutant("add a second API", (Edit(second, api.body),))
            yield Mutant(f"{api.logical_id}: import a definition", (Edit(api.property_place("Body"), {"openapi": "3.0.1"}),))
        yield extra(scope, "AWS::ApiGatewayV2::Api", {"ProtocolType": "WEBSOCKET"}, "add a WebSocket API")


HTTP_API_DEFAULT_ENDPOINT: Final = "HttpApi default endpoint"
HTTP_API_CUSTOM_DOMAIN: Final = "HttpApi custom domain"
REST_API_DEFAULT_ENDPOINT: Final = "RestApi default endpoint"
REST_API_CUSTOM_DOMAIN: Final = "RestApi custom domain"
COGNITO_TOKEN_DOMAIN: Final = "Cognito token domain"  # noqa: S105 - the name of an entrance
COGNITO_USER_POOL_API: Final = "Cognito user pool API"
LAMBDA_FUNCTION_URL: Final = "Lambda function URL"
LOAD_BALANCER: Final = "Load balancer"
APPSYNC_API: Final = "AppSync API"
CLOUDFRONT_DISTRIBUTION: Final = "CloudFront distribution"
PUBLIC_ADDRESS: Final = "Public address"
OTHER_ENTRANCE: Final = "Other public service"
ENTRANCES = (
    HTTP_API_DEFAULT_ENDPOINT,
    HTTP_API_CUSTOM_DOMAIN,
    REST_API_DEFAULT_ENDPOINT,
    REST_API_CUSTOM_DOMAIN,
    COGNITO_TOKEN_DOMAIN,
    COGNITO_USER_POOL_API,
    LAMBDA_FUNCTION_URL,
    LOAD_BALANCER,
    APPSYNC_API,
    CLOUDFRONT_DISTRIBUTION,
    PUBLIC_ADDRESS,
    OTHER_ENTRANCE,
)
"""The names of the kinds of public entrance."""


def _default_endpoint(properties: Json) -> bool:
    return properties.get("DisableExecuteApiEndpoint") is not True


def _not_private(properties: Json) -> bool:
    return as_list((properties.get("EndpointConfiguration") or {}).get("Types", [])) != ["PRIVATE"]


def _always(_: Json) -> bool:
    return True


_KINDS: dict[str, tuple[str, Callable[[Json], bool]]] = {
    "AWS::Amplify::App": (OTHER_ENTRANCE, _always),
    "AWS::ApiGateway::DomainName": (REST_API_CUSTOM_DOMAIN, _always),
    "AWS::ApiGateway::DomainNameV2": (REST_API_CUSTOM_DOMAIN, _not_private),
    "AWS::ApiGateway::RestApi": (REST_API_DEFAULT_ENDPOINT, lambda p: _default_endpoint(p) and _not_private(p)),
    "AWS::ApiGatewayV2::Api": (HTTP_API_DEFAULT_ENDPOINT, _default_endpoint),
    "AWS::ApiGatewayV2::DomainName": (HTTP_API_CUSTOM_DOMAIN, _always),
    "AWS::AppRunner::Service": (OTHER_ENTRANCE, _always),
    "AWS::AppSync::Api": (APPSYNC_API, _always),
    "AWS::AppSync::DomainName": (APPSYNC_API, _always),
    "AWS::AppSync::GraphQLApi": (APPSYNC_API, lambda p: p.get("Visibility") != "PRIVATE"),
    "AWS::BedrockAgentCore::Gateway": (OTHER_ENTRANCE, _always),
    "AWS::BedrockAgentCore::Runtime": (OTHER_ENTRANCE, _always),
    "AWS::CloudFront::Distribution": (CLOUDFRONT_DISTRIBUTION, _always),
    "AWS::Cognito::IdentityPool": (OTHER_ENTRANCE, _always),
    "AWS::Cognito::UserPool": (COGNITO_USER_POOL_API, _always),
    "AWS::Cognito::UserPoolDomain": (COGNITO_TOKEN_DOMAIN, _always),
    "AWS::EC2::EIP": (PUBLIC_ADDRESS, _always),
    "AWS::EC2::EIPAssociation": (PUBLIC_ADDRESS, _always),
    "AWS::EC2::InternetGateway": (PUBLIC_ADDRESS, _always),
    "AWS::EC2::VPCGatewayAttachment": (PUBLIC_ADDRESS, _always),
    "AWS::ElasticLoadBalancing::LoadBalancer": (LOAD_BALANCER, lambda p: p.get("Scheme") != "internal"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (LOAD_BALANCER, lambda p: p.get("Scheme") != "internal"),
    "AWS::GlobalAccelerator::Accelerator": (PUBLIC_ADDRESS, _always),
    "AWS::Lambda::Url": (LAMBDA_FUNCTION_URL, _always),
    "AWS::Transfer::Server": (OTHER_ENTRANCE, lambda p: p.get("EndpointType") not in ("VPC", "VPC_ENDPOINT")),
}
"""Resource type → the kind of entrance, and whether a resource with these properties is one."""
_PUBLIC_FLAGS = ("AssociatePublicIpAddress", "MapPublicIpOnLaunch", "PubliclyAccessible")
"""Properties of many types that give a public address where they are not false."""


def entrances(emitted: Emitted) -> Iterator[tuple[str, Resource]]:
    """(kind, resource) of every public entrance; a value that the template does not settle counts as an entrance."""
    for resource in emitted.resources():
        kind, is_entrance = _KINDS.get(resource.type, (OTHER_ENTRANCE, lambda _: False))
        if resource.type.startswith(("AWS::Lambda::WebFunction", "AWS::Lightsail::")) or is_entrance(resource.properties):
            yield kind, resource
        if resource.type == "AWS::S3::Bucket" and "WebsiteConfiguration" in resource.properties:
            yield OTHER_ENTRANCE, resource
        if _is_flagged(resource.properties):
            yield PUBLIC_ADDRESS, resource


def _is_flagged(value: Json) -> bool:
    if isinstance(value, dict):
        return any((key in _PUBLIC_FLAGS and item not in (False, "false")) or _is_flagged(item) for key, item in value.items())
    return isinstance(value, list) and any(_is_flagged(item) for item in value)


@dataclass(frozen=True, slots=True)
class EntrancesAre(Question):
    """Names are those of ENTRANCES, once for each entrance. Raises InputError for another name."""

    kind: ClassVar[str] = "question.entrances-are"
    entrances: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.entrances:
            if name not in ENTRANCES:
                near = get_close_matches(name, ENTRANCES, n=1, cutoff=0.0)[0]
                raise InputError(f"EntrancesAre: unknown entrance {name!r}; did you mean {near!r}?")

    def sentence(self) -> str:
        if not self.entrances:
            return "the system has no public entrance"
        return f"the public entrances of the system are exactly: {', '.join(self.entrances)}"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        found = list(entrances(emitted))
        counted, wanted = Counter(kind for kind, _ in found), Counter(self.entrances)
        for kind, resource in found:
            yield self.found(
                resource.place, kind if counted[kind] == 1 else f"one of {counted[kind]}: {kind}", counted[kind] <= wanted[kind]
            )
        for kind in wanted:
            if counted[kind] < wanted[kind]:
                yield self.nothing(scope, f"no {kind}")
        if not found and not wanted:
            yield self.nothing(scope, "none", passes=True)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for api in emitted.resources("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"):
            if not _default_endpoint(api.properties):
                place = api.property_place("DisableExecuteApiEndpoint")
                for what, value in (("remove", REMOVE), ("flip", False), ("leave open", {"Ref": "Later"})):
                    yield Mutant(f"{api.logical_id}: {what} DisableExecuteApiEndpoint", (Edit(place, value),))
        for type_ in (
            "AWS::Lambda::Url",
            "AWS::ApiGatewayV2::Api",
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "AWS::EC2::InternetGateway",
        ):
            yield extra(scope, type_, {}, f"add {type_}")
        for kind, resource in entrances(emitted):
            place = Place(resource.stack, ("Resources", "UnwantedEntrance"))
            yield Mutant(f"a second {kind}", (Edit(place, resource.body),))
        yield extra(scope, "AWS::RDS::DBInstance", {"PubliclyAccessible": True}, "add a public database")


_STAGE_ARN = re.compile(
    r"arn:\$\{AWS::Partition\}:apigateway:\$\{AWS::Region\}::/restapis/\$\{([A-Za-z0-9]+)\}/stages/(?:\$\{([A-Za-z0-9]+)\}|([\w-]+))"
)


@dataclass(frozen=True, slots=True)
class WebAclAssociated(Question):
    """An HTTP API takes no web ACL: an association with one is accepted by linters and refused by AWS."""

    kind: ClassVar[str] = "question.web-acl-associated"

    def sentence(self) -> str:
        return "every REST stage, and nothing else, is associated with one regional web ACL of its stack"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        protected: Counter[tuple[str, str]] = Counter()
        stages = list(emitted.resources("AWS::ApiGateway::Stage"))
        for association in emitted.resources("AWS::WAFv2::WebACLAssociation"):
            acl = referenced_resource(emitted, association.stack, association.properties.get("WebACLArn"), "AWS::WAFv2::WebACL")
            regional = acl is not None and acl.properties.get("Scope") == "REGIONAL"
            arn = text_of(association.properties.get("ResourceArn"))
            stage = _stage_of(stages, association.stack, arn or "")
            if regional and stage is not None:
                protected[stage.stack, stage.logical_id] += 1
            yield self.found(association.place, arn, regional and stage is not None)
        if not stages:
            yield self.nothing(scope, "no REST stage")
        for stage in stages:
            count = protected[stage.stack, stage.logical_id]
            yield self.found(stage.place, f"{count} associations with a web ACL", count == 1)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for association in emitted.resources("AWS::WAFv2::WebACLAssociation"):
            name = association.logical_id
            yield Mutant(f"{name}: remove the association", (Edit(association.place, REMOVE),))
            http = {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/apis/${Api}/stages/$default"}
            yield Mutant(f"{name}: associate an HTTP API", (Edit(association.property_place("ResourceArn"), http),))
            yield Mutant(f"{name}: another web ACL", (Edit(association.property_place("WebACLArn"), {"Fn::GetAtt": ["Elsewhere", "Arn"]}),))
        yield extra(scope, "AWS::ApiGateway::Stage", {"StageName": "open"}, "add a stage without web ACL")


def _stage_of(stages: list[Resource], stack: str, arn: str) -> Resource | None:
    match = _STAGE_ARN.fullmatch(arn)
    if match is None:
        return None
    api, by_ref, by_name = match.groups()
    for stage in stages:
        named = stage.logical_id == by_ref or (by_name is not None and stage.properties.get("StageName") == by_name)
        if stage.stack == stack and named and referenced(stage.properties.get("RestApiId")) == api:
            return stage
    return None
