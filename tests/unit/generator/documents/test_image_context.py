from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

from claimstack.generator.documents.image_context import bill_of_materials, locked_packages
from claimstack.generator.requirements import Requirement

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
PACKAGES = (
    Requirement("mcp", "2.3.0", frozenset({"1" * 64}), ("claimstack",)),
    Requirement("anyio", "4.1", frozenset({"2" * 64}), ("httpx2", "mcp")),
    Requirement("desk-tools", "1.0", frozenset({"3" * 64})),
)


def test_bill_lists_what_lies_above_the_base() -> None:
    bill = bill_of_materials("desk", MOMENT, PACKAGES)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "desk"
    assert bill["components"] == [
        {"type": "application", "bom-ref": "claimstack", "name": "claimstack", "version": version("claimstack")},
        library("anyio", "4.1"),
        library("desk-tools", "1.0"),
        library("mcp", "2.3.0"),
    ]
    assert bill["compositions"] == [{"aggregate": "incomplete", "assemblies": ["image"]}]


def library(name: str, release: str) -> dict[str, str]:
    purl = f"pkg:pypi/{name}@{release}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": release, "purl": purl}


def test_bill_says_who_asks_for_what_and_leaves_nothing_unasked() -> None:
    bill = bill_of_materials("desk", MOMENT, PACKAGES)
    assert {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]} == {
        "image": ["claimstack", "pkg:pypi/desk-tools@1.0"],
        "claimstack": ["pkg:pypi/mcp@2.3.0"],
        "pkg:pypi/anyio@4.1": [],
        "pkg:pypi/desk-tools@1.0": [],
        "pkg:pypi/mcp@2.3.0": ["pkg:pypi/anyio@4.1"],
    }


def test_every_locked_package_is_reached_from_the_image() -> None:
    depends = {entry["ref"]: entry["dependsOn"] for entry in bill_of_materials("desk", MOMENT, locked_packages())["dependencies"]}
    assert depends["image"] == ["claimstack"]
    reached, left = set[str](), ["image"]
    while left:
        ref = left.pop()
        if ref not in reached:
            reached.add(ref)
            left += depends[ref]
    assert reached == depends.keys()


def test_order_of_the_lock_changes_nothing() -> None:
    assert bill_of_materials("desk", MOMENT, PACKAGES) == bill_of_materials("desk", MOMENT, PACKAGES[::-1])


def test_serial_number_is_that_of_the_content() -> None:
    bill = bill_of_materials("desk", MOMENT, PACKAGES)
    assert bill["serialNumber"] == bill_of_materials("desk", datetime(2027, 1, 1, tzinfo=UTC), PACKAGES)["serialNumber"]
    assert bill["serialNumber"] != bill_of_materials("desk", MOMENT, PACKAGES[:2])["serialNumber"]
    assert bill["serialNumber"] != bill_of_materials("help", MOMENT, PACKAGES)["serialNumber"]
