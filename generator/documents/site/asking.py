"""Asking: whom an assessor asks for what no fact shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from claimstack.generator.evaluation import Answer, Status
from claimstack.generator.stated import ROLES, Role
from claimstack.generator.system import System

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
            yield "The provider's organisation. Not stated in system.toml: [[people]] with the role information-system-security-officer"
    elif party == "aws":
        if config.leveraged is not None:
            yield f"AWS, by package {config.leveraged.package_id} ({config.leveraged.title})"
        else:
            yield "AWS. Not stated in system.toml: [leveraged]"
    elif party == "customer":
        yield "The agency that uses the system"
    elif party == "provider-of-key":
        yield "Whoever runs the KMS key that is given as KeyArn"
    else:
        yield "The authors of the tools that the server offers"
