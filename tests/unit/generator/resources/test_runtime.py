"""Claims of the running server: as many as the configuration makes true, each by tests of the runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claimstack.generator.evaluation import ClaimResult, Evaluated, Status
from claimstack.generator.passing import PassingTest

OPEN: dict[str, Any] = {"auth": {"type": "none"}}
SESSIONS: dict[str, Any] = {"runtime": {"sessions": True}}


def by_tests(evaluated: Evaluated) -> dict[str, list[ClaimResult]]:
    """Point → the claims of the function that rest on tests."""
    found: dict[str, list[ClaimResult]] = {}
    for answer in evaluated.answers.values():
        for result in answer.claims:
            if "effective" in result.levels:
                found.setdefault(answer.point.id, []).append(result)
    return found


ALWAYS = {
    "ac-4_smt", "au-2_smt.a", "au-3_smt.a", "au-3_smt.b", "au-3_smt.c", "au-3_smt.d", "au-3_smt.e", "au-3.1_smt", "au-3.3_smt",
    "au-8_smt.b", "au-9_smt.a", "au-12_smt.a", "au-12_smt.c", "ia-5_smt.g", "sc-5_smt.b", "sc-23_smt", "si-10_smt", "si-11_smt.a",
    "si-11_smt.b",
}  # fmt: skip
OF_CALLERS = {"ac-3_smt", "ac-6.10_smt", "au-3_smt.f", "ia-9_smt", "sc-7.18_smt"}


@pytest.mark.parametrize(
    ("tables", "points"),
    [(OPEN, ALWAYS), ({}, ALWAYS | OF_CALLERS), (SESSIONS, ALWAYS | OF_CALLERS | {"ac-12_smt"}), (OPEN | SESSIONS, ALWAYS | {"ac-12_smt"})],
    ids=["open", "known callers", "sessions", "open with sessions"],
)
def test_claims_follow_the_configuration(workload: Callable[..., Any], tables: dict[str, Any], points: set[str]) -> None:
    assert set(by_tests(workload(**tables).evaluated)) == points


def test_nothing_is_said_of_other_callers_where_callers_are_not_known(workload: Callable[..., Any]) -> None:
    def said(**tables: Any) -> set[str]:
        return {result.claim.sentence for result in by_tests(workload(**tables).evaluated)["sc-23_smt"]}

    changed = "The server refuses a request state that was changed on its way."
    assert said(**OPEN, **SESSIONS) == {changed}
    assert said(**SESSIONS) == {
        changed,
        "The server refuses a request state that it gave to another caller.",
        "A session id is of use only to the caller who opened the session.",
    }


def test_content_in_records_takes_away_the_claim_that_there_is_none(workload: Callable[..., Any]) -> None:
    built = workload()
    assert built.set("Function", "Environment", "Variables", "CLAIMSTACK_AUDIT_CONTENT", to="true") == [
        "system.environment-holds",
        "server.Function.Environment.Variables.CLAIMSTACK_AUDIT_CONTENT.absent",
    ]


def test_every_claim_that_rests_on_a_test_loses_it_when_the_test_fails(workload: Callable[..., Any]) -> None:
    built = workload(**SESSIONS)
    for point, results in by_tests(built.evaluated).items():
        for result in results:
            for declared in result.checks:
                if isinstance(declared.check, PassingTest):
                    failing = next(iter(declared.check.mutants(built.emitted, declared.scope)))
                    assert built.failed_by(*failing.edits) == [declared.id], point


def test_what_tests_show_of_au_3_can_be_implemented(built: Callable[..., Evaluated]) -> None:
    answers = built().answers
    assert [answers[f"au-3_smt.{part}"].status for part in "abcdef"] == [*[Status.IMPLEMENTED] * 5, Status.PARTIAL]
