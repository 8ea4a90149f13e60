"""Blind mutants: is every change of an emitted template noticed, refused, or listed as harmless with its reason?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.coverage.blind.harmless import Report, load_survivors, report_on
from tests.coverage.blind.walk import HOSTILE, mutants
from tests.coverage.blind.watch import Watch

from claimstack.generator.build import build
from claimstack.generator.emitted import REMOVE, Edit, Json, Place, Resource, is_symbol
from claimstack.generator.loading import load_config
from claimstack.generator.questions.reading import policy_statements

HERE = Path(__file__).parent
SYSTEMS = ("commercial", "govcloud")


@cache
def watch(name: str) -> Watch:
    return Watch(build(load_config(HERE.parents[1] / "examples" / f"{name}.toml")))


@cache
def report(name: str) -> Report:
    return report_on(watch(name), load_survivors())


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_passes_before_it_is_changed(name: str) -> None:
    assert {check: grades for check, grades in watch(name).base.items() if any(grades)} == {}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_change_is_noticed_refused_or_listed_as_harmless(name: str, for_people: Callable[[str], None]) -> None:
    for_people(f"{name}: mutants that know nothing of the checks\n{report(name).table()}")

    assert [str(change) for change in report(name).unnoticed] == []


@pytest.mark.parametrize("kind", ["add hostile", "add foreign"])
def test_what_an_attacker_would_add_is_noticed(kind: str) -> None:
    counts = sum((report(name).counts[kind] for name in SYSTEMS), Counter())

    assert set(counts) == {"noticed"}


def test_every_hostile_property_has_a_resource_to_stand_on() -> None:
    tried = {(change.type, change.path[1]) for name in SYSTEMS for change in mutants(watch(name).emitted) if change.kind == "add hostile"}

    assert tried == {(type_, property_) for type_, properties in HOSTILE.items() for property_ in properties}


def test_nothing_but_checks_notices_a_change() -> None:
    unwatched = build(load_config(HERE.parents[1] / "examples" / "commercial.toml"))
    unwatched.checks.clear()
    blank = Watch(unwatched)

    assert [change for change in mutants(blank.emitted) if blank.notices(change)] == []


def test_no_listed_survivor_is_stale() -> None:
    used = set().union(*(report(name).used for name in SYSTEMS))

    assert [(entry.type, entry.path) for entry in load_survivors() if entry not in used] == []


def test_every_listed_survivor_has_a_reason_and_known_kinds() -> None:
    kinds = {change.kind for name in SYSTEMS for change in mutants(watch(name).emitted)}

    assert [entry for entry in load_survivors() if not entry.reason.endswith(".") or not set(entry.kinds) <= kinds] == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_walk_reaches_every_value_of_every_resource(name: str) -> None:
    def leaves(value: Json, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        yield path
        if isinstance(value, dict) and not is_symbol(value) and path[-1] not in ("Tags", "UserPoolTags"):
            for key, item in value.items():
                yield from leaves(item, (*path, key))
        elif isinstance(value, list) and path[-1] not in ("Tags", "UserPoolTags"):
            for index, item in enumerate(value):
                yield from leaves(item, (*path, index))

    emitted = watch(name).emitted
    walked = {(change.stack, change.logical_id, change.path) for change in mutants(emitted)}
    missed = [
        (resource.logical_id, path)
        for resource in emitted.resources()
        for property_, value in resource.properties.items()
        for path in leaves(value, ("Properties", property_))
        if (resource.stack, resource.logical_id, path) not in walked
    ]

    assert missed == []


def _server(*steps: Any) -> Place:
    return Place("server", ("Resources", *steps))


ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
Attack = Callable[[Any], Iterator[tuple[str, tuple[Edit, ...]]]]


def _any_action_anywhere(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for statement in policy_statements(found):
        if statement.is_identity and statement.allows:
            for action in ("*", ["*"], "s3:*", ["logs:*"]):
                yield f"{statement.place.pointer} {action}", (Edit(statement.place.below("Action"), action),)


def _a_wide_policy_beside_the_others(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    document = {"Version": "2012-10-17", "Statement": ALLOW_ALL}
    for role in found.resources("AWS::IAM::Role"):
        for type_ in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
            body = {"Type": type_, "Properties": {"PolicyDocument": document, "Roles": [{"Ref": role.logical_id}]}}
            yield f"{type_} for {role.logical_id}", (Edit(Place(role.stack, ("Resources", "Wide")), body),)
        inline = [{"PolicyName": "wide", "PolicyDocument": document}]
        yield f"inline in {role.logical_id}", (Edit(role.property_place("Policies"), inline),)
        administrator = [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"}]
        yield f"AdministratorAccess for {role.logical_id}", (Edit(role.property_place("ManagedPolicyArns"), administrator),)


def _a_public_principal_in_any_policy(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for statement in policy_statements(found):
        if not statement.is_identity and statement.allows:
            bare = {key: value for key, value in statement.body.items() if key not in ("Principal", "Condition")}
            for principal in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
                yield f"{statement.place.pointer} {principal}", (Edit(statement.place, {**bare, "Principal": principal}),)
    for permission in found.resources("AWS::Lambda::Permission"):
        yield permission.logical_id, (Edit(permission.property_place("Principal"), "*"),)


def _is_protected(route: Resource) -> bool:
    return bool(route.properties.get("AuthorizerId"))


def _a_route_without_authorizer_or_scope(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for route in found.resources("AWS::ApiGatewayV2::Route", "AWS::ApiGateway::Method"):
        if _is_protected(route):
            name = route.logical_id
            for property_ in ("AuthorizerId", "AuthorizationScopes", "AuthorizationType"):
                yield f"{name} without {property_}", (Edit(route.property_place(property_), REMOVE),)
            for type_ in ("NONE", "AWS_IAM"):
                yield f"{name} by {type_}", (Edit(route.property_place("AuthorizationType"), type_),)
            yield f"{name} with no scope", (Edit(route.property_place("AuthorizationScopes"), []),)


def _another_route(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for route in found.resources("AWS::ApiGatewayV2::Route"):
        for key in ("$default", "ANY /{proxy+}", "OPTIONS /mcp"):
            twin = _server("Twin")
            yield f"{key} like {route.logical_id}", (Edit(twin, route.body), Edit(twin.below("Properties", "RouteKey"), key))
    for method in found.resources("AWS::ApiGateway::Method"):
        for verb in ("ANY", "OPTIONS", "PUT"):
            twin = _server("Twin")
            yield f"{verb} like {method.logical_id}", (Edit(twin, method.body), Edit(twin.below("Properties", "HttpMethod"), verb))


def _another_public_entrance(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for api in found.resources("AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi"):
        yield "default endpoint", (Edit(api.property_place("DisableExecuteApiEndpoint"), False),)  # noqa: FBT003 - the value of an edit
        yield "second API", (Edit(_server("Twin"), api.body),)
    for type_ in (
        "AWS::Lambda::Url",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGateway::DomainName",
        "AWS::CloudFront::Distribution",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::AppSync::GraphQLApi",
        "AWS::Cognito::UserPoolDomain",
        "AWS::EC2::InternetGateway",
    ):
        yield type_, (Edit(_server("Another"), {"Type": type_, "Properties": {}}),)


def _a_secret_in_the_environment(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for function in found.resources("AWS::Lambda::Function"):
        variables = function.property_place("Environment", "Variables")
        client = next(client.logical_id for client in found.resources("AWS::Cognito::UserPoolClient"))
        for name in (*found.value(variables), "ANOTHER"):
            for secret in (
                {"Fn::GetAtt": [client, "ClientSecret"]},
                {"Fn::Sub": "{{resolve:secretsmanager:${StateSecret}:SecretString}}"},
                {"Fn::Join": ["", ["Bearer ", {"Fn::Sub": f"${{{client}.ClientSecret}}"}]]},
                "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01",
            ):
                yield f"{name} {json.dumps(secret)}", (Edit(variables.below(name), secret),)


def _a_secret_in_an_output(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    client = next(client.logical_id for client in found.resources("AWS::Cognito::UserPoolClient"))
    for name in ("Another", next(iter(found.stacks["server"]["Outputs"]))):
        yield name, (Edit(Place("server", ("Outputs", name)), {"Value": {"Fn::GetAtt": [client, "ClientSecret"]}}),)


def _an_image_by_a_mutable_tag(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for function in found.resources("AWS::Lambda::Function"):
        latest = {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/mcp:latest"}
        yield "latest", (Edit(function.property_place("Code", "ImageUri"), latest),)
        yield "a tag", (Edit(function.property_place("Code", "ImageUri"), "registry/mcp:1.0"),)
    for pattern in (".*", r"^.*:[a-z0-9.]+$", r"^.*(@sha256:[0-9a-f]{64})?$"):
        yield f"pattern {pattern}", (Edit(Place("server", ("Parameters", "ImageUri", "AllowedPattern")), pattern),)
    for repository in found.resources("AWS::ECR::Repository"):
        yield "mutable tags", (Edit(repository.property_place("ImageTagMutability"), "MUTABLE"),)


def _a_literal_partition_or_region(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for resource in found.resources():
        for text in ("arn:aws:s3:::bucket", "arn:aws-us-gov:s3:::bucket", {"Fn::Sub": "x.us-gov-west-1.${AWS::URLSuffix}"}):
            place = resource.property_place("Attack")
            yield f"{resource.logical_id} {text}", (Edit(place, text),)


def _an_alarm_that_cannot_fire(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for alarm in found.resources("AWS::CloudWatch::Alarm"):
        for property_, value in (
            ("Threshold", 10**9),
            ("MetricName", "Erors"),
            ("Namespace", "AWS/Lamda"),
            ("Dimensions", []),
            ("Period", 0),
            ("EvaluationPeriods", 100_000),
            ("TreatMissingData", "ignore"),
            ("ComparisonOperator", "LessThanThreshold"),
        ):
            twin = _server("Twin")
            yield f"{alarm.logical_id} {property_}", (Edit(alarm.property_place(property_), value),)
            yield f"twin of {alarm.logical_id} {property_}", (Edit(twin, alarm.body), Edit(twin.below("Properties", property_), value))


def _an_alarm_that_reaches_nobody(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for alarm in found.resources("AWS::CloudWatch::Alarm"):
        name = alarm.logical_id
        yield f"{name} disabled", (Edit(alarm.property_place("ActionsEnabled"), False),)  # noqa: FBT003 - the value of an edit
        yield f"{name} without action", (Edit(alarm.property_place("AlarmActions"), []),)
        twin = _server("Twin")
        yield f"twin of {name} without action", (Edit(twin, alarm.body), Edit(twin.below("Properties", "AlarmActions"), REMOVE))
    for topic in found.resources("AWS::SNS::Topic"):
        subscriptions = tuple(Edit(subscription.place, REMOVE) for subscription in found.resources("AWS::SNS::Subscription"))
        yield "no subscription", subscriptions
        yield "key of SNS", (Edit(topic.property_place("KmsMasterKeyId"), "alias/aws/sns"),)
    for statement in policy_statements(found):
        if statement.body.get("Principal") == {"Service": "cloudwatch.amazonaws.com"}:
            yield statement.place.pointer, (Edit(statement.place, REMOVE),)


def _a_log_group_without_retention(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for group in found.resources("AWS::Logs::LogGroup"):
        yield group.logical_id, (Edit(group.property_place("RetentionInDays"), REMOVE),)
        yield f"{group.logical_id} for a month", (Edit(group.property_place("RetentionInDays"), 30),)
    yield "another", (Edit(_server("Another"), {"Type": "AWS::Logs::LogGroup", "Properties": {}}),)


def _a_web_acl_association_that_cannot_exist(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    http = {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/apis/${HttpApi}/stages/$default"}
    for association in found.resources("AWS::WAFv2::WebACLAssociation"):
        yield "with an HTTP API", (Edit(association.property_place("ResourceArn"), http),)
        yield "removed", (Edit(association.place, REMOVE),)
    for acl in found.resources("AWS::WAFv2::WebACL"):
        yield "of another scope", (Edit(acl.property_place("Scope"), "CLOUDFRONT"),)


def _what_may_not_exist(found: Any) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    for resource in found.resources():
        yield resource.logical_id, (Edit(resource.place.below("Condition"), "Never"),)


ATTACKS: tuple[Attack, ...] = (
    _any_action_anywhere,
    _a_wide_policy_beside_the_others,
    _a_public_principal_in_any_policy,
    _a_route_without_authorizer_or_scope,
    _another_route,
    _another_public_entrance,
    _a_secret_in_the_environment,
    _a_secret_in_an_output,
    _an_image_by_a_mutable_tag,
    _a_literal_partition_or_region,
    _an_alarm_that_cannot_fire,
    _an_alarm_that_reaches_nobody,
    _a_log_group_without_retention,
    _a_web_acl_association_that_cannot_exist,
    _what_may_not_exist,
)


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.__name__.strip("_") for attack in ATTACKS])
def test_an_attack_on_a_template_is_noticed(attack: Attack) -> None:
    tried = [(name, what, edits) for name in SYSTEMS for what, edits in attack(watch(name).emitted)]

    assert tried != []
    assert [f"{name}: {what}" for name, what, edits in tried if not watch(name).notices_edits(*edits)] == []
