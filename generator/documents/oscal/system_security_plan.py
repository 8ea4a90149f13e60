"""System security plan: the whole system in OSCAL, with an answer to every control of its class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from claimstack.generator.documents.fedramp.diagram import architecture_svg, data_flow_svg
from claimstack.generator.documents.inventory import deployment
from claimstack.generator.documents.oscal.claimed import tier_words
from claimstack.generator.documents.oscal.common import Document, Role, metadata, resource, stable_uuid, through_trestle
from claimstack.generator.documents.oscal.component_definition import bill_of_materials, package_props, render_component_definition
from claimstack.generator.documents.oscal.people import PROVIDER, people
from claimstack.generator.documents.oscal.profile import CATALOG_FILE, catalog_resource, profile_resource, profile_resource_uuid, source_of
from claimstack.generator.documents.oscal.ssp_characteristics import system_characteristics
from claimstack.generator.documents.oscal.ssp_controls import control_implementation
from claimstack.generator.documents.oscal.ssp_implementation import infrastructure_party, operator_parties, system_implementation
from claimstack.generator.documents.oscal.ssp_users import INFRASTRUCTURE, ROLE_TITLES
from claimstack.generator.documents.rendered import sha256_of
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import ARCHITECTURE, DATA_FLOW
from claimstack.generator.stated import ROLES
from claimstack.generator.system import System

DIAGRAMS: Final[Mapping[str, tuple[str, Callable[[Evaluated], str]]]] = {
    ARCHITECTURE: ("Architecture", architecture_svg),
    DATA_FLOW: ("Data flow", data_flow_svg),
}
"""Picture in the package → its title, and what draws it."""


def render_system_security_plan(evaluated: Evaluated) -> Document:
    """Render the security plan: what system.toml states, what the stacks declare, and the answer to every point of the class."""
    from trestle.oscal.ssp import SystemSecurityPlan

    system = evaluated.system
    said = people(system)
    responsible: dict[str, list[str]] = said["responsible"]
    parties = {**responsible}
    if (party := infrastructure_party(system)) is not None:
        parties[INFRASTRUCTURE] = [party.uuid]
    body = {
        "import-profile": {"href": f"#{profile_resource_uuid(system)}"},
        "system-characteristics": system_characteristics(
            evaluated, architecture=_diagram_uuid(system, ARCHITECTURE), data_flow=_diagram_uuid(system, DATA_FLOW)
        ),
        "system-implementation": system_implementation(evaluated, parties),
        "control-implementation": control_implementation(evaluated, parties),
    }
    content = {
        "uuid": plan_uuid(evaluated),
        "metadata": _metadata(evaluated, said, body),
        **body,
        "back-matter": {"resources": list(_resources(evaluated))},
    }
    return through_trestle(SystemSecurityPlan, content)


def plan_uuid(evaluated: Evaluated) -> str:
    """Of one environment, since each deployment has its own inventory."""
    return stable_uuid("system-security-plan", *deployment(evaluated))


def _metadata(evaluated: Evaluated, said: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    system = evaluated.system
    held = {role.id for role in said["roles"]}
    titles = {PROVIDER: "Provider"} | {str(role): title for role, title in ROLES.items()} | ROLE_TITLES
    used = _role_ids(body) - held
    parties = {party.uuid: party for party in said["parties"]}
    for party in (infrastructure_party(system), *operator_parties(system)):
        if party is not None:
            parties.setdefault(party.uuid, party)
    built = metadata(
        f"{system.config.title}: system security plan",
        system.timestamp,
        system.config.as_of.isoformat(),
        roles=[*said["roles"], *(Role(role, titles[role]) for role in titles if role in used)],
        parties=parties.values(),
        responsible=said["responsible"],
    )
    return built | {"props": package_props(evaluated), "remarks": tier_words(evaluated.levels)}


def _role_ids(body: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found.update(value.get("role-ids", ()), [value["role-id"]] if "role-id" in value else ())
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def _diagram_uuid(system: System, path: str) -> str:
    return stable_uuid("resource", "diagram", system.config.name, path)


def component_definition_resource_uuid(system: System) -> str:
    return stable_uuid("resource", "component-definition", system.config.name)


def _resources(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    system = evaluated.system
    yield profile_resource(evaluated)
    yield catalog_resource(source_of(system.catalog, CATALOG_FILE))
    yield resource(
        component_definition_resource_uuid(system),
        f"{system.config.title}: component definition",
        "component-definition.json",
        media_type="application/oscal.component-definition+json",
        sha256=sha256_of(evaluated, render_component_definition),
    )
    yield from bill_of_materials(evaluated)
    for path, (title, draw) in DIAGRAMS.items():
        sha256 = sha256_of(evaluated, draw)
        yield resource(_diagram_uuid(system, path), title, f"../{path}", media_type="image/svg+xml", sha256=sha256)
