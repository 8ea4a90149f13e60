"""Visit: one HTTP request on its way through the adapter."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from claimstack.runtime.audit import Record
from claimstack.runtime.identity import Caller
from claimstack.runtime.jsonrpc import Json, error
from claimstack.runtime.messages import Headers, Opener, Request, Response, Writer
from claimstack.runtime.replies import BUFFERED_LIMIT, Reply, json_response

REASON_LIMIT: Final = 1024
"""Characters of the reason for a refusal."""


class Opened:
    """The carrier's opener, and what it has opened."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self.writer: Writer | None = None

    async def __call__(self, status: int, headers: Headers) -> Writer:
        self.writer = await self._opener(status, headers)
        return self.writer


@dataclass(slots=True)
class Visit:
    request: Request
    record: Record
    opener: Opened | None = None
    """Opens a response stream, where the carrier has one."""
    accepts_sse: bool = False
    items: list[Record] = field(default_factory=list)
    """Records of the messages of a batch, in place of `record`."""
    room: int = BUFFERED_LIMIT
    """Bytes that an unstreamed answer may have."""
    request_id: Any = None
    """Id of the JSON-RPC request, once it is known to be usable."""
    started: float = field(default_factory=time.perf_counter)

    @property
    def caller(self) -> Caller | None:
        return self.record.caller

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name)

    def seconds_left(self) -> float | None:
        if self.request.seconds is None:
            return None
        return max(0.01, self.request.seconds - (time.perf_counter() - self.started))

    def refuse(
        self, status: int, code: int, message: str, *, data: object = None, request_id: object = None, headers: Headers | None = None
    ) -> Response:
        """The request goes no further: a JSON-RPC error with its HTTP status, and the reason in the record."""
        self.record.refuse(message)
        self.record.rpc_code = code
        # Some reasons repeat what the client sent, which may be long.
        shown = message if len(message) <= REASON_LIMIT else f"{message[:REASON_LIMIT]}…"
        return json_response(status, error(request_id, code, shown, data), headers)

    @property
    def writer(self) -> Writer | None:
        """The response stream, where one has been opened."""
        return self.opener.writer if self.opener is not None else None

    async def reply(self, reply: Reply, answer: Json, status: int = 200, *, stream: bool = False) -> Response | None:
        """Answer, and take down what was answered."""
        self.record.answered(answer)
        response = await reply.finish(answer, status, stream=stream)
        if reply.instead is not None:
            self.record.answered(reply.instead)
        self.record.streamed = reply.is_streamed
        return response
