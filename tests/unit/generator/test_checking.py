"""Checking: a package on disk is compared file by file, and judged as it stands."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.systems import package_of

from claimstack.generator.checking import Checked, check_package, failure, found_in, summary
from claimstack.generator.package import Package
from claimstack.generator.predicates import Outcome
from claimstack.generator.writing import write_package

SERVER = "cloudformation/server.json"


@pytest.fixture
def package() -> Package:
    return package_of("commercial")


@pytest.fixture
def folder(package: Package, tmp_path: Path) -> Path:
    write_package(package.files, tmp_path / "demo")
    return tmp_path / "demo"


def test_a_current_package_is_judged_as_its_system_is(package: Package, folder: Path) -> None:
    checked = check_package(package, folder)
    assert checked == Checked((), package.evaluated)
    said = summary(package, folder, checked)
    assert said["built"] == {
        key: said[key] for key in ("facts", "failed_facts", "conditional_facts", "not_evaluated_facts", "points", "controls")
    }
    assert (said["judged"], said["failed_facts"], said["conditional_facts"]) == (True, [], 0)
    assert summary(package, folder) == {**said, "built": None}


def test_facts_that_wait_for_a_deployment_are_counted(package: Package) -> None:
    some = replace(package.evaluated, facts=(*package.evaluated.facts, replace(package.evaluated.facts[0], outcome=Outcome.CONDITIONAL)))
    assert (found_in(package.evaluated)["conditional_facts"], found_in(some)["conditional_facts"]) == (0, 1)


def test_a_folder_that_is_not_there_is_not_judged(package: Package, tmp_path: Path) -> None:
    assert check_package(package, tmp_path / "no") == Checked((f"{tmp_path / 'no'}: does not exist; run claimstack build",), None)


def test_a_missing_or_broken_template_is_named_and_nothing_is_judged(package: Package, folder: Path) -> None:
    (folder / SERVER).unlink()
    (folder / "cloudformation/key.json").write_text("{")
    (folder / "cloudformation/registry.json").write_text('{"Resources": {"A": 5}}')
    checked = check_package(package, folder)
    assert checked.judged is None
    assert [line.partition(".json: ")[0] for line in checked.differences if line.startswith("not judged: ")] == [
        f"not judged: {folder}/cloudformation/{stack}" for stack in ("key", "registry", "server")
    ]
    said = summary(package, folder, checked)
    assert (said["judged"], said["problems"]) == (False, list(checked.differences))


def test_an_edited_template_is_judged_as_it_stands(package: Package, folder: Path) -> None:
    template = json.loads((folder / SERVER).read_text())
    template["Resources"]["AuditLog"]["Properties"]["RetentionInDays"] = 30
    (folder / SERVER).write_text(json.dumps(template))
    checked = check_package(package, folder)
    assert checked.judged is not None
    (failed,) = found_in(checked.judged)["failed_facts"]
    assert failure(failed) == (
        f"{SERVER}#/Resources/AuditLog/Properties/RetentionInDays: RetentionInDays is at least 914 days (OMB M-21-31: 12 months active and "
        "18 months cold storage); found 30 (system.AWS-Logs-LogGroup.RetentionInDays.at-least)"
    )
    assert checked.differences == (
        f"differs: {folder / SERVER}: /Resources/AuditLog/Properties/RetentionInDays is 30, the system file gives 1096",
    )
    said = summary(package, folder, checked)
    assert (said["failed_facts"], said["built"]["failed_facts"], said["judged"]) == ([failed], [], True)
    assert said["points"]["failed"] > said["built"]["points"]["failed"] == 0


def test_an_environment_that_no_longer_fits_is_a_reason_not_to_judge(package: Package, folder: Path, tmp_path: Path) -> None:
    environment = tmp_path / "prod.json"
    shutil.copy(folder / "cloudformation/parameters.example.json", environment)
    template = json.loads((folder / SERVER).read_text())
    template["Parameters"].pop("ImageUri")
    (folder / SERVER).write_text(json.dumps(template))
    checked = check_package(package, folder, environment)
    assert checked.judged is None
    assert [line for line in checked.differences if "ImageUri" in line and line.startswith(f"not judged: {folder}: {environment}")] != []


def test_a_package_of_other_sources_is_told_where_it_differs(package: Package, folder: Path) -> None:
    said = f"{folder}: was written by other sources of claimstack than these, which may be why; claimstack build brings it up to date"
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["generator"]["sources_sha256"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert check_package(package, folder).differences[-1] == said
    (folder / "manifest.json").write_text("{}")
    assert said not in check_package(package, folder).differences
