"""Results: runs the tests of the runtime and records their outcomes in `tests/results.json`, on which claims rest.

`python tests/results.py` is what `make test-results` runs. A test that takes parameters has passed when it did with all of them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from claimstack.generator.build import build
from claimstack.generator.loading import load_config
from claimstack.generator.passing import cited, results_of, sources_sha256

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "tests" / "results.json"
RUNTIME = ROOT / "runtime"
RUNTIME_TESTS = "tests/unit/runtime"
READS_OUT = "tests/unit/runtime/tools/evidence"
"""Left out: these tests read `out/`, which is built from the results."""
SELECTED = ("-p", "no:cacheprovider", "-m", "not conformance and not e2e", f"--ignore={ROOT / READS_OUT}", "--rootdir", str(ROOT))
WORST_FIRST = ("failed", "skipped", "passed")
RAN = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


class Recorder:
    """Plugin of pytest that takes down what became of each test."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or not report.passed:
            self.found.setdefault(function_of(report.nodeid), set()).add(report.outcome)

    def outcomes(self) -> dict[str, str]:
        return {test: next(outcome for outcome in WORST_FIRST if outcome in found) for test, found in self.found.items()}


def function_of(node_id: str) -> str:
    """A node id without its parameters."""
    return node_id.partition("[")[0]


def cited_tests() -> tuple[str, ...]:
    """Node ids that the claims of the reference systems name."""
    systems = [build(load_config(path)) for path in sorted((ROOT / "examples").glob("*.toml"))]
    return cited(declared.check for system in systems for declared in system.checks.values())


def asked() -> list[str]:
    """Folders and files that hold what is recorded: the tests of the runtime, and the files of others that claims name."""
    others = {test.partition("::")[0] for test in cited_tests() if not test.startswith(f"{RUNTIME_TESTS}/")}
    return [RUNTIME_TESTS, *sorted(others)]


def collected() -> set[str]:
    """Node ids of the tests that a run would record."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *SELECTED, *asked()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {function_of(line) for line in done.stdout.splitlines() if "::" in line}


def main() -> int:
    before = sources_sha256(RUNTIME)
    recorder = Recorder()
    code = pytest.main(["-q", "-n", "2", *SELECTED, *(str(ROOT / path) for path in asked())], plugins=[recorder])
    if code not in RAN:
        print(f"{RESULTS}: not written, pytest ended early (exit code {int(code)})", file=sys.stderr)
    elif sources_sha256(RUNTIME) != before:
        print(f"{RESULTS}: not written, the sources of the runtime changed while its tests ran; run them again", file=sys.stderr)
        return 1
    else:
        RESULTS.write_text(results_of(recorder.outcomes(), before), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
