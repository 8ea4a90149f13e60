"""Stated: what the provider says of rules and indicators is read as it stands, and refused where it speaks of nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.config import Config
from claimstack.generator.loading import load_config
from claimstack.generator.stated import Statement

SYSTEM = """
name = "grants-tools"
title = "Grants tools"
class = "C"
certification = "20x"
region = "us-east-1"
as_of = 2026-11-01
auth = { consumers = ["reporting"] }
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Config]:
    def read(text: str) -> Config:
        file = tmp_path / "system.toml"
        file.write_text(SYSTEM + text)
        return load_config(file)

    return read


def refusal(load: Callable[[str], Config], text: str) -> list[str]:
    with pytest.raises(InputError) as raised:
        load(text)
    return [cause.partition("system.toml: ")[2] for cause in raised.value.causes]


def test_statements_are_read_by_rule_and_by_indicator(load: Callable[[str], Config]) -> None:
    config = load(
        """
        [rules."AFC-CSO-INB"]
        status = "partial"
        explanation = "Read around the clock."
        validation = "A test message was answered."
        [ksis."KSI-CED-RAT"]
        status = "planned"
        explanation = "Next year."
        """
    )
    assert config.rules == {
        "AFC-CSO-INB": Statement(status="partial", explanation="Read around the clock.", validation="A test message was answered.")
    }
    assert config.ksis == {"KSI-CED-RAT": Statement(status="planned", explanation="Next year.")}


def test_unknown_ids_are_refused_with_the_nearest(load: Callable[[str], Config]) -> None:
    text = '[rules."AFC-CSO-INX"]\nstatus = "planned"\nexplanation = "x"\n[ksis."KSI-CED-RAX"]\nstatus = "planned"\nexplanation = "x"\n'
    assert refusal(load, text) == [
        "rules.\"AFC-CSO-INX\": no FedRAMP rule for providers; did you mean 'AFC-CSO-INB'?",
        "ksis.\"KSI-CED-RAX\": no Key Security Indicator; did you mean 'KSI-CED-RAT'?",
    ]


@pytest.mark.parametrize("rule", ["FRC-CLA-ASF", "SDR-CSF-CTF"])
def test_a_statement_about_a_rule_for_others_is_refused(load: Callable[[str], Config], rule: str) -> None:
    text = f'[rules."{rule}"]\nstatus = "planned"\nexplanation = "x"\n'
    assert refusal(load, text) == [f'rules."{rule}": does not speak to class C on the way to 20x; remove it']


def test_a_statement_needs_a_status_and_an_explanation(load: Callable[[str], Config]) -> None:
    causes = refusal(load, '[rules."AFC-CSO-INB"]\nstatus = "done"\n')
    assert [cause.partition(":")[0] for cause in causes] == ['rules."AFC-CSO-INB".status', 'rules."AFC-CSO-INB".explanation']


@pytest.mark.parametrize("status", ["implemented", "partial"])
@pytest.mark.parametrize("rule", ["IVV-CSO-FIA", "FRC-APP-FIA", "CPO-CSO-OSA"])
def test_what_an_assessor_says_is_not_the_providers_to_state(load: Callable[[str], Config], rule: str, status: str) -> None:
    text = f'[rules."{rule}"]\nstatus = "{status}"\nexplanation = "x"\nverification = "x"\nvalidation = "x"\n'
    (cause,) = refusal(load, text)
    assert cause.startswith(f"rules.\"{rule}\".status: '{status}' is for the independent assessor to say")


def test_an_assessment_can_be_planned(load: Callable[[str], Config]) -> None:
    assert load('[rules."IVV-CSO-FIA"]\nstatus = "planned"\nexplanation = "In spring."\n').rules["IVV-CSO-FIA"].status == "planned"


def test_a_rule_is_not_called_implemented_without_verification_and_validation(load: Callable[[str], Config]) -> None:
    causes = refusal(load, '[rules."AFC-CSO-INB"]\nstatus = "implemented"\nexplanation = "x"\n')
    assert [cause.partition(":")[0] for cause in causes] == ['rules."AFC-CSO-INB".verification', 'rules."AFC-CSO-INB".validation']


def test_ids_in_lower_case_are_recognised(load: Callable[[str], Config]) -> None:
    text = '[rules."afc-cso-inb"]\nstatus = "planned"\nexplanation = "x"\n[ksis."ced-rat"]\nstatus = "planned"\nexplanation = "x"\n'
    assert refusal(load, text) == [
        "rules.\"afc-cso-inb\": no FedRAMP rule for providers; did you mean 'AFC-CSO-INB'?",
        "ksis.\"ced-rat\": no Key Security Indicator; did you mean 'KSI-CED-RAT'?",
    ]


OWNER = '[[people]]\nname = "Owner"\nroles = ["system-owner"]\n'


def plan(target: str = "sc-4", completion: str = "2027-01-31") -> str:
    return f'{OWNER}[plans."{target}"]\nowner = "system-owner"\ncompletion = {completion}\nmilestone = "x"\n'


def test_a_plan_speaks_of_a_control_of_the_class(load: Callable[[str], Config]) -> None:
    assert set(load(plan()).plans) == {"sc-4"}
    assert refusal(load, plan("ac-25")) == ['plans."ac-25": AC-25 lies outside class C, of which alone the documents speak; remove it']
    assert refusal(load, plan("sc-400")) == ["plans.\"sc-400\": control 'sc-400' is not in the catalog: did you mean sc-40?"]


def test_what_is_to_come_lies_not_before_the_evidence(load: Callable[[str], Config]) -> None:
    assert load(plan(completion="2026-11-01") + "[service]\nnext_report = 2026-11-01\n").service.next_report is not None
    assert refusal(load, plan(completion="2026-10-31") + "[service]\nnext_report = 2026-10-31\n") == [
        f"{key}: 2026-10-31 lies before as_of = 2026-11-01, the day of the evidence; give the day that is now planned"
        for key in ('plans."sc-4".completion', "service.next_report")
    ]


def test_nobody_and_nothing_is_listed_twice(load: Callable[[str], Config]) -> None:
    kind = '[[information]]\ntitle = "Applications"\ndescription = "x"\n' + "".join(
        f'{objective} = "low"\n' for objective in ("confidentiality", "integrity", "availability")
    )
    doubled = '[[people]]\nname = "Owner"\nroles = ["system-owner", "system-owner"]\ncontact = ["Sales", "Sales"]\n'
    assert refusal(load, OWNER + doubled + kind + 'sp800_60 = ["C.2.1.1", "C.2.1.1"]\n' + kind) == [
        "people: 'Owner' is listed 2 times; list it once",
        "information: 'Applications' is listed 2 times; list it once",
        "people[2].roles: 'system-owner' is listed 2 times; list it once",
        "people[2].contact: 'Sales' is listed 2 times; list it once",
        "information[1].sp800_60: 'C.2.1.1' is listed 2 times; list it once",
    ]


def test_a_table_in_place_of_a_list_of_tables_is_told_how_to_be_written(load: Callable[[str], Config]) -> None:
    assert refusal(load, '[people]\nname = "Owner"\n') == [
        "people: expected a list of tables, found one table; write its head as [[people]]"
    ]
    assert refusal(load, "[[people]]\nphone = '202-555-0123'\n") == [
        'people[1].name: missing; add a line such as name = "Head of the grants office"'
    ]
