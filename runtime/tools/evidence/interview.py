"""Interview: a prompt that brings a model to where the package stops, and lets it ask from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from claimstack.runtime.tools import Prompt
from claimstack.runtime.tools.evidence.desk import Desk, prompt_errors
from claimstack.runtime.tools.evidence.evidence import Evidence, Point, Said

REQUEST = """\
Help the assessor prepare and hold the interview on {asked}. Start from the statements quoted above and from nothing else:

- Quote what the package says with its point, and name file and pointer of a fact when you use it. Use explain_control, get_evidence and
  find_resources for what is not quoted here.
- The package holds no text of controls. Where the text or an assessment objective matters, ask the assessor to open NIST SP 800-53 or
  SP 800-53A; do not write it from memory.
- Declared means found in a template. Do not say that anything is deployed, in operation or effective unless the assessor saw it.
- Ask one question at a time, note the answer and who gave it, and say what would count as evidence for it.

Where the package stops, and what the methods of SP 800-53A would ask next:
{questions}

End with a list for each point: what the package shows, what was answered and by whom, what is still open and for whom."""


def make_prompts(desk: Desk) -> tuple[Prompt, ...]:
    async def assessor_interview(
        control: Annotated[str, Field(description="A control such as ac-2 or AC-2(1), or one point such as au-11_smt.")],
    ) -> list[str]:
        """An assessor's interview on one control: quotes what the package says of it, then asks what EXAMINE, INTERVIEW and TEST of
        NIST SP 800-53A would want to know next, with what remains open and for whom."""
        with prompt_errors():
            evidence = await desk.evidence()
            points = evidence.asked(control)
        asked = points[0].id if points[0].id == control.strip().lower() else points[0].control
        return [
            "\n".join(_said(evidence, asked, points)),
            REQUEST.format(asked=asked, questions="\n".join(_questions(evidence, points))),
        ]

    return (Prompt(assessor_interview, title="Assessor's interview"),)


def _said(evidence: Evidence, asked: str, points: list[Point]) -> Iterator[str]:
    said = evidence.coverage
    title = evidence.title(points[0].control)
    control = f"{asked} ({title})" if title else asked
    yield f"The evidence package of the system {said['system']} says this of {control}, as of {said['as_of']}. {evidence.facts['note']}"
    for point in points:
        outside = ", outside the class of the system and not counted" if point.supplemental else ""
        yield f"\n{point.id}: {point.status}{outside}. “{point.said['why']}”"
        for claim in point.claims:
            yield f"- {claim['resource']} ({claim['component']}) claims: “{claim['sentence']}” {_outcomes(evidence, claim)}"
        if disposition := point.said.get("disposition"):
            origin = [f"{key} {disposition[key]}" for key in ("origination", "provider", "package_id") if disposition.get(key)]
            yield f"- No claim answers it. Disposition: {disposition['status']} ({', '.join([*origin, 'from ' + disposition['source']])})."
        for item in point.said.get("remains", ()):
            yield f"- Remains, for {item['who']}: “{item['what']}”"
        if unmet := point.said.get("unmet_objectives"):
            yield f"- Assessment objectives that no passing claim speaks to: {', '.join(unmet)}"


def _outcomes(evidence: Evidence, claim: Said) -> str:
    outcomes = Counter(fact["outcome"] for id_ in claim["checks"] for fact in evidence.found[id_])
    facts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return f"Outcome: {claim['outcome']}; {len(claim['checks'])} checks, facts: {facts or 'none'}."


def _questions(evidence: Evidence, points: list[Point]) -> Iterator[str]:
    claims = [claim for point in points for claim in point.claims]
    yield from _examine(evidence, claims)
    yield from _interview(points)
    yield from _test(evidence, claims)


def _examine(evidence: Evidence, claims: list[Said]) -> Iterator[str]:
    for resource in dict.fromkeys(claim["resource"] for claim in claims):
        places = [declared.pointer for declared in evidence.resources if declared.id == resource]
        yield (
            f"- EXAMINE {resource}, declared at {', '.join(places) or 'a template'}: is the same found on the running resource, "
            "who may change it, and what shows that a change is noticed?"
        )
    for claim in claims:
        for fact in (fact for id_ in claim["checks"] for fact in evidence.found[id_] if fact["outcome"] != "passed"):
            yield f"- EXAMINE first, {fact['outcome']} in the package: {fact['pointer']}, expected “{fact['expected']}”."
    if not claims:
        yield "- EXAMINE: the package shows no configuration for this; which policy, procedure, plan or record does?"


def _interview(points: list[Point]) -> Iterator[str]:
    open_: dict[tuple[str, str], list[str]] = {}
    for point in points:
        for item in point.said.get("remains", ()):
            open_.setdefault((item["who"], item["what"]), []).append(point.id)
        if disposition := point.said.get("disposition"):
            who = disposition.get("provider") or disposition.get("package_id") or disposition["origination"] or disposition["status"]
            open_.setdefault((f"{disposition['status']}, {who}", point.said["why"]), []).append(point.id)
        for objective in point.said.get("unmet_objectives", ()):
            open_.setdefault(("whoever owns the point", f"no passing claim speaks to objective {objective}"), []).append(point.id)
    for (who, what), ids in open_.items():
        yield f"- INTERVIEW ({who}) on {', '.join(ids)}: “{what}” Who does this, how often, since when, and what record does it leave?"
    if not open_:
        yield "- INTERVIEW: the package names nothing that remains; who operates what it declares, and what do they watch?"


def _test(evidence: Evidence, claims: list[Said]) -> Iterator[str]:
    facts = [fact for id_ in dict.fromkeys(id_ for claim in claims for id_ in claim["checks"]) for fact in evidence.found[id_]]
    tests = [fact for fact in facts if fact["level"] == "effective"]
    for fact in tests:
        yield f"- TEST, {fact['outcome']} in the package: {fact['pointer']}. Was the deployed image built from these sources?"
    if not tests:
        yield "- TEST: no test stands behind these statements in the package; a declared fact is none."
    yield "- TEST: which exercise, with which input and expected result, shows each statement at work, or that it fails when it should?"
