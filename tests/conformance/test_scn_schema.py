"""Significant Change Notification: the draft is valid against FedRAMP's schema, whatever the change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from tests.official import OFFICIAL, needs_official
from tests.systems import made

from claimstack.generator.comparison.comparing import compare
from claimstack.generator.comparison.notification import CHANGE_TYPES, notification
from claimstack.generator.comparison.reading import Contents, read_package
from claimstack.generator.loading import parse_config

REPOSITORY = Path(__file__).parents[2]
SCHEMAS = OFFICIAL / "fedramp-2026" / "schemas-2026-10"
SCN = "fedramp-significant-change-notifications-schema-2026-06-24.json"
COMMON = "fedramp-common-definitions-schema-2026-06-24.json"
RETENTION = ('^value = "1096 days"$', 'value = "1827 days"')
EXAMPLE = (REPOSITORY / "examples" / "commercial.toml").read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.conformance,
    needs_official,
]


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return document


def validator() -> jsonschema_rs.Validator:
    common = read(COMMON)
    registry = jsonschema_rs.Registry([(common["$id"], common)])
    return jsonschema_rs.validator_for(read(SCN), registry=registry, validate_formats=True)


def package(*edits: tuple[str, str]) -> Contents:
    text = EXAMPLE
    for pattern, value in edits:
        text, count = re.subn(pattern, value, text, flags=re.MULTILINE)
        assert count == 1, pattern
    files = made(parse_config(text, "system.toml")).files
    return read_package("package", {path: content.encode() for path, content in files.items()})


@pytest.mark.parametrize(
    ("edit", "type_"),
    [
        (RETENTION, "Adaptive"),
        (("^sessions = true$", "sessions = false"), "Transformative"),
        (("^package_url = .*$", ""), None),
    ],
    ids=["adaptive", "transformative", "no address of the package"],
)
def test_a_draft_is_accepted(edit: tuple[str, str], type_: str | None) -> None:
    old = package()
    changed = package(edit) if type_ is not None else package(edit, RETENTION)
    content = notification(compare(old, changed))
    assert list(validator().iter_errors(content)) == []
    assert content["changeType"] == (type_ or "Adaptive")


def test_the_version_is_the_one_that_was_read() -> None:
    assert read(SCN)["$schemaVersion"] == "0.1.3"
    assert set(CHANGE_TYPES.values()) == set(read(SCN)["properties"]["changeType"]["enum"])


def test_the_schema_can_refuse() -> None:
    assert not validator().is_valid({"changeType": "Routine", "changeDescription": "x", "certificationPackageOverviewUri": "https://x"})
    assert not validator().is_valid({"changeType": "Adaptive", "changeDescription": "x"})
