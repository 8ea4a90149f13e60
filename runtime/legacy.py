"""Legacy era: revisions 2024-11-05 to 2025-11-25, with a handshake, and with sessions where there is a store."""

from __future__ import annotations

from typing import Any, Final

from mcp.server.connection import Connection
from mcp_types.jsonrpc import INVALID_PARAMS, INVALID_REQUEST
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from claimstack.runtime.access import Access
from claimstack.runtime.asking import Asking, connection_of, session_header
from claimstack.runtime.exchange import Exchange
from claimstack.runtime.jsonrpc import ID_NEEDED, Json, id_of, is_request_id, params_of, progress_token
from claimstack.runtime.kernel import Kernel
from claimstack.runtime.messages import Headers, Response
from claimstack.runtime.replies import BUFFERED_LIMIT, Reply, json_response, wire_size
from claimstack.runtime.sessions import Session, Sessions
from claimstack.runtime.visit import Visit

VERSIONS: Final = frozenset(HANDSHAKE_PROTOCOL_VERSIONS)
ASSUMED: Final = "2025-03-26"
"""Version of a request without the header (specification 2025-06-18, basic/transports, "Protocol Version Header")."""
BATCHING: Final = (None, "2024-11-05", "2025-03-26")
"""Versions whose batches have to be taken; None is a request without the header."""
BATCH_LIMIT: Final = 50
"""Messages of one batch."""


class Legacy:
    """Answers messages of the older era; without `sessions`, each for itself."""

    def __init__(self, kernel: Kernel, access: Access, sessions: Sessions | None) -> None:
        self._kernel = kernel
        self._access = access
        self._sessions = sessions
        self._asking = Asking(kernel, access, sessions) if sessions is not None else None

    # ---- POST

    async def post(self, visit: Visit, body: Any) -> Response | None:
        visit.record.protocol = visit.header("mcp-protocol-version") or ASSUMED
        if isinstance(body, list):
            return await self._batch(visit, body)
        problem = message_problem(body)
        if problem:
            return visit.refuse(400, problem[0], problem[1], request_id=id_of(body))
        visit.record.read(body)
        visit.request_id = body.get("id")
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
                said: Json = {key: message[key] for key in ("result", "error") if isinstance(message.get(key), dict)}
                await self._sessions.answer(session, message["id"], said)
            return Response(202)
        if "id" not in message:
            if message["method"] == "notifications/cancelled" and session is not None and self._sessions is not None:
                await self._sessions.cancel(session, params_of(message).get("requestId"))
            return Response(202)
        self._access.check(visit.caller, message)
        if session is not None and self._asking is not None and visit.accepts_sse and self._access.may_ask(message):
            return await self._asking.start(visit, session, message)
        reply = Reply(accepts_sse=visit.accepts_sse, opener=visit.opener, headers=session_header(session), room=visit.room)
        exchange = Exchange(message["id"], visit.request.headers, progress_token(message), reply)
        connection = connection_of(visit, session, exchange)
        answer = await self._kernel.answer(exchange, connection, message, visit.record, visit.seconds_left())
        return await visit.reply(reply, answer)

    async def _initialize(self, visit: Visit, message: Json) -> Response | None:
        reply = Reply(accepts_sse=False)
        exchange = Exchange(message["id"], visit.request.headers, None, reply)
        connection = Connection.from_envelope(ASSUMED, None, None)
        answer = await self._kernel.answer(exchange, connection, message, visit.record, visit.seconds_left())
        visit.record.answered(answer)
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
        if session is not None and session.version not in BATCHING:
            return visit.refuse(400, INVALID_REQUEST, f"Batches are not part of {session.version}, which the session speaks")
        for message in messages:
            if "id" in message and "method" in message:
                self._access.check(visit.caller, message)
        replies: list[str] = []
        room = BUFFERED_LIMIT
        visit.items = [visit.record.child(message) for message in messages]
        for message, record in zip(messages, visit.items, strict=True):
            record.start()
            response = await self._message(Visit(visit.request, record, room=room, started=visit.started), message, session)
            record.status = 200
            if response is not None and response.body:
                replies.append(response.body)
                room -= wire_size(response.body)
        return Response(200, {"content-type": "application/json"}, f"[{','.join(replies)}]") if replies else Response(202)

    # ---- GET and DELETE, for servers with sessions

    async def get(self, visit: Visit) -> Response | None:
        """The rest of a stream that ended with a question."""
        visit.record.protocol = visit.header("mcp-protocol-version") or ASSUMED
        session = await self._session(visit)
        if isinstance(session, Response) or session is None or self._asking is None:
            return session if isinstance(session, Response) else None
        return await self._asking.resume(visit, session)

    async def delete(self, visit: Visit) -> Response:
        visit.record.protocol = visit.header("mcp-protocol-version") or ASSUMED
        session = await self._session(visit)
        if isinstance(session, Response):
            return session
        if session is not None and self._sessions is not None:
            await self._sessions.end(session)
        return Response(204)


def message_problem(message: Any) -> tuple[int, str] | None:
    """Why this is no JSON-RPC message, as code and text; None where it is one."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return INVALID_REQUEST, "Not a JSON-RPC 2.0 message"
    if "id" in message and not is_request_id(message["id"]):
        return INVALID_REQUEST, ID_NEEDED
    if "method" in message:
        if not isinstance(message["method"], str):
            return INVALID_REQUEST, "The method must be a string"
        if not isinstance(message.get("params", {}), dict):
            return INVALID_PARAMS, "params must be an object"
        return None
    if "id" not in message or not (isinstance(message.get("result"), dict) ^ isinstance(message.get("error"), dict)):
        return INVALID_REQUEST, "Neither a request nor an answer"
    return None
