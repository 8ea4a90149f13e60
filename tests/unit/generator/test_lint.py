"""Lint: the FedRAMP documents of a package on disk are held against our own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.systems import made

from claimstack.controls.errors import InputError
from claimstack.controls.rules import ROUTES
from claimstack.generator.config import Config
from claimstack.generator.lint import LintFinding, lint_fedramp, lint_manifest, lint_package
from claimstack.generator.paths import ARCHITECTURE, CPO, MANIFEST, SDR, SSP

TABLES = {
    "name": "grants-tools",
    "title": "Grants tools",
    "class": "B",
    "certification": "20x",
    "region": "us-east-1",
    "as_of": "2026-11-01",
    "service": {"model": "SaaS", "deployment": "Public Cloud"},
}


def files() -> Mapping[str, str]:
    return made(Config.model_validate_json(json.dumps(TABLES))).files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_package_as_written_has_no_finding_though_values_are_open(folder: Path) -> None:
    assert "not-stated.invalid" in files()[CPO]
    assert list(lint_fedramp(folder)) == []


def test_an_edited_status_is_found(folder: Path) -> None:
    record = json.loads(files()[SDR])
    record["securityControls"][0]["controlImplementationStatus"] = "Implemented"
    (folder / SDR).write_text(json.dumps(record))
    assert [finding.rule for finding in lint_fedramp(folder)] == ["fedramp", "fedramp"]
    assert LintFinding(
        SDR, "fedramp", "securityControls/0/controlImplementationStatus", "AC-1 is 'Implemented', though organisational"
    ) in lint_fedramp(folder)


def test_a_document_that_cannot_be_read_is_found(folder: Path) -> None:
    (folder / CPO).write_text("{")
    assert LintFinding(CPO, "fedramp", "", "is missing or no JSON object: FRC-CSO-PKG asks for it") in lint_fedramp(folder)


@pytest.mark.parametrize("manifest", [None, "{}", '{"class": ["B"], "certification": "20x"}', '{"class": "B", "certification": "x"}'])
def test_nothing_is_said_of_a_folder_that_names_no_class_and_route(folder: Path, manifest: str | None) -> None:
    (folder / SDR).unlink()
    if manifest is None:
        (folder / MANIFEST).unlink()
    else:
        (folder / MANIFEST).write_text(manifest)
    assert list(lint_fedramp(folder)) == []


def test_a_file_that_is_not_as_the_manifest_says_is_found(folder: Path) -> None:
    assert list(lint_manifest(folder)) == []
    (folder / "evidence/facts.json").write_text("{}")
    (folder / "oscal/component-definition.json").unlink()
    said = {finding.file: finding.message for finding in lint_manifest(folder)}
    assert said["evidence/facts.json"].startswith("was changed after the build")
    assert said["oscal/component-definition.json"] == "cannot be read (No such file or directory), and the manifest lists it"


@pytest.mark.parametrize("manifest", [None, "{", "[]", "{}"])
def test_a_package_whose_manifest_tells_nothing_is_found(folder: Path, manifest: str | None) -> None:
    if manifest is None:
        (folder / MANIFEST).unlink()
    else:
        (folder / MANIFEST).write_text(manifest)
    assert [(finding.rule, finding.file) for finding in lint_manifest(folder)] == [("package", MANIFEST)]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("oscal/system-security-plan.json", "{", "cannot be read as JSON"),
        ("cloudformation/server.json", "[" * 100_000, "cannot be read as JSON"),
        ("evidence/facts.json", '{"facts": ["x"]}', "evidence/facts.json: not as claimstack build writes it"),
        ("cloudformation/server.json", '{"Resources": []}', "cloudformation/server.json: /Resources is not an object"),
    ],
)
def test_a_damaged_document_is_named(folder: Path, path: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.generator.lint.lint_template", lambda *_: iter(()))
    (folder / path).write_text(text)
    with pytest.raises(InputError) as refused:
        lint_package(folder, ("us-east-1",))
    assert said in str(refused.value)


def test_an_answer_left_out_of_the_plan_and_a_drawing_changed_beside_it_are_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.generator.lint.lint_template", lambda *_: iter(()))
    plan = json.loads(files()[SSP])
    requirements = plan["system-security-plan"]["control-implementation"]["implemented-requirements"]
    requirements[:] = [each for each in requirements if each["control-id"] != "ac-1"]
    (folder / SSP).write_text(json.dumps(plan))
    (folder / ARCHITECTURE).write_text("<svg/>")
    said = [finding.message for finding in lint_package(folder, ("us-east-1",)) if finding.rule == "oscal"]
    assert any("ac-1" in message for message in said)
    assert any("architecture.svg" in message for message in said)


def test_routes_are_those_of_system_toml() -> None:
    assert set(ROUTES) == {"20x", "rev5"}
