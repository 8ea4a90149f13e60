"""Families: the most that can be claimed of each point, and what is said of the points that no claim answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from claimstack.controls.catalog import Catalog, Point, load_catalog
from claimstack.controls.errors import InputError, raise_all
from claimstack.controls.tables import choice_problem, listed, sentence_problem, suggestion, toml_tables, toml_texts, unknown_keys

HIGHEST = ("implemented", "partial", "none")
PARTIES = ("organisation", "aws", "customer", "provider-of-key", "tools")
"""Who a remainder is left to; `organisation` is the provider's own people and process, `customer` the agency."""
ORIGINATIONS: Mapping[str, tuple[str, ...]] = {
    "inherited": ("inherited", "shared"),
    "organisational": ("sp-corporate", "sp-system", "shared"),
    "customer": ("customer-configured", "customer-provided", "shared"),
    "planned": ("sp-corporate", "sp-system", "shared"),
    "not-applicable": ("sp-corporate", "sp-system", "customer-configured", "customer-provided", "inherited", "shared"),
}
"""The FedRAMP control originations that do not contradict each disposition status."""

_TOP_KEYS = ("family", "ceilings", "dispositions")
_CEILING_KEYS = ("highest", "remains", "because")
_REMAINDER_KEYS = ("who", "what")
_DISPOSITION_KEYS = ("status", "origination", "reason", "unless_claimed", "provider")


@dataclass(frozen=True, slots=True)
class Remainder:
    """What a party still has to do or show before a point is wholly met."""

    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The highest status that claims about one point can earn; `none` means that no claim may name it."""

    point: str
    highest: str
    remains: tuple[Remainder, ...]
    because: str

    @property
    def claimable(self) -> bool:
        return self.highest != "none"


@dataclass(frozen=True, slots=True)
class Disposition:
    """What is said of a point, or of a control's remaining points, where no claim speaks."""

    target: str
    """A point id, or a control id that stands for every point of the control without an answer of its own."""
    status: str
    origination: str
    reason: str
    unless_claimed: bool = False
    provider: str | None = None
    source: str = ""
    """The file that says so: `controls/families/au.toml` or `system.toml`."""


@dataclass(frozen=True, slots=True)
class Families:
    ceilings: Mapping[str, Ceiling]
    """By point id."""
    dispositions: Mapping[str, Disposition]
    """By point id or control id."""


def disposition_of(point: Point, *sources: Mapping[str, Disposition]) -> Disposition | None:
    """The disposition that answers a point: of the first source that has one, and there the point's own before its control's."""
    return next((source[target] for source in sources for target in (point.id, point.control) if target in source), None)


def ceiling_problems(ceiling: Ceiling, *, overrides: bool = False) -> Iterator[str]:
    """What is wrong with the values of a ceiling; one that `overrides` ours needs a reason, whatever it says."""
    yield from choice_problem("highest", ceiling.highest, HIGHEST)
    if ceiling.because != "":
        yield from sentence_problem("because", ceiling.because)
    elif overrides:
        yield "is overridden without a reason; say it in `because`"
    elif ceiling.highest != "implemented":
        yield f"because: missing; say why {ceiling.highest or 'no more'} is the most that can be earned"
    for number, remainder in enumerate(ceiling.remains):
        yield from (f"remains[{number}]: {problem}" for problem in choice_problem("who", remainder.who, PARTIES))
        yield from (f"remains[{number}]: {problem}" for problem in sentence_problem("what", remainder.what))
    if ceiling.highest == "partial" and not ceiling.remains:
        yield "remains: empty; say what is left and for whom, or state highest = 'implemented'"
    if ceiling.highest == "implemented" and ceiling.remains:
        yield "remains: something is left, so the highest status is 'partial'"


def disposition_problems(disposition: Disposition) -> Iterator[str]:
    """What is wrong with the values of a disposition."""
    wrong = [*choice_problem("status", disposition.status, tuple(ORIGINATIONS))]
    wrong += choice_problem("origination", disposition.origination, ORIGINATIONS["not-applicable"])
    yield from wrong
    if not wrong and disposition.origination not in ORIGINATIONS[disposition.status]:
        allowed = listed(ORIGINATIONS[disposition.status])
        yield f"origination: {disposition.origination!r} contradicts status {disposition.status!r}; use {allowed}"
    if disposition.provider is not None:
        yield from sentence_problem("provider", disposition.provider)
    yield from sentence_problem("reason", disposition.reason)


@cache
def load_families() -> Families:
    """The family files of this package; an InputError names each file and key that is wrong."""
    return parse_families(toml_texts("families"), load_catalog())


def parse_families(files: Mapping[str, str], catalog: Catalog) -> Families:
    """Families out of TOML texts by file name; every id and value is checked and all causes are raised at once.

    A file that states its `family` may speak only of that family and carries its name.
    """
    ceilings: dict[str, Ceiling] = {}
    dispositions: dict[str, Disposition] = {}
    origins: dict[tuple[str, str], str] = {}
    causes: list[str] = []
    for file, table in toml_tables(files, causes):
        causes += _wrong_head(file, table, catalog)
        for point, entry, problems in _entries(file, "ceilings", table, catalog, origins, causes):
            ceilings[point] = _read_ceiling(point, entry, problems)
        for target, entry, problems in _entries(file, "dispositions", table, catalog, origins, causes):
            dispositions[target] = _read_disposition(target, entry, file, problems)
    raise_all(causes)
    families = Families(ceilings, dispositions)
    raise_all(_contradictions(families, catalog, origins))
    return families


def _entries(
    file: str, section: str, table: Mapping[str, Any], catalog: Catalog, origins: dict[tuple[str, str], str], causes: list[str]
) -> Iterator[tuple[str, Mapping[str, Any], list[str]]]:
    """Each id of a section with its table and a list for its problems, which become causes once the caller asks for the next."""
    entries = table.get(section, {})
    if not isinstance(entries, dict):
        causes.append(f"{file}: {section}: must hold one table for each id")
        return
    for target, entry in entries.items():
        problems = _wrong_target(target, section, table.get("family"), catalog)
        first = origins.setdefault((section, target), file)
        if first != file:
            problems.append(f"already stated in {first}; keep one of the two")
        if isinstance(entry, dict):
            yield target, entry, problems
        else:
            problems.append("must be a table")
        causes.extend(f'{file}: {section}."{target}": {problem}' for problem in problems)


def _wrong_head(file: str, table: Mapping[str, Any], catalog: Catalog) -> Iterator[str]:
    for problem in unknown_keys(table, _TOP_KEYS):
        yield f"{file}: {problem}"
    if "family" in table:
        family = table["family"]
        known = {control.family for control in catalog.controls.values()}
        if family not in known:
            yield f"{file}: family: {family!r} is no family of the catalog{suggestion(family, sorted(known))}"
        elif PurePosixPath(file).stem != family:
            yield f"{file}: family: the file says {family!r}; name it {family}.toml"


def _wrong_target(target: str, section: str, family: object, catalog: Catalog) -> list[str]:
    try:
        if "_" in target:
            owner = catalog.point(target).control
        elif section == "ceilings":
            return ["a ceiling belongs to a response point such as au-3_smt.a, not to a control"]
        else:
            owner = catalog.control(target).id
    except InputError as error:
        return list(error.causes)
    if isinstance(family, str) and catalog.controls[owner].family != family:
        return [f"belongs to family {catalog.controls[owner].family}; move it to {catalog.controls[owner].family}.toml"]
    return []


def _read_ceiling(point: str, entry: Mapping[str, Any], problems: list[str]) -> Ceiling:
    problems += unknown_keys(entry, _CEILING_KEYS)
    remains = entry.get("remains", [])
    listed = isinstance(remains, list) and all(isinstance(remainder, dict) for remainder in remains)
    if not listed:
        problems.append("remains: must be a list of tables with who and what")
    for number, remainder in enumerate(remains if listed else ()):
        problems += [f"remains[{number}]: {problem}" for problem in unknown_keys(remainder, _REMAINDER_KEYS)]
    parts = tuple(Remainder(remainder.get("who", ""), remainder.get("what", "")) for remainder in (remains if listed else ()))
    ceiling = Ceiling(point, entry.get("highest", ""), parts, entry.get("because", ""))
    if listed:
        problems += ceiling_problems(ceiling)
    return ceiling


def _read_disposition(target: str, entry: Mapping[str, Any], file: str, problems: list[str]) -> Disposition:
    problems += unknown_keys(entry, _DISPOSITION_KEYS)
    unless_claimed = entry.get("unless_claimed", False)
    disposition = Disposition(
        target=target,
        status=entry.get("status", ""),
        origination=entry.get("origination", ""),
        reason=entry.get("reason", ""),
        unless_claimed=unless_claimed is True,
        provider=entry.get("provider"),
        source=file,
    )
    problems += disposition_problems(disposition)
    if not isinstance(unless_claimed, bool):
        problems.append(f"unless_claimed: expected true or false, found {unless_claimed!r}")
    return disposition


def _contradictions(families: Families, catalog: Catalog, origins: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Entries that are well formed each on its own and cannot stand beside one another."""
    for point, ceiling in families.ceilings.items():
        disposition = disposition_of(catalog.points[point], families.dispositions)
        if ceiling.claimable and disposition is not None and not disposition.unless_claimed:
            yield (
                f'{disposition.source}: dispositions."{disposition.target}": {origins["ceilings", point]} lets {point} be claimed;'
                f" say unless_claimed = true here, or in a disposition of the point's own"
            )
    for target, disposition in families.dispositions.items():
        where = f'{disposition.source}: dispositions."{target}"'
        if target in catalog.controls:
            points = catalog.controls[target].points
            if points and all(point in families.dispositions for point in points):
                yield f"{where}: every point of {target} has its own disposition; delete this one or theirs"
        else:
            points = (target,)
        if disposition.unless_claimed and all(point in families.ceilings and not families.ceilings[point].claimable for point in points):
            yield f"{where}: says unless_claimed, but no claim may name {listed(points)}; delete unless_claimed or raise the ceiling"
