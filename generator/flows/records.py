"""Records: flows of logs, traces, metrics and alarms, and the image from which the function starts."""

from __future__ import annotations

from collections.abc import Iterator

from claimstack.generator.emitted import Json, Place, Resource
from claimstack.generator.flows.landscape import TLS_UNKNOWN, Landscape, unquoted
from claimstack.generator.flows.sighting import Sighting, within_aws
from claimstack.generator.questions.reading import as_list, as_mapping, covers, policy_statements, referenced, text_of

LOG_GROUP = "AWS::Logs::LogGroup"
_STAGES = {"AWS::ApiGatewayV2::Stage": ("AccessLogSettings", "ApiId"), "AWS::ApiGateway::Stage": ("AccessLogSetting", "RestApiId")}
_METRICS = {
    "AWS/ApiGateway": ("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"),
    "AWS/DynamoDB": ("AWS::DynamoDB::Table",),
    "AWS/Lambda": ("AWS::Lambda::Function",),
    "AWS/WAFV2": ("AWS::WAFv2::WebACL",),
}
"""Namespace of metrics → the types whose resources report in it, for dimensions that carry a name instead of a reference."""
_SUBSCRIPTIONS: dict[str, tuple[str, int | None, str]] = {
    "email": ("SMTP", None, "not in the template; mail is not protected by the topic"),
    "email-json": ("SMTP", None, "not in the template; mail is not protected by the topic"),
    "https": ("HTTPS", 443, TLS_UNKNOWN),
    "http": ("HTTP", 80, "none"),
    "sms": ("SMS", None, "none"),
}
"""Protocol of a subscription → protocol, port, encryption; whatever else there is stays within AWS."""


def access_log_flows(land: Landscape) -> Iterator[Sighting]:
    for stage in land.emitted.resources(*_STAGES):
        settings, _ = _STAGES[stage.type]
        arn = as_mapping(stage.properties.get(settings)).get("DestinationArn")
        if arn is not None:
            yield _record(land, stage, arn, "Access log: one record for each request", stage.property_place(settings, "DestinationArn"))


def _record(land: Landscape, source: Resource, destination: Json, purpose: str, place: Place) -> Sighting:
    target = land.resolve(source.stack, destination) or land.service("logs")
    return within_aws(land.owner(source), target, purpose, place, detail=source.logical_id)


def execution_log_flows(land: Landscape) -> Iterator[Sighting]:
    for stage in land.emitted.resources("AWS::ApiGateway::Stage"):
        levels = [
            (index, setting["LoggingLevel"])
            for index, setting in enumerate(as_list(stage.properties.get("MethodSettings", [])))
            if isinstance(setting, dict) and setting.get("LoggingLevel", "OFF") != "OFF"
        ]
        if not levels:
            continue
        api = referenced(stage.properties.get("RestApiId"))
        groups = [
            group
            for group in land.emitted.resources(LOG_GROUP)
            if group.stack == stage.stack
            and (text_of(group.properties.get("LogGroupName")) or "").startswith(f"API-Gateway-Execution-Logs_${{{api}}}/")
        ]
        purpose = f"Execution log of level {', '.join(unquoted(level) for _, level in levels)}"
        places = [stage.property_place("MethodSettings", index, "LoggingLevel") for index, _ in levels]
        source = land.owner(stage)
        for target in [land.owner(group) for group in groups] or [land.service("logs")]:
            yield within_aws(source, target, purpose, *places, *(group.place for group in groups))


def function_log_flows(land: Landscape) -> Iterator[Sighting]:
    for function in land.emitted.resources("AWS::Lambda::Function"):
        logging = as_mapping(function.properties.get("LoggingConfig"))
        place = function.property_place("LoggingConfig", "LogGroup") if "LogGroup" in logging else function.place
        yield _record(land, function, logging.get("LogGroup"), "Application log and audit records", place)


def waf_log_flows(land: Landscape) -> Iterator[Sighting]:
    for logging in land.emitted.resources("AWS::WAFv2::LoggingConfiguration"):
        for index, destination in enumerate(as_list(logging.properties.get("LogDestinationConfigs", []))):
            place = logging.property_place("LogDestinationConfigs", index)
            yield _record(land, logging, destination, "Log of what the web ACL decided", place)


def web_acl_flows(land: Landscape) -> Iterator[Sighting]:
    for association in land.emitted.resources("AWS::WAFv2::WebACLAssociation"):
        source = land.resolve(association.stack, association.properties.get("ResourceArn")) or land.owner(association)
        target = land.resolve(association.stack, association.properties.get("WebACLArn")) or land.service("wafv2")
        purpose = "Each request is held against the rules before it is authorized"
        yield within_aws(source, target, purpose, association.place)


def subscription_filter_flows(land: Landscape) -> Iterator[Sighting]:
    for subscription in land.emitted.resources("AWS::Logs::SubscriptionFilter"):
        source = land.resolve(subscription.stack, subscription.properties.get("LogGroupName")) or land.owner(subscription)
        arn = subscription.properties.get("DestinationArn")
        target = land.resolve(subscription.stack, arn) or land.service_of_arn(arn)
        yield within_aws(source, target, "Sends records on as they arrive", subscription.place)


def tracing_flows(land: Landscape) -> Iterator[Sighting]:
    for function in land.emitted.resources("AWS::Lambda::Function"):
        if as_mapping(function.properties.get("TracingConfig")).get("Mode") == "Active":
            yield _trace(land, function, function.property_place("TracingConfig", "Mode"))
    for stage in land.emitted.resources("AWS::ApiGateway::Stage"):
        if stage.properties.get("TracingEnabled") is True:
            yield _trace(land, stage, stage.property_place("TracingEnabled"))


def _trace(land: Landscape, source: Resource, place: Place) -> Sighting:
    return within_aws(land.owner(source), land.service("xray"), "Active tracing of requests", place)


def metric_flows(land: Landscape) -> Iterator[Sighting]:
    for alarm in land.emitted.resources("AWS::CloudWatch::Alarm"):
        properties = alarm.properties
        named = [land.resolve(alarm.stack, as_mapping(each).get("Value")) for each in _dimensions(properties)]
        types = _METRICS.get(str(properties.get("Namespace")), ())
        reporting = [land.owner(each) for each in land.emitted.resources(*types)] if types else []
        sources = [end for end in named if end is not None] or list(dict.fromkeys(reporting))
        for source in sources[:1]:
            purpose = f"Metric {unquoted(properties.get('MetricName', 'of an expression'))}, which alarm {alarm.logical_id} watches"
            yield within_aws(source, land.service("cloudwatch"), purpose, alarm.place)


def _dimensions(alarm: dict[str, Json]) -> Iterator[Json]:
    """Of the alarm's own metric, and of those in an expression."""
    yield from as_list(alarm.get("Dimensions", []))
    for query in as_list(alarm.get("Metrics", [])):
        yield from as_list(as_mapping(as_mapping(as_mapping(query).get("MetricStat")).get("Metric")).get("Dimensions", []))


def alarm_flows(land: Landscape) -> Iterator[Sighting]:
    for alarm in land.emitted.resources("AWS::CloudWatch::Alarm"):
        for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for index, action in enumerate(as_list(alarm.properties.get(key, []))):
                target = land.resolve(alarm.stack, action) or land.service_of_arn(action)
                place = alarm.property_place(key, index) if isinstance(alarm.properties[key], list) else alarm.property_place(key)
                purpose = "Publishes each change of an alarm's state"
                yield within_aws(land.service("cloudwatch"), target, purpose, place)


def subscription_flows(land: Landscape) -> Iterator[Sighting]:
    for subscription in land.emitted.resources("AWS::SNS::Subscription"):
        yield _subscription(land, subscription, subscription.properties, subscription.place, subscription.properties.get("TopicArn"))
    for topic in land.emitted.resources("AWS::SNS::Topic"):
        for index, inline in enumerate(as_list(topic.properties.get("Subscription", []))):
            yield _subscription(land, topic, as_mapping(inline), topic.property_place("Subscription", index), {"Ref": topic.logical_id})


def _subscription(land: Landscape, resource: Resource, properties: dict[str, Json], place: Place, topic: Json) -> Sighting:
    endpoint = properties.get("Endpoint")
    source = land.resolve(resource.stack, topic) or land.owner(resource)
    target = land.resolve(resource.stack, endpoint) or land.given(unquoted(endpoint))
    protocol = unquoted(properties.get("Protocol"))
    purpose = f"Passes each alarm on by {protocol}, once the subscription is confirmed"
    if protocol in _SUBSCRIPTIONS:
        return Sighting(source, target, purpose, (place,), "", *_SUBSCRIPTIONS[protocol])
    return within_aws(source, target, purpose, place)


def image_flows(land: Landscape) -> Iterator[Sighting]:
    for function in land.emitted.resources("AWS::Lambda::Function"):
        image = as_mapping(function.properties.get("Code")).get("ImageUri")
        if image is None:
            continue
        pulls = [
            statement
            for statement in policy_statements(land.emitted)
            if statement.resource.type == "AWS::ECR::Repository"
            and statement.allows
            and any(covers(action, "ecr:BatchGetImage") for action in statement.actions)
        ]
        places = (function.property_place("Code", "ImageUri"), *(statement.place for statement in pulls))
        sources = dict.fromkeys(land.owner(statement.resource) for statement in pulls) or [
            land.resolve(function.stack, image) or land.service("ecr")
        ]
        for source in sources:
            purpose = "Image by digest, when the function is created or updated"
            yield within_aws(source, land.owner(function), purpose, *places)
