"""Where the server asks nobody who they are, the points about callers say so, and nothing reads like a control of access."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.systems import judged

from claimstack.generator.config import Config
from claimstack.generator.evaluation import Evaluated, Status

STATED = {"status": "organisational", "reason": "A gateway of the provider stands in front of the server and asks."}


def evaluated(class_: str = "C", **tables: Any) -> Evaluated:
    base = {"name": "open-server", "title": "Open server", "class": class_, "certification": "rev5", "region": "us-east-1"}
    return judged(Config.model_validate_json(json.dumps({**base, "as_of": "2026-11-01", "auth": {"type": "none"}, **tables})))


@pytest.mark.parametrize("class_", ["B", "C", "D"])
def test_points_about_callers_are_planned_and_say_why(class_: str) -> None:
    found = evaluated(class_)
    for point in ("ac-14_smt.a", "ac-14_smt.b", "ia-2_smt", "ia-8_smt"):
        assert (found.answers[point].status, "auth = none" in found.answers[point].why) == (Status.PLANNED, True)
    assert "name no caller" in found.answers["ac-2_smt.g"].why
    assert any("every route is open" in remainder.what for remainder in found.answers["ac-3_smt"].remains)
    assert found.answers["ac-3_smt"].status is Status.PARTIAL
    assert any("answers everyone" in warning for warning in found.system.warnings)


def test_no_claim_says_that_a_call_needs_a_token() -> None:
    sentences = [claim.sentence for _, claim in evaluated().system.claims()]
    assert sentences
    assert [sentence for sentence in sentences if "valid token" in sentence or "scope" in sentence] == []


def test_an_answer_of_system_toml_goes_first_for_a_control_and_for_a_point() -> None:
    found = evaluated(dispositions={"ia-8": STATED, "ac-14_smt.a": STATED, "ac-2": {**STATED, "unless_claimed": True}})
    assert [found.answers[point].status for point in ("ia-8_smt", "ac-14_smt.a", "ac-14_smt.b", "ac-2_smt.g")] == [
        Status.ORGANISATIONAL, Status.ORGANISATIONAL, Status.PLANNED, Status.ORGANISATIONAL,
    ]  # fmt: skip
    assert found.answers["ac-2_smt.g"].why == STATED["reason"]
