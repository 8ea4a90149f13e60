"""Facts: every check and everything its evaluation found, for `evidence/facts.json`."""

from __future__ import annotations

import dataclasses
from typing import Any

from claimstack.generator.evaluation import Evaluated, Fact
from claimstack.generator.predicates import Outcome

_FACT_FIELDS = tuple(field.name for field in dataclasses.fields(Fact))


def render_facts(evaluated: Evaluated) -> dict[str, Any]:
    """Resources, checks with sentence and data, facts with pointer, expected and actual; the coverage refers to them by id."""
    system = evaluated.system
    outcomes = [fact.outcome for fact in evaluated.facts]
    return {
        "system": system.config.name,
        "as_of": system.config.as_of.isoformat(),
        "level": "declared",
        "environment": evaluated.emitted.environment,
        "note": "Facts are found in the emitted templates. They do not say that a stack is deployed, nor that a control is effective.",
        "counts": {
            "checks": len(system.checks),
            "facts": len(outcomes),
            **{outcome.value: outcomes.count(outcome) for outcome in Outcome},
        },
        "resources": {
            f"{declared.stack}.{declared.logical_id}": {
                "type": declared.type,
                "component": declared.component.id,
                "exempt": declared.exempt.reason if declared.exempt is not None else None,
                "resource_star": dict(declared.resource_star),
                "accepts": dict(declared.accepts),
            }
            for declared in system.declared()
        },
        "checks": [
            {
                "id": declared.id,
                "sentence": declared.check.sentence(),
                "scope": "system" if declared.check.reads_system else f"{declared.scope.stack}.{declared.scope.logical_id}",
                "sha256": declared.sha256,
                "expression": declared.check.data(),
            }
            for declared in system.checks.values()
        ],
        "facts": [{name: getattr(fact, name) for name in _FACT_FIELDS} for fact in evaluated.facts],
    }
