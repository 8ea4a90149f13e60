"""Alarms: which exist, that they can fire, and that somebody hears them."""

import re
from collections.abc import Callable

import pytest

from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated, check_facts
from claimstack.generator.predicates import Outcome
from claimstack.generator.resources.alarms import ALARMS, EMAIL

from .conftest import not_passed

Built = Callable[..., Evaluated]


def _alarms(evaluated: Evaluated) -> list[str]:
    return [alarm.logical_id for alarm in evaluated.emitted.resources("AWS::CloudWatch::Alarm")]


def test_alarms_follow_the_chosen_features(built: Built) -> None:
    always = {
        "FunctionErrors",
        "FunctionDuration",
        "FunctionThrottles",
        "FunctionConcurrency",
        "FrontDoor5xx",
        "FrontDoorLatency",
        "FrontDoor4xx",
    }
    sessions = {"SessionReadThrottles", "SessionWriteThrottles"}
    assert set(_alarms(built(runtime={}))) == always
    assert set(_alarms(built())) == always | sessions
    assert set(_alarms(built("govcloud"))) == always | sessions | {"WebAclBlocks"} == {spec.id for spec in ALARMS}


def test_an_alarm_watches_reports_and_names_its_runbook(built: Built) -> None:
    properties = built().emitted.resource("server", "FunctionDuration").properties
    assert {key: properties[key] for key in properties if key != "Tags"} == {
        "ActionsEnabled": True,
        "AlarmActions": [{"Ref": "AlarmTopic"}],
        "AlarmDescription": "One call in twenty comes close to the timeout of the function. Runbook: FunctionDuration in operations.md.",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Function"}}],
        "EvaluationPeriods": 3,
        "ExtendedStatistic": "p95",
        "MetricName": "Duration",
        "Namespace": "AWS/Lambda",
        "OKActions": [{"Ref": "AlarmTopic"}],
        "Period": 300,
        "Threshold": 20000.0,
        "TreatMissingData": "notBreaching",
    }


@pytest.mark.parametrize(
    ("like", "timeout", "latency"),
    [("commercial", 25, 20_000.0), ("commercial", 10, 8_000.0), ("govcloud", 900, 720_000.0)],
)
def test_thresholds_lie_below_what_the_metric_can_reach(built: Built, like: str, timeout: int, latency: float) -> None:
    evaluated = built(like, runtime={"timeout_seconds": timeout})
    thresholds = {alarm.logical_id: alarm.properties["Threshold"] for alarm in evaluated.emitted.resources("AWS::CloudWatch::Alarm")}
    assert (thresholds["FunctionDuration"], thresholds["FrontDoorLatency"]) == (timeout * 800.0, latency)
    assert {fact.outcome for fact in evaluated.facts if fact.check == "system.alarms-can-fire"} == {Outcome.PASSED}


def test_one_execution_at_a_time_can_still_raise_the_alarm(built: Built) -> None:
    evaluated = built(runtime={"concurrency": 1}, front_door={"rate_per_second": 1, "burst": 1, "domain": "mcp.example.gov"})
    assert {fact.outcome for fact in evaluated.facts if fact.check == "system.alarms-can-fire"} == {Outcome.PASSED}


def test_the_concurrency_alarm_goes_by_what_is_reserved_when_the_stack_is_deployed(built: Built) -> None:
    properties = built().emitted.resource("server", "FunctionConcurrency").properties
    assert (properties["Threshold"], properties["Metrics"]) == (
        80.0,
        [
            {"Id": "share", "Expression": {"Fn::Sub": "100 * running / ${ReservedConcurrency}"}, "ReturnData": True},
            {
                "Id": "running",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": "ConcurrentExecutions",
                        "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Function"}}],
                    },
                    "Period": 300,
                    "Stat": "Maximum",
                },
                "ReturnData": False,
            },
        ],
    )
    assert not {"MetricName", "Namespace", "Dimensions", "Period", "Statistic"} & set(properties)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Resources", "Function", "Properties", "ReservedConcurrentExecutions"), 20),
        (("Parameters", "ReservedConcurrency", "MinValue"), 0),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 0, "Expression"), {"Fn::Sub": "running / ${ReservedConcurrency}"}),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 0, "Expression"), "100 * running / 1000"),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 0, "ReturnData"), False),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 1, "ReturnData"), True),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 1, "MetricStat", "Metric", "Dimensions"), []),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 1, "MetricStat", "Metric", "MetricName"), "Invocations"),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 1, "MetricStat", "Period"), 86_400),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics", 1, "MetricStat", "Stat"), "SampleCount"),
        (("Resources", "FunctionConcurrency", "Properties", "Metrics"), "none"),
        (("Resources", "FunctionConcurrency", "Properties", "Threshold"), 100),
    ],
)
def test_a_concurrency_alarm_that_cannot_fire_is_noticed(built: Built, path: tuple[str | int, ...], value: object) -> None:
    assert "system.alarms-can-fire" in not_passed(built(), Edit(Place("server", path), value))


def test_every_mutant_of_the_alarm_questions_flips_its_check(built: Built) -> None:
    evaluated = built("govcloud")
    unnoticed = []
    for id_ in ("system.alarms-can-fire", "system.alarms-reach"):
        declared = evaluated.system.checks[id_]
        for mutant in declared.check.mutants(evaluated.emitted, declared.scope):
            facts = check_facts(declared, evaluated.emitted.edited(*mutant.edits))
            if Outcome.FAILED not in {fact.outcome for fact in facts}:
                unnoticed.append(mutant.what)
    assert unnoticed == []


def test_metrics_of_load_and_failure_count_for_no_monitoring_control_of_the_class(built: Built) -> None:
    evaluated = built("govcloud")
    claimed = {
        (result.declared.logical_id, answer.point.id, answer.supplemental)
        for answer in evaluated.answers.values()
        for result in answer.claims
        if result.declared.type == "AWS::CloudWatch::Alarm"
    }
    of_the_class = {(alarm, point) for alarm, point, supplemental in claimed if not supplemental}
    assert of_the_class == {
        ("FrontDoor4xx", "si-4_smt.b"),
        ("FrontDoor4xx", "si-4.2_smt"),
        ("FrontDoor4xx", "si-4.5_smt"),
        ("WebAclBlocks", "si-4.2_smt"),
        ("WebAclBlocks", "si-4.5_smt"),
    }
    assert {point for _, point, supplemental in claimed if supplemental} == {"sc-5.3_smt.a", "sc-5.3_smt.b"}


@pytest.mark.parametrize("spec", [spec.id for spec in ALARMS])
@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("MetricName", "Erors"),
        ("Namespace", "AWS/Nothing"),
        ("Dimensions", []),
        ("Threshold", 10_000_000.0),
        ("Period", 86_400),
        ("EvaluationPeriods", 100),
        ("ComparisonOperator", "LessThanThreshold"),
        ("TreatMissingData", "ignore"),
        ("ActionsEnabled", False),
        ("AlarmActions", []),
        ("AlarmActions", ["arn:aws:sns:us-east-1:444455556666:elsewhere"]),
        ("OKActions", REMOVE),
    ],
)
def test_an_alarm_that_is_changed_is_noticed(built: Built, spec: str, step: str, value: object) -> None:
    assert not_passed(built("govcloud"), Edit(Place("server", ("Resources", spec, "Properties", step)), value))


def test_the_topic_is_encrypted_closed_and_subscribed(built: Built) -> None:
    emitted = built().emitted
    topic = {"Ref": "AlarmTopic"}
    assert emitted.resource("server", "AlarmTopic").properties["KmsMasterKeyId"] == {"Ref": "KeyArn"}
    assert emitted.resource("server", "AlarmSubscription").properties == {
        "TopicArn": topic,
        "Protocol": "email",
        "Endpoint": {"Ref": "AlarmEmail"},
    }
    publish, deny = emitted.resource("server", "AlarmTopicPolicy").properties["PolicyDocument"]["Statement"]
    assert publish == {
        "Sid": "PublishAlarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["sns:Publish"],
        "Resource": topic,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"}},
        },
    }
    assert (deny["Effect"], deny["Principal"], deny["Condition"]) == ("Deny", "*", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("AlarmTopic", "Properties", "KmsMasterKeyId"), "alias/aws/sns"),
        (("AlarmTopicPolicy", "Properties", "PolicyDocument", "Statement", 1), REMOVE),
        (("AlarmTopicPolicy", "Properties", "PolicyDocument", "Statement", 0, "Principal"), "*"),
        (("AlarmTopicPolicy", "Properties", "Topics"), []),
        (("AlarmSubscription",), REMOVE),
        (("AlarmSubscription", "Properties", "Protocol"), "http"),
    ],
)
def test_a_weaker_topic_is_noticed(built: Built, path: tuple[str | int, ...], value: object) -> None:
    assert not_passed(built(), Edit(Place("server", ("Resources", *path)), value))


def test_a_given_topic_is_used_and_not_made(built: Built) -> None:
    evaluated = built(organisation={"alarm_topic": "given"})
    assert list(evaluated.emitted.resources("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SNS::Subscription")) == []
    assert {str(alarm.properties["AlarmActions"]) for alarm in evaluated.emitted.resources("AWS::CloudWatch::Alarm")} == {
        "[{'Ref': 'AlarmTopicArn'}]"
    }
    assert evaluated.failed == ()
    widened = Edit(Place("server", ("Parameters", "AlarmTopicArn", "AllowedPattern")), ".*")
    assert not_passed(evaluated, widened)


def test_incident_handling_is_never_claimed(built: Built) -> None:
    assert [answer.point.id for answer in built("govcloud").answers.values() if answer.claims and answer.point.control == "ir-4"] == []


def test_one_email_address_is_taken() -> None:
    assert re.fullmatch(EMAIL, "mcp-alarms@example.gov")
    assert [
        text for text in ("alarms", "a@b", "a@example.gov,b@example.gov", "a b@example.gov", "@example.gov") if re.fullmatch(EMAIL, text)
    ] == []
