"""Showing: a comparison in words, as sections that the terminal and the Markdown skeleton both print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.text import Text

from claimstack.controls.catalog import label
from claimstack.generator.comparison.boundary import KINDS
from claimstack.generator.comparison.findings import (
    CheckChange,
    ClaimChange,
    Comparison,
    FactChange,
    Findings,
    ParameterChange,
    ResourceChange,
    ValueChange,
)
from claimstack.generator.comparison.replacement import MISSING_JUDGE
from claimstack.generator.comparison.significance import CLASSES, PROPOSED
from claimstack.generator.comparison.values import LONGEST_VALUE, canonical, shortened, some
from claimstack.generator.documents.markdown import code, render_skeleton
from claimstack.generator.documents.parties import name_of
from claimstack.generator.emitted import Json, words

SKELETON: Final = "diff.md.j2"
AROUND: Final = 24
LONGEST_COMMENT: Final = 60_000
"""Characters: a comment on GitHub holds 65,536."""
ROWS: Final = (60, 30, 15, 8, 4, 2)
"""Rows of a section that are tried until the whole fits into a comment."""
TERMINAL_ROWS: Final = 40
REASONS: Final = 6
JUDGED_BY_PEOPLE: Final = "whether it says less is for a person to judge"
CHECKS: Final = {"weaker": "asks for less", "stronger": "asks for more", "other": "asks for something else"}
ALARMING: Final = frozenset({"STATEFUL REPLACED", "STATEFUL REMOVED", "LOST", "WEAKENED", "FAILED", "WORSE", "OPEN", "STALE", "REFUSED"})


@dataclass(frozen=True, slots=True)
class Row:
    """One finding: a word that sorts it, what it is about, and lines of detail."""

    word: str
    subject: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]
    note: str = ""


def sections(comparison: Comparison) -> list[Section]:
    """What differs, section by section; empty sections are left out."""
    found = comparison.findings
    judged = MISSING_JUDGE if not found.replacement_judged and any(item.kind == "changed" for item in found.resources) else ""
    every = (
        Section("Statements that do not match the template (defects, VDR-CSO-DET)", tuple(_stale(found))),
        Section("System", tuple(Row("changed", change.path, (_arrow(change),)) for change in found.identity)),
        Section("Resources", tuple(sorted(map(_resource, found.resources), key=lambda row: row.word not in ALARMING)), judged),
        Section(
            "Values that are asked for when deploying",
            tuple(Row("changed", stack, (_named(item),)) for stack, item in found.template_parameters),
        ),
        Section("Claims", tuple(sorted(_claims(found), key=lambda row: row.word not in ALARMING))),
        Section("Control statements whose status changed", tuple(_points(found))),
        Section("Facts", tuple(_facts(found))),
        Section("Control parameters", tuple(map(_parameter, found.parameters))),
        Section("Who answers", tuple(_dispositions(found))),
        Section(
            "Boundary and flows", tuple(_boundary(found)), f"Read from {' and '.join(found.boundary_sources)}." if found.boundary else ""
        ),
        Section(
            "Server", (Row("changed", "the sources of the MCP server on which the recorded tests ran"),) if found.runtime_changed else ()
        ),
        Section("Files", tuple(_files(found))),
    )
    return [section for section in every if section.rows or section.note]


def _stale(found: Findings) -> Iterator[Row]:
    for item in found.stale:
        yield Row("STALE", f"{item.side} {item.file} {item.where}", (f"says: {item.says}", f"stands: {item.stands}"))


def _resource(item: ResourceChange) -> Row:
    word = item.kind.replace("-", " ")
    if item.stateful and item.loses_identity:
        word = "STATEFUL REPLACED"
    elif item.stateful and item.kind == "removed":
        word = "STATEFUL REMOVED"
    elif item.kind == "refused":
        word = "REFUSED"
    conditional = ("only under conditions that the provider schema does not tell",) if item.kind == "may-be-replaced" else ()
    old_one = (item.old_one,) if item.old_one and item.stateful else ()
    return Row(word, f"{item.resource} ({item.type})", (*item.because, *conditional, *old_one, *map(_named, item.changes)))


def _claims(found: Findings) -> Iterator[Row]:
    """Claims of which only the same checks ask something else stand together."""
    together: dict[tuple[CheckChange, ...], list[ClaimChange]] = {}
    for item in found.claims:
        if item.kind == "altered":
            together.setdefault(item.checks, []).append(item)
        else:
            yield _claim(item)
    for checks, items in together.items():
        if len(items) == 1:
            yield _claim(items[0])
        else:
            points = ", ".join(dict.fromkeys(item.point for item in items))
            resources = ", ".join(dict.fromkeys(item.resource for item in items))
            yield Row("altered", points, (f"{len(items)} claims of {resources}", *map(_check, checks), JUDGED_BY_PEOPLE))


def _claim(item: ClaimChange) -> Row:
    word = item.kind.upper() if item.kind in ("lost", "weakened") and item.certain else item.kind
    if item.kind == "weakened" and not item.certain:
        word = "perhaps weaker"
    details = [f"{item.resource}: {item.sentence}"]
    if item.old_sentence is not None:
        details.append(f"said before: {item.old_sentence}")
    details += map(_check, item.checks)
    details += [f"objective no longer met: {objective}" for objective in item.objectives_lost]
    details += [f"objective now met: {objective}" for objective in item.objectives_gained]
    if not item.certain:
        details.append(JUDGED_BY_PEOPLE)
    return Row(word, item.point, tuple(details))


def _check(item: CheckChange) -> str:
    if item.old is None or item.new is None:
        return f"check {item.verdict}: {_short(item.old_sentence or item.new_sentence)}"
    return f"check {CHECKS[item.verdict]}: {_contrast(item.old_sentence, item.new_sentence)}"


def _points(found: Findings) -> Iterator[Row]:
    for item in found.points:
        word = "WORSE" if item.direction == "worse" else item.direction
        lost = tuple(f"objective no longer met: {objective}" for objective in item.lost_objectives)
        why = _short(item.why).removeprefix(f"{item.new}: ")
        yield Row(word, item.point, (f"{item.old} → {item.new}: {why}", *lost))


def _facts(found: Findings) -> Iterator[Row]:
    """Facts that turned each for itself; of the others, those that found the same change at one place stand together."""
    for item in sorted(found.facts, key=lambda fact: fact.new_outcome != "failed"):
        if item.turned:
            word = "FAILED" if item.new_outcome == "failed" else item.new_outcome
            turned = f"{item.old_outcome} → {item.new_outcome}: {item.expected}"
            yield Row(word, item.check, (_short(turned), f"found {_contrast(item.old, item.new)}", item.pointer))
    together: dict[str, list[FactChange]] = {}
    for item in found.facts:
        if not item.turned:
            together.setdefault(canonical([item.pointer, item.old, item.new]), []).append(item)
    for items in together.values():
        checks = items[0].check if len(items) == 1 else f"{len(items)} checks, such as {items[0].check}"
        yield Row("value", items[0].pointer, (f"found {_contrast(items[0].old, items[0].new)}", f"asked by {checks}"))


def _parameter(item: ParameterChange) -> Row:
    details = [_named(change) for change in item.changes]
    if item.value_changed:
        details += [f"resource {name}: {_named(change)}" for name, change in item.resources]
        if not item.resources:
            details.append("no resource changes with it: the value stands in documents only")
    details += [f"existing data: {line}" for line in item.existing_data]
    details.append(f"named in: {', '.join(item.documents) or 'no file'}")
    return Row("changed", f"{item.parameter} of {label(item.control)}", tuple(details))


def _dispositions(found: Findings) -> Iterator[Row]:
    for item in found.dispositions:
        yield Row("changed", f"{label(item.control)} ({', '.join(item.points)})", tuple(map(_named, item.changes)))
    for remainder in found.remainders:
        word = "remains" if remainder.change == "added" else "settled"
        yield Row(word, remainder.point, (f"{name_of(remainder.who)}: {_short(remainder.what)}",))


def _boundary(found: Findings) -> Iterator[Row]:
    for kind, items in groupby(found.boundary, key=lambda item: item.kind):
        for item in items:
            word = "OPEN" if item.is_open else item.change + (f", {item.effect}" if item.effect != "other" else "")
            values = [_contrast(item.old, item.new)] if item.change == "changed" else []
            yield Row(word, item.what, (KINDS[kind], *values))


def _files(found: Findings) -> Iterator[Row]:
    for word, paths in (("added", found.files.added), ("removed", found.files.removed), ("changed", found.files.changed)):
        yield from (Row(word, path) for path in paths)


def _arrow(change: ValueChange) -> str:
    return _contrast(change.old, change.new)


def _named(change: ValueChange) -> str:
    return f"{change.path}: {_arrow(change)}"


def _contrast(old: Json, new: Json) -> str:
    """Both values, or of long ones the parts that differ with a little around them."""
    before, after = _text(old), _text(new)
    if max(len(before), len(after)) > LONGEST_VALUE:
        start = _alike(before, after)
        end = min(_alike(before[::-1], after[::-1]), len(before) - start, len(after) - start)
        before, after = (_part(text, start - AROUND, len(text) - end + AROUND) for text in (before, after))
    return f"{before} → {after}"


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _part(text: str, start: int, end: int) -> str:
    first, last = max(0, start), min(len(text), end)
    shown = _short(text[first:last]).removesuffix("…")
    return f"{'…' if first else ''}{shown}{'…' if first + len(shown) < len(text) else ''}"


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else words(value) if value is not None else "absent"
    return " ".join(text.split())


def _short(value: Json) -> str:
    return shortened(_text(value))


@dataclass(frozen=True, slots=True)
class Indented:
    """A text that is folded where the terminal ends, each line indented; a pipe gets it on one line and without trailing space."""

    text: Text
    by: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for number, line in enumerate(self.text.wrap(console, max(20, options.max_width - self.by - 2), overflow="fold")):
            line.rstrip()
            yield Text(" " * (self.by + (2 if number else 0))).append_text(line)


def terminal(comparison: Comparison) -> RenderableType:
    """For 80 columns: the verdict first, then each section."""
    shown: list[RenderableType] = [Text(f"{comparison.name}: {comparison.old} → {comparison.new}", "bold")]
    if comparison.findings.is_empty and not comparison.findings.stale:
        return Group(*shown, Text("no difference", "green"))
    shown.append(Text.assemble("proposed class: ", (comparison.proposal.class_, "bold")))
    shown.append(Text(CLASSES[comparison.proposal.class_]))
    for section in sections(comparison):
        shown += [
            Text(),
            Text(f"{section.title} ({len(section.rows)})", "bold underline"),
            *([Text(section.note, "yellow")] if section.note else []),
        ]
        for row in section.rows[:TERMINAL_ROWS]:
            style = "bold red" if row.word in ALARMING else "cyan"
            shown.append(Indented(Text.assemble((row.word, style), "  ", (row.subject, "bold")), 0))
            shown += [Indented(Text(line), 4) for line in row.details[:TERMINAL_ROWS]]
            if len(row.details) > TERMINAL_ROWS:
                shown.append(Indented(Text(f"… and {len(row.details) - TERMINAL_ROWS} more lines", "dim"), 4))
        if len(section.rows) > TERMINAL_ROWS:
            shown.append(Text(f"… and {len(section.rows) - TERMINAL_ROWS} more; --json has them all", "dim"))
    if comparison.proposal.reasons:
        shown += [Text(), Text("Why this class", "bold underline")]
        for reason in comparison.proposal.reasons:
            shown.append(Text.assemble((reason.class_, "cyan"), f" ({reason.source}): {reason.judgement}"))
            shown.append(Indented(Text(some(reason.found, REASONS), "dim"), 4))
    shown += [Text(), Text(PROPOSED, "dim")]
    return Group(*shown)


def markdown(comparisons: Iterable[Comparison]) -> str:
    """For a comment on a change: as many rows of each section as a comment holds."""
    compared = list(comparisons)
    text = ""
    for rows in ROWS:
        filled = render_skeleton(SKELETON, comparisons=[_view(item, rows) for item in compared], proposed=PROPOSED)
        text = re.sub(r"\n{3,}", "\n\n", filled)
        if len(text) <= LONGEST_COMMENT:
            return text
    return text[:LONGEST_COMMENT].rpartition("\n")[0] + "\n\nCut here: a comment holds no more. `claimstack diff --json` has everything.\n"


def _view(comparison: Comparison, rows: int) -> dict[str, Any]:
    """What the skeleton prints; every value from a package stands as code, so that nothing in it is read as Markdown."""
    proposal = comparison.proposal
    return {
        "name": comparison.name,
        "old": code(comparison.old),
        "new": code(comparison.new),
        "differs": not comparison.findings.is_empty,
        "stale": len(comparison.findings.stale),
        "class": proposal.class_,
        "meaning": CLASSES[proposal.class_],
        "reasons": [
            {"class": reason.class_, "source": reason.source, "judgement": reason.judgement,
             "found": [code(text) for text in reason.found[:rows]], "more": max(0, len(reason.found) - rows)}
            for reason in proposal.reasons
        ],
        "controls": ", ".join(map(label, proposal.impacted_controls)),
        "ksis": ", ".join(proposal.impacted_ksis),
        "sections": [
            {
                "title": section.title,
                "note": section.note,
                "count": len(section.rows),
                "rows": [
                    {"word": f"**{row.word}**" if row.word in ALARMING else row.word, "subject": code(row.subject),
                     "details": [code(line) for line in row.details[:rows]], "more": max(0, len(row.details) - rows)}
                    for row in section.rows[:rows]
                ],
                "more": max(0, len(section.rows) - rows),
            }
            for section in sections(comparison)
        ],
    }  # fmt: skip
