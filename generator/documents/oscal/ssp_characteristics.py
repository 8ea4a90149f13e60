"""SSP characteristics: what the security plan says of the system as a whole, as system.toml states it and as the stacks show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from claimstack.generator.config import Config
from claimstack.generator.documents.fedramp.common import not_stated
from claimstack.generator.documents.oscal.common import FEDRAMP_NS, prop, stable_uuid
from claimstack.generator.documents.oscal.ssp_boundary import boundary_text, data_flow_text, network_text
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.stated import OBJECTIVES, Impact, high_water

UUID_SCHEME = "https://ietf.org/rfc/rfc4122"
"""Identifier type of our own system id (OSCAL 1.2.1, system-id)."""
SP_800_60 = "https://doi.org/10.6028/NIST.SP.800-60v2r1"
"""Categorization system of information types (OSCAL 1.2.1, categorization)."""

DEPLOYMENT_MODELS: Mapping[str, str] = {
    "Public Cloud": "public-cloud",
    "Government-Only Cloud": "government-only-cloud",
    "Hybrid Cloud": "hybrid-cloud",
    "Community Cloud": "community-cloud",
    "Government Community Cloud": "government-only-cloud",
}
"""As system.toml says it → as OSCAL does, where a government-only cloud is a community cloud for use by governments."""


def system_characteristics(evaluated: Evaluated, *, architecture: str, data_flow: str) -> dict[str, Any]:
    """System characteristics; `architecture` and `data_flow` are the uuids of the back-matter resources of the diagrams."""
    config = evaluated.system.config
    service = config.service
    ids = [{"identifier-type": UUID_SCHEME, "id": stable_uuid("system", config.name)}]
    if service.fedramp_id is not None:
        ids.insert(0, {"identifier-type": FEDRAMP_NS, "id": service.fedramp_id})
    built: dict[str, Any] = {
        "system-ids": ids,
        "system-name": config.title,
        "system-name-short": service.acronym or config.name,
        "description": config.description or not_stated("description"),
    }
    if props := list(_props(config)):
        built["props"] = props
    if config.information:
        built["security-sensitivity-level"] = fips_199(high_water(config.information, OBJECTIVES))
    built["system-information"] = {"information-types": list(_information_types(config))}
    if config.information:
        built["security-impact-level"] = {
            f"security-objective-{objective}": fips_199(high_water(config.information, (objective,))) for objective in OBJECTIVES
        }
    return built | {
        "status": {"state": service.state, "remarks": "As system.toml states it; no build can see whether a system operates."},
        "authorization-boundary": _described(config, "authorization-boundary", boundary_text(evaluated), architecture),
        "network-architecture": _described(config, "network-architecture", network_text(evaluated), architecture),
        "data-flow": _described(config, "data-flow", data_flow_text(evaluated), data_flow),
    }


def fips_199(impact: Impact) -> str:
    return f"fips-199-{impact}"


def _props(config: Config) -> Iterator[dict[str, str]]:
    service, assurance = config.service, config.assurance
    if service.model is not None:
        yield prop("cloud-service-model", service.model.lower(), ns=None)
    if service.deployment is not None:
        yield prop("cloud-deployment-model", DEPLOYMENT_MODELS[service.deployment], ns=None, remarks=service.deployment)
    for name in ("identity", "authenticator", "federation"):
        level = getattr(assurance, name)
        if level is not None:
            yield prop(f"{name}-assurance-level", str(level), ns=None)
    if service.operational_since is not None:
        yield prop("fully-operational-date", f"{service.operational_since.isoformat()}T00:00:00Z", ns=FEDRAMP_NS)


def _information_types(config: Config) -> Iterator[dict[str, Any]]:
    for stated in config.information:
        built: dict[str, Any] = {
            "uuid": stable_uuid("information-type", config.name, stated.title),
            "title": stated.title,
            "description": stated.description,
        }
        if stated.sp800_60:
            built["categorizations"] = [{"system": SP_800_60, "information-type-ids": list(stated.sp800_60)}]
        yield built | {f"{objective}-impact": {"base": fips_199(getattr(stated, objective))} for objective in OBJECTIVES}
    if not config.information:
        yield {
            "uuid": stable_uuid("information-type", config.name, "not stated"),
            "title": not_stated("[[information]]"),
            "description": "What the system handles, and how much its loss would harm, only the provider can say; so the plan states no "
            "impact level.",
        }


def _described(config: Config, name: str, text: str, diagram: str) -> dict[str, Any]:
    return {
        "description": text,
        "diagrams": [
            {
                "uuid": stable_uuid("diagram", config.name, name),
                "description": "Drawn from the emitted templates.",
                "links": [{"href": f"#{diagram}", "rel": "diagram"}],
                "caption": "As the templates declare it",
            }
        ],
    }
