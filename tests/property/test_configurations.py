"""Whatever a system.toml says, it is built into a sound system, or refused with one clear line for each mistake."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.systems import judged

from claimstack.controls.errors import InputError
from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.emitted import Json
from claimstack.generator.environment import load_environment
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.lint import lint_template
from claimstack.generator.loading import parse_config
from claimstack.generator.package import emit, make_package
from claimstack.generator.partition import REGIONS, partition_of
from claimstack.generator.predicates import Outcome
from claimstack.generator.rules import LONGEST_TIMEOUT, RETENTION_DAYS

Data = dict[str, Any]


def examples(number: int) -> Callable[[Any], Any]:
    """A fixed number of examples, the same in every run; not shrunk, since each builds a whole system."""
    return settings(
        max_examples=number,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# ---- system.toml as data


def toml(data: Data) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in data.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ", ".join(_value(entry) for entry in value) + "]"
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value, ensure_ascii=False)


names = st.from_regex(r"[a-z][a-z0-9]{1,6}(-[a-z0-9]{1,7}){0,2}", fullmatch=True).filter(
    lambda name: not any(word in name for word in ("amazon", "aws", "cognito"))
)
sentences = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
labels = st.from_regex(r"[a-z]([a-z0-9]{0,6})", fullmatch=True)
domains = st.tuples(st.lists(labels, min_size=1, max_size=3).map(".".join), st.sampled_from(["gov", "example", "us"])).map(".".join)
words = st.text("abcdefghijkmnpqrstuvwxyzABCDEF0123456789_-.", min_size=1, max_size=12)
days = st.dates(date(2024, 1, 1), date(2026, 11, 1))


def some(values: st.SearchStrategy[Any], most: int, *, least: int = 0) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=least, max_size=most, unique=True)


def optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Data]:
    """A table with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def front_doors(draw: st.DrawFn) -> Data:
    door = draw(optional(rate_per_second=st.integers(1, 10_000), burst=st.integers(1, 5_000)))
    door["type"] = draw(st.sampled_from(["http-api", "rest-api"]))
    if door["type"] == "rest-api":
        door |= {"domain": draw(domains), "waf": draw(st.booleans()), "streaming": draw(st.booleans())}
        door["account_role"] = draw(st.sampled_from(["own", "given"]))
        return door
    door["allowed_origins"] = [f"https://{domain}" for domain in draw(some(domains, 3))]
    if draw(st.booleans()):
        door["domain"] = draw(domains)
    return door


@st.composite
def auths(draw: st.DrawFn, door: str, region: str) -> Data:
    kind = draw(st.sampled_from(["cognito", "cognito", "external", "none"]))
    auth: Data = {"type": kind}
    if kind != "none":
        auth["scopes"] = draw(some(words, 4, least=1))
    if kind == "cognito":
        consumers = draw(st.lists(names, max_size=3, unique_by=lambda name: name.replace("-", "")))
        callbacks = [f"https://{domain}/callback" for domain in draw(some(domains, 2, least=0 if consumers else 1))]
        auth |= {"consumers": consumers, "callback_urls": callbacks, "token_minutes": draw(st.integers(5, 60))}
    elif kind == "external" and door == "http-api":
        slash = draw(st.sampled_from(["", "/", "/tenant"]))
        auth |= {"issuer": f"https://{draw(domains)}{slash}", "audience": draw(some(words, 3, least=1))}
    elif kind == "external":
        pool = f"arn:{partition_of(region).name}:cognito-idp:{region}:111122223333:userpool/{region}_AbCdEf123"
        auth |= {"user_pool_arn": pool, "audience": draw(some(words, 3))}
    return auth


@st.composite
def acceptable(draw: st.DrawFn) -> Data:
    """A system.toml as data in which nothing contradicts anything."""
    class_ = draw(st.sampled_from("BCD"))
    region = draw(st.sampled_from(REGIONS))
    door = draw(front_doors())
    data: Data = {
        "name": draw(names),
        "title": draw(sentences),
        "class": class_,
        "certification": "rev5" if class_ == "D" else draw(st.sampled_from(["20x", "rev5"])),
        "region": region,
        "as_of": date(2026, 11, 1),
        "front_door": door,
        "auth": draw(auths(door["type"], region)),
    }
    longest = 900 if door.get("streaming") else LONGEST_TIMEOUT[door["type"]]
    endpoints = draw(st.booleans())
    services = st.sampled_from(["sqs", "sns", "kms", "bedrock-runtime", "execute-api", "secretsmanager"])
    data |= draw(
        optional(
            description=sentences,
            runtime=st.fixed_dictionaries(
                {"timeout_seconds": st.integers(1, longest) if longest < 25 else st.integers(20, longest)},
                optional={
                    "memory_mb": st.integers(256, 10_240),
                    "concurrency": st.integers(1, 1_000),
                    "sessions": st.booleans(),
                    "fips_endpoints": st.booleans(),
                },
            ),
            key=st.fixed_dictionaries({"stack": st.booleans()}),
            registry=st.fixed_dictionaries({"stack": st.booleans()}),
            network=st.fixed_dictionaries(
                {"endpoints": st.just(endpoints), "security_groups": st.sampled_from(["own", "given"])},
                optional={"endpoint_services": some(services, 4)} if endpoints else {},
            ),
            organisation=optional(
                name=sentences,
                tags=st.dictionaries(
                    st.text("abcdefgh", min_size=1, max_size=5), st.text("ABC xyz_.:/=+-@", min_size=1, max_size=12), max_size=40
                ),
                role_path=st.sampled_from(["/", "/mcp/", "/team/mcp/"]),
                permissions_boundary=st.booleans(),
                log_archive=st.booleans(),
                alarm_topic=st.sampled_from(["own", "given"]),
            ),
            leveraged=st.fixed_dictionaries({"title": sentences, "package_id": st.just("EXAMPLE-1"), "date_authorized": days}),
            parameters=st.fixed_dictionaries(
                {
                    "au-11_odp": st.fixed_dictionaries(
                        {
                            "value": st.sampled_from([value for value in RETENTION_DAYS if value >= 914]).map(
                                lambda value: f"{value} days"
                            ),
                            "reason": sentences,
                            "approver": sentences,
                            "date": days,
                        }
                    )
                }
            ),
            providers=st.just({"siem": {"title": "SIEM", "description": "Reads the logs."}}),
        )
    )
    data["dispositions"] = draw(dispositions(tuple(data.get("providers", {}))))
    return data | draw(stated())


def stated() -> st.SearchStrategy[Data]:
    """What only the provider knows; class B bears no more than a low impact, and what a rule of FedRAMP says depends on class and route."""
    urls = st.just("https://www.example.gov/mcp")
    levels = st.integers(1, 3)
    said = st.fixed_dictionaries({"status": st.sampled_from(["implemented", "partial", "planned"]), "explanation": sentences})
    answered = st.fixed_dictionaries(
        {"status": st.just("implemented"), "explanation": sentences, "verification": sentences, "validation": sentences}
    )
    return optional(
        service=optional(
            acronym=labels,
            model=st.sampled_from(["SaaS", "PaaS", "IaaS"]),
            deployment=st.sampled_from(["Public Cloud", "Government-Only Cloud"]),
            state=st.sampled_from(["operational", "under-development"]),
            operational_since=days,
            website=urls,
            logo=st.just("https://www.example.gov/logo.png"),
            fedramp_id=st.just("EXAMPLE-2"),
            uei=st.just("ABCDEF123456"),
            business_categories=some(st.sampled_from(["Media", "Travel Management"]), 2),
            trust_center=urls,
            package_url=urls,
            next_report=st.just(date(2027, 1, 31)),
        ),
        assurance=optional(identity=levels, authenticator=levels, federation=levels),
        information=some(sentences, 2).map(
            lambda titles: [
                {"title": title, "description": title, **dict.fromkeys(("confidentiality", "integrity", "availability"), "low")}
                for title in titles
            ]
        ),
        assessor=st.fixed_dictionaries({"name": sentences, "id": st.just("123456")}),
        cryptographic_modules=st.just({"kms": {"module": "HSM", "certificate": "4523", "standard": "FIPS 140-3"}}),
        rules=st.fixed_dictionaries({"AFC-CSO-INB": answered}),
        ksis=st.fixed_dictionaries({"KSI-CED-RAT": said}),
    ).flatmap(_with_people)


def _with_people(data: Data) -> st.SearchStrategy[Data]:
    """Whoever owns a plan has to hold the role."""
    people = {"people": [{"name": "Owner", "roles": ["system-owner"], "contact": ["Security", "Sales"]}]}
    plans = {"plans": {"ac-2": {"owner": "system-owner", "completion": date(2027, 1, 1), "milestone": "Test it."}}}
    return st.sampled_from([data, data | people, data | people | plans])


@st.composite
def dispositions(draw: st.DrawFn, providers: tuple[str, ...]) -> Data:
    """Of controls that no resource of ours claims, or such as yield to a claim."""
    stated = {}
    for target in draw(some(st.sampled_from(["at-2", "ir-4", "ps-3", "au-6_smt.a", "sc-28_smt"]), 3)):
        status = draw(st.sampled_from(["organisational", "customer", "planned", "not-applicable"]))
        stated[target] = {"status": status, "reason": draw(sentences), "unless_claimed": True}
        if providers and draw(st.booleans()):
            stated[target]["provider"] = providers[0]
    return stated


def loaded(data: Data) -> Config:
    return parse_config(toml(data), "system.toml")


# ---- what is accepted


@given(acceptable())
@examples(45)
def test_whatever_is_accepted_is_built_and_every_fact_passes(data: Data) -> None:
    evaluated = judged(loaded(data))
    failed = [(fact.check, fact.pointer, fact.actual) for fact in evaluated.facts if fact.outcome is not Outcome.PASSED]
    assert failed == []
    emitted = evaluated.emitted
    assert [fact.pointer for fact in evaluated.facts if not emitted.resolves(fact.pointer)] == []
    assert [problem for stack, template in emitted.stacks.items() for problem in dangling(stack, template)] == []
    assert [problem for stack, template in emitted.stacks.items() for problem in beyond_limits(stack, template)] == []
    assert list(unsaid(evaluated)) == []
    assert list(built_though_switched_off(evaluated)) == []


def references(value: Json) -> Iterator[str]:
    """Logical ids and parameters that a value refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield str(inner[0])
            elif key == "Fn::Sub":
                text, given_here = (inner, {}) if isinstance(inner, str) else inner
                yield from (name for name in re.findall(r"\$\{([^!.}]+)", text) if name not in given_here)
                yield from references(given_here)
            elif key == "Condition" and isinstance(inner, str):
                yield f"condition {inner}"
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def dangling(stack: str, template: Json) -> Iterator[str]:
    """References that lead nowhere within the stack, and template parameters that nothing reads."""
    parameters, resources = set(template.get("Parameters", {})), set(template["Resources"])
    used = set(references({key: template.get(key, {}) for key in ("Resources", "Outputs")}))
    for name in sorted(used):
        if name not in parameters | resources and not name.startswith("AWS::"):
            yield f"{stack}: {name} is referred to and does not exist"
    in_rules = set(references(template.get("Rules", {})))
    for name in sorted(in_rules - parameters):
        yield f"{stack}: a rule reads {name}, which is no parameter"
    for name in sorted(parameters - used - in_rules):
        yield f"{stack}: template parameter {name} is not used"
    for logical_id, resource in template["Resources"].items():
        waits = resource.get("DependsOn", [])
        for name in [waits] if isinstance(waits, str) else waits:
            if name not in resources:
                yield f"{stack}.{logical_id}: waits for {name}, which does not exist"


def beyond_limits(stack: str, template: Json) -> Iterator[str]:
    """CloudFormation quotas and those of tags (AWS General Reference)."""
    if len(template["Resources"]) > 500 or len(template.get("Parameters", {})) > 200 or len(json.dumps(template)) > 1_000_000:
        yield f"{stack}: too large"
    if len(template["Description"].encode()) > 1024:
        yield f"{stack}: description is too long"
    for logical_id, resource in template["Resources"].items():
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id):
            yield f"{stack}.{logical_id}: no logical id"
        properties = resource.get("Properties", {})
        listed = properties.get("Tags", properties.get("UserPoolTags", []))
        tags = [(tag["Key"], tag["Value"]) for tag in listed] if isinstance(listed, list) else list(listed.items())
        if len(tags) > 50 or len({key.lower() for key, _ in tags}) < len(tags):
            yield f"{stack}.{logical_id}: {len(tags)} tags, or one twice"
        for key, value in tags:
            if len(key) > 128 or len(value) > 255:
                yield f"{stack}.{logical_id}: tag {key} is too long"


def unsaid(evaluated: Evaluated) -> Iterator[str]:
    """Resources without claims or a reason, and claims, checks or facts without a resource."""
    emitted = evaluated.emitted
    for resource in emitted.resources():
        compliance = resource.body.get("Metadata", {}).get("Compliance", {})
        if not compliance.get("Exempt") and not (compliance.get("Points") and compliance.get("Checks")):
            yield f"{resource.stack}.{resource.logical_id}: neither claims nor a reason"
    for declared, claim in evaluated.system.claims():
        if emitted.resource(declared.stack, declared.logical_id) is None:
            yield f"{claim.point}: {declared.stack}.{declared.logical_id} is not in the template"
    found = {fact.check for fact in evaluated.facts}
    yield from (f"check {check} found nothing" for check in evaluated.system.checks if check not in found)


def built_though_switched_off(evaluated: Evaluated) -> Iterator[str]:
    """Components, stacks and resource types of features that the configuration does not have."""
    config = evaluated.system.config
    off = {
        "encryption-key": config.key.stack,
        "image-registry": config.registry.stack,
        "vpc-endpoints": config.network.endpoints,
        "session-table": config.runtime.sessions,
        "web-acl": config.front_door.waf,
        "identity": config.auth.type == "cognito",
        "AWS::KMS::Key": config.key.stack,
        "AWS::ECR::Repository": config.registry.stack,
        "AWS::EC2::VPCEndpoint": config.network.endpoints,
        "AWS::DynamoDB::Table": config.runtime.sessions,
        "AWS::WAFv2::WebACL": config.front_door.waf,
        "AWS::Cognito::UserPool": config.auth.type == "cognito",
        "AWS::SNS::Topic": config.organisation.alarm_topic == "own",
        "AWS::Logs::SubscriptionFilter": config.organisation.log_archive,
        "AWS::ApiGatewayV2::Api": config.front_door.type == "http-api",
        "AWS::ApiGateway::RestApi": config.front_door.type == "rest-api",
        "AWS::ApiGateway::Account": config.front_door.type == "rest-api" and config.front_door.account_role == "own",
    }
    built = {component.id for component in evaluated.system.components()} | {r.type for r in evaluated.emitted.resources()}
    for what, wanted in off.items():
        if wanted != (what in built):
            yield f"{what}: wanted {wanted}, built {what in built}"


@given(data=acceptable())
@examples(12)
def test_example_parameters_are_accepted_by_their_own_templates(data: Data, tmp_path_factory: pytest.TempPathFactory) -> None:
    package = make_package(loaded(data))
    file = tmp_path_factory.mktemp("environment") / "example.json"
    file.write_text(package.files["cloudformation/parameters.example.json"], encoding="utf-8")
    assert judged(loaded(data), environment=file).failed == ()
    given_values = load_environment(file, package.evaluated.emitted.stacks)
    assert sorted(given_values) == sorted(package.system.stacks)


@given(acceptable())
@examples(4)
def test_templates_lint_clean(data: Data) -> None:
    config = loaded(data)
    regions = tuple({config.region, *config.partition.lint_regions})
    assert [finding for stack, text in emit(build(config)).items() for finding in lint_template(stack, text, regions)] == []


PRINT_FILES = """
import hashlib, json, sys
from claimstack.generator.loading import parse_config
from claimstack.generator.package import make_package
for text in json.load(sys.stdin):
    print(hashlib.sha256(json.dumps(dict(make_package(parse_config(text, "system.toml")).files)).encode()).hexdigest())
"""


@given(st.lists(acceptable(), min_size=2, max_size=2))
@examples(1)
def test_output_does_not_depend_on_the_hash_seed(systems: list[Data]) -> None:
    texts = json.dumps([toml(data) for data in systems])
    printed = [
        subprocess.run(
            [sys.executable, "-c", PRINT_FILES],
            input=texts,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert len(printed[0].split()) == 2


# ---- what is refused

BREAKAGES: dict[str, tuple[str, Any]] = {
    "unknown key": ("colour", "red"),
    "unknown key of a table": ("front_door.wav", True),
    "wrong type of a switch": ("runtime.sessions", "yes"),
    "wrong type of a table": ("network", 5),
    "wrong type of a number": ("runtime.memory_mb", 512.5),
    "wrong type of a list": ("auth.scopes", "invoke"),
    "wrong date": ("as_of", "yesterday"),
    "out of range": ("front_door.burst", 0),
    "not a name": ("name", "My System"),
    "not a class": ("class", "E"),
    "not a region": ("region", "us-east-9"),
    "not a domain": ("front_door.domain", "https://mcp.example.gov"),
    "not a path": ("organisation.role_path", "mcp"),
    "a tag of ours": ("organisation.tags", {"FedRAMPControls": "AC-1"}),
    "unknown control parameter": ("parameters", {"au-99_odp": {"value": "1", "reason": "r", "approver": "a", "date": date(2026, 1, 1)}}),
    "unknown control": ("dispositions", {"zz-1": {"status": "planned", "reason": "Later."}}),
    "inherited from nobody": ("dispositions", {"pe-2": {"status": "inherited", "reason": "Theirs.", "provider": "nobody"}}),
    "line break": ("title", "two\nlines"),
}


def broken(data: Data, key: str, value: Any) -> Data:
    *tables, last = key.split(".")
    copy = {name: dict(entry) if isinstance(entry, dict) else entry for name, entry in data.items()}
    table = copy
    for name in tables:
        if not isinstance(table.get(name), dict):
            table[name] = {}
        table = table[name]
    table[last] = value
    return copy


@given(acceptable(), st.lists(st.sampled_from(sorted(BREAKAGES)), min_size=1, max_size=4, unique=True))
@examples(150)
def test_every_mistake_is_told_once_and_names_its_key(data: Data, mistakes: list[str]) -> None:
    keys = []
    for mistake in mistakes:
        key, value = BREAKAGES[mistake]
        if not any(f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.") for other in keys):
            keys.append(key)
            data = broken(data, key, value)
    with pytest.raises(InputError) as refused:
        loaded(data)
    causes = refused.value.causes
    assert [cause for cause in causes if "\n" in cause or not cause.startswith("system.toml: ") or len(cause) > 500] == []
    assert len(set(causes)) == len(causes)
    told = [sum(re.match(rf"system\.toml: {re.escape(key)}\b", cause) is not None for cause in causes) for key in keys]
    assert dict(zip(keys, told, strict=True)) == dict.fromkeys(keys, 1), causes


CONTRADICTIONS: dict[str, tuple[Data, str]] = {
    "web ACL on an http-api": ({"front_door": {"type": "http-api", "waf": True}}, "front_door.waf"),
    "streaming on an http-api": ({"front_door": {"type": "http-api", "streaming": True}}, "front_door.streaming"),
    "rest-api without a domain": ({"front_door": {"type": "rest-api"}}, "front_door.domain"),
    "longer than the door": ({"front_door": {"type": "http-api"}, "runtime": {"timeout_seconds": 30}}, "runtime.timeout_seconds"),
    "class D by 20x": ({"class": "D", "certification": "20x"}, "certification"),
    "nobody to give a token to": ({"auth": {"type": "cognito"}}, "auth.consumers"),
    "no scope": ({"auth": {"consumers": ["a1"], "scopes": []}}, "auth.scopes"),
    "a consumer twice": ({"auth": {"consumers": ["a1", "a1"]}}, "auth.consumers"),
    "an issuer with cognito": ({"auth": {"consumers": ["a1"], "issuer": "https://id.example.gov"}}, "auth.issuer"),
    "external without an issuer": ({"front_door": {"type": "http-api"}, "auth": {"type": "external", "audience": ["a"]}}, "auth.issuer"),
    "services without endpoints": ({"network": {"endpoint_services": ["sqs"]}}, "network.endpoint_services"),
    "retention of no log group": (
        {"parameters": {"au-11_odp": {"value": "1000 days", "reason": "r", "approver": "a", "date": date(2026, 1, 1)}}},
        'parameters."au-11_odp".value',
    ),
    "decided after the evidence": (
        {"leveraged": {"title": "t", "package_id": "EXAMPLE-1", "date_authorized": date(2027, 1, 1)}},
        "leveraged.date_authorized",
    ),
}


@given(acceptable(), st.sampled_from(sorted(CONTRADICTIONS)))
@examples(80)
def test_what_cannot_go_together_is_refused_by_the_key_to_change(data: Data, contradiction: str) -> None:
    tables, key = CONTRADICTIONS[contradiction]
    with pytest.raises(InputError) as refused:
        loaded({**data, **tables})
    assert [cause for cause in refused.value.causes if "\n" in cause or not cause.startswith("system.toml: ")] == []
    assert [cause for cause in refused.value.causes if cause.startswith(f"system.toml: {key}: ")] != [], refused.value.causes


def test_every_key_of_the_configuration_is_tried() -> None:
    """A new key of Config has to enter the strategy above."""
    source = Path(__file__).read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in Config.model_fields.items()}
    for field in Config.model_fields.values():
        keys |= set(getattr(field.annotation, "model_fields", {}))
    assert sorted(key for key in keys - {"extensions"} if not re.search(rf'["( ]{key}["=]', source)) == []
