"""Lambda client: takes invocations from the Lambda Runtime API and hands answers back, whole or as they come.

Lambda developer guide, "Using the Lambda runtime API for custom runtimes"; API Gateway developer guide, "Set up a Lambda proxy integration
with response streaming": a streamed body starts with status and headers as JSON, then eight NUL bytes; an error after that goes into
trailers.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from claimstack.runtime.jsonrpc import dump, parse
from claimstack.runtime.messages import Headers, Response

API: Final = "/2018-06-01/runtime"
NEXT_SECONDS: Final = None
"""No limit: an environment without requests is frozen while it waits."""
POST_SECONDS: Final = 60
LONGEST_SECONDS: Final = 900
"""Where an invocation tells no deadline: Lambda's longest timeout."""
DELIMITER: Final = "\0" * 8
STREAM_TYPE: Final = "application/vnd.awslambda.http-integration-response"


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells of one invocation, by the names that handlers know."""

    aws_request_id: str
    invoked_function_arn: str
    deadline_ms: int
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.deadline_ms - int(time.time() * 1000))


class RuntimeApi:
    """The two connections of one execution environment: one waits for invocations, one returns what became of them."""

    def __init__(self, address: str) -> None:
        self._next = http.client.HTTPConnection(address, timeout=NEXT_SECONDS)
        self._answers = http.client.HTTPConnection(address, timeout=POST_SECONDS)

    def next(self) -> tuple[Mapping[str, str], bytes]:
        """Wait for an invocation: its headers by lower-case name, and the event."""
        self._next.request("GET", f"{API}/invocation/next")
        answer = self._next.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise ConnectionError(f"the runtime API answers {answer.status}: {body[:200]!r}")
        return {name.lower(): value for name, value in answer.getheaders()}, body

    def post(self, path: str, body: str, headers: Headers | None = None) -> None:
        self._answers.request("POST", f"{API}/{path}", body.encode(), headers or {"Content-Type": "application/json"})
        self._answers.getresponse().read()

    def reconnect(self) -> None:
        """Forget what was half sent; http.client connects anew by itself."""
        self._answers.close()

    def stream(self, invocation: str) -> Stream:
        return Stream(self._answers, f"{API}/invocation/{invocation}/response")


class Stream:
    """One streamed response: open, write, close. An `Opener` and the `Writer` that it opens."""

    def __init__(self, connection: http.client.HTTPConnection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._is_over = False
        self.is_open = False

    async def __call__(self, status: int, headers: Headers) -> Stream:
        self.open(status, headers)
        return self

    async def write(self, text: str) -> None:
        self.send(text)

    def open(self, status: int, headers: Headers) -> None:
        if self._is_over:
            return
        connection = self._connection
        connection.putrequest("POST", self._path)
        connection.putheader("Content-Type", STREAM_TYPE)
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
        connection.endheaders()
        self.is_open = True
        self.send(dump({"statusCode": status, "headers": headers}) + DELIMITER)

    def send(self, text: str) -> None:
        data = text.encode()
        if data and self.is_open:  # an empty chunk would end the body
            self._connection.send(b"%x\r\n%b\r\n" % (len(data), data))

    def close(self, error: BaseException | None = None) -> None:
        """End the body, with the error in trailers where there is one. What is sent later is dropped: the connection is another's."""
        if not self.is_open:
            self._is_over = True
            return
        self.is_open, self._is_over = False, True
        trailers = b""
        if error is not None:
            described = base64.b64encode(json.dumps(describe(error)).encode()).decode()
            trailers = (
                f"Lambda-Runtime-Function-Error-Type: {type(error).__name__}\r\nLambda-Runtime-Function-Error-Body: {described}\r\n"
            ).encode()
        self._connection.send(b"0\r\n" + trailers + b"\r\n")
        self._connection.getresponse().read()


def describe(error: BaseException) -> dict[str, str]:
    """An error for the runtime API. Its message stays in the log of the function: it may hold what callers must not see."""
    return {"errorType": type(error).__name__, "errorMessage": "the function failed; its log has the details"}


class Host:
    """Serves invocations with an app, one after the other, for ever."""

    def __init__(self, api: RuntimeApi, app: Any, environ: Mapping[str, str]) -> None:
        self._api = api
        self._app = app
        self._environ = environ
        self._streams = app.settings.response_mode == "stream"

    def serve(self) -> NoReturn:
        while not self._app.is_clogged:
            self.serve_one()
        print("error: too many handlers never end; this environment makes room for another", file=sys.stderr, flush=True)
        os._exit(1)  # an orderly exit would wait for their threads

    def serve_one(self) -> None:
        headers, body = self._api.next()
        invocation = headers["lambda-runtime-aws-request-id"]
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        stream = self._api.stream(invocation) if self._streams else None
        try:
            response = self._respond(body, self._context(headers, invocation), stream)
            if response is not None:
                self._answer(invocation, response, stream)
            if stream is not None:
                stream.close()
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # one bad invocation must not end the environment
            traceback.print_exc()
            if stream is not None and stream.is_open:
                stream.close(error)
            else:
                self._api.reconnect()
                self._api.post(f"invocation/{invocation}/error", json.dumps(describe(error)))

    def _respond(self, body: bytes, context: Context, stream: Stream | None) -> Response | None:
        try:
            event = parse(body)
        except ValueError:
            event = None
        response: Response | None = self._app.respond(event, context, stream)
        return response

    def _answer(self, invocation: str, response: Response, stream: Stream | None) -> None:
        if stream is None:
            self._api.post(
                f"invocation/{invocation}/response",
                dump({"statusCode": response.status, "headers": response.headers, "body": response.body}),
            )
            return
        stream.open(response.status, response.headers)
        stream.send(response.body)

    def _context(self, headers: Mapping[str, str], invocation: str) -> Context:
        environ = self._environ
        return Context(
            aws_request_id=invocation,
            invoked_function_arn=headers.get("lambda-runtime-invoked-function-arn", ""),
            deadline_ms=int(headers.get("lambda-runtime-deadline-ms") or (time.time() + LONGEST_SECONDS) * 1000),
            function_name=environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            function_version=environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            memory_limit_in_mb=environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", ""),
            log_group_name=environ.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
            log_stream_name=environ.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
        )


def run(make_app: Callable[[Mapping[str, str]], Any], environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Make the app and serve for ever. What goes wrong before the first invocation is reported as an initialisation error (exit 1)."""
    address = environ.get("AWS_LAMBDA_RUNTIME_API")
    if not address:
        sys.exit("AWS_LAMBDA_RUNTIME_API is not set: this program runs on AWS Lambda; `claimstack serve` runs the server locally")
    api = RuntimeApi(address)
    try:
        app = make_app(environ)
        app.warm()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is, Lambda has to learn that this environment does not start
        causes = getattr(error, "causes", None)
        if causes is None:
            traceback.print_exc()
        for cause in causes or ():
            print(f"error: {cause}", file=sys.stderr)
        api.post("init/error", json.dumps(describe(error)), {"Lambda-Runtime-Function-Error-Type": f"Runtime.{type(error).__name__}"})
        sys.exit(1)
    Host(api, app, environ).serve()


def main() -> NoReturn:
    from claimstack.runtime.sdk import load_sdk

    load_sdk()
    from claimstack.runtime.app import create_app

    run(create_app)
