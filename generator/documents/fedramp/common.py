"""FedRAMP: addresses, metadata and open values that the FedRAMP documents share."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from claimstack.generator.config import Config
from claimstack.generator.documents.generator_sources import release, sources_sha256
from claimstack.generator.documents.oscal.common import timestamp
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.system import System

NOT_STATED: Final = "Not stated in system.toml: "
"""How a value begins that only the provider knows and has not given."""
NOT_STATED_HOST: Final = "not-stated.invalid"
"""Host of addresses that a schema asks for and nobody gave; `.invalid` never resolves (RFC 2606)."""

DECLARED_ONLY: Final = (
    "Read from the emitted templates: what is declared. Nothing here says that a resource is deployed or that a flow takes place. Times, "
    "environments and account ids stand only where the templates name them."
)
"""Note of the documents that are read from the templates alone."""

FEDRAMP_DATA: Final = "fedramp-2026/"
"""Folder of FedRAMP's own data sets among the official files."""

_IN_ADDRESSES: Final = ":/?#@!$&'()*+,;=%~"
_IN_FRAGMENTS: Final = ":/?@!$&'()*+,;=~"


def not_stated(*keys: str) -> str:
    """`Not stated in system.toml: [service] website`."""
    return NOT_STATED + ", ".join(keys)


def address(stated: str | None, placeholder: str) -> str:
    """A stated address in the characters that a URI may have (RFC 3986), or one that says that it was not stated."""
    return quote(stated, safe=_IN_ADDRESSES) if stated is not None else f"https://{NOT_STATED_HOST}/{placeholder}"


def package_uri(config: Config, path: str = "") -> str:
    """Where a file of this package is published; begins with [service] package_url, or openly with none."""
    base = address(config.service.package_url, "package").rstrip("/")
    return f"{base}/{path}" if path else base


def pointer_uri(config: Config, pointer: str) -> str:
    """Where a fact was found: `cloudformation/server.json#/Resources/…` as a URI, the pointer as RFC 6901 writes it in a fragment."""
    file, _, fragment = pointer.partition("#")
    return f"{package_uri(config, file)}#{quote(fragment, safe=_IN_FRAGMENTS)}"


def metadata(system: System) -> dict[str, Any]:
    """Version, time and source of an update (rules SDR-CSO-MTD and CPO-CSO-MTD), and the data sets of FedRAMP that it goes by."""
    return {
        "version": system.config.as_of.isoformat(),
        "lastUpdated": timestamp(system.timestamp),
        "updateSource": f"claimstack {release()}, an automated build from system.toml; sources sha256 {sources_sha256()}",
        "datasets": datasets(system),
    }


def datasets(system: System) -> list[dict[str, str]]:
    """The data sets of FedRAMP's rules that the answers follow; they are not all of one version."""
    return [{"title": each.title, "version": each.version} for each in system.catalog.sources if each.file.startswith(FEDRAMP_DATA)]


def head(evaluated: Evaluated, title: str, rules: list[str]) -> dict[str, Any]:
    """What the machine-readable boundary documents begin with; `rules` are those that they answer."""
    system = evaluated.system
    return {
        "title": f"{system.config.title}: {title}",
        "rules": rules,
        "system": system.config.name,
        **fedramp_id(system.config),
        "as_of": system.config.as_of.isoformat(),
        "class": system.config.class_,
        "certification": system.config.certification,
        "partition": system.config.partition.name,
        "region": system.config.region,
        "environment": evaluated.emitted.environment,
        "level": "declared",
        "note": DECLARED_ONLY,
        "datasets": datasets(system),
        "generator": {"name": "claimstack", "version": release(), "sources_sha256": sources_sha256()},
    }


def fedramp_id(config: Config) -> dict[str, Any]:
    """The FedRAMP id, once assigned, for the root of a document (rule CDS-CSO-FID)."""
    return {} if config.service.fedramp_id is None else {"fedRampId": config.service.fedramp_id}


def independent(config: Config) -> str:
    """What stands where an independent assessor will write; nothing here is ever filled in by the provider's own tool."""
    if config.assessor is None:
        return "no independent assessor engaged"
    return f"{config.assessor.name} is named as independent assessor; no result of theirs is in this package"


def cell(text: object) -> str:
    """A value as it may stand in a table of Markdown."""
    return " ".join(str(text).split()).replace("|", "\\|")
