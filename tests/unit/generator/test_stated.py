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
        status = "implemented"
        explanation = "Read around the clock."
        validation = "A test message was answered."
        [ksis."KSI-CED-RAT"]
        status = "planned"
        explanation = "Next year."
        """
    )
    assert config.rules == {
        "AFC-CSO-INB": Statement(status="implemented", explanation="Read around the clock.", validation="A test message was answered.")
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
