"""Documents agree: every status in every document is the one that the facts give, and no control has two answers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from tests.systems import REFERENCES, example, made, package_of

from claimstack.controls.catalog import control_id, label
from claimstack.controls.families import Remainder
from claimstack.generator.config import Config
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.states import SDR_STATUSES, STATES, control_state, origination_of, state_of
from claimstack.generator.evaluation import Answer, Status
from claimstack.generator.package import Package
from claimstack.generator.predicates import Outcome

ORDER = ("planned", "partial", "implemented")


def unstated() -> Package:
    config = example("govcloud")
    kept = ("name", "title", "class_", "certification", "region", "as_of", "front_door", "auth", "runtime")
    return made(Config(**{key: getattr(config, key) for key in kept}))


def with_providers() -> Package:
    """No authorization of the infrastructure, one provider with an authorization and one without, and plans for what is open."""
    table = json.loads(unstated().system.config.model_dump_json(by_alias=True))
    table["people"] = [{"name": "Owner", "roles": ["system-owner"]}]
    table["providers"] = {
        "siem": {"title": "Corp SIEM", "description": "Reads logs."},
        "idp": {"title": "Corp IdP", "description": "Signs in.", "operator": "Idem", "fedramp_id": "FR1234567890"},
    }
    table["dispositions"] = {
        "au-6": {"status": "inherited", "reason": "The SIEM reviews records.", "provider": "siem"},
        "ia-2": {"status": "inherited", "reason": "The IdP signs people in.", "provider": "idp"},
    }
    plan = {"owner": "system-owner", "completion": "2027-02-01", "milestone": "Close it."}
    table["plans"] = dict.fromkeys(("ac-3", "cm-8", "pe-2", "sc-28"), plan)
    return made(Config.model_validate_json(json.dumps(table)))


def other_class(class_: str) -> Package:
    config = example("govcloud")
    low = tuple(
        each.model_copy(update=dict.fromkeys(("confidentiality", "integrity", "availability"), "low")) for each in config.information
    )
    return made(config.model_copy(update={"class_": class_, "information": low}))


SYSTEMS: Mapping[str, Callable[[], Package]] = {
    **{name: partial(package_of, name) for name in (*REFERENCES, "failing")},
    "unstated": unstated,
    "with providers": with_providers,
    "class B": partial(other_class, "B"),
    "class D": partial(other_class, "D"),
}


@pytest.fixture(params=SYSTEMS)
def package(request: pytest.FixtureRequest) -> Package:
    return SYSTEMS[request.param]()


def read(package: Package, path: str) -> Any:
    return json.loads(package.files[path])


def answers(package: Package) -> dict[str, Answer]:
    return {point: answer for point, answer in package.evaluated.answers.items() if not answer.supplemental}


def by_control(package: Package) -> dict[str, list[Answer]]:
    controls: dict[str, list[Answer]] = {}
    for answer in answers(package).values():
        controls.setdefault(answer.point.control, []).append(answer)
    return controls


def prop(node: Mapping[str, Any], name: str) -> str | None:
    return next((each["value"] for each in node.get("props", ()) if each["name"] == name), None)


def this_system(package: Package) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Control, point and by-component of the system itself, from the security plan."""
    plan = read(package, "oscal/system-security-plan.json")["system-security-plan"]
    [own] = [component["uuid"] for component in plan["system-implementation"]["components"] if component["type"] == "this-system"]
    for requirement in plan["control-implementation"]["implemented-requirements"]:
        for statement in requirement["statements"]:
            for by in statement["by-components"]:
                if by["component-uuid"] == own:
                    yield requirement["control-id"], statement["statement-id"], by


def test_the_security_plan_answers_every_point_once_and_as_the_facts_do(package: Package) -> None:
    said = [(point, by["implementation-status"]["state"], prop(by, "coverage-status")) for _, point, by in this_system(package)]
    assert sorted(said) == sorted((point, state_of(answer), answer.status.value) for point, answer in answers(package).items())


def test_no_component_is_said_to_do_more_than_its_system(package: Package) -> None:
    states = {point: by["implementation-status"]["state"] for _, point, by in this_system(package)}
    plan = read(package, "oscal/system-security-plan.json")["system-security-plan"]
    definition = read(package, "oscal/component-definition.json")["component-definition"]
    said = [
        (statement["statement-id"], by["implementation-status"]["state"])
        for requirement in plan["control-implementation"]["implemented-requirements"]
        for statement in requirement["statements"]
        for by in statement["by-components"]
        if "implementation-status" in by
    ]
    said += [
        (statement["statement-id"], prop(statement, "implementation-status"))
        for component in definition["components"]
        for implementation in component.get("control-implementations", ())
        for requirement in implementation["implemented-requirements"]
        for statement in requirement["statements"]
        if statement["statement-id"] in states
    ]
    stronger = [
        (point, state)
        for point, state in said
        if state in ORDER and states[point] in ORDER and ORDER.index(state) > ORDER.index(states[point])
    ]
    assert len(said) > len(states)
    assert stronger == []


def test_the_security_decision_record_gives_every_control_the_same_answer(package: Package) -> None:
    record = read(package, "fedramp/security-decision-record.json")
    said = {each["controlId"]: (each["controlImplementationStatus"], each["coverageStatus"]) for each in record["securityControls"]}
    coverage = read(package, "evidence/coverage.json")["answers"]
    assert said == {
        label(control): (SDR_STATUSES[control_state(found)], coverage[control]["status"]) for control, found in by_control(package).items()
    }


def test_the_responsibility_matrix_gives_every_point_the_same_answer(package: Package) -> None:
    rows = list(csv.DictReader(io.StringIO(package.files["evidence/responsibility-matrix.csv"])))
    said = {(row["point"], row["status"], row["state"]) for row in rows if row["point"] in answers(package)}
    assert said == {(point, answer.status.value, state_of(answer)) for point, answer in answers(package).items()}
    assert {control_id(row["control"]) for row in rows} >= set(by_control(package))


def test_open_items_are_the_failed_and_the_planned_points_and_others_with_a_plan(package: Package) -> None:
    plan = read(package, "oscal/plan-of-action-and-milestones.json")["plan-of-action-and-milestones"]
    said = {
        (each["value"], prop(item, "coverage-status"))
        for item in plan["poam-items"]
        for each in item.get("props", ())
        if each["name"] == "point"
    }
    opened, closed, plans = (Status.FAILED, Status.PLANNED), (Status.IMPLEMENTED, Status.NOT_APPLICABLE), package.system.config.plans
    assert said == {
        (answer.point.id, answer.status.value)
        for answer in package.evaluated.answers.values()
        if answer.status in opened or (answer.status not in closed and {answer.point.id, answer.point.control} & set(plans))
    }
    dated = {point for _, point, by in this_system(package) if prop(by, "planned-completion-date")}
    assert dated <= {point for point, _ in said}
    listed = package.files["site/open-items.md"].partition("## Planned and failed points")[2].partition("\n## ")[0]
    assert {point for point, _ in said} <= set(re.findall(r"`([a-z0-9._-]+)`", listed))


def test_assessment_results_hold_every_fact_with_its_outcome(package: Package) -> None:
    [result] = read(package, "oscal/assessment-results.json")["assessment-results"]["results"]
    found = Counter(
        (prop(observation, "check-id"), prop(evidence, "outcome"))
        for observation in result["observations"]
        for evidence in observation["relevant-evidence"]
    )
    assert found == Counter((fact.check, fact.outcome.value) for fact in package.evaluated.facts)
    failed_points = {answer.point.id for answer in package.evaluated.answers.values() if answer.status is Status.FAILED}
    assert {finding["target"]["target-id"] for finding in result.get("findings", ())} == failed_points
    assert {finding["target"]["status"]["state"] for finding in result.get("findings", ())} <= {"not-satisfied"}


def test_inheritance_is_claimed_only_from_a_named_authorization(package: Package) -> None:
    leveraged, providers = package.system.config.leveraged is not None, package.system.config.providers.values()
    stated = leveraged or any(provider.fedramp_id is not None for provider in providers)
    assert any(answer.status is Status.INHERITED for answer in answers(package).values()) is stated
    plan = read(package, "oscal/system-security-plan.json")["system-security-plan"]
    overview = read(package, "fedramp/certification-package-overview.json")
    assert ("leveraged-authorizations" in plan["system-implementation"]) is leveraged
    assert bool(overview.get("thirdPartyInformationResources", {}).get("certified")) is stated
    assert ('"inherited": [' in package.files["oscal/system-security-plan.json"]) is stated


def test_nothing_is_inherited_from_a_provider_without_an_authorization() -> None:
    package = with_providers()
    said = {point: answer for point, answer in answers(package).items() if answer.point.control in ("au-6", "ia-2")}
    assert {(answer.point.control, answer.status.value, state_of(answer), origination_of(answer)) for answer in said.values()} == {
        ("au-6", "organisational", "planned", "sp-corporate"),
        ("ia-2", "inherited", "partial", "inherited"),
    }
    words = "The SIEM reviews records. No FedRAMP id of Corp SIEM is stated in system.toml, so nothing is inherited from it."
    for path in ("oscal/system-security-plan.json", "evidence/coverage.json", "site/controls/au.md", "site/what-we-cannot-see.md"):
        assert words in package.files[path], path
    for path in ("oscal/system-security-plan.json", "fedramp/security-decision-record.md", "site/controls/ia.md"):
        assert "FR1234567890" in package.files[path], path
    acting = package.files["site/open-items.md"].partition("## Failed facts")[0]
    assert re.search(r"\| inherited \| \d+ \| Corp IdP \|", acting)
    assert re.search(r"\| organisational \| \d+ \| The provider, Corp SIEM \|", acting)


def test_a_remainder_has_one_name_for_its_party_in_every_document(package: Package) -> None:
    told = ("oscal/system-security-plan.json", "oscal/component-definition.json", "fedramp/security-decision-record.md", "site/ksis.md")
    said = {name for path in told for name in re.findall(r"Remains for ([^:(]+?)(?: \(|:)", package.files[path])}
    assert said <= {party.name for party in PARTIES.values()}
    left = {party.name for who, party in PARTIES.items() if any(each.who == who for each in remainders(package))}
    assert left <= said
    rows = csv.DictReader(io.StringIO(package.files["evidence/responsibility-matrix.csv"]))
    assert {row["who"] for row in rows} <= {
        "Nobody yet",
        *(party.title for party in PARTIES.values()),
        *(provider.title for provider in package.system.config.providers.values()),
    }


def test_nothing_is_left_to_another_provider_of_the_key_where_the_system_builds_it(package: Package) -> None:
    own = package.system.config.key.stack
    assert any(each.who == "provider-of-key" for each in remainders(package)) is not own
    named = [path for path, text in package.files.items() if "the provider of the key" in text.lower()]
    assert bool(named) is not own


def remainders(package: Package) -> list[Remainder]:
    return [remainder for answer in package.evaluated.answers.values() if answer.claims for remainder in answer.remains]


def test_an_objective_is_called_met_nowhere(package: Package) -> None:
    for path, text in package.files.items():
        if not path.startswith("cloudformation/"):
            assert not re.search(r"[Oo]bjectives? (?:is |are )?met\b|_obj[-.\w]*`? met\b", text), path


def test_nothing_inherited_organisational_or_open_is_called_implemented() -> None:
    assert [status.value for status, state in STATES.items() if state == "implemented"] == ["implemented"]


FAILED_IN = (
    "evidence/facts.json",
    "evidence/coverage.json",
    "evidence/responsibility-matrix.csv",
    "oscal/component-definition.json",
    "oscal/system-security-plan.json",
    "oscal/assessment-results.json",
    "oscal/plan-of-action-and-milestones.json",
    "fedramp/security-decision-record.json",
    "fedramp/security-decision-record.md",
    "fedramp/accepted-vulnerabilities.json",
    "fedramp/secure-configuration-guide.json",
    "fedramp/secure-configuration-guide.md",
    "site/index.html",
)


@pytest.mark.parametrize("path", FAILED_IN)
def test_a_failed_fact_is_visible_in_every_document_that_speaks_of_it(path: str) -> None:
    failing, sound = package_of("failing"), package_of("commercial")
    assert {fact.check for fact in failing.evaluated.failed} != set()
    assert failing.files[path].lower().count("failed") > sound.files[path].lower().count("failed")


def test_a_failed_point_is_implemented_nowhere_and_keeps_its_indicators_down() -> None:
    package = package_of("failing")
    failed = {answer.point.id: answer for answer in package.evaluated.answers.values() if answer.status is Status.FAILED}
    assert {"au-11_smt", "sc-28_smt"} <= set(failed)
    for point, answer in failed.items():
        holds = any(result.outcome is Outcome.PASSED for result in answer.claims)
        assert state_of(answer) == ("partial" if holds else "planned"), point
    record = read(package, "fedramp/security-decision-record.json")
    touched = [
        indicator for indicator in record["keySecurityIndicators"] if any(point in str(indicator["ksiImplementation"]) for point in failed)
    ]
    assert touched
    assert {indicator["ksiImplementationStatus"] for indicator in touched} <= {"Partially Implemented", "Not Implemented"}
