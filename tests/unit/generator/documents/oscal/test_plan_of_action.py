"""Plan of action: an item for what failed and what is planned, with a plan only where system.toml states one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from tests.systems import weakened

from claimstack.generator.build import build
from claimstack.generator.documents.oscal.assessment_results import render_assessment_results
from claimstack.generator.documents.oscal.common import to_bytes
from claimstack.generator.documents.oscal.people import people
from claimstack.generator.documents.oscal.plan_of_action import UNPLANNED, open_items, render_plan_of_action
from claimstack.generator.documents.states import MEANINGS
from claimstack.generator.emitted import Edit, Place
from claimstack.generator.evaluation import Evaluated, Status, evaluate
from claimstack.generator.predicates import Outcome

Built = Callable[..., Evaluated]

PEOPLE = [
    {"name": "Security office", "roles": ["information-system-security-officer"]},
    {"name": "Owner", "roles": ["system-owner"]},
]
PLANS = {
    "sc-4": {"owner": "information-system-security-officer", "completion": "2027-03-31", "milestone": "Test with two callers."},
    "ac-8": {"owner": "system-owner", "completion": "2027-01-31", "milestone": "Agree a notice with the agency."},
    "ac-8_smt.c": {"owner": "system-owner", "completion": "2027-02-28", "milestone": "Show it before the first call"},
    "au-11": {"owner": "system-owner", "completion": "2026-12-31", "milestone": "Set the retention back."},
    "ac-3": {"owner": "system-owner", "completion": "2027-02-01", "milestone": "Write scopes for every tool."},
    "cm-8": {"owner": "system-owner", "completion": "2027-02-01", "milestone": "Keep an inventory of laptops."},
}


@pytest.fixture(scope="module")
def planned(built: Built) -> Evaluated:
    return built(people=PEOPLE, plans=PLANS)


@pytest.fixture(scope="module")
def failing(planned: Evaluated) -> Evaluated:
    edit = Edit(Place("server", ("Resources", "AuditLog", "Properties", "RetentionInDays")), 30)
    return weakened(planned, edit)


def plan_of_action(evaluated: Evaluated) -> Any:
    return render_plan_of_action(evaluated)["plan-of-action-and-milestones"]


def props(thing: dict[str, Any], name: str) -> list[str]:
    return [prop["value"] for prop in thing["props"] if prop["name"] == name]


def by_point(evaluated: Evaluated) -> dict[str, Any]:
    return {point: item for item in plan_of_action(evaluated)["poam-items"] for point in props(item, "point")}


def risk_of(evaluated: Evaluated, item: dict[str, Any]) -> Any:
    (related,) = item["related-risks"]
    (risk,) = [risk for risk in plan_of_action(evaluated)["risks"] if risk["uuid"] == related["risk-uuid"]]
    return risk


@pytest.mark.parametrize("name", ["planned", "failing"])
def test_items_are_exactly_the_failed_and_the_planned_points_and_the_open_ones_with_a_plan(
    name: str, request: pytest.FixtureRequest
) -> None:
    evaluated = request.getfixturevalue(name)
    items = plan_of_action(evaluated)["poam-items"]
    listed = {point: props(item, "coverage-status") for item in items for point in props(item, "point")}
    wanted, closed = (Status.FAILED, Status.PLANNED), (Status.IMPLEMENTED, Status.NOT_APPLICABLE)
    assert listed == {
        answer.point.id: [answer.status.value]
        for answer in evaluated.answers.values()
        if answer.status in wanted or (answer.status not in closed and {answer.point.id, answer.point.control} & set(PLANS))
    }
    assert sum(len(props(item, "point")) for item in items) == len(listed)


def test_a_planned_item_has_owner_date_and_milestone(planned: Evaluated) -> None:
    item = by_point(planned)["sc-4_smt"]
    assert props(item, "owner") == ["information-system-security-officer"]
    assert props(item, "planned-completion") == ["2027-03-31"]
    assert item["description"].endswith("Planned for 2027-03-31, owner Information System Security Officer: Test with two callers.")
    risk = risk_of(planned, item)
    assert risk["deadline"] == "2027-03-31T00:00:00+00:00"
    (remediation,) = risk["remediations"]
    (milestone,) = remediation["tasks"]
    holders = people(planned.system)["responsible"]["information-system-security-officer"]
    assert (milestone["type"], milestone["title"]) == ("milestone", "Test with two callers.")
    assert milestone["timing"] == {"on-date": {"date": "2027-03-31T00:00:00+00:00"}}
    assert milestone["responsible-roles"] == [{"role-id": "information-system-security-officer", "party-uuids": holders}]
    assert remediation["description"] == "As the provider states it in system.toml [plans]; whether it suffices was not checked."


def test_a_plan_for_what_is_partial_or_left_to_people_is_an_item_in_its_own_words(planned: Evaluated) -> None:
    items = by_point(planned)
    for point, status in (("ac-3_smt", Status.PARTIAL), ("cm-8_smt.a", Status.ORGANISATIONAL)):
        answer, item = planned.answers[point], items[point]
        assert answer.status is status
        assert item["description"].startswith(answer.why)
        risk = risk_of(planned, item)
        assert risk["title"].endswith(": not wholly shown")
        assert risk["statement"].startswith(MEANINGS[status])
        assert risk["deadline"] == "2027-02-01T00:00:00+00:00"


def test_what_no_plan_names_is_visibly_open(planned: Evaluated) -> None:
    item = by_point(planned)["si-6_smt.a"]
    assert props(item, "owner") == props(item, "planned-completion") == ["not stated in system.toml [plans]"]
    assert item["description"].endswith(UNPLANNED)
    assert not {"deadline", "remediations"} & risk_of(planned, item).keys()


def test_the_plan_of_a_point_goes_before_that_of_its_control(planned: Evaluated) -> None:
    items = by_point(planned)
    assert props(items["ac-8_smt.a"], "planned-completion") == ["2027-01-31"]
    assert props(items["ac-8_smt.c"], "planned-completion") == ["2027-02-28"]


def test_points_of_one_reason_and_plan_are_one_item(planned: Evaluated) -> None:
    points = [[answer.point.id for answer in item.answers] for item in open_items(planned)]
    assert ["ac-8_smt.a", "ac-8_smt.b"] in points
    assert ["ac-8_smt.c"] in points
    assert ["ia-5.1_smt.a"] in points


def test_a_failed_item_is_tied_to_what_was_found(failing: Evaluated) -> None:
    content, item = plan_of_action(failing), by_point(failing)["au-11_smt"]
    (finding,) = [each for each in content["findings"] if each["uuid"] == item["related-findings"][0]["finding-uuid"]]
    assert (finding["target"]["target-id"], finding["target"]["status"]["state"]) == ("au-11_smt", "not-satisfied")
    observations = {observation["uuid"]: observation for observation in content["observations"]}
    related = [observations[each["observation-uuid"]] for each in item["related-observations"]]
    assert [observation["title"] for observation in related] == ["system.AWS-Logs-LogGroup.RetentionInDays.at-least: server.AuditLog"]
    risk = risk_of(failing, item)
    assert "found 30, at cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays" in risk["description"]
    assert (risk["status"], risk["deadline"]) == ("open", "2026-12-31T00:00:00+00:00")
    claimed = next(result.claim.sentence for result in failing.answers["au-11_smt"].claims if result.outcome is Outcome.FAILED)
    for told in (item, finding):
        assert told["description"].startswith(f"Not true: {claimed} system.AWS-Logs-LogGroup.RetentionInDays.at-least: expected ")
        assert "at least 914 days" in told["description"]
        assert "found 30, at cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays" in told["description"]
    assert item["description"].endswith("Planned for 2026-12-31, owner Information System Owner: Set the retention back.")


def test_findings_and_risks_of_failed_points_are_those_of_the_results(failing: Evaluated) -> None:
    content = plan_of_action(failing)
    (result,) = render_assessment_results(failing)["assessment-results"]["results"]
    assert content["findings"] == result["findings"]
    without_plan = [
        {key: value for key, value in risk.items() if key not in ("deadline", "remediations")}
        for risk in content["risks"]
        if props(risk, "coverage-status") == ["failed"]
    ]
    assert without_plan == result["risks"]
    observed = {observation["uuid"] for observation in result["observations"] if props(observation, "outcome") == ["failed"]}
    assert {observation["uuid"] for observation in content["observations"]} == observed


def test_nothing_open_is_said_by_the_one_item_that_oscal_asks_for(planned: Evaluated) -> None:
    content = plan_of_action(dataclasses.replace(planned, answers={"au-11_smt": planned.answers["au-11_smt"]}))
    (item,) = content["poam-items"]
    assert (item["title"], props(item, "open-items")) == ("No item is open", ["0"])
    assert not {"risks", "findings", "observations", "local-definitions"} & content.keys()


def test_another_build_of_the_same_system_has_the_same_bytes(failing: Evaluated) -> None:
    again = evaluate(build(failing.system.config), failing.emitted)
    assert to_bytes(render_plan_of_action(again)) == to_bytes(render_plan_of_action(failing))
