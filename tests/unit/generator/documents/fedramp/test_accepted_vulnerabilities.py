"""Accepted vulnerabilities: nothing is accepted by a build, and nothing that failed is left out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.systems import weakened

from claimstack.generator.documents.fedramp.accepted_vulnerabilities import render_accepted_vulnerabilities
from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import TEST_RESULTS
from claimstack.generator.predicates import Outcome

Built = Callable[..., Evaluated]

TEST = "tests/unit/runtime/test_audit.py::test_every_request_leaves_one_record"
CHECK = "tests.unit.runtime.test_audit.test_every_request_leaves_one_record"
RETENTION = "system.AWS-Logs-LogGroup.RetentionInDays.at-least"


@pytest.fixture(scope="module")
def failing(built: Built) -> Evaluated:
    edits = (
        Edit(Place("server", ("Resources", "AuditLog", "Properties", "RetentionInDays")), 30),
        Edit(Place("server", ("Resources", "AccessLog", "Properties", "RetentionInDays")), REMOVE),
        Edit(Place(TEST_RESULTS, ("tests", TEST)), REMOVE),
    )
    return weakened(built(), *edits)


def test_a_build_accepts_nothing(built: Built, failing: Evaluated) -> None:
    for evaluated in (built(), failing):
        document = render_accepted_vulnerabilities(evaluated)
        assert document["acceptedVulnerabilities"] == []
        assert document["notes"][0].startswith("A vulnerability is accepted when a person of the provider accepts it and says why.")
    assert render_accepted_vulnerabilities(built())["notAccepted"] == []


def test_every_check_that_failed_or_was_not_evaluated_is_listed(failing: Evaluated) -> None:
    listed = [each["providerTrackingId"] for each in render_accepted_vulnerabilities(failing)["notAccepted"]]
    wanted = (Outcome.FAILED, Outcome.NOT_EVALUATED)
    assert listed == list(dict.fromkeys(fact.check for fact in failing.facts if fact.outcome in wanted))
    assert {RETENTION, CHECK} <= set(listed)


def test_an_entry_says_what_was_expected_what_was_found_and_what_rests_on_it(failing: Evaluated) -> None:
    listed = {each["providerTrackingId"]: each for each in render_accepted_vulnerabilities(failing)["notAccepted"]}
    assert listed[RETENTION] == {
        "providerTrackingId": RETENTION,
        "detection": {
            "detectedAt": "2026-11-01T00:00:00+00:00",
            "detectionSource": f"claimstack, check {RETENTION} (EXAMINE, declared)",
        },
        "vulnerabilityDescription": "A check failed. Expected: every AWS::Logs::LogGroup: RetentionInDays is at least 914 days "
        "(OMB M-21-31: 12 months active and 18 months cold storage). "
        "Found at cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays: 30. "
        "Found at cloudformation/server.json#/Resources/AccessLog/Properties: nothing.",
        "supplementaryRiskInformation": "Claims at these points rest on the check: au-4_smt, au-11_smt.",
    }
    assert listed[CHECK]["vulnerabilityDescription"].startswith("A check was not evaluated. Expected: the test ")


def test_nothing_is_rated_that_nobody_rated(failing: Evaluated) -> None:
    keys = {key for each in render_accepted_vulnerabilities(failing)["notAccepted"] for key in each}
    assert keys == {"providerTrackingId", "detection", "vulnerabilityDescription", "supplementaryRiskInformation"}


def test_the_period_is_the_moment_of_the_evidence(built: Built) -> None:
    moment = "2026-11-01T00:00:00+00:00"
    assert render_accepted_vulnerabilities(built())["reportPeriod"] == {"from": moment, "to": moment}


def test_an_address_that_nobody_stated_says_so(built: Built) -> None:
    stated = built(service={"package_url": "https://example.gov/package"})
    assert render_accepted_vulnerabilities(built())["certificationPackageOverviewUri"].startswith("https://not-stated.invalid/")
    uri = render_accepted_vulnerabilities(stated)["certificationPackageOverviewUri"]
    assert uri == "https://example.gov/package/fedramp/certification-package-overview.json"
