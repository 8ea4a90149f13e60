"""Blind mutants: changes of emitted templates by somebody who has not read our checks, and whether anything notices them."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Json, PathStep, Place, Resource, is_symbol, value_at
from claimstack.generator.evaluation import read_back
from claimstack.generator.expressions import AbsenceCheck, PopulationCheck
from claimstack.generator.passing import PassingTest, cited
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.declared import OnlyDeclared
from claimstack.generator.questions.reading import text_of
from claimstack.generator.system import DeclaredCheck, System

SURVIVORS = Path(__file__).with_name("survivors.toml")
ELSEWHERE = "BlindElsewhere"
"""A template parameter without constraints: what references are pointed at."""
_ELSEWHERE = {"Type": "String"}
_SECTIONS = ("Parameters", "Rules", "Outputs")
_GRADE = {Outcome.PASSED: 0, Outcome.CONDITIONAL: 1, Outcome.NOT_EVALUATED: 1, Outcome.FAILED: 2}


@dataclass(frozen=True, slots=True)
class Blind:
    """One change, made without knowing what is checked."""

    kind: str
    stack: str
    logical_id: str
    type: str
    """CloudFormation type, or the section of the template: Parameters, Rules, Outputs."""
    path: tuple[PathStep, ...]
    """Below the resource, or below the entry of the section."""
    edits: tuple[Edit, ...]
    value: Json = REMOVE
    """The new value at the path."""

    @property
    def where(self) -> str:
        named = (self.logical_id, *self.path) if self.type in _SECTIONS else self.path
        return "".join("[*]" if isinstance(step, int) else f".{step}" for step in named).removeprefix(".")

    def __str__(self) -> str:
        value = "" if self.value is REMOVE or not self.path else f" → {json.dumps(self.value)[:60]}"
        return f"{self.stack}.{self.logical_id} ({self.type}) {self.where or 'itself'}: {self.kind}{value}"


# The walk


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
        for section in _SECTIONS:
            for name, body in template.get(section, {}).items():
                yield from _section(stack, section, name, body)


def _whole(emitted: Emitted, resource: Resource) -> Iterator[Blind]:
    """The resource removed, together with the outputs that only report it; and a twin with nothing but what its schema asks for."""
    outputs = [
        Edit(Place(resource.stack, ("Outputs", name)), REMOVE)
        for name, body in emitted.stacks[resource.stack].get("Outputs", {}).items()
        if resource.logical_id in _references(body)
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


# What CloudFormation itself would refuse


@cache
def schema(type_: str) -> Mapping[str, Any]:
    """The provider schema of a type, as cfn-lint ships it; empty where there is none."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    return found


def subschema(type_: str, path: tuple[PathStep, ...]) -> Mapping[str, Any]:
    """The schema of a place below a resource; empty for free-form JSON and for attributes beside Properties."""
    if path[:1] != ("Properties",):
        return {}
    root = schema(type_)
    found: Mapping[str, Any] = root
    for step in path[1:]:
        found = _resolved(root, found)
        below = found.get("items", {}) if isinstance(step, int) else found.get("properties", {}).get(step, {})
        if not below and isinstance(step, str):
            below = next((s for p, s in found.get("patternProperties", {}).items() if _matches(p, step)), {})
        found = below if isinstance(below, dict) else {}
    return _resolved(root, found)


def _resolved(root: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in found:
        target = value_at(root, tuple(found["$ref"].removeprefix("#/").split("/")))
        found = target if isinstance(target, dict) else {}
    return found


def refused(emitted: Emitted, blind: Blind) -> bool:
    """Whether CloudFormation, or the schema of the resource, would not take the change."""
    if blind.type in _SECTIONS:
        return False
    if blind.kind == "remove resource":
        template = emitted.edited(*blind.edits).stacks[blind.stack]
        return any(blind.logical_id in _references(body) for body in template["Resources"].values())
    if not blind.path:
        return False
    if blind.value is REMOVE:
        return _is_needed(emitted, blind)
    if blind.path[:1] != ("Properties",):
        return blind.path[0] == "DependsOn"
    rules = subschema(blind.type, blind.path)
    return not _fits(blind.value, rules)


def _references(value: Json) -> set[str]:
    """Names that Ref, GetAtt, Sub and DependsOn use below a value."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                found.add(str(item))
            elif key == "Fn::GetAtt":
                found.add((item if isinstance(item, list) else str(item).split("."))[0])
            elif key == "DependsOn":
                found.update(item if isinstance(item, list) else [item])
            elif key == "Fn::Sub":
                found.update(re.findall(r"\$\{([A-Za-z0-9]+)[.}]", str(text_of({key: item}))))
            found |= _references(item)
    elif isinstance(value, list):
        for item in value:
            found |= _references(item)
    return found


def _is_needed(emitted: Emitted, blind: Blind) -> bool:
    """Whether the schema asks for what was taken away."""
    parent, step = blind.path[:-1], blind.path[-1]
    rules = _resolved(schema(blind.type), schema(blind.type)) if parent == ("Properties",) else subschema(blind.type, parent)
    before = emitted.value(Place(blind.stack, ("Resources", blind.logical_id, *parent)))
    if isinstance(step, int):
        return isinstance(before, list) and len(before) - 1 < rules.get("minItems", 0)
    if not isinstance(before, dict):
        return False
    kept = {key for key in before if key != step}
    alternatives = [group for key in ("requiredXor", "requiredOr") for group in _groups(rules.get(key, [])) if step in group]
    dependent = [needed for key, needed in rules.get("dependentRequired", {}).items() if key in kept]
    return (
        step in rules.get("required", ())
        or any(not kept & set(group) for group in alternatives)
        or any(step in needed for needed in dependent)
        or _loses_branch(rules, set(before), kept)
    )


def _groups(stated: list[Any]) -> list[list[str]]:
    """Schemas write one group of alternatives, or a list of groups."""
    return stated if any(isinstance(item, list) for item in stated) else [stated]


def _loses_branch(rules: Mapping[str, Any], before: set[str], kept: set[str]) -> bool:
    for key in ("anyOf", "oneOf"):
        branches = [set(branch.get("required", ())) for branch in rules.get(key, []) if isinstance(branch, dict)]
        if branches and any(branch <= before for branch in branches) and not any(branch <= kept for branch in branches):
            return True
    return False


def _fits(value: Json, rules: Mapping[str, Any]) -> bool:
    """Whether a schema takes a literal; references fit everywhere."""
    if is_symbol(value):
        return True
    if "enum" in rules and value not in rules["enum"] and str(value) not in map(str, rules["enum"]):
        return False
    if isinstance(value, bool):
        return "type" not in rules or "boolean" in rules["type"]
    if isinstance(value, int | float):
        return bool(rules.get("minimum", value) <= value <= rules.get("maximum", value))
    if isinstance(value, str):
        pattern = rules.get("pattern")
        long_enough = rules.get("minLength", 0) <= len(value) <= rules.get("maxLength", len(value))
        typed = "type" not in rules or "string" in rules["type"] or rules["type"] not in ("array", "object", "boolean")
        return long_enough and typed and (pattern is None or _matches(pattern, value))
    if isinstance(value, list):
        unique = not rules.get("uniqueItems") or len({json.dumps(item, sort_keys=True) for item in value}) == len(value)
        return unique and rules.get("minItems", 0) <= len(value) <= rules.get("maxItems", len(value))
    return True


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


# What the checks notice


@dataclass
class Watch:
    """The checks of one system, with what they find in its own templates."""

    system: System
    emitted: Emitted = field(init=False)
    base: dict[str, tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        # Results are made up here: what is recorded of the runtime neither helps nor hinders the walk through the templates.
        tests = dict.fromkeys(cited(declared.check for declared in self.system.checks.values()), "passed")
        results = {"tested_sha256": "a", "runtime_sha256": "a", "tests": tests}
        self.emitted = read_back({name: json.dumps(stack.to_dict()) for name, stack in self.system.stacks.items()}, results=results)
        self.base = {id_: _grades(declared, self.emitted) for id_, declared in self.system.checks.items()}

    def notices(self, blind: Blind) -> bool:
        """Whether a check that passed fails or becomes conditional, or one of more findings passes less often."""
        edited = self.emitted.edited(*blind.edits)
        return any(self._worse(declared, edited) for declared in self._readers(blind))

    def notices_edits(self, *edits: Edit) -> bool:
        edited = self.emitted.edited(*edits)
        widest_first = sorted(self.system.checks.values(), key=lambda declared: not declared.check.reads_system)
        return any(self._worse(declared, edited) for declared in widest_first)

    def _worse(self, declared: DeclaredCheck, edited: Emitted) -> bool:
        before, after = self.base[declared.id], _grades(declared, edited)
        return max(after, default=2) > max(before, default=2) or sum(map(bool, after)) > sum(map(bool, before))

    def _readers(self, blind: Blind) -> Iterator[DeclaredCheck]:
        """The checks that can read what was changed, those of the resource itself first."""
        whole = blind.type == "Parameters"
        last: list[DeclaredCheck] = []
        for declared in self.system.checks.values():
            check = declared.check
            if blind.kind == "re-point" and check.kind == OnlyDeclared.kind:
                continue  # it would notice the parameter that stands in for any other target, not the reference
            if not check.reads_system:
                if whole or (declared.scope.logical_id == blind.logical_id and declared.scope.stack == blind.stack):
                    yield declared
            elif isinstance(check, PopulationCheck):
                if whole or check.resource_type == blind.type:
                    yield declared
            elif not isinstance(check, PassingTest) and (not isinstance(check, AbsenceCheck) or not blind.path):
                last.append(declared)
        yield from last


def _grades(declared: DeclaredCheck, emitted: Emitted) -> tuple[int, ...]:
    return tuple(sorted(_GRADE[finding.outcome] for finding in declared.check.evaluate(emitted, declared.scope)))


# What is harmless


@dataclass(frozen=True, slots=True)
class Harmless:
    """Changes that need no check, and why."""

    type: str
    path: str
    kinds: tuple[str, ...]
    reason: str

    def covers(self, blind: Blind) -> bool:
        return fnmatchcase(blind.type, self.type) and _path_matches(self.path, blind.where) and blind.kind in self.kinds


def _path_matches(pattern: str, where: str) -> bool:
    """`**` stands for any number of steps, `[*]` for any item."""
    return re.fullmatch(re.escape(pattern).replace(r"\*\*", ".*"), where) is not None


def load_survivors(path: Path = SURVIVORS) -> tuple[Harmless, ...]:
    entries = tomllib.loads(path.read_text("utf-8")).get("harmless", [])
    return tuple(
        Harmless(type_, where, tuple(entry["kinds"]), entry["reason"])
        for entry in entries
        for type_ in _listed(entry["type"])
        for where in _listed(entry["path"])
    )


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


@dataclass
class Report:
    """What became of the mutants of one system."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """Kind of change → noticed, refused, harmless, unnoticed → number."""
    unnoticed: list[Blind] = field(default_factory=list)
    used: set[Harmless] = field(default_factory=set)

    def count(self, blind: Blind, fate: str) -> None:
        self.counts.setdefault(blind.kind, Counter())[fate] += 1

    def table(self) -> str:
        fates = ("noticed", "refused", "harmless", "unnoticed")
        lines = [f"{'change':<22}" + "".join(f"{fate:>11}" for fate in fates)]
        total: Counter[str] = Counter()
        for kind, counts in sorted(self.counts.items()):
            total += counts
            lines.append(f"{kind:<22}" + "".join(f"{counts[fate]:>11}" for fate in fates))
        lines.append(f"{'all':<22}" + "".join(f"{total[fate]:>11}" for fate in fates))
        return "\n".join(lines)


def walk(watch: Watch, harmless: tuple[Harmless, ...]) -> Report:
    report = Report()
    for blind in mutants(watch.emitted):
        if watch.notices(blind):
            report.count(blind, "noticed")
        elif refused(watch.emitted, blind):
            report.count(blind, "refused")
        else:
            entries = [entry for entry in harmless if entry.covers(blind)]
            report.used.update(entries)
            report.count(blind, "harmless" if entries else "unnoticed")
            if not entries:
                report.unnoticed.append(blind)
    return report
