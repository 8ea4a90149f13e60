"""SSP implementation: leveraged authorization, users, components and inventory of the security plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from claimstack.generator.claims import Component
from claimstack.generator.config import Leveraged
from claimstack.generator.documents.inventory import inventory_uuid
from claimstack.generator.documents.oscal.claimed import component_remarks, resource_props
from claimstack.generator.documents.oscal.common import FEDRAMP_NS, Party, prop, stable_uuid
from claimstack.generator.documents.oscal.component_definition import bill_resource_uuid, component_uuid, protocols, validation_uuid
from claimstack.generator.documents.oscal.people import PROVIDER, responsible_role
from claimstack.generator.documents.oscal.ssp_users import COMMON_CONTROLS, INFRASTRUCTURE, users
from claimstack.generator.documents.outside import AwsService, Given, aws_services, given, provider_uuid
from claimstack.generator.emitted import Emitted, asset_id
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.questions.doors import MAPPINGS, entrances
from claimstack.generator.questions.reading import referenced
from claimstack.generator.resources.function import FUNCTION
from claimstack.generator.system import Declared, System

AWS = "Amazon Web Services"
LEVERAGED_PARTY = Party(stable_uuid("party", AWS), AWS)
"""Who runs the leveraged system."""

ASSET_TYPES: Final[Mapping[str, str]] = {
    "AWS::DynamoDB::Table": "database",
    "AWS::EC2::SecurityGroup": "firewall",
    "AWS::WAFv2::WebACL": "firewall",
}
"""Resource type → asset type, where OSCAL 1.2.1 has a word for it; other resources have the name of their type."""

STATES: Final[Mapping[str, str]] = {"under-major-modification": "other"}
"""System states that a component cannot have in OSCAL."""

NOT_SCANNED: Final = "These stacks arrange no vulnerability scan of it. Where a scanner of the provider covers it, its reports say so."


def system_implementation(evaluated: Evaluated, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    """Everything the system is made of; `parties` are the party uuids of those who hold a role."""
    system = evaluated.system
    built: dict[str, Any] = {}
    if system.config.leveraged is not None:
        built["leveraged-authorizations"] = [_leveraged(system, system.config.leveraged)]
    return built | {
        "users": users(evaluated),
        "components": list(_components(evaluated, parties)),
        "inventory-items": [_inventory_item(evaluated, declared, parties) for declared in system.declared()],
    }


def this_system_uuid(system: System) -> str:
    return stable_uuid("this-system", system.config.name)


def leveraged_uuid(system: System) -> str:
    """Uuid of the leveraged authorization."""
    return stable_uuid("leveraged-authorization", system.config.name)


def infrastructure_uuid(system: System) -> str:
    """Uuid of the component that stands for the leveraged system as a whole."""
    return stable_uuid("leveraged-system", system.config.name)


def infrastructure_party(system: System) -> Party | None:
    """Who runs the leveraged system; None where system.toml names no authorization."""
    return None if system.config.leveraged is None else LEVERAGED_PARTY


def operator_parties(system: System) -> Iterator[Party]:
    """The organisations that run the services of [providers], each once."""
    operators = dict.fromkeys(each.operator for each in system.config.providers.values() if each.operator is not None)
    yield from (Party(stable_uuid("party", operator), operator) for operator in operators)


def _leveraged(system: System, leveraged: Leveraged) -> dict[str, Any]:
    return {
        "uuid": leveraged_uuid(system),
        "title": leveraged.title,
        "props": [prop("package-id", leveraged.package_id, ns=FEDRAMP_NS)],
        "party-uuid": LEVERAGED_PARTY.uuid,
        "date-authorized": leveraged.date_authorized.isoformat(),
        "remarks": "As system.toml states it. Whether it covers the services and the region in use was not checked here.",
    }


def _components(evaluated: Evaluated, parties: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    system = evaluated.system
    config = system.config
    yield {
        "uuid": this_system_uuid(system),
        "type": "this-system",
        "title": config.title,
        "description": "The system as a whole, as its authorization boundary describes it.",
        "status": _own_state(system),
        "responsible-roles": [responsible_role(PROVIDER, parties)],
    }
    services, taken = aws_services(evaluated), protocols(evaluated)
    for component in system.components():
        built = _resource_component(evaluated, component, services, parties)
        yield built | ({"protocols": taken[component.id]} if component.id in taken else {})
    yield {
        "uuid": validation_uuid(system),
        "type": "validation",
        "title": "claimstack checks",
        "description": "Checks that read the emitted CloudFormation templates and results of tests. The component definition lists each "
        "with what it asks, evidence/facts.json what it found.",
        "status": {"state": "operational", "remarks": "They ran in the build that wrote this plan."},
        "links": [{"href": "../evidence/facts.json", "rel": "reference"}],
    }
    if config.leveraged is not None:
        yield _leveraged_system(system, config.leveraged, parties)
    for service in services:
        yield _aws_service(system, service)
    for each in given(config):
        yield _given(evaluated, each)
    for key in config.providers:
        yield _provider(system, key)


def _resource_component(
    evaluated: Evaluated, component: Component, services: Iterable[AwsService], parties: Mapping[str, list[str]]
) -> dict[str, Any]:
    system = evaluated.system
    declared = [each for each in system.declared() if each.component.id == component.id]
    links = [{"href": f"#{service.uuid(system)}", "rel": "uses-service"} for service in services if component.id in service.components]
    if any(each.claims for each in declared):
        links.append({"href": f"#{validation_uuid(system)}", "rel": "validation"})
    if component == FUNCTION:
        links.append({"href": f"#{bill_resource_uuid(system)}", "rel": "sbom"})
    built: dict[str, Any] = {
        "uuid": component_uuid(system, component),
        "type": component.type,
        "title": component.title,
        "description": component.description,
        "props": [prop("implementation-point", "internal", ns=None), *resource_props(evaluated, declared)],
        "status": _own_state(system),
        "responsible-roles": [responsible_role(PROVIDER, parties)],
        "remarks": component_remarks(evaluated, component.id),
    }
    return built | ({"links": links} if links else {})


def _leveraged_system(system: System, leveraged: Leveraged, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "uuid": infrastructure_uuid(system),
        "type": "system",
        "title": leveraged.title,
        "description": "The infrastructure that this system stands on, as far as its own authorization covers it.",
        "props": [
            prop("implementation-point", "external", ns=None),
            prop("leveraged-authorization-uuid", leveraged_uuid(system), ns=None),
        ],
        "status": _not_seen("Authorized, as system.toml states."),
        "responsible-roles": [responsible_role(INFRASTRUCTURE, parties)],
    }


def _aws_service(system: System, service: AwsService) -> dict[str, Any]:
    props = [prop("implementation-point", "external", ns=None), prop("vendor-name", AWS, ns=None)]
    built: dict[str, Any] = {
        "uuid": service.uuid(system),
        "type": "service",
        "title": service.title,
        "description": "Service of AWS that the resources of the system are made of, or that they call.",
    }
    if system.config.leveraged is None:
        remarks = "system.toml names no authorization that covers it."
    else:
        props.append(prop("leveraged-authorization-uuid", leveraged_uuid(system), ns=None))
        built["links"] = [{"href": f"#{infrastructure_uuid(system)}", "rel": "provided-by"}]
        remarks = "Taken to be covered by the leveraged authorization."
    return built | {"props": props, "status": _not_seen(remarks)}


def _given(evaluated: Evaluated, each: Given) -> dict[str, Any]:
    return {
        "uuid": each.uuid(evaluated.system),
        "type": each.type,
        "title": each.title,
        "description": each.description,
        "props": [
            prop("implementation-point", "external", ns=None),
            *(prop("json-pointer", pointer) for pointer in each.pointers(evaluated)),
        ],
        "status": _not_seen("Provided by the organisation around the system."),
        "responsible-roles": [{"role-id": COMMON_CONTROLS}],
    }


def _provider(system: System, key: str) -> dict[str, Any]:
    provider = system.config.providers[key]
    props = [prop("implementation-point", "external", ns=None), prop("provider", key)]
    if provider.fedramp_id is not None:
        props.append(prop("package-id", provider.fedramp_id, ns=FEDRAMP_NS))
    role: dict[str, Any] = {"role-id": COMMON_CONTROLS}
    if provider.operator is not None:
        role["party-uuids"] = [stable_uuid("party", provider.operator)]
    built: dict[str, Any] = {
        "uuid": provider_uuid(system, key),
        "type": "service",
        "title": provider.title,
        "description": provider.description,
        "props": props,
        "status": _not_seen("Described by system.toml."),
        "responsible-roles": [role],
    }
    return built | ({"links": [{"href": provider.website, "rel": "homepage"}]} if provider.website is not None else {})


def _own_state(system: System) -> dict[str, str]:
    stated = system.config.service.state
    remarks = f"System state {stated}, as system.toml states it; no build can see whether the stacks are deployed."
    return {"state": STATES.get(stated, stated), "remarks": remarks}


def _not_seen(remarks: str) -> dict[str, str]:
    return {"state": "other", "remarks": f"{remarks} Its state is for whoever runs it to say."}


def _inventory_item(evaluated: Evaluated, declared: Declared, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    asset = asset_id(declared)
    reached = public_ways(evaluated.emitted).get(asset, ())
    group = {"group": asset}
    item: dict[str, Any] = {
        "uuid": inventory_uuid(evaluated, asset),
        "description": f"{declared.type} {declared.logical_id} of stack {declared.stack}: part of {declared.component.title}.",
        "props": [
            prop("asset-id", asset, ns=None),
            prop("asset-type", ASSET_TYPES.get(declared.type) or _type_name(declared.type), ns=None),
            prop("virtual", "yes", ns=None),
            prop("public", "yes" if reached else "no", ns=None, remarks="; ".join(reached) or None),
            _scanned(evaluated.emitted, declared),
            prop("function", declared.component.description, ns=None),
            *(each | group for each in resource_props(evaluated, (declared,))),
        ],
        "responsible-parties": [
            {"role-id": role, "party-uuids": list(parties[role])} for role in ("asset-owner", "asset-administrator") if role in parties
        ],
        "implemented-components": [{"component-uuid": component_uuid(evaluated.system, declared.component)}],
    }
    return {key: value for key, value in item.items() if value}


def public_ways(emitted: Emitted) -> Mapping[str, tuple[str, ...]]:
    """Asset id → the public entrances by which it is reached: an entrance itself, or an API behind the domain that is mapped to it."""
    return emitted.once(_public_ways)


def _public_ways(emitted: Emitted) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for kind, resource in entrances(emitted):
        found.setdefault(asset_id(resource), []).append(f"Public entrance: {kind}")
    for mapping in emitted.resources(*MAPPINGS):
        domain = referenced(mapping.properties.get("DomainName"))
        api = referenced(mapping.properties.get(MAPPINGS[mapping.type]))
        if domain is not None and api is not None and f"{mapping.stack}.{domain}" in found:
            found.setdefault(f"{mapping.stack}.{api}", []).append(f"Reached through {mapping.stack}.{domain}")
    return {asset: tuple(ways) for asset, ways in found.items()}


def _type_name(resource_type: str) -> str:
    """`AWS::Logs::LogGroup` → `Logs LogGroup`."""
    return " ".join(resource_type.split("::")[1:]) or resource_type


def _scanned(emitted: Emitted, declared: Declared) -> dict[str, str]:
    resource = emitted.resource(declared.stack, declared.logical_id)
    properties = resource.properties if resource is not None else {}
    if (properties.get("ImageScanningConfiguration") or {}).get("ScanOnPush") is True:
        remarks = "Declared: images are scanned when they are pushed. What the scans find is not seen here."
        return prop("is-scanned", "yes", ns=None, remarks=remarks)
    return prop("is-scanned", "no", ns=None, remarks=NOT_SCANNED)
