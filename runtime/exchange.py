"""Exchange: what a handler can do towards its client while it runs, the SDK's `DispatchContext` of one request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.shared.transport_context import TransportContext

from claimstack.runtime.jsonrpc import Json, dump
from claimstack.runtime.replies import Reply

KIND = "streamable-http"


class CannotAskError(NoBackChannelError):
    """The SDK's error, in words that help whoever wrote the tool."""

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.error = self.error.model_copy(
            update={
                "message": f"This server cannot ask the client ({method}): older clients are asked in a session, by a tool that is "
                "listed with asks=True; clients of 2026-07-28 by an InputRequiredResult"
            }
        )


class Exchange:
    """Notifications go to the reply. A question to the client is answered from `answers`, or it parks the handler for good:
    the call then runs again from its start, with one answer more."""

    message_metadata = None

    def __init__(
        self,
        request_id: Any,
        headers: Mapping[str, str],
        token: str | int | None,
        reply: Reply,
        *,
        may_ask: bool = False,
        answers: Sequence[Json] = (),
        skip: int = 0,
        room: int = 0,
    ) -> None:
        """`skip` notifications have been sent before: they belong to the part that runs again. `room`: bytes of notifications that
        can be kept of an exchange that may ask; further ones are dropped."""
        self.request_id = request_id
        self.can_send_request = may_ask
        self.transport = TransportContext(kind=KIND, can_send_request=may_ask, headers=headers)
        self.cancel_requested = anyio.Event()
        self.asked: asyncio.Future[None] | None = asyncio.get_running_loop().create_future() if may_ask else None
        self.question: Json | None = None
        """Method and params of the question that has no answer yet."""
        self.notified: list[Json] = []
        """Notifications that were sent, kept where the exchange may ask."""
        self.emitted = 0
        """How many there were of them and of those that were dropped."""
        self._token = token
        self._reply = reply
        self._answers = answers
        self._asked = 0
        self._skip = skip
        self._room = room

    async def send_raw_request(self, method: str, params: Mapping[str, Any] | None, opts: Any = None) -> dict[str, Any]:
        if self.asked is None:
            raise CannotAskError(method)
        index, self._asked = self._asked, self._asked + 1
        if index < len(self._answers):
            answer = self._answers[index]
            if "error" in answer:
                raise _client_error(answer["error"])
            found: dict[str, Any] = answer["result"]
            return found
        if self.question is None:
            self.question = {"method": method} if params is None else {"method": method, "params": dict(params)}
            self.asked.set_result(None)
        await asyncio.Event().wait()  # for ever: the task is cancelled here
        raise AssertionError("unreachable")

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: Any = None) -> None:
        if self.cancel_requested.is_set():
            return  # its time is over: the reply belongs to nobody, or has been given
        if self._skip:
            self._skip -= 1
            return
        message: Json = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = dict(params)
        if self.asked is None:
            await self._reply.notify(message)
            return
        self.emitted += 1
        size = len(dump(message).encode())
        if size <= self._room and await self._reply.notify(message):
            self._room -= size
            self.notified.append(message)

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        if self._token is None:
            return
        params: Json = {"progressToken": self._token, "progress": progress}
        if total is not None:
            params["total"] = total
        if message is not None:
            params["message"] = message
        await self.notify("notifications/progress", params)


def _client_error(error: Any) -> MCPError:
    """The client's refusal, as the handler gets to see it."""
    details = error if isinstance(error, dict) else {}
    code, message = details.get("code"), details.get("message")
    return MCPError(
        code=code if isinstance(code, int) else -32603, message=message if isinstance(message, str) else "", data=details.get("data")
    )
