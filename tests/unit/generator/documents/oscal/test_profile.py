"""Profile: the class as a selection, and the parameters that belong to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.generator.documents.oscal.common import CATALOG_HREF, Document, to_bytes
from claimstack.generator.documents.oscal.profile import render_profile
from claimstack.generator.documents.references.check import check_references

NIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def profile(class_: str = "C", **parameters: str) -> Document:
    return render_profile(
        load_catalog(), class_, "Example, FedRAMP class C", NIGHT, {key.replace("__", "-"): parameters[key] for key in parameters}
    )


def test_profile_says_which_controls_of_which_catalog() -> None:
    document = profile(au__11_odp="1096 days")
    (resource,) = document["profile"].pop("back-matter")["resources"]
    (import_,) = document["profile"].pop("imports")
    assert document == {
        "profile": {
            "uuid": document["profile"]["uuid"],
            "metadata": {
                "title": "Example, FedRAMP class C",
                "last-modified": "2026-11-22T00:00:00+00:00",
                "version": "2026.07.14.01",
                "oscal-version": "1.2.1",
            },
            "merge": {"as-is": True},
            "modify": {"set-parameters": [{"param-id": "au-11_odp", "values": ["1096 days"]}]},
        }
    }
    assert import_ == {"href": f"#{resource['uuid']}", "include-controls": [{"with-ids": list(load_catalog().classes["C"])}]}
    sha256 = "1645df6a370dcb931db2e2d5d70c2f77bc89c38499a416c23a70eb2c0e595bcc"
    media_type = "application/oscal.catalog+json"
    assert resource["rlinks"] == [{"href": CATALOG_HREF, "media-type": media_type, "hashes": [{"algorithm": "SHA-256", "value": sha256}]}]


@pytest.mark.parametrize("class_", ["B", "C", "D"])
def test_every_class_resolves(class_: str) -> None:
    assert check_references({"oscal/profile.json": profile(class_)}, load_catalog(), class_) == ()


def test_profile_without_parameters_modifies_nothing() -> None:
    assert "modify" not in profile()["profile"]


def test_parameter_of_a_control_outside_the_class_stays_out() -> None:
    assert "modify" not in profile("B", **{"ia-09_odp": "every service"})["profile"]


def test_unknown_parameters_are_named_together() -> None:
    with pytest.raises(InputError) as caught:
        profile(**{"au-11_odp": "1096 days", "au-11_odb": "x", "zz-1_odp": "y"})
    assert [cause.partition(" is not")[0] for cause in caught.value.causes] == [
        "control parameter 'au-11_odb'",
        "control parameter 'zz-1_odp'",
    ]


def test_unknown_class_is_named() -> None:
    with pytest.raises(InputError, match="class 'A'"):
        profile("A")


def test_order_of_the_parameters_does_not_show() -> None:
    one, other = {"au-11_odp": "1096 days", "ac-02_odp.01": "x"}, {"ac-02_odp.01": "x", "au-11_odp": "1096 days"}
    assert to_bytes(profile(**one)) == to_bytes(profile(**other))
