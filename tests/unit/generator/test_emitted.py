"""Emitted templates: places, pointers, edits and references."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from troposphere import GetAtt, Join, Ref, Sub, Tags, logs

from claimstack.generator.emitted import ABSENT, REMOVE, Edit, Emitted, Place, Resource, is_symbol, plain, steps_of, value_at, words
from claimstack.generator.paths import TEST_RESULTS

SERVER: dict[str, Any] = {
    "Parameters": {"KeyArn": {"Type": "String"}},
    "Resources": {
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 1096, "Tags": [{"Key": "a/b~c", "Value": "x"}]}},
        "Topic": {"Type": "AWS::SNS::Topic"},
    },
}
KEY: dict[str, Any] = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}
EMITTED = Emitted({"key": KEY, "server": SERVER})
RETENTION = Place("server", ("Resources", "Log", "Properties", "RetentionInDays"))


def test_a_pointer_names_the_file_and_escapes_its_steps() -> None:
    place = Place("server", ("Resources", "Log", "Properties", "a/b~c", 0))

    assert place.pointer == "cloudformation/server.json#/Resources/Log/Properties/a~1b~0c/0"
    assert Place("key", ()).pointer == "cloudformation/key.json#"
    assert steps_of(place.pointer.partition("#")[2]) == ("Resources", "Log", "Properties", "a/b~c", "0")


def test_a_pointer_resolves_exactly_where_a_value_stands() -> None:
    emitted = Emitted({"server": {"a/b~c": [{"d": None}]}})

    assert [emitted.resolves(Place("server", path).pointer) for path in ((), ("a/b~c",), ("a/b~c", 0, "d"))] == [True, True, True]
    assert [emitted.resolves(Place(stack, path).pointer) for stack, path in (("server", ("a/b~c", 1)), ("key", ()))] == [False, False]


def test_results_of_tests_are_a_file_of_their_own() -> None:
    place = Place(TEST_RESULTS, ("tests", "tests/a.py::test_a"))
    emitted = Emitted({"server": SERVER}, "prod", {"server": {"KeyArn": "x"}}, {"tests": {"tests/a.py::test_a": "passed"}})
    edited = emitted.edited(Edit(place, "failed"))

    assert place.pointer == "evidence/test-results.json#/tests/tests~1a.py::test_a"
    assert (emitted.value(place), edited.value(place), edited.anywhere().value(place)) == ("passed", "failed", "failed")
    assert [emitted.resolves(pointer) for pointer in (place.pointer, f"{TEST_RESULTS}#/tests/other")] == [True, False]
    assert edited == Emitted(emitted.stacks, emitted.environment, emitted.parameters, {"tests": {"tests/a.py::test_a": "failed"}})


def test_what_was_worked_out_does_not_go_into_a_copy() -> None:
    emitted = Emitted({"server": SERVER})
    assert emitted.once(_names) == ["Log", "Topic"]
    assert replace(emitted, stacks={"key": KEY}).once(_names) == ["Key"]
    assert emitted.once(_names) is emitted.once(_names)


def _names(emitted: Emitted) -> list[str]:
    return [resource.logical_id for resource in emitted.resources()]


def test_null_is_a_value_and_absence_is_not() -> None:
    assert value_at({"a": None}, ("a",)) is None
    assert value_at({"a": None}, ("b",)) is ABSENT
    assert value_at({"a": "text"}, ("a", "b")) is ABSENT
    assert value_at([1, 2], ("1",)) == 2
    assert value_at([1, 2], (2,)) is ABSENT
    assert value_at([1, 2], ("x",)) is ABSENT
    assert value_at([1, 2], ("²",)) is ABSENT


def test_resources_come_stack_by_stack_and_by_type() -> None:
    everything = [(resource.stack, resource.logical_id, resource.type) for resource in EMITTED.resources()]

    assert everything == [("key", "Key", "AWS::KMS::Key"), ("server", "Log", "AWS::Logs::LogGroup"), ("server", "Topic", "AWS::SNS::Topic")]
    assert list(EMITTED.resources("AWS::SNS::Topic")) == [Resource("server", "Topic", {"Type": "AWS::SNS::Topic"})]
    assert EMITTED.resource("server", "Key") is None
    assert EMITTED.resource("nowhere", "Key") is None


def test_a_loop_among_the_resources_is_no_resource() -> None:
    emitted = Emitted({"server": {"Resources": {"Fn::ForEach::Topics": ["Name", ["A"], {}], **SERVER["Resources"]}}})

    assert [resource.logical_id for resource in emitted.resources()] == ["Log", "Topic"]


def test_a_resource_without_properties_has_none() -> None:
    topic = EMITTED.resource("server", "Topic")

    assert topic is not None
    assert (topic.properties, topic.place.pointer) == ({}, "cloudformation/server.json#/Resources/Topic")
    assert topic.property_place("KmsMasterKeyId").path == ("Resources", "Topic", "Properties", "KmsMasterKeyId")


def test_a_template_parameter_is_that_of_its_stack() -> None:
    assert EMITTED.template_parameter("server", "KeyArn") == {"Type": "String"}
    assert EMITTED.template_parameter("key", "KeyArn") is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("list", 0), "new", {"list": ["new", 2], "map": {"a": 1}}),
        (("list", 2), "end", {"list": [1, 2, "end"], "map": {"a": 1}}),
        (("list", 0), REMOVE, {"list": [2], "map": {"a": 1}}),
        (("map", "a"), REMOVE, {"list": [1, 2], "map": {}}),
        (("map", "gone"), REMOVE, {"list": [1, 2], "map": {"a": 1}}),
        (("map", "b", "c"), 3, {"list": [1, 2], "map": {"a": 1, "b": {"c": 3}}}),
        (("map", "a", "b"), 3, {"list": [1, 2], "map": {"a": {"b": 3}}}),
        (("list", 2, "a"), 3, {"list": [1, 2, {"a": 3}], "map": {"a": 1}}),
        (("list", 2), {"a": 3}, {"list": [1, 2, {"a": 3}], "map": {"a": 1}}),
    ],
)
def test_an_edit_changes_its_place_and_nothing_else(path: tuple[str | int, ...], value: Any, expected: Any) -> None:
    original = {"list": [1, 2], "map": {"a": 1}}
    before = copy.deepcopy(original)

    assert Emitted({"s": original}).edited(Edit(Place("s", path), value)).stacks == {"s": expected}
    assert original == before


def test_an_edit_shares_what_it_does_not_touch() -> None:
    edited = EMITTED.edited(Edit(RETENTION, 30))

    assert edited.value(RETENTION) == 30
    assert EMITTED.value(RETENTION) == 1096
    assert edited.stacks["key"] is KEY
    assert edited.stacks["server"]["Resources"]["Topic"] is SERVER["Resources"]["Topic"]


def test_edits_are_made_one_after_the_other_and_keep_the_environment() -> None:
    emitted = Emitted(EMITTED.stacks, "prod", {"server": {"KeyArn": "arn:x"}})
    twin = Place("server", ("Resources", "Twin"))

    edited = emitted.edited(Edit(twin, SERVER["Resources"]["Log"]), Edit(twin.below("Properties", "RetentionInDays"), REMOVE))

    assert edited.value(twin.below("Properties")) == {"Tags": [{"Key": "a/b~c", "Value": "x"}]}
    assert (edited.environment, edited.parameters) == ("prod", {"server": {"KeyArn": "arn:x"}})


def test_a_removed_document_is_gone() -> None:
    assert EMITTED.edited(Edit(Place("key", ("Resources",)), REMOVE)).stacks["key"] == {}


def test_troposphere_objects_become_what_is_emitted() -> None:
    group = logs.LogGroup("Log", RetentionInDays=1096, KmsKeyId=GetAtt("Key", "Arn"))

    assert plain(group) == {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"RetentionInDays": 1096, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    }
    assert plain({"a": (Ref("B"), Sub("${B}-x"))}) == {"a": [{"Ref": "B"}, {"Fn::Sub": "${B}-x"}]}
    assert plain({"Fn::GetAtt": "Key.Nested.Arn"}) == {"Fn::GetAtt": ["Key", "Nested.Arn"]}
    assert plain(Tags(A="b")) == [{"Key": "A", "Value": "b"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "A"}, True),
        ({"Fn::If": ["A", 1, 2]}, True),
        (plain(Join("", ["a"])), True),
        ({"Ref": "A", "b": 1}, False),
        ({"Key": "A"}, False),
        ("Ref", False),
        ([], False),
    ],
)
def test_a_symbol_is_one_intrinsic_function(value: Any, expected: object) -> None:
    assert is_symbol(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ABSENT, "absent"),
        ({"Ref": "KeyArn"}, "KeyArn"),
        ({"Fn::GetAtt": ["Key", "Arn"]}, "Key.Arn"),
        ({"Fn::GetAtt": "Key.Arn"}, "Key.Arn"),
        ({"Fn::Sub": "/log/${AWS::StackName}"}, "/log/${AWS::StackName}"),
        ("text", "text"),
        (True, "true"),
        (1096, "1096"),
        (["a", 1], '["a", 1]'),
        ({"a": "ü"}, '{"a": "ü"}'),
    ],
)
def test_words_are_what_a_person_reads(value: Any, expected: str) -> None:
    assert words(value) == expected
