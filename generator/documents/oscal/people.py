"""People: the roles and parties of a system, as every OSCAL document names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claimstack.generator.documents.oscal.common import Party, Role, stable_uuid
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.stated import ROLES
from claimstack.generator.system import System

PROVIDER = PARTIES["organisation"].role
"""Role of the organisation that runs the system."""


def provider_party(system: System) -> Party | None:
    """The organisation that runs the system; None where system.toml does not name it."""
    name = system.config.organisation.name
    return None if name is None else Party(stable_uuid("party", name), name)


def people(system: System) -> dict[str, Any]:
    """Keyword arguments of `oscal.metadata`: roles that somebody holds, parties, and who holds which role."""
    responsible: dict[str, list[str]] = {}
    parties: list[Party] = []
    if provider := provider_party(system):
        parties.append(provider)
        responsible[PROVIDER] = [provider.uuid]
    for person in system.config.people:
        uuid = stable_uuid("party", system.config.name, person.name)
        if uuid not in {party.uuid for party in parties}:
            parties.append(Party(uuid, person.name, "person", title=person.title, email=person.email, phone=person.phone))
        for role in person.roles:
            holders = responsible.setdefault(role, [])
            if uuid not in holders:
                holders.append(uuid)
    titles = {PROVIDER: "Provider"} | {str(role): title for role, title in ROLES.items()}
    return {"roles": [Role(role, titles[role]) for role in titles if role in responsible], "parties": parties, "responsible": responsible}


def responsible_role(role: str, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    return {"role-id": role} | ({"party-uuids": list(parties[role])} if role in parties else {})
