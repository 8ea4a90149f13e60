"""Class C: every point can be claimed or is disposed of, in words of our own that say something."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import Families, load_families

REPOSITORY = Path(__file__).parents[2]
OFFICIAL = Path(os.environ.get("CLAIMSTACK_DATA") or REPOSITORY.parent / "shared" / "data")
CATALOG = OFFICIAL / "nist" / "NIST_SP-800-53_rev5.2.0_catalog.json"

UNANSWERED: Mapping[str, str] = {}
"""Points of class C of which nothing honest can be said yet, with the reason."""
LONGEST = 200
"""Characters of a reason: an assessor reads hundreds of them."""
COPIED_RUN = 6
"""Words in a row that count as copied from a standard; shorter runs are set phrases such as names of things."""


def unanswered(families: Families) -> set[str]:
    return {
        point.id
        for point in load_catalog().class_points("C")
        if families.disposition_of(point.id, point.control) is None
        and not (point.id in families.ceilings and families.ceilings[point.id].claimable)
    }


def sentences(families: Families) -> Iterator[tuple[str, str]]:
    for ceiling in families.ceilings.values():
        if ceiling.because:
            yield f"{ceiling.point}: because", ceiling.because
        for remainder in ceiling.remains:
            yield f"{ceiling.point}: remains", remainder.what
    for disposition in families.dispositions.values():
        yield f"{disposition.target}: reason", disposition.reason


def test_every_point_can_be_claimed_or_is_disposed_of() -> None:
    assert unanswered(load_families()) == set(UNANSWERED)


def test_a_point_without_an_answer_is_noticed() -> None:
    families = load_families()
    without = Families(
        {point: ceiling for point, ceiling in families.ceilings.items() if point != "au-11_smt"},
        {target: found for target, found in families.dispositions.items() if target not in {"at-1", "au-11"}},
    )
    assert unanswered(without) - set(UNANSWERED) == {"at-1_smt.a", "at-1_smt.b", "at-1_smt.c", "au-11_smt"}


def test_what_no_claim_may_name_is_disposed_of() -> None:
    families = load_families()
    points = load_catalog().points
    assert [
        point
        for point, ceiling in families.ceilings.items()
        if not ceiling.claimable and families.disposition_of(point, points[point].control) is None
    ] == []


def test_every_partial_ceiling_says_what_remains() -> None:
    assert [ceiling.point for ceiling in load_families().ceilings.values() if ceiling.highest == "partial" and not ceiling.remains] == []


def test_every_family_of_the_class_has_its_file() -> None:
    files = {disposition.source for disposition in load_families().dispositions.values()}
    assert files == {f"controls/families/{control.family}.toml" for control in load_catalog().class_controls("C")}
    for file in sorted(files):
        assert tomllib.loads((REPOSITORY / file).read_text("utf-8"))["family"] == Path(file).stem


def test_no_reason_fits_more_than_six_controls() -> None:
    controls: dict[str, set[str]] = defaultdict(set)
    for disposition in load_families().dispositions.values():
        controls[disposition.reason].add(disposition.target.partition("_")[0])
    assert {reason: sorted(found) for reason, found in controls.items() if len(found) > 6} == {}


def test_every_sentence_is_short_and_ends() -> None:
    assert [(where, text) for where, text in sentences(load_families()) if len(text) > LONGEST or not text.endswith(".")] == []


@pytest.mark.skipif(
    not CATALOG.is_file() and "CI" not in os.environ, reason="the official files are not here: set CLAIMSTACK_DATA to their folder"
)
def test_no_sentence_of_the_catalog_is_copied() -> None:
    official = {run for prose in _proses(json.loads(CATALOG.read_text("utf-8"))) for run in _runs(prose)}
    assert len(official) > 10_000
    assert [(where, text) for where, text in sentences(load_families()) if any(run in official for run in _runs(text))] == []


def _proses(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("prose"), str):
            yield node["prose"]
        for value in node.values():
            yield from _proses(value)
    elif isinstance(node, list):
        for value in node:
            yield from _proses(value)


def _runs(text: str) -> Iterator[str]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    for start in range(len(words) - COPIED_RUN + 1):
        yield " ".join(words[start : start + COPIED_RUN])
