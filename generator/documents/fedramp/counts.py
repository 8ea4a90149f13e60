"""FedRAMP counts: what counts on the chosen route to a certification, by status, for the Security Decision Record and the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from claimstack.controls.rules import automated_methods, load_rules
from claimstack.generator.documents.evidence.coverage import by_control
from claimstack.generator.documents.fedramp.ksis import ksi_results
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
    rule, required = automated_methods(config.class_)
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
            "withRequiredMethods": sum(len(result.methods) >= required for result in ksis),
            "methodsRequired": required,
            "methodsRule": rule.id,
            "methodsForce": rule.force[config.class_],
        },
        "fedRampRequirements": {
            **_counts(rule_state(evaluated, each) for each in rules),
            "providerRules": len(load_rules()),
        },
        "failedFacts": len(evaluated.failed),
        "failedChecks": list(dict.fromkeys(fact.check for fact in evaluated.failed)),
    }


def _counts(states: Iterable[State]) -> dict[str, int]:
    words = [SDR_STATUSES[state] for state in states]
    return {"total": len(words), **{status: words.count(status) for status in STATUSES}}
