"""FedRAMP KSIs: what the Security Decision Record says of each Key Security Indicator (rules SDR-CSX-KSI and FRC-CSX-VVK)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from claimstack.controls.catalog import Ksi, label
from claimstack.controls.ksis import KsiAnswer, Measure, load_ksi_answers
from claimstack.controls.rules import applicable, automated_methods, optional_ksis
from claimstack.generator.config import Config
from claimstack.generator.documents.fedramp.common import independent
from claimstack.generator.documents.fedramp.evidence import (
    DEPLOYED,
    LEVELS,
    CheckResult,
    check_line,
    check_results,
    evidence,
    failures,
    results_of,
    tally,
)
from claimstack.generator.documents.fedramp.rules import STATED
from claimstack.generator.documents.oscal.claimed import sentences
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.states import FEDRAMP_WORDS, SDR_STATUSES, State
from claimstack.generator.evaluation import Answer, Evaluated, Status, left_to
from claimstack.generator.predicates import Outcome

TOLD: Final = 5
"""Statements of a point that stand in an indicator in full."""


@dataclass(frozen=True, slots=True)
class KsiResult:
    """An indicator with what this system shows of it."""

    ksi: Ksi
    answer: KsiAnswer
    points: tuple[Answer, ...]
    """The answers of the points that demonstrate it, with those of their claims that do."""
    checks: tuple[CheckResult, ...]
    required: int
    """Automated methods that the class asks for on the 20x route."""
    asked: bool
    """Whether the rule that asks for them speaks to the route of this system."""
    optional: bool
    """Whether the class may leave it out."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The levels that show something: all predicates on templates are one method, all tests of the server a second.

        A level counts once a check of it passed and none failed.
        """
        outcomes = {level: {result.outcome for result in self.checks if result.level == level} for level in LEVELS}
        return tuple(level for level, found in outcomes.items() if Outcome.PASSED in found and Outcome.FAILED not in found)

    @property
    def measures(self) -> str:
        """Those measures whose claims are made here and hold in full, and those that speak of the package itself."""
        return " ".join(measure.says for measure in self.answer.measures if self._holds(measure)) or "none is shown by this system."

    def _holds(self, measure: Measure) -> bool:
        claims = [
            claim
            for answer in self.points
            for claim in answer.claims
            if any(fnmatchcase(check.id, pattern) for check in claim.checks for pattern in measure.checks)
        ]
        return not measure.checks or (bool(claims) and all(claim.outcome is Outcome.PASSED for claim in claims))

    @property
    def coverage(self) -> Status:
        """The word of coverage: what the system shows, whatever FedRAMP calls it."""
        outcomes = {result.outcome for result in self.checks}
        if self.answer.evidence == "none":
            return Status.ORGANISATIONAL
        if Outcome.FAILED in outcomes:
            return Status.FAILED
        if not outcomes:
            return Status.NOT_ADDRESSED
        whole = (not self.asked or len(self.methods) >= self.required) and self.answer.evidence == "template" and not self.answer.remains
        if whole and outcomes == {Outcome.PASSED} and all(answer.status is Status.IMPLEMENTED for answer in self.points):
            return Status.IMPLEMENTED
        return Status.PARTIAL

    @property
    def state(self) -> State:
        """Implemented only with the methods that the class asks for on this route, and when nothing failed and nothing remains."""
        if self.coverage is Status.IMPLEMENTED:
            return "implemented"
        holds = any(claim.outcome is Outcome.PASSED for answer in self.points for claim in answer.claims)
        return "partial" if holds else "planned"


def ksi_results(evaluated: Evaluated) -> tuple[KsiResult, ...]:
    """Every indicator once, in the order of the facts."""
    system = evaluated.system
    class_ = system.config.class_
    by_check = evaluated.once(check_results)
    rule, required = automated_methods(class_)
    asked = applicable(rule, class_, system.config.certification)
    found = []
    for ksi in system.catalog.ksis.values():
        said = load_ksi_answers()[ksi.id]
        answer = dataclasses.replace(said, remains=left_to(system.config, said.remains))
        known = (_narrowed(answer, evaluated.answers[point]) for point in answer.points if point in evaluated.answers)
        points = tuple(each for each in known if each.claims)
        checks = results_of((claim for each in points for claim in each.claims), by_check)
        found.append(KsiResult(ksi, answer, points, tuple(checks), required, asked, ksi.id in optional_ksis(class_)))
    return tuple(found)


def _narrowed(answer: KsiAnswer, said: Answer) -> Answer:
    """What is said of a point, with those of its claims that speak to the indicator."""
    only = answer.only.get(said.point.id)
    if only is None:
        return said
    return dataclasses.replace(said, claims=tuple(claim for claim in said.claims if {check.id for check in claim.checks} & set(only)))


def key_security_indicators(evaluated: Evaluated) -> list[dict[str, Any]]:
    """Every indicator once. `ksiAssessment` belongs to the independent assessor: it stays empty."""
    config = evaluated.system.config
    found = evaluated.once(ksi_results)
    shown = {check.id: evidence(check, config) for result in found for check in result.checks}
    return [_entry(config, result, shown) for result in found]


def _entry(config: Config, result: KsiResult, shown: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "ksiId": result.ksi.id,
        "ksiTitle": result.ksi.title,
        "ksiImplementationStatus": SDR_STATUSES[result.state],
        "statusWord": FEDRAMP_WORDS[result.state],
        "coverageStatus": result.coverage.value,
        "optional": result.optional,
        "methods": {
            "shown": len(result.methods),
            "required" if result.asked else "requiredBy20x": result.required,
            "levels": list(result.methods),
        },
        "ksiImplementation": [*_implementation(result), *_stated(config, result)],
        "ksiValidation": [*_validation(result), f"Independent verification and validation: {independent(config)}."],
        "ksiAssessment": [],
        "ksiTests": [check_line(check) for check in result.checks],
        "ksiEvidence": [shown[check.id] for check in result.checks],
    }


def methods_line(result: KsiResult) -> str:
    """`Methods: 1 of 2 required …`; only the 20x route has a rule that requires any."""
    found, levels = len(result.methods), "; ".join(LEVELS[level] for level in result.methods) or "none"
    if not result.asked:
        said = f"{found} shown; the 20x rule FRC-CSX-VVK, which does not apply on this route, would ask for {result.required}"
    elif found > result.required:
        said = f"{found} shown, {result.required} required (FRC-CSX-VVK)"
    else:
        said = f"{found} of {result.required} required (FRC-CSX-VVK)"
    persistent = " That they run persistently is not shown." if result.methods else ""
    return f"Methods: {said}: {levels}.{persistent}"


def _implementation(result: KsiResult) -> Iterator[str]:
    """Measures, objective and cycle, or the reason and the risk; then the claims, and what remains for whom."""
    answer = result.answer
    optional = " The class may leave this indicator out." if result.optional else ""
    yield f"**{FEDRAMP_WORDS[result.state]}**; coverage: {result.coverage.value}. {methods_line(result)}{optional}"
    yield from failures(result.checks)
    if answer.evidence == "none":
        yield f"Nothing is shown: {answer.reason}"
        yield f"Risk to customers: {answer.risk}"
    else:
        yield f"Measures: {result.measures}"
        yield f"Objective: {answer.objective}"
        yield f"Cycle: {answer.cycle}"
        yield from _said(result.points)
        if silent := [point for point in answer.points if point not in {each.point.id for each in result.points}]:
            yield f"No claim of this system speaks to {', '.join(f'`{point}`' for point in silent)}."
    yield from (f"Remains for {PARTIES[remainder.who].name}: {remainder.what}" for remainder in answer.remains)


def _stated(config: Config, result: KsiResult) -> Iterator[str]:
    """What the provider says beside what is shown; it changes no status."""
    stated = config.ksis.get(result.ksi.id)
    if stated is not None:
        yield f"{STATED} {FEDRAMP_WORDS[stated.status]}. {stated.explanation}"
        yield from (f"{STATED} {text}" for text in (stated.verification, stated.validation) if text is not None)


def _said(points: Iterable[Answer]) -> Iterator[str]:
    """What the claims say; where they are many, how many, for the control tells them (SDR-CSX-KSI asks for short summaries)."""
    for answer in points:
        said = list(sentences(answer.claims))
        told = (
            " ".join(said)
            if len(said) <= TOLD or answer.supplemental
            else f"{len(said)} statements, told at {label(answer.point.control)}."
        )
        yield f"`{answer.point.id}` {answer.status.value}: {told}"


def _validation(result: KsiResult) -> Iterator[str]:
    if not result.checks:
        yield "Verification and validation: none by this build."
        return
    for heading, level in (("Verification", "declared"), ("Validation", "effective")):
        of_level = [check for check in result.checks if check.level == level]
        found = f"{len(of_level)} {LEVELS[level]}: {tally(of_level)}." if of_level else f"no {LEVELS[level]}."
        yield f"{heading}: {found}{f' {DEPLOYED}' if level == 'effective' else ''}"
    yield (
        "Accuracy of the automation: each check carries the hash of its expression in evidence/facts.json. The tests of claimstack weaken "
        "templates and results and ask that its checks notice; checks that an extension adds are for its authors to test."
    )
