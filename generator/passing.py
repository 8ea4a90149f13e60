"""Passing: checks that a test of the runtime carries out, and the recorded results that answer them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from claimstack.controls.errors import InputError
from claimstack.generator.emitted import ABSENT, REMOVE, Edit, Emitted, Json, Place
from claimstack.generator.expressions import Check, Finding, Mutant, Scope, token
from claimstack.generator.paths import TEST_RESULTS
from claimstack.generator.predicates import Outcome

RESULTS: Final = Path(__file__).parents[1] / "tests" / "results.json"
"""In a checkout the committed file; the wheel carries it to the same place beside the generator."""
NODE_ID: Final = re.compile(r"tests/[\w./-]+\.py::test_\w+")
PASSED: Final = "passed"
FAILED: Final = "failed"

NO_RESULTS: Final = "there is no tests/results.json"
STALE: Final = "tests/results.json is stale"
UNKNOWN: Final = "tests/results.json has no such test"

_OUTCOME: Final = {PASSED: Outcome.PASSED, FAILED: Outcome.FAILED}
_TESTED: Final = "tested_sha256"
_PRESENT: Final = "runtime_sha256"
_TESTS: Final = "tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassingTest(Check):
    """A test of the runtime passes. Without a result that belongs to the present sources it is not evaluated, and never a pass."""

    kind: ClassVar[str] = "passing-test"
    level: ClassVar[Literal["declared", "effective"]] = "effective"
    test: str
    """Node id without parameters, as pytest prints it from the root of the repository."""

    def check_id(self, scope: Scope) -> str:
        """The same wherever it is claimed: a test belongs to no resource."""
        return self.name or self._own_id()

    def _own_id(self) -> str:
        return token(self.test.replace("/", ".").replace(".py::", "."))

    def data(self) -> dict[str, Any]:
        return {"kind": self.kind, "test": self.test}

    def sentence(self) -> str:
        return f"the test {self.test} passes"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        tested, present = (emitted.value(_place(name)) for name in (_TESTED, _PRESENT))
        result = emitted.value(_place(_TESTS, self.test))
        if tested is ABSENT:
            yield self._unanswered(_place(), NO_RESULTS)
        elif tested != present:
            yield self._unanswered(_place(_TESTED), STALE)
        elif result is ABSENT:
            yield self._unanswered(_place(_TESTS), UNKNOWN)
        else:
            yield Finding(_place(_TESTS, self.test), PASSED, result, _OUTCOME.get(result, Outcome.NOT_EVALUATED), str(tested))

    def _unanswered(self, place: Place, why: str) -> Finding:
        return Finding(place, PASSED, why, Outcome.NOT_EVALUATED)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        test = _place(_TESTS, self.test)
        yield Mutant(f"{self.test}: it fails", (Edit(test, FAILED),))
        yield Mutant(f"{self.test}: it is skipped", (Edit(test, "skipped"),))
        yield Mutant(f"{self.test}: it did not run", (Edit(test, REMOVE),))
        yield Mutant("the sources of the runtime changed after the tests ran", (Edit(_place(_PRESENT), "0" * 64),))
        yield Mutant("no test ran", (Edit(_place(), {}),))


def passing(file: str, *tests: str) -> tuple[PassingTest, ...]:
    """One check for each test function of a file: `passing("tests/unit/runtime/test_errors.py", "test_a_client_sees_no_stack_trace")`."""
    ids = [f"{file}::{test}" for test in tests]
    wrong = [id_ for id_ in ids if not NODE_ID.fullmatch(id_)]
    if wrong or not ids:
        raise InputError(*(f"{id_}: is no test; write tests/….py and the name of a test function" for id_ in wrong or [f"{file}::"]))
    return tuple(PassingTest(test=id_) for id_ in ids)


def _place(*path: str) -> Place:
    return Place(TEST_RESULTS, path)


@cache
def recorded_results(path: Path = RESULTS) -> Json:
    """The results as checks read them: what was recorded, beside the hash of the runtime as it is now. Raises InputError."""
    present: dict[str, Json] = {_PRESENT: runtime_sha256()}
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {**present, _TESTS: {}}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run make test-results") from error
    if not isinstance(recorded, dict) or not isinstance(recorded.get(_TESTS), dict) or not isinstance(recorded.get("sources_sha256"), str):
        raise InputError(f"{path}: is not what make test-results writes; run it again")
    return {_TESTED: recorded["sources_sha256"], **present, _TESTS: recorded[_TESTS]}


def results_of(tests: Mapping[str, str], sources_sha256: str) -> str:
    """The text of `tests/results.json`: node id → outcome, sorted, and of which sources; no times."""
    return json.dumps({"sources_sha256": sources_sha256, _TESTS: dict(sorted(tests.items()))}, indent=2) + "\n"


@cache
def runtime_sha256() -> str:
    """Content hash of every file of the runtime, in path order."""
    return sources_sha256(files("claimstack.runtime"))


def sources_sha256(folder: Traversable) -> str:
    """Content hash of a folder: paths and contents, caches left out."""
    digest = hashlib.sha256()
    for path, content in sorted(source_files(folder)):
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def source_files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Path and content of every file of a folder, caches left out."""
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from source_files(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith(".pyc"):
            yield prefix + entry.name, entry.read_bytes()


def cited(checks: Iterable[Check]) -> tuple[str, ...]:
    """Node ids that checks ask about, each once, sorted."""
    return tuple(sorted({check.test for check in checks if isinstance(check, PassingTest)}))
