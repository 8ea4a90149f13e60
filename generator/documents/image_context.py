"""Image context: what the runtime image is built from, and its bill of materials, for `image/`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from claimstack.generator.documents.generator_sources import release
from claimstack.generator.documents.oscal.common import stable_uuid, timestamp
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.requirements import Requirement, parse_requirements

SBOM_MEDIA_TYPE: Final = "application/vnd.cyclonedx+json; version=1.6"

IMAGE: Final = "image"
OURS: Final = "claimstack"
"""What the bill calls the whole and our part of it."""


def render_containerfile(_evaluated: Evaluated) -> str:
    """As the runtime ships it."""
    return shipped("Containerfile")


def render_lock(_evaluated: Evaluated) -> str:
    """As the runtime ships it."""
    return shipped("requirements.lock")


def render_sbom(evaluated: Evaluated) -> dict[str, Any]:
    """The packages of the lock; a team's own come in with `claimstack image --sbom`."""
    return bill_of_materials(evaluated.system.config.name, evaluated.system.timestamp, locked_packages())


def shipped(name: str) -> str:
    """The text of a file beside the runtime's sources."""
    return (files("claimstack.runtime") / name).read_text(encoding="utf-8")


@cache
def locked_packages() -> tuple[Requirement, ...]:
    return parse_requirements(shipped("requirements.lock"), "requirements.lock")


def bill_of_materials(system: str, moment: datetime, packages: Iterable[Requirement]) -> dict[str, Any]:
    """A CycloneDX 1.6 document of what the image holds above its base; the base's supplier has the bill of what is in that."""
    packages = sorted(packages, key=lambda package: package.name)
    own = {"type": "application", "bom-ref": OURS, "name": OURS, "version": release()}
    listed = [f"{package.purl} {digest}" for package in packages for digest in sorted(package.sha256)]
    content = hashlib.sha256("\n".join(listed).encode()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{stable_uuid('sbom', system, own['version'], content)}",
        "version": 1,
        "metadata": {
            "timestamp": timestamp(moment),
            "tools": {"components": [{"type": "application", "name": OURS, "version": own["version"]}]},
            "component": {
                "type": "container",
                "bom-ref": IMAGE,
                "name": system,
                "description": "Image of the MCP server, above its base.",
            },
        },
        "components": [own, *(_component(package) for package in packages)],
        "dependencies": _dependencies(packages),
        "compositions": [{"aggregate": "incomplete", "assemblies": [IMAGE]}],
    }


def _component(package: Requirement) -> dict[str, Any]:
    return {"type": "library", "bom-ref": package.purl, "name": package.name, "version": package.version, "purl": package.purl}


def _dependencies(packages: list[Requirement]) -> list[dict[str, Any]]:
    """Who asks for what. A package that nobody in the list asks for is what a team has put in: the image asks for it."""
    ref = {package.name: package.purl for package in packages} | {OURS: OURS}
    asked: dict[str, list[str]] = {IMAGE: [OURS], OURS: []} | {package.purl: [] for package in packages}
    for package in packages:
        for parent in [ref[name] for name in package.asked_by if name in ref] or [IMAGE]:
            asked[parent].append(package.purl)
    return [{"ref": parent, "dependsOn": sorted(needed)} for parent, needed in asked.items()]
