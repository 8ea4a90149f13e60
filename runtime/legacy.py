"""Legacy era: revisions 2024-11-05 to 2025-11-25, with a handshake, and with sessions where there is a store.

A question to the client (elicitation, sampling, roots) goes out on the stream of the call, which then ends without an answer; the client
posts what it knows and comes back by GET with `Last-Event-ID`, and the call runs again, on whichever instance, with the answers at hand.
Specification 2025-11-25, basic/transports, "Resumability and Redelivery", and SEP-1699.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from mcp.server.connection import Connection
from mcp_types.jsonrpc import INVALID_PARAMS, INVALID_REQUEST
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from claimstack.runtime.access import Access
from claimstack.runtime.exchange import Exchange
from claimstack.runtime.jsonrpc import Json, id_of, is_request_id, params_of, progress_token
from claimstack.runtime.kernel import Kernel
from claimstack.runtime.messages import Headers, Response
from claimstack.runtime.replies import Reply, json_response
from claimstack.runtime.sessions import EVENT_ID, Call, Session, Sessions
from claimstack.runtime.visit import Visit

VERSIONS: Final = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)
ASSUMED: Final = "2025-03-26"
"""Version of a request without the header (specification 2025-06-18, basic/transports, "Protocol Version Header")."""
BATCHING: Final = (None, "2024-11-05", "2025-03-26")
"""Versions whose batches have to be taken; None is a request without the header."""
BATCH_LIMIT: Final = 50
"""Messages of one batch."""
POLL_SECONDS: Final = 8.0
"""How long a GET waits for the client's answer before it is told to come back."""
POLL_STEPS: Final = (0.05, 0.1, 0.2, 0.4)


class Legacy:
    """Answers messages of the older era; without `sessions`, each for itself."""

    def __init__(self, kernel: Kernel, access: Access, sessions: Sessions | None) -> None:
        self._kernel = kernel
        self._access = access
        self._sessions = sessions

    # ---- POST

    async def post(self, visit: Visit, body: Any) -> Response | None:
        visit.record.protocol = visit.header("mcp-protocol-version") or ASSUMED
        if isinstance(body, list):
            return await self._batch(visit, body)
        problem = message_problem(body)
        if problem:
            return visit.refuse(400, problem[0], problem[1], request_id=id_of(body))
        visit.record.read(body)
        if body.get("method") == "initialize" and "id" in body:
            return await self._initialize(visit, body)
        session = await self._session(visit, id_of(body))
        if isinstance(session, Response):
            return session
        return await self._message(visit, body, session)

    async def _session(self, visit: Visit, request_id: Any = None) -> Session | Response | None:
        """The session of the request, a refusal, or None for a server without sessions."""
        if self._sessions is None:
            return None
        session_id = visit.header("mcp-session-id")
        if not session_id:
            return visit.refuse(400, INVALID_REQUEST, "Mcp-Session-Id header is missing", request_id=request_id)
        session = await self._sessions.find(session_id, visit.caller)
        if session is None:
            return visit.refuse(404, INVALID_REQUEST, "Session not found", request_id=request_id)
        visit.record.session = True
        version = visit.header("mcp-protocol-version")
        if version is not None and version != session.version:
            message = f"MCP-Protocol-Version is {version}, but the session speaks {session.version}"
            return visit.refuse(400, INVALID_REQUEST, message, request_id=request_id)
        visit.record.protocol = session.version
        return session

    async def _message(self, visit: Visit, message: Json, session: Session | None) -> Response | None:
        """One message of a known session, or of none."""
        if "method" not in message:
            if session is not None and self._sessions is not None and isinstance(message["id"], str):
                answer = {key: message[key] for key in ("result", "error") if key in message}
                await self._sessions.answer(session, message["id"], answer)
            return Response(202)
        if "id" not in message:
            if message["method"] == "notifications/cancelled" and session is not None and self._sessions is not None:
                await self._sessions.cancel(session, params_of(message).get("requestId"))
            return Response(202)
        self._access.check(visit.caller, message)
        if session is not None and self._sessions is not None and visit.accepts_sse and self._access.may_ask(message):
            return await self._asking(visit, session, Call(self._sessions.call_id(session, message["id"]), message))
        reply = Reply(accepts_sse=visit.accepts_sse, opener=visit.opener, headers=_session_header(session))
        exchange = Exchange(message["id"], visit.request.headers, progress_token(message), reply)
        answer = await self._kernel.run(exchange, self._connection(visit, session, exchange), message, visit.record, visit.seconds_left())
        if answer is None:
            raise AssertionError("this exchange cannot ask")
        response = await reply.finish(visit.answered(answer))
        visit.record.streamed = reply.is_streamed
        return response

    async def _initialize(self, visit: Visit, message: Json) -> Response | None:
        reply = Reply(accepts_sse=False)
        exchange = Exchange(message["id"], visit.request.headers, None, reply)
        connection = Connection.from_envelope(ASSUMED, None, None)
        answer = await self._kernel.run(exchange, connection, message, visit.record, visit.seconds_left())
        if answer is None:
            raise AssertionError("this exchange cannot ask")
        visit.answered(answer)
        headers: Headers = {}
        if "result" in answer:
            version = visit.record.protocol = answer["result"]["protocolVersion"]
            if self._sessions is not None:
                params = params_of(message)
                session_id = await self._sessions.create(visit.caller, version, params.get("clientInfo"), params.get("capabilities"))
                headers["mcp-session-id"] = session_id
                visit.record.session = True
        return json_response(200, answer, headers)

    async def _batch(self, visit: Visit, messages: list[Any]) -> Response:
        """A batch is taken or refused as a whole, before any of it runs."""
        if visit.header("mcp-protocol-version") not in BATCHING or not messages:
            return visit.refuse(400, INVALID_REQUEST, "Batches are not part of this protocol version")
        if len(messages) > BATCH_LIMIT:
            return visit.refuse(400, INVALID_REQUEST, f"A batch has at most {BATCH_LIMIT} messages, found {len(messages)}")
        for message in messages:
            problem = message_problem(message)
            if problem:
                return visit.refuse(400, problem[0], problem[1], request_id=id_of(message))
            if message.get("method") == "initialize":
                return visit.refuse(400, INVALID_REQUEST, "initialize must not be part of a batch")
        session = await self._session(visit)
        if isinstance(session, Response):
            return session
        for message in messages:
            if "id" in message and "method" in message:
                self._access.check(visit.caller, message)
        replies: list[str] = []
        visit.accepts_sse, visit.opener = False, None
        for message in messages:
            record = visit.record.child()
            visit.items.append(record)
            record.read(message)
            response = await self._message(Visit(visit.request, record), message, session)
            record.status = 200
            if response is not None and response.body:
                replies.append(response.body)
        return Response(200, {"content-type": "application/json"}, f"[{','.join(replies)}]") if replies else Response(202)

    # ---- calls that ask

    async def _asking(self, visit: Visit, session: Session, call: Call, *, first: int = 0) -> Response | None:
        """Run the call with the answers it has; it ends in an answer or in the next question.

        `first`: how many messages of the stream the client already has. What of `call.sent` it lacks is sent before anything new.
        """
        if self._sessions is None:
            raise AssertionError("a call asks in a session only")
        reply = Reply(
            accepts_sse=True, opener=visit.opener, headers=_session_header(session), call_id=call.id, first=min(first, len(call.sent))
        )
        for message in call.sent[first:]:
            await reply.notify(message)
        exchange = Exchange(
            call.request["id"],
            visit.request.headers,
            progress_token(call.request),
            reply,
            may_ask=True,
            answers=call.answers,
            skip=call.notified,
        )
        connection = self._connection(visit, session, exchange)
        answer = await self._kernel.run(exchange, connection, call.request, visit.record, visit.seconds_left())
        call.sent += exchange.notified
        call.notified += len(exchange.notified)
        if answer is None:
            question: Json = {"jsonrpc": "2.0", "id": f"{call.id}.{len(call.answers)}", **(exchange.question or {})}
            call.sent.append(question)
            await self._sessions.keep(session, call)  # before the client can answer
            response = await reply.ask([question])
            visit.record.reason = f"asks the client: {question['method']}"
        else:
            if call.answers:
                call.sent.append(answer)
                call.done = True
                await self._sessions.keep(session, call)
            response = await reply.finish(visit.answered(answer), stream=bool(call.answers))
        visit.record.streamed = reply.is_streamed
        return response

    async def get(self, visit: Visit) -> Response | None:
        """The rest of a stream that ended with a question, from the event that the client has seen last."""
        visit.record.protocol = visit.header("mcp-protocol-version") or ASSUMED
        session = await self._session(visit)
        if isinstance(session, Response):
            return session
        found = EVENT_ID.fullmatch(visit.header("last-event-id") or "")
        call = await self._sessions.call(session, found[1]) if found and session is not None and self._sessions is not None else None
        if found is None or call is None or session is None or self._sessions is None:
            return visit.refuse(400, INVALID_REQUEST, "Last-Event-ID names no stream of this session")
        visit.record.read(call.request)
        seen = int(found[2])
        known = len(call.answers)
        waited = 0
        seconds = min(POLL_SECONDS, visit.seconds_left() or POLL_SECONDS)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            if call.done or len(call.answers) > known or len(call.sent) > seen:
                return await self._deliver(visit, session, call, seen)
            if await self._sessions.answer_to(session, call) is not None and await self._sessions.lease(session, call):
                try:
                    return await self._continue(visit, session, call.id, seen)
                finally:
                    await self._sessions.release(session, call)
            if loop.time() >= until:
                reply = self._rest(visit, session, call, seen)
                return await reply.wait()
            await asyncio.sleep(POLL_STEPS[min(waited, len(POLL_STEPS) - 1)])
            waited += 1
            call = await self._sessions.call(session, call.id) or call

    async def _continue(self, visit: Visit, session: Session, call_id: str, seen: int) -> Response | None:
        """Under the lease: run the call again, unless somebody has done so since we looked."""
        if self._sessions is None:
            raise AssertionError("a call asks in a session only")
        call = await self._sessions.call(session, call_id)
        answer = await self._sessions.answer_to(session, call) if call is not None and not call.done else None
        if call is None:
            return visit.refuse(400, INVALID_REQUEST, "Last-Event-ID names no stream of this session")
        if answer is None:
            return await self._deliver(visit, session, call, seen)
        call.answers.append(answer)
        return await self._asking(visit, session, call, first=seen)

    async def _deliver(self, visit: Visit, session: Session, call: Call, seen: int) -> Response | None:
        """What the client has not seen of the stream, as it was."""
        return await self._rest(visit, session, call, seen).ask(call.sent[seen:])

    @staticmethod
    def _rest(visit: Visit, session: Session, call: Call, seen: int) -> Reply:
        return Reply(
            accepts_sse=True,
            opener=visit.opener,
            headers=_session_header(session),
            call_id=call.id,
            first=min(seen, len(call.sent)),
        )

    # ---- DELETE

    async def delete(self, visit: Visit) -> Response:
        visit.record.protocol = visit.header("mcp-protocol-version") or ASSUMED
        session = await self._session(visit)
        if isinstance(session, Response):
            return session
        if session is not None and self._sessions is not None:
            await self._sessions.end(session)
        return Response(204)

    def _connection(self, visit: Visit, session: Session | None, exchange: Exchange) -> Connection:
        if session is None:
            return Connection.from_envelope(visit.record.protocol, None, None, outbound=exchange)
        connection = Connection.from_envelope(session.version, session.client_info, session.capabilities, outbound=exchange)
        connection.session_id = session.id
        return connection


def message_problem(message: Any) -> tuple[int, str] | None:
    """Why this is no JSON-RPC message, as code and text; None where it is one."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return INVALID_REQUEST, "Not a JSON-RPC 2.0 message"
    if "id" in message and not is_request_id(message["id"]):
        return INVALID_REQUEST, "The request id must be a string or an integer"
    if "method" in message:
        if not isinstance(message["method"], str):
            return INVALID_REQUEST, "The method must be a string"
        if not isinstance(message.get("params", {}), dict):
            return INVALID_PARAMS, "params must be an object"
        return None
    if "id" not in message or not (isinstance(message.get("result"), dict) ^ isinstance(message.get("error"), dict)):
        return INVALID_REQUEST, "Neither a request nor an answer"
    return None


def _session_header(session: Session | None) -> Headers:
    return {"mcp-session-id": session.id} if session is not None else {}
