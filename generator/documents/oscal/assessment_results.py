"""Assessment results: what the provider's own checks found, one observation for each check and resource, in OSCAL."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from claimstack.controls.catalog import label
from claimstack.generator.documents.cloudformation.template_text import template_text
from claimstack.generator.documents.evidence.facts import render_facts
from claimstack.generator.documents.evidence.results import render_results
from claimstack.generator.documents.fedramp.common import independent
from claimstack.generator.documents.inventory import deployment
from claimstack.generator.documents.markdown import sentence
from claimstack.generator.documents.oscal.assessment import (
    PLAN_HREF,
    Observed,
    claiming_components,
    claims_by_check,
    document_metadata,
    finding_uuid,
    limits,
    observation,
    observation_uuid,
    observed,
    one_line,
    risk_uuid,
    tool_uuid,
)
from claimstack.generator.documents.oscal.assessment_plan import all_reviewed
from claimstack.generator.documents.oscal.claimed import coverage_status
from claimstack.generator.documents.oscal.common import Document, prop, resource, stable_uuid, through_trestle, timestamp
from claimstack.generator.documents.rendered import sha256_of
from claimstack.generator.documents.states import MEANINGS, state_of
from claimstack.generator.evaluation import Answer, Evaluated, Fact, Status
from claimstack.generator.paths import FACTS, TEST_RESULTS, template_path
from claimstack.generator.predicates import Outcome

State = Literal["satisfied", "not-satisfied"]

SATISFYING: Final = frozenset({"deployed"})
"""Levels of facts that can satisfy a control statement: a template is no running system, and tests of sources are no tests of an image."""


def render_assessment_results(evaluated: Evaluated) -> Document:
    from trestle.oscal.assessment_results import AssessmentResults

    content = {
        "uuid": stable_uuid("assessment-results", *deployment(evaluated)),
        "metadata": document_metadata(evaluated, "results of the provider's self-verification", limits(evaluated)),
        "import-ap": {"href": PLAN_HREF},
        "results": [_result(evaluated, files := list(_evidence_files(evaluated)))],
        "back-matter": {"resources": files},
    }
    return through_trestle(AssessmentResults, content)


def _result(evaluated: Evaluated, files: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    system = evaluated.system
    outcomes = Counter(fact.outcome for fact in evaluated.facts)
    moment = timestamp(system.timestamp)
    counts = {"facts": len(evaluated.facts), **{f"facts-{outcome.value}": outcomes[outcome] for outcome in Outcome}}
    built: dict[str, Any] = {
        "uuid": stable_uuid("result", *deployment(evaluated)),
        "title": f"Provider's self-verification of {system.config.as_of.isoformat()}",
        "description": f"{_counted(evaluated, outcomes)} Independent assessment: {independent(system.config)}.",
        "start": moment,
        "end": moment,
        "props": [prop(name, str(count)) for name, count in counts.items()],
        "links": [{"href": f"#{file['uuid']}", "rel": "evidence"} for file in files],
        "reviewed-controls": all_reviewed(evaluated),
        "remarks": "Start, end and the time of every observation are the date of the evidence that the system file states (as_of): a build "
        "asks no clock. Nothing expires, since nothing deployed was observed. Findings are made for failed facts only: that a statement is "
        "satisfied takes facts of deployed resources.",
    }
    claims = claims_by_check(evaluated)
    seen = tuple(observed(evaluated))
    if seen:
        built["observations"] = [
            observation(evaluated, each, claiming_components(system, claims[each.check.id]), names_task=True) for each in seen
        ]
    stated = [(answer, state) for answer in evaluated.answers.values() if (state := finding_state(answer))]
    if risks := [risk(evaluated, answer, seen) for answer, state in stated if state == "not-satisfied"]:
        built["risks"] = risks
    if findings := [finding(evaluated, answer, state, seen) for answer, state in stated]:
        built["findings"] = findings
    return built


def _counted(evaluated: Evaluated, outcomes: Mapping[Outcome, int]) -> str:
    said = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome)
    checks = len(evaluated.system.checks)
    return f"{checks} checks found {len(evaluated.facts)} facts: {said}. Every fact is here, whatever its outcome."


def finding_state(answer: Answer) -> State | None:
    """Whether the facts of a point make a finding, and which: a failed fact always does; facts that pass do only where all were found
    on deployed resources, and nothing remains for others. None: there is nothing to conclude yet."""
    facts = [fact for result in answer.claims for fact in result.facts]
    if answer.status is Status.FAILED or any(fact.outcome is Outcome.FAILED for fact in facts):
        return "not-satisfied"
    deployed = bool(facts) and all(fact.outcome is Outcome.PASSED and fact.level in SATISFYING for fact in facts)
    return "satisfied" if deployed and answer.status is Status.IMPLEMENTED else None


def finding(evaluated: Evaluated, answer: Answer, state: State, seen: Iterable[Observed]) -> dict[str, Any]:
    """A finding of one point; what was observed for it is related, only what failed where the point is not satisfied."""
    point = answer.point
    props = [coverage_status(answer.status)]
    if answer.supplemental:
        props.append(prop("supplemental", "yes", remarks="Outside the class: shown, never counted."))
    built: dict[str, Any] = {
        "uuid": finding_uuid(evaluated, point.id),
        "title": f"{label(point.control)} ({point.id}): {state}",
        "description": f"{failed_words(answer) or sentence(answer.why)} {MEANINGS[answer.status]}",
        "props": props,
        "origins": _origins(evaluated, answer),
        "target": {
            "type": "statement-id",
            "target-id": point.id,
            "status": {"state": state, "reason": "fail" if state == "not-satisfied" else "pass"},
            "implementation-status": {"state": state_of(answer), "remarks": f"Coverage calls this {answer.status.value}."},
        },
        "related-observations": related_observations(evaluated, answer, seen, failed_only=state == "not-satisfied"),
    }
    if state == "not-satisfied":
        built["related-risks"] = [{"risk-uuid": risk_uuid(evaluated, point.id)}]
    return built


def risk(evaluated: Evaluated, answer: Answer, seen: Iterable[Observed]) -> dict[str, Any]:
    """What a failed point leaves open; how likely and how bad that is, no check can say."""
    point = answer.point
    return {
        "uuid": risk_uuid(evaluated, point.id),
        "title": f"{label(point.control)} ({point.id}): a claim is not true",
        "description": "\n\n".join(_failures(answer)),
        "statement": f"Not shown: {' '.join(_untrue(answer))} Likelihood and impact are for people to judge; nobody has stated them here.",
        "props": [coverage_status(answer.status)],
        "status": "open",
        "origins": _origins(evaluated, answer),
        "related-observations": related_observations(evaluated, answer, seen, failed_only=True),
    }


def failed_words(answer: Answer) -> str:
    """What is claimed of a point and not true, and for each fact that says so what was expected and found; nothing where none failed."""
    failures = [f"{failure}." for failure in _failures(answer)]
    return " ".join(["Not true:", *_untrue(answer), *failures]) if failures else ""


def _untrue(answer: Answer) -> list[str]:
    """The sentences of the claims that failed, each once."""
    return list(dict.fromkeys(result.claim.sentence for result in answer.claims if result.outcome is Outcome.FAILED))


def failed_facts(answer: Answer) -> tuple[Fact, ...]:
    """The failed facts of a point, each once."""
    found = {(fact.check, fact.pointer): fact for result in answer.claims for fact in result.facts if fact.outcome is Outcome.FAILED}
    return tuple(found.values())


def _failures(answer: Answer) -> Iterator[str]:
    """Check, expected and found, with every place at which it was so."""
    places: dict[str, list[str]] = {}
    for fact in failed_facts(answer):
        actual = "nothing stands there" if fact.actual is None else f"found {one_line(fact.actual)}"
        places.setdefault(f"{fact.check}: expected {one_line(fact.expected)}, {actual}, at", []).append(fact.pointer)
    yield from (f"{said} {', '.join(pointers)}" for said, pointers in places.items())


def related_observations(evaluated: Evaluated, answer: Answer, seen: Iterable[Observed], *, failed_only: bool) -> list[dict[str, str]]:
    checks = {check.id for result in answer.claims for check in result.checks}
    return [
        {"observation-uuid": observation_uuid(evaluated, each.check.id, each.place)}
        for each in seen
        if each.check.id in checks and (each.outcome is Outcome.FAILED or not failed_only)
    ]


def _origins(evaluated: Evaluated, answer: Answer) -> list[dict[str, Any]]:
    levels = dict.fromkeys(fact.level for fact in failed_facts(answer) or [fact for result in answer.claims for fact in result.facts])
    return [{"actors": [{"type": "tool", "actor-uuid": tool_uuid(evaluated.system, level)} for level in sorted(levels)]}]


def _evidence_files(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """The files in which facts were found, and the one that lists all facts, each with the hash of its bytes."""
    system = evaluated.system
    hashes = {
        **{
            template_path(stack): hashlib.sha256(template_text(template).encode()).hexdigest()
            for stack, template in evaluated.emitted.stacks.items()
        },
        TEST_RESULTS: sha256_of(evaluated, render_results),
        FACTS: sha256_of(evaluated, render_facts),
    }
    for path, sha256 in hashes.items():
        yield resource(
            stable_uuid("resource", system.config.name, path),
            path,
            f"../{path}",
            media_type="application/json",
            sha256=sha256,
        )
