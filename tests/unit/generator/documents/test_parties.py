"""Parties: each that a remainder may name has words, and a role that the security plan gives a title."""

from __future__ import annotations

from claimstack.controls.families import PARTIES as NAMED
from claimstack.generator.documents.oscal.people import PROVIDER
from claimstack.generator.documents.oscal.ssp_users import ROLE_TITLES
from claimstack.generator.documents.parties import PARTIES, name_of


def test_every_party_of_a_remainder_has_words_and_a_role_of_its_own() -> None:
    assert set(PARTIES) == set(NAMED)
    assert {party.role for party in PARTIES.values()} <= {PROVIDER, *ROLE_TITLES}
    for words in ("title", "name", "role"):
        assert len({getattr(party, words) for party in PARTIES.values()}) == len(PARTIES)


def test_a_party_of_another_version_keeps_its_word() -> None:
    assert (name_of("organisation"), name_of("auditor")) == ("the provider", "auditor")
