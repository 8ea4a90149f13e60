"""Responsibility: who does what for each point, and what remains with whom; a CSV for spreadsheets and rows for other documents."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final, Literal

from claimstack.controls.catalog import label
from claimstack.controls.families import Disposition
from claimstack.generator.documents.oscal.claimed import sentences
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.states import origination_of, state_of
from claimstack.generator.evaluation import Answer, Evaluated, Status
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import System

Part = Literal["does", "inherited", "remains", "open", "not-applicable"]
"""`does`: claims say it, and their facts are on record. `inherited`: an authorization or a provider answers for it. `remains`: still to
be done or shown. `open`: not shown, not
true, or nobody's yet."""

NOBODY: Final = "Nobody yet"
"""Beside the titles of parties and of entries of [providers]."""


@dataclass(frozen=True, slots=True)
class Row:
    control: str
    """As people write it: AC-2(1)."""
    point: str
    title: str
    """Of the control."""
    status: str
    """The coverage word."""
    state: str
    """The OSCAL state."""
    origination: str
    who: str
    """A title, for people."""
    part: Part
    what: str
    source: str
    """What the row rests on: a claim and its resource, a disposition and its file, an authorization by its package id."""


def responsibility_rows(evaluated: Evaluated) -> list[Row]:
    """Every point of the class in catalog order: what is done, then what remains."""
    rows: list[Row] = []
    for answer in evaluated.answers.values():
        if answer.supplemental:
            continue
        control = evaluated.system.catalog.controls[answer.point.control]
        rows += [
            Row(
                label(control.id),
                answer.point.id,
                control.title,
                answer.status.value,
                state_of(answer),
                origination_of(answer),
                who,
                part,
                what,
                source,
            )
            for who, part, what, source in _parts(evaluated.system, answer)
        ]
    return rows


def render_responsibility_matrix(evaluated: Evaluated) -> str:
    """`evidence/responsibility-matrix.csv`: one row for each party and each thing it does or still has to do."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(Row)]
    writer.writerow(names)
    cells = attrgetter(*names)
    for row in evaluated.once(responsibility_rows):
        writer.writerow(map(guarded, cells(row)))
    return text.getvalue()


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _parts(system: System, answer: Answer) -> Iterator[tuple[str, Part, str, str]]:
    passing: tuple[tuple[Part, bool], ...] = (("does", True), ("open", False))
    for part, holds in passing:
        claims = [result for result in answer.claims if (result.outcome is Outcome.PASSED) is holds]
        for sentence in sentences(claims):
            yield PARTIES["organisation"].title, part, sentence, "claim, with the resources that make it"
    if not answer.claims:
        yield _disposed(system, answer)
    for remainder in answer.remains:
        yield (
            PARTIES[remainder.who].title,
            "remains",
            remainder.what,
            _leveraged(system) if remainder.who == "aws" else "ceiling of the point",
        )


def _disposed(system: System, answer: Answer) -> tuple[str, Part, str, str]:
    disposition = answer.disposition
    if disposition is None or answer.status is Status.NOT_ADDRESSED:
        return NOBODY, "open", answer.why, "no claim and no disposition" if disposition is None else _source(disposition)
    named = system.config.providers.get(disposition.provider or "")
    if answer.status is Status.INHERITED:
        who, rests = (PARTIES["aws"].title, _leveraged(system)) if named is None else (named.title, f"its authorization {named.fedramp_id}")
        return who, "inherited", answer.why, f"{_source(disposition)}; {rests}"
    party, part = _BY_STATUS[answer.status]
    return named.title if named is not None else PARTIES[party].title, part, answer.why, _source(disposition)


_BY_STATUS: Mapping[Status, tuple[str, Part]] = {
    Status.ORGANISATIONAL: ("organisation", "remains"),
    Status.CUSTOMER: ("customer", "remains"),
    Status.PLANNED: ("organisation", "open"),
    Status.NOT_APPLICABLE: ("organisation", "not-applicable"),
}


def _source(disposition: Disposition) -> str:
    return f"disposition in {disposition.source}"


def _leveraged(system: System) -> str:
    leveraged = system.config.leveraged
    return "no [leveraged] authorization in system.toml" if leveraged is None else f"leveraged authorization {leveraged.package_id}"
