"""The local server over real HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import Context

from claimstack.runtime.app import create_app
from claimstack.runtime.local import LocalServer, listen
from claimstack.runtime.store import MemoryStore
from claimstack.runtime.tools import Pack, Tool

GATE = threading.Event()
CANCELLED = threading.Event()


async def wait_for_gate(ctx: Context) -> str:
    """Report progress, then go on when the gate opens."""
    import anyio

    await ctx.report_progress(1, 2)
    try:
        while not GATE.is_set():
            await anyio.sleep(0.01)
    except anyio.get_cancelled_exc_class():
        CANCELLED.set()
        raise
    return "done"


@pytest.fixture
def port() -> Iterator[int]:
    GATE.clear()
    CANCELLED.clear()
    listener = listen("127.0.0.1", 0)
    number: int = listener.getsockname()[1]
    environ = {"CLAIMSTACK_PUBLIC_URL": f"http://127.0.0.1:{number}/mcp", "CLAIMSTACK_RESPONSE_MODE": "stream"}
    app = create_app(environ, (Pack("gate", tools=(Tool(wait_for_gate),)),), store=MemoryStore())
    server = uvicorn.Server(uvicorn.Config(LocalServer(app.adapter, streams=True), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield number
    server.should_exit = True
    thread.join(10)
    listener.close()


def start_call(port: int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}, "progressToken": 1}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait_for_gate", "_meta": meta}}
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "wait_for_gate",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/mcp", json.dumps(message), headers)
    return connection, connection.getresponse()


def next_event(response: http.client.HTTPResponse) -> Any:
    lines = []
    while line := response.readline().strip():
        lines.append(line)
    return json.loads(lines[-1].removeprefix(b"data: "))


def test_progress_arrives_while_the_tool_runs(port: int) -> None:
    connection, response = start_call(port)
    assert next_event(response)["method"] == "notifications/progress"
    GATE.set()
    assert next_event(response)["result"]["content"][0]["text"] == "done"
    connection.close()


def test_a_client_that_goes_away_cancels_its_call(port: int) -> None:
    connection, response = start_call(port)
    next_event(response)
    response.close()
    connection.close()
    assert CANCELLED.wait(10)


def test_a_body_beyond_the_limit_is_refused(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/mcp", b" " * (5 * 1024 * 1024), {"content-type": "application/json", "accept": "application/json"})
    assert connection.getresponse().status == 413
    connection.close()


def test_a_taken_port_is_told() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", listener.getsockname()[1])
