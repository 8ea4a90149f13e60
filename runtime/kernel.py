"""Kernel: one request through the SDK, within its time, with an answer whatever the handler does."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar
from typing import Any, Final

from mcp.server.connection import Connection
from mcp.server.lowlevel.server import Server
from mcp.server.runner import modern_error_data, serve_one
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import ERROR_CODE_HTTP_STATUS
from mcp_types import CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION

from claimstack.runtime import jsonrpc
from claimstack.runtime.audit import Record
from claimstack.runtime.exchange import Exchange
from claimstack.runtime.jsonrpc import Json, dump
from claimstack.runtime.messages import Request
from claimstack.runtime.replies import Reply

RECORD: Final[ContextVar[Record | None]] = ContextVar("record", default=None)
"""Audit record of the request that runs here."""

WARMED: Final[tuple[tuple[str, str, Json], ...]] = (
    (LATEST_MODERN_VERSION, "server/discover", {}),
    (LATEST_MODERN_VERSION, "tools/list", {}),
    (LATEST_MODERN_VERSION, "tools/call", {"name": ""}),
    (
        LATEST_HANDSHAKE_VERSION,
        "initialize",
        {"protocolVersion": LATEST_HANDSHAKE_VERSION, "capabilities": {}, "clientInfo": {"name": "warm", "version": ""}},
    ),
    (LATEST_HANDSHAKE_VERSION, "tools/list", {}),
    (LATEST_HANDSHAKE_VERSION, "tools/call", {"name": ""}),
)
"""Version, method and params of requests whose first one would be slow. No tool is named `""`, so that none runs."""

GRACE_SECONDS: Final = 0.2
"""After its time is over a request has this long to end by itself before what blocks the loop is interrupted."""

ENDING_SECONDS: Final = 0.05
"""How long a handler may take to end once it is cancelled, before it is left to itself."""


class Overrun(BaseException):
    """Raised by the carrier into a handler that blocks the event loop past its time. No handler catches it by accident."""


class Kernel:
    """The SDK's server with its lifespan, entered once for the life of the process."""

    def __init__(self, server: Server[Any]) -> None:
        self.server = server
        self._lifespan = contextlib.AsyncExitStack()
        self._state: Any = None
        self._entered = False
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def enter(self) -> None:
        if not self._entered:
            self._state = await self._lifespan.enter_async_context(self.server.lifespan(self.server))
            self._entered = True

    def has_tool(self, name: str) -> bool:
        lookup = self.server.get_tool_input_schema
        return lookup is not None and lookup(name) is not None

    async def warm(self) -> None:
        """Enter the lifespan, and let the SDK build what it builds at the first use of each method."""
        await self.enter()
        meta = {PROTOCOL_VERSION_META_KEY: LATEST_MODERN_VERSION, CLIENT_CAPABILITIES_META_KEY: {}}
        for version, method, params in WARMED:
            exchange = Exchange(0, {}, None, Reply(accepts_sse=False))
            message = {"jsonrpc": "2.0", "id": 0, "method": method, "params": {**params, "_meta": meta}}
            dump(await self._serve(exchange, Connection.from_envelope(version, None, {}), message, Record(Request("", "", {}))))

    async def close(self) -> None:
        for task in self._abandoned:
            task.cancel()
        await self._lifespan.aclose()

    @property
    def abandoned(self) -> int:
        """Handlers that still run although their time is over."""
        return len(self._abandoned)

    async def answer(self, exchange: Exchange, connection: Connection, message: Json, record: Record, seconds: float | None) -> Json:
        """The JSON-RPC answer to a message whose exchange cannot ask."""
        found = await self.run(exchange, connection, message, record, seconds)
        if found is None:
            raise AssertionError("an exchange that cannot ask has asked")
        return found

    async def run(self, exchange: Exchange, connection: Connection, message: Json, record: Record, seconds: float | None) -> Json | None:
        """The JSON-RPC answer to the message; None where the handler waits for its client's answer to `exchange.question`."""
        RECORD.set(record)
        task = asyncio.create_task(self._serve(exchange, connection, message, record))
        waiting: set[asyncio.Future[Any]] = {task} if exchange.asked is None else {task, exchange.asked}
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._abandon(task, exchange)
            raise
        if task.done() and not isinstance(task.exception(), Overrun):
            return task.result()
        self._abandon(task, exchange)
        if not task.done():
            # What a handler does last is better done now: the process may be frozen until the next request.
            await asyncio.wait({task}, timeout=ENDING_SECONDS)
        if exchange.question is not None:
            return None
        record.error = record.error or (task.exception() if task.done() and not task.cancelled() else None)
        return jsonrpc.error(message["id"], jsonrpc.REQUEST_TIMEOUT, "The request took longer than the server may")

    def _abandon(self, task: asyncio.Task[Any], exchange: Exchange) -> None:
        """Cancel without waiting: a handler in a worker thread, or one that ignores it, ends when it ends."""
        exchange.cancel_requested.set()
        if not task.done():
            task.cancel()
            self._abandoned.add(task)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as seen

    async def _serve(self, exchange: Exchange, connection: Connection, message: Json, record: Record) -> Json:
        try:
            found = await serve_one(
                self.server, exchange, message["method"], message.get("params"), connection=connection, lifespan_state=self._state
            )
        except Overrun:
            raise
        except BaseException as error:  # whatever a handler raises, even to end the process, the client gets a JSON-RPC error
            if isinstance(error, asyncio.CancelledError) and exchange.cancel_requested.is_set():
                raise
            if not isinstance(error, MCPError) or error.__cause__ is not None:
                record.error = record.error or error
            data = modern_error_data(error if isinstance(error, Exception) else RuntimeError())
            return jsonrpc.error(message["id"], data.code, data.message, data.data)
        return jsonrpc.result(message["id"], found)


def modern_status(answer: Json) -> int:
    """HTTP status of an answer of 2026-07-28, by the SDK's table; older revisions send every answer with 200."""
    return ERROR_CODE_HTTP_STATUS.get(answer["error"]["code"], 200) if "error" in answer else 200
