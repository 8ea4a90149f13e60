"""Function: the MCP server itself, one image by digest with bounded time, concurrency and network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from troposphere import Ref, Sub, awslambda

from claimstack.controls.errors import raise_all
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.expressions import Check, every, none_exists, prop
from claimstack.generator.questions import EnvironmentHolds, NoLiteralPlace, NothingConditional, OnlyDeclared, OutputsHoldNoSecret
from claimstack.generator.resources.endpoints import runs_past_fips
from claimstack.generator.resources.network import Network
from claimstack.generator.resources.policies import endpoint_name
from claimstack.generator.resources.role import Role, deny_interfaces
from claimstack.generator.resources.runtime import runtime_claims
from claimstack.generator.rules import LONGEST_TIMEOUT
from claimstack.generator.system import Stack

FUNCTION = Component("mcp-server", "MCP server", "The function that answers MCP requests.", type="software")

FUNCTION_ID: Final = "Function"
CONCURRENCY: Final = "ReservedConcurrency"
"""Name of the template parameter."""
EVERY_FUNCTION: Final = every(awslambda.Function)

ENVIRONMENT: Final[Mapping[str, str]] = {
    "CLAIMSTACK_PUBLIC_URL": "Canonical URL of the MCP endpoint, as clients and tokens name it.",
    "CLAIMSTACK_ISSUER": "Issuer of the access tokens.",
    "CLAIMSTACK_CLIENT_IDS": "Client ids or audiences whose tokens are accepted, separated by spaces.",
    "CLAIMSTACK_SCOPES": "Scopes of which a token needs one, as tokens carry them, separated by spaces.",
    "CLAIMSTACK_TABLE": "Name of the session table; absent without sessions.",
    "CLAIMSTACK_STATE_SECRET_ARN": "ARN of the secret with the key that seals request states.",
    "CLAIMSTACK_ALLOWED_ORIGINS": "Browser origins that may call the server, separated by spaces.",
    "CLAIMSTACK_RESPONSE_MODE": "`json`, or `stream` where the front door streams responses.",
    "CLAIMSTACK_EVIDENCE": "Location of the package that the evidence tools read, `s3://bucket/prefix` or a folder; absent without them.",
    "CLAIMSTACK_AUDIT_CONTENT": "`true`: arguments and results go into audit records, with secrets masked; absent: they stay out.",
}
"""The contract with the runtime: variable → meaning. A value is text or a symbol, never a secret."""
OPTIONAL: Final = ("CLAIMSTACK_EVIDENCE", "CLAIMSTACK_AUDIT_CONTENT")
"""Variables of the contract that no stack sets by itself: an extension may."""
CONTRACT_PREFIX: Final = "CLAIMSTACK_"

STREAMING_TIMEOUT: Final = 900
"""Seconds: the limit of API Gateway for a streamed response and of Lambda for a function."""


class LoggingConfig(awslambda.LoggingConfig):  # type: ignore[misc]  # troposphere is untyped
    """With the one property of the CloudFormation type that troposphere 4.11 does not know."""

    props: ClassVar[dict[str, Any]] = {**awslambda.LoggingConfig.props, "LogFormat": (str, False)}


def image_pattern(config: Config) -> str:
    """What ImageUri accepts: an image in ECR, in a region of the system's partition, by digest."""
    host = rf"[0-9]{{12}}\.dkr\.ecr(-fips)?\.{config.partition.region_pattern}\.amazonaws\.com"
    return rf"^{host}/[a-z0-9][a-z0-9._/-]*@sha256:[0-9a-f]{{64}}$"


def add_function(
    stack: Stack, role: Role, network: Network, key_arn: Any, log_group: Any, environment: Mapping[str, Any]
) -> awslambda.Function:
    """The function, and the policy that keeps its code from the interface permissions of its role.

    `environment` holds the variables of ENVIRONMENT and any that tools need. Raises InputError for a name with the prefix of the
    contract that the contract does not have, and for one that is set here.
    """
    sdk = _sdk_environment(stack.config)
    raise_all(
        f"environment variable {name}: "
        + (
            "is set by the function module; leave it out"
            if name in sdk
            else f"is not in the contract with the runtime ({', '.join(ENVIRONMENT)})"
        )
        for name in environment
        if name in sdk or (name.startswith(CONTRACT_PREFIX) and name not in ENVIRONMENT)
    )
    variables = {**environment, **sdk}
    image = stack.parameter(
        "ImageUri",
        "Image of the MCP server in a private ECR repository of the same region, named by digest and never by tag.",
        example=f"111122223333.dkr.ecr.{stack.config.region}.amazonaws.com/mcp@sha256:" + "0123456789abcdef" * 4,
        AllowedPattern=image_pattern(stack.config),
        ConstraintDescription="An image in ECR by digest: <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>.",
    )
    concurrency = stack.parameter(
        CONCURRENCY,
        "Requests that the function answers at the same time; the account has to keep 100 unreserved.",
        example=str(stack.config.runtime.concurrency),
        Type="Number",
        Default=stack.config.runtime.concurrency,
        MinValue=1,
        MaxValue=1000,
    )
    logging = {"LogGroup": Ref(log_group)}
    if stack.config.partition.lambda_json_log_format:
        logging["LogFormat"] = "JSON"
    function: awslambda.Function = stack.add(
        FUNCTION,
        awslambda.Function(
            FUNCTION_ID,
            Description=f"MCP server {stack.config.name}",
            PackageType="Image",
            Code=awslambda.Code(ImageUri=image),
            Role=role.arn,
            Timeout=stack.config.runtime.timeout_seconds,
            MemorySize=stack.config.runtime.memory_mb,
            ReservedConcurrentExecutions=concurrency,
            KmsKeyArn=key_arn,
            VpcConfig=awslambda.VPCConfig(SubnetIds=network.subnet_ids, SecurityGroupIds=network.security_group_ids),
            TracingConfig=awslambda.TracingConfig(Mode="Active"),
            LoggingConfig=LoggingConfig(**logging),
            Environment=awslambda.Environment(Variables=variables),
            DependsOn=list(role.policies),
        ),
        *_identity_claims(role, key_arn, variables),
        *_content_claims(stack.config, variables),
        *_boundary_claims(network, none_exists(awslambda.Url, awslambda.EventSourceMapping)),
        *_limit_claims(stack.config),
        Claim(
            "au-12_smt.a",
            "The function writes its records to its own log group, which the stack encrypts and retains; no level is set below which "
            "Lambda would drop them.",
            prop("LoggingConfig.LogGroup").equals(Ref(log_group)),
            prop("LoggingConfig.ApplicationLogLevel").absent(),
            prop("LoggingConfig.SystemLogLevel").absent(),
        ),
        Claim(
            "cm-6_smt.b",
            "The template declares the function's settings: an image, active tracing, its log group and the runtime's variables.",
            EVERY_FUNCTION.prop("PackageType").equals("Image"),
            EVERY_FUNCTION.prop("TracingConfig.Mode").equals("Active"),
            prop("LoggingConfig.LogGroup").equals(Ref(log_group)),
            *(_holds(name, value) for name, value in environment.items()),
        ),
        Claim(
            "cm-6_smt.b",
            "The stacks hold the declared resources and template parameters and nothing beside them; no condition and no hard-coded "
            "place changes what they are.",
            OnlyDeclared(inventory=stack.system.inventory),
            NothingConditional(),
            NoLiteralPlace(given=_given_places(stack.config)),
        ),
        *runtime_claims(stack.config, variables),
        accepts={
            "CKV_AWS_116": "API Gateway calls the function synchronously and returns each failure; a dead letter queue would stay empty.",
        },
    )
    deny_interfaces(stack, role, function)
    return function


def _sdk_environment(config: Config) -> dict[str, Any]:
    """What the AWS SDK in the function reads.

    A service whose interface endpoint knows no FIPS host name is called by its standard name, for otherwise the name resolves to a
    public address that a function without NAT cannot reach.
    """
    if not config.runtime.fips_endpoints:
        return {}
    past = {f"AWS_ENDPOINT_URL_{variable}": Sub(f"https://{endpoint_name(service)}") for service, variable in runs_past_fips(config)}
    return {"AWS_USE_FIPS_ENDPOINT": "true", **past}


def _holds(name: str, value: Any) -> Check:
    variable = prop(f"Environment.Variables.{name}")
    # "is " without a word behind it would be no sentence.
    return variable.matches("^$") if value == "" else variable.equals(value)


def _identity_claims(role: Role, key_arn: Any, variables: Mapping[str, Any]) -> tuple[Claim, ...]:
    return (
        Claim("ac-6_smt", "The function acts with its own role and no other.", prop("Role").equals(role.arn)),
        Claim(
            "ia-5.7_smt",
            "The environment of the function and the outputs of the stacks hold no password, key or token.",
            EnvironmentHolds(names=tuple(sorted(variables))),
            OutputsHoldNoSecret(),
        ),
        Claim(
            "sc-28_smt",
            "The function's environment holds the name of the secret with the sealing key instead of that key, and is encrypted at "
            "rest with the key given as KeyArn.",
            EnvironmentHolds(names=tuple(sorted(variables))),
            prop("Environment.Variables.CLAIMSTACK_STATE_SECRET_ARN").equals(variables["CLAIMSTACK_STATE_SECRET_ARN"]),
            prop("KmsKeyArn").equals(key_arn),
        ),
        Claim(
            "sc-28.1_smt",
            "The function's environment at rest is encrypted with the key given as KeyArn.",
            EVERY_FUNCTION.prop("KmsKeyArn").equals(key_arn),
            meets=("sc-28.1_obj-1",),
        ),
    )


def _given_places(config: Config) -> tuple[str, ...]:
    """What system.toml itself names, which may be somebody else's place: an existing user pool, a host with a region in its name."""
    door, auth = config.front_door, config.auth
    named = (config.name, config.organisation.role_path, door.domain, auth.user_pool_arn, auth.issuer)
    listed = (*auth.audience, *auth.scopes, *auth.consumers, *auth.callback_urls, *door.allowed_origins, *config.network.endpoint_services)
    return tuple(text for text in (*named, *listed) if text)


def _content_claims(config: Config, variables: Mapping[str, Any]) -> tuple[Claim, ...]:
    claims = [
        Claim(
            "cm-6_smt.b",
            "The template admits an image by its SHA-256 digest only, so that it never deploys other content under the same name, and "
            "starts it as the image itself says.",
            EVERY_FUNCTION.prop("PackageType").equals("Image"),
            EVERY_FUNCTION.prop("Code.ImageUri").matches(image_pattern(config)),
            EVERY_FUNCTION.prop("ImageConfig").absent(),
        ),
    ]
    if config.runtime.fips_endpoints:
        past = [(service, variable) for service, variable in runs_past_fips(config)]
        but = f", except {', '.join(service for service, _ in past)}, whose VPC endpoint has no FIPS name" if past else ""
        claims.append(
            Claim(
                "sc-13_smt.b",
                f"The AWS SDK in the function calls the FIPS endpoints of AWS services{but}.",
                prop("Environment.Variables.AWS_USE_FIPS_ENDPOINT").equals("true"),
                EnvironmentHolds(names=tuple(sorted(variables))),
                *(
                    prop(f"Environment.Variables.AWS_ENDPOINT_URL_{variable}").equals(variables[f"AWS_ENDPOINT_URL_{variable}"])
                    for _, variable in past
                ),
            )
        )
    return tuple(claims)


def _boundary_claims(network: Network, entrances: Check) -> tuple[Claim, ...]:
    return (
        Claim(
            "ac-4_smt", "The function sends through the security groups and subnets of the VPC that the stack is given.", *network.placed()
        ),
        Claim(
            "cm-7_smt.a",
            "The function has no URL of its own, reads from no queue or stream and mounts no file system.",
            entrances,
            EVERY_FUNCTION.prop("FileSystemConfigs").absent(),
        ),
    )


def _limit_claims(config: Config) -> tuple[Claim, ...]:
    longest = STREAMING_TIMEOUT if config.front_door.streaming else LONGEST_TIMEOUT[config.front_door.type]
    return (
        Claim(
            "sc-5_smt.a",
            "Requests beyond the reserved concurrency are refused, so that a flood cannot take up the capacity of the account.",
            EVERY_FUNCTION.prop("ReservedConcurrentExecutions").at_least(1),
            EVERY_FUNCTION.prop("ReservedConcurrentExecutions").at_most(1000),
        ),
        Claim(
            "sc-5_smt.b",
            "The function has a share of concurrency of its own and gives up a request before the front door does.",
            EVERY_FUNCTION.prop("ReservedConcurrentExecutions").at_least(1),
            EVERY_FUNCTION.prop("ReservedConcurrentExecutions").at_most(1000),
            EVERY_FUNCTION.prop("Timeout").at_least(1),
            EVERY_FUNCTION.prop("Timeout").at_most(longest),
        ),
    )
