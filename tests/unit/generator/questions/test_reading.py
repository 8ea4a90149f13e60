"""Reading: what every question reads of a template in one way."""

from __future__ import annotations

from claimstack.generator.questions.reading import references


def test_references_are_found_in_every_form() -> None:
    body = {
        "DependsOn": ["Eight", "Nine"],
        "Properties": {
            "a": {"Ref": "One"},
            "b": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
            "c": {"Fn::Sub": "arn:${AWS::Partition}:x:${Four}/${Five.Name}/${!Literal}"},
            "d": {"Fn::Sub": ["${Six}-${Local}-${Unreadable}", {"Local": {"Ref": "Seven"}, "Unreadable": [{"Ref": "Ten"}]}]},
            "e": "Ref",
        },
    }
    assert references(body) == {"One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"}
    assert references({"DependsOn": "One"}) == {"One"}


def test_what_is_misspelled_refers_to_nothing() -> None:
    assert references({"Ref": 1, "Fn::GetAtt": [], "Fn::Sub": [], "DependsOn": None}) == set()
