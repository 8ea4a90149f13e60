"""Package: what one build writes, file by file, and that it hangs together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.systems import example, judged, package_of

from claimstack.controls.errors import InputError
from claimstack.generator.package import DOCUMENTS, Package, emit, judge, make_package
from claimstack.generator.paths import TITLES
from claimstack.generator.writing import sha256


@pytest.fixture
def commercial() -> Package:
    return package_of("commercial")


@pytest.mark.parametrize(
    ("name", "stacks"), [("commercial", ("key", "registry", "endpoints", "server")), ("govcloud", ("registry", "server"))]
)
def test_a_package_holds_its_stacks_its_documents_and_the_manifest(name: str, stacks: tuple[str, ...]) -> None:
    files = [path for path in package_of(name).files if not path.startswith("site/")]
    assert files == [*(f"cloudformation/{stack}.json" for stack in stacks), *DOCUMENTS, "manifest.json"]


def test_every_document_has_a_title_for_lists_of_files() -> None:
    assert set(TITLES) == set(DOCUMENTS)


def test_every_json_file_is_json_and_ends_with_a_line(commercial: Package) -> None:
    for path, text in commercial.files.items():
        assert text.endswith("\n"), path
        if path.endswith(".json"):
            assert json.loads(text), path


def test_facts_are_found_in_the_text_that_is_deployed(commercial: Package) -> None:
    texts = {stack: commercial.files[f"cloudformation/{stack}.json"] for stack in commercial.system.stacks}
    assert commercial.evaluated.emitted.stacks == {stack: json.loads(text) for stack, text in texts.items()}
    assert texts == emit(commercial.system)
    edited = {**texts, "server": texts["server"].replace('"RetentionInDays": 1096', '"RetentionInDays": 30')}
    assert {fact.check for fact in judge(commercial.system, edited).failed} == {"system.AWS-Logs-LogGroup.RetentionInDays.at-least"}


def test_evidence_files_agree_with_each_other(commercial: Package) -> None:
    coverage, facts = (json.loads(commercial.files[f"evidence/{name}.json"]) for name in ("coverage", "facts"))
    checks = {check["id"] for check in facts["checks"]}
    said = [*(said for control in coverage["answers"].values() for said in control["points"].values()), *coverage["supplemental"].values()]
    relied_on = {check for answer in said for claim in answer.get("claims", ()) for check in claim["checks"]}
    assert relied_on == checks == {fact["check"] for fact in facts["facts"]}
    assert facts["counts"] == {
        "checks": len(checks),
        "facts": len(facts["facts"]),
        "passed": len(facts["facts"]),
        "failed": 0,
        "conditional": 0,
        "not-evaluated": 0,
    }


def test_the_evidence_lists_every_resource_with_its_reasons(commercial: Package) -> None:
    resources = json.loads(commercial.files["evidence/facts.json"])["resources"]
    emitted = commercial.evaluated.emitted.stacks
    assert list(resources) == [f"{stack}.{id_}" for stack in commercial.system.stacks for id_ in emitted[stack]["Resources"]]
    for stack, template in emitted.items():
        for id_, said in template["Resources"].items():
            compliance = said["Metadata"]["Compliance"]
            assert resources[f"{stack}.{id_}"] == {
                "type": said["Type"],
                "component": compliance["Component"],
                "exempt": compliance.get("Exempt"),
                "resource_star": compliance.get("ResourceStar", {}),
                "accepts": {skip["id"]: skip["comment"] for skip in said["Metadata"].get("checkov", {}).get("skip", ())},
            }
    assert {id_ for id_, said in resources.items() if said["resource_star"]} >= {"server.NetworkPolicy", "server.TracingPolicy"}


def test_the_manifest_says_what_was_built_from_what(commercial: Package) -> None:
    manifest = json.loads(commercial.files["manifest.json"])
    listed = {path: sha256(text) for path, text in commercial.files.items() if path != "manifest.json"}
    configuration = sha256(example("commercial").model_dump_json(by_alias=True))
    assert {
        key: manifest[key] for key in ("system", "partition", "class", "certification", "timestamp", "configuration_sha256", "files")
    } == {
        "system": "commercial",
        "partition": "aws",
        "class": "C",
        "certification": "20x",
        "timestamp": "2026-11-01T00:00:00+00:00",
        "configuration_sha256": configuration,
        "files": listed,
    }


def test_a_given_time_changes_documents_and_no_template(commercial: Package) -> None:
    later = make_package(example("commercial"), timestamp=datetime(2027, 1, 1, tzinfo=UTC))
    changed = {path for path, text in later.files.items() if text != commercial.files[path]}
    assert {path for path in changed if path.startswith(("cloudformation/", "evidence/"))} == set()
    assert changed >= {path for path in later.files if path.startswith("oscal/")} | {
        "fedramp/security-decision-record.json",
        "fedramp/certification-package-overview.json",
        "fedramp/accepted-vulnerabilities.json",
        "image/sbom.cdx.json",
        "site/index.html",
        "manifest.json",
    }


def test_example_values_are_no_evidence(commercial: Package, tmp_path: Path) -> None:
    """Without an environment nothing is settled by a value that a person has still to choose."""
    assert {fact.environment for fact in commercial.evaluated.facts} == {None}
    examples = json.loads(commercial.files["cloudformation/parameters.example.json"])
    value = next(entry["ParameterValue"] for entry in examples["server"] if entry["ParameterKey"] == "ImageUri")
    assert value not in commercial.files["evidence/facts.json"]
    file = tmp_path / "prod.json"
    file.write_text("{}", encoding="utf-8")
    assert judged(example("commercial"), environment=file).emitted.environment == "prod"
    file.write_text('{"sever": []}', encoding="utf-8")
    with pytest.raises(InputError, match=r"prod\.json: sever: the system has no such stack; did you mean 'server'\?"):
        judged(example("commercial"), environment=file)


def test_systems_built_in_one_process_do_not_touch_each_other(commercial: Package) -> None:
    make_package(example("govcloud"))
    assert make_package(example("commercial")).files == commercial.files
