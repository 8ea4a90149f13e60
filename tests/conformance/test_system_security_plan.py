"""System security plan: NIST's schema, trestle and the OSCAL Foundation's example accept it and our components."""

from __future__ import annotations

import copy
import json
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.official import CATALOG, OFFICIAL, needs_official
from tests.systems import edit, example, made, weakened

from claimstack.controls.catalog import load_catalog
from claimstack.generator.config import Config
from claimstack.generator.documents.oscal.common import CATALOG_HREF
from claimstack.generator.documents.oscal.profile import render_class_profile
from claimstack.generator.documents.oscal.system_security_plan import render_system_security_plan
from claimstack.generator.documents.references.check import check_references
from claimstack.generator.package import Package
from claimstack.generator.paths import SSP

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = ("fedramp-ssp-example_NORMALIZED_.oscal.json", "fedramp-ssp-example_new-core.oscal.json")
WORKSPACE_CATALOG, WORKSPACE_PROFILE = "trestle://catalogs/nist/catalog.json", "trestle://profiles/class/profile.json"

pytestmark = [
    pytest.mark.conformance,
    needs_official,
]

BARE = {
    "name": "bare",
    "title": "Bare system",
    "class": "D",
    "certification": "rev5",
    "region": "us-gov-west-1",
    "as_of": "2026-11-01",
    "front_door": {"type": "rest-api", "domain": "mcp.example.gov"},
}
"""A system whose system.toml states nothing that only a provider knows."""


def package(class_: str = "C") -> Package:
    return made(example("commercial").model_copy(update={"class_": class_}))


def document(path: str) -> dict[str, Any]:
    return dict(json.loads(package().files[path]))


@cache
def schema() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((OFFICIAL / "oscal-schemas" / "oscal_ssp_schema.json").read_text()))


def schema_errors(content: dict[str, Any]) -> list[str]:
    return [f"/{'/'.join(map(str, error.instance_path))}: {error.message}" for error in schema().iter_errors(content)]


def test_plan_of_a_system_that_states_nothing_is_accepted() -> None:
    found = made(Config.model_validate_json(json.dumps(BARE)))
    plan = json.loads(found.files[SSP])
    assert schema_errors(plan) == []
    documents = {path: json.loads(text) for path, text in found.files.items() if path.startswith("oscal/")}
    said = check_references(documents, found.system.catalog, "D", found.evaluated.emitted.resolves, found.files)
    assert [str(finding) for finding in said] == []


def test_plan_of_a_failing_system_is_accepted() -> None:
    whole = package().evaluated
    weak = weakened(whole, edit(7, "AuditLog", "Properties", "RetentionInDays"))
    plan = render_system_security_plan(weak)
    assert weak.failed
    assert schema_errors(plan) == []
    said = check_references({SSP: plan, "oscal/profile.json": render_class_profile(weak)}, weak.system.catalog, "C", weak.emitted.resolves)
    assert [str(finding) for finding in said] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("system-characteristics/system-information/information-types", []),
        ("system-characteristics/status/state", 1),
        ("system-implementation/components/0/type", ""),
        ("control-implementation/implemented-requirements/0/statements/0/by-components/0/uuid", "1"),
    ],
)
def test_schema_can_refuse_a_plan(path: str, value: object) -> None:
    plan = copy.deepcopy(document(SSP))
    *steps, last = path.split("/")
    holder: Any = plan["system-security-plan"]
    for step in steps:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[last] = value
    assert schema_errors(plan)


# Into somebody else's plan.


def with_our_components(example: dict[str, Any], definition: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The example with our components, and a by-component of ours wherever it answers a statement that one supports; what had no place."""
    plan = copy.deepcopy(example)["system-security-plan"]
    requirements = {each["control-id"]: each for each in plan["control-implementation"]["implemented-requirements"]}
    homeless = []
    for component in copy.deepcopy(definition["components"]):
        for implementation in component.pop("control-implementations", ()):
            if implementation["source"] != "profile.json":
                continue
            for requirement in implementation["implemented-requirements"]:
                for said in requirement["statements"]:
                    at_home = requirements.get(requirement["control-id"], {}).get("statements", ())
                    home = next((each for each in at_home if each["statement-id"] == said["statement-id"]), None)
                    if home is None:
                        homeless.append(said["statement-id"])
                    else:
                        home["by-components"].append(as_by_component(component["uuid"], said))
        plan["system-implementation"]["components"].append(component | {"status": {"state": "other", "remarks": "Imported."}})
    metadata, resources = definition["metadata"], definition["back-matter"]["resources"]
    plan["metadata"]["parties"] += metadata["parties"]
    known = {role["id"] for role in plan["metadata"]["roles"]}
    plan["metadata"]["roles"] += [role for role in metadata["roles"] if role["id"] not in known]
    plan.setdefault("back-matter", {}).setdefault("resources", []).extend(resources)
    return {"system-security-plan": plan}, homeless


def as_by_component(component: str, said: dict[str, Any]) -> dict[str, Any]:
    state, *props = said["props"]
    built = {
        "component-uuid": component,
        "uuid": said["uuid"],
        "description": said["description"],
        "props": props,
        "implementation-status": {"state": state["value"], "remarks": state["remarks"]},
        "remarks": said["remarks"],
    }
    return built | ({"links": said["links"]} if "links" in said else {})


@pytest.mark.parametrize("name", EXAMPLES)
def test_our_components_bring_nothing_wrong_into_the_example_plan(name: str) -> None:
    example = json.loads((OFFICIAL / "fedramp-rev5" / name).read_text())
    definition = document("oscal/component-definition.json")["component-definition"]
    plan, homeless = with_our_components(example, definition)
    added = len(everything_by_component(plan)) - len(everything_by_component(example))
    components = plan["system-security-plan"]["system-implementation"]["components"]
    assert {each["uuid"] for each in definition["components"]} <= {each["uuid"] for each in components}
    if name == EXAMPLES[0]:
        # It answers every response point of the FedRAMP High baseline, so that each statement of ours has a place.
        assert (added > 100, homeless) == (True, [])
    assert bool(schema_errors(example)) is (name == EXAMPLES[0])
    assert schema_errors(plan) == schema_errors(example)
    before, after = (
        [str(finding) for finding in check_references({name: each}, load_catalog(), pointers=package().evaluated.emitted.resolves)]
        for each in (example, plan)
    )
    assert after == before


def everything_by_component(plan: dict[str, Any]) -> list[dict[str, Any]]:
    requirements = plan["system-security-plan"]["control-implementation"]["implemented-requirements"]
    return [each for requirement in requirements for statement in requirement.get("statements", ()) for each in statement["by-components"]]


# Into a trestle workspace.


def trestle(*arguments: str) -> int:
    from trestle.cli import Trestle

    given, sys.argv = sys.argv, ["trestle", *arguments]
    try:
        return int(Trestle().run())
    finally:
        sys.argv = given


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh workspace with the NIST catalog."""
    monkeypatch.chdir(tmp_path)
    assert trestle("init", "--local") == 0
    (tmp_path / "catalogs" / "nist").mkdir()
    shutil.copy(CATALOG, tmp_path / "catalogs" / "nist" / "catalog.json")
    return tmp_path


def imported(model: str, name: str, text: str) -> int:
    """`trestle import` of a file from outside the workspace."""
    file = Path.cwd().parent / f"{model}-{name}.json"
    file.write_text(text)
    return trestle("import", "-f", str(file), "-o", name)


def in_workspace(found: Package, path: str) -> str:
    """A document of the package with addresses as a workspace has them."""
    return (
        found.files[path].replace('"source": "profile.json"', f'"source": "{WORKSPACE_PROFILE}"').replace(CATALOG_HREF, WORKSPACE_CATALOG)
    )


def test_plan_and_components_are_valid_in_a_fresh_trestle_workspace(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plan = document(SSP)
    assert imported("profile", "class", in_workspace(package(), "oscal/profile.json")) == 0
    assert imported("component-definition", "ours", in_workspace(package(), "oscal/component-definition.json")) == 0
    # Trestle 5.2.0 looks for the profile at an address only: a `#` reference to the back matter, as OSCAL has it, stops it.
    assert imported("system-security-plan", "ours", json.dumps(plan)) == 1
    assert "Back matter resource resolution" in "".join(capfd.readouterr())
    plan["system-security-plan"]["import-profile"]["href"] = WORKSPACE_PROFILE
    assert imported("system-security-plan", "ours", json.dumps(plan)) == 0
    for model in ("profile", "component-definition", "system-security-plan"):
        assert trestle("validate", "-t", model, "-n", "class" if model == "profile" else "ours") == 0
    kept = json.loads((workspace / "system-security-plans" / "ours" / "system-security-plan.json").read_text())
    assert kept["system-security-plan"]["control-implementation"] == plan["system-security-plan"]["control-implementation"]
    broken = workspace / "system-security-plans" / "ours" / "system-security-plan.json"
    kept["system-security-plan"]["system-implementation"]["users"][0]["uuid"] = kept["system-security-plan"]["uuid"]
    broken.write_text(json.dumps(kept))
    assert trestle("validate", "-t", "system-security-plan", "-n", "ours") != 0


def test_trestle_generates_and_assembles_a_plan_from_our_components(workspace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    smaller = package("B")  # class C takes three times as long and shows the same
    definition = in_workspace(smaller, "oscal/component-definition.json")
    assert imported("profile", "class", in_workspace(smaller, "oscal/profile.json")) == 0
    assert imported("component-definition", "ours", definition) == 0
    assert trestle("author", "ssp-generate", "-p", "class", "-cd", "ours", "-o", "plan") == 0
    told = (workspace / "plan" / "au" / "au-11.md").read_text()
    assert "### Audit log\n\nAudit records stay available for at least thirty months. (server.AuditLog, server.AccessLog)" in told
    assert "#### Implementation Status: implemented" in told
    # Trestle 5.2.0 assembles from components with statements only, whose uuids are of version 4; OSCAL allows version 5 as well.
    capfd.readouterr()
    assert trestle("author", "ssp-assemble", "-m", "plan", "-o", "assembled", "-cd", "ours") == 1
    assert "String should match pattern" in "".join(capfd.readouterr())
    relabelled = json.loads(re.sub(r"([0-9a-f]{8}-[0-9a-f]{4}-)5([0-9a-f]{3}-)", r"\g<1>4\g<2>", definition))
    components = relabelled["component-definition"]["components"]
    relabelled["component-definition"]["components"] = [each for each in components if "control-implementations" in each]
    (workspace / "component-definitions" / "ours" / "component-definition.json").write_text(json.dumps(relabelled))
    assert trestle("author", "ssp-assemble", "-m", "plan", "-o", "assembled", "-cd", "ours") == 0
    assembled = json.loads((workspace / "system-security-plans" / "assembled" / "system-security-plan.json").read_text())
    assert schema_errors(assembled) == []
    assert trestle("validate", "-t", "system-security-plan", "-n", "assembled") == 0
    content = assembled["system-security-plan"]
    titles = {each["title"] for each in relabelled["component-definition"]["components"]}
    assert titles < {each["title"] for each in content["system-implementation"]["components"]}
    assert len(content["control-implementation"]["implemented-requirements"]) == len(load_catalog().classes["B"])
