"""Alarm questions: whether alarms can fire, and whether anybody hears them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, Resource
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.predicates import AtMost, judge
from claimstack.generator.questions.reading import (
    PolicyStatement,
    Question,
    as_list,
    as_mapping,
    covers,
    extra,
    policy_statements,
    referenced,
    referenced_resource,
    text_of,
)

ALARM = "AWS::CloudWatch::Alarm"
PUBLISHER = "cloudwatch.amazonaws.com"
_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True, slots=True)
class AlarmsReach(Question):
    """An own topic reaches somebody when it has a subscriber, a customer key, and policies of topic and own key that admit CloudWatch:
    where one of them does not, the alarm fires and nothing is delivered, without an error anywhere."""

    kind: ClassVar[str] = "question.alarms-reach"

    def sentence(self) -> str:
        return "every alarm acts through a topic that CloudWatch may publish to, with a subscriber and a customer managed key"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        alarms = list(emitted.resources(ALARM, "AWS::CloudWatch::CompositeAlarm"))
        if not alarms:
            yield self.nothing(scope, "no alarm")
        for alarm in alarms:
            enabled = alarm.properties.get("ActionsEnabled", True) in (True, "true") and "ActionsSuppressor" not in alarm.properties
            actions = as_list(alarm.properties.get("AlarmActions", []))
            reaches = bool(actions) and all(_is_topic(emitted, alarm.stack, action) for action in actions)
            yield self.found(alarm.place, actions if enabled else "actions disabled", enabled and reaches)
        statements = list(policy_statements(emitted))
        for topic in emitted.resources("AWS::SNS::Topic"):
            missing = [*_missing_on_topic(emitted, topic), *_unadmitted(emitted, topic, statements)]
            yield self.found(topic.place, ", ".join(missing) or "subscribed, encrypted, admitted", not missing)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for alarm in emitted.resources(ALARM):
            name = alarm.logical_id
            yield Mutant(f"{name}: disable its actions", (Edit(alarm.property_place("ActionsEnabled"), value=False),))
            yield Mutant(f"{name}: no action", (Edit(alarm.property_place("AlarmActions"), []),))
            yield Mutant(f"{name}: remove AlarmActions", (Edit(alarm.property_place("AlarmActions"), REMOVE),))
            elsewhere = [{"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:elsewhere"}]
            yield Mutant(f"{name}: another topic", (Edit(alarm.property_place("AlarmActions"), elsewhere),))
        for topic in emitted.resources("AWS::SNS::Topic"):
            name = topic.logical_id
            yield Mutant(f"{name}: remove its key", (Edit(topic.property_place("KmsMasterKeyId"), REMOVE),))
            yield Mutant(f"{name}: the key of SNS", (Edit(topic.property_place("KmsMasterKeyId"), "alias/aws/sns"),))
            yield Mutant(f"{name}: no subscriber", _without_subscribers(emitted, topic))
        for statement in policy_statements(emitted):
            if _admits_cloudwatch(statement) and statement.resource.type in ("AWS::SNS::TopicPolicy", "AWS::KMS::Key"):
                other = Edit(statement.place.below("Principal"), {"Service": "events.amazonaws.com"})
                yield Mutant(f"{statement.resource.logical_id}: admit another service", (other,))
        yield extra(scope, ALARM, {"MetricName": "Errors"}, "add an alarm without action")


def _is_topic(emitted: Emitted, stack: str, action: Json) -> bool:
    if not isinstance(action, dict) or "Ref" not in action:
        return False
    parameter = emitted.template_parameter(stack, str(action["Ref"]))
    if parameter is not None:
        return ":sns:" in str(parameter.get("AllowedPattern", ""))
    return referenced_resource(emitted, stack, action, "AWS::SNS::Topic") is not None


def _subscriptions(emitted: Emitted, topic: Resource) -> Iterator[Resource]:
    for subscription in emitted.resources("AWS::SNS::Subscription"):
        named = subscription.stack == topic.stack and referenced(subscription.properties.get("TopicArn")) == topic.logical_id
        if named and subscription.properties.get("Endpoint") and subscription.properties.get("Protocol"):
            yield subscription


def _without_subscribers(emitted: Emitted, topic: Resource) -> tuple[Edit, ...]:
    separate = tuple(Edit(subscription.place, REMOVE) for subscription in _subscriptions(emitted, topic))
    return (Edit(topic.property_place("Subscription"), REMOVE), *separate)


def _missing_on_topic(emitted: Emitted, topic: Resource) -> Iterator[str]:
    inline = topic.properties.get("Subscription", [])
    subscribed = isinstance(inline, list) and any(
        isinstance(item, dict) and item.get("Endpoint") and item.get("Protocol") for item in inline
    )
    if not subscribed and not any(_subscriptions(emitted, topic)):
        yield "no subscriber"
    key = topic.properties.get("KmsMasterKeyId")
    if not isinstance(key, dict) and not (isinstance(key, str) and key and not key.startswith("alias/aws/")):
        yield "no customer managed key"


def _unadmitted(emitted: Emitted, topic: Resource, statements: list[PolicyStatement]) -> Iterator[str]:
    """What refuses CloudWatch; a topic without policy admits its own account."""
    policies = [
        policy
        for policy in emitted.resources("AWS::SNS::TopicPolicy")
        if policy.stack == topic.stack and topic.logical_id in map(referenced, as_list(policy.properties.get("Topics", [])))
    ]
    for policy in policies:
        own = [statement for statement in statements if statement.resource.place == policy.place]
        if not any(_admits_cloudwatch(statement) and _covers(statement, "sns:Publish") for statement in own):
            yield f"{policy.logical_id} does not admit {PUBLISHER}"
        if any(not statement.allows and "Condition" not in statement.body for statement in own):
            yield f"{policy.logical_id} denies unconditionally"
    for key in emitted.resources("AWS::KMS::Key"):
        own = [statement for statement in statements if statement.resource.place == key.place]
        if not all(any(_admits_cloudwatch(s) and _covers(s, action) for s in own) for action in _KEY_ACTIONS):
            yield f"{key.logical_id} does not admit {PUBLISHER}"


def _admits_cloudwatch(statement: PolicyStatement) -> bool:
    principal = statement.body.get("Principal")
    services = as_list(principal.get("Service", [])) if isinstance(principal, dict) else []
    return statement.readable and statement.allows and PUBLISHER in services


def _covers(statement: PolicyStatement, action: str) -> bool:
    return any(covers(pattern, action) for pattern in statement.actions)


_COUNTS = ("Sum",)
_TIMES = ("Average", "Maximum", "p")
_LEVELS = ("Maximum",)
METRICS: Final[Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]] = {
    ("AWS/Lambda", "FunctionName"): {
        "ConcurrentExecutions": _LEVELS,
        "DeadLetterErrors": _COUNTS,
        "Duration": _TIMES,
        "Errors": _COUNTS,
        "Invocations": _COUNTS,
        "Throttles": _COUNTS,
    },
    ("AWS/ApiGateway", "ApiId"): {"4xx": _COUNTS, "5xx": _COUNTS, "Count": _COUNTS, "IntegrationLatency": _TIMES, "Latency": _TIMES},
    ("AWS/ApiGateway", "ApiName"): {
        "4XXError": _COUNTS,
        "5XXError": _COUNTS,
        "Count": _COUNTS,
        "IntegrationLatency": _TIMES,
        "Latency": _TIMES,
    },
    ("AWS/DynamoDB", "TableName"): {
        "ReadThrottleEvents": _COUNTS,
        "SystemErrors": _COUNTS,
        "ThrottledRequests": _COUNTS,
        "TransactionConflict": _COUNTS,
        "UserErrors": _COUNTS,
        "WriteThrottleEvents": _COUNTS,
    },
    ("AWS/WAFV2", "WebACL"): {"AllowedRequests": _COUNTS, "BlockedRequests": _COUNTS, "CountedRequests": _COUNTS},
    ("AWS/SNS", "TopicName"): {"NumberOfNotificationsFailed": _COUNTS},
    ("AWS/SQS", "QueueName"): {"ApproximateAgeOfOldestMessage": _LEVELS, "ApproximateNumberOfMessagesVisible": _LEVELS},
    ("AWS/Logs", "LogGroupName"): {"DeliveryErrors": _COUNTS, "DeliveryThrottling": _COUNTS},
}
"""(namespace, dimension that names the resource) → metric → statistics under which a threshold means what it says.

A metric by another name exists in no account, and its alarm never leaves INSUFFICIENT_DATA. Sources: the metric reference of each
service; the two kinds of API name the same metrics differently.
"""
_NAMED_BY: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "ApiId": ("AWS::ApiGatewayV2::Api", ()),
    "ApiName": ("AWS::ApiGateway::RestApi", ("Name",)),
    "FunctionName": ("AWS::Lambda::Function", ("FunctionName",)),
    "LogGroupName": ("AWS::Logs::LogGroup", ("LogGroupName",)),
    "QueueName": ("AWS::SQS::Queue", ("QueueName",)),
    "TableName": ("AWS::DynamoDB::Table", ("TableName",)),
    "TopicName": ("AWS::SNS::Topic", ("TopicName",)),
    "WebACL": ("AWS::WAFv2::WebACL", ("VisibilityConfig.MetricName", "Name")),
}
"""Dimension → the type of the resource that it names, by reference or by the value of one of these properties."""
_PERIODS = (10, 20, 30)
CALLS_PER_SECOND: Final = 10_000
"""What the front doors of an account let through unless the quota is raised (API Gateway quotas)."""
_LONGEST_WINDOW = 86_400
"""Seconds that period and evaluation periods may span together (PutMetricAlarm); more only with hourly periods."""


@dataclass(frozen=True, slots=True)
class AlarmsCanFire(Question):
    """Limits in the unit of each metric (milliseconds, events): what it cannot exceed, as a door's time-out bounds its latency.

    Only a count may go without: more than CALLS_PER_SECOND of anything cannot happen. A time or a level without limit fails, unless the
    alarm compares the level in per cent with what is reserved at deployment.
    """

    kind: ClassVar[str] = "question.alarms-can-fire"
    limits: Mapping[str, int | float]

    def sentence(self) -> str:
        limits = ", ".join(f"{metric} {self.limits[metric]:g}" for metric in sorted(self.limits))
        return f"every alarm watches an existing metric of a resource of the system, with a threshold that it can cross ({limits})"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        alarms = list(emitted.resources(ALARM))
        if not alarms:
            yield self.nothing(scope, "no alarm")
        for alarm in alarms:
            watched = _watched(emitted, alarm)
            wrong = list(_wrong_metric(emitted, alarm.stack, watched)) + list(_wrong_evaluation(watched))
            yield self.found(alarm.place, "; ".join(wrong) or "can fire", not wrong)
            yield self._threshold(emitted, alarm)

    def _threshold(self, emitted: Emitted, alarm: Resource) -> Finding:
        threshold = alarm.properties.get("Threshold")
        limit = _WHOLE if "Metrics" in alarm.properties else self._limit(alarm.properties)
        place = alarm.property_place("Threshold") if "Threshold" in alarm.properties else alarm.place
        if limit is None:
            return self.found(place, f"no limit is given for {alarm.properties.get('MetricName')}", outcome=False)
        expected = f"at least 0 and below {limit:g}"
        if isinstance(threshold, int | float):
            return self.found(place, threshold, 0 <= threshold < limit, expected)
        if emitted.template_parameter(alarm.stack, referenced(threshold) or "") is None:
            return self.found(place, threshold, outcome=False)
        return self.found(place, threshold, judge(AtMost(math.nextafter(limit, 0)), threshold, emitted, alarm.stack), expected)

    def _limit(self, properties: Json) -> float | None:
        metric = properties.get("MetricName")
        if metric in self.limits:
            return self.limits[metric]
        counted = any(metrics.get(metric) == _COUNTS for metrics in METRICS.values())
        period = properties.get("Period")
        return CALLS_PER_SECOND * period if counted and _is_count(period) else None

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for alarm in emitted.resources(ALARM):
            name = alarm.logical_id
            limit = _WHOLE if "Metrics" in alarm.properties else self._limit(alarm.properties) or 0
            for property_, value in (
                ("Threshold", limit),
                ("Threshold", -1),
                ("Threshold", REMOVE),
                ("Period", 0),
                ("Period", REMOVE),
                ("EvaluationPeriods", 0),
                ("DatapointsToAlarm", 1_000),
                ("TreatMissingData", REMOVE),
                ("TreatMissingData", "breaching"),
                ("MetricName", "Erors"),
                ("Namespace", "AWS/Lamda"),
                ("Dimensions", []),
                ("ComparisonOperator", "LessThanThreshold"),
                ("Statistic", "SampleCount"),
            ):
                if value is not REMOVE or property_ in alarm.properties:
                    edit = Edit(alarm.property_place(property_), value)
                    yield Mutant(f"{name}: {property_} {'removed' if value is REMOVE else value}", (edit,))
            if "Metrics" in alarm.properties:
                for index, query in enumerate(alarm.properties["Metrics"]):
                    yield Mutant(f"{name}: without {query['Id']}", (Edit(alarm.property_place("Metrics", index), REMOVE),))
                    if "MetricStat" in query:
                        yield Mutant(f"{name}: {query['Id']} renamed", (Edit(alarm.property_place("Metrics", index, "Id"), "other"),))
        yield extra(scope, ALARM, {}, "add an alarm on nothing")


_WHOLE = 100
"""What a share in per cent cannot exceed."""
_METRIC_PROPERTIES = ("Dimensions", "ExtendedStatistic", "MetricName", "Namespace", "Period", "Statistic", "Unit")


def _watched(emitted: Emitted, alarm: Resource) -> Json:
    """The alarm's properties as those of an alarm on one metric.

    Of expressions one is known: the per cents of its reserved concurrency, a template parameter, that a function uses. Behind any other
    expression, or beside properties that CloudFormation refuses beside one, no metric is seen.
    """
    properties = alarm.properties
    if "Metrics" not in properties:
        return properties
    seen = {name: value for name, value in properties.items() if name not in (*_METRIC_PROPERTIES, "Metrics")}
    queries = [as_mapping(query) for query in as_list(properties["Metrics"])]
    if len(queries) != 2 or any(name in properties for name in _METRIC_PROPERTIES):
        return seen
    share, read = queries
    found = re.fullmatch(r"100 \* (\w+) / \$\{(\w+)\}", text_of(share.get("Expression")) or "")
    shown = share.get("ReturnData") is True and read.get("ReturnData") is False
    if not shown or found is None or found[1] != read.get("Id"):
        return seen
    stat = as_mapping(read.get("MetricStat"))
    watched = {**seen, **as_mapping(stat.get("Metric")), "Period": stat.get("Period"), "Statistic": stat.get("Stat")}
    return watched if _reserves(emitted, alarm.stack, watched, found[2]) else seen


def _reserves(emitted: Emitted, stack: str, watched: Json, parameter: str) -> bool:
    """Whether the parameter is what is reserved for the function that the metric belongs to, and is never 0."""
    named = [referenced(as_mapping(item).get("Value")) for item in as_list(watched.get("Dimensions", []))]
    reserved = [
        function.properties.get("ReservedConcurrentExecutions")
        for function in emitted.resources("AWS::Lambda::Function")
        if function.stack == stack and function.logical_id in named
    ]
    least = (emitted.template_parameter(stack, parameter) or {}).get("MinValue")
    running = watched.get("MetricName") == "ConcurrentExecutions"
    return running and reserved == [{"Ref": parameter}] and isinstance(least, int) and least >= 1


def _wrong_metric(emitted: Emitted, stack: str, properties: Json) -> Iterator[str]:
    dimensions = properties.get("Dimensions", [])
    named = (
        {item["Name"]: item.get("Value") for item in dimensions if isinstance(item, dict) and isinstance(item.get("Name"), str)}
        if isinstance(dimensions, list)
        else {}
    )
    namespace, metric = properties.get("Namespace"), properties.get("MetricName")
    if _is_filtered(emitted, namespace, metric):
        return
    subject = next((name for name in named if (namespace, name) in METRICS), None)
    if subject is None:
        yield f"no dimension of {namespace} names a resource"
        return
    if metric not in METRICS[namespace, subject]:
        yield f"{namespace} has no metric {metric} by {subject}"
    elif not _fits(properties, METRICS[namespace, subject][metric]):
        yield f"no fitting statistic of {metric}"
    if not _names_resource(emitted, stack, subject, named[subject]):
        yield f"{subject} names no resource of the stack"
    for name, value in named.items():
        if name == "Stage" and not _names_stage(emitted, stack, value):
            yield "Stage names no stage"
        elif name == "FunctionName" and "Resource" in named:
            yield "Resource narrows the metric to one alias"
        elif not value:
            yield f"{name} has no value"


def _is_filtered(emitted: Emitted, namespace: Json, metric: Json) -> bool:
    """Whether a metric filter of the system makes the metric."""
    return any(
        transformation.get("MetricNamespace") == namespace and transformation.get("MetricName") == metric
        for metric_filter in emitted.resources("AWS::Logs::MetricFilter")
        for transformation in as_list(metric_filter.properties.get("MetricTransformations", []))
    )


def _fits(properties: Json, statistics: tuple[str, ...]) -> bool:
    plain, extended = properties.get("Statistic"), properties.get("ExtendedStatistic")
    if (plain is None) == (extended is None):
        return False
    if extended is not None:
        return "p" in statistics and re.fullmatch(r"p\d{1,2}(\.\d+)?|p100", str(extended)) is not None
    return plain in statistics


def _names_resource(emitted: Emitted, stack: str, dimension: str, value: Json) -> bool:
    type_, naming = _NAMED_BY[dimension]
    for resource in emitted.resources(type_):
        for path in naming:
            if resource.stack == stack and value and emitted.value(resource.property_place(*path.split("."))) == value:
                return True
    return isinstance(value, dict) and referenced_resource(emitted, stack, value, type_) is not None


def _names_stage(emitted: Emitted, stack: str, value: Json) -> bool:
    stages = [s for s in emitted.resources("AWS::ApiGatewayV2::Stage", "AWS::ApiGateway::Stage") if s.stack == stack]
    by_ref = isinstance(value, dict) and any(value == {"Ref": stage.logical_id} for stage in stages)
    return by_ref or any(stage.properties.get("StageName") == value for stage in stages)


def _wrong_evaluation(properties: Json) -> Iterator[str]:
    period, periods = properties.get("Period"), properties.get("EvaluationPeriods")
    if not _is_count(period) or not (period in _PERIODS or (period > 0 and period % 60 == 0)):
        yield "Period is none"
    elif not _is_count(periods) or periods < 1:
        yield "EvaluationPeriods is none"
    elif period * periods > _LONGEST_WINDOW:
        yield "the window is longer than a day"
    datapoints = properties.get("DatapointsToAlarm", periods)
    if _is_count(periods) and not (_is_count(datapoints) and 1 <= datapoints <= periods):
        yield "DatapointsToAlarm is none"
    if properties.get("ComparisonOperator") not in ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold"):
        yield "it does not compare upwards"
    # A server without traffic would stand in ALARM for good (breaching), or never leave it (ignore), and nobody is told again.
    if properties.get("TreatMissingData") not in ("notBreaching", "missing"):
        yield "TreatMissingData hides or holds the alarm"


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
