"""Local: the same server over plain HTTP, for a laptop and for tests."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

from claimstack.runtime.adapter import Adapter
from claimstack.runtime.app import App
from claimstack.runtime.events import join_headers
from claimstack.runtime.messages import REQUEST_LIMIT, Headers, Request, Response

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SECONDS: Final = 300.0
"""How long a local request may take."""


class LocalServer:
    """The adapter as an ASGI application; `streams` says whether answers go out as they come."""

    def __init__(self, adapter: Adapter, *, streams: bool) -> None:
        self._adapter = adapter
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._adapter.kernel.warm()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._adapter.kernel.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _request(scope, receive)
        answer = _Answer(send)
        work = asyncio.ensure_future(self._adapter.handle(request, answer if self._streams else None))
        gone = asyncio.ensure_future(_disconnected(receive))
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            # The client closed its connection, which in the modern era is how it cancels a request.
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            return
        gone.cancel()
        response = work.result()
        if response is not None:
            await answer.whole(response)
        else:
            await answer.end()


class _Answer:
    """One HTTP response: an `Opener` and its `Writer`."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, status: int, headers: Headers) -> _Answer:
        await self._send({"type": "http.response.start", "status": status, "headers": _pairs(headers)})
        return self

    async def write(self, text: str) -> None:
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def whole(self, response: Response) -> None:
        await self(response.status, response.headers)
        await self._send({"type": "http.response.body", "body": response.body.encode()})


async def _request(scope: Scope, receive: Receive) -> Request:
    headers, repeated = join_headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        headers=headers,
        body=await _body(receive),
        repeated=repeated,
        source_ip=client[0] if client else "",
        request_id=secrets.token_hex(16),
        seconds=SECONDS,
    )


async def _body(receive: Receive) -> bytes:
    """The body, as far as anybody will read it: one byte over the limit is enough to refuse it."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        if size <= REQUEST_LIMIT:
            parts.append(part)
        size += len(part)
        more = message["type"] == "http.request" and message.get("more_body", False)
    return b"".join(parts)[: REQUEST_LIMIT + 1]


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError where the address is taken."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128)


def serve(app: App, listener: socket.socket) -> None:
    """Serve until interrupted."""
    import uvicorn

    server = LocalServer(app.adapter, streams=app.settings.response_mode == "stream")
    config = uvicorn.Config(server, log_level="warning", server_header=False, date_header=False)
    uvicorn.Server(config).run(sockets=[listener])
