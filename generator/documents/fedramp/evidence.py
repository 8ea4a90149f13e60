"""FedRAMP evidence: checks with what they found, in the words and shapes of the Security Decision Record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from claimstack.generator.config import Config
from claimstack.generator.documents.fedramp.common import pointer_uri
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import ClaimResult, Evaluated, Fact
from claimstack.generator.predicates import WORST_FIRST, Outcome, worst
from claimstack.generator.system import DeclaredCheck

LEVELS: Final[Mapping[str, str]] = {
    "declared": "checks of the emitted templates (EXAMINE)",
    "effective": "tests of the MCP server's sources (TEST)",
}
"""Level of a fact → what finds it. Each level is one method of verification: predicates on one template are no second one."""
EVIDENCE_TYPES: Final[Mapping[str, str]] = {"declared": "Configuration", "effective": "Report"}
"""Level → evidenceType of the schema."""
DEPLOYED: Final = "Nothing was looked at in a deployed system."

_SHOWN: Final = 160
"""Characters of a found value that stand in a description; evidence/facts.json has the whole."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check with every fact it found."""

    declared: DeclaredCheck
    facts: tuple[Fact, ...]
    outcome: Outcome
    """The worst of its facts; a check that found nothing failed."""

    @property
    def id(self) -> str:
        return self.declared.id

    @property
    def level(self) -> str:
        return self.declared.check.level

    @property
    def telling(self) -> Fact | None:
        """The fact that decided: the first of the worst."""
        return next((fact for fact in self.facts if fact.outcome is self.outcome), None)


def check_results(evaluated: Evaluated) -> Mapping[str, CheckResult]:
    """Every check of the system by id."""
    facts: dict[str, list[Fact]] = {}
    for fact in evaluated.facts:
        facts.setdefault(fact.check, []).append(fact)
    return {id_: _result(declared, tuple(facts.get(id_, ()))) for id_, declared in evaluated.system.checks.items()}


def _result(declared: DeclaredCheck, facts: tuple[Fact, ...]) -> CheckResult:
    return CheckResult(declared, facts, worst(fact.outcome for fact in facts) or Outcome.FAILED)


def results_of(claims: Iterable[ClaimResult], results: Mapping[str, CheckResult]) -> list[CheckResult]:
    """The checks of some claims, each once, in the order in which they are met."""
    return [results[id_] for id_ in dict.fromkeys(check.id for result in claims for check in result.checks)]


def tally(found: Iterable[CheckResult | Fact]) -> str:
    """`12 passed, 1 failed`, the worst first."""
    outcomes = [each.outcome for each in found]
    return ", ".join(f"{outcomes.count(outcome)} {outcome.value}" for outcome in WORST_FIRST if outcome in outcomes)


def failures(results: Iterable[CheckResult]) -> Iterator[str]:
    """What every failed check expected, found, and where."""
    for result in results:
        for fact in result.facts:
            if fact.outcome is Outcome.FAILED:
                yield f"FAILED `{result.id}`: expected {fact.expected}; found {shown(fact.actual)} at `{fact.pointer}`."


def shown(value: Json) -> str:
    """A found value on one line, shortened; nothing where nothing stands."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… (whole in evidence/facts.json)"


def check_line(result: CheckResult) -> str:
    """A check as an entry of ksiTests."""
    return f"{result.id}: {' '.join(result.declared.check.sentence().split())}"


def evidence(result: CheckResult, config: Config) -> dict[str, Any]:
    """A check as an entry of ksiEvidence: at the place that decided, with every other place in the text."""
    fact = result.telling
    if fact is None:
        return {
            "evidenceType": EVIDENCE_TYPES[result.level],
            "evidenceDescription": f"{result.id}: outcome failed: the check found nothing to look at.",
            "evidenceLocation": pointer_uri(config, "evidence/facts.json#/checks"),
            "lastUpdated": config.as_of.isoformat(),
        }
    more = f" ({tally(result.facts)} of {len(result.facts)} places)" if len(result.facts) > 1 else ""
    found: dict[str, Any] = {
        "evidenceType": EVIDENCE_TYPES[result.level],
        "evidenceDescription": (
            f"{result.id}: {result.level}; outcome {result.outcome.value}{more}; expected {fact.expected}; found {shown(fact.actual)}"
            f"{'' if fact.environment is None else f', with the parameter values of environment {fact.environment}'}."
        ),
        "evidenceLocation": pointer_uri(config, fact.pointer),
        "lastUpdated": config.as_of.isoformat(),
    }
    if len(result.facts) > 1:
        found["evidenceText"] = "\n".join(f"{each.outcome.value}: {each.pointer}" for each in result.facts)
    return found
