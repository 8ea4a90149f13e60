"""What the suite does not ask: malformed, foreign and batched requests, verbs and sessions, at each door."""

from __future__ import annotations

import pytest

from .conftest import OpenDoor
from .wire import Answer, initialize, post, post_modern, request, send

LIST = request("tools/list")

pytestmark = pytest.mark.conformance


def rpc_code(answer: Answer) -> int:
    code: int = answer.document["error"]["code"]
    return code


def test_a_batch_is_answered_at_2025_03_26(door: OpenDoor) -> None:
    session = initialize(door.url, "2025-03-26")
    answer = post(door.url, [LIST, {"jsonrpc": "2.0", "method": "notifications/initialized"}, request("ping", 2)], session)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert [message["id"] for message in answer.document] == [1, 2]


def test_a_batch_without_requests_is_accepted_without_a_body(door: OpenDoor) -> None:
    session = initialize(door.url, "2025-03-26")
    answer = post(door.url, [{"jsonrpc": "2.0", "method": "notifications/initialized"}], session)
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", "2026-07-28"])
def test_later_revisions_refuse_batches(door: OpenDoor, version: str) -> None:
    session = {"MCP-Protocol-Version": version} if version == "2026-07-28" else initialize(door.url, version)
    answer = post(door.url, [LIST], session)
    assert (answer.status, rpc_code(answer)) == (400, -32600)


def test_initialize_is_no_part_of_a_batch(door: OpenDoor) -> None:
    params = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
    assert post(door.url, [request("initialize", **params)]).status == 400


def test_an_unknown_version_is_told_which_are_spoken(door: OpenDoor) -> None:
    answer = post_modern(door.url, "tools/list", {"MCP-Protocol-Version": "2099-01-01"}, _meta=modern_meta("2099-01-01"))
    assert (answer.status, rpc_code(answer)) == (400, -32022)
    assert answer.document["error"]["data"]["requested"] == "2099-01-01"
    assert "2026-07-28" in answer.document["error"]["data"]["supported"]


def modern_meta(version: str) -> dict[str, object]:
    return {"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Host": "evil.example.com"}, 421),
        ({"Content-Type": "text/plain"}, 415),
        ({"Accept": "text/html"}, 406),
    ],
)
def test_foreign_and_unsuitable_requests_are_refused(door: OpenDoor, headers: dict[str, str], status: int) -> None:
    assert post(door.url, LIST, headers).status == status
    assert post_modern(door.url, "tools/list", headers).status == status


@pytest.mark.parametrize(
    ("body", "code"), [(b"{", -32700), (b"\xff\xfe", -32700), (b"[]", -32600), (b"7", -32600), (b'{"jsonrpc": "1.0", "id": 1}', -32600)]
)
def test_what_is_no_message_gets_a_json_rpc_error(door: OpenDoor, body: bytes, code: int) -> None:
    for headers in ({}, {"MCP-Protocol-Version": "2026-07-28"}):
        answer = post(door.url, body, headers)
        assert (answer.status, rpc_code(answer)) == (400, code)


def test_verbs_without_a_meaning_name_those_that_have_one(door: OpenDoor) -> None:
    modern = {"MCP-Protocol-Version": "2026-07-28"}
    legacy = initialize(door.url)
    with_sessions = door.door.has_sessions
    answers = [send(door.url, "GET", headers={"Accept": "text/event-stream", **headers}) for headers in (legacy, modern)]
    answers.append(send(door.url, "DELETE", headers=modern))
    assert [answer.status for answer in answers] == [405, 405, 405]
    assert [answer.headers["allow"] for answer in answers] == ["POST, DELETE" if with_sessions else "POST", "POST", "POST"]
    deleted = send(door.url, "DELETE", headers=legacy)
    assert deleted.status == (204 if with_sessions else 405)


def test_a_response_to_nothing_is_accepted(door: OpenDoor) -> None:
    session = initialize(door.url)
    answer = post(door.url, {"jsonrpc": "2.0", "id": 99, "result": {}}, session)
    assert (answer.status, answer.body) == (202, b"")


def test_unknown_methods_are_told_apart_by_era(door: OpenDoor) -> None:
    legacy = post(door.url, request("no/such"), initialize(door.url))
    modern = post_modern(door.url, "no/such")
    assert (legacy.status, rpc_code(legacy)) == (200, -32601)
    assert (modern.status, rpc_code(modern)) == (404, -32601)


def test_headers_that_disagree_with_the_body_are_refused(door: OpenDoor) -> None:
    for headers in ({"Mcp-Method": "prompts/list"}, {"Mcp-Name": "test_image_content"}):
        answer = post_modern(door.url, "tools/call", headers, name="test_simple_text", arguments={})
        assert (answer.status, rpc_code(answer)) == (400, -32020)


def test_a_session_is_needed_found_and_ended(door: OpenDoor) -> None:
    session = initialize(door.url)
    assert ("Mcp-Session-Id" in session) == door.door.has_sessions
    assert post(door.url, LIST, session).status == 200
    if not door.door.has_sessions:
        assert post(door.url, LIST, {**session, "Mcp-Session-Id": "left-over"}).status == 200
        return
    speaks = {"MCP-Protocol-Version": session["MCP-Protocol-Version"]}
    assert post(door.url, LIST, speaks).status == 400
    assert post(door.url, LIST, {**speaks, "Mcp-Session-Id": "unknown"}).status == 404
    assert post(door.url, LIST, {**session, "MCP-Protocol-Version": "2025-06-18"}).status == 400
    assert send(door.url, "DELETE", headers=session).status == 204
    assert post(door.url, LIST, session).status == 404
    assert send(door.url, "DELETE", headers=session).status == 404


def test_an_asked_client_fetches_the_rest_by_the_id_of_the_last_event(door: OpenDoor) -> None:
    session = initialize(door.url, elicitation={})
    call = request("tools/call", 7, name="test_two_questions", arguments={}, _meta={"progressToken": "p"})
    answer = post(door.url, call, session)
    if not door.door.has_sessions:
        assert rpc_code(answer) == -32600
        return
    seen = answer.messages
    for given in ({"name": "Ada"}, {"colour": "blue"}):
        question = seen[-1]
        assert question["method"] == "elicitation/create"
        accepted = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": given}}
        assert post(door.url, accepted, session).status == 202
        last = [line.removeprefix("id: ") for line in answer.body.decode().splitlines() if line.startswith("id: ")][-1]
        answer = send(door.url, "GET", headers={"Accept": "text/event-stream", "Last-Event-ID": last, **session})
        assert answer.status == 200
        seen += answer.messages
    assert [message.get("method", "result") for message in seen] == [
        "elicitation/create",
        "notifications/progress",
        "elicitation/create",
        "result",
    ]
    assert seen[-1]["id"] == 7
    assert seen[-1]["result"]["content"][0]["text"] == "Ada likes blue"
