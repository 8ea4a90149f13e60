"""Results in a package: the tests that claims rest on, and facts that say how they were found."""

from __future__ import annotations

import json
from collections.abc import Callable

from claimstack.generator.documents.evidence.facts import render_facts
from claimstack.generator.documents.evidence.results import render_results
from claimstack.generator.emitted import Emitted
from claimstack.generator.evaluation import Evaluated, evaluate
from claimstack.generator.passing import cited

Built = Callable[..., Evaluated]


def test_only_tests_that_claims_rest_on_are_shown(built: Built) -> None:
    evaluated = built()
    given = evaluated.emitted.results
    more = Emitted(evaluated.emitted.stacks, results={**given, "tests": {**given["tests"], "tests/other.py::test_other": "passed"}})
    asked = cited(declared.check for declared in evaluated.system.checks.values())

    assert render_results(evaluate(evaluated.system, more)) == {**given, "tests": dict.fromkeys(asked, "passed")}


def test_every_pointer_of_a_fact_leads_into_a_file_of_the_package(built: Built) -> None:
    evaluated = built("govcloud")
    package = Emitted(evaluated.emitted.stacks, results=json.loads(json.dumps(render_results(evaluated))))

    assert [fact.pointer for fact in evaluated.facts if not package.resolves(fact.pointer)] == []


def test_facts_name_their_level_and_checks_their_method(built: Built) -> None:
    rendered = render_facts(built())
    methods = {check["id"]: (check["method"], check["scope"]) for check in rendered["checks"]}

    assert rendered["level"] == "declared and effective"
    assert {(fact["level"], methods[fact["check"]][0]) for fact in rendered["facts"]} == {("declared", "EXAMINE"), ("effective", "TEST")}
    assert {scope for method, scope in methods.values() if method == "TEST"} == {"runtime"}
    assert {fact["level"] for fact in rendered["facts"] if "sources_sha256" in fact} == {"effective"}
    assert "They do not say that the deployed image is built from these sources." in rendered["note"]
