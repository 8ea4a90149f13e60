"""Assessment plan and results: an activity for each check, every fact in an observation, and no more conclusions than facts allow."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.systems import weakened

from claimstack.generator.build import build
from claimstack.generator.documents.cloudformation.template_text import template_text
from claimstack.generator.documents.evidence.facts import METHODS, render_facts
from claimstack.generator.documents.evidence.results import render_results
from claimstack.generator.documents.inventory import inventory_uuid
from claimstack.generator.documents.oscal.assessment import one_line, reviewed_controls
from claimstack.generator.documents.oscal.assessment_plan import render_assessment_plan
from claimstack.generator.documents.oscal.assessment_results import finding_state, render_assessment_results
from claimstack.generator.documents.oscal.common import Document, timestamp, to_bytes
from claimstack.generator.documents.states import state_of
from claimstack.generator.emitted import REMOVE, Edit, Place, asset_id
from claimstack.generator.evaluation import Answer, Evaluated, Fact, Status, evaluate
from claimstack.generator.passing import PassingTest
from claimstack.generator.paths import TEST_RESULTS
from claimstack.generator.predicates import Outcome

Built = Callable[..., Evaluated]

TEST = "tests/unit/runtime/test_audit.py::test_every_request_leaves_one_record"
RETENTION = Place("server", ("Resources", "AuditLog", "Properties", "RetentionInDays"))
WEAKENED = (
    Edit(RETENTION, 30),
    Edit(Place("server", ("Resources", "Sessions")), REMOVE),
    Edit(Place("server", ("Resources", "ByHand")), {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "by\nhand"}}),
    Edit(Place(TEST_RESULTS, ("tests", TEST)), "failed"),
)


@pytest.fixture(scope="module")
def failing(built: Built) -> Evaluated:
    found = weakened(built(), *WEAKENED)
    assert found.failed
    return found


def plan_of(evaluated: Evaluated) -> Any:
    return render_assessment_plan(evaluated)["assessment-plan"]


def result_of(evaluated: Evaluated) -> Any:
    (result,) = render_assessment_results(evaluated)["assessment-results"]["results"]
    return result


def props(thing: dict[str, Any], name: str) -> list[str]:
    return [prop["value"] for prop in thing.get("props", ()) if prop["name"] == name]


def value_of(thing: dict[str, Any], name: str) -> str:
    (prop,) = [prop for prop in thing["props"] if prop["name"] == name]
    return str(prop.get("remarks", prop["value"]))


def told(evaluated: Evaluated) -> Iterator[tuple[str | None, ...]]:
    """Every fact as the results tell it."""
    for observation in result_of(evaluated).get("observations", ()):
        (check,), (sha256,), (level,) = (props(observation, name) for name in ("check-id", "check-sha256", "truth-tier"))
        for evidence in observation["relevant-evidence"]:
            said = [value_of(evidence, name) for name in ("json-pointer", "expected", "actual", "outcome")]
            environment, sources = ([*props(evidence, name), None][0] for name in ("environment", "runtime-sources-sha256"))
            yield check, sha256, level, *said, environment, sources


def found(fact: Fact) -> tuple[str | None, ...]:
    actual = "absent" if fact.actual is None else one_line(fact.actual)
    said = (fact.pointer, one_line(fact.expected), actual, fact.outcome.value)
    return fact.check, fact.sha256, fact.level, *said, fact.environment, fact.sources_sha256


@pytest.mark.parametrize("name", ["commercial", "govcloud"])
def test_the_results_tell_every_fact_once(built: Built, name: str) -> None:
    evaluated = built(name)
    assert Counter(told(evaluated)) == Counter(map(found, evaluated.facts))


def test_the_results_of_a_failing_system_tell_every_fact_once(failing: Evaluated) -> None:
    assert Counter(told(failing)) == Counter(map(found, failing.facts))


def test_the_counts_are_those_of_the_facts(failing: Evaluated) -> None:
    result, outcomes = result_of(failing), Counter(fact.outcome for fact in failing.facts)
    assert props(result, "facts") == [str(len(failing.facts))]
    for outcome in Outcome:
        assert props(result, f"facts-{outcome.value}") == [str(outcomes[outcome])]
        assert f"{outcomes[outcome]} {outcome.value}" in result["description"]


def test_an_observation_is_of_one_check_and_one_resource(failing: Evaluated) -> None:
    items = {inventory_uuid(failing, asset_id(declared)): asset_id(declared) for declared in failing.system.declared()}
    observations = result_of(failing)["observations"]
    assert len({observation["title"] for observation in observations}) == len(observations)
    for observation in observations:
        for subject in observation["subjects"]:
            if subject["type"] == "inventory-item":
                assert props(subject, "asset-id") == [items[subject["subject-uuid"]]]
                assert observation["title"] == f"{props(observation, 'check-id')[0]}: {items[subject['subject-uuid']]}"


def test_what_no_declared_resource_shows_is_observed_of_the_components_that_claim_it(failing: Evaluated) -> None:
    by_title = {observation["title"]: observation for observation in result_of(failing)["observations"]}
    assert {subject["type"] for subject in by_title["system.only-declared: server.ByHand"]["subjects"]} == {"component"}
    (subject,) = by_title[f"tests.unit.runtime.test_audit.{TEST.partition('::')[2]}: {TEST_RESULTS}"]["subjects"]
    assert (subject["type"], subject["title"]) == ("component", "MCP server")


def test_a_resource_that_is_gone_stays_the_subject_of_its_checks(failing: Evaluated) -> None:
    (observation,) = [each for each in result_of(failing)["observations"] if each["title"].startswith("server.Sessions.BillingMode")]
    assert [subject["subject-uuid"] for subject in observation["subjects"]] == [inventory_uuid(failing, "server.Sessions")]
    assert value_of(observation["relevant-evidence"][0], "json-pointer") == "cloudformation/server.json#/Resources"


def test_methods_are_those_of_the_levels(built: Built) -> None:
    evaluated = built()
    levels = {declared.id: declared.check.level for declared in evaluated.system.checks.values()}
    for observation in result_of(evaluated)["observations"]:
        assert observation["methods"] == [METHODS[levels[props(observation, "check-id")[0]]]]
    for activity in plan_of(evaluated)["local-definitions"]["activities"]:
        assert props(activity, "method") == [METHODS[levels[props(activity, "check-id")[0]]]]


def test_nothing_expires_and_everything_is_collected_when_the_package_says(failing: Evaluated) -> None:
    result, moment = result_of(failing), timestamp(failing.system.timestamp)
    assert (result["start"], result["end"]) == (moment, moment)
    assert {observation["collected"] for observation in result["observations"]} == {moment}
    assert not any("expires" in observation for observation in result["observations"])


def test_conditional_and_unevaluated_facts_are_told_as_such(built: Built) -> None:
    retention = Edit(Place("server", ("Parameters", "Retention")), {"Type": "Number"})
    referred = Edit(RETENTION, {"Ref": "Retention"})
    evaluated = weakened(built(), retention, referred, Edit(Place(TEST_RESULTS, ("tests", TEST)), REMOVE))
    said = {observation["title"]: observation["description"] for observation in result_of(evaluated)["observations"]}
    conditional = said["system.AWS-Logs-LogGroup.RetentionInDays.at-least: server.AuditLog"]
    unevaluated = said[f"tests.unit.runtime.test_audit.{TEST.partition('::')[2]}: {TEST_RESULTS}"]
    assert conditional.startswith("Conditional: ")
    assert conditional.endswith("A value that is chosen when the stack is deployed decides; this shows nothing yet.")
    assert unevaluated.startswith("Not evaluated: ")
    assert not any(fact.outcome is Outcome.FAILED for fact in evaluated.facts if fact.check.startswith("tests."))


@pytest.mark.parametrize("render", [render_assessment_plan, render_assessment_results])
def test_both_documents_are_marked_as_the_providers_own(built: Built, render: Callable[[Evaluated], Document]) -> None:
    (content,) = render(built()).values()
    assert props(content["metadata"], "assessment-kind") == ["provider-self-verification"]
    assert "provider's" in content["metadata"]["title"]
    assert "is not, and does not replace, an independent assessment" in content["metadata"]["remarks"]
    assert "They do not say that a stack is deployed" in content["metadata"]["remarks"]


def test_the_result_says_that_nobody_independent_looked(built: Built) -> None:
    result = result_of(built())
    assert result["title"] == "Provider's self-verification of 2026-11-01"
    assert "Independent assessment: no independent assessor engaged." in result["description"]


def test_a_system_in_which_nothing_failed_has_no_finding(built: Built) -> None:
    for name in ("commercial", "govcloud"):
        assert not {"findings", "risks"} & result_of(built(name)).keys()


def test_every_failed_point_has_a_finding_and_no_other(failing: Evaluated) -> None:
    result = result_of(failing)
    failed = [answer.point.id for answer in failing.answers.values() if answer.status is Status.FAILED]
    assert [finding["target"]["target-id"] for finding in result["findings"]] == failed
    observations = {observation["uuid"]: observation for observation in result["observations"]}
    risks = {risk["uuid"]: risk for risk in result["risks"]}
    for finding in result["findings"]:
        answer = failing.answers[finding["target"]["target-id"]]
        assert finding["target"]["status"] == {"state": "not-satisfied", "reason": "fail"}
        assert finding["target"]["implementation-status"]["state"] == state_of(answer) != "implemented"
        assert props(finding, "coverage-status") == [answer.status.value]
        assert props(finding, "supplemental") == (["yes"] if answer.supplemental else [])
        related = [observations[each["observation-uuid"]] for each in finding["related-observations"]]
        assert {props(observation, "outcome")[0] for observation in related} == {"failed"}
        (risk,) = [risks[each["risk-uuid"]] for each in finding["related-risks"]]
        assert risk["related-observations"] == finding["related-observations"]
    named = {each["observation-uuid"] for finding in result["findings"] for each in finding["related-observations"]}
    assert named == {uuid for uuid, observation in observations.items() if props(observation, "outcome") == ["failed"]}


def of(answer: Answer, level: str, *outcomes: Outcome, status: Status = Status.IMPLEMENTED) -> Answer:
    """The answer with facts of a level, as a later reader of deployed resources would find them."""
    (result, *_) = answer.claims
    facts = tuple(dataclasses.replace(result.facts[0], level=level, outcome=outcome) for outcome in outcomes)
    return dataclasses.replace(answer, status=status, claims=(dataclasses.replace(result, facts=facts),))


PASSED, FAILED, CONDITIONAL = Outcome.PASSED, Outcome.FAILED, Outcome.CONDITIONAL


@pytest.mark.parametrize(
    ("level", "outcomes", "status", "state"),
    [
        ("declared", (PASSED,), Status.IMPLEMENTED, None),
        ("effective", (PASSED,), Status.IMPLEMENTED, None),
        ("deployed", (PASSED, PASSED), Status.IMPLEMENTED, "satisfied"),
        ("deployed", (PASSED,), Status.PARTIAL, None),
        ("deployed", (PASSED, CONDITIONAL), Status.IMPLEMENTED, None),
        ("deployed", (PASSED, FAILED), Status.FAILED, "not-satisfied"),
        ("declared", (FAILED,), Status.FAILED, "not-satisfied"),
        ("effective", (PASSED, FAILED), Status.FAILED, "not-satisfied"),
        ("deployed", (), Status.IMPLEMENTED, None),
    ],
)
def test_the_level_of_the_facts_decides_which_findings_exist(
    built: Built, level: str, outcomes: tuple[Outcome, ...], status: Status, state: str | None
) -> None:
    assert finding_state(of(built().answers["au-11_smt"], level, *outcomes, status=status)) == state


def test_one_declared_fact_among_deployed_ones_concludes_nothing(built: Built) -> None:
    deployed = of(built().answers["au-11_smt"], "deployed", PASSED)
    declared = of(built().answers["au-11_smt"], "declared", PASSED)
    assert finding_state(dataclasses.replace(deployed, claims=(*deployed.claims, *declared.claims))) is None


@pytest.mark.parametrize("name", ["commercial", "govcloud"])
def test_every_check_is_one_activity_that_one_task_carries_out(built: Built, name: str) -> None:
    evaluated = built(name)
    plan = plan_of(evaluated)
    activities = {activity["uuid"]: activity for activity in plan["local-definitions"]["activities"]}
    assert [props(activity, "check-id") for activity in activities.values()] == [[check] for check in evaluated.system.checks]
    for activity, check in zip(activities.values(), evaluated.system.checks.values(), strict=True):
        assert props(activity, "check-sha256") == [check.sha256]
        assert check.check.sentence().strip() in activity["description"]
    tasks = [task for group in plan["tasks"] for task in group["tasks"]]
    assert Counter(task["associated-activities"][0]["activity-uuid"] for task in tasks) == Counter(activities.keys())
    observed = {
        task["task-uuid"]
        for observation in result_of(evaluated)["observations"]
        for origin in observation["origins"]
        for task in origin["related-tasks"]
    }
    assert observed == {task["uuid"] for task in tasks}


def test_steps_say_what_to_read_and_how_to_repeat_it(built: Built) -> None:
    evaluated = built()
    activities = {activity["title"]: activity for activity in plan_of(evaluated)["local-definitions"]["activities"]}
    for check in evaluated.system.checks.values():
        read, compare, repeat = (step["description"] for step in activities[check.id]["steps"])
        assert f"claimstack explain {check.id}," in repeat
        if isinstance(check.check, PassingTest):
            assert check.check.test in read
            assert f"pytest {check.check.test} " in repeat
        else:
            assert "cloudformation/" in read
            assert check.check.sentence().strip() in compare
            assert "claimstack build --check" in repeat
    steps = [each["description"] for each in activities["key.Key.Origin.equals"]["steps"]]
    assert steps[0] == "Read cloudformation/key.json#/Resources/Key/Properties/Origin."


def test_controls_with_claims_are_reviewed_with_their_points_and_objectives(built: Built) -> None:
    evaluated = built()
    reviewed = plan_of(evaluated)["reviewed-controls"]
    claimed = [answer for answer in evaluated.answers.values() if answer.claims and not answer.supplemental]
    points = {
        each["control-id"]: each["statement-ids"] for selection in reviewed["control-selections"] for each in selection["include-controls"]
    }
    expected: dict[str, list[str]] = {}
    for answer in claimed:
        expected.setdefault(answer.point.control, []).append(answer.point.id)
    assert points == expected
    (objectives,) = reviewed["control-objective-selections"]
    asked = {each["objective-id"] for each in objectives["include-objectives"]}
    assert asked == {each for answer in claimed for result in answer.claims for each in result.meets or answer.point.objectives}
    assert reviewed == result_of(evaluated)["reviewed-controls"]


def test_claims_outside_the_class_are_named_and_not_reviewed(built: Built) -> None:
    evaluated = built()
    outside = [answer for answer in evaluated.answers.values() if answer.supplemental]
    assert "ia-9_smt" in [answer.point.id for answer in outside]
    plan = plan_of(evaluated)
    assert ", ".join(answer.point.id for answer in outside) in plan["reviewed-controls"]["description"]
    assert reviewed_controls((answer, answer.claims) for answer in outside) is None
    named = {point for activity in plan["local-definitions"]["activities"] for point in props(activity, "supplemental-point")}
    assert named == {answer.point.id for answer in outside}


def test_evidence_files_carry_the_hash_of_their_bytes(failing: Evaluated) -> None:
    resources = render_assessment_results(failing)["assessment-results"]["back-matter"]["resources"]
    files = {f"../cloudformation/{stack}.json": template_text(failing.emitted.stacks[stack]).encode() for stack in failing.system.stacks}
    files |= {f"../{TEST_RESULTS}": to_bytes(render_results(failing)), "../evidence/facts.json": to_bytes(render_facts(failing))}
    hashes = {rlink["href"]: rlink["hashes"][0]["value"] for resource in resources for rlink in resource["rlinks"]}
    assert hashes == {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    used = {evidence["href"] for observation in result_of(failing)["observations"] for evidence in observation["relevant-evidence"]}
    assert used <= files.keys()


def test_what_was_found_belongs_to_an_environment_and_the_plan_does_not(built: Built) -> None:
    evaluated = built()
    prod = evaluate(evaluated.system, dataclasses.replace(evaluated.emitted, environment="prod"))
    here, there = result_of(evaluated), result_of(prod)
    assert here["uuid"] != there["uuid"]
    assert not {each["uuid"] for each in here["observations"]} & {each["uuid"] for each in there["observations"]}
    activities = [[each["uuid"] for each in plan_of(one)["local-definitions"]["activities"]] for one in (evaluated, prod)]
    assert activities[0] == activities[1]
    assert props(render_assessment_results(prod)["assessment-results"]["metadata"], "environment") == ["prod"]


@pytest.mark.parametrize("render", [render_assessment_plan, render_assessment_results])
def test_another_build_of_the_same_system_has_the_same_bytes(failing: Evaluated, render: Callable[[Evaluated], Document]) -> None:
    again = evaluate(build(failing.system.config), failing.emitted)
    assert to_bytes(render(again)) == to_bytes(render(failing))


def test_a_system_without_claims_is_a_plan_of_nothing(built: Built) -> None:
    evaluated = built()
    bare = dataclasses.replace(evaluated, facts=(), answers={}, system=dataclasses.replace(evaluated.system, checks={}))
    assert not {"tasks", "local-definitions"} & plan_of(bare).keys()
    assert "observations" not in result_of(bare)
    (selection,) = plan_of(bare)["reviewed-controls"]["control-selections"]
    assert selection["description"] == "No control has a claim: nothing is assessed."


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("AWS_KMS", "AWS_KMS"),
        ("", '""'),
        (" x", '" x"'),
        ("a\nb", '"a\\nb"'),
        ("a\u2028b", '"a\\u2028b"'),
        (True, "true"),
        (914, "914"),
        ({"Ref": "Key"}, '{"Ref": "Key"}'),
        (["é"], '["é"]'),
        (["\u2028"], '["\\u2028"]'),
    ],
)
def test_a_value_is_one_line(value: Any, line: str) -> None:
    assert one_line(value) == line
