"""Whatever the Lambda Runtime API or an HTTP server hands over, it gets one well-formed answer back."""

from __future__ import annotations

import asyncio
import io
import json
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claimstack.runtime.app import create_app
from claimstack.runtime.lambda_client import DELIMITER, Host, RuntimeApi
from claimstack.runtime.local import LocalServer

from .harness import ENVIRON, LOCKED, PACK, STATUSES, Data, Instance, cases, check_body, check_records, check_result
from .shapes import as_json, batches, events, messages, optional_headers, texts

# ---- the Lambda Runtime API


@dataclass
class Posted:
    path: str
    headers: Data
    body: bytes
    trailers: bytes = b""


@dataclass
class Api:
    """A Runtime API in this process, for one client."""

    address: str
    events: queue.SimpleQueue[bytes] = field(default_factory=queue.SimpleQueue)
    posted: queue.SimpleQueue[Posted] = field(default_factory=queue.SimpleQueue)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = made.events.get(timeout=10)
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "invocation-1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body, trailers = self._chunks()
            else:
                body, trailers = self.rfile.read(int(self.headers["Content-Length"])), b""
            made.posted.put(Posted(self.path, dict(self.headers.items()), body, trailers))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _chunks(self) -> tuple[bytes, bytes]:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                assert self.rfile.readline() == b"\r\n"
            trailers = b""
            while (line := self.rfile.readline()) != b"\r\n":
                trailers += line
            return body, trailers

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Api(f"127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class Environment:
    host: Host
    server: Instance


@pytest.fixture(scope="module", params=["json", "stream"])
def environment(request: pytest.FixtureRequest, api: Api) -> Iterator[Environment]:
    """An execution environment in each of the two modes."""
    log = io.StringIO()
    app = create_app({**ENVIRON, "CLAIMSTACK_RESPONSE_MODE": request.param}, (PACK, LOCKED), log=log)
    yield Environment(Host(RuntimeApi(api.address), app, {}), Instance(app, log))
    app.close()


def result_of(posted: Posted) -> Data:
    """The result of the function, whole or streamed."""
    assert posted.path.endswith("/invocation/invocation-1/response"), posted
    if posted.headers.get("Lambda-Runtime-Function-Response-Mode") != "streaming":
        result: Data = json.loads(posted.body)
        return result
    assert posted.trailers == b""
    prelude, delimiter, body = posted.body.partition(DELIMITER.encode())
    assert delimiter
    return {**json.loads(prelude), "body": body.decode()}


raw_events = st.one_of(
    *[events(sessions=False).map(lambda event: as_json(event).encode())] * 3,
    st.binary(max_size=60),
    st.tuples(
        events(sessions=False).map(lambda event: as_json(event).encode()), st.binary(min_size=1, max_size=9), st.integers(0, 400)
    ).map(lambda parts: parts[0][: parts[2]] + parts[1] + parts[0][parts[2] :]),
)


def test_any_bytes_as_an_event_get_one_answer(api: Api, environment: Environment) -> None:
    statuses = set()

    @cases(200)
    @given(raw_events)
    @example(b"")
    @example(b"\xff\xfe")
    @example(b"NaN")
    @example(b"[" * 100_000)
    def each(event: bytes) -> None:
        api.events.put(event)
        environment.host.serve_one()
        result = result_of(api.posted.get(timeout=10))
        check_result(result)
        statuses.add(result["statusCode"])
        assert api.posted.empty()
        assert environment.server.records()

    each()
    assert {200, 202, 400, 401} <= statuses


# ---- the local HTTP server


@dataclass
class Local:
    app: LocalServer
    log: io.StringIO
    runner: asyncio.Runner
    server: Instance

    def call(self, scope: Data, received: list[Data]) -> list[Data]:
        """What the application sends for a scope whose client sends these messages, and then waits."""
        return self.runner.run(self._call(scope, list(received)))

    async def _call(self, scope: Data, received: list[Data]) -> list[Data]:
        sent: list[Data] = []

        async def receive() -> Data:
            if received:
                return received.pop(0)
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        async def send(message: Data) -> None:
            sent.append(message)

        await asyncio.wait_for(self.app(scope, receive, send), 20)
        return sent


@pytest.fixture(scope="module", params=[False, True], ids=["json", "stream"])
def local(request: pytest.FixtureRequest) -> Iterator[Local]:
    log = io.StringIO()
    app = create_app({"CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1:8000/mcp"}, (PACK,), log=log)
    with asyncio.Runner() as runner:
        yield Local(LocalServer(app.adapter, streams=request.param), log, runner, Instance(app, log))
        runner.run(app.adapter.kernel.close())


def encoded(value: str) -> bytes:
    return value.encode("latin-1", "replace")


scopes = st.fixed_dictionaries(
    {
        "type": st.just("http"),
        "method": st.one_of(st.just("POST"), st.just("POST"), st.sampled_from(["GET", "DELETE", "PATCH", "post", ""])),
        "path": st.one_of(st.just("/mcp"), st.just("/mcp"), texts),
        "headers": st.one_of(
            st.just({}),
            st.just({}),
            st.fixed_dictionaries({}, optional=optional_headers),
            st.fixed_dictionaries({"host": texts, "origin": texts}),
        ).map(
            lambda more: [
                (b"host", b"127.0.0.1:8000"),
                (b"content-type", b"application/json"),
                (b"accept", b"application/json, text/event-stream"),
                *((encoded(name), encoded(value)) for name, value in more.items()),
            ]
        ),
    },
    optional={"client": st.sampled_from([None, ("127.0.0.1", 1), ("::1", 2)]), "query_string": st.just(b"a=b")},
)
payloads = st.one_of(
    messages.map(lambda message: as_json(message).encode()),
    messages.map(lambda message: as_json(message).encode()),
    batches.map(lambda batch: as_json(batch).encode()),
    st.binary(max_size=40),
)


def chunked(payload: bytes, cuts: list[int]) -> list[Data]:
    edges = sorted({0, *(cut % (len(payload) + 1) for cut in cuts), len(payload)})
    parts = [payload[start:end] for start, end in pairwise(edges)] or [b""]
    return [{"type": "http.request", "body": part, "more_body": number < len(parts) - 1} for number, part in enumerate(parts)]


def answer_of(sent: list[Data]) -> Data:
    """Status, headers and body of one HTTP response."""
    start, *bodies = sent
    assert start["type"] == "http.response.start"
    assert [message["type"] for message in bodies] == ["http.response.body"] * len(bodies)
    assert bodies
    assert [message.get("more_body", False) for message in bodies] == [True] * (len(bodies) - 1) + [False]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return {"statusCode": start["status"], "headers": headers, "body": b"".join(message["body"] for message in bodies).decode()}


def test_any_http_request_gets_one_answer(local: Local) -> None:
    statuses = set()

    @cases(300)
    @given(scopes, payloads, st.lists(st.integers(0, 10_000), max_size=3))
    def each(scope: Data, payload: bytes, cuts: list[int]) -> None:
        answer = answer_of(local.call(scope, chunked(payload, cuts)))
        assert answer["statusCode"] in STATUSES
        check_body(answer["statusCode"], answer["headers"], answer["body"])
        check_records(local.server.records(), {"body": payload.decode("latin-1")}, answer)
        statuses.add(answer["statusCode"])

    each()
    assert {200, 202, 400, 404, 405} <= statuses


@cases(60)
@given(scopes, payloads, st.integers(0, 3))
def test_a_client_that_goes_away_is_recorded_and_left(local: Local, scope: Data, payload: bytes, parts: int) -> None:
    received = chunked(payload, [3, 6, 9])[:parts] + [{"type": "http.disconnect"}] * 2
    sent = local.call(scope, received)
    if sent:
        answer_of(sent)
    assert len(local.server.records()) >= 1


def test_a_body_that_does_not_end_is_read_and_dropped(local: Local) -> None:
    headers = [(b"host", b"127.0.0.1:8000"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers}
    received = [{"type": "http.request", "body": b"x" * 1_000_000, "more_body": number < 11} for number in range(12)]
    assert answer_of(local.call(scope, received))["statusCode"] == 413
    local.server.records()


def test_other_kinds_of_connections_are_left_alone(local: Local) -> None:
    assert local.call({"type": "websocket", "path": "/mcp", "headers": []}, [{"type": "websocket.connect"}]) == []
