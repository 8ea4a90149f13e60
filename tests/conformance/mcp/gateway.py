"""Gateway: what API Gateway does in front of a function, as documented; none of it was compared with a deployed API.

HTTP APIs send payload format 2.0, REST APIs format 1.0. Not imitated: throttling, request size limits, TLS, CORS.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

PayloadFormat = Literal["1.0", "2.0"]
Claims = Mapping[str, str]
Tokens = Mapping[str, Claims]
"""Bearer tokens that the authorizer accepts, with the claims it passes on."""

HOST = "127.0.0.1"
FUNCTION = "mcp"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
RESULT_LIMIT = 6 * 1024 * 1024
"""Bytes of a buffered result that Lambda takes."""
ENDPOINT = "/mcp"
METADATA = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp")
ROUTES = {ENDPOINT: ("DELETE", "GET", "POST"), METADATA[0]: ("GET",), METADATA[1]: ("GET",)}
HOP_BY_HOP = ("connection", "content-length", "transfer-encoding")
REMAPPED = ("date", "server", "www-authenticate")
"""Headers of a function's answer that a REST API passes on under another name."""
REFUSALS: Mapping[tuple[PayloadFormat, str], tuple[int, str]] = {
    ("1.0", "no route"): (403, "Missing Authentication Token"),
    ("1.0", "no token"): (401, "Unauthorized"),
    ("1.0", "failed"): (502, "Internal server error"),
    ("1.0", "timeout"): (504, "Endpoint request timed out"),
    ("2.0", "no route"): (404, "Not Found"),
    ("2.0", "no token"): (401, "Unauthorized"),
    ("2.0", "failed"): (500, "Internal Server Error"),
    ("2.0", "timeout"): (503, "Service Unavailable"),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """An HTTP request as a client sent it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An HTTP answer; a body that is still being made comes in pieces."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterator[bytes] = b""


class FunctionFailedError(Exception):
    """The function raised, ended, or answered with what is no answer."""


class FunctionTimeoutError(Exception):
    """The function had no answer in time."""


Invoke = Callable[[dict[str, Any]], Outgoing]
"""Runs the function with an event. Raises FunctionFailedError and FunctionTimeoutError."""


def answer(incoming: Incoming, payload_format: PayloadFormat, tokens: Tokens | None, invoke: Invoke) -> Outgoing:
    """Route, authorize, run."""
    if incoming.method not in ROUTES.get(incoming.path, ()):
        return refusal(payload_format, "no route")
    claims = None
    if tokens is not None and incoming.path == ENDPOINT:
        kind, _, token = incoming.header("authorization").partition(" ")
        claims = tokens.get(token.strip()) if kind.lower() == "bearer" else None
        if claims is None:
            return refusal(payload_format, "no token")
    build = rest_api_event if payload_format == "1.0" else http_api_event
    try:
        outgoing = invoke(build(incoming, claims))
    except FunctionFailedError:
        return refusal(payload_format, "failed")
    except FunctionTimeoutError:
        return refusal(payload_format, "timeout")
    if payload_format == "2.0":
        return outgoing
    headers = tuple((f"x-amzn-remapped-{name}" if name in REMAPPED else name, value) for name, value in outgoing.headers)
    return Outgoing(outgoing.status, headers, outgoing.body)


def refusal(payload_format: PayloadFormat, cause: str) -> Outgoing:
    status, message = REFUSALS[payload_format, cause]
    challenge = (("www-authenticate", "Bearer"),) if (payload_format, cause) == ("2.0", "no token") else ()
    return Outgoing(status, (("content-type", "application/json"), *challenge), json.dumps({"message": message}).encode())


def http_api_event(incoming: Incoming, claims: Claims | None) -> dict[str, Any]:
    """Payload format 2.0."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in _with_forwarded(incoming):
        key = name.lower()
        if key == "cookie":
            cookies += value.split("; ")
        else:
            headers[key] = f"{headers[key]},{value}" if key in headers else value
    host = headers.get("host", "").partition(":")[0]
    route = f"{incoming.method} {incoming.path}"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": incoming.path,
        "rawQueryString": incoming.query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": incoming.method,
                "path": incoming.path,
                "protocol": "HTTP/1.1",
                "sourceIp": HOST,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": secrets.token_urlsafe(11),
            "routeKey": route,
            "stage": "$default",
            **_moment(),
        },
        "isBase64Encoded": False,
    }
    if claims is not None:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": dict(claims), "scopes": None}}
    if cookies:
        event["cookies"] = cookies
    if incoming.query:
        event["queryStringParameters"] = dict(parse_qsl(incoming.query, keep_blank_values=True))
    if incoming.body:
        content_type = headers.get("content-type", "")
        text = _text(incoming.body) if content_type.startswith("text/") or "json" in content_type or "xml" in content_type else None
        event["isBase64Encoded"] = text is None
        event["body"] = base64.b64encode(incoming.body).decode() if text is None else text
    return event


def rest_api_event(incoming: Incoming, claims: Claims | None) -> dict[str, Any]:
    """Payload format 1.0 of a regional API without binary media types."""
    several: dict[str, list[str]] = {}
    for name, value in _with_forwarded(incoming):
        several.setdefault(name, []).append(value)
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(incoming.query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    host = incoming.header("host").partition(":")[0]
    return {
        "resource": incoming.path,
        "path": incoming.path,
        "httpMethod": incoming.method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "extendedRequestId": secrets.token_urlsafe(11),
            "httpMethod": incoming.method,
            "identity": {"sourceIp": HOST, "userAgent": incoming.header("user-agent") or None, "apiKey": None},
            "path": incoming.path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.UUID(bytes=secrets.token_bytes(16))),
            "resourceId": "resource",
            "resourcePath": incoming.path,
            "stage": "live",
            **({"authorizer": {"claims": dict(claims)}} if claims is not None else {}),
            **{("requestTime" if name == "time" else "requestTimeEpoch"): value for name, value in _moment().items()},
        },
        "body": incoming.body.decode("utf-8", "replace") if incoming.body else None,
        "isBase64Encoded": False,
    }


def read_result(result: Any, payload_format: PayloadFormat) -> Outgoing:
    """A function's buffered result as an answer. Raises FunctionFailedError where a REST API would refuse it."""
    if not isinstance(result, dict) or "statusCode" not in result:
        if payload_format == "1.0":
            raise FunctionFailedError("malformed proxy response")
        return Outgoing(200, (("content-type", "application/json"),), json.dumps(result).encode())
    headers = [(name, str(value)) for name, value in (result.get("headers") or {}).items()]
    headers += [(name, str(value)) for name, values in (result.get("multiValueHeaders") or {}).items() for value in values]
    headers += [("set-cookie", cookie) for cookie in result.get("cookies") or ()]
    body = result.get("body") or ""
    if not isinstance(body, str):
        raise FunctionFailedError("the body is not text")
    data = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    return Outgoing(int(result["statusCode"]), tuple((name.lower(), value) for name, value in headers), data)


class _Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = tuple((name, value.strip()) for name, value in self.headers.items())
        outgoing = self.server.answer(Incoming(self.command, self.path, headers, body))
        self.send_response_only(outgoing.status)
        for name, value in outgoing.headers:
            if name not in HOP_BY_HOP:
                self.send_header(name, value)
        if isinstance(outgoing.body, bytes):
            if outgoing.body and not any(name == "content-type" for name, _ in outgoing.headers):
                self.send_header("content-type", "text/plain;charset=UTF-8")
            self.send_header("content-length", str(len(outgoing.body)))
            self.end_headers()
            self.wfile.write(outgoing.body)
        else:
            self._send_pieces(outgoing.body)

    # The base class looks the verbs up by these names.
    do_DELETE = do_GET = do_HEAD = do_OPTIONS = do_PATCH = do_PUT = do_POST  # noqa: N815

    def _send_pieces(self, pieces: Iterator[bytes]) -> None:
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for piece in pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except (FunctionFailedError, FunctionTimeoutError):
            self.close_connection = True  # without the last chunk: the client sees that the answer is not whole


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    answer: Callable[[Incoming], Outgoing]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hangs up is no error of the gateway


@contextmanager
def front(handle: Callable[[Incoming], Outgoing], server: Server) -> Iterator[None]:
    """Answer requests on a bound server until the end of the block."""
    server.answer = handle
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def bound() -> tuple[Server, str]:
    """A server on a free port that does not answer yet, and the URL of its MCP endpoint."""
    server = Server((HOST, 0), _Front)
    return server, f"http://{HOST}:{server.server_port}{ENDPOINT}"


def _with_forwarded(incoming: Incoming) -> list[tuple[str, str]]:
    trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    added = {"X-Amzn-Trace-Id": trace, "X-Forwarded-For": HOST, "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}
    return [*incoming.headers, *((name, value) for name, value in added.items() if not incoming.header(name.lower()))]


def _moment() -> dict[str, Any]:
    now = time.time()
    return {"time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)), "timeEpoch": int(now * 1000)}


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
