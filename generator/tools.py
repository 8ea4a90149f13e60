"""Tools: from what a pack of tools needs of AWS, the policy, the way out and the endpoint, each with its claims."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from troposphere import GetAtt, Sub, ec2

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.emitted import plain
from claimstack.generator.expressions import Scope, prop
from claimstack.generator.questions import EgressIsExplicit, statements_are
from claimstack.generator.resources.endpoints import (
    SECRET_ACTIONS,
    TABLE_ENDPOINT_ID,
    add_gateway_endpoint,
    add_interface_endpoint,
    endpoint_id,
    interface_services,
    keeps_secrets,
)
from claimstack.generator.resources.identity import resource_identifier
from claimstack.generator.resources.network import FUNCTION_GROUP_ID, HTTPS, PREFIX_LIST
from claimstack.generator.resources.policies import PLAIN_TRANSPORT_SID, allow
from claimstack.generator.resources.role import ROLE_ID, add_policy
from claimstack.generator.system import Stack, System, declared_at
from claimstack.runtime.tools import AwsAccess, Pack

Arns: TypeAlias = Sequence[Any] | Callable[[Stack], Sequence[Any]]
"""ARNs, or what makes them for a stack: a function that asks that stack for the template parameters that they contain."""

TOOL_ACCESS = Component("tool-access", "Tool access", "Ways of the tools to the AWS services that they call.", type="network")

ACTION: Final = r"[a-z0-9-]+:[A-Za-z0-9]+"
BUCKET: Final = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
KEY_PREFIX: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$"
"""Without wildcards, since a policy names it, and without a slash at either end."""

EVIDENCE: Final = "evidence"
"""Name and scope of the evidence pack."""
EVIDENCE_ENVIRONMENT: Final[Mapping[str, Any]] = {"CLAIMSTACK_EVIDENCE": Sub("s3://${EvidenceBucket}/${EvidencePrefix}")}
"""The ENVIRONMENT of an overlay whose `extend` is `grant_evidence`."""

THIS_ACCOUNT: Final = {"Ref": "AWS::AccountId"}
WITHOUT_ACCOUNT: Final = ("s3",)
"""Services whose ARNs name no account: a bucket name is given away again once the bucket is deleted."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A service that is reached through a gateway endpoint, hence by its public addresses."""

    service: Literal["dynamodb", "s3"]
    title: str
    endpoint_id: str
    prefix_list: str
    """Name of the template parameter."""
    example: str


GATEWAYS: Final[Mapping[str, Gateway]] = {
    gateway.service: gateway
    for gateway in (
        # A VPC has one gateway endpoint of a service on a route table: that of the session table takes the tools' statements too.
        Gateway("dynamodb", "DynamoDB", TABLE_ENDPOINT_ID, "DynamoDbPrefixListId", "pl-02cd2c6b"),
        Gateway("s3", "S3", "S3Endpoint", "S3PrefixListId", "pl-63a5400a"),
    )
}


@dataclass(frozen=True, slots=True)
class Use:
    """All that a pack does with the same resources of one service: one statement."""

    sid: str
    service: str
    actions: tuple[str, ...]
    names: tuple[str, ...]


def load_pack(path: Path) -> Pack:
    """The pack that a Python file holds, such as one beside the overlay; raise InputError where it holds none or several."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: no such Python file; name the file that holds the pack")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    packs = {id(value): value for value in vars(module).values() if isinstance(value, Pack)}
    if len(packs) != 1:
        raise InputError(f"{path}: holds {len(packs)} packs where one is wanted; keep each pack in a file of its own")
    return next(iter(packs.values()))


def bucket(parameter: str, what: str, *, example: str, below: str = "") -> Callable[[Stack], Sequence[Any]]:
    """The ARNs of a bucket of the account and its objects; its name is a template parameter, since it differs between environments.

    `below` narrows them to the objects under the prefix that another template parameter names; the bucket cannot be listed then.
    """

    def arns(stack: Stack) -> Sequence[Any]:
        stack.parameter(
            parameter,
            f"Name of {what}, in the account and region of this stack.",
            example=example,
            AllowedPattern=BUCKET,
            ConstraintDescription=f"The name of an S3 bucket, such as {example}.",
        )
        base = f"arn:${{AWS::Partition}}:s3:::${{{parameter}}}"
        if not below:
            return [Sub(base), Sub(f"{base}/*")]
        stack.parameter(
            below,
            f"Prefix in {parameter} below which the objects lie, without a slash at either end.",
            example=stack.config.name,
            Default=stack.config.name,
            AllowedPattern=KEY_PREFIX,
            ConstraintDescription=f"Letters, digits and . _ - between single slashes, such as {stack.config.name}.",
        )
        return [Sub(f"{base}/${{{below}}}/*")]

    return arns


def grant_tools(system: System, pack: Pack, resources: Mapping[str, Arns] | None = None) -> None:
    """Give the function what the tools of a pack need: a policy, and where the system builds the network a way out and an endpoint.

    `resources` maps each name that a tool asks for to its ARNs. Raises InputError for a scope that is not in [auth], a name that is
    not mapped or that no tool asks for, an action with a wildcard, and a resource that is `*`.
    """
    scopes = dict.fromkeys(scope for scope in (pack.scope, *(tool.scope for tool in pack.tools)) if scope)
    needs = tuple(need for tool in pack.tools for need in tool.needs)
    _grant(system, pack.name, tuple(scopes), needs, resources or {})


def grant_evidence(system: System) -> None:
    """Let the evidence pack read the package in a bucket; EvidenceBucket and EvidencePrefix become template parameters.

    It is switched on by EVIDENCE_ENVIRONMENT. A bucket with a key of its own needs kms:Decrypt on that key as well.
    """
    from claimstack.runtime.tools.evidence.pack import READS_PACKAGE  # models and threads, for those alone who show evidence

    package = bucket(
        "EvidenceBucket", "the bucket with the package that the evidence tools read", example="example-evidence", below="EvidencePrefix"
    )
    _grant(system, EVIDENCE, (EVIDENCE,), (READS_PACKAGE,), dict.fromkeys(READS_PACKAGE.resources, package))


def _grant(system: System, pack: str, scopes: tuple[str, ...], needs: tuple[AwsAccess, ...], resources: Mapping[str, Arns]) -> None:
    where = f"{declared_at(__file__)}: pack {pack}"
    server = system.stacks["server"]
    raise_all(
        f"{where}: {cause}"
        for cause in (
            *_scope_causes(system.config, scopes),
            *_need_causes(system.config, needs),
            *_resource_causes(needs, resources),
            *([f"the logical id {_policy_id(pack)} is taken; grant each pack once"] if _policy_id(pack) in server.declared else ()),
        )
    )
    uses = _uses(pack, needs)
    if not uses:
        return
    for stack, use, arns in ((server, use, _arns(server, use, resources)) for use in uses):
        raise_all(
            f"{where}: {', '.join(use.names)}: '*' in {stack.name} is every resource there is; name those that the tools use"
            for arn in arns
            if plain(arn) == "*"
        )
    _policy(server, pack, uses, resources)
    for service in dict.fromkeys(use.service for use in uses):
        _way(system, pack, [use for use in uses if use.service == service], resources)


def _scope_causes(config: Config, scopes: tuple[str, ...]) -> Iterator[str]:
    if config.auth.type == "none":
        if scopes:
            yield f"auth.type is none, so that nobody is asked for the scope {scopes[0]!r} and everybody can call the tools; set up [auth]"
        return
    # Tokens of Cognito carry the identifier of the resource before the scope; a pack may name the whole or its last part.
    identifier = f"{resource_identifier(config, config.public_url)}/" if config.auth.type == "cognito" else ""
    whole = [f"{identifier}{scope}" for scope in config.auth.scopes]
    for scope in scopes:
        if not any(carried == scope or carried.endswith(f"/{scope}") for carried in whole):
            listed = ", ".join(config.auth.scopes)
            yield f"scope {scope!r} is not in auth.scopes of system.toml ({listed}); add it there, or correct the pack"


def _need_causes(config: Config, needs: Iterable[AwsAccess]) -> Iterator[str]:
    for need in needs:
        if not need.actions or not need.resources:
            yield f"{need.service}: names no {'action' if not need.actions else 'resource'}; say what the tool does, and on what"
        for action in need.actions:
            if not re.fullmatch(ACTION, action):
                wildcard = "has a wildcard" if "*" in action or "?" in action else "is no IAM action"
                yield f"{need.service}: action {action!r} {wildcard}; write each action in full, such as s3:GetObject"
            elif config.network.endpoints and keeps_secrets(need.service) and action not in SECRET_ACTIONS:
                yield f"{need.service}: {action} does not pass the endpoint, which lets {' and '.join(SECRET_ACTIONS)} through only"


def _resource_causes(needs: Iterable[AwsAccess], resources: Mapping[str, Arns]) -> Iterator[str]:
    asked = dict.fromkeys(name for need in needs for name in need.resources)
    for name in asked:
        if name not in resources:
            yield f"its tools ask for {name!r}, which is not mapped; give its ARNs in resources={{{name!r}: […]}}"
        elif not callable(resources[name]) and (isinstance(resources[name], str) or not resources[name]):
            yield f"resources[{name!r}] is no list of ARNs"
    for name in resources:
        if name not in asked:
            yield f"resources[{name!r}]: no tool asks for it ({', '.join(asked) or 'they ask for nothing'}); remove it, or correct the name"


def _uses(pack: str, needs: Iterable[AwsAccess]) -> tuple[Use, ...]:
    merged: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for need in needs:
        merged.setdefault((need.service, need.resources), {}).update(dict.fromkeys(need.actions))
    services = [service for service, _ in merged]
    return tuple(
        Use(
            sid=_pascal(service) + "For" + _pascal(pack) + (_pascal(*names) if services.count(service) > 1 else ""),
            service=service,
            actions=tuple(actions),
            names=names,
        )
        for (service, names), actions in merged.items()
    )


def _pascal(*names: str) -> str:
    return "".join(word[:1].upper() + word[1:] for name in names for word in re.split(r"[^A-Za-z0-9]+", name))


def _policy_id(pack: str) -> str:
    return f"{_pascal(pack)}ToolsPolicy"


def _arns(stack: Stack, use: Use, resources: Mapping[str, Arns]) -> list[Any]:
    found: list[Any] = []
    for name in use.names:
        given = resources[name]
        found += given(stack) if callable(given) else given
    return found


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _policy(server: Stack, pack: str, uses: Iterable[Use], resources: Mapping[str, Arns]) -> None:
    def condition(use: Use) -> dict[str, Any] | None:
        return {"StringEquals": {"aws:ResourceAccount": THIS_ACCOUNT}} if use.service in WITHOUT_ACCOUNT else None

    statements = tuple(allow(use.sid, *use.actions, on=_arns(server, use, resources), condition=condition(use)) for use in uses)
    done = "; ".join(f"{_listed(use.actions)} on {_listed(use.names)}" for use in uses)
    add_policy(
        server,
        ROLE_ID,
        _policy_id(pack),
        f"Lets the function do what its {pack} tools need.",
        statements,
        Claim(
            "ac-6_smt",
            f"The policy lets the function call, for its {pack} tools, {done}, and nothing beside it.",
            statements_are("PolicyDocument", statements),
        ),
    )


def _way(system: System, pack: str, uses: list[Use], resources: Mapping[str, Arns]) -> None:
    """The way to one service. What the landing zone keeps for itself is said in a warning instead of built."""
    service, network = uses[0].service, system.config.network
    gateway = GATEWAYS.get(service)
    if not network.endpoints:
        _warn(system, f"network.endpoints = false: the {pack} tools call {service}; the landing zone has to give the function a way there.")
        return
    if gateway is None:
        _interface(system, pack, uses, resources)
        return
    if network.security_groups == "given":
        _warn(system, f"network.security_groups = given: let your groups out to the addresses of {gateway.title}, for the {pack} tools.")
    elif not (service == "dynamodb" and system.config.runtime.sessions):
        # With a session table the function's own group leads to DynamoDB already.
        _egress(system.stacks["server"], gateway)
    endpoints = system.stacks["endpoints"]
    statements = [*_withdrawn(endpoints, gateway.endpoint_id), *_passing(endpoints, uses, resources)]
    add_gateway_endpoint(endpoints, gateway.endpoint_id, gateway.service, _passes(statements), *statements)


def _interface(system: System, pack: str, uses: list[Use], resources: Mapping[str, Arns]) -> None:
    """An endpoint beside those that the configuration asks for, which stand for every tool and are left as they are."""
    service, endpoints = uses[0].service, system.stacks["endpoints"]
    if not {service, f"{service}-fips"}.isdisjoint(interface_services(system.config)):
        return
    if system.config.runtime.fips_endpoints and not service.endswith("-fips"):
        _warn(
            system,
            f"runtime.fips_endpoints = true: the AWS SDK calls {service} by its FIPS name, which the endpoint of {service} does not have; "
            f"where the region has {service}-fips, let the {pack} tools ask for that.",
        )
    statements = [*_withdrawn(endpoints, endpoint_id(service)), *_passing(endpoints, uses, resources)]
    add_interface_endpoint(endpoints, service, _passes(statements), *statements)


def _warn(system: System, warning: str) -> None:
    if warning not in system.warnings:
        system.warnings.append(warning)


def _egress(server: Stack, gateway: Gateway) -> None:
    logical_id = f"{_pascal(gateway.title)}Egress"
    if logical_id in server.declared:
        return
    prefixes = server.parameter(
        gateway.prefix_list,
        f"AWS-managed prefix list of {gateway.title} in the region (aws ec2 describe-managed-prefix-lists).",
        example=gateway.example,
        AllowedPattern=PREFIX_LIST,
        ConstraintDescription=f"The id of a prefix list, such as {gateway.example}.",
    )
    group = GetAtt(FUNCTION_GROUP_ID, "GroupId")
    leads_there = (
        prop("GroupId").equals(group),
        prop("DestinationPrefixListId").equals(prefixes),
        prop("CidrIp").absent(),
        prop("CidrIpv6").absent(),
        prop("DestinationSecurityGroupId").absent(),
        EgressIsExplicit(),
    )
    server.add(
        TOOL_ACCESS,
        ec2.SecurityGroupEgress(
            logical_id,
            Description=f"{gateway.title} through the gateway endpoint",
            GroupId=group,
            DestinationPrefixListId=prefixes,
            **HTTPS,
        ),
        Claim(
            "ac-4_smt", f"The rule lets data flow from the function to the addresses of {gateway.title} by TCP port 443 only.", *leads_there
        ),
        Claim(
            "sc-7.5_smt",
            f"The rule is an exception of its own, by which the function connects to the addresses of {gateway.title} and to no others.",
            *leads_there,
            meets=("sc-7.5_obj-1", "sc-7.5_obj-2"),
        ),
    )


def _passing(endpoints: Stack, uses: Iterable[Use], resources: Mapping[str, Arns]) -> list[dict[str, Any]]:
    """What an endpoint lets through: the same actions on the same resources, asked for by this account."""

    def condition(use: Use) -> dict[str, Any]:
        keys = ("aws:PrincipalAccount", "aws:ResourceAccount") if use.service in WITHOUT_ACCOUNT else ("aws:PrincipalAccount",)
        return {"StringEquals": dict.fromkeys(keys, THIS_ACCOUNT)}

    return [allow(use.sid, *use.actions, on=_arns(endpoints, use, resources), principal="*", condition=condition(use)) for use in uses]


def _passes(statements: Iterable[Mapping[str, Any]]) -> str:
    actions = dict.fromkeys(action for statement in statements for action in statement["Action"])
    return f"The endpoint lets callers of this account call {_listed(actions)} on the resources that its policy names, and nothing else."


def _withdrawn(stack: Stack, logical_id: str) -> list[dict[str, Any]]:
    """Take an endpoint out, to be declared anew with further statements: what its policy has let through, or nothing where it is new."""
    declared = stack.declared.pop(logical_id, None)
    if declared is None:
        return []
    resource = stack.template.resources.pop(logical_id)
    scope = Scope(stack.name, logical_id)
    kept = {check.check_id(Scope(other.stack, other.logical_id)) for other, claim in stack.system.claims() for check in claim.checks}
    for id_ in {check.check_id(scope) for claim in declared.claims for check in claim.checks} - kept:
        del stack.system.checks[id_]
    return [statement for statement in resource.PolicyDocument["Statement"] if statement["Sid"] != PLAIN_TRANSPORT_SID]
