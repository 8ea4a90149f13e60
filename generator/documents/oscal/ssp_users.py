"""SSP users: the kinds of people and programs that use or make the system, and what the stacks let them do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from claimstack.generator.config import Config
from claimstack.generator.documents.cloudformation.deployer_policy import deployer_statements
from claimstack.generator.documents.oscal.common import prop, stable_uuid
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.emitted import Json, asset_id
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.questions.doors import routes
from claimstack.generator.questions.reading import as_list
from claimstack.generator.resources.role import ROLE_ID

CUSTOMER, KEY_ADMINISTRATOR, TOOL_AUTHOR, INFRASTRUCTURE = (PARTIES[who].role for who in ("customer", "provider-of-key", "tools", "aws"))
CALLER, PERSON, DEPLOYER, COMMON_CONTROLS = "program-client", "person-client", "deployer", "common-control-provider"
ROLE_TITLES = {
    CUSTOMER: "Customer: the agency that uses the service",
    CALLER: "Program that calls the MCP server",
    PERSON: "Person who signs in to call the MCP server",
    DEPLOYER: "Deployer of the stacks",
    KEY_ADMINISTRATOR: "Administrator of the encryption key",
    TOOL_AUTHOR: "Author of MCP tools",
    INFRASTRUCTURE: "Provider of the infrastructure",
    COMMON_CONTROLS: "Provider of common controls",
}
"""Roles that the plan needs beside those that people hold."""

Kind = Literal["internal", "external"]
Privilege = Literal["privileged", "non-privileged", "no-logical-access"]


def users(evaluated: Evaluated) -> list[dict[str, Any]]:
    """Users as the configuration makes them; nobody is named here, and no account is counted."""
    config = evaluated.system.config
    found = list(_callers(evaluated))
    deploying = [
        _privilege(f"Statement {statement['Sid']} of cloudformation/deployer-policy.json", as_list(statement["Action"]))
        for statement in deployer_statements(evaluated)
    ]
    found.append(
        _user(
            config,
            DEPLOYER,
            "The pipeline, or the person, that deploys, updates and deletes the stacks.",
            "internal",
            "privileged",
            deploying,
            "As cloudformation/deployer-policy.json lists it for the emitted templates. Which role of the account has it, and who may "
            "assume that role, is not seen here.",
        )
    )
    found.append(_key_administrators(evaluated))
    found.append(
        _user(
            config,
            TOOL_AUTHOR,
            "Whoever writes the tools that the MCP server offers. Their code runs with the role of the function.",
            "internal",
            "no-logical-access",
            list(_function_privileges(evaluated)),
            "They need no access to the system themselves: the privileges are those of the code that they write, which runs under the "
            "policies of the function's role.",
        )
    )
    return found


def _callers(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    config = evaluated.system.config
    auth = config.auth
    guarded = sorted(route.key for route in routes(evaluated.emitted) if route.key and route.is_guarded(evaluated.emitted))
    calling = [_privilege("Call the MCP server", guarded or ["None: no route asks for a token"])]
    scoped = f" Scopes: {', '.join(auth.scopes)}." if auth.scopes else ""
    if auth.type == "none":
        anything = sorted(route.key for route in routes(evaluated.emitted) if route.key)
        yield _user(
            config,
            CALLER,
            "Anybody who can reach the address.",
            "external",
            "non-privileged",
            [_privilege("Call the MCP server", anything or ["None: no route is declared"])],
            "WITHOUT AUTHENTICATION: callers are not told apart.",
        )
        return
    if auth.type == "external":
        known = f"Accepted audiences: {', '.join(auth.audience)}." if auth.audience else "No audience is asked for."
        yield _user(
            config,
            CALLER,
            "Programs and people with a token of the organisation's identity provider.",
            "external",
            "non-privileged",
            calling,
            f"{known}{scoped} Whom the identity provider gives a token is not seen here.",
        )
        return
    if auth.consumers:
        yield _user(
            config,
            CALLER,
            "Programs that exchange a client id and secret for an access token.",
            "external",
            "non-privileged",
            calling,
            f"One confidential client each: {', '.join(auth.consumers)}.{scoped}",
        )
    if auth.callback_urls:
        yield _user(
            config,
            PERSON,
            "People who sign in at the user pool and call the server through their MCP client.",
            "external",
            "non-privileged",
            calling,
            f"A public client with PKCE.{scoped} Only administrators can create their accounts.",
        )


def _key_administrators(evaluated: Evaluated) -> dict[str, Any]:
    config = evaluated.system.config
    statements = [
        (asset_id(key), statement)
        for key in evaluated.emitted.resources("AWS::KMS::Key")
        for statement in as_list((key.properties.get("KeyPolicy") or {}).get("Statement", []))
        if isinstance(statement, dict) and "kms:PutKeyPolicy" in as_list(statement.get("Action", []))
    ]
    supplied = [_privilege("Keep the supplied key", ["Not seen here: the policy of the supplied key says it"])]
    return _user(
        config,
        KEY_ADMINISTRATOR,
        "Whoever administers the encryption key." if statements else "Whoever administers the encryption key that is given as KeyArn.",
        "internal",
        "privileged",
        [_privilege(f"Statement {said.get('Sid', 'without a name')} of {key}", as_list(said["Action"])) for key, said in statements]
        or supplied,
        "The key policy leaves it to IAM of the account who this is."
        if statements
        else "cloudformation/key-policy.json lists what the policy of the key has to admit for the system.",
    )


def _function_privileges(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    for policy in evaluated.emitted.resources("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for statement in as_list((policy.properties.get("PolicyDocument") or {}).get("Statement", [])):
            if isinstance(statement, dict) and statement.get("Effect") == "Allow" and _of_function(policy.properties):
                name = asset_id(policy)
                yield _privilege(f"Statement {statement.get('Sid', 'without a name')} of {name}", as_list(statement.get("Action", [])))


def _of_function(properties: Json) -> bool:
    return {"Ref": ROLE_ID} in as_list(properties.get("Roles", []))


def _privilege(title: str, functions: Iterable[Json]) -> dict[str, Any]:
    return {"title": title, "functions-performed": [str(function) for function in functions]}


def _user(
    config: Config, role: str, description: str, kind: Kind, privilege: Privilege, privileges: list[dict[str, Any]], remarks: str
) -> dict[str, Any]:
    built: dict[str, Any] = {
        "uuid": stable_uuid("user", config.name, role),
        "title": ROLE_TITLES[role],
        "description": description,
        "props": [prop("type", kind, ns=None), prop("privilege-level", privilege, ns=None)],
        "role-ids": [role],
    }
    return built | ({"authorized-privileges": privileges} if privileges else {}) | {"remarks": remarks}
