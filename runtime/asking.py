"""Asking: calls of the older era that ask their client something (elicitation, sampling, roots) and are answered in several requests.

The question goes out on the stream of the call, which then ends without an answer. The client posts what it knows and comes back by GET
with `Last-Event-ID`; the call runs again from its start, on whichever instance, with the answers at hand. Specification 2025-11-25,
basic/transports, "Resumability and Redelivery", and SEP-1699.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import Final

from mcp.server.connection import Connection
from mcp_types.jsonrpc import INVALID_REQUEST
from mcp_types.version import is_version_at_least

from claimstack.runtime.access import Access
from claimstack.runtime.exchange import Exchange
from claimstack.runtime.jsonrpc import Json, dump, progress_token
from claimstack.runtime.kernel import Kernel
from claimstack.runtime.messages import Headers, Response
from claimstack.runtime.replies import Reply
from claimstack.runtime.sessions import EVENT_ID, Call, Session, Sessions
from claimstack.runtime.store import ITEM_LIMIT
from claimstack.runtime.visit import Visit

POLL_SECONDS: Final = 8.0
"""How long a GET waits for the client's answer before it is told to come back."""
POLL_STEPS: Final = (0.05, 0.1, 0.2, 0.4)
KEPT_LIMIT: Final = ITEM_LIMIT // 2
"""Bytes of a call's stream that are kept for a client that comes back; the rest of its record is the request and the answers."""
LONGEST_SECONDS: Final = 900
"""Where a request has no end: the longest that any carrier of ours gives it."""
LEASE_MARGIN_SECONDS: Final = 5
EMPTY_DATA_SINCE: Final = "2025-11-25"
"""Revision that knows a first event with an id and empty data."""
UNKNOWN_EVENT: Final = "Last-Event-ID names no stream of this session"


class Asking:
    """Runs calls that may ask, and runs them again."""

    def __init__(self, kernel: Kernel, access: Access, sessions: Sessions) -> None:
        self._kernel = kernel
        self._access = access
        self._sessions = sessions

    async def start(self, visit: Visit, session: Session, message: Json) -> Response | None:
        call = Call(self._sessions.call_id(session, message["id"]), message, secrets.token_hex(4))
        return await self._run(visit, session, call, seen=0)

    async def resume(self, visit: Visit, session: Session) -> Response | None:
        """The stream from the event that the client has seen last; waits a little for an answer that is still missing."""
        found = EVENT_ID.fullmatch(visit.header("last-event-id") or "")
        call = await self._sessions.call(session, found[1]) if found else None
        if found is None or call is None:
            return visit.refuse(400, INVALID_REQUEST, UNKNOWN_EVENT)
        visit.record.read(call.request)
        visit.request_id = call.request["id"]
        # A session is bound to its caller and not to a token: this one may have fewer scopes than that of the first request.
        self._access.check(visit.caller, call.request)
        seen = int(found[2])
        loop = asyncio.get_running_loop()
        until = loop.time() + min(POLL_SECONDS, visit.seconds_left() or POLL_SECONDS)
        for step in _steps():
            if call.done or len(call.sent) > seen:
                break
            lease = await self._lease(visit, session, call)
            if lease:
                try:
                    return await self._run_again(visit, session, call.id, seen)
                finally:
                    await self._sessions.release(session, call, lease)
            if loop.time() >= until:
                break
            await asyncio.sleep(step)
            call = await self._sessions.call(session, call.id) or call
        return await self._deliver(visit, session, call, seen)

    async def _lease(self, visit: Visit, session: Session, call: Call) -> str | None:
        """A lease on the call, where the answer that it waits for is there and nobody else runs it; for as long as it may run."""
        if await self._sessions.answer_to(session, call) is None:
            return None
        return await self._sessions.lease(session, call, (visit.seconds_left() or LONGEST_SECONDS) + LEASE_MARGIN_SECONDS)

    async def _run_again(self, visit: Visit, session: Session, call_id: str, seen: int) -> Response | None:
        """Under the lease: unless somebody has done so since we looked."""
        call = await self._sessions.call(session, call_id)
        if call is None:
            return visit.refuse(400, INVALID_REQUEST, UNKNOWN_EVENT)
        answer = await self._sessions.answer_to(session, call) if not call.done else None
        if answer is None:
            return await self._deliver(visit, session, call, seen)
        call.answers.append(answer)
        return await self._run(visit, session, call, seen)

    async def _run(self, visit: Visit, session: Session, call: Call, seen: int) -> Response | None:
        """Run the call with the answers it has; it ends in an answer or in the next question.

        `seen`: how many messages of the stream the client has; those that it lacks go out before anything new.
        """
        reply = _reply(visit, session, call, seen)
        for message in call.sent[seen:]:
            await reply.notify(message)
        request = call.request
        exchange = Exchange(
            request["id"],
            visit.request.headers,
            progress_token(request),
            reply,
            may_ask=True,
            answers=call.answers,
            skip=call.notified,
            room=KEPT_LIMIT - len(dump(call.sent).encode()),
        )
        connection = connection_of(visit, session, exchange)
        answer = await self._kernel.run(exchange, connection, request, visit.record, visit.seconds_left())
        call.sent += exchange.notified
        call.notified += exchange.emitted
        if answer is None:
            response = await self._ask(visit, session, call, exchange, reply)
        else:
            has_asked = bool(call.answers)
            if has_asked:
                call.sent.append(answer)
                call.done = True
                await self._sessions.keep(session, call)
            response = await visit.reply(reply, answer, stream=has_asked)
        visit.record.streamed = reply.is_streamed
        return response

    async def _ask(self, visit: Visit, session: Session, call: Call, exchange: Exchange, reply: Reply) -> Response | None:
        question: Json = {"jsonrpc": "2.0", "id": call.question_id, **(exchange.question or {})}
        call.sent.append(question)
        await self._sessions.keep(session, call)  # before the client can answer
        visit.record.reason = f"asks the client: {question['method']}"
        return await reply.ask([question])

    async def _deliver(self, visit: Visit, session: Session, call: Call, seen: int) -> Response | None:
        """What the client has not seen of the stream, as it was."""
        reply = _reply(visit, session, call, seen)
        response = await reply.ask(call.sent[seen:])
        visit.record.streamed = reply.is_streamed
        return response


def _steps() -> Iterator[float]:
    """Pauses between looks at the store: short at first, since most answers come at once."""
    yield from POLL_STEPS
    while True:
        yield POLL_STEPS[-1]


def _reply(visit: Visit, session: Session, call: Call, seen: int) -> Reply:
    first = min(seen, len(call.sent))
    return Reply(
        accepts_sse=True,
        opener=visit.opener,
        headers=session_header(session),
        call_id=call.id,
        first=first,
        empty_data=is_version_at_least(session.version, EMPTY_DATA_SINCE),
    )


def connection_of(visit: Visit, session: Session | None, exchange: Exchange) -> Connection:
    """The connection as the handshake left it, or a bare one of the request's own version."""
    if session is None:
        return Connection.from_envelope(visit.record.protocol, None, None, outbound=exchange)
    connection = Connection.from_envelope(session.version, session.client_info, session.capabilities, outbound=exchange)
    connection.session_id = session.id
    return connection


def session_header(session: Session | None) -> Headers:
    return {"mcp-session-id": session.id} if session is not None else {}
