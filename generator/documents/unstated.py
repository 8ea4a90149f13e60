"""Unstated: the keys of system.toml that only the provider can fill and that are empty, with what waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claimstack.generator.config import Config
from claimstack.generator.stated import ROLES

OFFERING: Final = "the offering as agencies meet it"
AFTERWARDS: Final = "what FedRAMP asks for after certification"
SERVICE: Final = {
    "acronym": OFFERING,
    "model": OFFERING,
    "deployment": OFFERING,
    "website": OFFERING,
    "logo": OFFERING,
    "fedramp_id": "assigned by FedRAMP",
    "uei": OFFERING,
    "business_categories": OFFERING,
    "package_url": "where the package is published",
    "trust_center": AFTERWARDS,
    "next_report": AFTERWARDS,
    "operational_since": "without it no service is listed in certifiedServices",
}
"""Key of [service] → what waits for it."""
NEEDED_ROLES: Final = (
    "system-owner",
    "authorizing-official",
    "information-system-security-officer",
    "package-official",
    "incident-response",
)
NEEDED_CONTACTS: Final = ("Security", "Sales")
"""Contacts without which the schema of the Certification Package Overview refuses it."""


@dataclass(frozen=True, slots=True)
class Unstated:
    """A key that is empty; a person's role or kind of contact counts as one."""

    key: str
    what: str
    overview: bool = True
    """Whether the Certification Package Overview has a place for it."""


def unstated(config: Config) -> Iterator[Unstated]:
    """Every empty key that a document has a place for, in the order of system.toml."""
    if config.description is None:
        yield Unstated("description", "what the service does, in a sentence")
    if config.organisation.name is None:
        yield Unstated("[organisation] name", "the provider")
    if config.leveraged is None:
        yield Unstated("[leveraged]", "the authorization of the infrastructure; without it nothing of it is inherited or listed")
    for key, what in SERVICE.items():
        if not getattr(config.service, key):
            yield Unstated(f"[service] {key}", what)
    for key in ("identity", "authenticator", "federation"):
        if getattr(config.assurance, key) is None:
            yield Unstated(f"[assurance] {key}", "level of NIST SP 800-63-3", overview=False)
    if not config.information:
        yield Unstated("[[information]]", "information types with their FIPS 199 impact")
    held = {role for person in config.people for role in person.roles}
    for role in NEEDED_ROLES:
        if role not in held:
            yield Unstated(f"[[people]] with the role {role}", ROLES[role], overview=role == "package-official")
    reached = {kind for person in config.people for kind in person.contact}
    for kind in NEEDED_CONTACTS:
        if kind not in reached:
            yield Unstated(f'[[people]] with contact = ["{kind}"]', f"whom agencies reach about {kind.lower()}")
    if config.assessor is None:
        yield Unstated("[assessor]", "the independent assessor; none is named")
    if not config.cryptographic_modules:
        yield Unstated("[cryptographic_modules]", "certificates of cryptographic modules", overview=False)
