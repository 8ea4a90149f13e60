"""No caller makes an answer, a record or the process grow beyond its limits."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claimstack.runtime.store import ITEM_LIMIT, MemoryStore

from .harness import ALICE, ENVIRON, Data, Instance, cases, instance, send
from .shapes import META, MODERN

LARGE = 4 * 1024 * 1024 - 1024
"""Bytes of a body just below what the server reads."""
FLAT_BYTES = 300_000
"""More than this over thousands of requests would be a leak."""


def call(name: str, identifier: Any = 1, **arguments: Any) -> Data:
    return {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def modern(message: Data, caller: Any = ALICE) -> Data:
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    params = {**message.get("params", {}), "_meta": meta}
    routing = {"mcp_protocol_version": MODERN, "mcp_method": message["method"], "mcp_name": params.get("name", "")}
    event: Data = caller.event({**message, "params": params}, **routing)
    return event


def begin(server: Instance, version: str = "2025-03-26", **capabilities: Any) -> Data:
    params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "f", "version": "1"}}
    result, _ = send(server, ALICE.event({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}))
    return result


characters = st.sampled_from(["x", '"', "\\", "é", "�", "𐐷", "\u2028", "\x7f", "\n"])


@cases(40)
@given(characters, st.integers(0, LARGE), st.sampled_from(["text", "method", "id", "name", "word", "key", "cursor"]))
@example('"', LARGE, "id")  # twice as long in the result of the function as in the body
@example('"', LARGE, "method")  # repeated in the error as its data
@example("𐐷", LARGE, "text")
@example('"', LARGE, "text")
def test_a_large_request_has_a_small_enough_answer(character: str, size: int, place: str) -> None:
    with instance() as server:
        text = character * (size // len(json.dumps(character, ensure_ascii=False)[1:-1].encode()))
        message = call("echo", text="x")
        match place:
            case "text":
                message["params"]["arguments"]["text"] = text
            case "word" | "key":
                message["params"]["arguments"] = {text: text[:10]} if place == "key" else {"word": text}
            case "name" | "cursor":
                message["params"][place] = text
            case _:
                message[place] = text
        for event in (ALICE.event(), {**modern(message)}):
            event["body"] = json.dumps(message if event.get("body") is None else json.loads(event["body"]), ensure_ascii=False)
            send(server, event)


@cases(20)
@given(st.integers(1, 50), st.sampled_from(["x", '"', "𐐷"]), st.integers(1, 100_000))
@example(50, '"', 40_000)
@example(33, '"', 63_496)
@example(2, "x", 2_000_000)
def test_the_answers_of_a_batch_fit_together(number: int, character: str, size: int) -> None:
    with instance() as server:
        escaped = len(json.dumps(character, ensure_ascii=False)[1:-1].encode())
        size = min(size, (LARGE // number - 200) // escaped)
        batch = [call("echo", index, text=character * size) for index in range(number)]
        event = ALICE.event()
        event["body"] = json.dumps(batch, ensure_ascii=False)
        result, messages = send(server, event)
        assert result["statusCode"] == 200
        assert [message["id"] for message in messages] == list(range(number))


def test_a_body_over_the_limit_is_refused() -> None:
    with instance() as server:
        for body in ("x" * (LARGE + 2048), "[" * (LARGE + 2048)):
            result, _ = send(server, {**ALICE.event(), "body": body})
            assert result["statusCode"] == 413


def test_what_a_session_cannot_keep_is_refused_and_not_kept() -> None:
    store = MemoryStore()
    with instance(store) as server:
        assert begin(server, elicitation={"x": "x" * ITEM_LIMIT})["statusCode"] == 413
        session = begin(server)["headers"]["mcp-session-id"]
        long = call("ask", 1)
        long["params"]["_meta"] = {"x": "é" * (ITEM_LIMIT // 2)}
        result, messages = send(server, ALICE.event(long, mcp_session_id=session))
        assert (result["statusCode"], messages[0]["id"]) == (413, 1)

        _, messages = send(server, ALICE.event(call("ask", 2), mcp_session_id=session))
        answer = {"jsonrpc": "2.0", "id": messages[-1]["id"], "result": {"action": "accept", "content": {"word": "x" * ITEM_LIMIT}}}
        assert send(server, ALICE.event(answer, mcp_session_id=session))[0]["statusCode"] == 413
    assert store._size < ITEM_LIMIT


def test_a_store_of_the_process_keeps_its_size() -> None:
    store = MemoryStore(room=2 * ITEM_LIMIT)
    with instance(store) as server:
        sessions = [begin(server, elicitation={"x": "x" * 100_000})["headers"]["mcp-session-id"] for _ in range(20)]
        assert store._size <= 2 * ITEM_LIMIT
        kept = [send(server, ALICE.event(call("secret"), mcp_session_id=session))[0]["statusCode"] == 200 for session in sessions]
    assert kept == [False] * (len(kept) - sum(kept)) + [True] * sum(kept), "the oldest go first"
    assert sum(kept) == 7


@pytest.mark.parametrize("store", [None, MemoryStore(most=50)], ids=["stateless", "with sessions"])
def test_thousands_of_requests_leave_nothing_behind(store: MemoryStore | None) -> None:
    """Sound, refused, failing and forged requests of both eras; after the first hundreds the process has all that it keeps."""
    with instance(store, {**ENVIRON, "CLAIMSTACK_AUDIT_CONTENT": "false"}) as server:

        def traffic(rounds: int) -> None:
            for number in range(rounds):
                session = begin(server)["headers"].get("mcp-session-id", "")
                for message in (
                    call("echo", f"{number}", text="x" * 1000),
                    call("ask", number),
                    call("crash", number),
                    call(f"missing-{number}", number),
                    {"jsonrpc": "2.0", "id": f"{number}.0", "result": {}},
                    {"jsonrpc": "2.0", "id": 1, "method": f"unknown/{number}"},
                ):
                    send(server, ALICE.event(message, mcp_session_id=session, user_agent=f"agent {number}"))
                    if "method" in message:
                        send(server, modern(message))
                send(server, ALICE.event(None, "GET", mcp_session_id=session, last_event_id=f"{number:032}.1"))
                send(server, {"httpMethod": f"V{number}", "path": f"/{number}", "headers": {f"x-{number}": "x"}})

        traffic(20)
        tracemalloc.start()
        try:
            traffic(10)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            traffic(80)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < FLAT_BYTES, f"{after - before} bytes after {80 * 14} requests"
