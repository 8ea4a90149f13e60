"""OSCAL schemas: NIST's JSON Schema and trestle accept every document that we write, and refuse what is broken."""

from __future__ import annotations

import copy
import hashlib
import importlib
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.official import OFFICIAL, needs_official
from tests.systems import SYSTEMS, oscal_documents, package_of

from claimstack.controls.catalog import load_catalog
from claimstack.generator.documents.oscal.common import CATALOG_HREF
from claimstack.generator.documents.oscal.profile import render_profile
from claimstack.generator.documents.references.check import check_references

REPOSITORY = Path(__file__).parents[2]
PACKAGE = json.loads((REPOSITORY / "tests/unit/generator/documents/references/package.json").read_text())
EMITTED = sorted((REPOSITORY / "out").glob("*/oscal/*.json"))

pytestmark = [
    pytest.mark.conformance,
    needs_official,
]

TRESTLE = {
    "assessment-plan": ("assessment_plan", "AssessmentPlan"),
    "assessment-results": ("assessment_results", "AssessmentResults"),
    "component-definition": ("component", "ComponentDefinition"),
    "plan-of-action-and-milestones": ("poam", "PlanOfActionAndMilestones"),
    "profile": ("profile", "Profile"),
    "system-security-plan": ("ssp", "SystemSecurityPlan"),
}

REFERENCE_SYSTEMS = ("commercial", "govcloud")


@cache
def schema() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((OFFICIAL / "oscal-schemas" / "oscal_complete_schema.json").read_text()))


def schema_errors(document: Mapping[str, Any]) -> list[str]:
    return [f"/{'/'.join(map(str, error.instance_path))}: {error.message}" for error in schema().iter_errors(document)]


def read_by_trestle(document: Mapping[str, Any]) -> dict[str, Any]:
    (model,) = document
    module, name = TRESTLE[model]
    written: dict[str, Any] = getattr(importlib.import_module(f"trestle.oscal.{module}"), name).model_validate(document[model]).oscal_dict()
    return written


def assert_accepted(document: Mapping[str, Any]) -> None:
    """Assert that the schema finds nothing and that trestle reads the document and would write the same one."""
    assert schema_errors(document) == []
    assert read_by_trestle(document) == document


@pytest.mark.parametrize("class_", ["B", "C", "D"])
def test_profile_of_each_class_is_accepted(class_: str) -> None:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert_accepted(render_profile(load_catalog(), class_, f"FedRAMP class {class_}", moment, {"au-11_odp": "1096 days"}))


@pytest.mark.parametrize("name", PACKAGE)
def test_package_of_the_reference_tests_is_accepted(name: str) -> None:
    assert_accepted(PACKAGE[name])


def test_emitted_documents_are_accepted() -> None:
    assert {file.parts[-3] for file in EMITTED} == {file.parent.name for file in (REPOSITORY / "out").glob("*/manifest.json")}
    for file in EMITTED:
        assert_accepted(json.loads(file.read_text()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("profile/uuid", "00000000-0000-1000-8000-000000000001"),
        ("profile/metadata/last-modified", "2026-11-22T00:00:00"),
        ("profile/metadata/version", " 1"),
        ("profile/imports", []),
        ("profile/titel", "Title"),
    ],
)
def test_schema_and_trestle_can_refuse(path: str, value: object) -> None:
    document = copy.deepcopy(PACKAGE["oscal/profile.json"])
    *steps, last = path.split("/")
    holder = document
    for step in steps:
        holder = holder[step]
    holder[last] = value
    assert schema_errors(document)
    with pytest.raises(ValueError, match=last.replace("-", ".")):
        read_by_trestle(document)


def test_trestle_resolves_the_profile_to_the_class(tmp_path: Path) -> None:
    from trestle.core.catalog.catalog_interface import CatalogInterface
    from trestle.core.profile_resolver import ProfileResolver

    profile = render_profile(load_catalog(), "B", "FedRAMP class B", datetime(2026, 11, 22, tzinfo=UTC), {"au-11_odp": "1096 days"})
    # The file at hand stands in for the address at which NIST publishes the same bytes.
    (rlink,) = profile["profile"]["back-matter"]["resources"][0]["rlinks"]
    rlink["href"] = str(OFFICIAL / "nist" / "NIST_SP-800-53_rev5.2.0_catalog.json")
    (tmp_path / ".trestle").mkdir()
    (tmp_path / "profile.json").write_text(json.dumps(profile))
    resolved = CatalogInterface(ProfileResolver.get_resolved_profile_catalog(tmp_path, str(tmp_path / "profile.json")))
    assert sorted(resolved.get_control_ids()) == sorted(load_catalog().classes["B"])
    (parameter,) = [each for each in resolved.get_control("au-11").params if each.id == "au-11_odp"]
    assert parameter.values == ["1096 days"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_documents_of_every_system_are_accepted(name: str) -> None:
    package = package_of(name)
    documents = oscal_documents(package)
    assert set(documents) == {f"oscal/{model}.json" for model in TRESTLE}
    for document in documents.values():
        assert_accepted(document)
    class_, resolves = package.system.config.class_, package.evaluated.emitted.resolves
    # A template that somebody weakened by hand is not laid out as ours, so that its bytes have another hash.
    files = package.files if name != "failing" else None
    found = check_references(documents, package.system.catalog, class_, resolves, files)
    assert [str(finding) for finding in found] == []


ASSESSMENT = ("assessment-plan", "assessment-results", "plan-of-action-and-milestones")


def test_trestle_finds_imported_copies_of_the_assessment_valid(tmp_path: Path) -> None:
    def trestle(*arguments: str) -> str:
        command = [Path(sys.executable).with_name("trestle"), *arguments]
        done = subprocess.run(command, cwd=tmp_path / "workspace", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    (tmp_path / "workspace").mkdir()
    trestle("init", "--local")
    documents = oscal_documents(package_of("failing"))
    for model in ASSESSMENT:
        file = tmp_path / f"{model}.json"
        file.write_text(json.dumps(documents[f"oscal/{model}.json"]))
        trestle("import", "-f", str(file), "-o", "failing")
    said = trestle("validate", "-a")
    assert said.count("VALID: Model") == len(ASSESSMENT)
    assert "INVALID" not in said


@pytest.mark.parametrize("name", REFERENCE_SYSTEMS)
def test_component_definition_has_the_hash_of_the_profile_as_written(name: str) -> None:
    package = package_of(name)
    resources = oscal_documents(package)["oscal/component-definition.json"]["component-definition"]["back-matter"]["resources"]
    (rlink,) = [rlink for resource in resources for rlink in resource["rlinks"] if rlink["href"] == "profile.json"]
    written = hashlib.sha256(package.files["oscal/profile.json"].encode()).hexdigest()
    assert rlink["hashes"] == [{"algorithm": "SHA-256", "value": written}]


def test_trestle_writes_a_component_as_markdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trestle.core.commands.author.component import ComponentGenerate

    documents = oscal_documents(package_of("commercial"))
    definition = documents["oscal/component-definition.json"]["component-definition"]
    (log,) = [component for component in definition["components"] if component["title"] == "Audit log"]
    definition["components"] = [log]
    (tmp_path / ".trestle").mkdir()
    (tmp_path / "component-definitions" / "system").mkdir(parents=True)
    for path, name in {
        "component-definitions/system/component-definition.json": "oscal/component-definition.json",
        "profile.json": "oscal/profile.json",
    }.items():
        # The file at hand stands in for the address at which NIST publishes the same bytes.
        text = json.dumps(documents[name]).replace(CATALOG_HREF, str(OFFICIAL / "nist" / "NIST_SP-800-53_rev5.2.0_catalog.json"))
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert ComponentGenerate().component_generate_all(tmp_path, "system", "markdown") == 0
    written = next((tmp_path / "markdown").rglob("au-11.md")).read_text()
    (requirement,) = [each for each in log["control-implementations"][0]["implemented-requirements"] if each["control-id"] == "au-11"]
    assert requirement["description"].splitlines()[0] in written
    assert "### Implementation Status: implemented" in written
    assert "- server.AuditLog.DeletionPolicy.one-of" in written
    assert "au-11_odp:\n    - 1096 days" in written
