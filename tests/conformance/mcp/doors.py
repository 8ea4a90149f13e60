"""Doors: the ways to reach the server that the conformance suite and the clients are run against."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .gateway import ENDPOINT, HOST, PayloadFormat
from .http_api import ROOT, STOP_SECONDS, function_environment, http_api
from .runtime_api import runtime_api

WORKERS = 4
REGION = "us-east-1"
TABLE = "sessions"
HANDLER = "tests.conformance.mcp.handler:handler"
SERVER = (sys.executable, "-m", "tests.conformance.mcp.server")
START_SECONDS = 30

STATELESS_GAPS: Mapping[str, str] = {
    "tools-call-sampling": "the answer of the client comes in a request of its own, which finds its call by the session",
    "tools-call-elicitation": "as above",
    "elicitation-sep1034-defaults": "as above",
    "elicitation-sep1330-enums": "as above",
}
"""What a server without sessions cannot do for the older era, and why."""
STATELESS_DOUBTS: Mapping[str, str] = {"server-sse-multiple-streams": "the suite would rather see a session id"}
"""What the suite warns of at such a server, and why."""


@dataclass(frozen=True)
class Aws:
    """The services that the workers share, on an emulator."""

    endpoint: str
    secret_arn: str

    @property
    def stateless(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "emulator",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "CLAIMSTACK_PUBLIC_URL": "{url}",
            "CLAIMSTACK_STATE_SECRET_ARN": self.secret_arn,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    @property
    def with_table(self) -> dict[str, str]:
        return {**self.stateless, "CLAIMSTACK_TABLE": TABLE}


@dataclass(frozen=True)
class Door:
    name: str
    open: Callable[[Aws, Path], AbstractContextManager[str]]
    """Starts the server and yields its URL; its log goes to the file."""
    has_sessions: bool = True
    is_streaming: bool = False
    is_for_clients: bool = False
    """Whether the real clients come here too: one buffered door, one that streams."""
    gaps: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that must fail, with the reason."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """Scenarios that may pass with a warning only, with the reason."""


def buffered(payload_format: PayloadFormat, *, table: bool) -> Callable[[Aws, Path], AbstractContextManager[str]]:
    def open_door(aws: Aws, log: Path) -> AbstractContextManager[str]:
        environment = aws.with_table if table else aws.stateless
        return http_api(HANDLER, workers=WORKERS, format=payload_format, environment=environment, log=log)

    return open_door


@contextmanager
def streamed(aws: Aws, log: Path) -> Iterator[str]:
    environment = {**aws.with_table, "CLAIMSTACK_RESPONSE_MODE": "stream"}
    with runtime_api((*SERVER, "lambda"), environments=WORKERS, environment=environment, log=log) as api:
        yield api.url
    assert api.misuse == [], api.misuse
    assert api.errors == [], api.errors


@contextmanager
def local(_aws: Aws, log: Path) -> Iterator[str]:
    """One process with the sessions in its memory, as `claimstack serve` runs it."""
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    url = f"http://{HOST}:{port}{ENDPOINT}"
    environment = function_environment({"CLAIMSTACK_PUBLIC_URL": "{url}", "CLAIMSTACK_RESPONSE_MODE": "stream"}, url)
    with log.open("wb") as output:
        process = subprocess.Popen((*SERVER, "local", str(port)), cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait_for_port(port, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")


DOORS = (
    Door("HTTP API, 4 workers, table", buffered("2.0", table=True), is_for_clients=True),
    Door("HTTP API, 4 workers, stateless", buffered("2.0", table=False), has_sessions=False, gaps=STATELESS_GAPS, doubts=STATELESS_DOUBTS),
    Door("REST API, 4 workers, table", buffered("1.0", table=True)),
    Door("REST API streaming, 4 workers, table", streamed, is_streaming=True, is_for_clients=True),
    Door("local server, one process, memory", local, is_streaming=True),
)
