"""Site words: titles of families, names of parties, and whom an assessor asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from claimstack.generator.evaluation import Answer, Status
from claimstack.generator.stated import ROLES, Role
from claimstack.generator.system import System

FAMILIES: Final[Mapping[str, str]] = {
    "ac": "Access Control",
    "at": "Awareness and Training",
    "au": "Audit and Accountability",
    "ca": "Assessment, Authorization, and Monitoring",
    "cm": "Configuration Management",
    "cp": "Contingency Planning",
    "ia": "Identification and Authentication",
    "ir": "Incident Response",
    "ma": "Maintenance",
    "mp": "Media Protection",
    "pe": "Physical and Environmental Protection",
    "pl": "Planning",
    "pm": "Program Management",
    "ps": "Personnel Security",
    "pt": "Personally Identifiable Information Processing and Transparency",
    "ra": "Risk Assessment",
    "sa": "System and Services Acquisition",
    "sc": "System and Communications Protection",
    "si": "System and Information Integrity",
    "sr": "Supply Chain Risk Management",
}
"""Family → its title in NIST SP 800-53."""

WHO: Final[Mapping[str, str]] = {
    "organisation": "the provider's organisation",
    "provider-of-key": "the provider of the key",
    "tools": "the authors of tools",
    "customer": "the customer (agency)",
    "aws": "AWS",
}
"""Party of a remainder → its name in a sentence."""

_ASKED_ROLES: Final[tuple[Role, ...]] = ("information-system-security-officer", "system-owner")
_WHO_BY_STATUS: Final[Mapping[Status, str]] = {Status.INHERITED: "aws", Status.CUSTOMER: "customer"}


def party_of(status: Status) -> str:
    """The party that answers for a point on which no claim stands."""
    return _WHO_BY_STATUS.get(status, "organisation")


def whom_to_ask(system: System, answers: Iterable[Answer]) -> Iterator[str]:
    """Whom to interview for what no fact shows, each once."""
    said: dict[str, None] = {}
    for answer in answers:
        parties = [remainder.who for remainder in answer.remains] if answer.claims else []
        disposition = answer.disposition
        if disposition is not None and disposition.provider is not None:
            said.update(dict.fromkeys(_provider(system, disposition.provider)))
        elif not answer.claims:
            parties.append(party_of(answer.status))
        for party in parties:
            said.update(dict.fromkeys(ask(system, party)))
    yield from said


def _provider(system: System, key: str) -> Iterator[str]:
    provider = system.config.providers.get(key)
    if provider is not None:
        yield f"{provider.title}" + (f" (run by {provider.operator})" if provider.operator else "")


def ask(system: System, party: str) -> Iterator[str]:
    """Who answers for a party, as system.toml names them; what it does not name is said to be open."""
    config = system.config
    if party == "organisation":
        people = [person for person in config.people if set(person.roles) & set(_ASKED_ROLES)]
        for person in people:
            held = ", ".join(ROLES[role] for role in _ASKED_ROLES if role in person.roles)
            yield f"{person.name} ({held})" + (f", {person.email}" if person.email else "")
        if not people:
            yield "The provider's organisation. Not stated in system.toml: [[people]] with role information-system-security-officer"
    elif party == "aws":
        if config.leveraged is not None:
            yield f"AWS, by package {config.leveraged.package_id} ({config.leveraged.title})"
        else:
            yield "AWS. Not stated in system.toml: [leveraged]"
    elif party == "customer":
        yield "The agency that uses the system"
    elif party == "provider-of-key":
        yield "Whoever runs the KMS key" + (" (the key stack of this system)" if config.key.stack else " that is given as KeyArn")
    else:
        yield "The authors of the tools that the server offers"


def not_stated(system: System) -> Iterator[tuple[str, str]]:
    """Keys of system.toml that only the provider can fill and that are empty, with what they are for."""
    config = system.config
    if config.description is None:
        yield "description", "what the service does, in a sentence"
    if config.organisation.name is None:
        yield "[organisation] name", "the provider"
    if not config.information:
        yield "[[information]]", "information types with their FIPS 199 impact"
    for key in ("acronym", "model", "deployment", "website", "logo", "fedramp_id", "uei", "business_categories", "package_url"):
        if not getattr(config.service, key):
            yield f"[service] {key}", "the offering as agencies meet it"
    for key in ("trust_center", "next_report"):
        if not getattr(config.service, key):
            yield f"[service] {key}", "what FedRAMP asks for after certification"
    for key in ("identity", "authenticator", "federation"):
        if getattr(config.assurance, key) is None:
            yield f"[assurance] {key}", "level of NIST SP 800-63-3"
    held = {role for person in config.people for role in person.roles}
    for role in ("system-owner", "authorizing-official", "information-system-security-officer", "package-official", "incident-response"):
        if role not in held:
            yield f"[[people]] with role {role}", ROLES[role]
    if config.leveraged is None:
        yield "[leveraged]", "the authorization of the infrastructure; without it nothing is inherited"
    if config.assessor is None:
        yield "[assessor]", "the independent assessor; none is named"
    if not config.cryptographic_modules:
        yield "[cryptographic_modules]", "certificates of cryptographic modules"
