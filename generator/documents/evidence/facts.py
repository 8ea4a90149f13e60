"""Facts: every check and everything its evaluation found, for `evidence/facts.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from claimstack.generator.emitted import asset_id
from claimstack.generator.evaluation import Evaluated, Fact
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import DeclaredCheck

METHODS: Mapping[str, str] = {"declared": "EXAMINE", "effective": "TEST"}
"""Level of a fact → the method of NIST SP 800-53A by which it is found."""
NOTES: Mapping[str, str] = {
    "declared": (
        "Declared facts are found in the emitted templates. They do not say that a stack is deployed, nor that a control is effective."
    ),
    "effective": (
        "Effective facts are results of tests of the MCP server, run on the sources that the hash names. They do not say that the deployed "
        "image is built from these sources."
    ),
}
"""Level → what its facts say, and what they do not."""

_FACT_FIELDS = tuple(field.name for field in dataclasses.fields(Fact))
_TEST_FIELDS = ("sources_sha256",)
"""Fields that only the fact of a test has."""


def render_facts(evaluated: Evaluated) -> dict[str, Any]:
    """Resources, checks with sentence and data, facts with pointer, expected and actual; the coverage refers to them by id."""
    system = evaluated.system
    outcomes = [fact.outcome for fact in evaluated.facts]
    return {
        "system": system.config.name,
        "as_of": system.config.as_of.isoformat(),
        "level": " and ".join(evaluated.levels),
        "environment": evaluated.emitted.environment,
        "note": " ".join(NOTES[level] for level in evaluated.levels),
        "counts": {
            "checks": len(system.checks),
            "facts": len(outcomes),
            **{outcome.value: outcomes.count(outcome) for outcome in Outcome},
        },
        "resources": {
            asset_id(declared): {
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
                "scope": _scope(declared),
                "method": METHODS[declared.check.level],
                "sha256": declared.sha256,
                "expression": declared.check.data(),
            }
            for declared in system.checks.values()
        ],
        "facts": [_fact(fact) for fact in evaluated.facts],
    }


def _scope(declared: DeclaredCheck) -> str:
    if declared.check.level == "effective":
        return "runtime"
    return "system" if declared.check.reads_system else asset_id(declared.scope)


def _fact(fact: Fact) -> dict[str, Any]:
    said = {name: getattr(fact, name) for name in _FACT_FIELDS}
    return {name: value for name, value in said.items() if value is not None or name not in _TEST_FIELDS}
