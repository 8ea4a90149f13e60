"""The ways in which the image is started serve what a server has of its own."""

from __future__ import annotations

import sys

import pytest

from .http_api import http_api
from .runtime_api import runtime_api
from .wire import post_modern

IMAGE = (sys.executable, "-m", "claimstack.runtime")
OPEN = {"CLAIMSTACK_PUBLIC_URL": "{url}"}

pytestmark = pytest.mark.conformance


def tools(url: str) -> list[str]:
    return [tool["name"] for tool in post_modern(url, "tools/list").document["result"]["tools"]]


@pytest.mark.parametrize("mode", ["json", "stream"])
def test_the_entry_point_of_the_image_serves_behind_the_runtime_api(mode: str) -> None:
    with runtime_api(IMAGE, environments=1, environment={**OPEN, "CLAIMSTACK_RESPONSE_MODE": mode}) as api:
        assert tools(api.url) == ["whoami"]
        assert post_modern(api.url, "tools/call", name="whoami", arguments={}).document["result"]["structuredContent"] == {
            "authenticated": False,
            "client_id": "",
            "subject": "",
            "issuer": "",
            "scopes": [],
            "protocol": "2026-07-28",
        }
    assert (api.streamed, api.misuse, api.errors) == (2 if mode == "stream" else 0, [], [])


def test_the_handler_serves_hosts_that_bring_a_runtime_client() -> None:
    with http_api("claimstack.runtime.handler:handler", workers=1, environment=OPEN) as url:
        assert tools(url) == ["whoami"]


def test_a_server_that_cannot_start_tells_lambda_and_the_log_why() -> None:
    with (
        pytest.raises(RuntimeError, match=r"(?s)'errorType': 'SettingsError'.*CLAIMSTACK_PUBLIC_URL: missing"),
        runtime_api(IMAGE, environments=1),
    ):
        pass
