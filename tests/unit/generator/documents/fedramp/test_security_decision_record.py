"""Security Decision Record: every control, indicator and rule once, with the status that the facts earn, in both forms."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.systems import weakened

from claimstack.controls.catalog import label, load_catalog
from claimstack.controls.ksis import load_ksi_answers
from claimstack.controls.rules import applicable, load_rules
from claimstack.generator.documents.evidence.coverage import by_control
from claimstack.generator.documents.fedramp.accepted_vulnerabilities import render_accepted_vulnerabilities
from claimstack.generator.documents.fedramp.certification_package_overview import render_certification_package_overview
from claimstack.generator.documents.fedramp.counts import fedramp_summary
from claimstack.generator.documents.fedramp.cryptographic_modules import render_cryptographic_modules
from claimstack.generator.documents.fedramp.evidence import check_results, evidence, shown
from claimstack.generator.documents.fedramp.ksis import KsiResult, ksi_results
from claimstack.generator.documents.fedramp.mas import render_mas_flows, render_mas_resources
from claimstack.generator.documents.fedramp.ongoing_certification_report import render_ongoing_certification_report
from claimstack.generator.documents.fedramp.security_decision_record import render_decision_page, render_security_decision_record
from claimstack.generator.documents.states import SDR_STATUSES, control_state
from claimstack.generator.emitted import Edit, Emitted, Place
from claimstack.generator.evaluation import Evaluated, Status, evaluate
from claimstack.generator.paths import TEST_RESULTS
from claimstack.generator.predicates import Outcome

from .conftest import strings

Built = Callable[..., Evaluated]
RETENTION = "system.AWS-Logs-LogGroup.RetentionInDays.at-least"
SHORT = {"value": "30 days", "reason": "Test.", "approver": "Nobody", "date": "2026-11-01"}


@pytest.fixture(scope="module")
def failing(built: Built) -> Evaluated:
    return weakened(built(), Edit(Place("server", ("Resources", "AuditLog", "Properties", "RetentionInDays")), 30))


def control(record: dict[str, Any], id_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in record["securityControls"] if each["controlId"] == id_)
    return found


def ksi(record: dict[str, Any], id_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in record["keySecurityIndicators"] if each["ksiId"] == id_)
    return found


@pytest.mark.parametrize("class_", ["B", "C", "D"])
@pytest.mark.parametrize("route", ["20x", "rev5"])
def test_every_control_indicator_and_applicable_rule_stands_once(built: Built, class_: str, route: str) -> None:
    record = render_security_decision_record(built(**{"class": class_, "certification": route}))
    catalog = load_catalog()
    assert [each["controlId"] for each in record["securityControls"]] == [label(one.id) for one in catalog.class_controls(class_)]
    assert [each["ksiId"] for each in record["keySecurityIndicators"]] == list(catalog.ksis)
    assert [each["frrID"] for each in record["fedRampRequirements"]] == [
        rule.id for rule in load_rules().values() if applicable(rule, class_, route)
    ]


def test_a_control_has_the_state_of_its_points_and_the_word_of_coverage(built: Built) -> None:
    evaluated = built()
    record = render_security_decision_record(evaluated)
    assert [each["controlImplementationStatus"] for each in record["securityControls"]] == [
        SDR_STATUSES[control_state(answers)] for answers in by_control(evaluated).values()
    ]
    retention = control(record, "AU-11")
    assert retention["parameterValues"] == [{"parameterId": "au-11_odp", "parameterValue": "1096 days"}]
    assert retention["controlImplementationDescription"].splitlines()[:2] == [
        "**Implemented**; coverage: implemented. Points: 1 implemented of 1.",
        "",
    ]
    assert f"declared, passed (6): `{RETENTION}`" in retention["controlImplementationDescription"]
    assert "parameterValues" not in control(record, "AC-1")
    assert (
        "Control parameters without a value in system.toml: `ac-01_odp.01`" in control(record, "AC-1")["controlImplementationDescription"]
    )


def test_inheritance_names_the_package_it_rests_on_and_is_claimed_only_with_one(built: Built) -> None:
    leveraged = {"title": "Cloud", "package_id": "FR0000000001", "date_authorized": "2026-01-01"}
    doors = control(render_security_decision_record(built(leveraged=leveraged)), "PE-3")
    assert (doors["controlImplementationStatus"], doors["coverageStatus"]) == ("Partially Implemented", "inherited")
    assert "Inherited from package FR0000000001 (Cloud)." in doors["controlImplementationDescription"]
    doors = control(render_security_decision_record(built()), "PE-3")
    assert (doors["controlImplementationStatus"], doors["coverageStatus"]) == ("Not Implemented", "not-addressed")
    assert "Inherited from" not in doors["controlImplementationDescription"]


def test_a_plan_stands_at_its_control(built: Built) -> None:
    plan = {"owner": "system-owner", "completion": "2027-03-31", "milestone": "Two callers at once"}
    found = control(render_security_decision_record(built(plans={"sc-4": plan})), "SC-4")
    assert (
        "- Plan for `sc-4`: Two callers at once. Information System Owner, by 2027-03-31."
        in found["controlImplementationDescription"].splitlines()
    )


def test_a_failed_fact_is_seen_everywhere_and_never_called_implemented(failing: Evaluated) -> None:
    record = render_security_decision_record(failing)
    assert record["summary"]["failedChecks"] == [RETENTION]
    retention = control(record, "AU-11")
    assert (retention["controlImplementationStatus"], retention["coverageStatus"]) != ("Implemented", "implemented")
    (line,) = [each for each in retention["controlImplementationDescription"].splitlines() if each.startswith("- FAILED")]
    assert line.startswith(f"- FAILED `{RETENTION}`: expected ")
    assert line.endswith("; found 30 at `cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays`.")
    resting = [each for each in record["keySecurityIndicators"] if any(test.startswith(RETENTION) for test in each["ksiTests"])]
    assert resting
    for each in resting:
        assert each["ksiImplementationStatus"] != "Implemented"
        assert each["coverageStatus"] == "failed"
        assert any(text.startswith(f"FAILED `{RETENTION}`") for text in each["ksiImplementation"])
        (entry,) = [found for found in each["ksiEvidence"] if found["evidenceDescription"].startswith(RETENTION)]
        assert "outcome failed" in entry["evidenceDescription"]
        assert entry["evidenceLocation"].endswith("cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays")
    page = render_decision_page(failing)
    assert f"**Failed checks:** `{RETENTION}`" in " ".join(page.split())


def test_independent_assessment_is_never_filled_in(built: Built) -> None:
    record = render_security_decision_record(built())
    assert {tuple(each["ksiAssessment"]) for each in record["keySecurityIndicators"]} == {()}
    assert {tuple(each["frrAssessment"]) for each in record["fedRampRequirements"]} == {()}
    assert record["independentAssessment"] == "Independent verification and validation: no independent assessor engaged."
    named = render_security_decision_record(built(assessor={"name": "Assessors", "id": "123456"}))
    assert named["independentAssessment"].endswith("Assessors is named as independent assessor; no result of theirs is in this package.")
    assert {tuple(each["ksiAssessment"]) for each in named["keySecurityIndicators"]} == {()}


def test_no_answer_of_an_assessor_says_what_a_build_cannot_know(built: Built) -> None:
    for assessor in ({}, {"assessor": {"name": "Assessors", "id": "123456"}}):
        rules = {each["frrID"]: each for each in render_security_decision_record(built(**assessor))["fedRampRequirements"]}
        said = " ".join(text for each in rules.values() for text in (*each["frrImplementation"], *each["frrValidation"]))
        for word in (
            "no independent assessor has been here",
            "while no assessor is engaged",
            "nothing has been assessed",
            "none is engaged",
        ):
            assert word not in said, word
        assert ("no independent assessor engaged" in said) is not bool(assessor)
        assert "Verification: Not shown: no result of an independent assessor is in this package." in rules["IVV-CSO-FIA"]["frrValidation"]


def test_each_fedramp_document_names_the_versions_of_the_rules_it_follows(built: Built) -> None:
    evaluated = built()
    versions = {"2026.07.14.01", "2026.10.13.01"}
    for render in (
        render_security_decision_record,
        render_certification_package_overview,
        render_ongoing_certification_report,
        render_accepted_vulnerabilities,
    ):
        assert {each["version"] for each in render(evaluated)["metadata"]["datasets"]} == versions
    for render in (render_mas_resources, render_mas_flows, render_cryptographic_modules):
        assert {each["version"] for each in render(evaluated)["datasets"]} == versions
    assert "| dataset | FedRAMP Consolidated Rules for 2026, rules for providers, 2026.10.13.01 |" in render_decision_page(evaluated)


def test_rules_that_only_another_version_has_are_named(built: Built) -> None:
    evaluated = built()
    assert fedramp_summary(evaluated)["fedRampRequirements"]["onlyInAnotherDataset"] == {"2026.07.14.01": ["FRC-CSX-MOT"]}
    assert "since only dataset 2026.07.14.01 of the rules has it: FRC-CSX-MOT." in render_decision_page(evaluated)


def test_a_rule_of_the_20x_route_is_asked_of_no_other(built: Built) -> None:
    assert ksi(render_security_decision_record(built()), "KSI-CNA-DFP")["methods"] == {
        "shown": 2,
        "required": 2,
        "levels": ["declared", "effective"],
    }
    record = render_security_decision_record(built("govcloud"))
    assert {each["frrID"] for each in record["fedRampRequirements"]}.isdisjoint({"FRC-CSX-VVK"})
    entry = ksi(record, "KSI-CNA-DFP")
    assert entry["methods"] == {"shown": 2, "requiredBy20x": 2, "levels": ["declared", "effective"]}
    assert (
        "Methods: 2 shown; the 20x rule FRC-CSX-VVK, which does not apply on this route, would ask for 2: " in entry["ksiImplementation"][0]
    )
    counts = record["summary"]["keySecurityIndicators"]
    assert not {"methodsForce", "methodsRequired", "withRequiredMethods"} & set(counts)
    assert "required (FRC-CSX-VVK" not in render_decision_page(built("govcloud"))


def test_more_methods_than_asked_for_are_no_fraction(built: Built) -> None:
    entry = ksi(render_security_decision_record(built(**{"class": "B"})), "KSI-CNA-DFP")
    assert "Methods: 2 shown, 1 required (FRC-CSX-VVK): " in entry["ksiImplementation"][0]


def test_history_is_promised_on_the_20x_route_and_never_invented(built: Built) -> None:
    record = render_security_decision_record(built())
    assert record["historicalMetrics"]["statement"].startswith("History begins with publication")
    assert "historicalMetrics" not in render_security_decision_record(built("govcloud"))


def test_the_route_chooses_what_counts(built: Built) -> None:
    summary = fedramp_summary(built())
    assert (summary["counted"], summary["shownOnly"]) == (["keySecurityIndicators", "fedRampRequirements"], ["securityControls"])
    assert summary["securityControls"]["total"] == 322
    assert summary["keySecurityIndicators"]["total"] == 46
    rev5 = fedramp_summary(built("govcloud"))
    assert (rev5["counted"], rev5["shownOnly"]) == (["securityControls", "fedRampRequirements"], ["keySecurityIndicators"])
    for name in ("securityControls", "keySecurityIndicators", "fedRampRequirements"):
        counts = rev5[name]
        assert counts["total"] == sum(counts[status] for status in ("Implemented", "Partially Implemented", "Not Implemented"))


def test_an_environment_that_settled_values_is_named(built: Built) -> None:
    evaluated = built()
    emitted = Emitted(evaluated.emitted.stacks, "prod", {"server": {"ReservedConcurrency": "20"}}, evaluated.emitted.results)
    prod = evaluate(evaluated.system, emitted)
    assert render_security_decision_record(prod)["summary"]["environment"] == "prod"
    assert "| environment | prod: its parameter values settle what the templates leave open |" in render_decision_page(prod)
    fact = dataclasses.replace(evaluated.facts[0], environment="prod")
    result = dataclasses.replace(check_results(evaluated)[fact.check], facts=(fact,))
    described = evidence(result, evaluated.system.config)["evidenceDescription"]
    assert described.endswith(", with the parameter values of environment prod.")


def test_a_class_says_how_many_methods_it_asks_for_and_which_indicators_are_optional(built: Built) -> None:
    required = {}
    for class_ in ("B", "C", "D"):
        record = render_security_decision_record(built(**{"class": class_}))
        required[class_] = {each["methods"]["required"] for each in record["keySecurityIndicators"]}
        optional = [each["ksiId"] for each in record["keySecurityIndicators"] if each["optional"]]
        assert optional == (["KSI-CNA-EIS", "KSI-MLA-ALA", "KSI-SVC-PRR", "KSI-SVC-RUD", "KSI-SVC-VCM"] if class_ == "B" else [])
    assert required == {"B": {1}, "C": {2}, "D": {4}}


def test_what_the_provider_states_stands_in_place_of_our_answer_to_a_rule_and_says_so(built: Built) -> None:
    stated = {"status": "implemented", "explanation": "We read the inbox daily.", "verification": "The owner agreed."}
    evaluated = built(rules={"AFC-CSO-INB": stated})
    record = render_security_decision_record(evaluated)
    entry = next(each for each in record["fedRampRequirements"] if each["frrID"] == "AFC-CSO-INB")
    assert (entry["frrImplementationStatus"], entry["answeredBy"], entry["frrAssessment"]) == ("Implemented", "provider", [])
    assert entry["frrImplementation"][1:] == [
        "The provider states in system.toml, and nothing of it was checked here: We read the inbox daily."
    ]
    assert entry["frrValidation"][:2] == ["Verification: The owner agreed.", "Validation: Not stated in system.toml: its validation"]
    assert record["summary"]["fedRampRequirements"]["Implemented"] == fedramp_summary(built())["fedRampRequirements"]["Implemented"] + 1


def test_what_the_provider_states_of_an_indicator_changes_no_status(built: Built) -> None:
    stated = {"status": "implemented", "explanation": "Everybody was trained."}
    found = ksi(render_security_decision_record(built(ksis={"KSI-CED-RAT": stated})), "KSI-CED-RAT")
    assert (found["ksiImplementationStatus"], found["coverageStatus"]) == ("Not Implemented", "organisational")
    assert found["ksiImplementation"][-1] == (
        "The provider states in system.toml, and nothing of it was checked here: Implemented. Everybody was trained."
    )


# ---- what an indicator earns


def result_for(evaluated: Evaluated, id_: str) -> KsiResult:
    return next(result for result in ksi_results(evaluated) if result.ksi.id == id_)


def perfect(evaluated: Evaluated) -> KsiResult:
    """An indicator with both methods, for which nothing would remain."""
    result = result_for(evaluated, "KSI-CNA-DFP")
    points = tuple(dataclasses.replace(point, status=Status.IMPLEMENTED) for point in result.points)
    return dataclasses.replace(result, points=points, answer=dataclasses.replace(result.answer, evidence="template", remains=()))


def with_outcome(result: KsiResult, level: str, outcome: Outcome) -> KsiResult:
    """The same with another outcome of the first check of a level."""
    index = next(index for index, check in enumerate(result.checks) if check.level == level)
    checks = list(result.checks)
    checks[index] = dataclasses.replace(checks[index], outcome=outcome)
    return dataclasses.replace(result, checks=tuple(checks))


def test_an_indicator_is_implemented_when_nothing_is_missing(built: Built) -> None:
    assert (perfect(built()).state, perfect(built()).methods) == ("implemented", ("declared", "effective"))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda result: dataclasses.replace(result, required=4), id="a method is missing"),
        pytest.param(lambda result: with_outcome(result, "declared", Outcome.CONDITIONAL), id="a value is chosen when deployed"),
        pytest.param(lambda result: with_outcome(result, "effective", Outcome.NOT_EVALUATED), id="a test did not run"),
        pytest.param(
            lambda result: dataclasses.replace(
                result, points=(dataclasses.replace(result.points[0], status=Status.PARTIAL), *result.points[1:])
            ),
            id="a point is partial",
        ),
        pytest.param(
            lambda result: dataclasses.replace(result, answer=dataclasses.replace(result.answer, evidence="partial")),
            id="a part of it is no matter of templates",
        ),
    ],
)
def test_an_indicator_is_partial_when_anything_is_missing(built: Built, spoil: Callable[[KsiResult], KsiResult]) -> None:
    spoiled = spoil(perfect(built()))
    assert (spoiled.state, spoiled.coverage) == ("partial", Status.PARTIAL)


def test_an_indicator_with_a_failed_check_is_failed_and_loses_the_method(built: Built) -> None:
    spoiled = with_outcome(perfect(built()), "effective", Outcome.FAILED)
    assert (spoiled.state, spoiled.coverage, spoiled.methods) == ("partial", Status.FAILED, ("declared",))


def test_an_indicator_that_no_code_can_show_is_not_implemented(built: Built) -> None:
    result = result_for(built(), "KSI-CED-RAT")
    assert (result.state, result.coverage, result.methods, result.checks) == ("planned", Status.ORGANISATIONAL, (), ())


def test_an_indicator_is_shown_by_those_claims_only_that_speak_to_it(built: Built) -> None:
    scan = "system.AWS-ECR-Repository.ImageScanningConfiguration.ScanOnPush.equals"
    assert [check.id for check in result_for(built(), "KSI-SCR-MON").checks] == [scan]
    without = result_for(built(registry={"stack": False}), "KSI-SCR-MON")
    assert (without.state, without.coverage, without.checks) == ("planned", Status.NOT_ADDRESSED, ())


def test_every_check_that_narrows_an_indicator_exists(built: Built) -> None:
    systems = (built(), built("govcloud"), built(network={"endpoints": True}, key={"stack": True}))
    known = {id_ for evaluated in systems for id_ in evaluated.system.checks}
    named = {(ksi, check) for ksi, answer in load_ksi_answers().items() for checks in answer.only.values() for check in checks}
    assert [entry for entry in sorted(named) if entry[1] not in known] == []


OPEN: dict[str, Any] = {"front_door": {}, "auth": {"type": "none"}, "runtime": {}, "key": {}}
GIVEN: dict[str, Any] = {
    **OPEN,
    "class": "B",
    "auth": {"type": "external", "issuer": "https://idp.example.org/", "audience": ["mcp"], "scopes": ["invoke"]},
    "network": {"security_groups": "given"},
    "registry": {"stack": False},
    "organisation": {"alarm_topic": "given", "permissions_boundary": True},
}
WHOLE: dict[str, Any] = {
    "network": {"endpoints": True},
    "registry": {"stack": True},
    "auth": {"consumers": ["reporting"], "callback_urls": ["http://localhost:8976/callback"]},
}


def test_a_measure_is_told_only_where_claims_of_this_system_show_it(built: Built) -> None:
    given, open_, short = built(**GIVEN), built(**OPEN), built(parameters={"au-11_odp": SHORT})
    for evaluated, id_, word in (
        (given, "KSI-CNA-RNT", "Security groups of the stacks"),
        (given, "KSI-CNA-ULN", "A security group of the stack"),
        (given, "KSI-SVC-SIN", "custom domain"),
        (given, "KSI-SVC-VCM", "custom domain"),
        (open_, "KSI-IAM-JIT", "scope"),
        (open_, "KSI-IAM-ELP", "token"),
        (short, "KSI-MLA-OSM", "thirty months"),
    ):
        assert word not in result_for(evaluated, id_).measures, (id_, word)
        assert word in result_for(built(**WHOLE), id_).measures, (id_, word)


def test_a_signature_is_said_to_be_checked_where_it_is(built: Built) -> None:
    for like in ("commercial", "govcloud"):
        assert "it verifies a signature itself only where no authorizer did" in result_for(built(like), "KSI-IAM-SNU").measures
    assert "authorizer" not in result_for(built(**OPEN), "KSI-IAM-SNU").measures


def test_a_measure_falls_with_the_claim_behind_it(failing: Evaluated) -> None:
    assert "thirty months" not in result_for(failing, "KSI-MLA-OSM").measures
    assert "refuse deletion" in result_for(failing, "KSI-MLA-OSM").measures


def test_an_indicator_without_a_measure_says_so(built: Built) -> None:
    entry = ksi(render_security_decision_record(built(**OPEN)), "KSI-IAM-APM")
    assert "Measures: none is shown by this system." in entry["ksiImplementation"]


def test_every_measure_is_told_by_some_system(built: Built) -> None:
    told = "".join(
        result.measures for evaluated in (built(**WHOLE), built("govcloud"), built(**GIVEN)) for result in ksi_results(evaluated)
    )
    assert [measure.says for answer in load_ksi_answers().values() for measure in answer.measures if measure.says not in told] == []


def test_tests_that_are_stale_are_no_method(built: Built) -> None:
    stale = weakened(built(), Edit(Place(TEST_RESULTS, ("runtime_sha256",)), "0" * 64))
    assert {level for result in ksi_results(stale) for level in result.methods} == {"declared"}
    assert {result.coverage for result in ksi_results(stale)} & {Status.IMPLEMENTED, Status.FAILED} == set()


def test_a_system_without_results_and_claims_is_not_called_partly_implemented(built: Built) -> None:
    result = result_for(built(), "KSI-CNA-RNT")
    nothing = dataclasses.replace(result, points=(), checks=())
    assert (nothing.state, nothing.coverage) == ("planned", Status.NOT_ADDRESSED)


def test_evidence_lies_where_the_check_decided(built: Built) -> None:
    record = render_security_decision_record(built(service={"package_url": "https://www.example.gov/package/"}))
    entries = [entry for each in record["keySecurityIndicators"] for entry in each["ksiEvidence"]]
    assert {entry["evidenceType"] for entry in entries} == {"Configuration", "Report"}
    assert {entry["lastUpdated"] for entry in entries} == {"2026-11-01"}
    assert all(entry["evidenceLocation"].startswith("https://www.example.gov/package/") for entry in entries)
    assert all(len(each["ksiTests"]) == len(each["ksiEvidence"]) for each in record["keySecurityIndicators"])
    groups = next(entry for entry in entries if entry["evidenceDescription"].startswith(RETENTION))
    assert "outcome passed (2 passed of 2 places)" in groups["evidenceDescription"]
    assert groups["evidenceText"].splitlines()[1] == "passed: cloudformation/server.json#/Resources/AccessLog/Properties/RetentionInDays"


def test_a_check_that_found_nothing_failed(built: Built) -> None:
    evaluated = built()
    silent = dataclasses.replace(evaluated, facts=())
    assert {result.outcome for result in check_results(silent).values()} == {Outcome.FAILED}
    assert all(result.coverage in (Status.FAILED, Status.ORGANISATIONAL, Status.NOT_ADDRESSED) for result in ksi_results(silent))
    entries = [each for one in render_security_decision_record(silent)["keySecurityIndicators"] for each in one["ksiEvidence"]]
    assert {"outcome failed: the check found nothing to look at." in each["evidenceDescription"] for each in entries} == {True}


def test_a_found_value_is_shortened_and_nothing_is_called_so() -> None:
    assert shown(None) == "nothing"
    assert shown("x" * 500).endswith("… (whole in evidence/facts.json)")
    assert shown({"a": [1]}) == '{"a": [1]}'


# ---- the two forms


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_every_word_of_the_record_stands_on_the_page(built: Built, like: str) -> None:
    evaluated = built(like)
    record = render_security_decision_record(evaluated)
    page = "".join(render_decision_page(evaluated).split()).replace("\\", "")
    for key in ("independentAssessment", "portsAndProtocols", "securityControls", "keySecurityIndicators", "fedRampRequirements"):
        for text in strings({**record, "keySecurityIndicators": [_without_levels(each) for each in record["keySecurityIndicators"]]}[key]):
            assert "".join(text.split()).replace("\\", "") in page, text


def _without_levels(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "methods"}


def test_the_same_system_gives_the_same_bytes(built: Built) -> None:
    evaluated = built()
    assert json.dumps(render_security_decision_record(evaluated)) == json.dumps(render_security_decision_record(evaluated))
    assert render_decision_page(evaluated) == render_decision_page(evaluated)


def test_an_answer_to_a_rule_falls_with_the_claims_it_rests_on(built: Built) -> None:
    """VDR-CSO-DFR rests on the least privilege of the function's role, among others."""
    sound = built()
    role = Place("server", ("Resources", "FunctionRole", "Properties", "Policies", 0, "PolicyDocument", "Statement", 0, "Action"))
    said = [
        next(each for each in render_security_decision_record(evaluated)["fedRampRequirements"] if each["frrID"] == "VDR-CSO-DFR")
        for evaluated in (sound, weakened(sound, Edit(role, "*")))
    ]
    assert [each["frrImplementationStatus"] for each in said] == ["Partially Implemented", "Not Implemented"]
    assert "FAILED: ac-6_smt" in str(said[1]["frrImplementation"])
    assert "FAILED" not in str(said[0])
