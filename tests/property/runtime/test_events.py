"""Whatever arrives as an event, the answer is well formed, recorded once, and holds nothing of another caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given

from claimstack.runtime.store import MemoryStore

from .harness import ALICE, BOB, Data, Instance, cases, instance, secret_of, send
from .shapes import OTHER_EVENT, OTHER_SESSION, OWN_EVENT, OWN_SESSION, events, filled, junk

BOBS = (secret_of("bob"),)


@pytest.fixture(scope="module")
def stateless() -> Iterator[Instance]:
    with instance() as made:
        yield made


@pytest.fixture(scope="module")
def with_sessions() -> Iterator[Instance]:
    with instance(MemoryStore(most=200)) as made:
        yield made


def places(server: Instance, event: Any) -> Data:
    """A session of each caller that the event speaks of, with a call in it that has asked its client."""
    found = {}
    text = repr(event)
    for caller, session, asked in ((ALICE, OWN_SESSION, OWN_EVENT), (BOB, OTHER_SESSION, OTHER_EVENT)):
        if session not in text and asked not in text:
            continue
        params = {"protocolVersion": "2025-03-26", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "f", "version": "1"}}
        begun, _ = send(server, caller.event({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}))
        found[session] = begun["headers"]["mcp-session-id"]
        call = {"jsonrpc": "2.0", "id": "call", "method": "tools/call", "params": {"name": "ask", "arguments": {}}}
        _, messages = send(server, caller.event(call, mcp_session_id=found[session]))
        found[asked] = messages[-1]["id"]
    return found


def outcome(result: Data, messages: list[Data]) -> str:
    """What came of an event: its status, and whether a handler had a result."""
    return f"{result['statusCode']}{' with a result' if any('result' in message for message in messages) else ''}"


FOUND = (
    # each was once answered wrongly, not recorded, or brought the server down
    ALICE.event({"jsonrpc": "2.0", "id": 1, "method": "ping"}, user_agent="\ud800"),
    ALICE.event({"jsonrpc": "2.0", "id": 1, "method": "ping"}, mcp_protocol_version="\ud800"),
    ALICE.event({"jsonrpc": "2.0", "id": '"' * 1025, "method": "ping"}),
    ALICE.event({"jsonrpc": "2.0", "id": OWN_EVENT, "result": {"action": "accept"}, "error": None}, mcp_session_id=OWN_SESSION),
    ALICE.event([], "GET", mcp_session_id=OWN_SESSION, last_event_id=OWN_EVENT),
    ALICE.event([{"jsonrpc": "2.0", "id": index, "method": "ping"} for index in range(51)], mcp_session_id=OWN_SESSION),
    ALICE.event([[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]], mcp_session_id=OWN_SESSION),
    {**ALICE.event(), "body": "[" * 100_000},
    {**ALICE.event(), "body": "é", "isBase64Encoded": True},
    {**ALICE.event(), "body": "1" * 5000},
)

REACHED = {"200", "200 with a result", "202", "400", "401", "403", "404", "405", "406", "415", "421"}


def with_seeds(test: Callable[[], None]) -> Callable[[], None]:
    for event in FOUND:
        test = example(event)(test)
    return test


def test_any_event_gets_a_well_formed_answer_from_a_stateless_server(stateless: Instance) -> None:
    reached: Counter[str] = Counter()

    @cases(1200)
    @given(events(sessions=False))
    def each(event: Any) -> None:
        reached[outcome(*send(stateless, event, secrets_of_others=BOBS))] += 1

    with_seeds(each)()
    assert set(reached) >= REACHED


def test_any_event_gets_a_well_formed_answer_from_a_server_with_sessions(with_sessions: Instance) -> None:
    reached: Counter[str] = Counter()

    @cases(1200)
    @given(events(sessions=True))
    def each(event: Any) -> None:
        found = places(with_sessions, event)
        reached[outcome(*send(with_sessions, filled(event, found), secrets_of_others=BOBS))] += 1
        if OTHER_SESSION in repr(event):
            let_in = [record["method"] for record in with_sessions.recorded if record.get("session")]
            assert set(let_in) <= {"initialize"}, "Alice is in a session of Bob's"

    with_seeds(each)()
    assert set(reached) >= {*REACHED, "204"}


@cases(200)
@given(junk)
def test_what_is_no_event_is_refused(stateless: Instance, event: Any) -> None:
    result, _ = send(stateless, event)
    assert result["statusCode"] == 400
