"""Report: the evidence on a terminal of 80 columns, whatever its words are."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console, RenderableType

from claimstack.generator.preflight import Outcome, Verdict
from claimstack.generator.report import coverage_table, explanation_tree, points_table, preflight_table
from claimstack.generator.resources.key import Consumer

LONG = "server.FunctionGroup.SecurityGroupEgress.each.DestinationSecurityGroupId.equals-" * 2


def shown(report: RenderableType) -> list[str]:
    console = Console(width=80, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(report)
    return [line.rstrip() for line in capture.get().splitlines()]


COVERAGE = {
    "system": "demo",
    "class": "C",
    "certification": "20x",
    "level": "declared",
    "points": {"total": 3, "implemented": 1, "failed": 2},
    "controls": {"total": 2, "implemented": 1, "failed": 1},
}


def test_coverage_is_counted_against_the_class() -> None:
    assert shown(coverage_table(COVERAGE)) == [
        "demo: class C, 20x, declared",
        "┏━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━━━┓",
        "┃ status       ┃ points ┃ controls ┃",
        "┡━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━━━┩",
        "│ implemented  │      1 │        1 │",
        "│ failed       │      2 │        1 │",
        "├──────────────┼────────┼──────────┤",
        "│ of the class │      3 │        2 │",
        "└──────────────┴────────┴──────────┘",
    ]


def test_points_stand_one_below_the_other_with_their_reason() -> None:
    rows = [("au-11", "au-11_smt", {"status": "failed", "why": "too short"}), ("sc-7", "sc-7_smt.a", {"status": "partial", "why": "[x]"})]
    assert shown(points_table(rows)) == [
        "point       status   why",
        "au-11_smt   failed   too short",
        "sc-7_smt.a  partial  [x]",
    ]


def explanation(**changes: Any) -> dict[str, Any]:
    fact = {"outcome": "failed", "actual": None, "environment": "prod", "pointer": "cloudformation/server.json#/Resources/Log"}
    check = {"id": "server.Log.Days.at-least", "sentence": "Days is at least 914", "sha256": "0123456789abcdef", "facts": [fact]}
    point = {
        "point": "ia-9_smt",
        "title": "Service Identification",
        "status": "failed",
        "why": "failed: server.Log.Days.at-least",
        "supplemental": True,
        "claims": [{"resource": "server.Log", "sentence": "Records stay.", "checks": [check]}],
        "remains": [{"who": "organisation", "what": "Review the records."}],
        "unmet_objectives": ["ia-9_obj-1"],
    }
    return {"asked": "ia-9", "points": [{**point, **changes}]}


def test_the_chain_goes_from_the_point_to_the_value_found() -> None:
    assert shown(explanation_tree(explanation())) == [
        "ia-9_smt  failed  Service Identification",
        "├── supplemental: outside the class, shown but not counted",
        "├── failed: server.Log.Days.at-least",
        "├── server.Log  Records stay.",
        "│   └── Days is at least 914",
        "│       ├── server.Log.Days.at-least",
        "│       │   sha256 0123456789ab",
        "│       └── failed  found absent (environment prod)",
        "│           cloudformation/server.json#/Resources/Log",
        "├── remains for the provider: Review the records.",
        "└── no passing claim speaks to objective ia-9_obj-1",
    ]


def test_the_short_form_ends_at_the_outcome_of_each_check() -> None:
    resource = {
        "resource": "server.Log",
        "type": "AWS::Logs::LogGroup",
        "component": "audit-log",
        "exempt": None,
        "resource_star": {"Send": "X-Ray knows no resource."},
        "accepts": {"CKV_1": "Not here."},
    }
    alias = {**resource, "resource": "key.Alias", "exempt": "A name for people.", "resource_star": {}, "accepts": {}}
    asked = {**explanation(supplemental=False, remains=[], unmet_objectives=[]), "resources": [resource, alias]}
    assert shown(explanation_tree(asked, full=False)) == [
        "server.Log  AWS::Logs::LogGroup  component audit-log",
        "├── Resource * in statement Send: X-Ray knows no resource.",
        "└── accepts CKV_1: Not here.",
        "key.Alias  AWS::Logs::LogGroup  component audit-log",
        "└── makes no claim: A name for people.",
        "ia-9_smt  failed  Service Identification",
        "├── failed: server.Log.Days.at-least",
        "└── server.Log  Records stay.",
        "    └── failed  server.Log.Days.at-least",
    ]


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        (["passed", "failed", "conditional"], "failed"),
        (["passed", "conditional"], "conditional"),
        (["passed", "passed"], "passed"),
        ([], "failed"),
    ],
)
def test_the_short_form_shows_the_worst_outcome(outcomes: list[str], worst: str) -> None:
    check = {"id": "a.b", "sentence": "B.", "sha256": "", "facts": [{"outcome": outcome} for outcome in outcomes]}
    lines = shown(explanation_tree(explanation(claims=[{"resource": "a", "sentence": "B.", "checks": [check]}]), full=False))
    assert [line for line in lines if line.endswith("a.b")] == [f"│   └── {worst}  a.b"]


def test_a_check_that_was_not_evaluated_says_why_and_is_worse_than_a_conditional_one() -> None:
    facts = [
        {"outcome": "conditional", "actual": 30, "environment": None, "pointer": "cloudformation/server.json#/Resources/Log"},
        {"outcome": "not-evaluated", "actual": "the results are stale", "environment": None, "pointer": "evidence/test-results.json#"},
    ]
    check = {"id": "tests.log.test_kept", "sentence": "the test passes", "sha256": "f" * 64, "facts": facts}
    claims = [{"resource": "server.Log", "sentence": "Records stay.", "checks": [check]}]

    whole, short = (" ".join(shown(explanation_tree(explanation(claims=claims), full=full))) for full in (True, False))
    assert "not-evaluated  the results are stale" in whole
    assert "not-evaluated  tests.log.test_kept" in short


def test_an_inherited_answer_names_the_package_it_rests_on() -> None:
    lines = shown(explanation_tree(explanation(claims=[], disposition={"status": "inherited", "package_id": "FR-1"})))
    assert lines[3] == "├── inherited from package FR-1"
    leveraged = {"title": "Cloud", "package_id": "FR-1", "date_authorized": "2026-01-01"}
    assert " ".join(shown(coverage_table({**COVERAGE, "leveraged": leveraged}))[9:]) == (
        "inherited answers rest on Cloud (package FR-1, authorized 2026-01-01), where none names another provider"
    )


def test_an_overridden_ceiling_is_told_with_who_and_why() -> None:
    point = {"point": "sc-28_smt", "status": "implemented", "title": "", "why": "Because.", "claims": []}
    raised = {**point, "ceiling_overridden": {"by": "ours.py", "because": "Nothing else holds data."}}
    assert shown(explanation_tree({"points": [raised]})) == [
        "sc-28_smt  implemented",
        "├── Because.",
        "└── ceiling overridden by ours.py: Nothing else holds data.",
    ]


def test_brackets_of_a_pattern_are_no_markup() -> None:
    told = "\n".join(shown(explanation_tree(explanation(why="matches ^[a-z]{2}[/bold]$"))))
    assert "matches ^[a-z]{2}[/bold]$" in told


@pytest.mark.parametrize("value", ["x" * 500, {"Fn::Sub": "y" * 500}, [1096] * 200, True])
def test_long_ids_pointers_and_values_stay_within_80_columns(value: Any) -> None:
    fact = {"outcome": "passed", "actual": value, "environment": None, "pointer": "cloudformation/server.json#/" + LONG}
    check = {"id": LONG, "sentence": LONG, "sha256": "0123456789abcdef", "facts": [fact]}
    lines = shown(explanation_tree(explanation(claims=[{"resource": LONG, "sentence": LONG, "checks": [check]}]) | {"checks": [check]}))
    assert max(map(len, lines)) <= 80
    assert len("".join(lines)) < 3_000


def consumer(id_: str, failure: Any) -> Consumer:
    return Consumer(id_, f"The {id_}", None, ("kms:Decrypt",), {}, failure, "nothing is delivered", "always")


def verdict(id_: str, failure: Any, outcome: Outcome, *because: str) -> dict[str, Any]:
    needs = ("kms:Decrypt",)
    missing, undecided = (needs if outcome == wanted else () for wanted in ("left out", "undecided"))
    consequence = "" if outcome == "admitted" else "it fails"
    return Verdict(consumer(id_, failure), needs, outcome, missing, undecided, because, consequence).data()


def test_those_that_a_key_policy_leaves_out_are_told_from_those_it_says_nothing_of() -> None:
    admitted = verdict("deployer", "stack creation fails", "admitted")
    verdicts = [
        admitted,
        verdict("function", "invocation fails", "left out", "denied by X"),
        verdict("alarms", "silent", "left out"),
        verdict("logs", "silent", "undecided", "X allows it only if Y"),
    ]
    assert shown(preflight_table(verdicts)) == [
        "consumer      key policy",
        "The deployer  admits it",
        "The function  leaves it out",
        "The alarms    leaves it out, silently",
        "The logs      does not tell by itself",
        "The function",
        "├── missing: kms:Decrypt",
        "├── denied by X",
        "└── it fails",
        "The alarms",
        "├── missing: kms:Decrypt",
        "└── it fails",
        "The logs",
        "├── cannot be told from the policy alone: kms:Decrypt",
        "├── X allows it only if Y",
        "└── if it is not admitted: it fails",
    ]
    assert shown(preflight_table([admitted])) == ["consumer      key policy", "The deployer  admits it"]
