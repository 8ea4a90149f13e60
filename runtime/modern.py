"""Modern era: 2026-07-28, where every request stands for itself."""

from __future__ import annotations

from typing import Any

from mcp.server.connection import Connection
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    X_MCP_HEADER_KEY,
    InboundLadderRejection,
    classify_inbound_request,
    unsupported_protocol_version_rejection,
    validate_mcp_param_headers,
)
from mcp_types.jsonrpc import HEADER_MISMATCH, INVALID_REQUEST

from claimstack.runtime.access import Access
from claimstack.runtime.exchange import Exchange
from claimstack.runtime.jsonrpc import ID_NEEDED, is_request_id, params_of, progress_token
from claimstack.runtime.kernel import Kernel, modern_status
from claimstack.runtime.messages import Response
from claimstack.runtime.replies import Reply
from claimstack.runtime.visit import Visit

ROUTING_HEADERS = frozenset({"mcp-protocol-version", "mcp-method", "mcp-name"})


async def serve_modern(visit: Visit, message: Any, kernel: Kernel, access: Access) -> Response | None:
    """Answer one message of the modern era (specification 2026-07-28, basic/transports/streamable-http)."""
    headers, record = visit.request.headers, visit.record
    record.protocol = headers.get("mcp-protocol-version", "")[:32]
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        return visit.refuse(400, INVALID_REQUEST, "The body must be one JSON-RPC request or notification")
    record.read(message)
    request_id = message.get("id")
    doubled = sorted(ROUTING_HEADERS & visit.request.repeated)
    if doubled:
        return visit.refuse(400, HEADER_MISMATCH, f"{doubled[0]} header appears more than once", request_id=_usable(request_id))
    if "id" not in message:
        rejection = unsupported_protocol_version_rejection(headers["mcp-protocol-version"])
        return Response(202) if rejection is None else _rejected(visit, None, rejection)
    if not is_request_id(request_id):
        return visit.refuse(400, INVALID_REQUEST, ID_NEEDED)
    visit.request_id = request_id
    route = classify_inbound_request(message, headers=headers)
    if isinstance(route, InboundLadderRejection):
        return _rejected(visit, request_id, route)
    access.check(visit.caller, message)
    mismatch = _parameter_headers(message, visit, kernel)
    if mismatch is not None:
        return _rejected(visit, request_id, mismatch)

    reply = Reply(accepts_sse=visit.accepts_sse, opener=visit.opener)
    connection = Connection.from_envelope(route.protocol_version, route.client_info, route.client_capabilities)
    exchange = Exchange(request_id, headers, progress_token(message), reply)
    answer = await kernel.answer(exchange, connection, message, record, visit.seconds_left())
    return await visit.reply(reply, answer, modern_status(answer))


def _parameter_headers(message: Any, visit: Visit, kernel: Kernel) -> InboundLadderRejection | None:
    """How `Mcp-Param-*` headers and the arguments that they repeat differ, if they do."""
    params = params_of(message)
    name, arguments, lookup = params.get("name"), params.get("arguments") or {}, kernel.server.get_tool_input_schema
    if message["method"] != "tools/call" or lookup is None or not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    schema = lookup(name)
    if schema is None or X_MCP_HEADER_KEY not in repr(schema):  # to look is cheaper than to walk the schema, and few have one
        return None
    return validate_mcp_param_headers(schema, arguments, visit.request.headers)


def _rejected(visit: Visit, request_id: Any, rejection: InboundLadderRejection) -> Response:
    status = ERROR_CODE_HTTP_STATUS.get(rejection.code, 400)
    return visit.refuse(status, rejection.code, rejection.message, data=rejection.data, request_id=request_id)


def _usable(request_id: Any) -> Any:
    return request_id if is_request_id(request_id) else None
