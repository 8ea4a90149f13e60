"""MAS: the Minimum Assessment Scope of a system, its information resources and the flows between them, as data.

Source: FedRAMP Consolidated Rules, MAS-CSO-IIR (resources), -FLO (flows and security categories), -TPR (third parties), -MDI (metadata).
Each asks for a machine-readable output, an explanation of how it is derived, and the code of the process that derives it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from claimstack.generator.documents.fedramp.common import head, not_stated
from claimstack.generator.documents.fedramp.mas_types import HANDLING, METADATA, UNKNOWN, Handling
from claimstack.generator.documents.image_context import locked_packages
from claimstack.generator.documents.inventory import inventory_uuid
from claimstack.generator.documents.outside import aws_services, given, service_id
from claimstack.generator.emitted import Resource, asset_id
from claimstack.generator.evaluation import Evaluated, Status
from claimstack.generator.flows import DERIVATIONS, UNDERIVED, derivation_source, flow_map
from claimstack.generator.paths import SBOM
from claimstack.generator.resources.runtime import RECORD_CONTENT
from claimstack.generator.sources import source_of
from claimstack.generator.stated import OBJECTIVES, high_water
from claimstack.generator.system import System

RESOURCES_DERIVATION = (
    "Every resource of every emitted template is one entry, under the component that its Metadata names. Whether it handles federal "
    "customer data, or affects them, is answered by a table by resource type in the code; a type that the table does not know is "
    "'unknown'. Services of AWS follow from resource types, from the actions that roles are allowed and from template parameters. "
    "Third parties are AWS and the entries of [providers] in system.toml that name an operator. Software is what the function's image "
    "holds, by the bill of materials of the package. The security category is the high-water mark of "
    "[[information]] in system.toml, the same for every resource."
)
RESOURCES_CODE = (
    "generator/documents/fedramp/mas.py",
    "generator/documents/fedramp/mas_types.py",
    "generator/documents/outside.py",
    "generator/questions/reading.py",
)
AWS = "aws"
"""Id of the infrastructure among the third parties, and the key of [providers] under which system.toml may say more of it."""
ASKED_OF_THIRD_PARTIES = ("justification", "mitigation", "compensating_controls")


def security_category(system: System) -> dict[str, str] | str:
    """The high-water mark of all kinds of information, by objective (FIPS 199)."""
    stated = system.config.information
    if not stated:
        return not_stated("[[information]]")
    return {objective: high_water(stated, (objective,)) for objective in OBJECTIVES}


def render_mas_resources(evaluated: Evaluated) -> dict[str, Any]:
    system = evaluated.system
    return {
        **head(evaluated, "minimum assessment scope, information resources", ["MAS-CSO-IIR", "MAS-CSO-TPR", "MAS-CSO-MDI"]),
        "derivation": RESOURCES_DERIVATION,
        "code": [dataclasses.asdict(source_of(path)) for path in RESOURCES_CODE],
        "security_category": security_category(system),
        "information_types": [information.model_dump(mode="json") for information in system.config.information]
        or not_stated("[[information]]"),
        "counts": _counts(evaluated),
        "resources": list(_resources(evaluated)),
        "software": list(_software(evaluated)),
        "metadata": list(_metadata(evaluated)),
        "aws_services": [
            {"id": service.id, "title": service.title, "components": list(service.components)} for service in aws_services(evaluated)
        ],
        "leveraged_authorization": _leveraged(system),
        "third_parties": [_aws(evaluated), *_third_parties(system)],
        "given": [
            {"id": each.id, "title": each.title, "what_is_known": each.description, "pointers": list(each.pointers(evaluated))}
            for each in given(system.config)
        ],
    }


def render_mas_flows(evaluated: Evaluated) -> dict[str, Any]:
    flows = flow_map(evaluated)
    return {
        **head(evaluated, "minimum assessment scope, information flows", ["MAS-CSO-FLO"]),
        "security_category": security_category(evaluated.system),
        "derivations": dict(DERIVATIONS),
        "code": [dataclasses.asdict(source) for source in derivation_source()],
        "not_derived": list(UNDERIVED),
        "counts": {"ends": len(flows.ends), "flows": len(flows.flows)},
        "ends": [dataclasses.asdict(end) | {"assets": list(end.assets)} for end in flows.ends],
        "flows": [dataclasses.asdict(flow) | {"pointers": list(flow.pointers)} for flow in flows.flows],
    }


def _handling(evaluated: Evaluated, resource: Resource) -> Handling:
    known = HANDLING.get(resource.type, UNKNOWN)
    if resource.type == "AWS::Logs::LogGroup" and _records_content(evaluated):
        why = f"{RECORD_CONTENT} is true in the function's environment: audit records hold what requests asked and got."
        return dataclasses.replace(known, handles="yes", why=why)
    return known


def _records_content(evaluated: Evaluated) -> bool:
    for function in evaluated.emitted.resources("AWS::Lambda::Function"):
        environment = function.properties.get("Environment")
        variables = environment.get("Variables") if isinstance(environment, dict) else None
        if isinstance(variables, dict) and str(variables.get(RECORD_CONTENT, "")).lower() == "true":
            return True
    return False


def _in_scope(handling: Handling) -> bool:
    """Only what neither handles nor affects the data is out; what is not known is in."""
    return handling.handles != "no" or handling.affects != "no"


def _resources(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    components = {asset_id(declared): declared.component for declared in evaluated.system.declared()}
    for resource in evaluated.emitted.resources():
        asset = asset_id(resource)
        handling = _handling(evaluated, resource)
        component = components.get(asset)
        yield {
            "asset_id": asset,
            "uuid": inventory_uuid(evaluated, asset),
            "type": resource.type,
            "service": service_id(resource.type),
            "stack": resource.stack,
            "component": component.id if component else None,
            "component_title": component.title if component else "Not declared by the generator: added to the template by hand",
            "pointer": resource.place.pointer,
            "in_scope": _in_scope(handling),
            "handles_federal_customer_data": handling.handles,
            "handles_because": handling.why,
            "affects_federal_customer_data": handling.affects,
            "affects_because": handling.affects_why,
            "security_category": security_category(evaluated.system),
        }


def _counts(evaluated: Evaluated) -> Mapping[str, Any]:
    answers = [_handling(evaluated, resource) for resource in evaluated.emitted.resources()]
    return {
        "resources": len(answers),
        "in_scope": sum(map(_in_scope, answers)),
        "handle": {word: sum(answer.handles == word for answer in answers) for word in ("yes", "no", "unknown")},
    }


def _software(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """The images of the functions: what handles the data, and no resource of a template."""
    for function in evaluated.emitted.resources("AWS::Lambda::Function"):
        yield {
            "asset_id": asset_id(function),
            "what": "Container image of the MCP server: its code, the packages of the lock, and a base image.",
            "pointer": function.property_place("Code").pointer,
            "bill_of_materials": SBOM,
            "packages": len(locked_packages()),
            "in_scope": True,
            "handles_federal_customer_data": "yes",
            "handles_because": "It is the program that answers the requests.",
            "note": "The bill lists what stands above the base image; the base, and what a team adds, have bills of their own.",
        }


def _metadata(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    for resource in evaluated.emitted.resources():
        if resource.type not in METADATA:
            continue
        entry: dict[str, Any] = {
            "asset_id": asset_id(resource),
            "what": METADATA[resource.type],
            "pointer": resource.place.pointer,
        }
        if fields := _record_fields(resource):
            entry["fields"] = fields
        if "RetentionInDays" in resource.properties:
            entry["kept_days"] = resource.properties["RetentionInDays"]
        yield entry


def _record_fields(stage: Resource) -> list[str]:
    """The fields of a stage's access log, where its format is JSON."""
    for key in ("AccessLogSettings", "AccessLogSetting"):
        settings = stage.properties.get(key)
        if isinstance(settings, dict) and isinstance(settings.get("Format"), str):
            try:
                parsed = json.loads(settings["Format"])
            except ValueError:
                return []
            return list(parsed) if isinstance(parsed, dict) else []
    return []


def _leveraged(system: System) -> dict[str, Any] | str:
    leveraged = system.config.leveraged
    if leveraged is None:
        return f"{not_stated('[leveraged]')}. Nothing is inherited from the infrastructure."
    return {
        "title": leveraged.title,
        "package_id": leveraged.package_id,
        "date_authorized": leveraged.date_authorized.isoformat(),
        "note": "As system.toml states it; that it covers the services and the region in use was not checked here.",
    }


def _aws(evaluated: Evaluated) -> dict[str, Any]:
    """The infrastructure; what rule MAS-CSO-TPR asks of it is taken from [providers.aws], where system.toml has such an entry."""
    config = evaluated.system.config
    stated = config.providers.get(AWS)
    leveraged = config.leveraged
    services = ", ".join(service.title for service in aws_services(evaluated))
    return {
        "id": AWS,
        "title": leveraged.title if leveraged is not None else "Amazon Web Services",
        "operator": "Amazon Web Services",
        "usage": f"Carries every resource of this system in {config.region}: {services}.",
        "configuration": "As the templates in cloudformation/ declare it; fedramp/secure-configuration-guide.json has the settings.",
        "website": "https://aws.amazon.com/",
        "fedramp_id": leveraged.package_id if leveraged is not None else not_stated("[leveraged] package_id"),
        "answers_for": sorted(
            answer.point.id
            for answer in evaluated.answers.values()
            if answer.status is Status.INHERITED and (answer.disposition is None or answer.disposition.provider is None)
        ),
        **{name: getattr(stated, name, None) or not_stated(f"[providers.{AWS}] {name}") for name in ASKED_OF_THIRD_PARTIES},
    }


def _third_parties(system: System) -> Iterator[dict[str, Any]]:
    for key, provider in system.config.providers.items():
        if provider.operator is None or key == AWS:
            continue
        answers_for = sorted(target for target, entry in system.overrides.items() if entry.provider == key)
        yield {
            "id": key,
            "title": provider.title,
            "operator": provider.operator,
            "usage": provider.description,
            "website": provider.website or not_stated(f"[providers.{key}] website"),
            "fedramp_id": provider.fedramp_id or not_stated(f"[providers.{key}] fedramp_id"),
            "answers_for": answers_for,
            **{name: getattr(provider, name) or not_stated(f"[providers.{key}] {name}") for name in ASKED_OF_THIRD_PARTIES},
        }
