"""The contract of environment variables, from both of its ends."""

from __future__ import annotations

from typing import Any

import pytest

from claimstack.generator.resources.function import ENVIRONMENT
from claimstack.runtime.settings import PREFIX, VARIABLES, Settings, SettingsError

URL = "https://mcp.example.gov/mcp"


def causes(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environ({f"{PREFIX}{name}": value for name, value in environ.items()})
    return raised.value.causes


def test_both_ends_know_the_same_variables() -> None:
    assert tuple(sorted(VARIABLES)) == tuple(sorted(ENVIRONMENT))


@pytest.mark.parametrize("kind", ["commercial", "govcloud", "open"])
def test_what_the_stacks_emit_is_a_valid_configuration(kind: str) -> None:
    """With each symbol of the template replaced by a value of its kind."""
    environ = {name: value if isinstance(value, str) else symbol(name) for name, value in emitted_environment(kind).items()}
    settings = Settings.from_environ(environ)
    assert settings.public_url == URL
    assert settings.response_mode == ("stream" if kind == "govcloud" else "json")
    assert (settings.table is not None, settings.issuer is not None) == (kind != "open", kind != "open")
    assert settings.state_secret_arn


def emitted_environment(kind: str) -> dict[str, Any]:
    import json
    from datetime import date

    from claimstack.generator.build import build
    from claimstack.generator.config import Config

    door = {"type": "rest-api", "streaming": True} if kind == "govcloud" else {"type": "http-api"}
    auth = {"type": "none"} if kind == "open" else {"consumers": ("desk",)}
    config = Config.model_validate(
        {
            "name": "tools", "title": "Tools", "class": "C", "certification": "rev5", "as_of": date(2026, 11, 1),
            "region": "us-gov-west-1" if kind == "govcloud" else "us-east-1",
            "front_door": {**door, "domain": "mcp.example.gov"}, "auth": auth, "runtime": {"sessions": kind != "open"},
        }
    )  # fmt: skip
    template = json.loads(build(config).stacks["server"].template.to_json())
    variables: dict[str, Any] = template["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    return variables


def symbol(name: str) -> str:
    return {
        "CLAIMSTACK_ISSUER": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Abc",
        "CLAIMSTACK_STATE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:111122223333:secret:StateSecret-abc",
    }.get(name, "value")


def test_every_cause_is_told_at_once() -> None:
    found = causes(PUBLIC_URL="http://mcp.example.gov/mcp", ISSUER="https://i", RESPONSE_MODE="fast", AUDIT_CONTENT="yes", TABEL="x")
    assert [cause.split(":")[0] for cause in found] == [
        "CLAIMSTACK_TABEL",
        "CLAIMSTACK_PUBLIC_URL",
        "CLAIMSTACK_CLIENT_IDS, CLAIMSTACK_SCOPES",
        "CLAIMSTACK_RESPONSE_MODE",
        "CLAIMSTACK_AUDIT_CONTENT",
    ]


@pytest.mark.parametrize(
    "url", ["", "mcp.example.gov/mcp", "https://mcp.example.gov", "https://mcp.example.gov/mcp?x=1", "https:///mcp", "https://[/mcp"]
)
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    assert causes(PUBLIC_URL=url)[0].startswith("CLAIMSTACK_PUBLIC_URL")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "login.example.gov"),
        ("ISSUER", "http://login.example.gov"),
        ("STATE_SECRET_ARN", "arn:aws:kms:us-east-1:111122223333:key/1"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "https://app.example.gov https://*.example.gov"),
        ("ALLOWED_ORIGINS", "https://app.example.gov/path"),
    ],
)
def test_a_value_of_another_form_is_refused(name: str, value: str) -> None:
    found = causes(PUBLIC_URL=URL, **{"ISSUER": "https://i", "CLIENT_IDS": "c", "SCOPES": "s", name: value})
    assert [cause.split(":")[0] for cause in found] == [f"CLAIMSTACK_{name}"]
    assert repr(value) in found[0]


def test_a_local_server_may_be_reached_without_tls() -> None:
    settings = Settings.from_environ({"CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1:8000/mcp"})
    assert settings.is_local
    assert "localhost:*" in settings.hosts


def test_short_and_whole_scopes_are_found() -> None:
    settings = Settings(URL, scopes=(f"{URL}/invoke", "read"))
    assert settings.whole_scope("invoke") == settings.whole_scope(f"{URL}/invoke") == f"{URL}/invoke"
    assert settings.whole_scope("read") == "read"
    assert settings.whole_scope("voke") is None
