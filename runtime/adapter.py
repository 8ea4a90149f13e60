"""Adapter: one HTTP request in, one response out, for every revision of the protocol on one endpoint.

Front checks first (host, origin, size, identity), then the verb, then the era by `MCP-Protocol-Version`. It keeps nothing between requests
but what the store holds, so that any instance can answer any request.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from anyio.to_thread import run_sync
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp_types.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR

from claimstack.runtime.access import Access
from claimstack.runtime.audit import Audit, Record
from claimstack.runtime.identity import Refused, admit, caller_of, challenge
from claimstack.runtime.jsonrpc import error, parse
from claimstack.runtime.kernel import GRACE_SECONDS, Kernel, Overrun
from claimstack.runtime.legacy import VERSIONS, Legacy
from claimstack.runtime.messages import REQUEST_LIMIT, Headers, Opener, Request, Response, matches
from claimstack.runtime.metadata import is_metadata, protected_resource
from claimstack.runtime.modern import serve_modern
from claimstack.runtime.replies import json_response, sse_event
from claimstack.runtime.sessions import Sessions
from claimstack.runtime.settings import Settings
from claimstack.runtime.store import UNTIL, Store, StoreError, TooLargeError
from claimstack.runtime.tokens import IssuerError, TokenVerifier, bearer
from claimstack.runtime.visit import Opened, Visit

METADATA_SECONDS: Final = 300
LATER_SECONDS: Final = GRACE_SECONDS + 0.25
"""How long after the time of a request is over there is for what is not its handler, such as keeping what the handler asks."""
CANCELLED: Final = 499
"""Status in the record of a request whose client went away; nobody receives it."""


class Adapter:
    """Answers requests with the tools of one MCP server."""

    def __init__(self, kernel: Kernel, settings: Settings, access: Access, audit: Audit, store: Store | None = None) -> None:
        self.kernel = kernel
        self._settings = settings
        self._access = access
        self._audit = audit
        self._has_sessions = store is not None
        self._legacy = Legacy(kernel, access, Sessions(store) if store is not None else None)
        self._verifier = TokenVerifier(settings.issuer) if settings.issuer is not None else None

    async def handle(self, request: Request, opener: Opener | None = None) -> Response | None:
        """The response; None where it went out through `opener`. Whatever happens, one audit record is written for each message."""
        record = Record(request)
        visit = Visit(request, record, Opened(opener) if opener is not None else None)
        response: Response | None = None
        if request.seconds is not None:
            UNTIL.set(asyncio.get_running_loop().time() + request.seconds + LATER_SECONDS)
        try:
            response = await self._answer(visit)
        except Refused as refused:
            response = self._refused(visit, refused)
        except TooLargeError as problem:
            response = _failed(visit, 413, "This is more than a session can keep", problem)
        except StoreError as problem:
            response = _failed(visit, 503, "The session store does not answer", problem, {"retry-after": "1"})
        except IssuerError as problem:
            response = _failed(visit, 503, "The issuer of the tokens does not answer", problem, {"retry-after": "1"})
        except (TimeoutError, Overrun) as problem:
            response = _failed(visit, 503, "The request took longer than the server may", problem, {"retry-after": "1"})
        except Exception as problem:  # noqa: BLE001  # a defect of ours must not become an answer without form
            response = _failed(visit, 500, "Internal server error", problem)
        except asyncio.CancelledError as problem:
            _failed(visit, CANCELLED, "The request was cancelled", problem)
            raise
        finally:
            if visit.writer is not None:
                record.status, record.streamed = 200, True
            elif response is not None:
                record.status = response.status
            for written in visit.items or (record,):
                written.status = record.status or 200
                self._audit.write(written)
        return await _end_of_stream(visit, response)

    def reject(self, reason: str) -> Response:
        """Answer to what is not a request at all."""
        record = Record(Request("", "", {}))
        visit = Visit(record.request, record)
        response = visit.refuse(400, INVALID_REQUEST, reason)
        record.status = response.status
        self._audit.write(record)
        return response

    async def _answer(self, visit: Visit) -> Response | None:
        request = visit.request
        if not matches(request.headers.get("host", ""), self._settings.hosts):
            return visit.refuse(421, INVALID_REQUEST, "Host is not served here")
        origin = request.headers.get("origin")
        if origin is not None and not matches(origin, self._settings.origins):
            return visit.refuse(403, INVALID_REQUEST, "Origin is not allowed")
        if is_metadata(request.path):
            return self._metadata(visit)
        if not request.path.rstrip("/").endswith("/mcp"):
            return visit.refuse(404, INVALID_REQUEST, "The MCP endpoint is /mcp")
        await self.kernel.enter()
        await self._identify(visit)
        reset = auth_context_var.set(visit.caller.user() if visit.caller is not None else None)
        try:
            return await self._by_verb(visit)
        finally:
            auth_context_var.reset(reset)

    async def _identify(self, visit: Visit) -> None:
        """Learn who calls, where the server asks for a token. Raises Refused; the record then names whoever was refused."""
        if self._verifier is None:
            return
        claims = visit.request.claims
        if claims is None:
            async with asyncio.timeout_at(UNTIL.get()):
                claims = await run_sync(self._verifier.claims, bearer(visit.request.headers))
        visit.record.caller = caller_of(claims)
        admit(visit.record.caller, self._settings)

    async def _by_verb(self, visit: Visit) -> Response | None:
        request = visit.request
        version = request.headers.get("mcp-protocol-version")
        is_legacy = version is None or version in VERSIONS
        if request.method == "POST":
            return await self._post(visit, is_legacy=is_legacy)
        if self._has_sessions and is_legacy:
            if request.method == "DELETE":
                return await self._legacy.delete(visit)
            if request.method == "GET" and "last-event-id" in request.headers:
                return await self._legacy.get(visit)
        # GET is for the rest of a stream only, hence not what somebody should try who has just tried it.
        allow = ("POST, DELETE" if request.method == "GET" else "POST, GET, DELETE") if self._has_sessions and is_legacy else "POST"
        return visit.refuse(405, INVALID_REQUEST, "Method not allowed", headers={"allow": allow})

    async def _post(self, visit: Visit, *, is_legacy: bool) -> Response | None:
        headers = visit.request.headers
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return visit.refuse(415, INVALID_REQUEST, "Content-Type must be application/json")
        accepts_json, visit.accepts_sse = accepted(headers.get("accept"))
        if not accepts_json:
            return visit.refuse(406, INVALID_REQUEST, "Accept must name application/json and text/event-stream")
        if len(visit.request.body) > REQUEST_LIMIT:
            return visit.refuse(413, INVALID_REQUEST, f"The body has more than {REQUEST_LIMIT} bytes")
        try:
            body: Any = parse(visit.request.body)
        except ValueError:
            return visit.refuse(400, PARSE_ERROR, "The body is not JSON")
        if is_legacy:
            return await self._legacy.post(visit, body)
        return await serve_modern(visit, body, self.kernel, self._access)

    def _metadata(self, visit: Visit) -> Response:
        document = protected_resource(self._settings)
        if visit.request.method != "GET":
            return visit.refuse(405, INVALID_REQUEST, "Method not allowed", headers={"allow": "GET"})
        if document is None:
            return visit.refuse(404, INVALID_REQUEST, "This server asks for no token")
        return json_response(200, document, {"cache-control": f"public, max-age={METADATA_SECONDS}"})

    def _refused(self, visit: Visit, refused: Refused) -> Response:
        headers = {"www-authenticate": challenge(refused, self._settings)}
        visit.record.error = refused.__cause__
        return visit.refuse(refused.status, INVALID_REQUEST, refused.reason, request_id=visit.request_id, headers=headers)


def accepted(accept: str | None) -> tuple[bool, bool]:
    """Whether the client takes JSON, and whether it takes event streams; one that names nothing takes JSON."""
    if accept is None:
        return True, False
    types = {item.partition(";")[0].strip().lower() for item in accept.split(",")}
    return bool(types & {"*/*", "application/*", "application/json"}), bool(types & {"*/*", "text/*", "text/event-stream"})


def _failed(visit: Visit, status: int, message: str, problem: BaseException, headers: Headers | None = None) -> Response:
    """The answer to what failed outside of a handler; of a batch, those messages have failed that have no answer yet."""
    visit.record.status = status
    for record in [item for item in visit.items if not item.status] or [visit.record]:
        record.fail(message, INTERNAL_ERROR, problem)
    return json_response(status, error(visit.request_id, INTERNAL_ERROR, message), headers)


async def _end_of_stream(visit: Visit, response: Response | None) -> Response | None:
    """What failed after its stream had begun is told of in the stream."""
    if response is None or visit.writer is None:
        return response
    await visit.writer.write(sse_event(response.body))
    return None
