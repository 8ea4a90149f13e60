"""Sessions of the older era: kept in a store, found by every instance, bound to one caller."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from claimstack.runtime.sessions import SESSION_SECONDS, Sessions
from claimstack.runtime.store import MemoryStore

ACCEPT_BLUE = {"action": "accept", "content": {"colour": "blue"}}
NIGHTLY = {"iss": "https://login.example.gov/pool", "client_id": "nightly", "sub": "nightly", "scope": "https://mcp.example.gov/mcp/invoke"}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def instances(make_client: Any) -> tuple[Any, Any]:
    """One session, seen through two instances of the server."""
    store = MemoryStore()
    first, second = make_client(store=store), make_client(store=store)
    first.start_session()
    second.headers = first.headers
    return first, second


def test_initialize_starts_a_session(make_client: Any) -> None:
    client = make_client(store=MemoryStore())
    session_id = client.start_session().headers["mcp-session-id"]
    assert len(session_id) == 43
    assert session_id.isascii()
    assert client.start_session().headers["mcp-session-id"] != session_id


def test_a_session_works_on_every_instance(instances: tuple[Any, Any]) -> None:
    for client in instances:
        answer = client.call("echo", {"text": "hello"})
        assert (answer.text_content, answer.headers["mcp-session-id"]) == ("hello", client.headers["mcp-session-id"])


def test_a_request_without_its_session_is_refused(session_client: Any) -> None:
    assert session_client.call("echo", {"text": "x"}, mcp_session_id=None).status == 400
    assert session_client.send(body=[{"jsonrpc": "2.0", "id": 1, "method": "ping"}], mcp_session_id=None).status == 400


def test_a_session_belongs_to_its_caller(instances: tuple[Any, Any]) -> None:
    owner, thief = instances
    thief.claims = dict(NIGHTLY)
    assert thief.call("echo", {"text": "x"}).status == 404
    assert thief.send("DELETE", mcp_protocol_version="2025-11-25").status == 404
    assert thief.send("GET", mcp_protocol_version="2025-11-25", last_event_id="0" * 32 + ".1").status == 404
    assert owner.call("echo", {"text": "x"}).status == 200


@pytest.mark.parametrize("part", ["iss", "sub", "client_id"])
def test_every_part_of_the_principal_counts(part: str) -> None:
    from claimstack.runtime.identity import Caller

    async def check() -> None:
        sessions = Sessions(MemoryStore())
        names = {"iss": "issuer", "sub": "subject", "client_id": "client_id"}
        who = {"client_id": "c", "issuer": "i", "subject": "s"}
        session_id = await sessions.create(Caller(**who, scopes=frozenset(), claims={}), "2025-11-25", None, None)
        other = Caller(**{**who, names[part]: "other"}, scopes=frozenset(), claims={})
        assert await sessions.find(session_id, other) is None
        assert await sessions.find(session_id, None) is None
        assert await sessions.find(session_id, Caller(**who, scopes=frozenset({"more"}), claims={})) is not None

    asyncio.run(check())


def test_an_ended_session_is_gone(instances: tuple[Any, Any]) -> None:
    first, second = instances
    assert first.send("DELETE", mcp_protocol_version="2025-11-25").status == 204
    for client in instances:
        assert client.call("echo", {"text": "x"}).status == 404
    assert second.send("DELETE", mcp_protocol_version="2025-11-25").status == 404


def test_an_expired_session_is_gone_before_the_table_deletes_it(make_client: Any) -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    client = make_client(store=store)
    client.start_session()
    clock.now += SESSION_SECONDS - 1
    assert client.call("echo", {"text": "x"}).status == 200
    clock.now += 1
    assert client.call("echo", {"text": "x"}).status == 404
    assert f"s#{client.headers['mcp-session-id']}" in store._records


@pytest.mark.parametrize("session_id", ["", "x", "../" * 15, "é" * 43, "a" * 44, "a" * 42 + "\n"])
def test_an_id_that_is_none_reaches_no_store(make_client: Any, session_id: str) -> None:
    class Untouched(MemoryStore):
        async def get(self, key: str) -> Any:
            raise AssertionError(key)

    client = make_client(store=Untouched())
    assert client.call("echo", {"text": "x"}, mcp_session_id=session_id).status in (400, 404)


def test_a_version_that_differs_from_the_session_is_refused(session_client: Any) -> None:
    assert session_client.call("echo", {"text": "x"}, mcp_protocol_version="2025-06-18").status == 400
    assert session_client.call("echo", {"text": "x"}, mcp_protocol_version=None).status == 200


def test_a_modern_request_never_touches_the_store(make_client: Any) -> None:
    class Untouched(MemoryStore):
        async def get(self, key: str) -> Any:
            raise AssertionError(key)

    client = make_client(store=Untouched())
    assert client.call_modern("echo", {"text": "x"}, mcp_session_id="a" * 43).status == 200


# ---- questions


def asked(client: Any, request_id: Any = 1) -> tuple[str, Any]:
    """Call the tool that asks: the id of its last event, and the question."""
    answer = client.call("ask", request_id=request_id)
    assert answer.headers["content-type"] == "text/event-stream"
    return answer.raw_events[-1][0], answer.events[-1]


def answer_to(client: Any, question: Any, result: Any = ACCEPT_BLUE) -> Any:
    return client.send(body={"jsonrpc": "2.0", "id": question["id"], "result": result}, mcp_protocol_version="2025-11-25")


def resume(client: Any, event_id: str, **headers: Any) -> Any:
    return client.send("GET", mcp_protocol_version="2025-11-25", accept="text/event-stream", last_event_id=event_id, **headers)


def test_a_question_ends_the_stream_and_its_answer_goes_on_anywhere(instances: tuple[Any, Any], runs: list[str]) -> None:
    first, second = instances
    event_id, question = asked(first)
    assert question["method"] == "elicitation/create"
    assert answer_to(second, question).status == 202
    answer = resume(second, event_id)
    assert answer.events[-1]["id"] == 1
    assert answer.events[-1]["result"]["content"][0]["text"] == "accept blue"
    assert runs == ["ask", "ask"]
    assert second.record["target"] == "ask"


def test_the_stream_starts_with_an_id_to_come_back_to(session_client: Any) -> None:
    answer = session_client.call("ask")
    ids = [event_id for event_id, _ in answer.raw_events]
    assert [event_id.rpartition(".")[2] for event_id in ids] == ["0", "1"]
    assert "retry: 200" in answer.text


def test_notifications_are_not_sent_twice(session_client: Any) -> None:
    answer = session_client.rpc("tools/call", {"name": "ask", "arguments": {}, "_meta": {"progressToken": 1}})
    assert [event["method"] for event in answer.events] == ["notifications/progress", "elicitation/create"]
    answer_to(session_client, answer.events[-1])
    assert [set(event) for event in resume(session_client, answer.raw_events[-1][0]).events] == [{"jsonrpc", "id", "result"}]


def test_a_client_that_lost_the_stream_gets_all_of_it_again(session_client: Any, runs: list[str]) -> None:
    event_id, question = asked(session_client)
    answer_to(session_client, question)
    final = resume(session_client, event_id).events
    call_id = event_id.rpartition(".")[0]
    assert resume(session_client, event_id).events == final
    assert resume(session_client, f"{call_id}.0").events == [question, *final]
    assert runs == ["ask", "ask"]


def test_a_refusal_of_the_client_reaches_the_tool(session_client: Any) -> None:
    event_id, question = asked(session_client)
    answer_to(session_client, question, {"action": "decline"})
    assert resume(session_client, event_id).events[-1]["result"]["content"][0]["text"] == "decline"


def test_the_first_answer_counts(session_client: Any) -> None:
    event_id, question = asked(session_client)
    answer_to(session_client, question)
    answer_to(session_client, question, {"action": "accept", "content": {"colour": "red"}})
    assert resume(session_client, event_id).events[-1]["result"]["content"][0]["text"] == "accept blue"


def test_without_an_answer_the_client_is_told_to_come_back(session_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.runtime.asking.POLL_SECONDS", 0.1)
    event_id, _ = asked(session_client)
    answer = resume(session_client, event_id)
    assert (answer.status, answer.raw_events) == (200, [(event_id, "")])


def test_two_instances_do_not_run_a_call_at_the_same_time(
    instances: tuple[Any, Any], runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimstack.runtime.asking.POLL_SECONDS", 0.1)
    first, second = instances
    event_id, question = asked(first)
    answer_to(first, question)
    sessions = first.app.adapter._legacy._sessions

    async def take() -> bool:
        session = await sessions.find(first.headers["mcp-session-id"], caller(first))
        call = await sessions.call(session, event_id.rpartition(".")[0])
        return bool(await sessions.lease(session, call, 60))

    assert asyncio.run(take())
    assert resume(second, event_id).raw_events == [(event_id, "")]
    assert runs == ["ask"]


def caller(client: Any) -> Any:
    from claimstack.runtime.identity import caller_of

    return caller_of(client.claims)


def test_an_answer_of_an_earlier_call_with_the_same_id_answers_nothing(session_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimstack.runtime.asking.POLL_SECONDS", 0.1)
    event_id, question = asked(session_client)
    answer_to(session_client, question)
    resume(session_client, event_id)
    event_id, _ = asked(session_client)
    assert resume(session_client, event_id).raw_events == [(event_id, "")]
    answer_to(session_client, question)
    assert resume(session_client, event_id).raw_events == [(event_id, "")]


def test_a_call_is_not_continued_by_a_token_without_its_scope(make_client: Any, runs: list[str]) -> None:
    from claimstack.runtime.tools import Pack

    pack = Pack("asking", tools=tuple(tool for tool in make_client.tools if tool.asks), scope="reports")
    both = "https://mcp.example.gov/mcp/invoke https://mcp.example.gov/mcp/reports"
    client = make_client(packs=(pack,), store=MemoryStore(), claims={**NIGHTLY, "scope": both})
    client.start_session()
    event_id, question = asked(client)
    answer_to(client, question)
    client.claims["scope"] = NIGHTLY["scope"]
    assert resume(client, event_id).status == 403
    assert runs == ["ask"]


def test_older_clients_get_no_event_without_a_message(make_client: Any) -> None:
    client = make_client(store=MemoryStore())
    client.start_session("2025-06-18")
    answer = client.call("ask", mcp_protocol_version="2025-06-18")
    first = answer.text.split("\n\n")[0].split("\n")
    assert [line.split(":")[0] for line in first] == ["id", "retry"]
    assert answer.events[-1]["method"] == "elicitation/create"


def test_a_lease_is_given_back_by_its_holder_only(session_client: Any) -> None:
    event_id, _ = asked(session_client)
    sessions = session_client.app.adapter._legacy._sessions

    async def check() -> None:
        session = await sessions.find(session_client.headers["mcp-session-id"], caller(session_client))
        call = await sessions.call(session, event_id.rpartition(".")[0])
        late = await sessions.lease(session, call, -1)  # its time is over at once
        held = await sessions.lease(session, call, 60)
        assert late
        assert held
        await sessions.release(session, call, late)
        assert await sessions.lease(session, call, 60) is None
        await sessions.release(session, call, held)
        assert await sessions.lease(session, call, 60)

    asyncio.run(check())


def test_a_cancelled_call_is_not_run_again(session_client: Any) -> None:
    event_id, question = asked(session_client)
    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert session_client.send(body=cancelled).status == 202
    answer_to(session_client, question)
    assert resume(session_client, event_id).status == 400


def test_an_event_id_of_another_session_is_unknown(make_client: Any) -> None:
    store = MemoryStore()
    first, second = make_client(store=store), make_client(store=store, claims=NIGHTLY)
    first.start_session()
    second.start_session()
    event_id, question = asked(first)
    answer_to(second, question)
    assert resume(second, event_id).status == 400
    assert store_keys(store, "a#") == []


@pytest.mark.parametrize("event_id", ["x", "0" * 32 + ".1", "0" * 32, "../.1", ""])
def test_an_event_id_that_is_none_is_refused(session_client: Any, event_id: str) -> None:
    assert resume(session_client, event_id).status == 400


def test_an_answer_to_no_question_is_accepted_and_forgotten(make_client: Any) -> None:
    store = MemoryStore()
    client = make_client(store=store)
    client.start_session()
    for question_id in ("x", "0" * 32 + ".0", "0" * 32 + ".00000000.0", 7):
        assert answer_to(client, {"id": question_id}).status == 202
    assert store_keys(store, "a#") == []


def test_a_tool_that_is_not_listed_as_asking_cannot_ask(session_client: Any) -> None:
    assert "cannot ask the client (elicitation/create)" in session_client.call("ask_without_leave").error["message"]


def test_without_sessions_nobody_is_asked(client: Any) -> None:
    assert "cannot ask the client (elicitation/create)" in client.call("ask").error["message"]


def store_keys(store: MemoryStore, prefix: str) -> list[str]:
    return [key for key in store._records if key.startswith(prefix)]
