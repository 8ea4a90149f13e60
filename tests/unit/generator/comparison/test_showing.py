"""Showing: a comparison for the terminal and for a comment, and the draft of a notification."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from claimstack.controls.errors import InputError
from claimstack.generator.comparison.comparing import compare
from claimstack.generator.comparison.findings import ClaimChange, FileChanges, ValueChange
from claimstack.generator.comparison.notification import OPEN_URI, notification, notifications, open_fields
from claimstack.generator.comparison.showing import LONGEST_COMMENT, _contrast, code, markdown, terminal

from .conftest import GOVCLOUD, Compared, Files, as_package, edited, retention


def printed(comparison: Any, width: int = 80) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(terminal(comparison))
    return capture.get()


def test_the_terminal_gets_eighty_columns_and_the_verdict_first(compared: Compared) -> None:
    said = printed(compared("govcloud", front_door={**GOVCLOUD["front_door"], "waf": False}))
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[:2] == ["grants-tools: old → new", "proposed class: transformative"]
    assert "STATEFUL REMOVED  server.WafLog (AWS::Logs::LogGroup)" in lines
    assert lines.index("LOST  sc-7_smt.c") < lines.index("Why this class")
    assert "A person evaluates every change and decides on its class" in " ".join(said.split())


def test_a_pipe_gets_one_line_for_each_finding_without_trailing_space(compared: Compared) -> None:
    lines = printed(compared(parameters=retention("1827 days")), 1_000_000).splitlines()
    assert "    resource server.AuditLog: RetentionInDays: 1096 → 1827" in lines
    assert [line for line in lines if line != line.rstrip()] == []


def test_no_difference_is_one_line(files: Files) -> None:
    package = as_package(files(), "same")
    comparison = compare(package, package)
    assert printed(comparison).splitlines() == ["grants-tools: same → same", "no difference"]
    assert "No difference." in markdown([comparison])


def test_defects_are_shown_though_nothing_differs(files: Files) -> None:
    def shorten(document: Any) -> None:
        document["Resources"]["AuditLog"]["Properties"]["RetentionInDays"] = 30

    package = as_package(edited(files(), "cloudformation/server.json", shorten))
    comparison = compare(package, package)
    assert "Statements that do not match the template (defects, VDR-CSO-DET) (4)" in printed(comparison)
    assert "No difference but the defects below." in markdown([comparison])
    assert "**STALE**" in markdown([comparison])


def test_markdown_has_every_section_and_names_the_controls(compared: Compared) -> None:
    text = markdown([compared(parameters=retention("1827 days"))])
    for line in (
        "# What this change does",
        "## grants-tools: `old` → `new`",
        "### Control parameters (1)",
        "- changed `au-11_odp of AU-11`",
        "  - `resource server.AuditLog: RetentionInDays: 1096 → 1827`",
        "Controls to be verified: AU-4, AU-11.",
    ):
        assert line in text.splitlines()
    assert "**Proposed significant-change class: adaptive.**" in text


def test_nothing_of_a_package_is_read_as_markdown() -> None:
    assert code("a | <b> @team **x**") == "`a | <b> @team **x**`"
    assert code("with `code` in it") == "``with `code` in it``"
    assert code("`x`") == "`` `x` ``"
    assert code("two\nlines") == "`two lines`"
    assert code("") == ""


def test_a_comment_holds_the_largest_change(compared: Compared) -> None:
    comparison = compared(runtime={"sessions": False})
    claim = ClaimChange("lost", True, "ac-2_smt", "ac-2", "server.X", "A sentence. " * 30)  # noqa: FBT003
    many = dataclasses.replace(
        comparison.findings,
        claims=(claim,) * 400,
        identity=tuple(ValueChange(f"p{number}", "x" * 500, "y" * 500) for number in range(200)),
        files=FileChanges(tuple(f"file-{number}" * 20 for number in range(1000)), (), ()),
    )
    huge = dataclasses.replace(comparison, findings=many)
    for text in (markdown([huge]), markdown([huge] * 30)):
        assert len(text) <= LONGEST_COMMENT + 200
        assert "`claimstack diff --json` has" in text


def test_long_values_are_shown_where_they_differ() -> None:
    assert _contrast("a", "b") == "a → b"
    assert _contrast(None, 3) == "absent → 3"
    old, new = ("x" * 200 + word + "y" * 200 for word in ("one", "two"))
    assert _contrast(old, new) == f"…{'x' * 24}one{'y' * 24}… → …{'x' * 24}two{'y' * 24}…"
    assert _contrast("z" * 300, "z" * 200) == f"…{'z' * 119}… → …{'z' * 24}"


def test_the_draft_of_a_notification_leaves_open_what_only_people_know(compared: Compared) -> None:
    content = notification(compared(parameters=retention("1827 days")))
    assert (content["changeType"], content["certificationPackageOverviewUri"]) == ("Adaptive", OPEN_URI)
    assert content["changeDescription"] == (
        "Change of grants-tools, as two builds of it show. Resources changed: server.AuditLog, server.AccessLog. "
        "Control parameter au-11_odp: 1096 days to 1827 days."
    )
    assert content["impactedControls"] == ["AU-4", "AU-11", "KSI-MLA-OSM"]
    assert "This is a proposal" in content["changeTypeExplanation"]
    assert "plannedStart" not in content["planAndTimeline"]
    assert open_fields(content) == [
        "certificationPackageOverviewUri",
        "fedRampId",
        "assessorName",
        "relatedVulnerability",
        "reason",
        "customerImpact",
        "impactAnalysis",
        "approverNameAndTitle",
        "planAndTimeline",
    ]


def test_what_the_package_says_of_the_offering_stands_in_the_draft(compared: Compared) -> None:
    comparison = compared(parameters=retention("1827 days"))
    uri = "https://www.example.gov/fedramp/certification-package-overview.json"
    stated = dataclasses.replace(comparison, package_uri=uri, service={"fedRampId": "FR123", "assessorName": "Example assessor"})
    content = notification(stated)
    assert (content["certificationPackageOverviewUri"], content["fedRampId"], content["assessorName"]) == (uri, "FR123", "Example assessor")
    assert not {"certificationPackageOverviewUri", "fedRampId", "assessorName"} & set(open_fields(content))


def test_customers_are_told_what_becomes_theirs(compared: Compared) -> None:
    stated = {"ac-1": {"status": "customer", "reason": "The agency holds the policy."}}
    assert "AC-1: status changes from organisational to customer." in notification(compared(dispositions=stated))["customerImpact"]


def test_a_transformative_change_has_the_milestones_of_its_rules(compared: Compared) -> None:
    content = notification(compared(front_door={"domain": "mcp.example.org"}))
    assert content["changeType"] == "Transformative"
    assert [item["milestoneDescription"].rpartition("(")[2] for item in content["planAndTimeline"]["milestones"]] == [
        "SCN-TRF-NIP).",
        "SCN-TRF-NFP).",
        "SCN-TRF-NAF).",
        "SCN-TRF-NAV).",
        "SCN-TRF-UPD).",
    ]


def test_a_change_that_gets_no_notification_gets_no_draft(compared: Compared) -> None:
    with pytest.raises(InputError) as error:
        notifications([compared(**{"class": "B"})], Path("scn.json"))
    assert error.value.causes == (
        "--scn: grants-tools: a certification class change needs a new assessment, and no notification can stand for it (SCN-CSO-EVA); "
        "leave --scn out, or put {system} into the name of the file",
    )


def test_several_systems_have_a_draft_each(compared: Compared, files: Files) -> None:
    package = as_package(files())
    one, none = compared(parameters=retention("1827 days")), dataclasses.replace(compare(package, package), name="other")
    assert list(notifications([one, none], Path("out/scn-{system}.json"))) == [Path("out/scn-grants-tools.json")]
    with pytest.raises(InputError, match=r"put \{system\} into the name of the file"):
        notifications([one, none], Path("scn.json"))
