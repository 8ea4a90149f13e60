"""Would others accept the templates? cfn-lint in every region they are meant for, checkov with reasoned exceptions only."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claimstack.generator.lint import lint_package, partition_of_package, template_files
from claimstack.generator.partition import PARTITIONS

REPOSITORY = Path(__file__).parents[2]
PACKAGES = sorted(path.parent for path in (REPOSITORY / "out").glob("*/manifest.json"))
CHECKOV = REPOSITORY / ".venv-checkov" / "bin" / "checkov"

pytestmark = pytest.mark.conformance


def test_both_partitions_are_judged() -> None:
    assert {partition_of_package(package) for package in PACKAGES} == set(PARTITIONS)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_lint_finds_nothing(package: Path) -> None:
    assert lint_package(package, partition_of_package(package).lint_regions) == ()


def test_lint_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "cloudformation").mkdir()
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"BillingMode": "FREE", "TabelName": "sessions"}}
    (tmp_path / "cloudformation" / "server.json").write_text(json.dumps({"Resources": {"Sessions": table}}))
    assert {"E3030", "E3002", "I3011"} <= {finding.rule for finding in lint_package(tmp_path, ("us-east-1",))}


@pytest.fixture(scope="module")
def checkov() -> dict[str, Any]:
    """checkov's report on every template of both packages; the tool runs offline, from a virtual environment of its own."""
    if not CHECKOV.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CHECKOV} is missing: make conformance installs it")
        pytest.skip(f"{CHECKOV} is missing: make conformance installs it")
    files = [argument for package in PACKAGES for path in template_files(package) for argument in ("-f", str(path))]
    command = [str(CHECKOV), *files, "--framework", "cloudformation", "--skip-download", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_checkov_reads_every_resource(checkov: dict[str, Any]) -> None:
    resources = sum(len(json.loads(path.read_text())["Resources"]) for package in PACKAGES for path in template_files(package))
    assert (checkov["summary"]["parsing_errors"], checkov["summary"]["resource_count"]) == (0, resources)


def test_checkov_finds_nothing_that_is_not_excepted(checkov: dict[str, Any]) -> None:
    failed = checkov["results"]["failed_checks"]
    assert [(check["check_id"], check["file_path"], check["resource"], check["check_name"]) for check in failed] == []


def test_every_checkov_exception_has_a_finding_behind_it(checkov: dict[str, Any]) -> None:
    """An exception in the metadata that no longer suppresses anything is stale."""
    skipped = {
        (Path(check["file_path"]).name, check["resource"].partition(".")[2], check["check_id"])
        for check in checkov["results"]["skipped_checks"]
    }
    excepted = {
        (path.name, logical_id, skip["id"])
        for package in PACKAGES
        for path in template_files(package)
        for logical_id, resource in json.loads(path.read_text())["Resources"].items()
        for skip in resource["Metadata"].get("checkov", {}).get("skip", ())
    }
    assert excepted == skipped
