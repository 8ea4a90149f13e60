"""Init: what it writes can be loaded, and teaches every key."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from claimstack.controls.errors import InputError
from claimstack.generator.config import Config
from claimstack.generator.init import FLAGS, LIMITS, Answers, interview, limits_of, proposed_front_door, render_system_toml
from claimstack.generator.loading import _models_in, parse_config
from claimstack.generator.partition import REGIONS
from claimstack.generator.stated import Deployment, ServiceModel

AS_OF = date(2026, 11, 1)
SMALL = Answers(name="demo", title="Demo", as_of=AS_OF, consumers=("agents",))

NAMES = st.from_regex(r"[b-z][b-z0-9]{1,12}(-[b-z0-9]{1,8})?", fullmatch=True).filter(lambda name: "cognito" not in name)
LINES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=60).map(str.strip).filter(bool)


@st.composite
def acceptable_answers(draw: st.DrawFn) -> Answers:
    class_, certification = draw(st.sampled_from([("B", "20x"), ("C", "20x"), ("C", "rev5"), ("D", "rev5")]))
    rest = draw(st.booleans())
    region = draw(st.sampled_from(REGIONS))
    auth = draw(st.sampled_from(["cognito", "external", "none"]))
    people = draw(st.booleans())
    partition = "aws-us-gov" if "gov" in region else "aws"
    domain = st.sampled_from(["mcp.example.gov", "a.b.example.com"])
    return Answers(
        name=draw(NAMES),
        title=draw(LINES),
        description=draw(st.none() | LINES),
        as_of=draw(st.dates()),
        class_=class_,
        certification=certification,
        region=region,
        front_door="rest-api" if rest else "http-api",
        domain=draw(domain if rest else st.none() | domain),
        waf=rest and draw(st.booleans()),
        streaming=rest and draw(st.booleans()),
        auth=auth,
        consumers=("agents", "batch") if auth == "cognito" else (),
        callback_urls=("http://localhost:8976/callback",) if auth == "cognito" and people else (),
        issuer="https://login.example.gov/" if auth == "external" and not rest else None,
        audience=('say "hi"'.replace(" ", "-"),) if auth == "external" and not rest else (),
        user_pool_arn=f"arn:{partition}:cognito-idp:{region}:111122223333:userpool/{region}_AbC" if auth == "external" and rest else None,
        sessions=draw(st.booleans()),
        endpoints=draw(st.booleans()),
        key=draw(st.booleans()),
        registry=draw(st.booleans()),
        service_model=draw(st.none() | st.sampled_from(get_args(ServiceModel))),
        deployment=draw(st.none() | st.sampled_from(get_args(Deployment))),
    )


@given(acceptable_answers())
@settings(max_examples=150, deadline=None)
def test_rendered_text_loads_with_the_answers_in_it(answers: Answers) -> None:
    config = parse_config(render_system_toml(answers), "system.toml")
    assert answers == Answers(
        name=config.name,
        title=config.title,
        description=config.description,
        as_of=config.as_of,
        class_=config.class_,
        certification=config.certification,
        region=config.region,
        front_door=config.front_door.type,
        domain=config.front_door.domain,
        waf=config.front_door.waf,
        streaming=config.front_door.streaming,
        auth=config.auth.type,
        consumers=config.auth.consumers,
        callback_urls=config.auth.callback_urls,
        issuer=config.auth.issuer,
        audience=config.auth.audience,
        user_pool_arn=config.auth.user_pool_arn,
        sessions=config.runtime.sessions,
        endpoints=config.network.endpoints,
        key=config.key.stack,
        registry=config.registry.stack,
        service_model=config.service.model,
        deployment=config.service.deployment,
    )


def test_every_key_of_the_configuration_is_taught() -> None:
    taught = set(re.findall(r"^(?:# )?([a-z0-9_]+) = ", render_system_toml(SMALL), flags=re.MULTILINE))
    assert set(_leaf_keys(Config)) - taught == set()


def test_every_commented_line_can_be_uncommented() -> None:
    """Only what really excludes each other is then refused: no unknown key, no value of a wrong kind."""
    text = re.sub(r"^# (\[|[a-z0-9_]+ = )", r"\1", render_system_toml(SMALL), flags=re.MULTILINE)
    assert set(tomllib.loads(text)) == {field.alias or name for name, field in Config.model_fields.items()}
    with pytest.raises(InputError) as refused:
        parse_config(text, "system.toml")
    assert {cause.split(": ")[1] for cause in refused.value.causes} == {
        "front_door.account_role",
        "auth.issuer",
        "auth.audience",
        "auth.user_pool_arn",
        "network.endpoint_services",
    }


def test_defaults_shown_are_the_defaults() -> None:
    shown = dict(
        re.findall(r"^# ([a-z_]+) = (\d+|true|false|\"own\"|\"/\"|\[\"invoke\"\])$", render_system_toml(SMALL), flags=re.MULTILINE)
    )
    defaults = {key: tomllib.loads(f"value = {value}")["value"] for key, value in shown.items()}
    config = parse_config(render_system_toml(SMALL), "system.toml")
    values = {key: value for table in ("front_door", "auth", "runtime", "network", "organisation") for key, value in getattr(config, table)}
    for example in ("unless_claimed", "identity", "authenticator", "federation"):
        defaults.pop(example)
    assert defaults == {key: list(values[key]) if isinstance(values[key], tuple) else values[key] for key in defaults}
    assert len(defaults) == 13


@pytest.mark.parametrize("door", ["http-api", "rest-api"])
def test_limits_of_the_chosen_door_stand_beside_the_choice(door: str) -> None:
    answers = Answers(name="demo", title="Demo", as_of=AS_OF, consumers=("agents",), front_door=door, domain="mcp.example.gov")
    text = render_system_toml(answers)
    assert [limit in text for limit in limits_of(door)] == [True] * len(LIMITS[door])


def test_http_api_is_said_to_lack_waf_fips_streaming_and_metadata() -> None:
    assert [word in " ".join(limits_of("http-api")) for word in ("WAF", "FIPS TLS", "streaming", "WWW-Authenticate")] == [True] * 4


def test_answers_that_contradict_each_other_are_refused_with_every_reason() -> None:
    answers = Answers(name="Bad", title="Demo\n[auth]", as_of=AS_OF, waf=True, auth="cognito", region="us-east1")
    with pytest.raises(InputError) as refused:
        render_system_toml(answers)
    assert [cause.split(": ")[0] for cause in refused.value.causes] == ["--name", "--title", "--region", "--waf", "--consumer"]


def test_an_unknown_front_door_hides_no_other_cause() -> None:
    with pytest.raises(InputError) as refused:
        render_system_toml(replace(SMALL, front_door="http", region="mars"))
    assert [re.sub("; choose one of .*", "", cause) for cause in refused.value.causes] == [
        "--front-door: expected 'http-api' or 'rest-api', found 'http'; did you mean 'http-api'?",
        "--region: region 'mars' is not one that this tool builds and checks for",
    ]


@pytest.mark.parametrize(
    ("answers", "causes"),
    [
        (
            replace(SMALL, class_="D"),
            ["--certification: class D is not open for 20x, only for Rev5; use --certification rev5, or --class C"],
        ),
        (
            replace(SMALL, streaming=True),
            ["--streaming: an http-api buffers every answer; use --front-door rest-api, or no --streaming"],
        ),
        (
            replace(SMALL, auth="none"),
            ["--consumer: means nothing with --auth none, only with cognito; remove it, or change the type"],
        ),
        (
            replace(SMALL, consumers=("agents", "Bad")),
            [
                "--consumer: expected lower case letters, digits and single hyphens, starting with a letter, such as 'grants-tools'; "
                "found 'Bad'"
            ],
        ),
        (
            replace(SMALL, consumers=()),
            [
                "--consumer: without consumers and --callback-url nobody could get a token; name a consumer, such as ['agents']",
            ],
        ),
    ],
)
def test_causes_speak_of_the_flags_that_were_typed(answers: Answers, causes: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        render_system_toml(answers)
    assert list(refused.value.causes) == causes


def test_every_flag_sets_a_key_that_exists() -> None:
    known = {
        f"{name}.{key}" if tables else name
        for name, tables in ((field.alias or name, list(_models_in(field.annotation))) for name, field in Config.model_fields.items())
        for key in (tables[0].model_fields if tables else ("",))
    }
    assert set(FLAGS) - known == set()


def test_control_characters_never_reach_a_comment() -> None:
    with pytest.raises(InputError) as refused:
        render_system_toml(Answers(name="demo", title="a\x00b\x7fc\rd", as_of=AS_OF, consumers=("agents",)))
    assert [cause.split(": ")[0] for cause in refused.value.causes] == ["--title"]


def test_class_c_proposes_the_rest_api() -> None:
    assert [proposed_front_door(class_) for class_ in "BCD"] == ["http-api", "rest-api", "rest-api"]


def test_interview_with_nothing_but_defaults_gives_a_system_that_loads() -> None:
    asked: list[str] = []
    answers = interview(_person({"Short name": "demo", "Title": "Demo", "Custom domain": "mcp.example.gov"}, asked), as_of=AS_OF)
    assert answers == Answers(
        name="demo",
        title="Demo",
        as_of=AS_OF,
        front_door="rest-api",
        domain="mcp.example.gov",
        waf=True,
        consumers=("analyst-desk",),
    )
    assert parse_config(render_system_toml(answers), "system.toml").front_door.waf is True


def test_interview_asks_again_with_the_reason_and_tells_the_limits() -> None:
    asked: list[str] = []
    told: list[str] = []
    person = _person(
        {
            "Short name": ["Bad Name", "demo"],
            "Title": "Demo",
            "Region": ["us-east1", "us-west-2"],
            "Front door": "http-api",
            "Sessions": ["maybe", "y"],
            "Service model": ["saas", "SaaS"],
        },
        asked,
    )
    answers = interview(person, as_of=AS_OF, tell=told.append)
    assert answers == Answers(
        name="demo", title="Demo", as_of=AS_OF, region="us-west-2", consumers=("analyst-desk",), sessions=True, service_model="SaaS"
    )
    again = [text.split("\n")[0] for text in asked if "\n" in text]
    assert again == [
        "name: expected lower case letters, digits and single hyphens, starting with a letter, such as 'grants-tools'; found 'Bad Name'",
        "region: unknown region 'us-east1'; did you mean 'us-east-1'?",
        "expected yes or no, found 'maybe'",
        "service.model: expected 'SaaS', 'PaaS' or 'IaaS', found 'saas'",
    ]
    assert {line.strip() for line in told} >= set(limits_of("http-api"))


def test_what_is_known_beforehand_is_the_default_of_its_question() -> None:
    known: dict[str, Any] = {
        "name": "desk", "title": "Desk", "class_": "B", "certification": "rev5", "region": "us-west-2", "front_door": "rest-api",
        "domain": "mcp.example.gov", "waf": False, "streaming": True, "auth": "cognito", "consumers": ("one", "two"),
        "callback_urls": ("http://localhost:8976/callback",), "sessions": True, "endpoints": True, "key": True, "registry": False,
        "service_model": "SaaS", "deployment": "Public Cloud",
    }  # fmt: skip
    assert interview(_person({}, []), as_of=AS_OF, given=known) == Answers(as_of=AS_OF, **known)


def test_people_alone_may_be_known_beforehand() -> None:
    known = {"callback_urls": ("http://localhost:8976/callback",)}
    answers = interview(_person({"Short": "demo", "Title": "Demo", "Front": "http-api"}, []), as_of=AS_OF, given=known)
    assert (answers.consumers, answers.callback_urls) == ((), ("http://localhost:8976/callback",))


def test_class_d_is_not_asked_for_its_only_route() -> None:
    asked: list[str] = []
    told: list[str] = []
    known = {"name": "desk", "title": "Desk", "class_": "D", "certification": "20x", "domain": "mcp.example.gov"}
    assert interview(_person({}, asked), as_of=AS_OF, given=known, tell=told.append).certification == "rev5"
    assert ([text for text in asked if "Certification" in text], told[0]) == ([], "Class D is open for rev5 only.")


def test_interview_of_an_external_provider_asks_for_what_its_door_needs() -> None:
    http = interview(
        _person(
            {
                "Short": "demo",
                "Title": "Demo",
                "Front": "http-api",
                "Auth": "external",
                "Issuer": "https://id.example.gov",
                "Accepted": ["", "a, b"],
            },
            [],
        ),
        as_of=AS_OF,
    )
    arn = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbC"
    rest = interview(
        _person({"Short": "demo", "Title": "Demo", "Custom": "mcp.example.gov", "Auth": "external", "ARN": arn}, []), as_of=AS_OF
    )
    assert (http.issuer, http.audience, http.user_pool_arn) == ("https://id.example.gov", ("a", "b"), None)
    assert (rest.issuer, rest.audience, rest.user_pool_arn) == (None, (), arn)
    assert [parse_config(render_system_toml(answers), "x").auth.type for answers in (http, rest)] == ["external", "external"]


def _person(replies: dict[str, str | list[str]], asked: list[str]) -> Any:
    """Answers by the start of the question, once for each entry of a list; otherwise takes the default."""
    left = {start: [reply] if isinstance(reply, str) else list(reply) for start, reply in replies.items()}

    def ask(text: str, *, default: str | None = None) -> str:
        asked.append(text)
        question = text.split("\n")[-1]
        for start, remaining in left.items():
            if question.startswith(start) and remaining:
                return remaining.pop(0)
        assert default is not None, f"no answer to {text}"
        return default

    return ask


def _leaf_keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        tables = list(_models_in(field.annotation))
        if tables:
            yield from (key for table in tables for key in _leaf_keys(table))
        else:
            yield field.alias or name
