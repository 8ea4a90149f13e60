"""KSIs: what this package shows of each Key Security Indicator of FedRAMP, and what it leaves to whom."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import Any, Literal, get_args

from claimstack.controls.catalog import Catalog, load_catalog
from claimstack.controls.errors import InputError, raise_all
from claimstack.controls.families import PARTIES, Remainder
from claimstack.controls.tables import choice_problem, listed, sentence_problem, suggestion, unknown_keys

Evidence = Literal["template", "partial", "none"]
FILE = "controls/ksis.toml"

_TEXTS = ("objective", "cycle", "reason", "risk")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "template": ("objective", "cycle"),
    "partial": ("objective", "cycle"),
    "none": ("reason", "risk"),
}
_KEYS = ("evidence", "points", "only", "measures", *_TEXTS, "remains")


@dataclass(frozen=True, slots=True)
class Measure:
    """One sentence on how an indicator is met, true of every system whose claims on these checks hold."""

    says: str
    checks: tuple[str, ...]
    """Checks, or patterns of their ids, that the claims behind it rest on; none where it speaks of the package and not of the system."""


@dataclass(frozen=True, slots=True)
class KsiAnswer:
    """What this package says to one indicator, before the provider has said anything."""

    ksi: str
    evidence: Evidence
    """`template`: claims show the state that the indicator asks for; `partial`: a part of it; `none`: no infrastructure code can."""
    points: tuple[str, ...]
    """Response points whose claims demonstrate the indicator; empty for `none`."""
    only: Mapping[str, tuple[str, ...]]
    """Of the claims at a point, those that rest on one of these checks; a point that is not named counts with all its claims."""
    measures: tuple[Measure, ...]
    """What may demonstrate the indicator; the system shows which of it does. Empty for `none`."""
    objective: str
    cycle: str
    """What runs when, and what does not run persistently."""
    remains: tuple[Remainder, ...]
    reason: str
    """Why nothing is shown; only for `none`."""
    risk: str
    """To customers, while nothing is shown; only for `none`."""


@cache
def load_ksi_answers() -> Mapping[str, KsiAnswer]:
    """The answers of this package by KSI id, in the order of the facts; an InputError names each key that is wrong."""
    return parse_ksi_answers(package_files("claimstack.controls").joinpath("ksis.toml").read_text("utf-8"), load_catalog())


def parse_ksi_answers(text: str, catalog: Catalog, file: str = FILE) -> Mapping[str, KsiAnswer]:
    """Answers out of a TOML text, one for each KSI."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: not TOML: {error}") from None
    answers: dict[str, KsiAnswer] = {}
    causes: list[str] = []
    for id_, entry in table.items():
        if id_ not in catalog.ksis:
            causes.append(f"{file}: {id_}: no Key Security Indicator{suggestion(id_, tuple(catalog.ksis))}")
        if not isinstance(entry, dict):
            causes.append(f"{file}: {id_}: must be a table with {listed(_KEYS)}")
            continue
        causes += [f"{file}: {id_}: {problem}" for problem in _shape_problems(entry)]
        answers[id_] = _answer(id_, entry)
        causes += [f"{file}: {id_}: {problem}" for problem in answer_problems(answers[id_], catalog)]
    causes += [f"{file}: {id_}: missing; answer every indicator" for id_ in catalog.ksis if id_ not in answers]
    raise_all(causes)
    return MappingProxyType({id_: answers[id_] for id_ in catalog.ksis})


def answer_problems(answer: KsiAnswer, catalog: Catalog) -> Iterator[str]:
    """What is wrong with the values of an answer."""
    yield from choice_problem("evidence", answer.evidence, get_args(Evidence))
    needed = _NEEDED.get(answer.evidence, ())
    for key in _TEXTS:
        value = getattr(answer, key)
        if key in needed:
            yield from sentence_problem(key, value)
        elif needed and value != "":
            yield f"{key}: belongs to another kind of evidence than {answer.evidence!r}; remove it"
    if needed and bool(answer.measures) is (answer.evidence == "none"):
        said = "no claim can show this indicator; remove them" if answer.measures else "missing; say what demonstrates it"
        yield f"measures: {said}"
    for number, measure in enumerate(answer.measures):
        yield from (f"measures[{number}]: {problem}" for problem in sentence_problem("says", measure.says))
    if answer.evidence == "none" and answer.points:
        yield "points: no claim can show this indicator; remove them, or say evidence = 'partial'"
    if answer.evidence in ("template", "partial") and not answer.points:
        yield "points: missing; name the response points whose claims demonstrate it"
    for point in answer.points:
        try:
            catalog.point(point)
        except InputError as error:
            yield f"points: {error}"
    if len(set(answer.points)) != len(answer.points):
        yield "points: one is listed twice; list it once"
    for point, checks in answer.only.items():
        if point not in answer.points:
            yield f"only: {point!r} is not among the points; name it there, or remove it"
        if not checks:
            yield f"only: {point!r}: must be a list of check ids"
    if not answer.remains:
        yield "remains: missing; say what is left and for whom"
    for number, remainder in enumerate(answer.remains):
        yield from (f"remains[{number}]: {problem}" for problem in choice_problem("who", remainder.who, PARTIES))
        yield from (f"remains[{number}]: {problem}" for problem in sentence_problem("what", remainder.what))


def nearest_ksi(id_: str) -> str:
    """The remedy for an unknown KSI id."""
    return suggestion(id_.upper(), tuple(load_catalog().ksis)) or "; write it like KSI-CNA-RNT"


def _shape_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    yield from unknown_keys(entry, _KEYS)
    points, remains, measures = entry.get("points", []), entry.get("remains", []), entry.get("measures", [])
    if not isinstance(points, list) or not all(isinstance(point, str) for point in points):
        yield "points: must be a list of point ids"
    if not isinstance(entry.get("only", {}), dict):
        yield "only: must be a table of point ids with lists of check ids"
    if not _are_tables(measures):
        yield "measures: must be a list of tables with says and checks"
    else:
        for number, measure in enumerate(measures):
            yield from (f"measures[{number}]: {problem}" for problem in unknown_keys(measure, ("says", "checks")))
            if "checks" in measure and not _texts(measure["checks"]):
                yield f"measures[{number}]: checks: must be a list of check ids; leave it out where the package is spoken of"
    if not _are_tables(remains):
        yield "remains: must be a list of tables with who and what"
        return
    for number, remainder in enumerate(remains):
        yield from (f"remains[{number}]: {problem}" for problem in unknown_keys(remainder, ("who", "what")))


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _answer(id_: str, entry: Mapping[str, Any]) -> KsiAnswer:
    points, only, remains = entry.get("points", []), entry.get("only", {}), entry.get("remains", [])
    measures = entry.get("measures", [])
    return KsiAnswer(
        ksi=id_,
        evidence=entry.get("evidence", ""),
        points=tuple(point for point in points if isinstance(point, str)) if isinstance(points, list) else (),
        only=MappingProxyType({point: _texts(checks) for point, checks in only.items()})
        if isinstance(only, dict)
        else MappingProxyType({}),
        measures=tuple(Measure(each.get("says", ""), _texts(each.get("checks", []))) for each in measures if isinstance(each, dict))
        if isinstance(measures, list)
        else (),
        remains=tuple(Remainder(r.get("who", ""), r.get("what", "")) for r in remains if isinstance(r, dict))
        if isinstance(remains, list)
        else (),
        **{key: entry.get(key, "") for key in _TEXTS},
    )


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts, or nothing where it is something else."""
    return tuple(value) if isinstance(value, list) and all(isinstance(each, str) and each for each in value) else ()
