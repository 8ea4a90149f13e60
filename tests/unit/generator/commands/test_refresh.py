"""Refresh on the command line: 0 the same, 1 changes, 2 wrong input; JSON and Markdown; nothing is written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.official import OFFICIAL, needs_official
from tests.unit.generator.conftest import Run

from claimstack.controls.officials import CATALOG, PROVIDER_RULES, SCHEMAS
from claimstack.generator import console

ROOT = Path(__file__).parents[4]
COMMERCIAL = ROOT / "examples" / "commercial.toml"

pytestmark = needs_official

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(claimstack: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """`claimstack refresh …` in an empty folder: exit code, what it says, and what it says beside that."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for stream in (console.out, console.err):
        monkeypatch.setattr(stream, "_width", 1000)

    def call(*arguments: object) -> tuple[int, str, str]:
        ended = claimstack("refresh", *arguments)
        assert list(Path.cwd().iterdir()) == []
        return ended.code, ended.out, ended.err

    return call


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The official files, with another force of a rule at class C and a schema that moved."""
    copy = tmp_path / "data"
    shutil.copytree(OFFICIAL, copy, copy_function=os.symlink)
    rules, schema = copy / PROVIDER_RULES.file, copy / SCHEMAS[0].file
    texts = {
        rules: rules.read_text().replace("force SHOULD): Providers with Class C Certifications SHOULD use", "force MUST): They MUST use"),
        schema: schema.read_text().replace('"1.1.1"', '"1.2.0"'),
    }
    for path, text in texts.items():
        assert text != path.read_text()
        path.unlink()
        path.write_text(text)
    return copy


def test_the_same_files_are_no_change(run: Told) -> None:
    code, out, err = run("--check", OFFICIAL, COMMERCIAL)
    assert code == 0
    assert out == "21 files compared, 0 changes\n"
    assert "certification-package-overview-schema-2026-06-24.json: version 0.2.0 exists" in err


def test_changes_are_told_with_what_they_touch(run: Told, newer: Path) -> None:
    code, out, _ = run("--check", newer, COMMERCIAL)
    assert code == 1
    lines = out.splitlines()
    at = lines.index("CMU-CSO-UVM Using Validated Cryptographic Modules: SHOULD becomes MUST at class C [rule-force]")
    assert lines[at + 1] == "  rule answer controls/rules/cmu.toml: CMU-CSO-UVM"
    at = lines.index("FedRAMP schema: Security Decision Record: version 1.1.1 becomes 1.2.0 [schema-version]")
    assert lines[at + 1] == "  document package: fedramp/security-decision-record.json"


def test_other_words_of_a_claimed_control_lead_to_its_claims(run: Told, tmp_path: Path) -> None:
    copy = tmp_path / "reworded"
    shutil.copytree(OFFICIAL, copy, copy_function=os.symlink)
    catalog = copy / CATALOG.file
    text = catalog.read_text()
    catalog.unlink()
    catalog.write_text(text.replace("Retain audit records for", "Retain audit records with care for").replace('"5.2.0"', '"5.3.0"'))
    code, out, _ = run("--check", copy, COMMERCIAL)
    assert code == 1
    assert "touches nothing" not in out
    lines = out.splitlines()
    at = lines.index("AU-11 Audit Record Retention: other words at au-11_smt (statement) [control-wording]")
    assert f"  claim {COMMERCIAL}: server.AuditLog: au-11_smt: Audit records stay available for at least thirty months." in lines[at:]
    found = json.loads(run("--check", copy, COMMERCIAL, "--json")[1])["changes"]
    assert [each["kind"] for each in found] == ["edition", "control-wording"]
    assert {each["what"] for each in found[1]["touched"]} >= {"claim", "ceiling"}


def test_without_a_system_it_is_said_that_no_claim_was_looked_at(run: Told) -> None:
    said = "note: no system file is named: its claims and what it states were not looked at"
    assert said in run("--check", OFFICIAL)[2]
    assert said not in run("--check", OFFICIAL, COMMERCIAL)[2]


def test_pipelines_and_reviewers_get_their_own_form(run: Told, newer: Path) -> None:
    code, out, _ = run("--check", newer, "--json")
    assert code == 1
    assert [each["kind"] for each in json.loads(out)["changes"]] == ["edition", "rule-force", "rule-wording", "schema-version"]
    code, out, _ = run("--check", newer, "--markdown")
    assert code == 1
    assert out.startswith("# Official files against the facts of this package\n\n21 files compared, 4 changes. Systems looked at: none")


def test_wrong_input_ends_with_2(run: Told, tmp_path: Path, newer: Path) -> None:
    assert run()[0] == 2
    assert run("--check", tmp_path / "none")[0] == 2
    assert run("--check", OFFICIAL, "--json", "--markdown")[0] == 2
    code, _, err = run("--check", OFFICIAL, tmp_path / "no.toml", tmp_path / "nor.toml")
    assert code == 2
    assert "no.toml" in err
    assert "nor.toml" in err
    path = newer / SCHEMAS[0].file
    path.write_text("[]")
    code, _, err = run("--check", newer)
    assert code == 2
    assert f"{path}: no version at $schemaVersion: this is not FedRAMP schema: Security Decision Record" in err
