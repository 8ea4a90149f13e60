"""FedRAMP schemas: the official JSON Schemas accept what we write, formats included, for whole, bare and failing systems.

The October files are used where they are here: Security Decision Record 1.1.1 and common definitions 0.4.1. Overview, report and accepted
vulnerabilities are of July. There, cross references read `…json/$defs/x` and lead nowhere, as FedRAMP/schemas says itself (issue 11,
corrected on 2026-08-11 to `…json#/$defs/x`): they are corrected the same way when the schemas are read, and nothing else is touched.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.official import OFFICIAL, needs_official
from tests.systems import REFERENCES, WEAKENED, edited, package_of

from claimstack.generator.config import Config
from claimstack.generator.documents.fedramp.checks import check_fedramp
from claimstack.generator.package import make_package
from claimstack.generator.paths import CPO, OCR_EXAMPLE, SDR

REPOSITORY = Path(__file__).parents[2]
OCTOBER, JULY = (OFFICIAL / "fedramp-2026" / name for name in ("schemas-2026-10", "schemas-2026-07-15"))
ACCEPTED = "fedramp/accepted-vulnerabilities.json"

pytestmark = [
    pytest.mark.conformance,
    needs_official,
]

SCHEMAS = {
    SDR: (OCTOBER, "security-decision-record", "1.1.1"),
    CPO: (JULY, "certification-package-overview", "0.1.2"),
    OCR_EXAMPLE: (JULY, "ongoing-certification-report", "0.1.1"),
    ACCEPTED: (JULY, "accepted-vulnerability-info", "0.1.0"),
}
COMMON = (OCTOBER, "common-definitions", "0.4.1")
BROKEN = re.compile(r"(https://fedramp\.gov/schemas/[\w.-]+\.json)/\$defs/")

BARE = {"name": "bare", "title": "Bare", "class": "B", "certification": "20x", "region": "us-east-1", "as_of": "2026-11-01"}
OPEN = {"model": "SaaS", "deployment": "Public Cloud"}
"""The two values of an overview that have to be stated: their lists in the schema have no word for what is open."""


@cache
def schema(folder: Path, name: str, version: str) -> dict[str, Any]:
    text = (folder / f"fedramp-{name}-schema-2026-06-24.json").read_text()
    read: dict[str, Any] = json.loads(BROKEN.sub(r"\1#/$defs/", text))
    assert read["$schemaVersion"] == version
    return read


@cache
def validator(path: str) -> jsonschema_rs.Draft202012Validator:
    common = schema(*COMMON)
    registry = jsonschema_rs.Registry([(common["$id"], common)])
    return jsonschema_rs.Draft202012Validator(schema(*SCHEMAS[path]), registry=registry, validate_formats=True, retriever=nowhere)


def nowhere(uri: str) -> Any:
    """Nothing is fetched: what the registry does not hold is not there."""
    raise LookupError(uri)


def schema_errors(path: str, document: Any) -> list[str]:
    return [f"/{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator(path).iter_errors(document)]


def config_of(**tables: Any) -> Config:
    return Config.model_validate_json(json.dumps({**BARE, **tables}))


def documents(files: dict[str, str]) -> dict[str, Any]:
    return {path: json.loads(text) for path, text in files.items() if path.endswith(".json")}


SYSTEMS: dict[str, Callable[[], dict[str, str]]] = {
    **{name: lambda name=name: dict(package_of(name).files) for name in (*REFERENCES, "failing")},
    "nothing stated, class B": lambda: dict(make_package(config_of(service=OPEN)).files),
    "nothing stated, class D": lambda: dict(
        make_package(config_of(service=OPEN, certification="rev5", region="us-gov-west-1", **{"class": "D"})).files
    ),
    "FedRAMP id assigned": lambda: dict(make_package(config_of(service={**OPEN, "fedramp_id": "FR0000000009"})).files),
    "no authentication": lambda: dict(make_package(config_of(service=OPEN, auth={"type": "none"})).files),
    "failing, nothing stated": lambda: dict(edited(config_of(service=OPEN, certification="rev5", **{"class": "C"}), *WEAKENED).files),
}


@cache
def files_of(name: str) -> dict[str, str]:
    return SYSTEMS[name]()


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("path", SCHEMAS)
def test_documents_are_valid(name: str, path: str) -> None:
    assert schema_errors(path, json.loads(files_of(name)[path])) == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_documents_are_complete_and_agree(name: str) -> None:
    files = files_of(name)
    manifest = json.loads(files["manifest.json"])
    found = check_fedramp(documents(files), manifest["class"], manifest["certification"], frozenset(files))
    assert [finding for finding in found if finding.level == "error"] == []


def test_a_service_without_model_and_deployment_is_refused_in_words_that_say_what_to_state() -> None:
    overview = json.loads(make_package(config_of()).files[CPO])
    refused = schema_errors(CPO, overview)
    assert len(refused) == 2
    assert "Not stated in system.toml: [service] model" in "".join(refused)
    assert "Not stated in system.toml: [service] deployment" in "".join(refused)


@pytest.mark.parametrize(
    ("path", "damage"),
    [
        (SDR, lambda d: d.update(certificationPackageOverviewUri="no uri")),
        (SDR, lambda d: d["metadata"].update(lastUpdated="yesterday")),
        (SDR, lambda d: d["securityControls"][0].update(controlImplementationStatus="Planned")),
        (SDR, lambda d: d["keySecurityIndicators"][2]["ksiEvidence"][0].update(evidenceLocation="server.json#/Resources")),
        (SDR, lambda d: d["keySecurityIndicators"][2]["ksiEvidence"][0].update(lastUpdated="2026-11-01T00:00:00Z")),
        (SDR, lambda d: d["keySecurityIndicators"][0].pop("ksiAssessment")),
        (SDR, lambda d: d["fedRampRequirements"][0].pop("frrImplementation")),
        (SDR, lambda d: d["portsAndProtocols"][0].update(portNumber=443)),
        (CPO, lambda d: d["contactInformation"][0].update(contactEmail="nobody")),
        (CPO, lambda d: d["contactInformation"].clear()),
        (CPO, lambda d: d["serviceIdentification"].update(logo="https://example.com/logo.txt")),
        (OCR_EXAMPLE, lambda d: d["reportPeriod"].update(to="today")),
        (OCR_EXAMPLE, lambda d: d.update(certificationPackageOverviewUri="no uri")),
        (ACCEPTED, lambda d: d["reportPeriod"].pop("from")),
        (ACCEPTED, lambda d: d["acceptedVulnerabilities"].append({})),
    ],
)
def test_schemas_can_refuse(path: str, damage: Callable[[Any], object]) -> None:
    document = copy.deepcopy(json.loads(files_of("commercial")[path]))
    damage(document)
    assert schema_errors(path, document)


def test_july_references_lead_nowhere_as_they_are_written() -> None:
    folder, name, _ = SCHEMAS[OCR_EXAMPLE]
    as_written = json.loads((folder / f"fedramp-{name}-schema-2026-06-24.json").read_text())
    common = schema(*COMMON)
    registry = jsonschema_rs.Registry([(common["$id"], common)])
    with pytest.raises(jsonschema_rs.ValidationError, match=r"schema-2026-06-24\.json/\$defs/\w+' is not present"):
        jsonschema_rs.Draft202012Validator(as_written, registry=registry, retriever=nowhere)


def test_what_is_committed_is_valid() -> None:
    committed = sorted((REPOSITORY / "out").glob("*/manifest.json"))
    assert committed
    for manifest in committed:
        for path in SCHEMAS:
            assert schema_errors(path, json.loads((manifest.parent / path).read_text())) == [], f"{manifest.parent.name}/{path}"


def test_a_weakened_system_is_called_what_it_is() -> None:
    record = documents(files_of("failing"))[SDR]
    by_id = {each["controlId"]: each for each in record["securityControls"]}
    assert by_id["AU-11"]["coverageStatus"] == by_id["SC-28"]["coverageStatus"] == "failed"
    failed = [each for each in record["keySecurityIndicators"] if each["coverageStatus"] == "failed"]
    assert failed
    assert {each["ksiImplementationStatus"] for each in failed} <= {"Partially Implemented", "Not Implemented"}
