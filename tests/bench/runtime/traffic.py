"""Traffic: the events that every contender gets, the answers that count as right, and what each of them may get wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

HOST: Final = "mcp.example.com"
ISSUER: Final = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example"
CLIENT_ID: Final = "7example23client"
SCOPE: Final = f"https://{HOST}/mcp/invoke"

LEGACY: Final = "2025-11-25"
MODERN: Final = "2026-07-28"
TOOLS: Final = {"async": "echo", "sync": "echo_sync"}
CELLS: Final = tuple((version, kind) for version in (LEGACY, MODERN) for kind in TOOLS)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler of its invocation."""

    deadline: float
    aws_request_id: str = "8f5b2f0e-1111-4c4c-9d9d-000000000000"
    function_name: str = "bench"
    function_version: str = "1"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    memory_limit_in_mb: str = "512"
    log_group_name: str = "/aws/lambda/bench"
    log_stream_name: str = "2026/11/22/[1]0123456789abcdef"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.time()) * 1000))


def context() -> Context:
    return Context(time.time() + 29)


def event(body: Any, headers: dict[str, str] | None = None, method: str = "POST") -> Json:
    """An event of API Gateway's payload format 2.0 as it comes from behind a JWT authorizer."""
    claims = {
        "sub": CLIENT_ID, "client_id": CLIENT_ID, "iss": ISSUER, "scope": SCOPE, "token_use": "access", "version": "2",
        "jti": "00000000-0000-4000-8000-000000000000", "auth_time": "1795000000", "iat": "1795000000", "exp": "1795003600",
    }  # fmt: skip
    return {
        "version": "2.0",
        "routeKey": f"{method} /mcp",
        "rawPath": "/mcp",
        "rawQueryString": "",
        "headers": {
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {'x' * 900}",
            "content-length": "200",
            "content-type": "application/json",
            "host": HOST,
            "user-agent": "bench/1.0",
            "x-amzn-trace-id": "Root=1-65000000-0123456789abcdef01234567",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **(headers or {}),
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "authorizer": {"jwt": {"claims": claims, "scopes": [SCOPE]}},
            "domainName": HOST,
            "domainPrefix": "mcp",
            "http": {"method": method, "path": "/mcp", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "bench/1.0"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} /mcp",
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795348800000,
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def request(version: str, method: str, params: Json, number: int = 1, headers: dict[str, str] | None = None) -> Json:
    """One request as a client of that revision sends it."""
    sent = {"mcp-protocol-version": version}
    if version == MODERN:
        params = {**params, "_meta": meta_of(version)}
        sent["mcp-method"] = method
        if "name" in params:
            sent["mcp-name"] = params["name"]
    return event({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, {**sent, **(headers or {})})


def meta_of(version: str) -> Json:
    return {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1.0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }


def call(version: str, kind: str, number: int) -> Json:
    return request(version, "tools/call", {"name": TOOLS[kind], "arguments": {"text": f"text {number}"}}, number)


def is_right(result: Json, number: int) -> bool:
    """Whether this is the answer to `call(…, number)`."""
    if result["statusCode"] != 200:
        return False
    *_, message = messages(result)
    found = message.get("result") or {}
    content = found.get("content") or [{}]
    return message.get("id") == number and content[0].get("text") == f"text {number}" and not found.get("isError")


def messages(result: Json) -> list[Any]:
    """JSON-RPC messages of a body, be it JSON or an event stream; at least one."""
    body = result.get("body") or "null"
    kind = {name.lower(): value for name, value in (result.get("headers") or {}).items()}.get("content-type", "")
    if kind.startswith("text/event-stream"):
        lines = (line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:"))
        return [json.loads(line) for line in lines if line] or [{}]
    found = json.loads(body)
    return [found] if isinstance(found, dict) else [{"array": found}]


def error_of(result: Json) -> tuple[int, int | None]:
    return result["statusCode"], (messages(result)[-1].get("error") or {}).get("code")


def header_of(result: Json, name: str) -> str | None:
    return next((value for key, value in (result.get("headers") or {}).items() if key.lower() == name), None)


def _is_progress_first(result: Json) -> bool:
    found = messages(result)
    return len(found) == 2 and found[0].get("method") == "notifications/progress" and "result" in found[1]


_PING: Final = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_CALL: Final = {"name": TOOLS["sync"], "arguments": {"text": "text 1"}}

PROBES: Final[tuple[tuple[str, Json, Callable[[Json], bool]], ...]] = (
    ("asynchronous tools", call(LEGACY, "async", 1), lambda result: is_right(result, 1)),
    (
        f"{MODERN}: results say resultType",
        call(MODERN, "sync", 1),
        lambda result: (messages(result)[-1].get("result") or {}).get("resultType") == "complete",
    ),
    (f"{MODERN}: unknown method is 404, -32601", request(MODERN, "no/such", {}), lambda result: error_of(result) == (404, -32601)),
    (
        "header and body disagree: 400, -32020",
        request(MODERN, "tools/call", _CALL, headers={"mcp-name": "another"}),
        lambda result: error_of(result) == (400, -32020),
    ),
    (
        "unknown revision: 400, -32022",
        event({**_PING, "params": {"_meta": meta_of("2099-01-01")}}, {"mcp-protocol-version": "2099-01-01", "mcp-method": "ping"}),
        lambda result: error_of(result) == (400, -32022),
    ),
    (
        f"initialize agrees on {LEGACY}",
        request(LEGACY, "initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}),
        lambda result: (messages(result)[-1].get("result") or {}).get("protocolVersion") == LEGACY,
    ),
    (
        "2025-03-26: a batch is answered",
        event([_PING, {**_PING, "id": 2}], {"mcp-protocol-version": "2025-03-26"}),
        lambda result: len(messages(result)[0].get("array") or ()) == 2,
    ),
    (
        "progress reaches the client",
        request(LEGACY, "tools/call", {"name": "steps", "arguments": {}, "_meta": {"progressToken": 1}}),
        _is_progress_first,
    ),
    (
        "a tool that raises is isError",
        request(LEGACY, "tools/call", {"name": "fails", "arguments": {}}),
        lambda result: result["statusCode"] == 200 and (messages(result)[-1].get("result") or {}).get("isError") is True,
    ),
    (
        "foreign Origin is 403",
        request(LEGACY, "ping", {}, headers={"origin": "https://evil.example.net"}),
        lambda result: result["statusCode"] == 403,
    ),
    (
        "foreign Host is refused",
        request(LEGACY, "ping", {}, headers={"host": "evil.example.net"}),
        lambda result: result["statusCode"] in (400, 403, 421),
    ),
    (
        "GET is 405 with Allow, at once",  # last: what does not answer it has a broken event loop afterwards
        event(None, {"mcp-protocol-version": LEGACY, "accept": "text/event-stream"}, "GET"),
        lambda result: result["statusCode"] == 405 and header_of(result, "allow") is not None,
    ),
)
"""What a client may meet, the event for it, and whether the result is right by the revision's text (or by the SDK's practice)."""
