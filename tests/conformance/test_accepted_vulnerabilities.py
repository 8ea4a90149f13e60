"""Accepted vulnerabilities: FedRAMP's schema accepts the document of every system, and each vulnerability that nobody accepted."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from tests.official import OFFICIAL, needs_official
from tests.systems import SYSTEMS, package_of

FEDRAMP = OFFICIAL / "fedramp-2026"
FORM = "fedramp-accepted-vulnerability-info-schema-2026-06-24.json"
COMMON = "fedramp-common-definitions-schema-2026-06-24.json"
DOCUMENT = "fedramp/accepted-vulnerabilities.json"

pytestmark = [
    pytest.mark.conformance,
    needs_official,
]


@cache
def schema(definition: str | None) -> jsonschema_rs.Validator:
    """The form, or one of the common definitions; the July file writes references without `#`, which upstream has corrected since."""
    common = json.loads((FEDRAMP / "schemas-2026-10" / COMMON).read_text())
    form = json.loads((FEDRAMP / "schemas-2026-07-15" / FORM).read_text().replace(".json/$defs/", ".json#/$defs/"))
    registry = jsonschema_rs.Registry([(common["$id"], common)])
    asked = form if definition is None else {"$ref": f"{common['$id']}#/$defs/{definition}"}
    return jsonschema_rs.Draft202012Validator(asked, registry=registry, validate_formats=True)


def document_of(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(package_of(name).files[DOCUMENT])
    return document


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_form_is_accepted(name: str) -> None:
    document = document_of(name)
    assert [error.message for error in schema(None).iter_errors(document)] == []
    for each in document["notAccepted"]:
        assert [error.message for error in schema("vulnerabilityDetail").iter_errors(each)] == []


def test_what_failed_could_be_moved_to_the_accepted_ones() -> None:
    document = document_of("failing")
    accepted = [{"vulnerabilityDetail": each, "acceptanceRationale": "A person says why."} for each in document["notAccepted"]]
    assert accepted
    assert schema(None).is_valid({**document, "acceptedVulnerabilities": accepted})


@pytest.mark.parametrize("key", ["certificationPackageOverviewUri", "reportPeriod", "acceptedVulnerabilities"])
def test_the_schema_can_refuse(key: str) -> None:
    document = document_of("commercial")
    assert not schema(None).is_valid({name: value for name, value in document.items() if name != key})
    assert not schema(None).is_valid({**document, key: 1})
