"""Predicates: what each admits, what violates it, and what a template parameter guarantees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from troposphere import GetAtt, Ref

from claimstack.controls.floors import Floor
from claimstack.generator.emitted import ABSENT, REMOVE, Emitted
from claimstack.generator.predicates import (
    Absent,
    AtLeast,
    AtMost,
    Contains,
    Equals,
    Matches,
    Mentions,
    NoneOf,
    OneOf,
    Only,
    Outcome,
    Predicate,
    Present,
    judge,
)

PASSED, FAILED, CONDITIONAL = Outcome.PASSED, Outcome.FAILED, Outcome.CONDITIONAL
KEY = {"Ref": "KeyArn"}
NO_VALUE = {"Ref": "AWS::NoValue"}
FLOOR = Floor(914, "days", "M-21-31")

HOLDS: list[tuple[Predicate, list[Any], list[Any]]] = [
    (Equals(expected=True), [True], [False, "true", 1, ABSENT]),
    (Equals(1), [1], [True, 2, "1", 1.0]),
    (Equals("a"), ["a"], ["b", "", ["a"]]),
    (Equals(["a", "b"]), [["a", "b"]], [["b", "a"], ["a"]]),
    (Equals({"Ref": "KeyArn"}), [KEY], [{"Ref": "Other"}, "KeyArn"]),
    (OneOf(("Retain", "RetainExceptOnCreate")), ["Retain"], ["Delete", ""]),
    (NoneOf(("*",)), ["a"], ["*"]),
    (AtLeast(914), [914, 1096, 914.5], [913, "1096", True]),
    (AtLeast(FLOOR), [914], [30]),
    (AtMost(25), [25, 0], [26, "20", False]),
    (Matches(r"sha256:[0-9a-f]{4}"), ["sha256:0a1b"], ["x sha256:0a1b", "sha256:0a1b\n", "latest", 5]),
    (Mentions("$context.status"), ['{"s":"$context.status"}', "$context.status"], ["$context.statusCode", "$context.status.x", "", 1]),
    (Contains(("a", KEY)), [["b", KEY, "a"]], [["a"], [KEY], [], "a"]),
    (Only(("a", "b")), [["a"], ["b", "a"]], [[], ["a", "c"], "a"]),
    (Present(), ["x", 0, False, [0]], [None, "", [], {}]),
    (Absent(), [ABSENT, NO_VALUE], ["x", None, {"Ref": "Other"}]),
]


@pytest.mark.parametrize(("predicate", "good", "bad"), HOLDS, ids=[case[0].op for case in HOLDS])
def test_a_predicate_tells_good_from_bad(predicate: Predicate, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not predicate.holds(value)] == []
    assert [value for value in bad if predicate.holds(value)] == []


@pytest.mark.parametrize(("predicate", "good"), [case[:2] for case in HOLDS], ids=[case[0].op for case in HOLDS])
def test_every_violation_violates(predicate: Predicate, good: list[Any]) -> None:
    emitted = Emitted({"server": {}})
    violations = list(predicate.violations(good[0]))

    assert violations != []
    judged = [judge(predicate, ABSENT if value is REMOVE else value, emitted, "server") for _, value in violations]
    assert judged == [FAILED] * len(violations)


@pytest.mark.parametrize("predicate", [case[0] for case in HOLDS], ids=[case[0].op for case in HOLDS])
def test_a_predicate_is_data_and_words(predicate: Predicate) -> None:
    data = predicate.data()

    assert json.loads(json.dumps(data)) == data
    assert data["op"] == predicate.op
    assert predicate.sentence().strip() == predicate.sentence() != ""


def test_the_words_of_a_floor_name_its_source() -> None:
    assert AtLeast(FLOOR).sentence() == "is at least 914 days (M-21-31)"
    assert AtLeast(FLOOR).data() == {"op": "at-least", "bound": {"value": 914, "unit": "days", "source": "M-21-31"}}
    assert Equals(KEY).sentence() == "is KeyArn"


def test_troposphere_references_compare_with_emitted_ones() -> None:
    assert Equals(Ref("KeyArn")) == Equals(KEY)
    assert Contains((GetAtt("Group", "GroupId"),)).holds([{"Fn::GetAtt": ["Group", "GroupId"]}])
    assert Only((Ref("KeyArn"),)).holds([KEY])


def judged(predicate: Predicate, value: Any, parameter: dict[str, Any] | None = None, settled: str | None = None) -> Outcome:
    stacks = {"server": {"Parameters": {"P": {"Type": "String", **parameter}}} if parameter is not None else {}}
    parameters = {"server": {"P": settled}} if settled is not None else {}
    return judge(predicate, value, Emitted(stacks, "prod", parameters), "server")


P = {"Ref": "P"}


@pytest.mark.parametrize(
    ("predicate", "value", "parameter", "settled", "expected"),
    [
        (AtLeast(914), 1096, None, None, PASSED),
        (AtLeast(914), ABSENT, None, None, FAILED),
        (Absent(), ABSENT, None, None, PASSED),
        (Equals(KEY), KEY, None, None, PASSED),
        (Equals(KEY), {"Ref": "Other"}, None, None, FAILED),
        (Equals(KEY), {"Fn::GetAtt": "Key.Arn"}, None, None, FAILED),
        (Present(), P, {}, None, PASSED),
        (Absent(), P, {}, None, FAILED),
        (AtLeast(914), P, {"Type": "Number"}, None, CONDITIONAL),
        (AtLeast(914), P, {"Type": "Number", "MinValue": 914}, None, PASSED),
        (AtLeast(914), P, {"Type": "Number", "MinValue": 913}, None, CONDITIONAL),
        (AtMost(20), P, {"Type": "Number", "MaxValue": 20}, None, PASSED),
        (AtMost(20), P, {"Type": "Number", "MaxValue": 21}, None, CONDITIONAL),
        (AtLeast(914), P, {"Type": "Number", "AllowedValues": [1096, 1827]}, None, PASSED),
        (AtLeast(914), P, {"Type": "Number", "AllowedValues": [30, 1096]}, None, CONDITIONAL),
        (AtLeast(914), P, {"Type": "Number", "AllowedValues": ["30", "90"]}, None, FAILED),
        (AtLeast(914), P, {"Type": "Number", "Default": 1096}, None, CONDITIONAL),
        (AtLeast(914), P, {"Type": "Number"}, "1096", PASSED),
        (AtLeast(914), P, {"Type": "Number"}, "30", FAILED),
        (Matches("arn:.*"), P, {"AllowedPattern": "arn:.*"}, None, PASSED),
        (Matches("arn:.*"), P, {"AllowedPattern": ".*"}, None, CONDITIONAL),
        (Matches("arn:.*"), P, {"AllowedPattern": ".*"}, "arn:x", PASSED),
        (Equals(KEY), P, {}, None, FAILED),
        (Contains((KEY,)), P, {"Type": "CommaDelimitedList"}, None, FAILED),
        (Contains(("a",)), P, {"Type": "CommaDelimitedList"}, "a, b", PASSED),
        (Only(("a",)), P, {"Type": "List<String>"}, "a,b", FAILED),
        (Matches(r".*/mcp"), {"Fn::Sub": "https://${Api}/mcp"}, None, None, PASSED),
        (Matches(r".*/mcp"), {"Fn::Sub": "https://${Api}"}, None, None, FAILED),
        (Mentions("x"), {"Fn::Sub": "a x"}, None, None, PASSED),
        (OneOf(("a",)), {"Fn::If": ["Open", "a", "b"]}, None, None, FAILED),
        (AtLeast(914), {"Fn::If": ["Open", 1, 2000]}, None, None, CONDITIONAL),
        (Matches("a"), {"Fn::ImportValue": "x"}, None, None, CONDITIONAL),
    ],
)
def test_a_judgement_follows_a_reference_as_far_as_it_is_known(
    predicate: Predicate, value: Any, parameter: dict[str, Any] | None, settled: str | None, expected: Outcome
) -> None:
    assert judged(predicate, value, parameter, settled) is expected
