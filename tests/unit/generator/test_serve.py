"""`claimstack serve`: what it refuses, and that a client reaches it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.serve import Local, environ_of, open_server

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "out" / "commercial"


@pytest.mark.parametrize(
    ("local", "cause"),
    [
        (Local(None, "192.0.2.1", 0), "--host: 192.0.2.1 is no loopback address"),
        (Local(Path("missing"), "127.0.0.1", 0), "missing: manifest.json"),
        (Local(None, "127.0.0.1", 0, issuer="https://login.example.gov"), "--client-id, --scope: missing"),
        (Local(None, "127.0.0.1", 0, scopes=("a b",)), "--client-id, --scope: 'a b' has spaces in it; repeat the flag for each value"),
        (
            Local(PACKAGE, "127.0.0.1", 0, issuer="https://login.example.gov", client_ids=("desk",), scopes=("invoke",)),
            "pack evidence: needs the scope 'evidence', which --scope does not have; add it with --scope",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_the_names_of_the_flags(local: Local, cause: str) -> None:
    with pytest.raises(InputError) as raised:
        open_server(local, {})
    assert cause in str(raised.value)
    assert "CLAIMSTACK_" not in str(raised.value)


def test_the_command_line_alone_configures_a_local_server() -> None:
    app, listener, url = open_server(Local(None, "127.0.0.1", 0), {"CLAIMSTACK_TABLE": "production", "CLAIMSTACK_ISSUER": "https://x"})
    listener.close()
    app.close()
    assert (app.settings.table, app.settings.issuer, app.settings.public_url) == (None, None, url)


def test_an_address_of_version_6_is_written_in_brackets() -> None:
    assert environ_of(Local(None, "::1", 0), 8765)["CLAIMSTACK_PUBLIC_URL"] == "http://[::1]:8765/mcp"


def test_one_command_serves_a_package() -> None:
    command = [sys.executable, "-c", "from claimstack.generator.cli import main; main()", "serve", str(PACKAGE), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}
    ) as server:
        assert server.stderr is not None
        found = re.search(r"http://\S+/mcp", server.stderr.readline())
        assert found is not None
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "coverage", "arguments": {}}}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        headers = {"content-type": "application/json", "accept": "application/json"}

        def post(body: dict[str, object], **more: str) -> tuple[dict[str, str], object]:
            request = urllib.request.Request(found[0], json.dumps(body).encode(), {**headers, **more})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return {name.lower(): value for name, value in answer.headers.items()}, json.load(answer)

        try:
            started, _ = post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
            _, answer = post(message, **{"mcp-session-id": started["mcp-session-id"]})
        finally:
            server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
    assert isinstance(answer, dict)
    assert answer["result"]["structuredContent"]["basis"]["system"] == "commercial"
    assert server.returncode == 0
