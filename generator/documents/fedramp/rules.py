"""FedRAMP rules: what the Security Decision Record says of each provider rule that applies (rule SDR-CSO-FRR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from claimstack.controls.rules import Rule, RuleAnswer, applicable, load_rule_answers, load_rules
from claimstack.generator.documents.fedramp.common import independent, not_stated, package_uri
from claimstack.generator.documents.states import FEDRAMP_WORDS, SDR_STATUSES, State
from claimstack.generator.evaluation import Evaluated, Status
from claimstack.generator.stated import Statement

STATED: Final = "The provider states in system.toml, and nothing of it was checked here:"
"""Before what the provider says in place of this package, or beside it."""
FALLEN: Final = "does not hold, for what has failed above."


def applicable_rules(class_: str, certification: str) -> tuple[Rule, ...]:
    """The provider rules that speak to a system of this class on this route, in the order of the facts."""
    return tuple(rule for rule in load_rules().values() if applicable(rule, class_, certification))


def rule_state(evaluated: Evaluated, rule: Rule) -> State:
    """As this package answers, or as the provider states in its place. An answer that rests on claims falls with them."""
    stated = evaluated.system.config.rules
    if rule.id in stated:
        return stated[rule.id].status
    return "planned" if _fallen(evaluated, rule) else load_rule_answers()[rule.id].status


def _fallen(evaluated: Evaluated, rule: Rule) -> tuple[str, ...]:
    """Why the answer of this package does not hold here: a sentence for each point it rests on where a claim failed or none is made."""
    found = ((point, evaluated.answers.get(point)) for point in load_rule_answers()[rule.id].points)
    return tuple(
        f"FAILED: {point}, on which this answer rests, {answer.why}." if answer and answer.claims else f"{point}: no claim is made there."
        for point, answer in found
        if answer is None or not answer.claims or answer.status is Status.FAILED
    )


def fedramp_requirements(evaluated: Evaluated) -> list[dict[str, Any]]:
    """Every applicable provider rule once. `frrAssessment` belongs to the independent assessor: it stays empty."""
    config = evaluated.system.config
    return [_entry(evaluated, rule) for rule in applicable_rules(config.class_, config.certification)]


def _entry(evaluated: Evaluated, rule: Rule) -> dict[str, Any]:
    config = evaluated.system.config
    state = rule_state(evaluated, rule)
    answer = load_rule_answers()[rule.id]
    stated = config.rules.get(rule.id)
    said = _answered(answer, _fallen(evaluated, rule)) if stated is None else _stated(stated)
    who = answer.who if stated is None else "provider"
    return {
        "frrID": rule.id,
        "frrTitle": rule.title,
        "frrForce": rule.force[config.class_],
        "frrImplementationStatus": SDR_STATUSES[state],
        "statusWord": FEDRAMP_WORDS[state],
        "answeredBy": who,
        "frrImplementation": [f"**{FEDRAMP_WORDS[state]}**; answered by: {who}.", *said.explanation],
        "frrValidation": [
            f"Verification: {said.verification}",
            f"Validation: {said.validation}",
            f"Independent verification and validation: {independent(config)}.",
        ],
        "frrAssessment": [],
        "frrArtifacts": [package_uri(config, artifact) for artifact in answer.artifacts],
    }


@dataclass(frozen=True, slots=True)
class _Said:
    explanation: tuple[str, ...]
    verification: str
    validation: str


def _answered(answer: RuleAnswer, fallen: tuple[str, ...]) -> _Said:
    if fallen:
        return _Said((*fallen, f"Where it holds: {answer.how}", *answer.explanation[1:]), FALLEN, FALLEN)
    return _Said(answer.explanation, answer.verification, answer.validation)


def _stated(stated: Statement) -> _Said:
    return _Said(
        (f"{STATED} {stated.explanation}",),
        stated.verification or not_stated("its verification"),
        stated.validation or not_stated("its validation"),
    )
