"""Evaluation: the status of a point follows from facts, ceilings and dispositions, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from troposphere import Ref, logs

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.families import Ceiling, Disposition, Families, Remainder
from claimstack.generator.build import build
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.emitted import Edit, Emitted, Json, Place
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Fact, Status, control_status, evaluate, read_back
from claimstack.generator.expressions import Check, every, prop
from claimstack.generator.loading import load_config
from claimstack.generator.passing import passing
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import DeclaredCheck, System

AUDIT = Component("audit-log", "Audit log", "Record of every call.")
REMAINS = (Remainder("organisation", "review the records"),)
KEPT = prop("RetentionInDays").at_least(914)
CATALOG = load_catalog()
(TESTED,) = passing("tests/unit/runtime/test_log.py", "test_kept")


def ceiling(point: str, highest: str) -> Ceiling:
    return Ceiling(point, highest, REMAINS if highest == "partial" else (), "people review it" if highest == "partial" else "")


def a_system(
    *claims: Claim,
    days: Any = 1096,
    ceilings: Mapping[str, str] | None = None,
    dispositions: tuple[Disposition, ...] = (),
    **settings: Any,
) -> System:
    config = Config.model_validate(
        {
            "name": "demo",
            "title": "Demo",
            "class": "C",
            "certification": "20x",
            "region": "us-east-1",
            "as_of": date(2026, 11, 1),
            **settings,
        }
    )
    known = {point: ceiling(point, highest) for point, highest in (ceilings or {}).items()}
    system = System(config, CATALOG, Families(known, {entry.target: entry for entry in dispositions}))
    stack = system.stack("server", "Server")
    stack.parameter("Days", "Days.", example="1096", Type="Number")
    stack.parameter("LongDays", "Days.", example="1096", Type="Number", MinValue=914)
    stack.add(AUDIT, logs.LogGroup("Log", RetentionInDays=days, KmsKeyId="key"), *claims)
    return system


def emitted(system: System, parameters: Mapping[str, str] | None = None) -> Emitted:
    texts = {name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()}
    return read_back(texts, "prod" if parameters else None, {"server": parameters} if parameters else None)


def answer(system: System, point: str, **parameters: str) -> Answer:
    return evaluate(system, emitted(system, parameters)).answers[point]


def claim(point: str, check: Check = KEPT, meets: tuple[str, ...] = ()) -> Claim:
    return Claim(point, "It holds.", check, meets=meets)


HALF = ("sc-28.1_obj-1",)
BOTH = ("sc-28.1_obj-1", "sc-28.1_obj-2")
TABLE: list[tuple[str, System, str, Status, str]] = [
    (
        "every objective met, every fact passed, ceiling implemented",
        a_system(claim("au-11_smt"), ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.IMPLEMENTED,
        "claims speak to every objective and every fact passes",
    ),
    (
        "ceiling partial",
        a_system(claim("au-11_smt"), ceilings={"au-11_smt": "partial"}),
        "au-11_smt",
        Status.PARTIAL,
        "people review it",
    ),
    (
        "no ceiling on record",
        a_system(claim("au-11_smt")),
        "au-11_smt",
        Status.PARTIAL,
        "no ceiling is on record for this point, so it earns partial at most",
    ),
    (
        "one of two objectives",
        a_system(claim("sc-28.1_smt", meets=HALF), ceilings={"sc-28.1_smt": "implemented"}),
        "sc-28.1_smt",
        Status.PARTIAL,
        "passing claims speak to 1 of 2 objectives",
    ),
    (
        "two claims meet both objectives",
        a_system(
            claim("sc-28.1_smt", meets=HALF),
            claim("sc-28.1_smt", prop("KmsKeyId").present(), meets=BOTH[1:]),
            ceilings={"sc-28.1_smt": "implemented"},
        ),
        "sc-28.1_smt",
        Status.IMPLEMENTED,
        "claims speak to every objective and every fact passes",
    ),
    (
        "failed fact",
        a_system(claim("au-11_smt"), days=30, ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.FAILED,
        "failed: server.Log.RetentionInDays.at-least",
    ),
    (
        "failed beside a claim that holds",
        a_system(claim("au-11_smt"), claim("au-11_smt", prop("KmsKeyId").present()), days=30, ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.FAILED,
        "failed: server.Log.RetentionInDays.at-least",
    ),
    (
        "wholly conditional",
        a_system(claim("au-11_smt"), days=Ref("Days"), ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.PARTIAL,
        "every claim depends on values that are chosen when the stack is deployed",
    ),
    (
        "conditional beside a claim that holds",
        a_system(
            claim("au-11_smt"),
            claim("au-11_smt", prop("KmsKeyId").present()),
            days=Ref("Days"),
            ceilings={"au-11_smt": "implemented"},
        ),
        "au-11_smt",
        Status.PARTIAL,
        "a claim depends on values that are chosen when the stack is deployed",
    ),
    (
        "a test without a result",
        a_system(claim("au-11_smt", TESTED), ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.PARTIAL,
        "not evaluated (there is no tests/results.json): tests.unit.runtime.test_log.test_kept",
    ),
    (
        "a test without a result beside a claim that holds",
        a_system(claim("au-11_smt", TESTED), claim("au-11_smt"), ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.PARTIAL,
        "not evaluated (there is no tests/results.json): tests.unit.runtime.test_log.test_kept",
    ),
    (
        "a test without a result beside a claim that fails",
        a_system(claim("au-11_smt", TESTED), claim("au-11_smt"), days=30, ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.FAILED,
        "failed: server.Log.RetentionInDays.at-least",
    ),
    (
        "guaranteed by the parameter itself",
        a_system(claim("au-11_smt"), days=Ref("LongDays"), ceilings={"au-11_smt": "implemented"}),
        "au-11_smt",
        Status.IMPLEMENTED,
        "claims speak to every objective and every fact passes",
    ),
    ("nothing said", a_system(claim("au-11_smt")), "pe-2_smt.a", Status.NOT_ADDRESSED, "not addressed by this system"),
]


@pytest.mark.parametrize(("system", "point", "status", "why"), [pytest.param(*case[1:], id=case[0]) for case in TABLE])
def test_a_status_follows_from_what_was_found(system: System, point: str, status: Status, why: str) -> None:
    found = answer(system, point)

    assert (found.status, found.why) == (status, why)


def disposition(status: str, target: str = "pe-2_smt.a", **more: Any) -> Disposition:
    return Disposition(target, status, "sp-corporate", "Somebody else does it.", source="controls/families/pe.toml", **more)


LEVERAGED = {"leveraged": {"title": "AWS", "package_id": "AGENCYAMAZONEW", "date_authorized": date(2016, 6, 21)}}


@pytest.mark.parametrize(
    ("status", "settings", "expected"),
    [
        ("organisational", {}, Status.ORGANISATIONAL),
        ("customer", {}, Status.CUSTOMER),
        ("planned", {}, Status.PLANNED),
        ("not-applicable", {}, Status.NOT_APPLICABLE),
        ("inherited", LEVERAGED, Status.INHERITED),
        ("inherited", {}, Status.NOT_ADDRESSED),
    ],
)
def test_a_disposition_answers_where_no_claim_does(status: str, settings: dict[str, Any], expected: Status) -> None:
    entry = disposition(status)
    found = answer(a_system(claim("au-11_smt"), dispositions=(entry,), **settings), "pe-2_smt.a")
    no_package = "would be inherited, but system.toml names no [leveraged] authorization: Somebody else does it."

    assert found == Answer(
        point=CATALOG.points["pe-2_smt.a"],
        status=expected,
        claims=(),
        disposition=entry,
        why=no_package if expected is Status.NOT_ADDRESSED else "Somebody else does it.",
        remains=(),
        unmet=CATALOG.points["pe-2_smt.a"].objectives,
        supplemental=False,
    )


@pytest.mark.parametrize(
    ("fedramp_id", "said", "status", "origination"),
    [
        ("FR1234567890", "inherited", Status.INHERITED, "inherited"),
        (None, "inherited", Status.ORGANISATIONAL, "sp-corporate"),
        (None, "shared", Status.ORGANISATIONAL, "shared"),
    ],
)
def test_a_provider_stands_in_for_a_leveraged_package_by_an_authorization_of_its_own(
    fedramp_id: str | None, said: str, status: Status, origination: str
) -> None:
    providers = {"centre": {"title": "Data centre", "description": "Keeps doors.", "fedramp_id": fedramp_id}}
    stated = replace(disposition("inherited", provider="centre"), origination=said)
    found = answer(a_system(claim("au-11_smt"), dispositions=(stated,), providers=providers), "pe-2_smt.a")

    assert found.status is status
    assert found.disposition is not None
    assert found.disposition.origination == origination
    more = "" if fedramp_id else " No FedRAMP id of Data centre is stated in system.toml, so nothing is inherited from it."
    assert found.why == f"Somebody else does it.{more}"


@pytest.mark.parametrize(("stack", "who"), [(True, "organisation"), (False, "provider-of-key")])
def test_a_key_that_the_system_builds_has_no_other_provider(stack: bool, who: str) -> None:  # noqa: FBT001 - a parameter of the test
    system = a_system(claim("au-11_smt"), key={"stack": stack})
    system.ceilings["au-11_smt"] = Ceiling("au-11_smt", "partial", (Remainder("provider-of-key", "Keep the key."),), "The key is kept.")

    assert answer(system, "au-11_smt").remains == (Remainder(who, "Keep the key."),)


def test_the_nearest_disposition_answers() -> None:
    system = a_system(claim("au-11_smt"), dispositions=(disposition("organisational"), disposition("planned", "pe-2")))
    answers = evaluate(system, emitted(system)).answers

    assert (answers["pe-2_smt.a"].status, answers["pe-2_smt.b"].status) == (Status.ORGANISATIONAL, Status.PLANNED)


def test_system_toml_goes_before_our_own_dispositions() -> None:
    ours = (disposition("organisational"),)
    system = a_system(claim("au-11_smt"), dispositions=ours)
    system.override(replace(disposition("customer", "pe-2"), origination="customer-provided"))

    assert answer(system, "pe-2_smt.a").status is Status.CUSTOMER


def test_a_disposition_beside_a_claim_is_refused() -> None:
    entry = Disposition("au-11_smt", "organisational", "sp-corporate", "We do.", source="controls/families/au.toml")
    system = a_system(claim("au-11_smt"), dispositions=(entry,))

    with pytest.raises(InputError) as raised:
        evaluate(system, emitted(system))

    assert raised.value.causes == (
        "controls/families/au.toml: au-11_smt: the disposition stands beside a claim of server.Log; "
        "delete it, or say unless_claimed = true",
    )


def test_a_disposition_that_yields_to_claims_is_silent_beside_one() -> None:
    entry = Disposition("au-11", "organisational", "sp-corporate", "We do.", unless_claimed=True)
    found = answer(a_system(claim("au-11_smt"), dispositions=(entry,)), "au-11_smt")

    assert (found.status, found.disposition) == (Status.PARTIAL, None)


def test_a_disposition_of_a_control_answers_the_points_that_no_claim_does() -> None:
    entry = disposition("organisational", "au-12")
    system = a_system(claim("au-12_smt.a"), dispositions=(entry,))
    answers = evaluate(system, emitted(system)).answers

    assert [(answers[point].status, answers[point].disposition) for point in ("au-12_smt.a", "au-12_smt.b")] == [
        (Status.PARTIAL, None),
        (Status.ORGANISATIONAL, entry),
    ]


def test_an_environment_settles_what_was_conditional() -> None:
    system = a_system(claim("au-11_smt"), days=Ref("Days"), ceilings={"au-11_smt": "implemented"})
    place = Place("server", ("Resources", "Log", "Properties", "RetentionInDays"))

    def fact(outcome: Outcome, environment: str | None) -> Fact:
        return Fact(
            "server.Log.RetentionInDays.at-least",
            KEPT.sha256(),
            "declared",
            place.pointer,
            "RetentionInDays is at least 914",
            {"Ref": "Days"},
            outcome,
            environment,
        )

    found = [answer(system, "au-11_smt", **parameters) for parameters in ({}, {"Days": "1096"}, {"Days": "30"})]
    assert [(entry.status, entry.claims[0].facts) for entry in found] == [
        (Status.PARTIAL, (fact(Outcome.CONDITIONAL, None),)),
        (Status.IMPLEMENTED, (fact(Outcome.PASSED, "prod"),)),
        (Status.FAILED, (fact(Outcome.FAILED, "prod"),)),
    ]


def test_an_environment_is_not_named_where_it_changed_nothing() -> None:
    system = a_system(claim("au-11_smt"))
    (fact,) = evaluate(system, emitted(system, {"Days": "30"})).facts

    assert (fact.outcome, fact.environment) == (Outcome.PASSED, None)


def test_an_environment_may_bring_a_resource_into_a_population() -> None:
    standard = every(logs.LogGroup).where(prop("LogGroupClass").equals("STANDARD")).prop("RetentionInDays").at_least(914)
    system = a_system(claim("au-11_smt", standard))
    stack = system.stacks["server"]
    stack.parameter("Class", "Class.", example="STANDARD")
    for name, class_, days in (("One", "STANDARD", Ref("Days")), ("Two", Ref("Class"), 30)):
        stack.add(AUDIT, logs.LogGroup(name, LogGroupClass=class_, RetentionInDays=days), claim("au-11_smt", standard))

    def found(**parameters: str) -> list[tuple[Outcome, str | None]]:
        return [(fact.outcome, fact.environment) for fact in evaluate(system, emitted(system, parameters)).facts]

    assert found() == [(Outcome.CONDITIONAL, None)]
    assert found(Days="1096", Class="STANDARD") == [(Outcome.PASSED, "prod"), (Outcome.FAILED, "prod")]


def test_examples_are_no_evidence() -> None:
    system = a_system(claim("au-11_smt"), days=Ref("Days"))

    assert system.stacks["server"].parameters["Days"].example == "1096"
    assert [fact.outcome for fact in evaluate(system, emitted(system)).facts] == [Outcome.CONDITIONAL]


def test_a_supplemental_point_is_answered_last_and_marked() -> None:
    system = a_system(claim("ia-9_smt"), claim("au-11_smt"))
    answers = evaluate(system, emitted(system)).answers

    assert list(answers) == [*(point.id for point in CATALOG.class_points("C")), "ia-9_smt"]
    assert [answers[point].supplemental for point in ("au-11_smt", "ia-9_smt")] == [False, True]


def test_a_template_that_somebody_edited_is_judged_as_it_is() -> None:
    system = a_system(claim("au-11_smt"), ceilings={"au-11_smt": "implemented"})
    place = Place("server", ("Resources", "Log", "Properties", "RetentionInDays"))
    edited = emitted(system).edited(Edit(place, 30))

    found = evaluate(system, edited)

    assert [(fact.pointer, fact.actual, fact.outcome) for fact in found.failed] == [(place.pointer, 30, Outcome.FAILED)]
    assert found.answers["au-11_smt"].status is Status.FAILED


def test_an_absent_value_is_null_at_its_nearest_ancestor() -> None:
    system = a_system(claim("au-11_smt", prop("LogGroupName").present()))
    (fact,) = evaluate(system, emitted(system)).facts

    assert (fact.actual, fact.pointer) == (None, "cloudformation/server.json#/Resources/Log/Properties")


def test_a_claim_carries_its_checks_and_their_facts() -> None:
    population = every(logs.LogGroup).prop("KmsKeyId").present()
    both = Claim("au-11_smt", "It holds.", KEPT, population)
    system = a_system(both)
    evaluated = evaluate(system, emitted(system))
    declared = next(system.declared())
    checks = tuple(system.checks.values())

    assert evaluated.answers["au-11_smt"].claims == (ClaimResult(declared, both, checks, evaluated.facts),)
    assert [fact.check for fact in evaluated.facts] == [check.id for check in checks]


def test_a_check_without_facts_passes_nothing() -> None:
    system = a_system(claim("au-11_smt"))
    declared = next(system.declared())
    (check,) = system.checks.values()

    assert ClaimResult(declared, claim("au-11_smt"), (check,), ()).outcome is Outcome.FAILED


def ran(outcome: str | None, tested_sha256: str = "a") -> Json:
    tests = {} if outcome is None else {TESTED.test: outcome}
    return {"tested_sha256": tested_sha256, "runtime_sha256": "a", "tests": tests}


@pytest.mark.parametrize(
    ("results", "status", "outcome"),
    [
        (ran("passed"), Status.IMPLEMENTED, Outcome.PASSED),
        (ran("failed"), Status.FAILED, Outcome.FAILED),
        (ran("skipped"), Status.PARTIAL, Outcome.NOT_EVALUATED),
        (ran(None), Status.PARTIAL, Outcome.NOT_EVALUATED),
        (ran("passed", "b"), Status.PARTIAL, Outcome.NOT_EVALUATED),
    ],
)
def test_a_claim_that_rests_on_a_test_counts_only_with_a_result_of_the_present_sources(
    results: Json, status: Status, outcome: Outcome
) -> None:
    system = a_system(claim("au-11_smt", TESTED), ceilings={"au-11_smt": "implemented"})
    texts = {name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()}
    found = evaluate(system, read_back(texts, results=results)).answers["au-11_smt"]

    assert (found.status, found.claims[0].outcome, found.unmet) == (status, outcome, () if outcome is Outcome.PASSED else ("au-11_obj",))


def test_the_fact_of_a_test_names_its_place_and_the_sources_that_ran() -> None:
    system = a_system(claim("au-11_smt", TESTED))
    texts = {name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()}
    evaluated = evaluate(system, read_back(texts, "prod", {"server": {"Days": "1096"}}, ran("passed")))

    assert evaluated.facts == (
        Fact(
            check="tests.unit.runtime.test_log.test_kept",
            sha256=TESTED.sha256(),
            level="effective",
            pointer="evidence/test-results.json#/tests/tests~1unit~1runtime~1test_log.py::test_kept",
            expected="passed",
            actual="passed",
            outcome=Outcome.PASSED,
            environment=None,
            sources_sha256="a",
        ),
    )
    assert (evaluated.levels, evaluated.answers["au-11_smt"].claims[0].levels) == (("declared", "effective"), ("effective",))


def test_one_check_made_always_true_changes_the_answer() -> None:
    system = a_system(claim("au-11_smt"), days=30, ceilings={"au-11_smt": "implemented"})
    (id_,) = system.checks
    lenient = prop("RetentionInDays").at_least(0)
    before = evaluate(system, emitted(system))
    system.checks[id_] = DeclaredCheck(id_, lenient, system.checks[id_].scope, lenient.sha256())
    after: Evaluated = evaluate(system, emitted(system))

    assert (before.answers["au-11_smt"].status, after.answers["au-11_smt"].status) == (Status.FAILED, Status.IMPLEMENTED)
    assert before.facts[0].sha256 != after.facts[0].sha256


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({Status.IMPLEMENTED}, Status.IMPLEMENTED),
        ({Status.IMPLEMENTED, Status.PLANNED}, Status.PARTIAL),
        ({Status.IMPLEMENTED, Status.FAILED}, Status.FAILED),
        ({Status.PARTIAL, Status.NOT_ADDRESSED}, Status.PARTIAL),
        ({Status.NOT_ADDRESSED, Status.INHERITED}, Status.NOT_ADDRESSED),
        ({Status.INHERITED}, Status.INHERITED),
    ],
)
def test_a_control_is_as_strong_as_its_points(statuses: set[Status], expected: Status) -> None:
    assert control_status(statuses) is expected


@pytest.mark.parametrize(
    ("template", "cause"),
    [
        ([], "is not a JSON object"),
        ({"Resources": []}, "/Resources is not an object"),
        ({"Resources": {"AuditLog": None}}, "/Resources/AuditLog is not an object"),
        ({"Resources": {"AuditLog": {"Type": 1}}}, "/Resources/AuditLog has no Type"),
        (
            {"Resources": {"AuditLog": {"Type": "AWS::Logs::LogGroup", "Properties": None}}},
            "/Resources/AuditLog/Properties is not an object",
        ),
        ({"Resources": {}, "Parameters": {"KeyArn": None}}, "/Parameters/KeyArn is not an object"),
    ],
)
def test_a_text_that_is_no_template_is_refused_by_file_and_place(template: Any, cause: str) -> None:
    with pytest.raises(InputError) as refused:
        read_back({"server": json.dumps(template)})
    assert refused.value.causes == (f"cloudformation/server.json: {cause}",)


def test_a_check_that_cannot_read_an_edited_template_fails() -> None:
    system = build(load_config(Path(__file__).parents[3] / "examples" / "commercial.toml"))
    templates = {name: stack.to_dict() for name, stack in system.stacks.items()}
    templates["server"]["Resources"]["FunctionErrors"]["Properties"]["Namespace"] = ["AWS/Lambda"]
    failed = {fact.check for fact in evaluate(system, read_back({name: json.dumps(text) for name, text in templates.items()})).failed}
    assert "system.alarms-can-fire" in failed
