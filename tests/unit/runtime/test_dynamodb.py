"""A table that fails: every request that needs it has a defined answer, and a record that says what it was."""

from __future__ import annotations

import time
from typing import Any

import pytest

from claimstack.runtime import aws
from claimstack.runtime.dynamodb import DynamoStore

from .cloud import Aws, Behaviour, Json, failure
from .faults import PACK, Stream, call_of, context, respond

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
