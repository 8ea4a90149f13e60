"""Entries: what the package says, in the shapes of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from claimstack.runtime.tools.evidence.answers import (
    Basis,
    Check,
    CheckSummary,
    Claim,
    ControlEntry,
    Disposition,
    EvidenceFact,
    Fact,
    PointAnswer,
    Remainder,
    ResourceEntry,
)
from claimstack.runtime.tools.evidence.evidence import Control, Declared, Evidence, Point, Said
from claimstack.runtime.tools.evidence.paging import compact, cut

FACTS_SHOWN = 5
"""Facts of one check in an explanation; a check of the whole system has dozens."""


def basis(evidence: Evidence) -> Basis:
    said = evidence.coverage
    return Basis(
        system=said["system"],
        fedramp_class=said.get("class", ""),
        certification=said.get("certification", ""),
        as_of=said["as_of"],
        environment=said.get("environment"),
        level=said["level"],
        note=evidence.facts["note"],
    )


def counts(words: Iterable[str]) -> dict[str, int]:
    found = Counter(words)
    return {word: found[word] for word in sorted(found)}


def size_of(entry: BaseModel) -> int:
    return len(entry.model_dump_json())


def control_entry(control: Control) -> ControlEntry:
    return ControlEntry(
        control=control.id,
        title=control.title,
        status=control.status,
        points=counts(point.status for point in control.points),
        claims=sum(len(point.claims) for point in control.points),
        remains=sum(len(point.said.get("remains", ())) for point in control.points),
    )


def point_answer(evidence: Evidence, point: Point, claims: Sequence[Said]) -> PointAnswer:
    said = point.said
    disposition = said.get("disposition")
    return PointAnswer(
        control=point.control,
        title=evidence.title(point.control),
        point=point.id,
        supplemental=point.supplemental,
        status=point.status,
        why=said["why"],
        unmet_objectives=said.get("unmet_objectives", []),
        remains=[Remainder.model_validate(item) for item in said.get("remains", ())],
        disposition=Disposition.model_validate({"package_id": None, **disposition}) if disposition else None,
        ceiling_overridden=said.get("ceiling_overridden"),
        claims_in_all=len(point.claims),
        claims=[Claim.model_validate(claim) for claim in claims],
    )


def check_entry(evidence: Evidence, id_: str) -> Check:
    check = evidence.checks[id_]
    facts = evidence.found[id_]
    # What speaks against a claim is never among those left out.
    shown = sorted(facts, key=lambda fact: fact["outcome"] == "passed")[:FACTS_SHOWN]
    return Check(
        id=id_,
        sentence=check["sentence"],
        scope=check["scope"],
        method=_method(check),
        sha256=check["sha256"],
        facts_in_all=len(facts),
        facts=[Fact.model_validate(_said(fact)) for fact in shown],
    )


def _method(check: Said) -> str:
    """Packages of before there were tests have checks over templates only."""
    method: str = check.get("method", "EXAMINE")
    return method


def _said(fact: Said) -> dict[str, Any]:
    actual, actual_cut = cut(fact["actual"])
    expected, expected_cut = cut(fact["expected"])
    return {
        "outcome": fact["outcome"],
        "pointer": fact["pointer"],
        "expected": expected,
        "actual": actual,
        "cut": actual_cut or expected_cut,
    }


def fact_entry(evidence: Evidence, fact: Said) -> EvidenceFact:
    there, value = evidence.in_file(fact["pointer"])
    same = there and compact(value) == compact(fact["actual"])
    in_file, was_cut = (None, False) if same else cut(value)
    said = _said(fact)
    return EvidenceFact.model_validate(
        {
            **said,
            "cut": said["cut"] or was_cut,
            "check": fact["check"],
            "level": fact["level"],
            "environment": fact["environment"],
            "sources_sha256": fact.get("sources_sha256"),
            "same_in_file": same,
            "in_file": in_file,
        }
    )


def check_summary(evidence: Evidence, id_: str) -> CheckSummary:
    check = evidence.checks[id_]
    return CheckSummary(
        id=id_,
        sentence=check["sentence"],
        scope=check["scope"],
        method=_method(check),
        sha256=check["sha256"],
        points=list(evidence.claiming.get(id_, ())),
    )


def resource_entry(resource: Declared) -> ResourceEntry:
    return ResourceEntry(
        resource=resource.id,
        type=resource.type,
        component=resource.component,
        pointer=resource.pointer,
        points=resource.points,
        checks=len(resource.checks),
        exempt=resource.compliance.get("Exempt"),
    )
