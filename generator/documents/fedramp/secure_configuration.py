"""Secure configuration: the guide that FedRAMP asks for, as data and as Markdown, from the emitted templates and the facts found in them.

Source: FedRAMP Consolidated Rules, SCG-CSO-RSC (what it includes), SCG-CSO-AUP (how to obtain it), SCG-ENH-MRG (machine-readable).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from claimstack.controls.catalog import label
from claimstack.generator.documents.fedramp.common import head, not_stated, package_uri
from claimstack.generator.documents.fedramp.secure_configuration_tables import (
    ACCOUNT_OWNER,
    DEPLOYING_ROLE,
    IMPLICATIONS,
    KEY_ADMINISTRATOR_GIVEN,
    KEY_ADMINISTRATOR_OWN,
    POOL_ADMINISTRATOR,
    PUBLISHER,
    SECRET_ADMINISTRATOR,
    Account,
)
from claimstack.generator.documents.markdown import fill_skeleton
from claimstack.generator.documents.rendered import content_of
from claimstack.generator.emitted import Place, asset_id, words
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import CONFIGURATION, CONFIGURATION_PAGE, asset_of
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.reading import as_list, text_of

_OF_ONE_VALUE = ("property", "population")
"""Kinds of checks that ask for the value of a setting."""


def render_secure_configuration(evaluated: Evaluated) -> dict[str, Any]:
    settings = list(_settings(evaluated))
    return {
        **head(evaluated, "secure configuration guide", ["SCG-CSO-RSC", "SCG-CSO-AUP", "SCG-ENH-MRG"]),
        "obtain": _obtain(evaluated),
        "use": "Compare `declared` with the live resource (`aws cloudcontrol get-resource`, or drift detection); the pointer leads to the "
        "value in the template. A setting that does not hold is marked by its outcome.",
        "release_history": "Each build writes this guide anew under the day in as_of; the version control of the package is its history.",
        "administrative_accounts": [dataclasses.asdict(account) for account in _accounts(evaluated)],
        "administrator_settings": list(_administrator_settings(evaluated)),
        "parameter_settings": list(_parameter_settings(evaluated)),
        "customer_settings": list(_customer_settings(evaluated)),
        "counts": {
            "settings": len(settings),
            **{outcome.value: sum(setting["outcome"] == outcome.value for setting in settings) for outcome in Outcome},
        },
        "settings": settings,
    }


def render_secure_configuration_guide(evaluated: Evaluated) -> str:
    """The same for people."""
    guide = content_of(evaluated, render_secure_configuration)
    return fill_skeleton(
        "secure-configuration-guide.md.j2",
        config=evaluated.system.config,
        guide=guide,
        groups=_grouped(guide["settings"]),
        unmet=[setting for setting in guide["settings"] if setting["outcome"] != Outcome.PASSED.value],
        cell=_cell,
    )


def _obtain(evaluated: Evaluated) -> str:
    config = evaluated.system.config
    stated = config.service.package_url is not None
    where = (
        f"{package_uri(config, CONFIGURATION_PAGE)} and {package_uri(config, CONFIGURATION)}"
        if stated
        else not_stated("[service] package_url")
    )
    return f"Part of the certification package, as Markdown and JSON. Published: {where}. Whoever holds the package may use it as it is."


def _accounts(evaluated: Evaluated) -> Iterator[Account]:
    def has(type_: str) -> bool:
        return any(True for _ in evaluated.emitted.resources(type_))

    yield ACCOUNT_OWNER
    yield DEPLOYING_ROLE
    yield KEY_ADMINISTRATOR_OWN if has("AWS::KMS::Key") else KEY_ADMINISTRATOR_GIVEN
    if has("AWS::Cognito::UserPool"):
        yield POOL_ADMINISTRATOR
    yield PUBLISHER
    if has("AWS::SecretsManager::Secret"):
        yield SECRET_ADMINISTRATOR


def _administrator_settings(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    for resource in evaluated.emitted.resources():
        for name, value in resource.properties.items():
            if (resource.type, name) in IMPLICATIONS:
                yield {
                    "asset_id": asset_id(resource),
                    "setting": f"{resource.type}.{name}",
                    "declared": value,
                    "implication": IMPLICATIONS[resource.type, name],
                    "operated_by": DEPLOYING_ROLE.id,
                    "pointer": resource.property_place(name).pointer,
                }


def _parameter_settings(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """What the deploying role gives the stacks; the templates bound it, and its values are not in them."""
    for stack, template in evaluated.emitted.stacks.items():
        for name, parameter in template.get("Parameters", {}).items():
            yield {
                "stack": stack,
                "parameter": name,
                "what_it_is": parameter.get("Description", "Not described in the template."),
                "default": parameter.get("Default"),
                "bounds": _bounds(parameter),
                "operated_by": DEPLOYING_ROLE.id,
                "pointer": Place(stack, ("Parameters", name)).pointer,
            }


def _bounds(parameter: dict[str, Any]) -> str | None:
    """What the template refuses, in its own words where it has some."""
    if "MinValue" in parameter or "MaxValue" in parameter:
        return f"{parameter.get('MinValue', 'any')} to {parameter.get('MaxValue', 'any')}"
    if "AllowedValues" in parameter:
        return f"one of {', '.join(map(str, parameter['AllowedValues']))}"
    return parameter.get("ConstraintDescription")


def _customer_settings(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """What an agency chooses or asks the provider to choose."""
    auth = evaluated.system.config.auth
    if auth.type == "none":
        yield _customer("Authentication", "none", "The server answers everyone who reaches it; nobody is known by name.", "auth.type", [])
        return
    yield _customer(
        "Scopes",
        ", ".join(auth.scopes),
        "A token with any of them opens the server; a tool may ask for one more. Ask for the fewest.",
        "auth.scopes",
        [resource.property_place("AuthorizationScopes").pointer for resource in _with(evaluated, "AuthorizationScopes")],
    )
    for client in evaluated.emitted.resources("AWS::Cognito::UserPoolClient"):
        properties = client.properties
        flows = ", ".join(str(flow) for flow in as_list(properties.get("AllowedOAuthFlows", [])))
        secret = (
            "with a secret that the client keeps in a vault" if properties.get("GenerateSecret") is True else "without a secret, with PKCE"
        )
        yield _customer(
            f"Client {text_of(properties.get('ClientName')) or client.logical_id}",
            f"{flows}; {secret}",
            "One client for each program or group of people; never shared. Tell the provider when it is no longer used.",
            "auth.consumers" if properties.get("GenerateSecret") is True else "auth.callback_urls",
            [client.place.pointer],
        )
        unit = (properties.get("TokenValidityUnits") or {}).get("AccessToken", "hours")
        yield _customer(
            f"Life of a token of client {text_of(properties.get('ClientName')) or client.logical_id}",
            f"{words(properties.get('AccessTokenValidity', 'the default of Cognito'))} {unit}",
            "A stolen token works until then. Shorter is safer.",
            "auth.token_minutes",
            [client.property_place("AccessTokenValidity").pointer] if "AccessTokenValidity" in properties else [],
        )
    if auth.type == "external":
        yield _customer(
            "Audience",
            ", ".join(auth.audience) or "any client of the pool",
            "Tokens of your identity provider open the server; who gets them, and with which factors, is set there.",
            "auth.audience",
            [],
        )
    if auth.callback_urls:
        yield _customer(
            "Callback addresses",
            ", ".join(auth.callback_urls),
            "Authorization codes are sent to these addresses and no others; keep them to programs you control.",
            "auth.callback_urls",
            [],
        )


def _with(evaluated: Evaluated, name: str) -> Iterator[Any]:
    return (resource for resource in evaluated.emitted.resources() if name in resource.properties)


def _customer(setting: str, value: str, implication: str, key: str, pointers: list[str]) -> dict[str, Any]:
    return {
        "setting": setting,
        "declared": value,
        "recommendation": implication,
        "set_by": f"the provider, in system.toml: {key}",
        "pointers": pointers,
    }


def _settings(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """Every fact about one value of the templates, in the order of the checks."""
    controls: dict[str, dict[str, None]] = {}
    for answer in evaluated.answers.values():
        for result in answer.claims:
            for check in result.checks:
                controls.setdefault(check.id, {})[label(answer.point.control)] = None
    for fact in evaluated.facts:
        declared = evaluated.system.checks[fact.check]
        data = declared.check.data()
        if data["kind"] not in _OF_ONE_VALUE:
            continue
        asset = asset_of(fact.pointer)
        resource = evaluated.emitted.resource(*asset.split(".", 1)) if asset else None
        path = [str(step) for step in data["path"]]
        yield {
            "asset_id": asset,
            "type": resource.type if resource is not None else None,
            "setting": ".".join(path[1:] if path[:1] == ["Properties"] else path),
            "recommended": fact.expected,
            "declared": fact.actual,
            "outcome": fact.outcome.value,
            "environment": fact.environment,
            "pointer": fact.pointer,
            "check": fact.check,
            "supports": list(controls.get(fact.check, {})),
        }


def _grouped(settings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Settings by resource type; equal recommendations with the equal outcome are one row with its resources."""
    groups: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}
    for setting in settings:
        key = (setting["setting"], setting["recommended"], words(setting["declared"]), setting["outcome"])
        rows = groups.setdefault(setting["type"] or "Other", {})
        row = rows.setdefault(key, {**setting, "resources": []})
        asset = setting["asset_id"] or "the system"
        if asset not in row["resources"]:
            row["resources"].append(asset)
    return {type_: list(rows.values()) for type_, rows in sorted(groups.items())}


_LONGEST_CELL = 160


def _cell(value: Any) -> str:
    """A value as a cell of a Markdown table; the whole value stands in the JSON."""
    if isinstance(value, dict) and list(value) == ["Ref"]:
        return f"the value of {value['Ref']}"
    text = " ".join(words(value).split()) if value is not None else "not set"
    text = text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("`", "'")
