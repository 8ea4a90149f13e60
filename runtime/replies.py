"""Replies: one JSON document, or one event stream, whichever the handler turns out to need.

A handler that emits nothing is answered in JSON. Otherwise its notifications and the answer go out as server-sent events: as they come
where the carrier can stream, else as one buffered body, which is as legal and which clients read alike.
"""

from __future__ import annotations

from typing import Any, Final

from mcp_types.jsonrpc import INTERNAL_ERROR

from claimstack.runtime.jsonrpc import RESULT_TOO_LARGE, Json, dump, error
from claimstack.runtime.messages import Headers, Opener, Response, Writer

RETRY_MILLISECONDS: Final = 200
"""After this time a client comes back for the rest of a stream that was closed on purpose (SEP-1699)."""
SSE_HEADERS: Final = {"content-type": "text/event-stream", "cache-control": "no-cache, no-transform"}
JSON_HEADERS: Final = {"content-type": "application/json"}

BUFFERED_LIMIT: Final = 6 * 1024 * 1024 - 64 * 1024
"""Bytes of a whole result of the function, in which the body is a JSON string (Lambda quotas: 6 MB)."""
CHARACTER_LIMIT: Final = 4
"""Bytes that a character of a JSON text can take at most, in UTF-8 and with the escapes of a string within JSON."""
STREAM_LIMIT: Final = 20 * 1024 * 1024
"""Bytes of one streamed message: nothing that a client would want as one."""
NOTIFICATIONS_LIMIT: Final = 1024 * 1024
"""Bytes of buffered notifications; further ones are dropped, which the protocol allows, and the answer has its room."""


def json_response(status: int, body: Any, headers: Headers | None = None) -> Response:
    return Response(status, {**JSON_HEADERS, **(headers or {})}, dump(body))


def sse_event(text: str) -> str:
    return f"event: message\ndata: {text}\n\n"


def wire_size(text: str) -> int:
    """Bytes of a text as the string in Lambda's JSON result: there, quotes and backslashes take two."""
    return len(dump(text).encode())


class Reply:
    """What one request is answered with. `notify` any number of times, then `finish` or `ask` once."""

    def __init__(
        self,
        *,
        accepts_sse: bool,
        opener: Opener | None = None,
        headers: Headers | None = None,
        call_id: str = "",
        first: int = 0,
        room: int = BUFFERED_LIMIT,
        empty_data: bool = True,
    ) -> None:
        """`call_id` makes the stream resumable: its events carry ids, counted on from `first`. `room`: bytes of a buffered body.
        `empty_data`: whether the client knows events without a message in them."""
        self._accepts_sse = accepts_sse
        self._opener = opener
        self._headers = headers or {}
        self._call_id = call_id
        self._last = first
        self._events: list[str] = []
        self._size = 0
        self._room = room
        self._empty_data = empty_data
        self._writer: Writer | None = None
        self._is_over = False
        self.instead: Json | None = None
        """The error that was sent in place of an answer that could not be."""

    @property
    def is_streamed(self) -> bool:
        return self._writer is not None

    async def notify(self, message: Json) -> bool:
        """Whether the notification is part of the reply."""
        if not self._accepts_sse or self._is_over:
            return False
        text = dump(message)
        if self._opener is None and self._size + wire_size(text) > NOTIFICATIONS_LIMIT:
            return False
        await self._add(text)
        return True

    async def ask(self, messages: list[Json]) -> Response | None:
        """End the stream with these messages, or with none: what follows is fetched later, by the id of the last event."""
        for message in messages:
            await self._add(dump(message))
        return await self._close()

    async def finish(self, message: Json, status: int = 200, *, stream: bool = False) -> Response | None:
        """Answer with the message; `stream` asks for an event stream even where nothing was emitted before it."""
        text = self._text_of(message)
        as_json = not self._accepts_sse or status != 200 or not (self._events or stream)
        if self._writer is None and as_json:
            self._is_over = True
            return Response(status, {**JSON_HEADERS, **self._headers}, text)
        await self._add(text)
        return await self._close()

    def _text_of(self, message: Json) -> str:
        """The message as text, or an error in its place where it is too large or cannot be written."""
        try:
            text = dump(message)
        except ValueError:
            return self._in_place_of(message, INTERNAL_ERROR, "The result cannot be written as JSON")
        limit = self._room - self._size if self._opener is None else STREAM_LIMIT
        if len(text) * CHARACTER_LIMIT <= limit:
            return text
        size = wire_size(text) if self._opener is None else len(text.encode())
        if size <= limit:
            return text
        return self._in_place_of(message, RESULT_TOO_LARGE, f"The result has {size} bytes, of which {limit} can be sent; ask for less")

    def _in_place_of(self, message: Json, code: int, reason: str) -> str:
        self.instead = error(message.get("id"), code, reason)
        return dump(self.instead)

    async def _add(self, text: str) -> None:
        if not self._events and self._writer is None and self._call_id:
            await self._put(self._prime())
        event_id = ""
        if self._call_id:
            self._last += 1
            event_id = f"id: {self._call_id}.{self._last}\n"
        await self._put(event_id + sse_event(text))

    def _prime(self) -> str:
        """The id to come back to, before anything else (SEP-1699); older clients would take an event with empty data for a message."""
        data = "data: \n" if self._empty_data else ""
        return f"id: {self._call_id}.{self._last}\nretry: {RETRY_MILLISECONDS}\n{data}\n"

    async def _put(self, event: str) -> None:
        if self._opener is None:
            self._events.append(event)
            self._size += wire_size(event)
            return
        if self._writer is None:
            self._writer = await self._opener(200, {**SSE_HEADERS, **self._headers})
        await self._writer.write(event)

    async def _close(self) -> Response | None:
        """The buffered stream; None where it went out as it came."""
        self._is_over = True  # whoever goes on emitting, such as a task that a handler has left behind, reaches nobody
        if not self._events and self._writer is None:
            await self._put(self._prime())
        return Response(200, {**SSE_HEADERS, **self._headers}, "".join(self._events)) if self._writer is None else None
