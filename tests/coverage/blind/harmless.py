"""Harmless: changes that nothing notices and why that is well, and what became of every change."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tests.coverage.blind.change import Blind
from tests.coverage.blind.schemas import refused
from tests.coverage.blind.walk import mutants
from tests.coverage.blind.watch import Watch

SURVIVORS = Path(__file__).parents[1] / "survivors.toml"


@dataclass(frozen=True, slots=True)
class Harmless:
    """Changes that need no check, and why."""

    type: str
    path: str
    kinds: tuple[str, ...]
    reason: str

    def covers(self, blind: Blind) -> bool:
        return fnmatchcase(blind.type, self.type) and _path_matches(self.path, blind.where) and blind.kind in self.kinds


def _path_matches(pattern: str, where: str) -> bool:
    """`**` stands for any number of steps, `[*]` for any item."""
    return re.fullmatch(re.escape(pattern).replace(r"\*\*", ".*"), where) is not None


def load_survivors(path: Path = SURVIVORS) -> tuple[Harmless, ...]:
    entries = tomllib.loads(path.read_text("utf-8")).get("harmless", [])
    return tuple(
        Harmless(type_, where, tuple(entry["kinds"]), entry["reason"])
        for entry in entries
        for type_ in _listed(entry["type"])
        for where in _listed(entry["path"])
    )


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


@dataclass
class Report:
    """What became of the mutants of one system."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """Kind of change → noticed, refused, harmless, unnoticed → number."""
    unnoticed: list[Blind] = field(default_factory=list)
    used: set[Harmless] = field(default_factory=set)

    def count(self, blind: Blind, fate: str) -> None:
        self.counts.setdefault(blind.kind, Counter())[fate] += 1

    def table(self) -> str:
        fates = ("noticed", "refused", "harmless", "unnoticed")
        lines = [f"{'change':<22}" + "".join(f"{fate:>11}" for fate in fates)]
        total: Counter[str] = Counter()
        for kind, counts in sorted(self.counts.items()):
            total += counts
            lines.append(f"{kind:<22}" + "".join(f"{counts[fate]:>11}" for fate in fates))
        lines.append(f"{'all':<22}" + "".join(f"{total[fate]:>11}" for fate in fates))
        return "\n".join(lines)


def report_on(watch: Watch, harmless: tuple[Harmless, ...]) -> Report:
    report = Report()
    for blind in mutants(watch.emitted):
        if watch.notices(blind):
            report.count(blind, "noticed")
        elif refused(watch.emitted, blind):
            report.count(blind, "refused")
        else:
            entries = [entry for entry in harmless if entry.covers(blind)]
            report.used.update(entries)
            report.count(blind, "harmless" if entries else "unnoticed")
            if not entries:
                report.unnoticed.append(blind)
    return report
