"""FedRAMP counts: what counts on the chosen route to a certification, by status, for the Security Decision Record and the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from claimstack.controls.rules import applicable, automated_methods, load_rule_book, load_rules
from claimstack.generator.config import Config
from claimstack.generator.documents.evidence.coverage import by_control
from claimstack.generator.documents.fedramp.ksis import KsiResult, ksi_results
from claimstack.generator.documents.fedramp.rules import applicable_rules, rule_state
from claimstack.generator.documents.states import SDR_STATUSES, State, control_state
from claimstack.generator.evaluation import Evaluated

COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "20x": ("keySecurityIndicators", "fedRampRequirements"),
    "rev5": ("securityControls", "fedRampRequirements"),
}
"""Route → the lists of the record that count there. All three lists are always present."""
STATUSES: Final = ("Implemented", "Partially Implemented", "Not Implemented")


def fedramp_summary(evaluated: Evaluated) -> dict[str, Any]:
    """What counts on this route, and every list by status against its total."""
    config = evaluated.system.config
    ksis = evaluated.once(ksi_results)
    rules = applicable_rules(config.class_, config.certification)
    return {
        "certificationClass": config.class_,
        "certificationRoute": config.certification,
        "environment": evaluated.emitted.environment,
        "counted": list(COUNTED[config.certification]),
        "shownOnly": [name for name in ("securityControls", "keySecurityIndicators") if name not in COUNTED[config.certification]],
        "securityControls": _counts(control_state(answers) for answers in by_control(evaluated).values()),
        "keySecurityIndicators": {
            **_counts(result.state for result in ksis),
            "optional": sum(result.optional for result in ksis),
            **_methods(config, ksis),
        },
        "fedRampRequirements": {
            **_counts(rule_state(evaluated, each) for each in rules),
            "providerRules": len(load_rules()),
            "onlyInAnotherDataset": {version: list(ids) for version, ids in load_rule_book().only_in.items() if ids},
        },
        "failedFacts": len(evaluated.failed),
        "failedChecks": list(dict.fromkeys(fact.check for fact in evaluated.failed)),
    }


def _methods(config: Config, ksis: Iterable[KsiResult]) -> dict[str, Any]:
    """How many indicators have as many automated methods as rule FRC-CSX-VVK asks for, which speaks to the 20x route only."""
    rule, required = automated_methods(config.class_)
    enough = sum(len(result.methods) >= required for result in ksis)
    if applicable(rule, config.class_, config.certification):
        force = rule.force[config.class_]
        note = f"{enough} have as many automated methods as the class asks for ({required}, {rule.id}: {force})."
        found = {"withRequiredMethods": enough, "methodsRequired": required, "methodsRule": rule.id, "methodsForce": force}
    else:
        note = (
            f"{enough} have as many automated methods as the 20x rule {rule.id}, which does not apply on this route, would ask for "
            f"({required})."
        )
        found = {"withMethodsRequiredBy20x": enough, "methodsRequiredBy20x": required, "methodsRule": rule.id}
    return {**found, "methodsNote": note}


def _counts(states: Iterable[State]) -> dict[str, int]:
    words = [SDR_STATUSES[state] for state in states]
    return {"total": len(words), **{status: words.count(status) for status in STATUSES}}
