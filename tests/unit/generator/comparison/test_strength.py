"""Strength: which check asks for less than another."""

from __future__ import annotations

from typing import Any

import pytest

from claimstack.generator.comparison.strength import OPPOSITE, strength


def check(op: str, *, path: tuple[str, ...] = ("Properties", "X"), **condition: Any) -> dict[str, Any]:
    return {"kind": "property", "path": list(path), "predicate": {"op": op, **condition}}


def population(op: str = "present", *, where: tuple[Any, ...] = (), may_be_empty: bool = False, **condition: Any) -> dict[str, Any]:
    return {**check(op, **condition), "kind": "population", "type": "T", "where": list(where), "may_be_empty": may_be_empty}


FLOOR = {"value": 914, "unit": "days", "source": "M-21-31"}

WEAKER = [
    (check("at-least", bound=914), check("at-least", bound=365)),
    (check("at-least", bound=FLOOR), check("at-least", bound=913)),
    (check("at-most", bound=365), check("at-most", bound=730)),
    (check("one-of", values=["a"]), check("one-of", values=["a", "b"])),
    (check("none-of", values=["a", "b"]), check("none-of", values=["a"])),
    (check("only", items=["a"]), check("only", items=["a", "b"])),
    (check("contains", items=["a", "b"]), check("contains", items=["a"])),
    (check("equals", expected="TLS_1_3"), check("one-of", values=["TLS_1_2", "TLS_1_3"])),
    (check("equals", expected=True), check("present")),
    (check("equals", expected=1096), check("at-least", bound=914)),
    (check("equals", expected=30), check("at-most", bound=30)),
    (check("equals", expected="b"), check("none-of", values=["a"])),
    (check("equals", expected="ab"), check("matches", pattern="a.")),
    (check("equals", expected=["a", "b"]), check("contains", items=["a"])),
    (check("one-of", values=["ab", "ac"]), check("matches", pattern="a.")),
    (check("matches", pattern="a."), check("present")),
    (population(), check("present")),
    (population(), population(where=("big",))),
    (population(), population(may_be_empty=True)),
    (population("at-least", bound=9), population("at-least", bound=8, where=("big",))),
]

OTHER = [
    (check("equals", expected="a"), check("equals", expected="b")),
    (check("equals", expected="a"), check("absent")),
    (check("absent"), check("present")),
    (check("equals", expected=1), check("equals", expected=True)),
    (check("equals", expected=100), check("at-least", bound=914)),
    (check("equals", expected="zz"), check("matches", pattern="a.")),
    (check("matches", pattern="a."), check("matches", pattern="a.*")),
    (check("one-of", values=["a", "b"]), check("one-of", values=["b", "c"])),
    (check("present"), check("present", path=("Properties", "Y"))),
    (population("at-least", bound=8), population("at-least", bound=9, where=("big",))),
    (population(), {**population(), "type": "U"}),
    ({"kind": "question.no-ingress"}, check("present")),
    ({"kind": "question.routes-are", "public": []}, {"kind": "question.routes-are", "public": ["GET /"]}),
]


@pytest.mark.parametrize(("old", "new"), WEAKER)
def test_a_check_that_more_satisfies_is_weaker_and_the_other_way_round_stronger(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert (strength(old, new), strength(new, old)) == ("weaker", "stronger")


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_what_does_not_compare_is_left_to_people(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert (strength(old, new), strength(new, old)) == ("other", "other")


@pytest.mark.parametrize("one", [old for old, _ in WEAKER + OTHER])
def test_equal_checks_are_the_same(one: dict[str, Any]) -> None:
    assert strength(one, dict(one)) == "same"


def test_a_verdict_turned_around_twice_is_itself() -> None:
    assert [OPPOSITE[OPPOSITE[verdict]] for verdict in OPPOSITE] == list(OPPOSITE)
