"""The interview starts from what the package says, word for word, and asks for what it does not say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

QUOTED = re.compile(r"“([^”]*)”")


def strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(strings, value))
    return {value} if isinstance(value, str) else set()


def test_everything_quoted_is_said_by_the_package(asking: Any, package: Path) -> None:
    coverage = json.loads((package / "evidence/coverage.json").read_text())
    known = {text.replace("“", "").replace("”", "") for text in strings(coverage)}
    for control in ("ac-2", "ac-3", "au-11", "sc-28", "ia-9", "pe-2"):
        said, _ = asking.prompt(control)
        quotes = QUOTED.findall(said)
        assert quotes
        assert [quote for quote in quotes if quote not in known] == []


@pytest.mark.parametrize("control", ["ac-3", "sc-28", "au-2", "si-4"])
def test_claims_and_what_remains_are_quoted_and_asked_about(asking: Any, package: Path, control: str) -> None:
    points = json.loads((package / "evidence/coverage.json").read_text())["answers"][control]["points"]
    said, request = asking.prompt(control)
    for id_, point in points.items():
        assert f"{id_}: {point['status']}" in said
        for claim in point.get("claims", ()):
            assert f"“{claim['sentence']}”" in said
            assert f"EXAMINE {claim['resource']}, declared at cloudformation/" in request
        for item in point.get("remains", ()):
            assert f"Remains, for {item['who']}: “{item['what']}”" in said
            assert f"INTERVIEW ({item['who']}) on {id_}" in request
            assert item["what"] in request


def test_the_note_on_what_facts_do_not_say_is_part_of_it(asking: Any, package: Path) -> None:
    said, request = asking.prompt("au-11")
    assert json.loads((package / "evidence/facts.json").read_text())["note"] in said
    assert "do not write it from memory" in request
    assert "TEST" in request


def test_a_control_without_claims_leads_to_whoever_answers_for_it(asking: Any) -> None:
    said, request = asking.prompt("AC-1")
    assert "No claim answers it. Disposition: organisational" in said
    assert "the package shows no configuration for this" in request
    assert "INTERVIEW (organisational, sp-corporate) on ac-1_smt.a, ac-1_smt.b" in request


def test_what_did_not_pass_is_examined_first(copy: Any) -> None:
    def fail(facts: Any) -> None:
        next(fact for fact in facts["facts"] if fact["check"] == "server.AuditLog.DeletionPolicy.one-of")["outcome"] = "failed"

    copy.change("evidence/facts.json", fail)
    said, request = copy.asking.prompt("au-11")
    assert "5 passed, 1 failed" in said or "1 failed, 5 passed" in said
    assert "EXAMINE first, failed in the package: cloudformation/server.json#/Resources/AuditLog/DeletionPolicy" in request


def test_the_argument_is_described(asking: Any) -> None:
    [prompt] = asking.talk(lambda client: client.list_prompts()).prompts
    assert (prompt.name, [(argument.name, argument.required) for argument in prompt.arguments]) == (
        "assessor_interview",
        [("control", True)],
    )
    assert prompt.description
    assert prompt.arguments[0].description


def test_an_unknown_control_is_refused_with_the_nearest(asking: Any) -> None:
    with pytest.raises(MCPError, match="closest: au-11") as raised:
        asking.prompt("au-111")
    assert raised.value.code == -32602
