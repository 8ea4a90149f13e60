"""OSCAL: identifiers, namespaces, metadata and bytes that every OSCAL document shares."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

if TYPE_CHECKING:
    from trestle.core.base_model import OscalBaseModel

Document = dict[str, Any]
"""An OSCAL document as JSON: one key that names the model, its content below."""

OSCAL_VERSION = "1.2.1"
FEDRAMP_NS = "http://fedramp.gov/ns/oscal"
"""As the FedRAMP reference files spell it: with http; trestle's own constant says https."""
OWN_NS = "https://claimstack.dev/ns/oscal"
"""Has a path on purpose: trestle appends a slash to a namespace that is a bare host."""
TRESTLE_NS = "https://oscal-compass.github.io/compliance-trestle/schemas/oscal"
"""Namespace of the Rule_Id and Check_Id props, by which trestle's tools know a rule."""

CATALOG_HREF = (
    "https://raw.githubusercontent.com/usnistgov/oscal-content/v1.4.0/nist.gov/SP800-53/rev5/json/NIST_SP-800-53_rev5_catalog.json"
)
"""NIST SP 800-53 Rev 5.2.0 at the tag whose bytes have the hash in our facts; the main branch has moved on to other bytes."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, OWN_NS)


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Party:
    uuid: str
    name: str
    type: str = "organization"
    """`organization` or `person`."""
    title: str | None = None
    email: str | None = None
    phone: str | None = None

    def data(self) -> dict[str, Any]:
        built: dict[str, Any] = {"uuid": self.uuid, "type": self.type, "name": self.name}
        if self.title is not None:
            built["props"] = [prop("job-title", self.title, ns=None)]
        if self.email is not None:
            built["email-addresses"] = [self.email]
        if self.phone is not None:
            built["telephone-numbers"] = [{"number": self.phone}]
        return built


@lru_cache(maxsize=8192)  # a document names most objects more than once
def stable_uuid(*parts: str) -> str:
    """Name an object by what it is: equal parts give the equal version 5 UUID, in every build and on every machine."""
    if not parts or not all(parts):
        raise ValueError(f"stable_uuid takes names that are not empty, got {parts!r}")
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def timestamp(moment: datetime) -> str:
    """Write an aware moment as OSCAL date-time in UTC, to the second, with the offset `+00:00`.

    `Z` would mean the same, but trestle writes the offset, and a document must keep its bytes when trestle reads and writes it.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone, which OSCAL requires")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def metadata(
    title: str,
    last_modified: datetime,
    version: str,
    *,
    roles: Iterable[Role] = (),
    parties: Iterable[Party] = (),
    responsible: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Build a document's metadata; `responsible` maps role ids to party uuids. Empty lists stay out: the schema refuses them."""
    lists: dict[str, list[dict[str, Any]]] = {
        "roles": [{"id": role.id, "title": role.title} for role in roles],
        "parties": [party.data() for party in parties],
        "responsible-parties": [{"role-id": role, "party-uuids": list(uuids)} for role, uuids in (responsible or {}).items()],
    }
    return {
        "title": title,
        "last-modified": timestamp(last_modified),
        "version": version,
        "oscal-version": OSCAL_VERSION,
        **{key: entries for key, entries in lists.items() if entries},
    }


def prop(name: str, value: str, *, ns: str | None = OWN_NS, remarks: str | None = None) -> dict[str, str]:
    """Build a prop; `ns=None` is for the names that OSCAL itself defines. A value is one line without spaces around it."""
    built = {"name": name, "value": value}
    if ns is not None:
        built["ns"] = ns
    if remarks is not None:
        built["remarks"] = remarks
    return built


def resource(
    identifier: str,
    title: str,
    href: str,
    *,
    media_type: str | None = None,
    sha256: str | None = None,
    description: str | None = None,
    props: Iterable[dict[str, str]] = (),
) -> dict[str, Any]:
    """Build a back-matter resource with one rlink; `sha256` is the hash of the bytes behind `href`, in hexadecimal."""
    rlink: dict[str, Any] = {"href": href}
    if media_type is not None:
        rlink["media-type"] = media_type
    if sha256 is not None:
        rlink["hashes"] = [{"algorithm": "SHA-256", "value": sha256}]
    built: dict[str, Any] = {"uuid": identifier, "title": title}
    if description is not None:
        built["description"] = description
    if listed := list(props):
        built["props"] = listed
    return built | {"rlinks": [rlink]}


def through_trestle(model: type[OscalBaseModel], content: Mapping[str, Any]) -> Document:
    """Return the content under its root key, once the trestle model has accepted it.

    The content itself is returned and not the model's own writing of it, which costs as much again and says the same (the tests
    compare the two). A pydantic ValidationError says that a renderer is wrong, never that the user's input is.
    """
    from trestle.common.str_utils import AliasMode, classname_to_alias

    model.model_validate(content)
    return {classname_to_alias(model.__name__, AliasMode.JSON): dict(content)}


def to_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a document as UTF-8 JSON, two spaces deep, keys in the order they have, a newline at the end: equal documents, equal bytes."""
    return to_json(document, indent=2) + b"\n"
