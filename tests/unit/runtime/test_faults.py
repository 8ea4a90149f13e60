"""What fails around the server or within a tool has a defined answer, and a record that says what it was."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from pydantic import BaseModel

from claimstack.runtime import app as app_module
from claimstack.runtime import aws
from claimstack.runtime.audit import TRACE_LIMIT
from claimstack.runtime.dynamodb import DynamoStore
from claimstack.runtime.loop import Loop
from claimstack.runtime.messages import Headers
from claimstack.runtime.replies import STREAM_LIMIT
from claimstack.runtime.store import ITEM_LIMIT, MemoryStore
from claimstack.runtime.tools import Pack, Tool

Json = dict[str, Any]
RESULT_LIMIT = 6 * 1024 * 1024
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:state"
KEY = "k" * 64


# ---- AWS, in small

Behaviour = Callable[[str, Json], tuple[int, Any]]


class Aws:
    """An endpoint for DynamoDB and Secrets Manager. `behave` answers an operation; what it leaves, the table and the secret answer."""

    def __init__(self) -> None:
        self.items: dict[str, Json] = {}
        self.secret: Json = {"SecretString": KEY}
        self.behave: Behaviour = self.answer
        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, operation: str, body: Json) -> tuple[int, Any]:
        key = body.get("Item", body.get("Key", {})).get("pk", {}).get("S", "")
        match operation:
            case "GetSecretValue" if body["VersionStage"] == "AWSCURRENT":
                return 200, self.secret
            case "GetItem":
                return 200, {"Item": self.items[key]} if key in self.items else {}
            case "PutItem" if "ConditionExpression" in body and key in self.items:
                return failure("ConditionalCheckFailedException")
            case "PutItem":
                assert len(json.dumps(body["Item"], ensure_ascii=False).encode()) < 400 * 1024, "an item has at most 400 KB"
                self.items[key] = body["Item"]
                return 200, {}
            case "DeleteItem":
                return 200, {"Attributes": old} if (old := self.items.pop(key, None)) else {}
        return failure("ResourceNotFoundException")

    def hang(self, operation: str, body: Json) -> tuple[int, Any]:
        self.released.wait(30)
        return 500, {}

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        aws_ = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, document = aws_.behave(self.headers["X-Amz-Target"].rpartition(".")[2], body)
                text = document if isinstance(document, bytes) else json.dumps(document).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/x-amz-json-1.0")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def failure(code: str) -> tuple[int, Json]:
    return 400, {"__type": f"com.amazonaws#{code}", "message": "no"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """AWS at a port of this machine, and clients that wait a fraction of what they would."""
    made = Aws()
    for name, value in {
        "AWS_ENDPOINT_URL_DYNAMODB": made.url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": made.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "READ_SECONDS", 0.3)
    monkeypatch.setattr(aws, "ATTEMPTS", 1)
    yield made
    made.close()


def context(milliseconds: int) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)


# ---- tools


class Word(BaseModel):
    word: str


async def echo(text: str) -> str:
    """Say it again."""
    return text


async def ask(ctx: Context, large: int = 0) -> str:
    """Tell of progress, and ask."""
    for step in range(large):
        await ctx.report_progress(step, message="é" * 500)
    await ctx.report_progress(large)
    answer = await ctx.elicit("Word?", Word)
    await ctx.report_progress(large + 1)
    return f"{answer.action}"


async def keep_state(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask in the way of the modern era, with a state."""
    if ctx.request_state is not None:
        return ctx.request_state
    form = ElicitRequestFormParams(message="Word?", requested_schema={"type": "object", "properties": {"word": {"type": "string"}}})
    return InputRequiredResult(input_requests={"word": ElicitRequest(params=form)}, request_state="kept")


PACK = Pack("faults", tools=(Tool(echo), Tool(ask, asks=True), Tool(keep_state)))


# ---- the table


TABLE_FAULTS: dict[str, Behaviour] = {
    "throttled": lambda *_: failure("ProvisionedThroughputExceededException"),
    "throttled on demand": lambda *_: failure("ThrottlingException"),
    "gone": lambda *_: failure("ResourceNotFoundException"),
    "refused": lambda *_: failure("AccessDeniedException"),
    "broken": lambda *_: (500, b""),
    "garbled": lambda *_: (200, b"[1]"),
}
SESSION = "s" * 43


def assert_unavailable(client: Any, answer: Any) -> None:
    assert (answer.status, answer.error["code"], answer.error["message"]) == (503, -32603, "The session store does not answer")
    assert answer.headers["retry-after"] == "1"
    record = client.record
    assert (record["outcome"], record["status"], record["client_id"]) == ("failure", 503, "desk")
    assert "StoreError" in record["exception"]


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_every_request_that_needs_a_failing_table_is_answered_503(make_client: Any, cloud: Aws, fault: str) -> None:
    cloud.behave = TABLE_FAULTS[fault]
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    assert_unavailable(client, client.start_session())
    for method in ("POST", "GET", "DELETE"):
        body = {"jsonrpc": "2.0", "id": 7, "method": "tools/list"} if method == "POST" else None
        answer = client.send(method, body, mcp_session_id=SESSION, last_event_id=f"{'0' * 32}.00000000.0")
        assert_unavailable(client, answer)
        assert len(client.records) == 2 + ("POST", "GET", "DELETE").index(method)


@pytest.mark.parametrize("fault", [*TABLE_FAULTS, "hangs"])
def test_requests_without_a_session_go_on_without_the_table(make_client: Any, cloud: Aws, fault: str) -> None:
    cloud.behave = TABLE_FAULTS.get(fault, cloud.hang)
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    assert client.call_modern("echo", {"text": "x"}).text_content == "x"
    assert client.send("GET", path="/.well-known/oauth-protected-resource/mcp").status == 200


@pytest.mark.usefixtures("cloud")
def test_a_table_that_cannot_be_reached_is_answered_503(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    assert_unavailable(client, client.start_session())


def test_a_table_that_hangs_is_given_up_on(make_client: Any, cloud: Aws) -> None:
    cloud.behave = cloud.hang
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    started = time.monotonic()
    assert_unavailable(client, client.start_session())
    assert time.monotonic() - started < 5


def test_a_table_slower_than_a_request_may_take_is_answered_in_time(make_client: Any, cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "READ_SECONDS", 20)
    cloud.behave = cloud.hang
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"), context=context(1000))
    started = time.monotonic()
    answer = client.start_session()
    assert time.monotonic() - started < 5
    assert_unavailable(client, answer)
    assert "TimeoutError" in client.record["exception"]
    client.context = None
    assert client.call_modern("echo", {"text": "x"}).text_content == "x"


def test_a_table_that_comes_back_is_used_again(make_client: Any, cloud: Aws) -> None:
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    cloud.behave = TABLE_FAULTS["throttled"]
    assert client.start_session().status == 503
    cloud.behave = cloud.answer
    assert client.start_session().status == 200
    assert client.call("echo", {"text": "x"}).text_content == "x"


def fail_from(cloud: Aws, operation: str, prefix: str) -> None:
    """From now on the table is throttled for this operation on these records."""

    def behave(found: str, body: Json) -> tuple[int, Any]:
        key = body.get("Item", body.get("Key", {})).get("pk", {}).get("S", "")
        return failure("ThrottlingException") if found == operation and key.startswith(prefix) else cloud.answer(found, body)

    cloud.behave = behave


def test_a_question_that_cannot_be_kept_is_not_asked(make_client: Any, cloud: Aws) -> None:
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    client.start_session()
    fail_from(cloud, "PutItem", "c#")
    answer = client.call("ask", request_id=9)
    assert_unavailable(client, answer)
    assert answer.body["id"] == 9
    assert client.app.adapter.kernel.abandoned == 0


class Stream:
    """What a carrier that can stream receives."""

    def __init__(self) -> None:
        self.opened: list[tuple[int, Headers]] = []
        self.text = ""

    async def __call__(self, status: int, headers: Headers) -> Stream:
        self.opened.append((status, headers))
        return self

    async def write(self, text: str) -> None:
        self.text += text

    @property
    def messages(self) -> list[Any]:
        return [json.loads(line[6:]) for line in self.text.split("\n") if line.startswith("data: {")]


def respond(client: Any, message: Json, stream: Stream, **headers: str) -> Any:
    event = {
        "httpMethod": "POST",
        "path": "/mcp",
        "headers": {
            "host": "mcp.example.gov",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **client.headers,
            **headers,
        },
        "requestContext": {"authorizer": {"claims": client.claims}},
        "body": json.dumps(message),
    }
    return client.app.respond(event, client.context, stream)


def call_of(name: str, identifier: Any = 1, **arguments: Any) -> Json:
    params = {"name": name, "arguments": arguments, "_meta": {"progressToken": 1}}
    return {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}


def test_a_stream_that_has_begun_ends_with_the_error(make_client: Any, cloud: Aws) -> None:
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    client.start_session()
    fail_from(cloud, "PutItem", "c#")
    stream = Stream()
    assert respond(client, call_of("ask", 9), stream) is None
    assert len(stream.opened) == 1
    progress, error = stream.messages
    assert progress["method"] == "notifications/progress"
    assert (error["id"], error["error"]["message"]) == (9, "The session store does not answer")
    assert (client.record["outcome"], client.record["status"], client.record["streamed"]) == ("failure", 200, True)


def test_a_batch_that_breaks_off_leaves_a_record_of_each_message(make_client: Any, cloud: Aws) -> None:
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    client.start_session("2025-03-26")
    fail_from(cloud, "GetItem", "c#")
    before = len(client.records)
    reply = {"jsonrpc": "2.0", "id": f"{'0' * 32}.00000000.0", "result": {}}
    answer = client.send(body=[call_of("echo", 1, text="x"), reply, call_of("echo", 2, text="x")])
    assert answer.status == 503
    records = client.records[before:]
    assert [(record["outcome"], record["status"], record["rpc_id"]) for record in records] == [
        ("success", 503, 1),
        ("failure", 503, f"{'0' * 32}.00000000.0"),
        ("failure", 503, 2),
    ]


@pytest.mark.usefixtures("cloud")
def test_a_call_that_emits_more_than_a_record_holds_is_kept_and_goes_on(make_client: Any) -> None:
    client = make_client(packs=(PACK,), store=DynamoStore("sessions"))
    client.start_session()
    answer = client.send(body=call_of("ask", 3, large=3000))
    question = answer.events[-1]
    assert question["method"] == "elicitation/create"
    assert 100 < len(answer.events) < 3000
    last, _ = answer.raw_events[-1]
    call, _, number = last.partition(".")
    assert int(number) == len(answer.events)
    client.send(body={"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"word": "w"}}})
    rest = client.send("GET", last_event_id=last)
    progress, result = rest.events
    assert (progress["params"]["progress"], result["result"]["content"][0]["text"]) == (3001, "accept")
    again = client.send("GET", last_event_id=f"{call}.0")
    assert again.events == answer.events + rest.events


# ---- the secret


def state_client(make_client: Any) -> Any:
    from .conftest import ENVIRON

    return make_client({**ENVIRON, "CLAIMSTACK_STATE_SECRET_ARN": SECRET}, (PACK,))


SECRET_FAULTS: dict[str, tuple[Behaviour | Json, str]] = {
    "refused": (lambda *_: failure("AccessDeniedException"), "AccessDeniedException"),
    "gone": (lambda *_: failure("ResourceNotFoundException"), "ResourceNotFoundException"),
    "throttled": (lambda *_: failure("ThrottlingException"), "ThrottlingException"),
    "garbled": (lambda *_: (200, b"[1]"), "AttributeError"),
    "too short": ({"SecretString": "short"}, "at least 32 bytes"),
    "binary": ({"SecretBinary": "AAAA"}, "KeyError"),
}


@pytest.mark.parametrize("fault", SECRET_FAULTS)
def test_a_call_that_needs_a_key_fails_without_one_and_others_do_not(make_client: Any, cloud: Aws, fault: str) -> None:
    behaviour, cause = SECRET_FAULTS[fault]
    if isinstance(behaviour, dict):
        cloud.secret = behaviour
    else:
        cloud.behave = behaviour
    client = state_client(make_client)
    assert client.call_modern("echo", {"text": "x"}).text_content == "x"

    answer = client.call_modern("keep_state")
    assert answer.error == {"code": -32603, "message": "Internal error"}
    assert client.record["outcome"] == "failure"
    assert cause in client.record["exception"]

    cloud.secret, cloud.behave = {"SecretString": KEY}, cloud.answer
    assert client.call_modern("keep_state").body["result"]["requestState"].startswith("v1.")


def test_a_secrets_manager_that_hangs_is_given_up_on(make_client: Any, cloud: Aws) -> None:
    cloud.behave = cloud.hang
    client = state_client(make_client)
    started = time.monotonic()
    assert client.call_modern("keep_state").error["code"] == -32603
    assert time.monotonic() - started < 5
    assert "ReadTimeoutError" in client.record["exception"]


def test_a_secrets_manager_slower_than_the_request_may_take_is_answered_in_time(
    make_client: Any, cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "READ_SECONDS", 20)
    cloud.behave = cloud.hang
    client = state_client(make_client)
    client.context = context(1000)
    started = time.monotonic()
    answer = client.call_modern("keep_state")
    assert time.monotonic() - started < 5
    assert answer.error["code"] == -32001
    assert "Overrun" in client.record["exception"]


@pytest.mark.usefixtures("cloud")
def test_a_secrets_manager_that_cannot_be_reached_is_no_reason_to_take_a_state(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    client = state_client(make_client)
    answer = client.modern("tools/call", {"name": "keep_state", "arguments": {}, "requestState": "v1.forged", "inputResponses": {}})
    assert answer.error["code"] == -32602
    assert "EndpointConnectionError" in client.record["exception"]


def test_known_keys_serve_while_secrets_manager_fails(make_client: Any, cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.runtime.state_keys.FRESH_SECONDS", 0)
    client = state_client(make_client)
    state = client.call_modern("keep_state").body["result"]["requestState"]
    cloud.behave = SECRET_FAULTS["refused"][0]  # type: ignore[assignment]  # this one is a behaviour
    answer = client.modern("tools/call", {"name": "keep_state", "arguments": {}, "requestState": state, "inputResponses": {}})
    assert answer.text_content == "kept"


# ---- tools that fail


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class UnknownExit(BaseException):
    pass


def recurse() -> None:
    recurse()


def raising(error: BaseException) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do


FAILURES: dict[str, tuple[Callable[[], Any], str]] = {
    "ValueError": (raising(ValueError("no")), "ValueError"),
    "SystemExit": (raising(SystemExit(3)), "SystemExit"),
    "KeyboardInterrupt": (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
    "MemoryError": (raising(MemoryError()), "MemoryError"),
    "RecursionError": (recurse, "RecursionError"),
    "CancelledError": (raising(asyncio.CancelledError()), "CancelledError"),
    "GeneratorExit": (raising(GeneratorExit()), "GeneratorExit"),
    "StopIteration": (raising(StopIteration(1)), "StopIteration"),
    "BaseException": (raising(UnknownExit()), "UnknownExit"),
    "BaseExceptionGroup": (raising(BaseExceptionGroup("several", [SystemExit(1)])), "BaseExceptionGroup"),
    "unprintable": (raising(UnprintableError()), "UnprintableError"),
    "long": (raising(ValueError("é\ud800" * 1_000_000)), "ValueError"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_whatever_a_tool_raises_is_answered_and_recorded(make_client: Any, kind: str) -> None:
    do, named = FAILURES[kind]

    async def fail() -> None:
        """Fail on the loop."""
        do()

    def fail_in_thread() -> None:
        """Fail in a worker."""
        do()

    client = make_client(packs=(Pack("failing", tools=(Tool(fail), Tool(fail_in_thread), Tool(echo))),), context=context(20_000))
    for tool in ("fail", "fail_in_thread"):
        for call in (client.call, client.call_modern):
            answer = call(tool)
            failed = answer.body["result"]["isError"] if "result" in answer.body else answer.error["code"] == -32603
            assert failed
            assert "Traceback" not in answer.text
            assert client.record["outcome"] == "failure"
            assert named in client.record["exception"]
            assert len(client.record["exception"]) <= TRACE_LIMIT + 10
    assert len(client.records) == 4
    assert client.call("echo", {"text": "x"}).text_content == "x"
    assert client.app.adapter.kernel.abandoned == 0


def test_a_task_that_a_tool_has_started_cannot_end_the_server(make_client: Any) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def start_and_forget() -> str:
        """Start a task that wants to leave."""
        asyncio.get_running_loop().create_task(leave()).add_done_callback(lambda task: task.exception())
        await asyncio.sleep(0.01)
        return "still here"

    async def start_and_wait() -> str:
        """Start one and wait for it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(leave())
        return "unreachable"

    client = make_client(packs=(Pack("starting", tools=(Tool(start_and_forget), Tool(start_and_wait))),), context=context(20_000))
    assert client.call("start_and_forget").text_content == "still here"
    assert client.call("start_and_wait").error["code"] == -32603
    assert "SystemExit" in client.record["exception"]


def test_a_tool_that_takes_no_notice_is_interrupted_again(make_client: Any) -> None:
    caught: list[BaseException] = []

    async def unimpressed() -> str:
        """Block the loop and go on when interrupted, twice."""
        while len(caught) < 2:
            try:
                time.sleep(30)
            except BaseException as error:  # noqa: BLE001  # what such a tool does
                caught.append(error)
        time.sleep(30)
        return "late"

    client = make_client(packs=(Pack("unimpressed", tools=(Tool(unimpressed),)),), context=context(1000))
    started = time.monotonic()
    assert client.call("unimpressed").error["code"] == -32001
    assert time.monotonic() - started < 10
    assert len(caught) == 2
    assert "in unimpressed" in client.record["exception"]


def test_a_handler_that_is_cancelled_may_tidy_up_before_the_answer(make_client: Any) -> None:
    tidied: list[str] = []

    async def tidy() -> None:
        """Hold something."""
        try:
            await asyncio.sleep(30)
        finally:
            tidied.append("tidy")

    client = make_client(packs=(Pack("tidy", tools=(Tool(tidy),)),), context=context(1000))
    assert client.call("tidy").error["code"] == -32001
    assert tidied == ["tidy"]
    assert client.app.adapter.kernel.abandoned == 0


def test_the_loop_itself_is_not_interrupted() -> None:
    """The alarm comes while nothing runs: the work ends as it would."""
    loop = Loop()
    try:
        assert loop.run(asyncio.sleep(0.7, "done"), 0.1) == "done"
    finally:
        loop.close()


def test_hanging_threads_are_counted_until_the_process_should_be_replaced(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang() -> None:
        """Hang in a thread."""
        released.wait(30)

    client = make_client(packs=(Pack("hanging", tools=(Tool(hang), Tool(echo))),), context=context(850))
    try:
        assert client.call("echo", {"text": "x"}).text_content == "x"
        monkeypatch.setattr(app_module, "CLOGGED_FROM", threading.active_count() + 2)
        counted = []
        for _ in range(4):
            assert client.call("hang").error["code"] == -32001
            counted.append(client.app.is_clogged)
        assert counted == [False, False, False, True], "the first hangs in the worker that was there"
        client.context = None
        assert client.call("echo", {"text": "x"}).text_content == "x"
    finally:
        released.set()


# ---- results


def odd_results() -> dict[str, Any]:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    return {
        "half a pair": "\ud800",
        "half a pair in a key": {"\ud800": 1},
        "not a number": float("nan"),
        "infinite": [float("inf")],
        "no text": b"\xff",
        "an object": object(),
        "a set": {1},
        "a circle": circle,
        "deep": deep,
        "huge": 10**5000,
        "odd keys": {(1, 2): 3},
    }


@pytest.mark.parametrize("kind", odd_results())
def test_a_result_that_json_cannot_carry_is_answered(make_client: Any, kind: str) -> None:
    async def odd() -> Any:
        """Return something odd."""
        return odd_results()[kind]

    client = make_client(packs=(Pack("odd", tools=(Tool(odd),)),))
    for answer in (client.call("odd"), client.call_modern("odd")):
        assert answer.status in (200, 500)
        assert "result" in answer.body or answer.error["code"] == -32603
    assert len(client.records) == 2


def test_notifications_and_a_large_answer_fit_together(make_client: Any) -> None:
    """Each takes several times its characters within Lambda's result."""

    async def verbose(ctx: Context) -> str:
        """Notify much, and return much."""
        for step in range(3000):
            await ctx.report_progress(step, message='"é𐐷' * 200)
        return '"' * 300_000

    client = make_client(packs=(Pack("verbose", tools=(Tool(verbose),)),))
    answer = client.send(body=call_of("verbose"))
    result = {"statusCode": 200, "headers": answer.headers, "body": answer.text}
    assert len(json.dumps(result, ensure_ascii=False).encode()) < RESULT_LIMIT
    assert 10 < len(answer.events) < 3000
    assert "result" in answer.events[-1]


def test_a_streamed_answer_has_its_own_limit(make_client: Any) -> None:
    async def large(size: int) -> str:
        """So many bytes, twice: as text and as structured content."""
        return "x" * (size // 2)

    client = make_client(packs=(Pack("large", tools=(Tool(large),)),))
    stream = Stream()
    fits = respond(client, call_of("large", size=7_000_000), stream)
    assert len(fits.body) > 7_000_000
    assert "result" in json.loads(fits.body)
    refused = respond(client, call_of("large", size=STREAM_LIMIT + 1000), stream)
    assert json.loads(refused.body)["error"]["code"] == -32002
    assert client.record["outcome"] == "failure"


def test_a_stream_carries_every_notification(make_client: Any) -> None:
    async def many(ctx: Context) -> str:
        """Notify often."""
        for step in range(3000):
            await ctx.report_progress(step)
        return "done"

    client = make_client(packs=(Pack("many", tools=(Tool(many),)),))
    stream = Stream()
    assert respond(client, call_of("many"), stream) is None
    assert len(stream.messages) == 3001
    assert stream.messages[-1]["result"]["content"][0]["text"] == "done"


# ---- the audit log


class BrokenStream(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def local_app(log: Any, *tools: Tool) -> Any:
    return app_module.create_app({"CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1/mcp"}, (Pack("t", tools=tools),), log=log)


def local_call(app: Any, name: str, **arguments: Any) -> Any:
    headers = {"host": "127.0.0.1", "content-type": "application/json"}
    event = {"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(call_of(name, **arguments))}
    return json.loads(app.handle_event(event)["body"])


def records_in(text: str) -> list[Json]:
    return [json.loads(line) for line in text.split("\n") if line.startswith("{") and '"mcp.request"' in line]


def test_an_audit_log_that_cannot_be_written_costs_no_answer_and_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    app = local_app(BrokenStream(), Tool(echo))
    try:
        assert local_call(app, "echo", text="x")["result"]["content"][0]["text"] == "x"
    finally:
        app.close()
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert [(record["target"], record["outcome"]) for record in records_in(error)] == [("echo", "success")]


def test_without_any_output_a_request_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    app = local_app(BrokenStream(), Tool(echo))
    monkeypatch.setattr(sys, "stderr", BrokenStream())
    try:
        assert local_call(app, "echo", text="x")["result"]["content"][0]["text"] == "x"
    finally:
        app.close()


def test_a_tool_that_closes_the_output_loses_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "out").open("w") as out:

        def close() -> str:
            """Close the stream that records go to."""
            out.close()
            return "closed"

        app = local_app(out, Tool(close), Tool(echo))
        try:
            assert local_call(app, "close")["result"]["content"][0]["text"] == "closed"
            assert local_call(app, "echo", text="x")["result"]["content"][0]["text"] == "x"
        finally:
            app.close()
    assert [record["target"] for record in records_in(capsys.readouterr().err)] == ["close", "echo"]


def test_a_record_with_text_that_is_no_text_is_written(client: Any) -> None:
    assert client.call("echo", {"text": "x"}, user_agent="\ud800").text_content == "x"
    assert client.record["user_agent"] == "\ud800"


# ---- the Lambda client


def test_an_environment_full_of_hanging_handlers_makes_room_for_another() -> None:
    """After its answer, and without waiting for the threads."""
    script = """
import os, time
from claimstack.runtime import app, lambda_client
from claimstack.runtime.tools import Pack, Tool

app.CLOGGED_FROM = 4

def hang() -> None:
    "Hang."
    time.sleep(600)

lambda_client.run(lambda environ: app.create_app(environ, (Pack("h", tools=(Tool(hang),)),)))
"""
    headers = {"host": "127.0.0.1", "content-type": "application/json"}
    event = {"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(call_of("hang"))}
    answers: list[Json] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "id")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 900))
            self._body(json.dumps(event).encode())

        def do_POST(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self._body(b"")

        def _body(self, body: bytes) -> None:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        environ = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1/mcp",
        }
        done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 1
    assert "this environment makes room for another" in done.stderr
    assert [json.loads(answer["body"])["error"]["code"] for answer in answers] == [-32001] * len(answers)
    assert len(records_in(done.stdout)) == len(answers) >= 2


def test_the_limits_of_a_memory_store_are_those_of_a_table() -> None:
    with pytest.raises(Exception, match="over the limit") as raised:
        asyncio.run(MemoryStore().put("k", {"x": "é" * (ITEM_LIMIT // 2)}, 60))
    assert type(raised.value).__name__ == "TooLargeError"
