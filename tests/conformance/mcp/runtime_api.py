"""Runtime API: the Lambda service as an execution environment sees it, behind a REST API that passes streamed answers on as they come.

Each environment is a process with a Runtime API of its own, as on Lambda (Lambda developer guide, "Using the Lambda runtime API"; API
Gateway developer guide, "Set up a Lambda proxy integration with payload response streaming"). Stricter than Lambda: what a runtime
should not send is refused, and `RuntimeApi.misuse` tells of it.
"""

from __future__ import annotations

import json
import queue
import random
import secrets
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from .gateway import (
    FUNCTION,
    FUNCTION_ARN,
    HOST,
    RESULT_LIMIT,
    FunctionFailedError,
    FunctionTimeoutError,
    Outgoing,
    PayloadFormat,
    Tokens,
    answer,
    bound,
    front,
    read_result,
)
from .http_api import ROOT, START_SECONDS, STOP_SECONDS, function_environment

VERSION = "/2018-06-01/runtime"
STREAM_CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
SEPARATOR = b"\0" * 8
PRELUDE_LIMIT = 16 * 1024

PartKind = Literal["result", "data", "end", "failed"]
Part = tuple[PartKind, bytes]


@dataclass
class RuntimeApi:
    """What the tests see of it."""

    url: str
    misuse: list[str] = field(default_factory=list)
    """What the runtimes did that they should not."""
    errors: list[dict[str, Any]] = field(default_factory=list)
    """Errors that the runtimes reported, of invocations and of their start."""
    streamed: int = 0
    """How many answers were streamed."""


@contextmanager
def runtime_api(
    command: Sequence[str],
    *,
    environments: int = 2,
    format: PayloadFormat = "1.0",  # noqa: A002  # the name API Gateway has for it
    environment: Mapping[str, str] | None = None,
    tokens: Tokens | None = None,
    timeout: float = 29.0,
    log: Path | None = None,
) -> Iterator[RuntimeApi]:
    """Run execution environments of a command and serve them over HTTP.

    `{url}` in a value of `environment` stands for the URL of `/mcp`. `log` receives what the environments write. Each request goes to
    a random environment that asks for work; one that does not answer in `timeout` seconds is replaced.
    """
    server, url = bound()
    api = RuntimeApi(url)
    with tempfile.TemporaryDirectory() as folder:
        pool = _Pool(command, function_environment(environment or {}, url), log or Path(folder, "function.log"), timeout, format, api)
        try:
            pool.start(environments)
            with front(lambda incoming: answer(incoming, format, tokens, pool.invoke), server):
                yield api
        finally:
            server.server_close()
            pool.stop()


@dataclass
class _Invocation:
    event: bytes
    deadline: float
    id: str = field(default_factory=lambda: str(uuid.UUID(bytes=secrets.token_bytes(16))))
    parts: queue.SimpleQueue[Part] = field(default_factory=queue.SimpleQueue)
    answered: bool = False

    def next_part(self) -> Part:
        try:
            kind, data = self.parts.get(timeout=max(0.0, self.deadline - time.time()))
        except queue.Empty:
            raise FunctionTimeoutError from None
        if kind == "failed":
            raise FunctionFailedError(data.decode("utf-8", "replace"))
        return kind, data


class _Environment:
    """A process and the Runtime API that it alone talks to."""

    def __init__(self, pool: _Pool) -> None:
        self.pool = pool
        self.work: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self.current: _Invocation | None = None
        self.server = _RuntimeServer(self)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        with pool.log.open("ab") as output:
            self.process = subprocess.Popen(
                pool.command,
                cwd=ROOT,
                env={
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                    "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION}",
                    "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
                    "AWS_REGION": "us-east-1",
                    "AWS_EXECUTION_ENV": "AWS_Lambda_Image",
                    **pool.environment,
                    "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{self.server.server_port}",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        self.process.wait()
        self.pool.ended(self)
        if self.current is not None:
            self.current.parts.put(("failed", b"the process ended"))

    def stop(self) -> None:
        self.work.put(None)
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.server.shutdown()
        self.server.server_close()


@dataclass
class _Pool:
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    timeout: float
    payload_format: PayloadFormat
    api: RuntimeApi
    waiting: list[_Environment] = field(default_factory=list)
    started: list[_Environment] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def start(self, environments: int) -> None:
        self.started = [_Environment(self) for _ in range(environments)]
        with self.changed:
            self.changed.wait_for(lambda: len(self.waiting) == environments or not self._all_run(), timeout=START_SECONDS)
            if len(self.waiting) < environments:
                raise RuntimeError(f"an environment did not start: {self.api.errors}\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        for environment in self.started:
            environment.stop()

    def asks_for_work(self, environment: _Environment) -> None:
        with self.changed:
            self.waiting.append(environment)
            self.changed.notify_all()

    def ended(self, environment: _Environment) -> None:
        with self.changed:
            if environment in self.waiting:
                self.waiting.remove(environment)
            self.changed.notify_all()

    def invoke(self, event: Mapping[str, Any]) -> Outgoing:
        with self.changed:
            if not self.changed.wait_for(lambda: self.waiting, timeout=START_SECONDS):
                raise FunctionTimeoutError
            environment = self.waiting.pop(random.randrange(len(self.waiting)))
        invocation = _Invocation(json.dumps(event).encode(), time.time() + self.timeout)
        environment.current = invocation
        environment.work.put(invocation)
        try:
            kind, data = invocation.next_part()
            if kind == "result":
                return read_result(json.loads(data), self.payload_format)
            return self._streamed(environment, invocation, data if kind == "data" else b"")
        except (FunctionFailedError, FunctionTimeoutError) as error:
            self._replace(environment, error)
            raise

    def _streamed(self, environment: _Environment, invocation: _Invocation, data: bytes) -> Outgoing:
        """Status and headers as soon as the prelude is there; the rest in pieces."""
        while SEPARATOR not in data[: PRELUDE_LIMIT + len(SEPARATOR)]:
            kind, more = invocation.next_part()
            if kind == "end" or len(data) > PRELUDE_LIMIT:
                raise FunctionFailedError("no prelude")
            data += more
        text, _, rest = data.partition(SEPARATOR)
        try:
            head = read_result({**json.loads(text), "body": ""}, self.payload_format)
        except (TypeError, ValueError) as error:
            raise FunctionFailedError("the prelude is not a JSON object") from error
        self.api.streamed += 1
        return Outgoing(head.status, head.headers, self._pieces(environment, invocation, rest))

    def _pieces(self, environment: _Environment, invocation: _Invocation, first: bytes) -> Iterator[bytes]:
        if first:
            yield first
        try:
            while (part := invocation.next_part())[0] == "data":
                yield part[1]
        except (FunctionFailedError, FunctionTimeoutError) as error:
            self._replace(environment, error)
            raise

    def _replace(self, environment: _Environment, error: Exception) -> None:
        """A new environment in place of one that ended or must: an error that the runtime reported is not of these."""
        if isinstance(error, FunctionFailedError) and environment.process.poll() is None:
            return
        environment.process.kill()
        environment.stop()
        self.started[self.started.index(environment)] = _Environment(self)

    def _all_run(self) -> bool:
        return all(environment.process.poll() is None for environment in self.started)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _RuntimeServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
        pass

    def do_GET(self) -> None:
        environment = self.server.environment
        if self.path != f"{VERSION}/invocation/next":
            return self._refuse(404, f"GET {self.path}")
        if environment.current is not None and not environment.current.answered:
            return self._refuse(403, "next before the answer to the current invocation")
        environment.pool.asks_for_work(environment)
        invocation = environment.work.get()
        if invocation is None:
            self.close_connection = True
            return None
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0",
        }
        return self._send(200, invocation.event, headers)

    def do_POST(self) -> None:
        environment = self.server.environment
        invocation = environment.current
        if self.path == f"{VERSION}/init/error":
            environment.pool.api.errors.append(self._json())
            return self._send(202, b'{"status":"OK"}')
        action = self.path.rpartition("/")[2]
        if invocation is None or self.path not in (f"{VERSION}/invocation/{invocation.id}/{name}" for name in ("response", "error")):
            return self._refuse(400, f"POST {self.path}")
        if invocation.answered:
            return self._refuse(403, "a second answer to an invocation")
        if action == "error":
            error = self._json()
            environment.pool.api.errors.append(error)
            invocation.answered = True
            invocation.parts.put(("failed", json.dumps(error).encode()))
            return self._send(202, b'{"status":"OK"}')
        if self.headers.get("Lambda-Runtime-Function-Response-Mode", "").lower() == "streaming":
            return self._take_stream(environment, invocation)
        body = b"".join(self._body()[0])
        invocation.answered = True
        if len(body) > RESULT_LIMIT:
            invocation.parts.put(("failed", b"Function.ResponseSizeTooLarge"))
            return self._refuse(413, "a result over 6 MB")
        invocation.parts.put(("result", body))
        return self._send(202, b'{"status":"OK"}')

    def _take_stream(self, environment: _Environment, invocation: _Invocation) -> None:
        misuse = environment.pool.api.misuse
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            misuse.append("a streamed answer that is not chunked")
        if self.headers.get("Content-Type") != STREAM_CONTENT_TYPE:
            misuse.append(f"a streamed answer of type {self.headers.get('Content-Type')}")
        pieces, trailers = self._body()
        for piece in pieces:
            invocation.parts.put(("data", piece))
        invocation.answered = True
        error = trailers.get("lambda-runtime-function-error-type")
        if error is None:
            invocation.parts.put(("end", b""))
        else:
            environment.pool.api.errors.append({"errorType": error, "body": trailers.get("lambda-runtime-function-error-body", "")})
            invocation.parts.put(("failed", error.encode()))
        self._send(202, b'{"status":"OK"}')

    def _body(self) -> tuple[Iterator[bytes], dict[str, str]]:
        """The pieces of the request body, and its trailers, which are known once all pieces are taken."""
        trailers: dict[str, str] = {}
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks(trailers), trailers
        return iter([self.rfile.read(int(self.headers.get("Content-Length") or 0))]), trailers

    def _chunks(self, trailers: dict[str, str]) -> Iterator[bytes]:
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            trailers[name.lower()] = value.strip()

    def _json(self) -> dict[str, Any]:
        document = json.loads(b"".join(self._body()[0]) or b"{}")
        return document if isinstance(document, dict) else {"body": document}

    def _refuse(self, status: int, what: str) -> None:
        self.server.environment.pool.api.misuse.append(what)
        self.close_connection = True
        self._send(status, json.dumps({"errorType": "InvalidRequest", "errorMessage": what}).encode())

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _RuntimeServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, environment: _Environment) -> None:
        super().__init__((HOST, 0), _Handler)
        self.environment = environment

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # an environment that is stopped hangs up
