"""Reference plan: whether a security plan answers what it has to, once and by the system itself, and whether its parts are told fully."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from claimstack.controls.families import ORIGINATIONS
from claimstack.generator.documents.oscal.common import FEDRAMP_NS
from claimstack.generator.documents.references.index import PROFILE, SSP, Document, Finding, Node, Package, is_absolute

ORIGINS: Final = ORIGINATIONS["not-applicable"]
"""The control originations of FedRAMP; only this status of ours may have any of them."""
NEED_UUID: Final[Mapping[str, str]] = {"information-types": "information type", "protocols": "protocol"}
"""List → what its objects are, whose uuid OSCAL leaves out of the schema's required keys."""
DATE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?")


def _whole_class(package: Package, document: Document) -> Iterator[Finding]:
    """With a class: each control has a requirement, each response point a statement, and a statement is of a response point."""
    if document.model != SSP or package.class_ is None:
        return
    requirements = {node.value.get("control-id", ""): node for node in document.held_by("implemented-requirements")}
    for control in package.catalog.class_controls(package.class_):
        requirement = requirements.get(control.id)
        if requirement is None:
            pointer = f"/{SSP}/control-implementation/implemented-requirements"
            yield Finding(document.name, pointer, control.id, f"{control.id} of class {package.class_} is not answered")
            continue
        statements = [statement.get("statement-id", "") for statement in requirement.value.get("statements", ())]
        for point in control.points:
            if point not in statements:
                yield Finding(document.name, f"{requirement.pointer}/statements", point, f"response point {point} is not answered")
        for index, statement in enumerate(statements):
            if statement in control.statements and statement not in control.points:
                pointer = f"{requirement.pointer}/statements/{index}/statement-id"
                yield Finding(document.name, pointer, statement, f"{statement} is no response point: answer {', '.join(control.points)}")


def _statement_answers(_package: Package, document: Document) -> Iterator[Finding]:
    """Each statement is answered by the system as a whole, with a state."""
    systems = [node.value.get("uuid") for node in document.held_by("components") if node.value.get("type") == "this-system"]
    if document.model != SSP or len(systems) != 1:
        return
    for node in _first_of("statements", "statement-id", document):
        statement = node.value.get("statement-id", "")
        own = [each for each in node.value.get("by-components", ()) if each.get("component-uuid") == systems[0]]
        if not own:
            yield Finding(document.name, node.pointer, statement, f"{statement} is not answered by the component of type this-system")
        elif "state" not in own[0].get("implementation-status", {}):
            yield Finding(document.name, node.pointer, statement, f"{statement} is answered without an implementation-status")


def _first_of(holder: str, key: str, document: Document) -> Iterator[Node]:
    """The objects of each list, without those that repeat a key, which another rule finds."""
    seen: set[tuple[str, str]] = set()
    for node in document.held_by(holder):
        entry = (node.pointer.rpartition("/")[0], node.value.get(key, ""))
        if entry not in seen:
            yield node
        seen.add(entry)


def _inheritance(_package: Package, document: Document) -> Iterator[Finding]:
    """What is inherited, or satisfied for somebody else, belongs to a component that lies outside the system."""
    inside = {node.value.get("uuid") for node in document.held_by("components") if not _is_outside(node)}
    for key in ("inherited", "satisfied"):
        for node in document.held_by(key):
            component = node.owners[-1].value.get("component-uuid", "")
            if component in inside:
                message = f"{key} of component {component}, which is neither external nor under a leveraged authorization"
                yield Finding(document.name, node.pointer, component, message)


def _is_outside(component: Node) -> bool:
    props = {prop.get("name"): prop.get("value") for prop in component.value.get("props", ())}
    return "leveraged-authorization-uuid" in props or props.get("implementation-point") == "external"


def _told(_package: Package, document: Document) -> Iterator[Finding]:
    """Diagrams lead to a picture, ports ascend, dates are dates, originations are FedRAMP's, and uuids are there where they are needed."""
    for node in document.nodes:
        if node.holder in NEED_UUID and "uuid" not in node.value:
            title = node.value.get("title", node.value.get("name", ""))
            yield Finding(document.name, node.pointer, title, f"{NEED_UUID[node.holder]} {title!r} has no uuid")
        elif node.holder == "diagrams" and not any(link.get("rel") == "diagram" for link in node.value.get("links", ())):
            uuid = node.value.get("uuid", "")
            yield Finding(document.name, node.pointer, uuid, f"diagram {uuid} has no link to a picture")
        elif node.holder == "port-ranges" and node.value.get("start", 0) > node.value.get("end", 65_535):
            start = str(node.value["start"])
            yield Finding(document.name, f"{node.pointer}/start", start, f"port range begins at {start} and ends at {node.value['end']}")
        elif node.holder == "props":
            yield from _told_prop(document, node)


def _told_prop(document: Document, node: Node) -> Iterator[Finding]:
    name, value, pointer = node.value.get("name"), node.value.get("value", ""), f"{node.pointer}/value"
    if name == "control-origination" and node.value.get("ns") == FEDRAMP_NS and value not in ORIGINS:
        yield Finding(document.name, pointer, value, f"control-origination {value} is none of {', '.join(ORIGINS)}")
    if name == "planned-completion-date" and not _is_date(value):
        yield Finding(document.name, pointer, value, f"planned-completion-date {value} is no date")


def _is_date(value: str) -> bool:
    match = DATE.fullmatch(value)
    try:
        return match is not None and bool(date.fromisoformat(match[1]))
    except ValueError:
        return False


def _values(package: Package, document: Document) -> Iterator[Finding]:
    """A control parameter has one value in the profile and in the plan."""
    if document.model != SSP:
        return
    chosen: dict[str, Any] = {
        node.value.get("param-id", ""): node.value.get("values")
        for profile in package.documents
        if profile.model == PROFILE
        for node in profile.held_by("set-parameters")
    }
    for node in _first_of("set-parameters", "param-id", document):
        parameter, values = node.value.get("param-id", ""), node.value.get("values")
        if parameter in chosen and chosen[parameter] != values:
            message = f"{parameter} is {values} here and {chosen[parameter]} in the profile"
            yield Finding(document.name, f"{node.pointer}/values", parameter, message)


def _files(package: Package, document: Document) -> Iterator[Finding]:
    """With the files of the package: each that a relative address names is there, and has the hash that is said of it.

    The hashes of OSCAL documents are another rule's, which needs no files.
    """
    if package.files is None:
        return
    for node in document.nodes:
        href = node.value.get("href")
        if not isinstance(href, str) or href.startswith("#") or is_absolute(href):
            continue
        path = document.from_root(href).partition("#")[0]
        if path not in package.files:
            yield Finding(document.name, f"{node.pointer}/href", path, f"{path} is not in the package")
            continue
        for index, said in enumerate(node.value.get("hashes", ()) if package.named(path) is None else ()):
            written = hashlib.sha256(package.files[path].encode()).hexdigest()
            if said.get("algorithm") == "SHA-256" and said.get("value") != written:
                pointer = f"{node.pointer}/hashes/{index}/value"
                yield Finding(document.name, pointer, said.get("value", ""), f"{said.get('value')} is not the hash of {path}: {written}")


PLAN_RULES: tuple[Callable[[Package, Document], Iterator[Finding]], ...] = (
    _whole_class,
    _statement_answers,
    _inheritance,
    _told,
    _values,
    _files,
)
