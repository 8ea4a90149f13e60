"""SBOM: the bill of materials of the image against the CycloneDX schema, as the CycloneDX project ships it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from tests.systems import REFERENCES, package_of

from claimstack.generator.paths import SBOM

pytestmark = pytest.mark.conformance

REFERRED = ("spdx", "jsf-0.82")
Errors = Callable[[Any], list[str]]


@pytest.fixture(scope="module")
def errors() -> Errors:
    folder = files("cyclonedx.schema") / "_res"
    schemas = {name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8")) for name in ("bom-1.6", *REFERRED)}
    registry = jsonschema_rs.Registry(
        [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", schemas[name]) for name in REFERRED], draft=jsonschema_rs.Draft7
    )
    validator = jsonschema_rs.Draft7Validator(schemas["bom-1.6"], registry=registry, validate_formats=True)
    return lambda document: [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.fixture(scope="module", params=REFERENCES)
def bill(request: pytest.FixtureRequest) -> dict[str, Any]:
    document = json.loads(package_of(request.param).files[SBOM])
    assert isinstance(document, dict)
    return document


def test_bill_of_materials_is_valid_cyclonedx(bill: dict[str, Any], errors: Errors) -> None:
    assert errors(bill) == []


def test_every_reference_of_the_bill_is_defined_once(bill: dict[str, Any]) -> None:
    refs = [bill["metadata"]["component"]["bom-ref"], *(component["bom-ref"] for component in bill["components"])]
    assert sorted(refs) == sorted(set(refs))
    assert {entry["ref"] for entry in bill["dependencies"]} == set(refs)
    assert {ref for entry in bill["dependencies"] for ref in entry["dependsOn"]} < set(refs)


def test_schema_refuses_what_is_broken(bill: dict[str, Any], errors: Errors) -> None:
    for key, value in {"type": "package", "name": None, "purls": []}.items():
        broken = copy.deepcopy(bill)
        broken["components"][1][key] = value
        assert errors(broken), key
