"""REST API: the regional front door that takes a web ACL, a TLS policy and streamed answers; it stands on a custom domain only."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Sub, apigateway

from claimstack.controls.errors import InputError
from claimstack.generator.claims import Claim, Exempt
from claimstack.generator.emitted import Json
from claimstack.generator.expressions import Check, every, prop
from claimstack.generator.questions import DEPLOYED_BEFORE, DeploymentIsCurrent, definition_hash
from claimstack.generator.resources.custom_domain import (
    CERTIFICATE_ARN,
    DOMAIN,
    add_outputs,
    certificate_parameter,
    domain_claims,
    mapping_claim,
)
from claimstack.generator.resources.door import (
    FRONT_DOOR,
    ROUTES,
    FrontDoor,
    access_log_claims,
    access_log_format,
    access_points_claim,
    add_permission,
    entrances_claim,
    one_way_in_claim,
    public_url,
    throttle_claims,
    token_claims,
)
from claimstack.generator.resources.identity import Identity
from claimstack.generator.resources.logs import add_execution_log
from claimstack.generator.resources.rest_account import AccountRole, add_account
from claimstack.generator.resources.rest_routes import REST_API, add_routes, limit_ms, rest_routes_are
from claimstack.generator.system import Stack

STAGE = "RestApiStage"
STAGE_NAME = "live"
DEPLOYMENT = "Deployment"
"""Start of the logical id of the deployment; the hash of the API definition follows."""

TLS_1_2_OR_LATER = (
    "SecurityPolicy_TLS13_1_2_2021_06",
    "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_3_2025_09",
    "SecurityPolicy_TLS13_1_3_FIPS_2025_09",
    "TLS_1_2",
)
"""The policies of a regional REST API that refuse TLS 1.1 and older (API Gateway developer guide, "Supported security policies")."""
FIPS_POLICY = r"SecurityPolicy_[A-Z0-9_]*_FIPS_[A-Z0-9_]*"
"""Policies with FIPS in the name end TLS in a validated module (same source)."""


def add_rest_api(
    stack: Stack, *, function_arn: Any, identity: Identity, access_log_arn: Any, key_arn: Any, account_role: AccountRole = "own"
) -> FrontDoor:
    """The REST API with its routes, stage, permissions and custom domain.

    `account_role` says whether this stack sets the log role of API Gateway, a setting that all REST APIs of a region share.
    Raises InputError without a custom domain, at whose root the discovery addresses lie, for an identity that is no user pool, and
    for origins of browsers: a preflight request would need open routes beside the listed ones.
    """
    config = stack.config
    if config.front_door.domain is None:
        raise InputError(f"{config.name}: a rest-api needs front_door.domain; add it to system.toml, or use type = 'http-api'")
    if not identity.is_open and identity.user_pool_arn is None:
        raise InputError(f"{config.name}: the authorizer of a rest-api takes Cognito user pools only; give auth.user_pool_arn")
    if config.front_door.allowed_origins:
        raise InputError(
            f"{config.name}: a rest-api answers no preflight request; remove front_door.allowed_origins, or use type = 'http-api'"
        )
    _add_api(stack)
    add_routes(stack, function_arn, identity)
    for route in ROUTES:
        add_permission(stack, route, REST_API, STAGE_NAME, function_arn)
    made_before_stage = [add_execution_log(stack, key_arn).title]
    if account_role == "own":
        made_before_stage.append(add_account(stack).title)
    _add_stage(stack, _add_deployment(stack), access_log_arn, made_before_stage)
    _add_domain(stack, config.front_door.domain)
    stack.output("Endpoint", public_url(config), "The canonical URL of the MCP server.")
    return FrontDoor(
        metric_dimensions=(("ApiName", Ref("AWS::StackName")), ("Stage", STAGE_NAME)),
        metric_4xx="4XXError",
        metric_5xx="5XXError",
        metric_latency="Latency",
        limit_ms=None if config.front_door.streaming else limit_ms(config),
        stage_arn=Sub(f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{{REST_API}}}/stages/${{{STAGE}}}"),
    )


def _endpoint_access(stack: Stack) -> dict[str, str]:
    """TLS policy, and the access mode that an enhanced policy asks for."""
    partition = stack.config.partition
    mode = {"EndpointAccessMode": partition.rest_endpoint_access_mode} if partition.rest_endpoint_access_mode else {}
    return {"SecurityPolicy": partition.rest_security_policy, **mode}


def _tls_checks() -> tuple[Check, ...]:
    """The custom domain negotiates by the policy of the API where the two differ, so that both are asked."""
    return (
        every(apigateway.RestApi).prop("SecurityPolicy").one_of(*TLS_1_2_OR_LATER),
        every(apigateway.DomainName).prop("SecurityPolicy").one_of(*TLS_1_2_OR_LATER),
        every(apigateway.RestApi).prop("DisableExecuteApiEndpoint").is_true(),
    )


def _add_api(stack: Stack) -> apigateway.RestApi:
    config = stack.config
    routes = rest_routes_are(config)
    closed = every(apigateway.RestApi).prop("DisableExecuteApiEndpoint").is_true()
    proxied = every(apigateway.Method).where(prop("Integration.Type").equals("AWS_PROXY"))
    seconds = limit_ms(config) // 1000
    claims = [
        one_way_in_claim(config, closed),
        Claim(
            "cm-7_smt.a",
            "The API has the methods POST, GET and DELETE on /mcp and GET on two metadata paths, and no others.",
            routes,
        ),
        entrances_claim(config, prop("EndpointConfiguration.Types").equals(["REGIONAL"])),
        access_points_claim(config, closed),
        Claim(
            "sc-5_smt.b",
            f"A slow call holds the API for {seconds} seconds at most.",
            proxied.prop("Integration.TimeoutInMillis").at_most(limit_ms(config)),
            proxied.prop("Integration.TimeoutInMillis").at_least(config.runtime.timeout_seconds * 1000),
        ),
    ]
    if config.auth.type != "none":
        claims += [
            *token_claims(routes),
            Claim("sc-7.5_smt", "Only the listed routes let a call in; any other is refused.", routes, meets=("sc-7.5_obj-2",)),
        ]
    return stack.add(
        FRONT_DOOR,
        apigateway.RestApi(
            REST_API,
            # Metrics tell REST APIs apart by name alone, so that two stacks of one system must not share it.
            Name=Ref("AWS::StackName"),
            DisableExecuteApiEndpoint=True,
            EndpointConfiguration=apigateway.EndpointConfiguration(Types=["REGIONAL"]),
            **_endpoint_access(stack),
        ),
        *claims,
    )


def _add_deployment(stack: Stack) -> apigateway.Deployment:
    """A copy of the API definition under a logical id that changes with it: a deployment cannot be changed once it is made."""
    resources: dict[str, Json] = {logical_id: resource.to_dict() for logical_id, resource in stack.template.resources.items()}
    parts = sorted(logical_id for logical_id, body in resources.items() if body["Type"] in DEPLOYED_BEFORE)
    return stack.add(
        FRONT_DOOR,
        apigateway.Deployment(f"{DEPLOYMENT}{definition_hash(resources, REST_API)}", RestApiId=Ref(REST_API), DependsOn=parts),
        Exempt("A copy of the API definition: the stage claims that it is the right one."),
    )


def _add_stage(stack: Stack, deployment: apigateway.Deployment, access_log_arn: Any, made_before: list[str]) -> apigateway.Stage:
    config = stack.config
    door = config.front_door
    everywhere = (prop("MethodSettings[*].HttpMethod").equals("*"), prop("MethodSettings[*].ResourcePath").equals("/*"))
    throttled = (
        prop("MethodSettings[*].ThrottlingRateLimit").equals(door.rate_per_second),
        prop("MethodSettings[*].ThrottlingBurstLimit").equals(door.burst),
        *everywhere,
    )
    metered = (prop("MethodSettings[*].MetricsEnabled").is_true(), *everywhere)
    return stack.add(
        FRONT_DOOR,
        apigateway.Stage(
            STAGE,
            RestApiId=Ref(REST_API),
            DeploymentId=Ref(deployment),
            StageName=STAGE_NAME,
            AccessLogSetting=apigateway.AccessLogSetting(DestinationArn=access_log_arn, Format=access_log_format(config)),
            MethodSettings=[
                apigateway.MethodSetting(
                    HttpMethod="*",
                    ResourcePath="/*",
                    ThrottlingRateLimit=door.rate_per_second,
                    ThrottlingBurstLimit=door.burst,
                    MetricsEnabled=True,
                    LoggingLevel="ERROR",
                    DataTraceEnabled=False,
                )
            ],
            TracingEnabled=True,
            DependsOn=made_before,
        ),
        *access_log_claims(config, "AccessLogSetting", access_log_arn),
        Claim(
            "au-3.1_smt",
            "Each record carries a trace id; calls that X-Ray samples can be followed by it to what the function did.",
            prop("AccessLogSetting.Format").mentions("$context.xrayTraceId").named("access-log.traceId"),
            prop("TracingEnabled").is_true(),
        ),
        Claim(
            "au-12_smt.a",
            "The stage is set to record errors inside the API in an execution log, without the content of calls.",
            prop("MethodSettings[*].LoggingLevel").equals("ERROR"),
            prop("MethodSettings[*].DataTraceEnabled").is_false(),
            *everywhere,
        ),
        Claim(
            "cm-6_smt.b",
            "The stage serves the API as it is declared, in no older deployment, logs in the declared format and counts calls by method.",
            DeploymentIsCurrent(),
            *metered,
            prop("AccessLogSetting.Format").equals(access_log_format(config)),
            prop("DeploymentId").equals(Ref(deployment)),
            prop("RestApiId").equals(Ref(REST_API)),
            prop("StageName").equals(STAGE_NAME),
            prop("CanarySetting").absent(),
        ),
        Claim(
            "sc-28_smt",
            "The stage has no cache in which answers could rest.",
            prop("CacheClusterEnabled").absent(),
            prop("MethodSettings[*].CachingEnabled").absent(),
        ),
        *throttle_claims(config, "method", *throttled),
        accepts={"CKV_AWS_120": "Answers differ from caller to caller, and streamed ones cannot be cached at all."},
    )


def _add_domain(stack: Stack, domain: str) -> None:
    certificate = certificate_parameter(stack, domain)
    certified = (
        prop("RegionalCertificateArn").equals(certificate),
        prop("RegionalCertificateArn").matches(CERTIFICATE_ARN),
        prop("DomainName").equals(domain),
        prop("EndpointConfiguration.Types").equals(["REGIONAL"]),
    )
    access = _endpoint_access(stack)
    claims = [*domain_claims(_tls_checks(), (*certified, *_tls_checks()))]
    if "EndpointAccessMode" in access:
        strict = (
            every(apigateway.RestApi).prop("EndpointAccessMode").equals("STRICT"),
            every(apigateway.DomainName).prop("EndpointAccessMode").equals("STRICT"),
        )
        claims.append(
            Claim("sc-23_smt", "The custom domain refuses a call whose Host is not the name that TLS was negotiated for.", *strict)
        )
    if "_FIPS_" in access["SecurityPolicy"]:
        validated = (
            every(apigateway.RestApi).prop("SecurityPolicy").matches(FIPS_POLICY),
            every(apigateway.DomainName).prop("SecurityPolicy").matches(FIPS_POLICY),
        )
        claims.append(Claim("sc-13_smt.b", "TLS of the front door follows a policy that AWS names a FIPS policy.", *validated))
    stack.add(
        FRONT_DOOR,
        apigateway.DomainName(
            DOMAIN,
            DomainName=domain,
            RegionalCertificateArn=certificate,
            EndpointConfiguration=apigateway.EndpointConfiguration(Types=["REGIONAL"]),
            **access,
        ),
        *claims,
    )
    stack.add(
        FRONT_DOOR,
        apigateway.BasePathMapping(f"{DOMAIN}Mapping", DomainName=Ref(DOMAIN), RestApiId=Ref(REST_API), Stage=Ref(STAGE)),
        mapping_claim(
            every(apigateway.BasePathMapping).prop("RestApiId").equals(Ref(REST_API)),
            every(apigateway.BasePathMapping).prop("Stage").equals(Ref(STAGE)),
            prop("DomainName").equals(Ref(DOMAIN)),
            prop("BasePath").absent(),
        ),
    )
    add_outputs(stack, domain)
