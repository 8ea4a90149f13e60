"""References: whether everything an OSCAL document refers to exists, which no schema and no OSCAL library checks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from claimstack.controls.catalog import Catalog
from claimstack.generator.documents.oscal.common import OSCAL_VERSION, TRESTLE_NS, to_bytes
from claimstack.generator.documents.references.agreement import AGREEMENT_RULES
from claimstack.generator.documents.references.assessment import ASSESSMENT_RULES
from claimstack.generator.documents.references.controls import control_findings, parameter_findings, statement_findings
from claimstack.generator.documents.references.index import (
    COMPONENTS,
    MODELS,
    PLAN,
    PROFILE,
    SSP,
    Document,
    Finding,
    Node,
    Package,
    is_absolute,
    read_document,
)
from claimstack.generator.documents.references.plan import PLAN_RULES

__all__ = ["Finding", "check_references"]

UNIQUE: Mapping[str, str] = {
    "by-components": "component-uuid",
    "implemented-components": "component-uuid",
    "implemented-requirements": "control-id",
    "include-controls": "control-id",
    "responsible-parties": "role-id",
    "responsible-roles": "role-id",
    "roles": "id",
    "set-parameters": "param-id",
    "statements": "statement-id",
}
"""The key that no two objects of a list may share."""

UNIQUE_VALUES = ("party-uuids", "role-ids", "statement-ids", "with-ids")

REFERENCES: Mapping[str, tuple[str, ...]] = {
    "activity-uuid": ("activity",),
    "component-uuid": ("component",),
    "finding-uuid": ("finding",),
    "implementation-statement-uuid": ("implementation statement",),
    "implementation-uuid": ("implementation statement",),
    "location-uuids": ("location",),
    "observation-uuid": ("observation",),
    "party-uuid": ("party",),
    "party-uuids": ("party",),
    "provided-uuid": ("provided capability",),
    "response-uuid": ("response",),
    "responsibility-uuid": ("responsibility",),
    "risk-uuid": ("risk",),
    "task-uuid": ("task",),
}
"""The kinds of object that a key may name, in the document or in one that it imports."""

ACTORS: Mapping[str, tuple[str, ...]] = {"tool": ("component",), "assessment-platform": ("assessment-platform",), "party": ("party",)}
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    kind: (kind,) for kind in ("component", "inventory-item", "location", "party", "resource", "user")
}
TYPED_REFERENCES = {"actor-uuid": ACTORS, "subject-uuid": SUBJECTS}
"""Keys whose kind of object the neighbouring `type` says."""

COMPONENT_LINKS = frozenset(
    {
        "baseline-template",
        "communicates-with",
        "depends-on",
        "initiates",
        "provided-by",
        "receives",
        "used-by",
        "uses-network",
        "uses-service",
        "validated-by",
        "validation",
    }
)
"""Link relations that lead to a component; every other `#` leads to a back-matter resource."""

IMPORTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "control-implementations": ("source", (PROFILE,)),
    "import-ap": ("href", (PLAN,)),
    "import-component-definitions": ("href", (COMPONENTS,)),
    "import-profile": ("href", (PROFILE,)),
    "import-ssp": ("href", (SSP,)),
    "imports": ("href", (PROFILE,)),
}
"""The key by which an object imports a document, and the models that a document of this package must then have."""

DIGITS = {"224": 56, "256": 64, "384": 96, "512": 128}
HASHES = {f"{family}-{bits}": digits for family in ("SHA", "SHA3") for bits, digits in DIGITS.items()}
"""Hexadecimal digits of a hash, by the algorithm names of OSCAL."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def check_references(
    documents: Mapping[str, Mapping[str, Any]],
    catalog: Catalog,
    class_: str | None = None,
    pointers: Callable[[str], bool] | None = None,
    files: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Check documents of one package against each other and the catalog; no finding means that every reference resolves.

    `documents` are named by their path from the package's root. With a class, a profile must select exactly the class and a plan answer
    it. `pointers` says whether `cloudformation/server.json#/Resources/…` exists in what the build emits, `files` holds the text of every
    file of the package; without them, pointers and the files that addresses name are not checked.
    """
    read = {name: read_document(name, document) for name, document in documents.items()}
    known = tuple(document for document in read.values() if document)
    findings = [
        Finding(name, "", "", f"is none of the OSCAL models {', '.join(MODELS)}") for name, document in read.items() if document is None
    ]
    profiles = [document for document in known if document.model == PROFILE]
    if profiles:
        selected = frozenset(chain.from_iterable(profile.selected for profile in profiles))
    else:
        selected = frozenset(catalog.controls if class_ is None else (control.id for control in catalog.class_controls(class_)))
    package = Package(known, catalog, class_, selected, pointers, files)
    for document in known:
        for rule in RULES:
            findings += rule(package, document)
    findings += chain(_inventory(package), *(rule(package) for rule in AGREEMENT_RULES))
    return tuple(sorted(findings))


def _version(_package: Package, document: Document) -> Iterator[Finding]:
    version = document.content.get("metadata", {}).get("oscal-version", "")
    if version != OSCAL_VERSION:
        yield Finding(
            document.name, f"/{document.model}/metadata/oscal-version", version, f"oscal-version is {version!r}, must be {OSCAL_VERSION!r}"
        )


def _uuids(_package: Package, document: Document) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for node in document.nodes:
        if "uuid" not in node.value:
            continue
        uuid, pointer = node.value["uuid"], f"{node.pointer}/uuid"
        if not UUID.fullmatch(uuid.lower()):
            yield Finding(document.name, pointer, uuid, f"uuid {uuid} is not of version 4 or 5")
        if uuid in seen:
            yield Finding(document.name, pointer, uuid, f"uuid {uuid} already names {seen[uuid]}")
        seen.setdefault(uuid, node.pointer)


def _unique(_package: Package, document: Document) -> Iterator[Finding]:
    seen: set[tuple[str, str, str]] = set()
    for node in document.nodes:
        key = UNIQUE.get(node.holder)
        if key and key in node.value:
            entry = (node.pointer.rpartition("/")[0], key, node.value[key])
            if entry in seen:
                yield Finding(document.name, f"{node.pointer}/{key}", node.value[key], f"{key} {node.value[key]} is twice in this list")
            seen.add(entry)
        for key in UNIQUE_VALUES:
            values = node.value.get(key, ())
            for index, value in enumerate(values):
                if value in values[:index]:
                    yield Finding(document.name, f"{node.pointer}/{key}/{index}", value, f"{value} is twice in {key}")


def _objects(package: Package, document: Document) -> Iterator[Finding]:
    roles = frozenset(node.value.get("id") for node in document.held_by("roles"))
    for node in document.nodes:
        for key, value in node.value.items():
            kinds: tuple[str, ...]
            if key in ("role-id", "role-ids"):
                kinds = ("role",)
            elif key in TYPED_REFERENCES:
                kinds = TYPED_REFERENCES[key].get(node.value.get("type", ""), ())
            elif key == "value" and node.value.get("name") == "leveraged-authorization-uuid":
                kinds = ("leveraged authorization",)
            elif key in REFERENCES:
                kinds = REFERENCES[key]
            else:
                continue
            for pointer, reference in _each(f"{node.pointer}/{key}", value):
                if not (reference in roles if kinds == ("role",) else package.defines(document, kinds, reference)):
                    kind = " or ".join(kinds) or f"object of type {node.value.get('type')!r}"
                    yield Finding(document.name, pointer, reference, f"no {kind} is {reference}")


def _each(pointer: str, value: str | list[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    else:
        yield from ((f"{pointer}/{index}", item) for index, item in enumerate(value))


def _links(package: Package, document: Document) -> Iterator[Finding]:
    for node in document.nodes:
        for key in ("href", "source"):
            href = node.value.get(key)
            if not isinstance(href, str):
                continue
            pointer = f"{node.pointer}/{key}"
            if href.startswith("#"):
                kinds: tuple[str, ...] = ("component", "inventory-item") if node.value.get("rel") in COMPONENT_LINKS else ()
                if href not in document.resources and not package.defines(document, kinds, href[1:]):
                    kind = " or ".join((*kinds, "back-matter resource"))
                    yield Finding(document.name, pointer, href, f"no {kind} is {href}")
                if "media-type" in node.value:
                    yield Finding(
                        document.name, f"{node.pointer}/media-type", href, f"link {href} has a media-type, which its resource says"
                    )
            elif "#/" in href and not is_absolute(href) and package.pointers and not package.pointers(document.from_root(href)):
                yield Finding(document.name, pointer, href, f"{document.from_root(href)} is not in what the build emits")


def _imports(package: Package, document: Document) -> Iterator[Finding]:
    for node in document.nodes:
        if node.holder not in IMPORTS or IMPORTS[node.holder][0] not in node.value:
            continue
        key, models = IMPORTS[node.holder]
        for file in document.files(node.value[key]):
            if is_absolute(file):
                continue
            imported = package.named(file)
            if imported is None:
                yield Finding(document.name, f"{node.pointer}/{key}", file, f"{file} is no document of this package")
            elif imported.model not in models:
                expected = " or ".join(models)
                yield Finding(document.name, f"{node.pointer}/{key}", file, f"{file} is {imported.model}, must be {expected}")


def _hashes(package: Package, document: Document) -> Iterator[Finding]:
    for node in document.held_by("hashes"):
        algorithm, value = node.value.get("algorithm", ""), node.value.get("value", "")
        if algorithm not in HASHES:
            yield Finding(document.name, f"{node.pointer}/algorithm", algorithm, f"{algorithm} is none of {', '.join(HASHES)}")
        elif not _hexadecimal(value, HASHES[algorithm]):
            yield Finding(document.name, f"{node.pointer}/value", value, f"{value} is not a {algorithm} hash of {HASHES[algorithm]} digits")
        elif algorithm == "SHA-256" and (named := package.named(document.from_root(node.owners[-1].value.get("href", "")))):
            written = hashlib.sha256(to_bytes({named.model: named.content})).hexdigest()
            if value != written:
                yield Finding(document.name, f"{node.pointer}/value", value, f"{value} is not the hash of {named.name}, which is {written}")
    for node in document.held_by("props"):
        value = node.value.get("value", "")
        if node.value.get("name", "").endswith("sha256") and not _hexadecimal(value, HASHES["SHA-256"]):
            yield Finding(document.name, f"{node.pointer}/value", value, f"{value} is not a SHA-256 hash of {HASHES['SHA-256']} digits")


def _hexadecimal(value: str, digits: int) -> bool:
    return re.fullmatch(rf"[0-9A-Fa-f]{{{digits}}}", value) is not None


def _resources(_package: Package, document: Document) -> Iterator[Finding]:
    for node in document.held_by("resources"):
        if not node.value.keys() & {"rlinks", "base64"}:
            uuid = node.value.get("uuid", "")
            yield Finding(document.name, node.pointer, uuid, f"resource {uuid} has neither rlinks nor base64")


def _this_system(_package: Package, document: Document) -> Iterator[Finding]:
    if document.model == SSP:
        count = sum(node.value.get("type") == "this-system" for node in document.held_by("components"))
        if count != 1:
            pointer = f"/{SSP}/system-implementation/components"
            yield Finding(document.name, pointer, "this-system", f"{count} components have the type this-system, must be 1")


def _pointers(package: Package, document: Document) -> Iterator[Finding]:
    for node in document.held_by("props"):
        value = node.value.get("value", "")
        if node.value.get("name") == "json-pointer" and package.pointers and not package.pointers(value):
            yield Finding(document.name, f"{node.pointer}/value", value, f"{value} is not in what the build emits")


def _rules(_package: Package, document: Document) -> Iterator[Finding]:
    """Rules in trestle's convention: a component that is not a validation defines them, requirements and validations name them."""
    if document.model != COMPONENTS:
        return
    components = [node for node in document.held_by("components") if len(node.owners) == 1]
    defined = {node.pointer: _rule_values(node, "Rule_Id") for node in components if node.value.get("type") != "validation"}
    for node in document.held_by("props"):
        if node.value.get("name") != "Rule_Id" or node.value.get("ns") != TRESTLE_NS:
            continue
        rule, holder = node.value.get("value", ""), node.owners[-1]
        component = node.owner("components")
        here = defined.get(component.pointer) if component else None
        known = frozenset(chain.from_iterable(defined.values())) if here is None else here
        if rule not in known:
            yield Finding(document.name, f"{node.pointer}/value", rule, f"no component defines rule {rule}")
        elif holder.pointer in defined:
            described = {
                prop.get("remarks")
                for prop in holder.value.get("props", ())
                if prop.get("name") == "Rule_Description" and prop.get("ns") == TRESTLE_NS
            }
            if node.value.get("remarks") not in described:
                yield Finding(document.name, node.pointer, rule, f"rule {rule} has no Rule_Description with the same remarks")


def _rule_values(component: Node, name: str) -> frozenset[str]:
    props = component.value.get("props", ())
    return frozenset(prop.get("value", "") for prop in props if prop.get("name") == name and prop.get("ns") == TRESTLE_NS)


def _inventory(package: Package) -> Iterator[Finding]:
    """One asset has one uuid in all documents, and one uuid one asset."""
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for document in package.documents:
        for node in document.held_by("inventory-items"):
            uuid = node.value.get("uuid", "")
            assets = [prop.get("value", "") for prop in node.value.get("props", ()) if prop.get("name") == "asset-id"]
            for asset in assets:
                by_asset = first.setdefault(("asset", asset), (uuid, document.name))
                by_uuid = first.setdefault(("uuid", uuid), (asset, document.name))
                if by_asset[0] != uuid:
                    yield Finding(document.name, f"{node.pointer}/uuid", uuid, f"asset {asset} is {by_asset[0]} in {by_asset[1]}")
                if by_uuid[0] != asset:
                    yield Finding(document.name, f"{node.pointer}/uuid", uuid, f"uuid {uuid} is asset {by_uuid[0]} in {by_uuid[1]}")


RULES: tuple[Callable[[Package, Document], Iterator[Finding]], ...] = (
    _version,
    _uuids,
    _unique,
    control_findings,
    statement_findings,
    parameter_findings,
    _objects,
    _links,
    _imports,
    _hashes,
    _resources,
    _this_system,
    _pointers,
    _rules,
    *PLAN_RULES,
    *ASSESSMENT_RULES,
)
