"""An account with one deployed system, and the command line, no run of which prints a secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.unit.generator.conftest import Ended, Run
from tests.unit.generator.rotate.account import CLIENT, READ_BY_THE_DESK, STATE, Api, Aws, random_text


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Aws]:
    """An account with one system, deployed a while ago."""
    account = Aws()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Api,), {"aws": account}))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    ago = datetime.now(UTC) - timedelta(days=30)  # noqa: TID251  # times as AWS gives them
    account.outputs = {
        "StateSecretArn": STATE,
        "AnalystDeskClientId": CLIENT,
        "TokenUrl": f"{address}/oauth2/token",
        "Scope": "desk/invoke",
    }
    account.put(STATE, random_text(64), ["AWSCURRENT"], ago)
    first = random_text(52)
    account.put(READ_BY_THE_DESK, first, ["AWSCURRENT"], ago)
    account.add(first, ago)
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "out" / "desk-tools"
    (package / "cloudformation").mkdir(parents=True)
    (package / "manifest.json").write_text('{"system": "desk-tools", "partition": "aws"}', encoding="utf-8")
    image = {"ParameterKey": "ImageUri", "ParameterValue": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mcp@sha256:00"}
    (package / "cloudformation" / "parameters.example.json").write_text(json.dumps({"server": [image]}), encoding="utf-8")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield account
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(claimstack: Run, aws: Aws) -> Run:
    """`claimstack rotate …`; whatever comes of it, no secret is printed."""

    def call(*arguments: str) -> Ended:
        ended = claimstack("rotate", *arguments)
        assert [value for value in aws.values if value in ended.out + ended.err] == []
        return ended

    return call
