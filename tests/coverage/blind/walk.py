"""Walk: every change of the templates of a system, and what somebody would add who means it ill."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tests.coverage.blind.change import SECTIONS, Blind
from tests.coverage.blind.schemas import schema, subschema

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, PathStep, Place, Resource, is_symbol
from claimstack.generator.questions.reading import references

ELSEWHERE = "BlindElsewhere"
"""A template parameter without constraints: what references are pointed at."""
_ELSEWHERE = {"Type": "String"}


def mutants(emitted: Emitted) -> Iterator[Blind]:
    """Every change of every resource, template parameter, rule and output of a system."""
    for resource in emitted.resources():
        yield from _whole(emitted, resource)
        for attribute, value in resource.body.items():
            if attribute not in ("Type", "Metadata", "Properties"):
                yield from _below(resource, (attribute,), value)
        for name, value in resource.properties.items():
            yield from _below(resource, ("Properties", name), value)
        yield from _hostile(resource)
    yield from _foreign(emitted)
    for stack, template in emitted.stacks.items():
        for section in SECTIONS:
            for name, body in template.get(section, {}).items():
                yield from _section(stack, section, name, body)


def _whole(emitted: Emitted, resource: Resource) -> Iterator[Blind]:
    """The resource removed, together with the outputs that only report it; and a twin with nothing but what its schema asks for."""
    outputs = [
        Edit(Place(resource.stack, ("Outputs", name)), REMOVE)
        for name, body in emitted.stacks[resource.stack].get("Outputs", {}).items()
        if resource.logical_id in references(body)
    ]
    yield Blind("remove resource", resource.stack, resource.logical_id, resource.type, (), (Edit(resource.place, REMOVE), *outputs))
    required = schema(resource.type).get("required", ())
    bare = {"Type": resource.type, "Properties": {name: value for name, value in resource.properties.items() if name in required}}
    twin = Place(resource.stack, ("Resources", "BlindTwin"))
    yield Blind("add bare twin", resource.stack, resource.logical_id, resource.type, (), (Edit(twin, bare),), bare)
    yield Blind(
        "put under a condition",
        resource.stack,
        resource.logical_id,
        resource.type,
        (),
        (
            Edit(Place(resource.stack, ("Conditions", "Never")), {"Fn::Equals": ["a", "b"]}),
            Edit(resource.place.below("Condition"), "Never"),
        ),
        resource.body,
    )


def _below(resource: Resource, path: tuple[PathStep, ...], value: Json) -> Iterator[Blind]:
    def blind(kind: str, new: Json, *more: Edit) -> Blind:
        edits = (*more, Edit(resource.place.below(*path), new))
        return Blind(kind, resource.stack, resource.logical_id, resource.type, path, edits, new)

    if not _in_symbol(path):
        yield blind("remove", REMOVE)
    for kind, new in _others(resource, path, value):
        if new == value:
            continue
        more = (Edit(Place(resource.stack, ("Parameters", ELSEWHERE)), _ELSEWHERE),) if new == {"Ref": ELSEWHERE} else ()
        yield blind(kind, new, *more)
    if path[-1] in _TAGS:
        return
    if isinstance(value, dict) and not is_symbol(value):
        for key, item in value.items():
            yield from _below(resource, (*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(resource, (*path, index), item)


HOSTILE: Mapping[str, Mapping[str, Json]] = {
    "AWS::ApiGateway::RestApi": {"Body": {"paths": {}}, "Policy": {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}},
    "AWS::ApiGateway::Stage": {
        "CacheClusterEnabled": True,
        "CanarySetting": {"PercentTraffic": 100, "DeploymentId": "foreign"},
        "MethodSettings": [{"HttpMethod": "*", "ResourcePath": "/*", "CachingEnabled": True}],
    },
    "AWS::ApiGatewayV2::Api": {"CorsConfiguration": {"AllowOrigins": ["*"]}, "Body": {"paths": {}}, "Target": "https://mallory.example"},
    "AWS::ApiGatewayV2::Integration": {
        "CredentialsArn": "arn:aws:iam::111122223333:role/foreign",
        "RequestParameters": {"overwrite:header.x-forwarded-for": "192.0.2.1"},
    },
    "AWS::ApiGatewayV2::Stage": {"RouteSettings": {"POST /mcp": {"ThrottlingRateLimit": 10_000}}},
    "AWS::CloudWatch::Alarm": {"Unit": "Terabits"},
    "AWS::Cognito::UserPool": {
        "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True, "DeviceOnlyRememberedOnUserPrompt": True},
        "LambdaConfig": {"PreTokenGeneration": "arn:aws:lambda:us-east-1:111122223333:function:foreign"},
        "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
    },
    "AWS::DynamoDB::Table": {
        "ContributorInsightsSpecification": {"Enabled": True},
        "KinesisStreamSpecification": {"StreamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/foreign"},
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
    "AWS::EC2::SecurityGroup": {"SecurityGroupIngress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]},
    "AWS::ECR::Repository": {"ImageTagMutabilityExclusionFilters": [{"ImageTagMutabilityExclusionFilterValue": "*"}]},
    "AWS::IAM::ManagedPolicy": {"Groups": ["everybody"], "Users": ["mallory"]},
    "AWS::IAM::Role": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/PowerUserAccess"]},
    "AWS::KMS::Key": {"Enabled": False, "MultiRegion": True, "Origin": "EXTERNAL"},
    "AWS::Lambda::Function": {
        "FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/foreign", "LocalMountPath": "/mnt/x"}],
        "ImageConfig": {"Command": ["foreign.handler"]},
        "LoggingConfig": {"ApplicationLogLevel": "FATAL", "SystemLogLevel": "WARN"},
    },
    "AWS::Logs::LogGroup": {"LogGroupClass": "DELIVERY"},
    "AWS::SNS::Subscription": {"FilterPolicy": {"never": ["sent"]}},
    "AWS::SNS::Topic": {"Subscription": [{"Endpoint": "mallory@example.com", "Protocol": "email"}]},
    "AWS::SecretsManager::Secret": {
        "GenerateSecretString": {"ExcludeNumbers": True, "ExcludeUppercase": True},
        "ReplicaRegions": [{"Region": "us-west-2"}],
        "SecretString": "known",
    },
    "AWS::WAFv2::LoggingConfiguration": {"LoggingFilter": {"DefaultBehavior": "DROP", "Filters": []}},
}
"""Type → property that we leave out → what an attacker would write there; a mapping or list item is merged into what stands there."""

FOREIGN: Mapping[str, Mapping[str, Json]] = {
    "AWS::ApiGateway::BasePathMapping": {"DomainName": "mallory.example", "RestApiId": "foreign"},
    "AWS::ApiGatewayV2::ApiMapping": {"DomainName": "mallory.example", "ApiId": "foreign", "Stage": "$default"},
    "AWS::Cognito::UserPoolUser": {"UserPoolId": "foreign", "Username": "mallory"},
    "AWS::EC2::Instance": {"ImageId": "ami-0123456789abcdef0"},
    "AWS::IAM::AccessKey": {"UserName": "mallory"},
    "AWS::IAM::ManagedPolicy": {
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["dynamodb:DeleteTable", "logs:DeleteLogGroup"], "Resource": "arn:aws:logs:::x"}],
        },
        "Roles": ["FunctionRole"],
    },
    "AWS::IAM::User": {},
    "AWS::Lambda::EventInvokeConfig": {"FunctionName": "Function", "Qualifier": "$LATEST"},
    "AWS::Logs::SubscriptionFilter": {"LogGroupName": "foreign", "DestinationArn": "arn:aws:lambda:::foreign", "FilterPattern": ""},
    "AWS::SNS::Subscription": {"TopicArn": "foreign", "Protocol": "email", "Endpoint": "mallory@example.com"},
}
"""Type → properties of a resource that nobody declared, to be found whatever it says."""


def _hostile(resource: Resource) -> Iterator[Blind]:
    """What we leave out and an attacker would add."""
    for name, added in HOSTILE.get(resource.type, {}).items():
        path = ("Properties", name)
        for key, value in _merged(resource.properties.get(name), added):
            edit = Edit(resource.place.below(*path, *key), value)
            yield Blind("add hostile", resource.stack, resource.logical_id, resource.type, (*path, *key), (edit,), value)


def _merged(there: Json, added: Json) -> Iterator[tuple[tuple[PathStep, ...], Json]]:
    """(path below the property, value) of what is added to what stands there."""
    if isinstance(there, dict) and isinstance(added, dict):
        yield from (((key,), value) for key, value in added.items() if there.get(key) != value)
    elif isinstance(there, list) and there and isinstance(there[0], dict) and isinstance(added, list):
        yield from (((0, key), value) for key, value in added[0].items() if there[0].get(key) != value)
    elif there != added:
        yield (), added


def _foreign(emitted: Emitted) -> Iterator[Blind]:
    """One resource of each dangerous type beside the declared ones of each stack."""
    for stack in emitted.stacks:
        for type_, properties in FOREIGN.items():
            body = {"Type": type_, "Properties": dict(properties)}
            edit = Edit(Place(stack, ("Resources", "BlindForeign")), body)
            yield Blind("add foreign", stack, "BlindForeign", type_, (), (edit,), body)


def _in_symbol(path: tuple[PathStep, ...]) -> bool:
    return any(isinstance(step, str) and step.startswith("Fn::") for step in path)


_TAGS = ("Tags", "UserPoolTags")
"""Changed as a whole only: every tag of every resource would be a third of all mutants."""
_PRINCIPALS = ("Principal", "AWS", "Service", "Federated")
_LEGAL = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain"),
    "Effect": ("Allow", "Deny"),
}
_HERE = {"Partition": "aws", "Region": "us-east-1", "AccountId": "111122223333", "URLSuffix": "amazonaws.com"}
_WIDE = {"CidrIp": "0.0.0.0/0", "CidrIpv6": "::/0", "Resource": "*", "Action": "*"}


def _others(resource: Resource, path: tuple[PathStep, ...], value: Json) -> Iterator[tuple[str, Json]]:
    """(kind of change, new value) of everything that may stand in place of a value."""
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    wide = "*" if name in _PRINCIPALS else _WIDE.get(name)
    if wide is not None and value != wide:
        yield "widen", wide
    if isinstance(value, bool):
        yield "flip", not value
    elif isinstance(value, int | float):
        yield "lower", type(value)(value // 2)
        yield "raise", value * 2 + 1
    elif isinstance(value, str):
        legal = _LEGAL.get(name) or subschema(resource.type, path).get("enum", ())
        for other in legal:
            if other != value:
                yield "other legal value", other
        if not legal:
            yield "change text", value + "x"
            yield "hard-code", "arn:aws:s3:us-east-1:111122223333:x"
    elif is_symbol(value):
        yield "re-point", {"Ref": ELSEWHERE}
        if "Fn::Sub" in value and isinstance(value["Fn::Sub"], str):
            yield "change text", {"Fn::Sub": value["Fn::Sub"] + "x"}
            yield "hard-code", {"Fn::Sub": re.sub(r"\$\{AWS::(\w+)\}", lambda found: _HERE.get(found[1], found[0]), value["Fn::Sub"])}
    elif isinstance(value, list) and value:
        yield "empty list", []
    elif isinstance(value, dict) and name.endswith("Condition") and not is_symbol(value):
        yield "empty condition", {}


def _section(stack: str, section: str, name: str, body: Json) -> Iterator[Blind]:
    place = Place(stack, (section, name))

    def blind(kind: str, path: tuple[PathStep, ...], new: Json) -> Blind:
        return Blind(kind, stack, name, section, path, (Edit(place.below(*path), new),), new)

    if section != "Parameters":
        yield blind("remove", (), REMOVE)
        return
    for key, value in body.items():
        if key in ("AllowedPattern", "AllowedValues", "MinValue", "MaxValue", "MinLength", "MaxLength", "NoEcho"):
            yield blind("remove", (key,), REMOVE)
        if key == "AllowedPattern":
            yield blind("widen", (key,), ".*")
        elif key == "AllowedValues":
            yield blind("widen", (key,), [*value, "blind"])
        elif key in ("MinValue", "MinLength"):
            yield blind("lower", (key,), 0)
        elif key in ("MaxValue", "MaxLength"):
            yield blind("raise", (key,), value * 10)
        elif key == "Default":
            yield blind("change text", (key,), f"{value}x")
