"""Passing: a test's result counts while it belongs to the sources that it ran, and can fail a claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.emitted import Emitted, Json, Place
from claimstack.generator.expressions import Finding, Scope
from claimstack.generator.passing import (
    NO_RESULTS,
    STALE,
    UNKNOWN,
    PassingTest,
    cited,
    passing,
    recorded_results,
    results_of,
    runtime_sha256,
    sources_sha256,
)
from claimstack.generator.predicates import Outcome

FILE = "tests/unit/runtime/test_audit.py"
TEST = f"{FILE}::test_a_record_says_where"
SCOPE = Scope("server", "Function")
(CHECK,) = passing(FILE, "test_a_record_says_where")
FILE_POINTER = "evidence/test-results.json#"


def results(tested: str | None = "a", **tests: str) -> Json:
    recorded = {} if tested is None else {"tested_sha256": tested}
    return {**recorded, "runtime_sha256": "a", "tests": {f"{FILE}::{name}": outcome for name, outcome in tests.items()}}


def found(given: Json) -> Finding:
    (finding,) = CHECK.evaluate(Emitted({}, results=given), SCOPE)
    return finding


def test_a_passing_test_passes_with_the_sources_that_it_ran() -> None:
    finding = found(results(test_a_record_says_where="passed"))
    assert finding == Finding(Place("evidence/test-results.json", ("tests", TEST)), "passed", "passed", Outcome.PASSED, "a")
    assert finding.place.pointer == f"{FILE_POINTER}/tests/tests~1unit~1runtime~1test_audit.py::test_a_record_says_where"
    assert Emitted({}, results=results(test_a_record_says_where="passed")).resolves(finding.place.pointer)


def test_a_failed_test_fails() -> None:
    finding = found(results(test_a_record_says_where="failed"))
    assert (finding.actual, finding.outcome) == ("failed", Outcome.FAILED)


@pytest.mark.parametrize(
    ("given", "why", "below"),
    [
        (results(test_a_record_says_where="skipped"), "skipped", "/tests/" + TEST.replace("/", "~1")),
        (results(test_another="passed"), UNKNOWN, "/tests"),
        (results("b", test_a_record_says_where="passed"), STALE, "/tested_sha256"),
        (results("b", test_a_record_says_where="failed"), STALE, "/tested_sha256"),
        (results(None), NO_RESULTS, ""),
        ({}, NO_RESULTS, ""),
    ],
)
def test_without_a_result_that_counts_nothing_is_evaluated(given: Json, why: str, below: str) -> None:
    finding = found(given)
    assert (finding.actual, finding.outcome) == (why, Outcome.NOT_EVALUATED)
    assert finding.place.pointer == FILE_POINTER + below
    assert Emitted({}, results=given).resolves(finding.place.pointer)


def test_every_mutant_flips_the_check() -> None:
    emitted = Emitted({}, results=results(test_a_record_says_where="passed"))
    outcomes = {
        mutant.what: finding.outcome
        for mutant in CHECK.mutants(emitted, SCOPE)
        for finding in CHECK.evaluate(emitted.edited(*mutant.edits), SCOPE)
    }
    assert outcomes == {
        f"{TEST}: it fails": Outcome.FAILED,
        f"{TEST}: it is skipped": Outcome.NOT_EVALUATED,
        f"{TEST}: it did not run": Outcome.NOT_EVALUATED,
        "the sources of the runtime changed after the tests ran": Outcome.NOT_EVALUATED,
        "no test ran": Outcome.NOT_EVALUATED,
    }


def test_a_test_is_one_check_wherever_it_is_claimed() -> None:
    assert CHECK.check_id(SCOPE) == CHECK.check_id(Scope("key", "Key")) == "tests.unit.runtime.test_audit.test_a_record_says_where"
    assert (CHECK.sentence(), CHECK.data()) == (f"the test {TEST} passes", {"kind": "passing-test", "test": TEST})


@pytest.mark.parametrize(("file", "tests"), [("runtime/audit.py", ("test_x",)), (FILE, ("record",)), (FILE, ("test_x[1]",)), (FILE, ())])
def test_what_names_no_test_is_refused(file: str, tests: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="is no test; write tests/"):
        passing(file, *tests)


def test_cited_tests_are_named_once_and_sorted() -> None:
    assert cited([PassingTest(test="b"), CHECK, PassingTest(test="b")]) == ("b", TEST)


def test_what_is_recorded_stands_beside_the_present_sources(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(results_of({"tests/b.py::test_b": "failed", "tests/a.py::test_a": "passed"}, "f" * 64))
    assert list(json.loads(file.read_text())["tests"]) == ["tests/a.py::test_a", "tests/b.py::test_b"]
    assert recorded_results(file) == {
        "tested_sha256": "f" * 64,
        "runtime_sha256": runtime_sha256(),
        "tests": {"tests/a.py::test_a": "passed", "tests/b.py::test_b": "failed"},
    }


def test_no_file_means_no_result(tmp_path: Path) -> None:
    assert recorded_results(tmp_path / "results.json") == {"runtime_sha256": runtime_sha256(), "tests": {}}


@pytest.mark.parametrize("text", ["", "[]", '{"tests": []}', '{"tests": {}}', '{"sources_sha256": "x"}'])
def test_a_file_that_was_written_by_hand_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"make test-results|run it again"):
        recorded_results(file)


def test_the_hash_follows_names_and_contents_and_leaves_caches_out(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "tools" / "b.txt").write_text("2")
    first = sources_sha256(tmp_path)

    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.cpython-311.pyc").write_text("3")
    assert sources_sha256(tmp_path) == first

    (tmp_path / "tools" / "b.txt").write_text("3")
    changed = sources_sha256(tmp_path)
    (tmp_path / "tools" / "b.txt").write_text("2")
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    assert len({first, changed, sources_sha256(tmp_path)}) == 3
