"""Refreshing: whom newer official files touch: claims, dispositions, ceilings, answers, stated values and documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from claimstack.controls.catalog import load_catalog
from claimstack.controls.changes import Change, Comparison
from claimstack.controls.families import load_families
from claimstack.controls.ksis import FILE as KSI_FILE
from claimstack.controls.ksis import load_ksi_answers
from claimstack.controls.rules import FOLDER as RULES_FOLDER
from claimstack.controls.rules import load_rule_answers
from claimstack.generator.system import System

LISTED = 12
"""So many things of one kind stand below a change on a terminal and in Markdown; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that has to be looked at because of a change."""

    what: str
    """`claim`, `disposition`, `ceiling`, `KSI answer`, `rule answer`, `control parameter`, `stated` or `document`."""
    where: str
    """The file, or the system and its resource."""
    says: str


@dataclass(frozen=True, slots=True)
class Impact:
    change: Change
    touched: tuple[Touched, ...]


def impacts(comparison: Comparison, systems: Mapping[str, System]) -> tuple[Impact, ...]:
    """Each change with what it touches, in this package and in systems by the name of their file."""
    return tuple(Impact(change, tuple(_touched(change, systems))) for change in comparison.changes)


def _touched(change: Change, systems: Mapping[str, System]) -> Iterator[Touched]:
    concerned = {name: system for name, system in systems.items() if change.class_ in (None, system.config.class_)}
    points = set(change.points)
    if not points and change.kind != "control-added":
        controls = load_catalog().controls
        points = {point for control in change.controls if control in controls for point in controls[control].points}
    for name, system in concerned.items():
        yield from _of_system(name, system, change, points)
    if not change.ksis:
        yield from _of_families(change, points)
    for ksi, answer in load_ksi_answers().items():
        named = [point for point in answer.points if point in points]
        if ksi in change.ksis or named:
            yield Touched("KSI answer", KSI_FILE, ksi if ksi in change.ksis else f"{ksi} rests on {', '.join(named)}")
    for rule, rule_answer in load_rule_answers().items():
        named = [point for point in rule_answer.points if point in points]
        if rule in change.rules or named:
            where = f"{RULES_FOLDER}/{rule.partition('-')[0].lower()}.toml"
            yield Touched("rule answer", where, rule if rule in change.rules else f"{rule} rests on {', '.join(named)}")
    yield from (Touched("document", "package", document) for document in change.documents)


def _of_system(name: str, system: System, change: Change, points: set[str]) -> Iterator[Touched]:
    for declared, claim in system.claims():
        if claim.point in points:
            yield Touched("claim", f"{name}: {declared.stack}.{declared.logical_id}", f"{claim.point}: {claim.sentence}")
    for target, disposition in system.overrides.items():
        if change.ksis:
            break
        if target in points or target in change.controls:
            yield Touched("disposition", f"{name}: {disposition.source}", f"{target}: {disposition.status}")
    for parameter in change.parameters:
        if parameter in system.config.parameters:
            yield Touched("control parameter", name, f"{parameter}: {system.config.parameters[parameter].value}")
    for section, stated, ids in (("rules", system.config.rules, change.rules), ("ksis", system.config.ksis, change.ksis)):
        yield from (Touched("stated", name, f'{section}."{id_}": {stated[id_].status}') for id_ in ids if id_ in stated)
    for target in system.config.plans:
        if target in points or target in change.controls:
            yield Touched("stated", name, f'plans."{target}"')


def _of_families(change: Change, points: set[str]) -> Iterator[Touched]:
    families = load_families()
    for target, disposition in families.dispositions.items():
        if target in points or target in change.controls:
            yield Touched("disposition", disposition.source, f"{target}: {disposition.status}")
    for point, ceiling in families.ceilings.items():
        if point in points:
            yield Touched("ceiling", f"controls/families/{point.partition('-')[0]}.toml", f"{point}: {ceiling.highest}")


def as_data(comparison: Comparison, found: Iterable[Impact]) -> dict[str, Any]:
    """For a pipeline."""
    return {
        "changes": [
            {
                "kind": each.change.kind,
                "subject": each.change.subject,
                "text": each.change.text,
                "touched": [asdict(t) for t in each.touched],
            }
            for each in found
        ],
        "compared": list(comparison.compared),
        "notes": list(comparison.notes),
    }


def as_markdown(comparison: Comparison, found: Iterable[Impact], systems: Iterable[str]) -> str:
    """For people, also as a comment."""
    found, looked_at = tuple(found), ", ".join(f"`{name}`" for name in systems) or "none was named"
    lines = ["# Official files against the facts of this package", ""]
    lines += [f"{len(comparison.compared)} files compared, {len(found)} changes. Systems looked at: {looked_at}.", ""]
    for each in found:
        lines.append(f"- **{_escaped(each.change.text)}** (`{each.change.kind}`)")
        lines += [f"  - {_escaped(line)}" for line in summary(each)]
    lines += ["", "## Notes", ""] if comparison.notes else []
    lines += [f"- {_escaped(note)}" for note in comparison.notes]
    return "\n".join(lines).rstrip("\n") + "\n"


def summary(impact: Impact) -> Iterator[str]:
    """What a change touches, kind by kind and not more of each than a person reads."""
    if impact.change.kind == "edition":
        yield "each difference found stands on a line of its own; discussions, methods, notes and examples are not compared"
        return
    kinds: dict[str, list[Touched]] = {}
    for touched in impact.touched:
        kinds.setdefault(touched.what, []).append(touched)
    for what, listed in kinds.items():
        yield from (f"{what} {each.where}: {each.says}" for each in listed[:LISTED])
        if len(listed) > LISTED:
            yield f"{what}: {len(listed) - LISTED} more; --json lists them"
    if not kinds:
        yield "touches nothing that is said here"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
