"""Alarms: what the system watches of itself, and the topic that carries it to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from troposphere import Ref, Sub, cloudwatch, sns

from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.emitted import plain
from claimstack.generator.expressions import every, prop
from claimstack.generator.questions import AlarmsCanFire, AlarmsReach, DeniesPlainTransport, NoPublicPrincipal, statements_are
from claimstack.generator.resources.arns import KEY_ARN, arn_pattern, example_arn
from claimstack.generator.resources.door import FrontDoor
from claimstack.generator.resources.function import CONCURRENCY
from claimstack.generator.resources.policies import allow, arn, deny_plain_transport, document
from claimstack.generator.system import Stack

ALARMING = Component("alarming", "Alarming", "Alarms on the MCP server and the topic that carries them to people.")

TOPIC_ARN = arn_pattern("sns", "[A-Za-z0-9_-]{1,256}")
EMAIL = r"^[^@\s,;]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
STREAM_LIMIT_MS = 900_000
"""The longest that a front door streams (API Gateway developer guide, "Response streaming")."""

TOPIC_ACTIONS = (
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:Publish",
    "sns:RemovePermission",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
)
"""The actions that a topic policy may name (Amazon SNS developer guide, "Amazon SNS API permissions")."""

Source = Literal["function", "front-door", "table", "web-acl"]


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm: it fires when the statistic reaches the threshold in each of the periods."""

    id: str
    """Logical id; never changed, since a runbook carries it in its heading."""
    source: Source
    metric: str
    """Metric name; for the front door the field of FrontDoor that holds it, as the doors name theirs differently."""
    statistic: str
    """A CloudWatch statistic, or a percentile such as p95."""
    threshold: float
    """Per cent of the metric's limit, or of the concurrency that is reserved at deployment; otherwise a count in one period."""
    unit: Literal["count", "per cent of limit", "per cent of reserved concurrency"]
    periods: int
    meaning: str
    first_look: str
    """Where a person looks first."""
    built: Callable[[Config], bool] = lambda config: True  # noqa: ARG005 - one signature for the table


PERIOD_SECONDS = 300

ALARMS = (
    AlarmSpec(
        "FunctionErrors",
        "function",
        "Errors",
        "Sum",
        1,
        "count",
        1,
        "An invocation of the function ended in an error or a timeout; the audit record of that call may be incomplete.",
        "the audit log group, for the last records before the error",
    ),
    AlarmSpec(
        "FunctionDuration",
        "function",
        "Duration",
        "p95",
        80,
        "per cent of limit",
        3,
        "One call in twenty comes close to the timeout of the function.",
        "the traces of the slow calls, for the tool or service that they wait for",
    ),
    AlarmSpec(
        "FunctionThrottles",
        "function",
        "Throttles",
        "Sum",
        1,
        "count",
        1,
        "A call was refused because all reserved concurrency was in use.",
        "the access log, for one client that calls far more often than the others",
    ),
    AlarmSpec(
        "FunctionConcurrency",
        "function",
        "ConcurrentExecutions",
        "Maximum",
        80,
        "per cent of reserved concurrency",
        3,
        "Most of the concurrency that is reserved for the function is in use.",
        "the duration of calls and the rate per client, to tell slow calls from many calls",
    ),
    AlarmSpec(
        "FrontDoor5xx",
        "front-door",
        "metric_5xx",
        "Sum",
        1,
        "count",
        1,
        "The front door answered a call with a server error.",
        "the access log, for integration status and integration error of the call",
    ),
    AlarmSpec(
        "FrontDoorLatency",
        "front-door",
        "metric_latency",
        "p95",
        80,
        "per cent of limit",
        3,
        "One call in twenty takes so long that the front door is about to give up on it.",
        "integration latency in the access log, to tell the function from the front door",
    ),
    AlarmSpec(
        "FrontDoor4xx",
        "front-door",
        "metric_4xx",
        "Sum",
        100,
        "count",
        1,
        "Many calls were refused: those of one caller, or a scan.",
        "the access log, by status and source address",
    ),
    AlarmSpec(
        "SessionReadThrottles",
        "table",
        "ReadThrottleEvents",
        "Sum",
        1,
        "count",
        1,
        "The session table refused a read.",
        "the table's consumed capacity, and one session that is read far more often than the others",
        lambda config: config.runtime.sessions,
    ),
    AlarmSpec(
        "SessionWriteThrottles",
        "table",
        "WriteThrottleEvents",
        "Sum",
        1,
        "count",
        1,
        "The session table refused a write.",
        "the table's consumed capacity, and one session that is written far more often than the others",
        lambda config: config.runtime.sessions,
    ),
    AlarmSpec(
        "WebAclBlocks",
        "web-acl",
        "BlockedRequests",
        "Sum",
        100,
        "count",
        1,
        "The web ACL blocked many requests: an attack, or a rule that does not fit what a tool is asked.",
        "the web ACL's log group, by rule and source address",
        lambda config: config.front_door.waf,
    ),
)

NAMESPACES: Mapping[Source, str] = {
    "function": "AWS/Lambda",
    "front-door": "AWS/ApiGateway",
    "table": "AWS/DynamoDB",
    "web-acl": "AWS/WAFV2",
}

_CLAIMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "FunctionErrors": (
        ("sc-5.3_smt.b", "The alarm evaluates failed calls of the function, as they come when its memory or its time is used up."),
    ),
    "FunctionDuration": (("sc-5.3_smt.b", "The alarm evaluates how close the slow calls come to the time-out of the function."),),
    "FunctionThrottles": (("sc-5.3_smt.a", "The alarm evaluates calls that are refused because all reserved concurrency is in use."),),
    "FunctionConcurrency": (("sc-5.3_smt.b", "The alarm evaluates how much of its reserved concurrency the function uses."),),
    "FrontDoor5xx": (
        ("sc-5.3_smt.b", "The alarm evaluates server errors, as the front door answers when what is behind it fails or is too slow."),
    ),
    "FrontDoorLatency": (("sc-5.3_smt.b", "The alarm evaluates how close the slow calls come to the limit of the front door."),),
    "FrontDoor4xx": (
        ("si-4_smt.b", "The alarm evaluates refused calls, such as those to no route and those beyond the rate of the front door."),
        ("si-4.5_smt", "The alarm notifies the alarm topic when calls are refused in number."),
        ("si-4.2_smt", "The alarm evaluates refused calls every five minutes, without anybody who asks."),
    ),
    "SessionReadThrottles": (("sc-5.3_smt.b", "The alarm evaluates reads that the session table refuses for want of capacity."),),
    "SessionWriteThrottles": (("sc-5.3_smt.b", "The alarm evaluates writes that the session table refuses for want of capacity."),),
    "WebAclBlocks": (
        ("si-4.5_smt", "The alarm notifies the alarm topic when the web ACL blocks requests in number."),
        ("si-4.2_smt", "The alarm evaluates blocked requests every five minutes, without anybody who asks."),
    ),
}
"""Alarm → its claims: point and sentence. Metrics of load and failure say nothing of attacks as such; they are what SC-5(3) asks for."""


def alarm_limits(config: Config, door: FrontDoor) -> dict[str, float]:
    """The highest value that each metric can reach, by metric name: milliseconds, or events in one period."""
    timeout = float(config.runtime.timeout_seconds * 1000)
    calls = float(config.front_door.rate_per_second * PERIOD_SECONDS + config.front_door.burst)
    return {
        "Errors": calls,
        "Duration": timeout,
        "Throttles": calls,
        door.metric_5xx: calls,
        # A call lasts as long as the function lets it, unless the front door gives up first.
        door.metric_latency: min(timeout, float(door.limit_ms or STREAM_LIMIT_MS)),
        door.metric_4xx: calls,
        **({"ReadThrottleEvents": calls, "WriteThrottleEvents": calls} if config.runtime.sessions else {}),
        **({"BlockedRequests": calls} if config.front_door.waf else {}),
    }


def add_alarms(
    stack: Stack, *, key_arn: Any, function_name: Any, door: FrontDoor, table_name: Any = None, web_acl_metric: Any = None
) -> Any:
    """Every alarm that the chosen features call for, and the topic unless one is given; returns the ARN of the topic.

    `web_acl_metric` is the metric name in the visibility settings of the web ACL.
    """
    topic = _add_topic(stack, key_arn) if stack.config.organisation.alarm_topic == "own" else _topic_parameter(stack)
    dimensions: dict[Source, tuple[tuple[str, Any], ...]] = {
        "function": (("FunctionName", function_name),),
        "front-door": door.metric_dimensions,
        "table": (("TableName", table_name),),
        "web-acl": (("WebACL", web_acl_metric), ("Region", Ref("AWS::Region")), ("Rule", "ALL")),
    }
    for spec in ALARMS:
        if spec.built(stack.config):
            _add_alarm(stack, spec, door, dimensions[spec.source], topic)
    return topic


def _add_alarm(stack: Stack, spec: AlarmSpec, door: FrontDoor, dimensions: tuple[tuple[str, Any], ...], topic: Any) -> cloudwatch.Alarm:
    limits = alarm_limits(stack.config, door)
    metric = str(getattr(door, spec.metric)) if spec.source == "front-door" else spec.metric
    threshold = round(limits[metric] * spec.threshold / 100, 1) if spec.unit == "per cent of limit" else float(spec.threshold)
    watched = (_share if spec.unit == "per cent of reserved concurrency" else _plain)(
        NAMESPACES[spec.source], metric, spec.statistic, dimensions
    )
    checks = (
        *(prop(name).equals(plain(value)) for name, value in watched.items() if name != "Namespace"),
        prop("EvaluationPeriods").equals(spec.periods),
        prop("ComparisonOperator").equals("GreaterThanOrEqualToThreshold"),
        prop("Threshold").equals(threshold),
        every(cloudwatch.Alarm).prop("OKActions").equals([topic]),
        # Data in another unit than the one asked for is no data, and no data raises no alarm.
        every(cloudwatch.Alarm).prop("Unit").absent(),
        AlarmsCanFire(limits=limits),
        AlarmsReach(),
        *(() if stack.config.organisation.alarm_topic == "own" else (prop("AlarmActions[*]").matches(TOPIC_ARN),)),
    )
    return stack.add(
        ALARMING,
        cloudwatch.Alarm(
            spec.id,
            AlarmDescription=f"{spec.meaning} Runbook: {spec.id} in operations.md.",
            **watched,
            EvaluationPeriods=spec.periods,
            Threshold=threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            # No traffic means no data, which is not a fault of a server that nobody calls.
            TreatMissingData="notBreaching",
            ActionsEnabled=True,
            AlarmActions=[topic],
            OKActions=[topic],
        ),
        *(Claim(point, sentence, *checks) for point, sentence in _CLAIMS[spec.id]),
    )


def _plain(namespace: str, metric: str, statistic: str, dimensions: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The properties of an alarm on one metric."""
    return {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": _dimensions(dimensions),
        ("ExtendedStatistic" if statistic.startswith("p") else "Statistic"): statistic,
        "Period": PERIOD_SECONDS,
    }


def _share(namespace: str, metric: str, statistic: str, dimensions: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The properties of an alarm on per cents of the concurrency that is reserved when the stack is deployed."""
    read = cloudwatch.MetricStat(
        Metric=cloudwatch.Metric(Namespace=namespace, MetricName=metric, Dimensions=_dimensions(dimensions)),
        Period=PERIOD_SECONDS,
        Stat=statistic,
    )
    return {
        "Metrics": [
            cloudwatch.MetricDataQuery(Id="share", Expression=Sub(f"100 * running / ${{{CONCURRENCY}}}"), ReturnData=True),
            cloudwatch.MetricDataQuery(Id="running", MetricStat=read, ReturnData=False),
        ]
    }


def _dimensions(dimensions: tuple[tuple[str, Any], ...]) -> list[cloudwatch.MetricDimension]:
    return [cloudwatch.MetricDimension(Name=name, Value=value) for name, value in dimensions]


def _topic_parameter(stack: Stack) -> Ref:
    return stack.parameter(
        "AlarmTopicArn",
        "ARN of the organisation's SNS topic for alarms. If it is encrypted, its key must admit CloudWatch, or nothing is delivered.",
        example=example_arn(stack.config, "sns", "alarms"),
        AllowedPattern=TOPIC_ARN,
        ConstraintDescription="must be the ARN of a standard SNS topic, such as arn:…:sns:…:alarms",
    )


def _add_topic(stack: Stack, key_arn: Any) -> Ref:
    email = stack.parameter(
        "AlarmEmail",
        "Address that receives the alarms; nothing arrives before its owner confirms the subscription.",
        example="mcp-alarms@example.gov",
        AllowedPattern=EMAIL,
        ConstraintDescription="must be one email address",
    )
    topic = stack.add(
        ALARMING,
        sns.Topic("AlarmTopic", KmsMasterKeyId=key_arn),
        Claim(
            "sc-28_smt",
            "Alarms are encrypted at rest with the key given as KeyArn.",
            every(sns.Topic).prop("KmsMasterKeyId").equals(key_arn),
            every(sns.Topic).prop("KmsMasterKeyId").matches(KEY_ARN),
        ),
        Claim(
            "sc-28.1_smt",
            "Alarms at rest in the topic are encrypted with the key given as KeyArn.",
            every(sns.Topic).prop("KmsMasterKeyId").equals(key_arn),
            meets=("sc-28.1_obj-1",),
        ),
    )
    statements = (
        allow(
            "PublishAlarms",
            "sns:Publish",
            on=Ref(topic),
            principal={"Service": "cloudwatch.amazonaws.com"},
            condition={
                "StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")},
                "ArnLike": {"aws:SourceArn": arn("cloudwatch", "alarm:*")},
            },
        ),
        deny_plain_transport(Ref(topic), *TOPIC_ACTIONS),
    )
    policy = (statements_are("PolicyDocument", statements), prop("Topics").equals([Ref(topic)]))
    stack.add(
        ALARMING,
        sns.TopicPolicy("AlarmTopicPolicy", Topics=[Ref(topic)], PolicyDocument=document(*statements)),
        Claim("sc-8_smt", "The alarm topic refuses requests that do not come over TLS.", *policy, DeniesPlainTransport()),
        Claim(
            "sc-8.1_smt",
            "Alarms reach the topic over TLS only; the mail that it sends on is not protected.",
            *policy,
            DeniesPlainTransport(),
        ),
        Claim(
            "ac-3_smt",
            "The topic's policy gives publishing to CloudWatch, for alarms of this account, and to nobody else.",
            *policy,
            NoPublicPrincipal(),
        ),
    )
    passed_on = (
        every(sns.Topic).prop("Subscription").absent(),
        prop("FilterPolicy").absent(),
        prop("TopicArn").equals(Ref(topic)),
        prop("Protocol").equals("email"),
        prop("Endpoint").equals(email),
        prop("Endpoint").matches(EMAIL),
        AlarmsReach(),
    )
    stack.add(
        ALARMING,
        sns.SubscriptionResource("AlarmSubscription", TopicArn=Ref(topic), Protocol="email", Endpoint=email),
        Claim(
            "si-4.5_smt",
            "The alarm topic names no subscriber itself; its subscription for the address given as AlarmEmail passes on every alarm, "
            "effective once its owner confirms it.",
            *passed_on,
        ),
        Claim(
            "si-4_smt.g",
            "What the alarms find is sent by mail, as it is found, to the address given as AlarmEmail, once its owner has confirmed it.",
            *passed_on,
        ),
    )
    stack.output("AlarmTopicArn", Ref(topic), "Topic of the alarms; further subscribers need kms:Decrypt only if they read it themselves.")
    return Ref(topic)
