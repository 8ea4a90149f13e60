"""Reference index: the objects of a set of OSCAL documents, and what each defines for others to refer to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from claimstack.controls.catalog import Catalog

PROFILE = "profile"
COMPONENTS = "component-definition"
SSP = "system-security-plan"
PLAN = "assessment-plan"
RESULTS = "assessment-results"
POAM = "plan-of-action-and-milestones"
MODELS = (PROFILE, COMPONENTS, SSP, PLAN, RESULTS, POAM)

IMPORTED: Mapping[str, tuple[str, ...]] = {
    PLAN: (SSP,),
    RESULTS: (PLAN, SSP),
    POAM: (SSP,),
}
"""The models whose objects a document may refer to besides its own: those it imports, and what these import."""

DEFINED_IN: Mapping[str, str] = {
    "activities": "activity",
    "assessment-platforms": "assessment-platform",
    "by-components": "implementation statement",
    "components": "component",
    "findings": "finding",
    "inventory-items": "inventory-item",
    "leveraged-authorizations": "leveraged authorization",
    "locations": "location",
    "observations": "observation",
    "parties": "party",
    "provided": "provided capability",
    "remediations": "response",
    "resources": "resource",
    "responsibilities": "responsibility",
    "risks": "risk",
    "statements": "implementation statement",
    "tasks": "task",
    "users": "user",
}
"""The kind of thing that the objects of a list are, by the list's key."""


LEVERAGED = frozenset({"provided capability", "responsibility"})


@dataclass(frozen=True, slots=True)
class Node:
    """An object of a document."""

    pointer: str
    holder: str
    """Key of the list or object that holds it: `components` for each component."""
    value: dict[str, Any]
    owners: tuple[Node, ...]
    """The objects around it, outermost first."""

    def owner(self, holder: str) -> Node | None:
        return next((node for node in reversed(self.owners) if node.holder == holder), None)


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    model: str
    content: dict[str, Any]
    nodes: tuple[Node, ...]
    defined: Mapping[str, frozenset[str]]
    """Uuids by kind."""
    resources: Mapping[str, Node]
    """Back-matter resources by `#uuid`."""
    selected: frozenset[str]
    """Control ids that a profile selects."""

    def held_by(self, holder: str) -> Iterator[Node]:
        return (node for node in self.nodes if node.holder == holder)

    def files(self, href: str) -> tuple[str, ...]:
        """What an href stands for: itself, or the rlinks of the resource that it names; relative ones as seen from the package's root."""
        if not href.startswith("#"):
            hrefs = [href]
        else:
            found = self.resources.get(href)
            hrefs = [rlink.get("href", "") for rlink in found.value.get("rlinks", ())] if found else []
        return tuple(self.from_root(each) for each in hrefs)

    def from_root(self, href: str) -> str:
        """A relative href as seen from the package's root, another one as it is."""
        if is_absolute(href):
            return href
        path, separator, fragment = href.partition("#")
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), path))
        # A document named without its folder still says `../` to leave it.
        return joined.removeprefix("../") + separator + fragment


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    document: str
    pointer: str
    """JSON pointer to the value that is wrong, or to the object that lacks something."""
    id: str
    """What the value refers to, or what is missing."""
    message: str

    def __str__(self) -> str:
        return f"{self.document}#{self.pointer}: {self.message}"


@dataclass(frozen=True, slots=True)
class Package:
    documents: tuple[Document, ...]
    catalog: Catalog
    class_: str | None
    selected: frozenset[str]
    """Controls that documents without a source of their own may answer: of the profile, of the class, or all."""
    pointers: Callable[[str], bool] | None
    files: Mapping[str, str] | None = None
    """The text of every file of the package by its path, where they are at hand."""

    def defines(self, document: Document, kinds: Collection[str], uuid: str) -> bool:
        """Whether the document, or one it imports, defines an object of one of these kinds under this uuid."""
        models = IMPORTED.get(document.model, ())
        # What is inherited, and the responsibility satisfied, stand in the plan of the leveraged system: any plan at hand will do.
        models += (SSP,) if LEVERAGED.issuperset(kinds) else ()
        read = (document, *(other for other in self.documents if other.model in models))
        return any(uuid in each.defined.get(kind, ()) for each in read for kind in kinds)

    def named(self, file: str) -> Document | None:
        return next((document for document in self.documents if document.name == file), None)


def is_absolute(href: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", href) is not None


def read_document(name: str, document: Mapping[str, Any]) -> Document | None:
    """Index a document, or return None when it is none of the six models."""
    if len(document) != 1:
        return None
    (model,) = document
    content = document[model]
    if model not in MODELS or not isinstance(content, dict):
        return None
    nodes = tuple(_nodes(content, f"/{model}", model, ()))
    defined: dict[str, set[str]] = {}
    for node in nodes:
        kind = DEFINED_IN.get(node.holder)
        if kind and isinstance(node.value.get("uuid"), str):
            defined.setdefault(kind, set()).add(node.value["uuid"])
    return Document(
        name=name,
        model=model,
        content=content,
        nodes=nodes,
        defined={kind: frozenset(uuids) for kind, uuids in defined.items()},
        resources={f"#{node.value.get('uuid')}": node for node in nodes if node.holder == "resources"},
        selected=frozenset(control for node in nodes if node.holder == "include-controls" for control in node.value.get("with-ids", ())),
    )


def _nodes(value: dict[str, Any], pointer: str, holder: str, owners: tuple[Node, ...]) -> Iterator[Node]:
    node = Node(pointer, holder, value, owners)
    yield node
    inside = (*owners, node)
    for key, member in value.items():
        if isinstance(member, dict):
            yield from _nodes(member, f"{pointer}/{key}", key, inside)
        elif isinstance(member, list):
            for index, item in enumerate(member):
                if isinstance(item, dict):
                    yield from _nodes(item, f"{pointer}/{key}/{index}", key, inside)
