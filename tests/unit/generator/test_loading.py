"""Loading: what is accepted becomes a Config, what is not is refused with one line for each cause."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from claimstack.controls.errors import InputError
from claimstack.generator import loading
from claimstack.generator.config import Auth, Config, ControlParameter, FrontDoor
from claimstack.generator.loading import EXAMPLES, EXPECTED, STAND_INS, load_config, parse_config, value_problem

EXAMPLE_FILES = Path(__file__).parents[3] / "examples"

TOP = """
name = "demo"
title = "Demo"
class = "C"
certification = "rev5"
region = "us-east-1"
as_of = 2026-11-01
"""
TOKENS = '[auth]\nconsumers = ["agents"]\n'
REST = '[front_door]\ntype = "rest-api"\ndomain = "mcp.example.gov"\n'
AU_11 = '[parameters."au-11_odp"]\nreason = "A trial."\napprover = "Nobody"\ndate = 2026-10-01\n'
POOL = 'user_pool_arn = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbC"\n'


def causes(text: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        parse_config(text, "system.toml")
    assert all(cause.startswith("system.toml: ") for cause in refused.value.causes)
    return [cause.removeprefix("system.toml: ") for cause in refused.value.causes]


def test_smallest_file_gives_the_documented_defaults() -> None:
    assert parse_config(TOP + TOKENS, "system.toml") == Config(
        name="demo",
        title="Demo",
        class_="C",
        certification="rev5",
        region="us-east-1",
        as_of=date(2026, 11, 1),
        auth=Auth(consumers=("agents",)),
    )


def test_commercial_example_is_the_reference_system_of_the_http_api() -> None:
    config = load_config(EXAMPLE_FILES / "commercial.toml")
    assert (config.name, config.class_, config.certification, config.region, config.as_of) == (
        "commercial",
        "C",
        "20x",
        "us-east-1",
        date(2026, 11, 1),
    )
    assert config.front_door == FrontDoor(type="http-api", domain="mcp.example.com")
    features = (config.auth.type, config.runtime.sessions, config.registry.stack, config.key.stack, config.network.endpoints)
    assert features == ("cognito", True, True, True, True)


def test_govcloud_example_is_the_reference_system_of_the_rest_api() -> None:
    config = load_config(EXAMPLE_FILES / "govcloud.toml")
    assert (config.name, config.class_, config.certification, config.region, config.as_of) == (
        "govcloud",
        "C",
        "rev5",
        "us-gov-west-1",
        date(2026, 11, 1),
    )
    assert config.front_door == FrontDoor(type="rest-api", domain="mcp.example.gov", waf=True, streaming=True)
    features = (config.auth.type, config.runtime.sessions, config.registry.stack, config.key.stack, config.network.endpoints)
    assert features == ("cognito", True, True, False, False)


@pytest.mark.parametrize("example", ["commercial.toml", "govcloud.toml"])
def test_package_ids_of_the_examples_are_marked_as_examples(example: str) -> None:
    leveraged = load_config(EXAMPLE_FILES / example).leveraged
    assert leveraged is not None
    assert (leveraged.package_id[:8], leveraged.title[:8]) == ("EXAMPLE-", "EXAMPLE:")


SHAPES = [
    (TOP + TOKENS + "[front_door]\nwafff = true\n", ["front_door.wafff: unknown key; did you mean 'waf'?"]),
    (TOP + "waf = true\n" + TOKENS, ["waf: unknown key; did you mean 'front_door.waf'?"]),
    (TOP + TOKENS + "[front-door]\nwaf = true\n", ["\"front-door\": unknown key; did you mean 'front_door'?"]),
    (TOP + "class_ = 'C'\n" + TOKENS, ["class_: unknown key; did you mean 'class'?"]),
    (TOP + TOKENS + "[key]\nzzz = 1\n", ["key.zzz: unknown key; known here: stack"]),
    (TOP + TOKENS + "[runtime]\nsessions = 'yes'\n", ["runtime.sessions: expected true or false, found 'yes'"]),
    (TOP + TOKENS + "[runtime]\nmemory_mb = 12\n", ["runtime.memory_mb: expected at least 256, found 12"]),
    (TOP + TOKENS + "[runtime]\nmemory_mb = 99999\n", ["runtime.memory_mb: expected at most 10240, found 99999"]),
    (TOP + TOKENS + "[runtime]\nmemory_mb = 512.0\n", ["runtime.memory_mb: expected a whole number, found 512.0"]),
    (TOP + TOKENS + "[runtime]\nmemory_mb = true\n", ["runtime.memory_mb: expected a whole number, found true"]),
    (TOP + "key = 1\n" + TOKENS, ["key: expected a table of keys, found 1"]),
    (
        TOP + "extensions = ['overlay.py', '']\n" + TOKENS,
        ["extensions[2]: expected one line of text without line breaks and without spaces at either end; found ''"],
    ),
    (TOP + "parameters = 1\n" + TOKENS, ["parameters: expected a table of keys, found 1"]),
    (TOP + '[auth]\nconsumers = "agents"\n', ["auth.consumers: expected a list in brackets, found 'agents'"]),
    (TOP + '[auth]\nconsumers = ["agents", 3]\n', ["auth.consumers[2]: expected text in quotes, found 3"]),
    (
        TOP + '[auth]\nconsumers = ["a"]\n',
        ["auth.consumers[1]: expected at least 2 characters, found 'a'"],
    ),
    (TOP.replace("2026-11-01", '"2026-11-01"') + TOKENS, ["as_of: expected a date without quotes, such as 2026-11-01, found '2026-11-01'"]),
    (
        TOP.replace("2026-11-01", "2026-11-01T10:00:00Z") + TOKENS,
        ["as_of: expected a date without quotes, such as 2026-11-01, found 2026-11-01 10:00:00+00:00"],
    ),
    (TOP.replace('"rev5"', '"Rev5"') + TOKENS, ["certification: expected '20x' or 'rev5', found 'Rev5'; did you mean 'rev5'?"]),
    (TOP.replace('"C"', '"A"') + TOKENS, ["class: expected 'B', 'C' or 'D', found 'A'"]),
    (TOP.replace('region = "us-east-1"\n', "") + TOKENS, ['region: missing; add a line such as region = "us-east-1"']),
    (
        TOP + TOKENS + '[leveraged]\ntitle = "Infrastructure"\ndate_authorized = 2026-01-01\n',
        ['leveraged.package_id: missing; add a line such as package_id = "the id that FedRAMP gave it"'],
    ),
    (
        TOP + TOKENS + '[front_door]\ndomain = "https://mcp.example.gov"\n',
        [
            "front_door.domain: expected a domain name in lower case without scheme, port or path, such as 'mcp.example.gov'; found 'https://mcp.example.gov'"
        ],
    ),
    (
        TOP.replace('"Demo"', '"two\\nlines"') + TOKENS,
        ["title: expected one line of text without line breaks and without spaces at either end; found 'two\\nlines'"],
    ),
    (
        TOP + '[auth]\nconsumers = ["agents"]\ncallback_urls = ["http://localhost.example.com/"]\n',
        [
            "auth.callback_urls[1]: expected an address starting with 'https://' or 'http://localhost', without fragment, "
            "such as 'http://localhost:8976/callback'; found 'http://localhost.example.com/'"
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES, ids=[expected[0][:40] for _, expected in SHAPES])
def test_faulty_value_is_named_with_what_was_expected(text: str, expected: list[str]) -> None:
    assert causes(text) == expected


RULES = [
    (TOP + TOKENS + "[front_door]\nwaf = true\n", ["front_door.waf: AWS WAF cannot be attached to an http-api"]),
    (TOP + TOKENS + "[front_door]\nstreaming = true\n", ["front_door.streaming: an http-api buffers every answer"]),
    (TOP + TOKENS + '[front_door]\ntype = "rest-api"\n', ["front_door.domain: missing: the discovery addresses"]),
    (
        TOP + TOKENS + "[runtime]\ntimeout_seconds = 30\n",
        ["runtime.timeout_seconds: the http-api cuts a request off at 30 seconds, found 30; use at most 29"],
    ),
    (
        TOP + TOKENS + REST + "[runtime]\ntimeout_seconds = 29\n",
        ["runtime.timeout_seconds: the rest-api cuts a request off at 29 seconds, found 29"],
    ),
    (TOP.replace('"C"', '"D"').replace("rev5", "20x") + TOKENS, ["certification: class D is not open for 20x"]),
    (TOP.replace("us-east-1", "cn-north-1") + TOKENS, ["region: region 'cn-north-1' is refused: the China regions"]),
    (TOP, ["auth.consumers: without consumers and callback_urls nobody could get a token"]),
    (TOP + "[auth]\nscopes = []\nconsumers = ['agents']\n", ["auth.scopes: empty"]),
    (TOP + "[auth]\nscopes = ['a/b']\nconsumers = ['agents']\n", ["auth.scopes: 'a/b' contains a slash"]),
    (TOP + "[auth]\nconsumers = ['agents', 'agents']\n", ["auth.consumers: 'agents' is listed 2 times"]),
    (TOP + "[auth]\nscopes = ['a', 'a']\nconsumers = ['agents']\n", ["auth.scopes: 'a' is listed 2 times"]),
    (TOP + "[auth]\nconsumers = ['a-1', 'a1']\n", ["auth.consumers: 'a-1' and 'a1' differ in hyphens only"]),
    (TOP + TOKENS + "issuer = 'https://id.example.gov'\n", ["auth.issuer: means nothing with auth.type = 'cognito', only with external"]),
    (TOP + TOKENS + "audience = ['x']\n", ["auth.audience: means nothing with auth.type = 'cognito'"]),
    (TOP + TOKENS + POOL, ["auth.user_pool_arn: means nothing with auth.type = 'cognito'"]),
    (
        TOP + "[auth]\ntype = 'none'\nscopes = ['invoke']\n",
        ["auth.scopes: means nothing with auth.type = 'none', only with cognito or external"],
    ),
    (TOP + "[auth]\ntype = 'none'\nconsumers = ['agents']\n", ["auth.consumers: means nothing with auth.type = 'none', only with cognito"]),
    (
        TOP + "[auth]\ntype = 'external'\nconsumers = ['agents']\ntoken_minutes = 15\n",
        [
            "auth.consumers: means nothing with auth.type = 'external'",
            "auth.token_minutes: means nothing with auth.type = 'external'",
            "auth.issuer: missing",
            "auth.audience: missing",
        ],
    ),
    (
        TOP + "[auth]\ntype = 'external'\nissuer = 'https://id.example.gov'\naudience = ['x']\n" + POOL,
        ["auth.user_pool_arn: is for a rest-api"],
    ),
    (
        TOP + "[auth]\ntype = 'external'\n" + REST,
        ["auth.user_pool_arn: missing: the authorizer of a rest-api (COGNITO_USER_POOLS) takes Cognito"],
    ),
    (TOP + "[auth]\ntype = 'external'\nissuer = 'https://id.example.gov'\n" + POOL + REST, ["auth.issuer: is for an http-api"]),
    (
        TOP.replace("us-east-1", "us-gov-west-1") + "[auth]\ntype = 'external'\n" + POOL + REST,
        ["auth.user_pool_arn: lies in partition aws, but us-gov-west-1 is in aws-us-gov"],
    ),
    (
        TOP.replace("us-east-1", "us-west-2") + "[auth]\ntype = 'external'\n" + POOL + REST,
        ["auth.user_pool_arn: lies in us-east-1, but the system is in us-west-2"],
    ),
    (
        TOP + "[auth]\ntype = 'external'\n" + POOL.replace("userpool/us-east-1", "userpool/us-east-2") + REST,
        ["auth.user_pool_arn: names a pool whose id does not start with 'us-east-1_'"],
    ),
    (TOP.replace("demo", "aws-demo") + TOKENS, ["name: contains 'aws', which Cognito refuses"]),
    (
        TOP + TOKENS + f"[front_door]\ndomain = '{'a' * 40}.example.gov'\n",
        [f"auth.scopes: 'https://{'a' * 40}.example.gov/mcp/invoke' has 71 characters"],
    ),
    (
        TOP
        + TOKENS
        + "[front_door]\nallowed_origins = ["
        + ", ".join(f"'https://{'a' * 60}.{'b' * 60}.{'c' * 60}{i}.gov'" for i in range(16))
        + "]\n",
        ["auth: scopes, consumers or audience and front_door.allowed_origins need about"],
    ),
    (
        TOP
        + TOKENS.replace('consumers = ["agents"]', f"consumers = {[f'agent-{number}' for number in range(49)]}")
        + "callback_urls = ['http://localhost:8976/callback']\n",
        ["auth.consumers: 49 consumers, but the authorizer of an http-api takes 50 audiences, of which people need two; list at most 48"],
    ),
    (TOP + TOKENS + "[network]\nendpoint_services = ['sqs']\n", ["network.endpoint_services: is built by the endpoints stack"]),
    (TOP + TOKENS + "[organisation.tags]\n'AWS:x' = 'y'\n", ["organisation.tags.\"AWS:x\": AWS keeps tags that start with 'aws:'"]),
    (
        TOP + TOKENS + "[organisation.tags]\nFedRAMPControls = 'y'\n",
        ['organisation.tags."FedRAMPControls": this tag is written by claimstack'],
    ),
    (
        TOP + TOKENS + "[organisation.tags]\nOwner = 'x'\nowner = 'y'\n",
        ["organisation.tags.\"owner\": differs from 'Owner' in upper and lower case only"],
    ),
    (
        TOP + TOKENS + AU_11 + "value = '914 days'\n",
        ["parameters.\"au-11_odp\".value: CloudWatch Logs keeps records for fixed periods and 914 days is none of them; use '1096 days'"],
    ),
    (
        TOP + TOKENS + AU_11 + "value = '9999 days'\n",
        ["parameters.\"au-11_odp\".value: CloudWatch Logs keeps records for fixed periods and 9999 days is none of them; use '3653 days'"],
    ),
    (TOP + TOKENS + AU_11 + "value = 'thirty months'\n", ['parameters."au-11_odp".value: expected a number of days']),
    (
        TOP + TOKENS + AU_11.replace("2026-10-01", "2026-11-02") + "value = '1096 days'\n",
        ['parameters."au-11_odp".date: 2026-11-02 lies after as_of = 2026-11-01'],
    ),
    (
        TOP + TOKENS + AU_11.replace("au-11_odp", "au-11_opd") + "value = 'x'\n",
        ["parameters.\"au-11_opd\": control parameter 'au-11_opd' is not in the catalog"],
    ),
    (
        TOP + TOKENS + "[dispositions.'ac-99']\nstatus = 'customer'\nreason = 'x'\n",
        ["dispositions.\"ac-99\": control 'ac-99' is not in the catalog"],
    ),
    (
        TOP + TOKENS + "[dispositions.'au-2_smt.zz']\nstatus = 'customer'\nreason = 'x'\n",
        ["dispositions.\"au-2_smt.zz\": point 'au-2_smt.zz' is not in the catalog"],
    ),
    (
        TOP + TOKENS + "[dispositions.'au-6']\nstatus = 'customer'\nreason = 'x'\nprovider = 'siem'\n",
        ["dispositions.\"au-6\".provider: 'siem' is not in [providers] (none is described yet)"],
    ),
    (
        TOP + TOKENS + "[dispositions.'pe-2']\nstatus = 'inherited'\nreason = 'x'\n",
        ['dispositions."pe-2".status: nothing is inherited without an authorization to inherit from'],
    ),
    (
        TOP + TOKENS + "[leveraged]\ntitle = 'x'\npackage_id = 'EXAMPLE'\ndate_authorized = 2026-11-02\n",
        ["leveraged.date_authorized: 2026-11-02 lies after as_of"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), RULES, ids=[expected[0][:60] for _, expected in RULES])
def test_contradiction_is_refused_with_the_reason_and_nothing_else(text: str, expected: list[str]) -> None:
    assert [cause[: len(start)] for cause, start in zip(causes(text), expected, strict=True)] == expected


ACCEPTED = [
    TOP + TOKENS + "[runtime]\ntimeout_seconds = 29\n",
    TOP + TOKENS + REST + "[runtime]\ntimeout_seconds = 28\n",
    TOP + TOKENS + REST + "streaming = true\n[runtime]\ntimeout_seconds = 900\n",
    TOP + TOKENS + REST + "waf = true\n",
    TOP + "[auth]\ntype = 'none'\n",
    TOP + "[auth]\ntype = 'external'\nissuer = 'https://tenant.example.com/'\naudience = ['x']\nscopes = ['mcp:invoke']\n",
    TOP + "[auth]\ntype = 'external'\nscopes = ['https://mcp.example.gov/mcp/invoke']\n" + POOL + REST,
    TOP + "[auth]\ncallback_urls = ['https://app.example.gov/callback?x=1']\n",
    TOP.replace('"C"', '"D"') + TOKENS,
    TOP.replace("demo", "aws-demo") + "[auth]\ntype = 'none'\n",
    TOP + TOKENS + AU_11 + "value = '30 days'\n",
    TOP + TOKENS + "[organisation.tags]\n'Kosten Stelle' = 'Büro: 12/34'\n",
    TOP
    + TOKENS
    + "[providers.siem]\ntitle = 'x'\ndescription = 'y'\n[dispositions.'au-6']\nstatus = 'inherited'\nreason = 'x'\nprovider = 'siem'\n",
    TOP + TOKENS + "[dispositions.'au-2_smt.a']\nstatus = 'planned'\nreason = 'x'\n",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_neighbour_of_a_contradiction_is_accepted(text: str) -> None:
    assert parse_config(text, "system.toml").title == "Demo"


def test_all_causes_are_reported_at_once() -> None:
    text = (
        "name = 'Demo'\ntitle = 'Demo'\nclass = 'D'\ncertification = '20x'\nregion = 'us-east1'\nas_of = 2026-11-01\n"
        "[front_door]\nwaf = true\nstreeming = true\n[runtime]\ntimeout_seconds = 30\nsessions = 1\n"
        + AU_11
        + "value = 'x'\n[parameters.'au-2_odp']\nvalue = 'x'\n"
    )
    assert [cause.split(": ")[0] for cause in causes(text)] == [
        "name",
        "front_door.streeming",
        "runtime.sessions",
        'parameters."au-2_odp".reason',
        'parameters."au-2_odp".approver',
        'parameters."au-2_odp".date',
        "region",
        "certification",
        "front_door.waf",
        "auth.consumers",
        'parameters."au-11_odp".value',
    ]


def test_one_mistake_is_not_reported_again_by_the_rules_that_build_on_it() -> None:
    assert causes(TOP + TOKENS + "[front_door]\ntype = 'rest'\nwaf = true\n[runtime]\ntimeout_seconds = 60\n") == [
        "front_door.type: expected 'http-api' or 'rest-api', found 'rest'; did you mean 'rest-api'?"
    ]
    assert causes(TOP + "[auth]\nconsumer = ['agents']\n") == ["auth.consumer: unknown key; did you mean 'consumers'?"]
    assert causes(TOP + TOKENS + REST.replace("gov", "GOV"))[0].startswith("front_door.domain: expected a domain name")
    assert len(causes(TOP + TOKENS + REST.replace("gov", "GOV"))) == 1


def test_parsed_parameter_is_the_users() -> None:
    config = parse_config(TOP + TOKENS + AU_11 + "value = '3653 days'\n", "system.toml")
    assert config.parameters == {
        "au-11_odp": ControlParameter(value="3653 days", reason="A trial.", approver="Nobody", date=date(2026, 10, 1))
    }
    assert config.retention_days == 3653


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = \n", "Invalid value (at line 1, column 8)"),
        ('name = "x"\nname = "y"\n', "Cannot overwrite a value (at line 2, column 11)"),
        ("a = [\n1,\n", "Invalid value (at line 3, the end of the document)"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "1" * 5000, "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits"),
    ],
)
def test_text_that_is_not_toml_is_refused_with_its_place(text: str, reason: str) -> None:
    assert causes(text) == [f"not valid TOML: {reason}"]


def test_missing_file_names_the_way_to_one(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    assert _file_causes(path) == (f"{path}: no such file; write one with `claimstack init`, or correct the path",)


def test_directory_is_refused(tmp_path: Path) -> None:
    assert _file_causes(tmp_path) == (f"{tmp_path}: is a directory; name the system.toml in it",)


def test_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_bytes(b"name = 'demo'\ntitle = 'B\xfcro'\n")
    assert _file_causes(path) == (f"{path}: is not UTF-8 text (line 2, byte 0xfc); save it as UTF-8",)


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, os.strerror(13))

    path = tmp_path / "system.toml"
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert _file_causes(path) == (f"{path}: cannot be read: Permission denied; correct its permissions or the path",)


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "system.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (TOP + TOKENS).replace("\n", "\r\n").encode())
    assert load_config(path) == parse_config(TOP + TOKENS, "system.toml")


def test_value_problem_speaks_of_one_key_only() -> None:
    assert value_problem("front_door.domain", "mcp.example.gov") is None
    assert value_problem("class", "E") == "expected 'B', 'C' or 'D', found 'E'"


def test_every_required_key_has_an_example_line() -> None:
    required: set[str] = set()
    models: list[type[BaseModel]] = [Config]
    while models:
        for name, field in models.pop().model_fields.items():
            required |= {field.alias or name} if field.is_required() else set()
            models += _models_in(field.annotation)
    assert required == set(EXAMPLES)
    assert {field.alias or name for name, field in Config.model_fields.items() if field.is_required()} == set(STAND_INS)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.dates() | st.datetimes() | st.times()
)
VALUES = st.recursive(
    LEAVES.filter(lambda value: value is not None),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = sorted(field.alias or name for name, field in Config.model_fields.items())
TABLES = {
    field.alias or name: sorted(
        key for model in [next(iter(get_args(field.annotation)), field.annotation)] for key in getattr(model, "model_fields", {})
    )
    for name, field in Config.model_fields.items()
}


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_value_whatsoever_breaks_the_loader_or_shows_its_inner_words(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(KEYS) | st.text(max_size=6))
    inner = TABLES.get(key) or []
    tables = st.dictionaries(st.sampled_from(inner) | st.text(max_size=6), VALUES, max_size=4) if inner else VALUES
    problem = value_problem_of_document({key: data.draw(VALUES | tables)})
    assert not re.search(r"pydantic|Input should|type=|_type|NoneType|Traceback", " ".join(problem))
    assert all("\n" not in line for line in problem)


def value_problem_of_document(extra: dict[str, Any]) -> list[str]:
    """The causes for a document that has the required keys and one value more, read past the TOML parser."""
    document = {
        "name": "demo",
        "title": "Demo",
        "class": "C",
        "certification": "rev5",
        "region": "us-east-1",
        "as_of": date(2026, 11, 1),
    } | extra
    errors = loading._errors(document)
    config, faulty = loading._sound_part(document, errors)
    lines = [f"{loading._spelled(error['loc'])}: {loading._explained(error)}" for error in errors]
    return [*lines, *(f"{key}: {text}" for key, text in loading.violations(config, faulty))]


def test_every_kind_of_error_the_models_can_raise_has_words() -> None:
    """The kinds that pydantic's own schema of Config can end in, by the kinds of schema in it."""
    kinds = {
        "model": {"model_type"},
        "dict": {"dict_type", "too_long"},
        "str": {"string_type", "string_unicode", "string_too_short", "string_too_long"},
        "bool": {"bool_type"},
        "int": {"int_type", "greater_than_equal", "less_than_equal"},
        "tuple": {"tuple_type", "too_long"},
        "date": {"date_type"},
    }
    inner = {"model-fields", "model-field", "default", "nullable", "literal", "definitions", "definition-ref"}
    assert _schema_types(Config.__pydantic_core_schema__) - inner == set(kinds)
    assert set().union(*kinds.values()) == set(EXPECTED)


def _schema_types(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["type"]} if isinstance(schema.get("type"), str) else set()
        return own.union(*(_schema_types(value) for key, value in schema.items() if key not in ("metadata", "serialization")))
    if isinstance(schema, list):
        return set().union(*(_schema_types(value) for value in schema))
    return set()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _file_causes(path: Path) -> tuple[str, ...]:
    with pytest.raises(InputError) as refused:
        load_config(path)
    return refused.value.causes
