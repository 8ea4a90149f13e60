"""Build: the whole system on one screen, from a configuration to its stacks and claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Join, Ref

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import load_families
from claimstack.generator.config import Config
from claimstack.generator.extensions import Extension, apply, environment_of
from claimstack.generator.resources import door as front_door
from claimstack.generator.resources.alarms import add_alarms
from claimstack.generator.resources.endpoints import add_endpoints
from claimstack.generator.resources.function import add_function
from claimstack.generator.resources.http_api import add_http_api
from claimstack.generator.resources.identity import Identity, add_identity
from claimstack.generator.resources.key import add_key, key_parameter
from claimstack.generator.resources.logs import add_access_log, add_audit_log, built_log_groups
from claimstack.generator.resources.network import add_network
from claimstack.generator.resources.open_access import state_open_access
from claimstack.generator.resources.registry import add_registry
from claimstack.generator.resources.rest_api import add_rest_api
from claimstack.generator.resources.role import add_role
from claimstack.generator.resources.secrets import add_state_secret
from claimstack.generator.resources.sessions import add_sessions
from claimstack.generator.resources.waf import add_waf
from claimstack.generator.system import Stack, System


@dataclass(frozen=True, slots=True)
class Feed:
    """An output of one stack that is a template parameter of a later one."""

    from_stack: str
    output: str
    to_stack: str
    parameter: str


FEEDS = (
    Feed("key", "KeyArn", "registry", "KeyArn"),
    Feed("key", "KeyArn", "server", "KeyArn"),
    Feed("endpoints", "EndpointSecurityGroupId", "server", "EndpointSecurityGroupId"),
)
"""How values cross stacks. Stacks are deployed in the order in which `build` makes them."""


def build(config: Config, extensions: Iterable[Extension] = ()) -> System:
    """Every stack of one configuration, with the claims of its resources; a team's extensions come last.

    Raises InputError where a resource, a claim or an extension is wrong.
    """
    extensions = tuple(extensions)
    system = System(config, load_catalog(), load_families())
    if config.key.stack:
        add_key(system.stack("key", f"{config.title}: encryption key"))
    if config.registry.stack:
        registry = system.stack("registry", f"{config.title}: image registry")
        add_registry(registry, key_parameter(registry))
    if config.network.endpoints:
        add_endpoints(system.stack("endpoints", f"{config.title}: VPC endpoints"))
    add_server(system.stack("server", f"{config.title}: MCP server"), environment_of(extensions))
    for extension in extensions:
        apply(extension, system)
    return system


def add_server(stack: Stack, tools: Mapping[str, Any]) -> None:
    """The MCP server: who may call it, what answers, what it keeps, and who is told when it fails.

    `tools`: variables that tools find in the function's environment.
    """
    config = stack.config
    key_arn = key_parameter(stack)
    public_url = front_door.public_url(config)

    identity = add_identity(stack, key_arn, public_url)
    audit_log, access_log = add_audit_log(stack, key_arn), add_access_log(stack, key_arn)
    secret = add_state_secret(stack, key_arn)
    table = add_sessions(stack, key_arn) if config.runtime.sessions else None
    role = add_role(stack, log_group=audit_log, key_arn=key_arn, secret=secret, table=table)
    environment = {
        "CLAIMSTACK_PUBLIC_URL": public_url,
        **_identity_environment(identity),
        **({"CLAIMSTACK_TABLE": Ref(table)} if table is not None else {}),
        "CLAIMSTACK_STATE_SECRET_ARN": Ref(secret),
        "CLAIMSTACK_ALLOWED_ORIGINS": " ".join(config.front_door.allowed_origins),
        "CLAIMSTACK_RESPONSE_MODE": "stream" if config.front_door.streaming else "json",
        **tools,
    }
    function = add_function(stack, role, add_network(stack), key_arn, audit_log, environment)

    if config.front_door.type == "rest-api":
        door = add_rest_api(
            stack,
            function_arn=GetAtt(function, "Arn"),
            identity=identity,
            access_log_arn=GetAtt(access_log, "Arn"),
            key_arn=key_arn,
            account_role=config.front_door.account_role,
        )
    else:
        door = add_http_api(stack, function_arn=GetAtt(function, "Arn"), identity=identity, access_log_arn=GetAtt(access_log, "Arn"))
    web_acl = add_waf(stack, stage_arn=door.stage_arn, key_arn=key_arn) if config.front_door.waf else None
    add_alarms(
        stack,
        key_arn=key_arn,
        function_name=Ref(function),
        door=door,
        table_name=Ref(table) if table is not None else None,
        web_acl_metric=web_acl.metric if web_acl is not None else None,
    )

    for group in built_log_groups(config):
        stack.output(f"{group.logical_id}Group", Ref(group.logical_id), f"Log group: {group.holds}.")
    stack.output("FunctionRoleArn", role.arn, "Role of the function.")
    stack.output("StateSecretArn", Ref(secret), "Secret with the key that seals request states.")
    if table is not None:
        stack.output("SessionTable", Ref(table), "Session table.")
    if identity.type == "none":
        state_open_access(stack.system)


def _identity_environment(identity: Identity) -> dict[str, object]:
    """What the function has to know to tell whose token it was called with; nothing without authentication."""
    if identity.type == "none":
        return {}
    return {
        "CLAIMSTACK_ISSUER": identity.issuer,
        "CLAIMSTACK_CLIENT_IDS": Join(" ", list(identity.audience)),
        "CLAIMSTACK_SCOPES": " ".join(identity.scopes),
    }
