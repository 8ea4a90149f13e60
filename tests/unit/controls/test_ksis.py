"""KSIs: the loader refuses what is missing or contradicts itself, and the answers keep to what infrastructure code can show."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.official import OFFICIAL, needs_official

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.ksis import FILE, load_ksi_answers, parse_ksi_answers
from claimstack.controls.officials import KSIS

TEXT = (Path(__file__).parents[3] / FILE).read_text()
PEOPLE_AND_PROCESS = {
    "KSI-CED-RAT",
    "KSI-CMT-LMC",
    "KSI-CMT-RVP",
    "KSI-CNA-EIS",
    "KSI-IAM-SUS",
    "KSI-INR-AAR",
    "KSI-INR-RIR",
    "KSI-INR-RPI",
    "KSI-MLA-RVL",
    "KSI-PIY-RES",
    "KSI-PIY-RIS",
    "KSI-PIY-RSD",
    "KSI-PIY-RVD",
    "KSI-RPL-ARP",
    "KSI-RPL-RRO",
    "KSI-RPL-TRC",
    "KSI-SVC-EIS",
    "KSI-SVC-RUD",
}
"""Indicators of which these stacks show nothing: they are about people and process, or about what watches and mends the account."""


def test_every_indicator_has_an_answer_and_none_stands_in_for_people() -> None:
    answers = load_ksi_answers()
    assert list(answers) == list(load_catalog().ksis)
    assert {id_ for id_, answer in answers.items() if answer.evidence == "none"} == PEOPLE_AND_PROCESS
    assert Counter(answer.evidence for answer in answers.values()) == {"template": 14, "partial": 14, "none": 18}
    assert not any(answers[id_].points for id_ in PEOPLE_AND_PROCESS)


def test_no_indicator_is_shown_by_a_carpet_of_points() -> None:
    assert {id_: len(answer.points) for id_, answer in load_ksi_answers().items() if len(answer.points) > 4} == {}


def test_whatever_is_shown_leaves_something_to_somebody() -> None:
    assert all(answer.remains for answer in load_ksi_answers().values())


@needs_official
def test_no_answer_copies_the_words_of_an_indicator() -> None:
    official = json.loads((OFFICIAL / KSIS.file).read_bytes())["controls"]
    known = {run for ksi in official for run in runs(ksi["description"])}
    texts = (
        (a.ksi, " ".join((*(measure.says for measure in a.measures), a.objective, a.cycle, a.reason, a.risk)))
        for a in load_ksi_answers().values()
    )
    assert [(ksi, run) for ksi, text in texts for run in runs(text) if run in known] == []


def runs(text: str) -> list[str]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return [" ".join(words[start : start + 6]) for start in range(len(words) - 5)]


def causes_of(old: str, new: str) -> tuple[str, ...]:
    assert old in TEXT
    with pytest.raises(InputError) as raised:
        parse_ksi_answers(TEXT.replace(old, new, 1), load_catalog())
    return raised.value.causes


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("[KSI-CED-RAT]", "[KSI-CED-RAX]", "KSI-CED-RAX: no Key Security Indicator; did you mean 'KSI-CED-RAT'?"),
        ('evidence = "none"', 'evidence = "some"', "KSI-CED-RAT: evidence: 'some' is none of template, partial, none"),
        ("reason =", "reasons =", "KSI-CED-RAT: reasons: unknown key; did you mean 'reason'?"),
        ('evidence = "none"', 'evidence = "none"\npoints = ["au-11_smt"]', "KSI-CED-RAT: points: no claim can show this indicator"),
        ('evidence = "none"', 'evidence = "none"\ncycle = "x"', "KSI-CED-RAT: cycle: belongs to another kind of evidence than 'none'"),
        ('points = ["cm-6_smt.b", "cm-2.3_smt"]', "", "KSI-CMT-RMV: points: missing; name the response points"),
        ('"cm-2.3_smt"]', '"cm-2.3_smt.z"]', "KSI-CMT-RMV: points: point 'cm-2.3_smt.z' is not in the catalog"),
        ('["cm-6_smt.b", "cm-2.3_smt"]', '["cm-6_smt.b", "cm-6_smt.b"]', "KSI-CMT-RMV: points: one is listed twice"),
        ('["cm-6_smt.b", "cm-2.3_smt"]', '"cm-6_smt.b"', "KSI-CMT-RMV: points: must be a list of point ids"),
        ('only."cm-6_smt.b"', 'only."cm-6_smt.a"', "KSI-CMT-RMV: only: 'cm-6_smt.a' is not among the points; name it there"),
        (
            'only."cm-6_smt.b" = ["system.only-declared"]',
            'only."cm-6_smt.b" = []',
            "KSI-PIY-GIV: only: 'cm-6_smt.b': must be a list of check",
        ),
        ('only."cm-6_smt.b" = ["system.only-declared"]', 'only = "x"', "KSI-PIY-GIV: only: must be a table of point ids"),
        ('who = "organisation"', 'who = "us"', "KSI-CED-RAT: remains[0]: who: 'us' is none of organisation"),
        ('who = "organisation"', 'whom = "organisation"', "KSI-CED-RAT: remains[0]: whom: unknown key; did you mean 'who'?"),
        ("remains = [{", 'remains = "x" # ', "KSI-CED-RAT: remains: must be a list of tables with who and what"),
        ("measures = [", "measures = 1\nunmeasured = [", "KSI-CMT-RMV: measures: must be a list of tables"),
        ("says =", "say =", "KSI-CMT-RMV: measures[0]: say: unknown key; did you mean 'says'?"),
        (', checks = ["system.only-declared"]', ", checks = 1", "KSI-CMT-RMV: measures[0]: checks: must be a list of check ids"),
        ('evidence = "none"', 'evidence = "none"\nmeasures = [{ says = "X." }]', "KSI-CED-RAT: measures: no claim can show this indicator"),
        ('evidence = "none"', "", "KSI-CED-RAT: evidence: missing; use template, partial, none"),
    ],
)
def test_a_wrong_answer_is_named_with_its_key(old: str, new: str, cause: str) -> None:
    found = causes_of(old, new)
    assert any(each.startswith(f"{FILE}: {cause}") for each in found), found


def test_a_missing_answer_and_broken_toml_are_refused() -> None:
    assert f"{FILE}: KSI-CED-RAT: missing; answer every indicator" in causes_of("[KSI-CED-RAT]", "[KSI-CED-RAX]")
    (cause,) = causes_of("[KSI-CED-RAT]", "[KSI-CED-RAT")
    assert cause.startswith(f"{FILE}: not TOML: ")
    assert f"{FILE}: KSI-CED-RAT: must be a table with evidence, points" in parse_table("KSI-CED-RAT = 1")


def parse_table(text: str) -> str:
    with pytest.raises(InputError) as raised:
        parse_ksi_answers(text, load_catalog())
    return str(raised.value)
