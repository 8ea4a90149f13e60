"""OSCAL pieces: names stay, bytes stay, and what OSCAL refuses is not built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from trestle.oscal.profile import Profile

from claimstack.generator.documents.oscal.common import (
    FEDRAMP_NS,
    OSCAL_VERSION,
    OWN_NS,
    Party,
    Role,
    metadata,
    prop,
    resource,
    stable_uuid,
    through_trestle,
    timestamp,
    to_bytes,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_uuid_of_a_name_never_changes() -> None:
    assert stable_uuid("component", "audit-log") == "e72093ed-e247-5a01-b5a9-1e4a8a2f6c05"


def test_parts_of_a_name_do_not_run_together() -> None:
    names = [("a", "b", "c"), ("a", "bc"), ("ab", "c"), ("abc",), ("a/b", "c"), ("c", "b", "a")]
    assert len({stable_uuid(*parts) for parts in names}) == len(names)


@pytest.mark.parametrize("parts", [(), ("",), ("component", "")])
def test_uuid_of_nothing_is_refused(parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not empty"):
        stable_uuid(*parts)


def test_time_is_written_in_utc_whatever_its_zone() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    assert [timestamp(NOON), timestamp(elsewhere), timestamp(NOON.replace(microsecond=9))] == ["2026-11-22T12:00:00+00:00"] * 3


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-11-22T12:00:00 has no time zone"):
        timestamp(NOON.replace(tzinfo=None))


def test_metadata_leaves_out_what_is_empty() -> None:
    assert metadata("Title", NOON, "1") == {
        "title": "Title",
        "last-modified": "2026-11-22T12:00:00+00:00",
        "version": "1",
        "oscal-version": OSCAL_VERSION,
    }


def test_metadata_carries_roles_parties_and_who_is_responsible() -> None:
    agency = Party(stable_uuid("party", "agency"), "Agency")
    built = metadata("Title", NOON, "1", roles=[Role("provider", "Provider")], parties=[agency], responsible={"provider": [agency.uuid]})
    assert (built["roles"], built["parties"], built["responsible-parties"]) == (
        [{"id": "provider", "title": "Provider"}],
        [{"uuid": agency.uuid, "type": "organization", "name": "Agency"}],
        [{"role-id": "provider", "party-uuids": [agency.uuid]}],
    )


def test_prop_names_its_namespace_unless_the_name_is_of_oscal() -> None:
    assert [prop("json-pointer", "x"), prop("asset-id", "x", ns=None), prop("package-id", "x", ns=FEDRAMP_NS, remarks="y")] == [
        {"name": "json-pointer", "value": "x", "ns": OWN_NS},
        {"name": "asset-id", "value": "x"},
        {"name": "package-id", "value": "x", "ns": FEDRAMP_NS, "remarks": "y"},
    ]


def test_resource_carries_what_it_was_given() -> None:
    assert resource("u", "Title", "a.json") == {"uuid": "u", "title": "Title", "rlinks": [{"href": "a.json"}]}
    full = resource("u", "Title", "a.json", media_type="application/json", sha256="a" * 64, description="Words.", props=[prop("a", "b")])
    assert full == {
        "uuid": "u",
        "title": "Title",
        "description": "Words.",
        "props": [{"name": "a", "value": "b", "ns": OWN_NS}],
        "rlinks": [{"href": "a.json", "media-type": "application/json", "hashes": [{"algorithm": "SHA-256", "value": "a" * 64}]}],
    }


def minimal(**more: Any) -> dict[str, Any]:
    imports = [{"href": "#x", "include-controls": [{"with-ids": ["au-3"]}]}]
    return {"imports": imports, "metadata": metadata("Title", NOON, "1"), "uuid": stable_uuid("profile"), **more}


def test_what_trestle_accepts_is_what_it_would_write() -> None:
    document = through_trestle(Profile, minimal())
    assert document == {"profile": minimal()} == Profile.model_validate(minimal()).oscal_dict()


def test_trestle_refuses_a_key_that_oscal_does_not_have() -> None:
    with pytest.raises(ValueError, match="titel"):
        through_trestle(Profile, minimal(titel="Title"))


def test_bytes_keep_order_and_letters_and_end_with_a_newline() -> None:
    assert to_bytes({"b": "§ “ü”", "a": [1, {}]}) == '{\n  "b": "§ “ü”",\n  "a": [\n    1,\n    {}\n  ]\n}\n'.encode()


def test_bytes_are_the_ones_json_writes() -> None:
    document = through_trestle(Profile, minimal())
    assert to_bytes(document).decode() == json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def test_shared_pieces_come_without_trestle() -> None:
    modules = ", ".join(f"claimstack.generator.documents.oscal.{name}" for name in ("common", "profile"))
    program = f"import sys, {modules}; print('trestle' in sys.modules)"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment).stdout == "False\n"
