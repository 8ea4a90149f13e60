"""What clients see when something fails, and what the record has of it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from claimstack.runtime import app as app_module
from claimstack.runtime.audit import TRACE_LIMIT
from claimstack.runtime.messages import Headers
from claimstack.runtime.replies import BUFFERED_LIMIT
from claimstack.runtime.tools import Pack, Tool

from .conftest import echo
from .faults import context


async def seven_megabytes() -> str:
    """Too much."""
    return "x" * 7_000_000


async def quotes() -> str:
    """Three megabytes that double as a JSON string."""
    return '"' * 3_200_000


async def sleep() -> str:
    """Wait for ever."""
    await asyncio.sleep(60)
    return "late"


async def block() -> str:
    """Block the event loop."""
    time.sleep(60)
    return "late"


def block_in_thread() -> str:
    """Block a worker thread for a moment longer than the call may take."""
    time.sleep(1.5)
    return "late"


async def stubborn() -> str:
    """Ignore the first cancellation."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.01)
    return "late"


SLOW = Pack("slow", tools=tuple(map(Tool, (sleep, block, block_in_thread, stubborn, seven_megabytes, quotes))))


def test_a_client_sees_no_stack_trace(client: Any) -> None:
    for answer in (client.call("crash"), client.call_modern("crash")):
        assert answer.text_content == "Error executing tool crash"
        assert answer.body["result"]["isError"] is True
        for hidden in ("hunter2", "ValueError", "Traceback", ".py"):
            assert hidden not in answer.text


def test_the_record_of_a_failure_has_the_stack_trace(client: Any) -> None:
    client.call("crash")
    trace = client.record["exception"]
    assert trace.startswith("Traceback (most recent call last)")
    assert "in crash\n" in trace
    assert "\nValueError\n" in trace
    assert "hunter2" not in client.log.getvalue()


@pytest.mark.parametrize("tool", ["sleep", "block", "block_in_thread", "stubborn"])
def test_a_tool_past_its_deadline_is_answered(make_client: Any, tool: str) -> None:
    client = make_client(packs=(SLOW,), context=context(1250))  # half a second after the margin
    for answer in (client.call(tool), client.call_modern(tool)):
        assert (answer.status, answer.error["code"]) == (200, -32001)
        assert client.record["outcome"] == "failure"
    assert client.rpc("ping").body["result"] == {}


def test_a_result_over_the_limit_is_answered_with_an_error(make_client: Any) -> None:
    client = make_client(packs=(SLOW,))
    for tool in ("seven_megabytes", "quotes"):
        for answer in (client.call(tool), client.call_modern(tool)):
            assert answer.error["code"] == -32002
            assert f"of which {BUFFERED_LIMIT} can be sent" in answer.error["message"]


def test_a_result_just_below_the_limit_fits_into_what_lambda_takes(make_client: Any) -> None:
    size = BUFFERED_LIMIT - 1000

    async def large() -> str:
        """A large result."""
        return "x" * (size // 2)

    client = make_client(packs=(Pack("large", tools=(Tool(large),)),))
    answer = client.call("large")  # as text and as structured content: twice
    assert "result" in answer.body
    assert len(json.dumps({"statusCode": 200, "headers": answer.headers, "body": answer.text})) < 6 * 1024 * 1024


def test_a_result_that_is_no_json_is_answered_with_an_error(make_client: Any) -> None:
    async def half_a_pair() -> str:
        """Half of a surrogate pair."""
        return "\ud800"

    client = make_client(packs=(Pack("odd", tools=(Tool(half_a_pair),)),))
    answer = client.call("half_a_pair")
    assert answer.status == 200
    assert answer.error["code"] == -32603 or answer.body["result"]["isError"]


def test_an_unknown_tool_is_an_error_of_the_call(client: Any) -> None:
    assert client.call("missing").body["result"]["isError"] is True


def test_a_defect_of_the_server_is_answered_and_recorded(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a path like /opt/secret")

    monkeypatch.setattr(client.app.adapter, "_by_verb", broken)
    answer = client.call("echo", {"text": "x"})
    assert (answer.status, answer.error["code"], answer.error["message"]) == (500, -32603, "Internal server error")
    assert "RuntimeError" in client.record["exception"]


def test_progress_leaves_while_the_tool_still_runs(make_client: Any) -> None:
    """The tool goes on only after its first notification has been written."""
    written = asyncio.Event()

    class Stream:
        def __init__(self) -> None:
            self.chunks: list[str] = []
            self.head: tuple[int, Headers] | None = None

        async def __call__(self, status: int, headers: Headers) -> Stream:
            self.head = (status, headers)
            return self

        async def write(self, text: str) -> None:
            self.chunks.append(text)
            written.set()

    from mcp.server.mcpserver import Context

    async def careful(ctx: Context) -> str:
        """Go on when somebody has seen the progress."""
        await ctx.report_progress(1, 2)
        await written.wait()
        return "done"

    careful.__annotations__["ctx"] = Context
    client = make_client({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp"}, (Pack("s", tools=(Tool(careful),)),), claims=None)
    stream = Stream()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "careful", "_meta": {"progressToken": 1}}}
    event = {
        "httpMethod": "POST",
        "path": "/mcp",
        "headers": {"host": "mcp.example.gov", "content-type": "application/json", "accept": "*/*"},
        "body": json.dumps(message),
    }
    assert client.app.respond(event, context(10_000), stream) is None
    assert stream.head is not None
    assert stream.head[1]["content-type"] == "text/event-stream"
    progress, answer = (json.loads(chunk.split("data: ")[1]) for chunk in stream.chunks)
    assert (progress["method"], answer["result"]["content"][0]["text"]) == ("notifications/progress", "done")
    assert client.record["streamed"] is True


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
