"""The MCP conformance suite accepts the server behind each door, at each revision that it knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import OpenDoor
from .suite import required_scenarios, run_suite

REQUIRED = {"2025-06-18": 27, "2025-11-25": 30, "2026-07-28": 37}
"""How many scenarios each revision requires: a suite that asks less would make the scores mean less."""

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("revision", REQUIRED)
def test_the_suite_passes_but_for_what_the_door_cannot_do(
    door: OpenDoor, revision: str, tmp_path: Path, for_people: Callable[[str], None]
) -> None:
    findings = run_suite(door.url, revision, tmp_path)
    for_people(findings.line(door.door.name))
    required = required_scenarios(revision)
    assert len(required) == REQUIRED[revision]
    expected = set(door.door.gaps) & set(required)
    assert set(findings.failed) == expected, {scenario: why for scenario, why in findings.failed.items() if scenario not in expected}
    assert set(findings.warnings) <= set(door.door.doubts), findings.warnings
