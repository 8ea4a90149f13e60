"""Rules: facts of the rules dataset, whom a rule speaks to, and a loader of answers that refuses what is missing or wrong."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.official import OFFICIAL, needs_official

from claimstack.controls.errors import InputError
from claimstack.controls.officials import PROVIDER_RULES, RULES
from claimstack.controls.rules import (
    RuleAnswer,
    Timeframe,
    answer_problems,
    applicable,
    automated_methods,
    drift_detection,
    load_rule_answers,
    load_rule_book,
    load_rules,
    machine_verification,
    optional_ksis,
    parse_rule_answers,
    read_rule_book,
)

TWO = {id_: load_rules()[id_] for id_ in ("AFC-CSO-ACK", "CCM-OCR-RPS")}
AFC = """
[AFC-CSO-ACK]
who = "provider"
status = "planned"
how = "The mail system replies."
risk = "A message seems lost."
verification = "Not looked at."
validation = "Not shown."
"""
CCM = """
[CCM-OCR-RPS]
who = "provider"
status = "not-applicable"
how = "A choice of the provider."
when = "Applies when it shares."
verification = "Nothing yet."
validation = "Nothing yet."
"""


def causes_of(afc: str = AFC, ccm: str = CCM) -> tuple[str, ...]:
    with pytest.raises(InputError) as raised:
        parse_rule_answers({"controls/rules/afc.toml": afc, "controls/rules/ccm.toml": ccm}, TWO)
    return raised.value.causes


def test_the_facts_are_those_of_the_later_dataset() -> None:
    book = load_rule_book()
    assert len(book.rules) == 179
    assert book.only_in == {RULES.version: ("FRC-CSX-MOT",), PROVIDER_RULES.version: ()}
    assert book.rules["CMU-CSO-UVM"].force == {"B": "MAY", "C": "SHOULD", "D": "MUST"}
    assert book.rules["SDR-CSX-KMT"].force["B"] == "SHOULD"
    assert book.rules["FRC-CLA-ASF"].force == {"A": "MUST"}
    assert book.rules["SDR-CSO-FRR"].schema == "fedramp-security-decision-record-schema-2026-06-24.json"
    assert book.rulesets["MAS"] == "Minimum Assessment Scope"


def test_the_figures_that_documents_need_follow_the_class() -> None:
    assert [machine_verification(class_, "20x") for class_ in "BC"] == [
        (load_rules()["VDR-TFR-MVX"], Timeframe(7, "days")),
        (load_rules()["VDR-TFR-MVX"], Timeframe(3, "days")),
    ]
    assert [machine_verification(class_, "rev5") for class_ in "BCD"] == [(load_rules()["VDR-TFR-MVF"], Timeframe(1, "months"))] * 3
    assert [str(drift_detection(class_)[1]) for class_ in "BCD"] == ["1 month", "14 days", "7 days"]
    assert [automated_methods(class_)[1] for class_ in "BCD"] == [1, 2, 4]
    assert len(optional_ksis("B")) == 5
    assert optional_ksis("C") == ()


@pytest.mark.parametrize(
    ("id_", "to"),
    [
        ("SDR-CSO-FRR", {"20x": "BCD", "rev5": "BCD"}),
        ("SDR-CSX-KSI", {"20x": "BCD", "rev5": ""}),
        ("SDR-CSF-CTF", {"20x": "", "rev5": "BCD"}),
        ("VDR-TFR-MVX", {"20x": "BC", "rev5": ""}),
        ("FRC-APS-ATO", {"20x": "", "rev5": "BCD"}),
        ("FRC-CLA-MFR", {"20x": "", "rev5": ""}),
        ("MKT-IIP-AGU", {"20x": "BCD", "rev5": "BCD"}),
    ],
)
def test_a_rule_speaks_to_its_types_and_classes(id_: str, to: dict[str, str]) -> None:
    rule = load_rules()[id_]
    assert {route: "".join(class_ for class_ in "BCD" if applicable(rule, class_, route)) for route in to} == to


def test_every_rule_has_one_answer_of_its_own() -> None:
    answers = load_rule_answers()
    assert list(answers) == list(load_rules())
    repeated = [how for how, count in Counter(answer.how for answer in answers.values()).items() if count > 1]
    assert repeated == []


def test_only_what_the_package_wholly_does_is_called_implemented() -> None:
    assert [answer.rule for answer in load_rule_answers().values() if answer.status == "implemented"] == ["SDR-CSO-MTD"]


def test_rules_of_class_a_are_the_only_ones_that_never_apply() -> None:
    never = {id_ for id_, rule in load_rules().items() if not any(applicable(rule, c, route) for c in "BCD" for route in ("20x", "rev5"))}
    assert {id_ for id_, answer in load_rule_answers().items() if answer.who == "not-applicable"} == never


def test_the_explanation_names_condition_and_risk() -> None:
    assert load_rule_answers()["AFC-CSO-ACK"].explanation[-1].startswith("Risk to customers when it is not followed: FedRAMP may take")
    assert load_rule_answers()["CCM-OCR-RPS"].explanation[-1].startswith("Applies when")


@needs_official
def test_no_answer_copies_the_words_of_a_rule() -> None:
    official = json.loads((OFFICIAL / PROVIDER_RULES.file).read_bytes())["controls"]
    known = {run for rule in official for run in runs(rule["description"] + " " + rule["guidance"])}
    texts = ((a.rule, " ".join((*a.explanation, a.verification, a.validation))) for a in load_rule_answers().values())
    assert [(rule, run) for rule, text in texts for run in runs(text) if run in known] == []


def runs(text: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return [" ".join(words[start : start + 6]) for start in range(len(words) - 5)]


def test_a_complete_set_of_answers_is_read_in_the_order_of_the_rules() -> None:
    answers = parse_rule_answers({"controls/rules/ccm.toml": CCM, "controls/rules/afc.toml": AFC}, TWO)
    assert list(answers) == ["AFC-CSO-ACK", "CCM-OCR-RPS"]
    assert answers["AFC-CSO-ACK"] == RuleAnswer(
        "AFC-CSO-ACK", "provider", "planned", "The mail system replies.", "Not looked at.", "Not shown.", risk="A message seems lost."
    )


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (
            'status = "planned"',
            'status = "planed"',
            "status: 'planed' is none of implemented, partial, planned, not-applicable; did you mean",
        ),
        ('who = "provider"', "", "who: missing; use tool, provider, assessor, not-applicable"),
        ("risk =", "risks =", "risks: unknown key; did you mean 'risk'?"),
        ('risk = "A message seems lost."', "", "risk: missing; say what customers risk when the rule is not followed"),
        ('how = "The mail system replies."', 'how = " two "', "how: found ' two '; write one line without space at either end"),
        ('status = "planned"', 'status = "implemented"', "status: 'implemented' needs who = 'tool'"),
        ('who = "provider"', 'who = "tool"', "artifacts: missing; name the files of the package that show it"),
        ('who = "provider"', 'who = "provider"\nartifacts = "a"', "artifacts: must be a list of texts"),
        ('who = "provider"', 'who = "provider"\npoints = ["au-99_smt"]', "points: 'au-99_smt' is no response point of the catalog"),
        ('status = "planned"', 'status = "not-applicable"', "when: missing; say why the rule does not apply"),
    ],
)
def test_a_wrong_answer_is_named_with_file_and_key(old: str, new: str, cause: str) -> None:
    found = causes_of(AFC.replace(old, new))
    assert any(each.startswith(f"controls/rules/afc.toml: AFC-CSO-ACK: {cause}") for each in found), found


def test_unknown_misplaced_and_missing_rules_are_refused_at_once() -> None:
    unknown = AFC.replace("AFC-CSO-ACK", "AFC-CSO-ACT")
    assert causes_of(unknown, CCM + AFC) == (
        "controls/rules/afc.toml: AFC-CSO-ACT: no provider rule; did you mean 'AFC-CSO-ACK'?",
        "controls/rules/ccm.toml: AFC-CSO-ACK: belongs to rule set AFC; move it to afc.toml",
    )
    assert causes_of("") == ("controls/rules/afc.toml: AFC-CSO-ACK: missing; answer every rule",)
    assert causes_of('AFC-CSO-ACK = "planned"')[0].startswith("controls/rules/afc.toml: AFC-CSO-ACK: must be a table with who, status")
    assert causes_of("[")[0].startswith("controls/rules/afc.toml: not TOML: ")


def test_a_permission_that_is_not_used_needs_no_risk() -> None:
    answer = RuleAnswer("CCM-OCR-RPS", "provider", "planned", "A choice.", "Nothing.", "Nothing.")
    assert list(answer_problems(answer, load_rules()["CCM-OCR-RPS"])) == []


def test_facts_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text('{"rulesets": {}}')
    with pytest.raises(InputError, match=r"run python -m claimstack\.controls\.refresh"):
        read_rule_book(tmp_path)
