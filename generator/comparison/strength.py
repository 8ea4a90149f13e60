"""Strength: whether a check asks for less than the one in whose place it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from claimstack.generator.comparison.values import canonical
from claimstack.generator.emitted import Json

Verdict = Literal["same", "weaker", "stronger", "other"]
OPPOSITE: Mapping[Verdict, Verdict] = {"same": "same", "weaker": "stronger", "stronger": "weaker", "other": "other"}


def strength(old: Json, new: Json) -> Verdict:
    """Compare two checks as data. `other`: they differ in a way that only a person can judge."""
    if canonical(old) == canonical(new):
        return "same"
    if "path" not in old or old.get("path") != new.get("path") or "predicate" not in old or "predicate" not in new:
        return "other"
    return _joined(_scope(old, new), _predicate(old["predicate"], new["predicate"]))


def _joined(one: Verdict, other: Verdict) -> Verdict:
    if one == "same" or one == other:
        return other
    return one if other == "same" else "other"


def _scope(old: Json, new: Json) -> Verdict:
    """A check of every resource of a type asks more than one of a single resource, fewer conditions on whom it asks more than many."""
    if old["kind"] != new["kind"]:
        verdicts: Mapping[tuple[str, str], Verdict] = {("population", "property"): "weaker", ("property", "population"): "stronger"}
        return verdicts.get((old["kind"], new["kind"]), "other")
    if old["kind"] != "population":
        return "same"
    if old["type"] != new["type"]:
        return "other"
    where = _set(old.get("where", []), new.get("where", []))
    empty: Verdict = "same"
    if old.get("may_be_empty") != new.get("may_be_empty"):
        empty = "weaker" if new.get("may_be_empty") else "stronger"
    return _joined(where, empty)


def _predicate(old: Json, new: Json) -> Verdict:
    if canonical(old) == canonical(new):
        return "same"
    if old["op"] == new["op"]:
        compare = SAME_OP.get(old["op"])
        return compare(old, new) if compare is not None else "other"
    if _implies(old, new):
        return "weaker"
    return "stronger" if _implies(new, old) else "other"


def _implies(one: Json, other: Json) -> bool:
    """Whether whatever satisfies the first condition satisfies the second, which differs in kind."""
    if one["op"] == "absent" or other["op"] == "absent":
        return False
    if other["op"] == "present":
        return True
    values = [one["expected"]] if one["op"] == "equals" else one["values"] if one["op"] == "one-of" else None
    return values is not None and all(_holds(other, value) for value in values)


def _holds(condition: Json, value: Json) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match condition["op"]:
        case "equals":
            return canonical(condition["expected"]) == canonical(value)
        case "one-of":
            return any(canonical(value) == canonical(item) for item in condition["values"])
        case "none-of":
            return all(canonical(value) != canonical(item) for item in condition["values"])
        case "at-least":
            return number and value >= _bound(condition)
        case "at-most":
            return number and value <= _bound(condition)
        case "matches":
            return isinstance(value, str) and re.fullmatch(condition["pattern"], value) is not None
        case "contains":
            return isinstance(value, list) and _set(condition["items"], value) in ("same", "weaker")
        case _:
            return False


def _set(small: list[Json], large: list[Json]) -> Verdict:
    """`weaker` where the second holds all of the first and more."""
    one, other = ({canonical(item) for item in items} for items in (small, large))
    if one == other:
        return "same"
    return "weaker" if one < other else "stronger" if one > other else "other"


def _bound(condition: Json) -> float:
    """A bound is a number, or a floor with its source."""
    bound = condition["bound"]
    return float(bound["value"] if isinstance(bound, dict) else bound)


def _at_least(old: Json, new: Json) -> Verdict:
    before, after = _bound(old), _bound(new)
    return "same" if before == after else "weaker" if after < before else "stronger"


SAME_OP: Mapping[str, Callable[[Json, Json], Verdict]] = {
    "at-least": _at_least,
    "at-most": lambda old, new: OPPOSITE[_at_least(old, new)],
    "contains": lambda old, new: OPPOSITE[_set(old["items"], new["items"])],
    "none-of": lambda old, new: OPPOSITE[_set(old["values"], new["values"])],
    "one-of": lambda old, new: _set(old["values"], new["values"]),
    "only": lambda old, new: _set(old["items"], new["items"]),
}
"""Kind of condition → how two of it compare; of the others only equal ones compare."""
