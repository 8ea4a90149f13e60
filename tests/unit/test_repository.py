"""Repository: the files around the code agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirement_name(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_continuous_integration_runs_build_and_then_each_step_of_make_ci_once() -> None:
    (steps,) = re.findall(r"^ci: (.+?) ##", text_of("Makefile"), re.MULTILINE)
    run = re.findall(r"^step (\w+)$", text_of(".ci/run"), re.MULTILINE)
    assert run[0] == "build"
    assert sorted(run[1:]) == sorted(steps.split())


def test_every_direct_dependency_has_an_exact_version() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    direct = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    pins = [line for line in text_of("constraints.txt").splitlines() if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert {requirement_name(line) for line in direct} - {requirement_name(line) for line in pins} == {"claimstack"}


def test_contributing_names_every_make_target() -> None:
    targets = re.findall(r"^([a-z0-9-]+):.*##", text_of("Makefile"), re.MULTILINE)
    contributing = text_of("CONTRIBUTING.md")
    assert [target for target in targets if target != "help" and f"`make {target}`" not in contributing] == []


def test_every_decision_record_has_its_three_parts_on_one_page() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        lines = record.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequences"], record.name
        assert len(lines) <= 60, record.name
