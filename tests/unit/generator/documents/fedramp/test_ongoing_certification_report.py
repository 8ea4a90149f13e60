"""Ongoing Certification Report: an example that says so, and holds nothing that a build cannot know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from tests.systems import weakened

from claimstack.generator.documents.fedramp.ongoing_certification_report import months_from, render_ongoing_certification_report
from claimstack.generator.emitted import Edit, Place
from claimstack.generator.evaluation import Evaluated

Built = Callable[..., Evaluated]
PLANS = {
    "sc-4": {"owner": "system-owner", "completion": "2027-03-31", "milestone": "Two callers at once."},
    "ac-1_smt.a": {"owner": "prepared-by", "completion": "2026-12-01", "milestone": "A policy."},
}


def test_an_example_says_that_it_is_one_and_attests_nothing(built: Built) -> None:
    report = render_ongoing_certification_report(built())
    assert report["example"].startswith("EXAMPLE, not a report.")
    (incident,) = report["reportableIncidents"]["incidents"]
    assert incident["summary"].startswith("EXAMPLE, no incident is meant")
    for key in ("certificationDataChanges", "transformativeChanges", "updatedRecommendations", "activeAgencies"):
        assert all(text.startswith("EXAMPLE: ") for text in report[key]), key


def test_plans_are_the_planned_changes_and_set_the_horizon(built: Built) -> None:
    assert render_ongoing_certification_report(built(plans=PLANS))["plannedCertificationDataChanges"] == {
        "planningHorizonThrough": "2027-03-31",
        "changes": [
            "ac-1_smt.a: A policy. (Prepared By, by 2026-12-01)",
            "SC-4: Two callers at once. (Information System Owner, by 2027-03-31)",
        ],
    }
    assert render_ongoing_certification_report(built())["plannedCertificationDataChanges"] == {
        "planningHorizonThrough": "2027-02-01",
        "changes": ["No plan is stated in [plans] of system.toml."],
    }


def test_failed_checks_are_counted_and_nothing_is_accepted(built: Built) -> None:
    sound = built()
    assert render_ongoing_certification_report(sound)["acceptedVulnerabilities"].startswith("No check of this build failed;")
    edit = Edit(Place("server", ("Resources", "AuditLog", "Properties", "RetentionInDays")), 30)
    failing = weakened(sound, edit)
    assert render_ongoing_certification_report(failing)["acceptedVulnerabilities"].startswith("1 check of this build failed;")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 1), -3, date(2026, 8, 1)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 9, 15), 3, date(2026, 12, 15)),
    ],
)
def test_months_keep_the_day_where_the_month_has_it(day: date, months: int, expected: date) -> None:
    assert months_from(day, months) == expected
