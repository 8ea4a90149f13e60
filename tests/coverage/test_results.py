"""Test results: what claims about the running server rest on is recorded, and belongs to the present sources."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

from claimstack.generator.passing import results_of, runtime_sha256

_spec = importlib.util.spec_from_file_location("claimstack_results", Path(__file__).parents[1] / "results.py")
assert _spec is not None
assert _spec.loader is not None
results = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(results)

REMEDY = "run make test-results, then make build, and commit both results"


@cache
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(results.RESULTS.read_text(encoding="utf-8"))
    return found


def test_results_belong_to_the_present_sources_of_the_runtime() -> None:
    assert recorded()["sources_sha256"] == runtime_sha256() == results.sources_sha256(results.RUNTIME), REMEDY


def test_results_name_exactly_the_tests_that_there_are() -> None:
    assert set(recorded()["tests"]) == results.collected(), REMEDY


def test_every_test_that_a_claim_names_has_passed() -> None:
    cited = results.cited_tests()
    assert len(cited) >= 20
    assert {test: recorded()["tests"].get(test) for test in cited} == dict.fromkeys(cited, "passed"), REMEDY


def test_results_are_written_as_make_test_results_writes_them() -> None:
    assert results.RESULTS.read_text(encoding="utf-8") == results_of(recorded()["tests"], recorded()["sources_sha256"])


def test_the_worst_outcome_of_a_test_is_the_one_that_counts() -> None:
    class Report:
        def __init__(self, nodeid: str, when: str, outcome: str) -> None:
            self.nodeid, self.when, self.outcome, self.passed = nodeid, when, outcome, outcome == "passed"

    recorder = results.Recorder()
    for report in (
        Report("tests/a.py::test_plain", "setup", "passed"),
        Report("tests/a.py::test_plain", "call", "passed"),
        Report("tests/a.py::test_some[1]", "call", "passed"),
        Report("tests/a.py::test_some[2-x::y]", "call", "failed"),
        Report("tests/a.py::test_torn", "call", "passed"),
        Report("tests/a.py::test_torn", "teardown", "failed"),
        Report("tests/a.py::test_skipped", "setup", "skipped"),
    ):
        recorder.pytest_runtest_logreport(report)
    assert recorder.outcomes() == {
        "tests/a.py::test_plain": "passed",
        "tests/a.py::test_some": "failed",
        "tests/a.py::test_torn": "failed",
        "tests/a.py::test_skipped": "skipped",
    }
