"""Results: the outcomes of the runtime's tests that checks ask about, for `evidence/test-results.json`."""

from __future__ import annotations

from typing import Any

from claimstack.generator.evaluation import Evaluated
from claimstack.generator.passing import cited


def render_results(evaluated: Evaluated) -> dict[str, Any]:
    """As recorded, without the tests that no claim rests on; equal hashes say that the tests ran the runtime of this release."""
    recorded = evaluated.emitted.results
    asked = cited(declared.check for declared in evaluated.system.checks.values())
    found = recorded.get("tests", {})
    return {**recorded, "tests": {test: found[test] for test in asked if test in found}}
