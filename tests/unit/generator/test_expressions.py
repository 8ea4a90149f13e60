"""Expressions: checks of one resource, of a population, and of an absence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from troposphere import Ref, awslambda, ec2, logs, sns

from claimstack.controls.errors import InputError
from claimstack.controls.floors import floor
from claimstack.generator.emitted import ABSENT, REMOVE, Edit, Emitted, Place
from claimstack.generator.expressions import Check, Finding, Mutant, Scope, attribute, every, none_exists, prop
from claimstack.generator.predicates import Outcome

SCOPE = Scope("server", "Log")
LOG = ("Resources", "Log")
KEY = {"Ref": "KeyArn"}


def log(days: Any = 1096, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "Properties": {"RetentionInDays": days, "KmsKeyId": KEY, **properties},
    }


def system(**resources: Any) -> Emitted:
    return Emitted({"server": {"Resources": {"Log": log(), **resources}}})


def outcomes(check: Check, emitted: Emitted) -> list[Outcome]:
    return [finding.outcome for finding in check.evaluate(emitted, SCOPE)]


CHECKS: list[tuple[Check, str, str]] = [
    (prop("RetentionInDays").at_least(914), "server.Log.RetentionInDays.at-least", "RetentionInDays is at least 914"),
    (prop("KmsKeyId").equals(Ref("KeyArn")), "server.Log.KmsKeyId.equals", "KmsKeyId is KeyArn"),
    (prop("Tags[*].Key").none_of("aws:x"), "server.Log.Tags.each.Key.none-of", "Tags[*].Key is none of aws:x"),
    (attribute("DeletionPolicy").one_of("Retain", "X"), "server.Log.DeletionPolicy.one-of", "DeletionPolicy is one of Retain, X"),
    (prop("LogGroupName").absent(), "server.Log.LogGroupName.absent", "LogGroupName is not set"),
    (
        every(logs.LogGroup).prop("RetentionInDays").at_least(floor("au-11")),
        "system.AWS-Logs-LogGroup.RetentionInDays.at-least",
        "every AWS::Logs::LogGroup: RetentionInDays is at least 914 days (OMB M-21-31: 12 months active and 18 months cold storage)",
    ),
    (
        every(logs.LogGroup).where(prop("LogGroupClass").absent()).or_none().attribute("DeletionPolicy").equals("Retain"),
        "system.AWS-Logs-LogGroup.DeletionPolicy.equals",
        "every AWS::Logs::LogGroup whose LogGroupClass is not set: DeletionPolicy is Retain",
    ),
    (
        none_exists(ec2.InternetGateway, "AWS::EC2::NatGateway"),
        "system.no.AWS-EC2-InternetGateway.AWS-EC2-NatGateway",
        "the system has no AWS::EC2::InternetGateway and no AWS::EC2::NatGateway",
    ),
]


@pytest.mark.parametrize(("check", "id_", "sentence"), CHECKS)
def test_a_check_has_a_stable_id_and_a_sentence(check: Check, id_: str, sentence: str) -> None:
    assert (check.check_id(SCOPE), check.sentence()) == (id_, sentence)
    assert json.loads(json.dumps(check.data())) == check.data()


@pytest.mark.parametrize("check", [check for check, _, _ in CHECKS])
def test_a_name_changes_the_id_and_not_the_hash(check: Check) -> None:
    named = check.named("mine")

    assert named.check_id(SCOPE) == f"{'system' if check.reads_system else 'server.Log'}.mine"
    assert named.sha256() == check.sha256()


def test_a_hash_tells_what_is_asked() -> None:
    hashes = {
        check.sha256()
        for check in (
            prop("RetentionInDays").at_least(914),
            prop("RetentionInDays").at_least(913),
            prop("RetentionInDays").at_most(914),
            prop("Retention").at_least(914),
            attribute("RetentionInDays").at_least(914),
            every(logs.LogGroup).prop("RetentionInDays").at_least(914),
            every(logs.LogGroup).or_none().prop("RetentionInDays").at_least(914),
            every(logs.LogGroup).where(prop("KmsKeyId").present()).prop("RetentionInDays").at_least(914),
        )
    }

    assert len(hashes) == 8


@pytest.mark.parametrize("check", [check for check, _, _ in CHECKS])
def test_every_mutant_of_a_check_flips_it(check: Check) -> None:
    emitted = system(Log=log(Tags=[{"Key": "a"}, {"Key": "b"}]))
    assert set(outcomes(check, emitted)) == {Outcome.PASSED}

    mutants = list(check.mutants(emitted, SCOPE))

    assert mutants != []
    assert [m.what for m in mutants if set(outcomes(check, emitted.edited(*m.edits))) == {Outcome.PASSED}] == []


def test_a_property_is_found_where_it_stands() -> None:
    place = Place("server", (*LOG, "Properties", "RetentionInDays"))

    assert list(prop("RetentionInDays").at_least(914).evaluate(system(Log=log(30)), SCOPE)) == [
        Finding(place, "RetentionInDays is at least 914", 30, Outcome.FAILED)
    ]


def test_an_absent_property_fails_at_its_nearest_ancestor() -> None:
    emitted = system(Log={"Type": "AWS::Logs::LogGroup"})

    assert list(prop("Tags[*].Key").equals("a").evaluate(emitted, SCOPE)) == [
        Finding(Place("server", LOG), "Tags[*].Key is a", ABSENT, Outcome.FAILED)
    ]


def test_a_removed_resource_fails_its_checks() -> None:
    emitted = Emitted({"server": {"Resources": {}}})

    assert list(prop("KmsKeyId").present().evaluate(emitted, SCOPE)) == [
        Finding(Place("server", ("Resources",)), "KmsKeyId is set", ABSENT, Outcome.FAILED)
    ]


def test_each_item_of_a_list_is_found() -> None:
    emitted = system(Log=log(Tags=[{"Key": "a"}, {"Key": "b"}, {}]))
    tags = Place("server", (*LOG, "Properties", "Tags"))
    expected = "Tags[*].Key is a"

    assert list(prop("Tags[*].Key").equals("a").evaluate(emitted, SCOPE)) == [
        Finding(tags.below(0, "Key"), expected, "a", Outcome.PASSED),
        Finding(tags.below(1, "Key"), expected, "b", Outcome.FAILED),
        Finding(tags.below(2), expected, ABSENT, Outcome.FAILED),
    ]


def test_an_empty_list_has_no_item_that_passes() -> None:
    assert outcomes(prop("Tags[*].Key").present(), system(Log=log(Tags=[]))) == [Outcome.FAILED]


def test_steps_given_apart_may_hold_a_full_stop() -> None:
    emitted = system(Log=log(Variables={"a.b": "c"}))

    assert outcomes(prop("Variables", "a.b").equals("c"), emitted) == [Outcome.PASSED]
    assert outcomes(prop("Variables.a.b").equals("c"), emitted) == [Outcome.FAILED]


def test_an_unprotected_sibling_fails_its_population() -> None:
    check = every(logs.LogGroup).prop("RetentionInDays").at_least(914)

    assert outcomes(check, system(Twin=log(30))) == [Outcome.PASSED, Outcome.FAILED]
    assert outcomes(check, Emitted({"server": {"Resources": {"Log": log()}}, "key": {"Resources": {"Other": log(30)}}})) == [
        Outcome.PASSED,
        Outcome.FAILED,
    ]


def test_an_empty_population_fails_unless_stated() -> None:
    topics = every(sns.Topic)
    nobody = Finding(Place("server", ("Resources",)), "every AWS::SNS::Topic: KmsMasterKeyId is set", "no such resource", Outcome.FAILED)

    assert list(topics.prop("KmsMasterKeyId").present().evaluate(system(), SCOPE)) == [nobody]
    assert outcomes(topics.or_none().prop("KmsMasterKeyId").present(), system()) == [Outcome.PASSED]


def test_an_empty_population_has_an_unprotected_mutant() -> None:
    check = every(sns.Topic).or_none().prop("KmsMasterKeyId").present()
    place = Place("server", ("Resources", "UnprotectedSibling"))

    assert list(check.mutants(system(), SCOPE)) == [
        Mutant("add an unprotected resource", (Edit(place, {"Type": "AWS::SNS::Topic", "Properties": {}}),))
    ]
    assert outcomes(check, system(Topic={"Type": "AWS::SNS::Topic", "Properties": {}})) == [Outcome.FAILED]


def test_a_population_is_narrowed_by_conditions() -> None:
    check = every(logs.LogGroup).where(prop("LogGroupClass").equals("STANDARD")).prop("RetentionInDays").at_least(914)

    assert outcomes(check, system(Log=log(LogGroupClass="STANDARD"), Twin=log(30))) == [Outcome.PASSED]
    assert outcomes(check, system(Twin=log(30))) == [Outcome.FAILED]


def test_each_resource_that_must_not_exist_is_found() -> None:
    check = none_exists(awslambda.Url, ec2.EIP)
    sentence = "the system has no AWS::Lambda::Url and no AWS::EC2::EIP"
    emitted = system(Url={"Type": "AWS::Lambda::Url"}, Address={"Type": "AWS::EC2::EIP"})

    assert list(check.evaluate(emitted, SCOPE)) == [
        Finding(Place("server", ("Resources", "Url")), sentence, "AWS::Lambda::Url", Outcome.FAILED),
        Finding(Place("server", ("Resources", "Address")), sentence, "AWS::EC2::EIP", Outcome.FAILED),
    ]
    assert list(check.evaluate(system(), SCOPE)) == [Finding(Place("server", ("Resources",)), sentence, "none", Outcome.PASSED)]


def test_an_absence_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="name at least one resource class"):
        none_exists()


def test_the_mutants_of_a_property_are_its_violations() -> None:
    place = Place("server", (*LOG, "Properties", "RetentionInDays"))

    assert list(prop("RetentionInDays").at_least(914).mutants(system(), SCOPE)) == [
        Mutant("Log: remove Properties.RetentionInDays", (Edit(place, REMOVE),)),
        Mutant("Log: lower Properties.RetentionInDays", (Edit(place, 913),)),
    ]


@pytest.mark.parametrize(
    ("check", "unknown"),
    [
        (prop("RetentionInDays").present(), None),
        (prop("Retention").present(), "Retention"),
        (prop("Tags[*].Key").present(), None),
        (attribute("DeletionPolicy").present(), None),
        (every(sns.Topic).prop("KmsKey").present(), "AWS::SNS::Topic.KmsKey"),
        (every(sns.Topic).where(prop("Nmae").present()).prop("TopicName").present(), "AWS::SNS::Topic.Nmae"),
        (none_exists(sns.Topic), None),
    ],
)
def test_an_unknown_property_is_named(check: Check, unknown: str | None) -> None:
    assert check.validate(logs.LogGroup) == unknown


def test_properties_are_known_below_lists_and_nested_types() -> None:
    assert prop("VpcConfig.SubnetIds").present().validate(awslambda.Function) is None
    assert prop("VpcConfig.Subnets").present().validate(awslambda.Function) == "VpcConfig.Subnets"
    assert prop("SecurityGroupEgress[*].CidrIp").present().validate(ec2.SecurityGroup) is None
    assert prop("Subscription[*].Protocl").present().validate(sns.Topic) == "Subscription[*].Protocl"
    assert prop("Environment.Variables.ANY").present().validate(awslambda.Function) is None
