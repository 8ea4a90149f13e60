"""OSCAL judges: two more readers of OSCAL accept all documents of every system; where one is wrong stands here, with the reason."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.systems import SYSTEMS, oscal_documents, package_of

from claimstack.generator.documents.references.index import MODELS

REPOSITORY = Path(__file__).parents[2]
PYTHON = REPOSITORY / ".venv-oscal" / "bin" / "python"
JUDGES = Path(__file__).with_name("oscal_judges.py")

pytestmark = pytest.mark.conformance

Judgement = dict[str, Any]
Judge = Callable[[Mapping[str, Any]], dict[str, Judgement]]

ENTITIES = (
    "The names for a component and an inventory item stand in an external entity of the metaschema, which `oscal` does not expand: "
    "it knows vendor-name alone, and elsewhere everything but vendor-name."
)
TRESTLE = (
    "OSCAL names no such prop in a component definition. compliance-trestle reads and writes the status of a requirement there, without a "
    "namespace (test_oscal_schemas.py shows it)."
)
LEVELS = "`oscal` asks for the levels of NIST SP 800-63-3 in every prop of the system characteristics; these are of the cloud models."

SSP_COMPONENTS = "/system-security-plan/system-implementation/components/props"
SSP_ITEMS = "/system-security-plan/system-implementation/inventory-items/props"
REQUIREMENTS = "/component-definition/components/control-implementations/implemented-requirements"

EXCEPTIONS: Mapping[tuple[str, str, str], str] = {
    ("/assessment-plan/assessment-assets/components/props", "@name", "version"): ENTITIES,
    ("/plan-of-action-and-milestones/local-definitions/assessment-assets/components/props", "@name", "version"): ENTITIES,
    **{(SSP_COMPONENTS, "@name", name): ENTITIES for name in ("implementation-point", "leveraged-authorization-uuid", "vendor-name")},
    **{(SSP_ITEMS, "@name", name): ENTITIES for name in ("asset-id", "asset-type", "function", "is-scanned", "public", "virtual")},
    **{(f"{REQUIREMENTS}{below}/props", "@name", "implementation-status"): TRESTLE for below in ("", "/statements")},
    **{
        ("/system-security-plan/system-characteristics/props", "@value", value): LEVELS
        for value in ("saas", "public-cloud", "government-only-cloud")
    },
}
"""(place, field, value) of a finding of `oscal` that is wrong → why."""


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Shows documents to the judges, in a folder that goes: one of them unpacks a database of 162 MB there."""
    if not PYTHON.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{PYTHON} is missing: make conformance installs it")
        pytest.skip(f"{PYTHON} is missing: make conformance installs it")

    def ask(documents: Mapping[str, Any]) -> dict[str, Judgement]:
        with tempfile.TemporaryDirectory() as folder:
            for name, document in documents.items():
                file = Path(folder) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(document))
            done = subprocess.run([PYTHON, JUDGES, *documents], capture_output=True, text=True, check=True, cwd=folder)
        judged: dict[str, Judgement] = json.loads(done.stdout.splitlines()[-1])
        return judged

    return ask


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Every OSCAL document of every system, by system and file."""
    return {f"{name}/{path}": document for name in SYSTEMS for path, document in oscal_documents(package_of(name)).items()}


@pytest.fixture(scope="module")
def judged(judge: Judge, shown: dict[str, Any]) -> dict[str, Judgement]:
    return judge(shown)


def test_all_models_of_all_systems_are_judged(shown: dict[str, Any]) -> None:
    assert set(shown) == {f"{name}/oscal/{model}.json" for name in SYSTEMS for model in MODELS}


def test_oscal_finds_nothing_that_is_not_excepted(judged: dict[str, Judgement]) -> None:
    found = [(name, *error) for name, said in judged.items() for error in said["oscal"]["errors"] if tuple(error[1:]) not in EXCEPTIONS]
    assert found == []
    phases = {phase for said in judged.values() for phase, passed in said["oscal"]["phases"].items() if not passed}
    assert phases <= {"allowed-values"}


def test_every_exception_has_a_finding_behind_it(judged: dict[str, Judgement]) -> None:
    found = {tuple(error[1:]) for said in judged.values() for error in said["oscal"]["errors"]}
    assert set(EXCEPTIONS) - found == set()


def test_oscal_bindings_reads_and_writes_every_document(judged: dict[str, Judgement], shown: dict[str, Any]) -> None:
    for name, said in judged.items():
        assert "refused" not in said["bindings"], f"{name}: {said['bindings']['refused']}"
        said["bindings"]["written"].pop("$schema", None)
        assert said["bindings"]["written"] == in_its_spelling(shown[name]), name


def in_its_spelling(value: Any) -> Any:
    """A moment in UTC ends in Z where oscal-bindings wrote it, in the offset where trestle did; both mean the same."""
    if isinstance(value, dict):
        return {key: in_its_spelling(member) for key, member in value.items()}
    if isinstance(value, list):
        return [in_its_spelling(item) for item in value]
    return re.sub(r"(T\d\d:\d\d:\d\d)\+00:00$", r"\1Z", value) if isinstance(value, str) else value


def test_the_judges_can_refuse(judge: Judge, shown: dict[str, Any]) -> None:
    plan, results = (json.loads(json.dumps(shown[f"commercial/oscal/{model}.json"])) for model in ("assessment-plan", "assessment-results"))
    plan["assessment-plan"]["local-definitions"]["activities"][0]["props"][0]["value"] = "GUESS"
    results["assessment-results"]["results"][0]["outcome"] = "passed"
    judged = judge({"plan.json": plan, "results.json": results})
    place = "/assessment-plan/local-definitions/activities/props"
    assert ["allowed-values", place, "@value", "GUESS"] in judged["plan.json"]["oscal"]["errors"]
    assert judged["results.json"]["bindings"]["refused"].startswith("OscalParseError")
