"""Parties: what everyone is called with whom something remains, in every document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartyWords:
    title: str
    """In a cell or a heading."""
    name: str
    """In a sentence."""
    role: str
    """Its role in the security plan."""
    outside: bool
    """Whether a claim that leaves something to it is `shared`: the provider's own people and process are the provider itself."""


PARTIES: Mapping[str, PartyWords] = {
    "organisation": PartyWords("Provider", "the provider", "provider", outside=False),
    "provider-of-key": PartyWords("Provider of the key", "the provider of the key", "key-administrator", outside=True),
    "tools": PartyWords("Authors of tools", "the authors of tools", "tool-author", outside=False),
    "customer": PartyWords("Customer", "the customer", "customer", outside=True),
    "aws": PartyWords("AWS", "AWS", "infrastructure-provider", outside=True),
}
"""Party of a remainder → its words, in the order in which documents list them."""


def name_of(who: str) -> str:
    """In a sentence, also where a package of another version names a party that is not known here."""
    return PARTIES[who].name if who in PARTIES else who
