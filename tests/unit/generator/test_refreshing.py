"""Refreshing: each change leads to the claims, dispositions, answers and stated values that it touches, and to no others."""

from __future__ import annotations

from collections.abc import Callable

from claimstack.controls.changes import Change, Comparison
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.refreshing import LISTED, Impact, Touched, as_data, as_markdown, impacts, summary

RETENTION = Change("control-withdrawn", "au-11", "AU-11: withdrawn", points=("au-11_smt",), controls=("au-11",), parameters=("au-11_odp",))


def touched(change: Change, *systems: Evaluated) -> tuple[Touched, ...]:
    named = {f"{number}.toml": evaluated.system for number, evaluated in enumerate(systems, start=1)}
    (impact,) = impacts(Comparison((change,), (), ()), named)
    return impact.touched


def test_a_withdrawn_control_touches_its_claims_ceiling_parameter_and_answers(built: Callable[..., Evaluated]) -> None:
    parameter = {"value": "1096 days", "reason": "x", "approver": "x", "date": "2026-10-01"}
    found = touched(RETENTION, built(parameters={"au-11_odp": parameter}))
    kinds = [each.what for each in found]
    assert kinds.count("claim") > 0
    assert Touched("claim", "1.toml: server.AuditLog", "au-11_smt: Audit records stay available for at least thirty months.") in found
    assert Touched("control parameter", "1.toml", "au-11_odp: 1096 days") in found
    assert Touched("KSI answer", "controls/ksis.toml", "KSI-MLA-OSM rests on au-11_smt") in found
    assert all("au-11" in each.says for each in found)


def test_dispositions_of_ours_and_of_the_system_are_touched(built: Callable[..., Evaluated]) -> None:
    change = Change("class-left", "au-6", "class C no longer lists AU-6", controls=("au-6",), class_="C")
    own = {"au-6": {"status": "organisational", "reason": "x"}}
    found = touched(change, built(dispositions=own))
    assert Touched("disposition", "1.toml: system.toml", "au-6: organisational") in found
    assert {each.what for each in found} <= {"disposition", "ceiling", "claim"}
    assert any(each.where == "controls/families/au.toml" for each in found)


def test_a_class_concerns_its_own_systems_only(built: Callable[..., Evaluated]) -> None:
    change = Change("class-left", "au-11", "x", points=("au-11_smt",), controls=("au-11",), class_="C")
    found = touched(change, built(), built("govcloud", **{"class": "D"}))
    assert {each.where.partition(":")[0] for each in found if each.what == "claim"} == {"1.toml"}


def test_a_ksi_pair_touches_the_answer_and_the_claims_that_could_speak_for_it(built: Callable[..., Evaluated]) -> None:
    change = Change("ksi-pair-added", "KSI-CNA-RNT", "x", controls=("au-11",), ksis=("KSI-CNA-RNT",))
    stated = {"KSI-CNA-RNT": {"status": "partial", "explanation": "x"}}
    found = touched(change, built(ksis=stated))
    assert {each.what for each in found} == {"claim", "KSI answer", "stated"}
    assert Touched("KSI answer", "controls/ksis.toml", "KSI-CNA-RNT") in found
    assert Touched("stated", "1.toml", 'ksis."KSI-CNA-RNT": partial') in found


def test_a_rules_force_touches_its_answer_and_what_the_provider_said(built: Callable[..., Evaluated]) -> None:
    change = Change("rule-force", "AFC-CSO-ACK", "x", rules=("AFC-CSO-ACK",), class_="C")
    stated = {"AFC-CSO-ACK": {"status": "partial", "explanation": "x"}}
    assert touched(change, built(rules=stated)) == (
        Touched("stated", "1.toml", 'rules."AFC-CSO-ACK": partial'),
        Touched("rule answer", "controls/rules/afc.toml", "AFC-CSO-ACK"),
    )


def test_other_words_touch_whoever_speaks_at_their_point(built: Callable[..., Evaluated]) -> None:
    change = Change("control-wording", "sc-28", "x", points=("sc-28_smt",), controls=("sc-28",))
    found = touched(change, built())
    assert {each.what for each in found} >= {"claim", "ceiling", "KSI answer"}
    assert all("sc-28_smt" in each.says for each in found)


def test_another_edition_does_not_say_that_it_touches_nothing() -> None:
    assert list(summary(Impact(Change("edition", "x.json", "x"), ()))) == [
        "each difference found stands on a line of its own; discussions, methods, notes and examples are not compared"
    ]


def test_a_schema_touches_the_documents_it_judges_and_a_new_control_nothing_yet() -> None:
    schema = Change("schema-version", "x.json", "x", documents=("fedramp/security-decision-record.json",))
    assert touched(schema) == (Touched("document", "package", "fedramp/security-decision-record.json"),)
    assert touched(Change("control-added", "zz-1", "x", controls=("zz-1",))) == ()


def test_people_read_a_few_of_each_kind_and_pipelines_all() -> None:
    many = tuple(Touched("claim", f"server.{number}", "x") for number in range(LISTED + 3))
    impact = Impact(RETENTION, (*many, Touched("document", "package", "y")))
    lines = list(summary(impact))
    assert len(lines) == LISTED + 2
    assert "claim: 3 more; --json lists them" in lines
    comparison = Comparison((RETENTION,), ("a.json: 1",), ("b.json is missing",))
    assert len(as_data(comparison, (impact,))["changes"][0]["touched"]) == LISTED + 4
    text = as_markdown(comparison, (impact,), ("system.toml",))
    assert "1 files compared, 1 changes. Systems looked at: `system.toml`." in text
    assert "- **AU-11: withdrawn** (`control-withdrawn`)" in text
    assert text.endswith("- b.json is missing\n")
    assert list(summary(Impact(RETENTION, ()))) == ["touches nothing that is said here"]
