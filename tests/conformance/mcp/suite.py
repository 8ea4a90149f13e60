"""Suite: the official MCP conformance suite run against a URL, and its findings read."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NODE_FOLDER = Path(__file__).parents[3] / ".venv-node"
COMMANDS = NODE_FOLDER / "node_modules/.bin"
RUN_SECONDS = 180
FROZEN = ("2025-11-25", "2026-07-28")
"""Revisions for which the suite freezes what is required; at others, all of its scenarios are."""
FAILURE = "FAILURE"
TASKS = "tasks-"
RESULT_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")


@dataclass(frozen=True)
class Findings:
    """What one run found; a scenario that did not run counts as failed."""

    revision: str
    required: tuple[str, ...]
    failed: Mapping[str, tuple[str, ...]]
    """Required scenarios that failed, and why."""
    unscored: Mapping[str, bool]
    """Further scenarios, which the suite reports and does not count; whether each passed."""
    warnings: Mapping[str, tuple[str, ...]]
    """What the suite found doubtful in required scenarios."""

    @property
    def score(self) -> str:
        return f"{len(self.required) - len(self.failed)}/{len(self.required)}"

    def line(self, configuration: str) -> str:
        """A line of the scorecard."""
        failed = f"; failed: {', '.join(self.failed)}" if self.failed else ""
        doubtful = f"; warnings: {', '.join(self.warnings)}" if self.warnings else ""
        passed = _listed([scenario for scenario, passed in self.unscored.items() if passed])
        others = _listed([scenario for scenario, passed in self.unscored.items() if not passed])
        unscored = f"; not scored: passed {passed}, failed {others}" if self.unscored else ""
        return f"{configuration:<37} {self.revision}  {self.score:>5} required{failed}{doubtful}{unscored}"


def run_suite(url: str, revision: str, folder: Path) -> Findings:
    """Run all scenarios of a revision; `folder` receives their checks."""
    chosen = ["--requirements", revision] if revision in FROZEN else ["--suite", "all", "--spec-version", revision]
    output = _conformance("server", "--url", url, *chosen, "-o", str(folder))
    (folder / "output.txt").write_text(output)
    required = required_scenarios(revision)
    checks = _checks(folder)
    found = {
        scenario: tuple(f"{check['id']}: {check.get('errorMessage', '')}" for check in several if check["status"] == FAILURE)
        for scenario, several in checks.items()
    }
    return Findings(
        revision,
        required,
        {scenario: found.get(scenario, ("did not run",)) for scenario in required if found.get(scenario, ("did not run",))},
        {scenario: not failures for scenario, failures in found.items() if scenario not in required},
        {
            scenario: doubts
            for scenario in required
            if (doubts := tuple(check["id"] for check in checks.get(scenario, ()) if check["status"] == "WARNING"))
        },
    )


@cache
def required_scenarios(revision: str) -> tuple[str, ...]:
    """As the suite lists them, in its order."""
    if revision in FROZEN:
        listed = _conformance("list", "--requirements", revision).partition("Server scenarios")[2].partition("\n\n")[0]
    else:
        listed = _conformance("list", "--server", "--spec-version", revision)
    return tuple(re.findall(r"^  - (\S+)", listed, re.MULTILINE))


def _listed(scenarios: Sequence[str]) -> str:
    """By name; the scenarios of the tasks extension, which the SDK lacks, by number."""
    named = sorted(scenario for scenario in scenarios if not scenario.startswith(TASKS))
    tasks = len(scenarios) - len(named)
    return ", ".join(named + [f"{TASKS}* ({tasks})"] * bool(tasks)) or "none"


def node_environment() -> dict[str, str]:
    """The suite needs a newer Node than many machines have: the one beside it."""
    return {**os.environ, "PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}", "NO_PROXY": "127.0.0.1,localhost"}


def _conformance(*arguments: str) -> str:
    command: Sequence[str] = (str(COMMANDS / "node"), str((COMMANDS / "conformance").resolve()), *arguments)
    run = subprocess.run(command, env=node_environment(), capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    return run.stdout + run.stderr


def _checks(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The checks of each scenario; one that broke off leaves none and counts as failed."""
    found = {}
    for path in sorted(folder.iterdir()):
        if match := RESULT_FOLDER.fullmatch(path.name):
            file = path / "checks.json"
            broken = [{"id": "broke off", "status": FAILURE}]
            found[match["scenario"]] = json.loads(file.read_text()) if file.exists() else broken
    return found
