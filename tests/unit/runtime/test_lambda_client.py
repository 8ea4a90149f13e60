"""Our client of the Lambda Runtime API: what one invocation leaves behind reaches no other."""

from __future__ import annotations

import asyncio
import io
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mcp.server.mcpserver import Context

from claimstack.runtime.app import create_app
from claimstack.runtime.lambda_client import DELIMITER, Host, RuntimeApi
from claimstack.runtime.tools import Pack, Tool

from .cloud import Json
from .faults import call_of, records_in

URL = "https://mcp.example.gov/mcp"
LEFT: list[asyncio.Task[None]] = []


@dataclass
class Api:
    address: str
    events: queue.SimpleQueue[tuple[str, bytes, float]] = field(default_factory=queue.SimpleQueue)
    posted: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def api() -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            invocation, body, seconds = made.events.get(timeout=10)
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", invocation)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + seconds) * 1000)))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            made.posted.append((self.path.removeprefix("/2018-06-01/runtime/"), self._body().decode()))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() != b"\r\n":
                pass
            return body

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Api(f"127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


async def leave_a_task(ctx: Context, *, opened: bool) -> str:
    """Answer, and leave a task behind that goes on reporting."""

    async def report() -> None:
        while True:
            await asyncio.sleep(0.02)
            await ctx.report_progress(1, 2, "first caller's")

    LEFT.append(asyncio.create_task(report()))
    if opened:
        await ctx.report_progress(0, 2)
    return "left"


async def ignore_the_end(ctx: Context, *, opened: bool) -> str:
    """Report for ever, whoever wants it to end."""
    LEFT.append(asyncio.current_task())  # type: ignore[arg-type]  # a task runs here
    while len(LEFT) < 3:
        try:
            await asyncio.sleep(0.02)
            if opened:
                await ctx.report_progress(1, 2, "first caller's")
        except asyncio.CancelledError:
            opened = True
    return "ended"


async def report_slowly(ctx: Context) -> str:
    """Report while somebody else's task may run."""
    for step in (1, 2):
        await ctx.report_progress(step, 2, "second caller's")
        await asyncio.sleep(0.15)
    return "done"


async def say_nothing() -> str:
    """Run while somebody else's task may run."""
    await asyncio.sleep(0.2)
    return "done"


def event(tool: str, **arguments: object) -> bytes:
    message = {"name": tool, "arguments": arguments, "_meta": {"progressToken": tool}}
    return json.dumps(
        {
            "httpMethod": "POST",
            "path": "/mcp",
            "headers": {"host": "mcp.example.gov", "content-type": "application/json", "accept": "application/json, text/event-stream"},
            "body": json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": message}),
        }
    ).encode()


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("second", ["report_slowly", "say_nothing"])
@pytest.mark.parametrize("first", ["leave_a_task", "ignore_the_end"])
def test_what_a_call_leaves_behind_reaches_no_other_caller(api: Api, first: str, second: str, *, opened: bool) -> None:
    tools = tuple(map(Tool, (leave_a_task, ignore_the_end, report_slowly, say_nothing)))
    app = create_app({"CLAIMSTACK_PUBLIC_URL": URL, "CLAIMSTACK_RESPONSE_MODE": "stream"}, (Pack("t", tools=tools),), log=io.StringIO())
    host = Host(RuntimeApi(api.address), app, {})
    LEFT.clear()
    api.events.put(("first", event(first, opened=opened), 1.2))
    api.events.put(("second", event(second), 5.0))
    host.serve_one()
    host.serve_one()
    LEFT.extend([LEFT[0]] * 3)
    for task in LEFT:
        task.cancel()
    app.close()
    assert [path for path, _ in api.posted] == ["invocation/first/response", "invocation/second/response"]
    head, _, body = api.posted[1][1].partition(DELIMITER)
    assert json.loads(head)["statusCode"] == 200
    assert "first caller's" not in body
    assert body.count("second caller's") == (2 if second == "report_slowly" else 0)
    assert '"text":"done"' in body


def test_a_server_that_cannot_start_tells_the_runtime_api(api: Api) -> None:
    environ = {"AWS_LAMBDA_RUNTIME_API": api.address, "CLAIMSTACK_RESPONSE_MODE": "fast"}
    done = subprocess.run(
        [sys.executable, "-m", "claimstack.runtime"], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "error: CLAIMSTACK_PUBLIC_URL: missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path, _ in api.posted] == ["init/error"]


def test_away_from_lambda_the_entry_point_says_what_to_run() -> None:
    done = subprocess.run([sys.executable, "-m", "claimstack.runtime"], env={}, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "claimstack serve" in done.stderr) == (1, True)


def handler_environment() -> dict[str, Any]:
    return {"CLAIMSTACK_PUBLIC_URL": URL, "CLAIMSTACK_RESPONSE_MODE": "stream", "AWS_LAMBDA_FUNCTION_NAME": "mcp"}


def test_a_host_that_cannot_stream_refuses_to_start_where_streams_are_wanted() -> None:
    program = [sys.executable, "-c", "import claimstack.runtime.handler"]
    done = subprocess.run(program, env=handler_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert "only the entry point of the image streams" in done.stderr


def test_an_environment_full_of_hanging_handlers_makes_room_for_another() -> None:
    """After its answer, and without waiting for the threads."""
    script = """
import os, time
from claimstack.runtime import app, lambda_client
from claimstack.runtime.tools import Pack, Tool

app.CLOGGED_FROM = 4

def hang() -> None:
    "Hang."
    time.sleep(600)

lambda_client.run(lambda environ: app.create_app(environ, (Pack("h", tools=(Tool(hang),)),)))
"""
    headers = {"host": "127.0.0.1", "content-type": "application/json"}
    event = {"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(call_of("hang"))}
    answers: list[Json] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "id")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 900))
            self._body(json.dumps(event).encode())

        def do_POST(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self._body(b"")

        def _body(self, body: bytes) -> None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        environ = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1/mcp",
        }
        done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 1
    assert "this environment makes room for another" in done.stderr
    assert [json.loads(answer["body"])["error"]["code"] for answer in answers] == [-32001] * len(answers)
    assert len(records_in(done.stdout)) == len(answers) >= 2
