"""The audit record of each request, statement by statement of AU-3."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from claimstack.runtime import app as app_module
from claimstack.runtime.masking import MASK, masked
from claimstack.runtime.tools import Pack, Prompt, Tool

from .conftest import echo
from .faults import call_of, records_in


class Answered(BaseModel):
    total: int


AU_3 = {
    "au-3_smt.a": ("event", "http_method", "path", "method", "target", "protocol"),
    "au-3_smt.b": ("timestamp", "at", "duration_ms"),
    "au-3_smt.c": ("server", "host", "api_id", "stage", "function", "function_arn"),
    "au-3_smt.d": ("source_ip", "user_agent"),
    "au-3_smt.e": ("outcome", "status"),
    "au-3_smt.f": ("client_id", "subject", "issuer", "scopes"),
    "au-3.1_smt": ("request_id", "invocation_id", "trace_id", "rpc_id"),
}
"""Response point of AU-3 → the fields that answer it."""

CONTEXT = SimpleNamespace(
    function_name="mcp",
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:mcp",
    aws_request_id="invocation-1",
    get_remaining_time_in_millis=lambda: 20_000,
)
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def record(make_client: Any) -> dict[str, Any]:
    """The record of one ordinary call."""
    client = make_client(context=CONTEXT)
    client.call("echo", {"text": "hello"}, x_amzn_trace_id=TRACE, request_id="rpc-1")
    return dict(client.record)


def test_every_statement_of_au_3_has_its_fields(record: dict[str, Any]) -> None:
    missing = {point: [name for name in names if record.get(name) in (None, "", [])] for point, names in AU_3.items()}
    assert missing == {point: [] for point in AU_3}


def test_a_record_says_what_happened(record: dict[str, Any]) -> None:
    assert [record[name] for name in AU_3["au-3_smt.a"]] == ["mcp.request", "POST", "/mcp", "tools/call", "echo", "2025-11-25"]


def test_a_record_says_when_in_utc(record: dict[str, Any]) -> None:
    for name in ("timestamp", "at"):
        moment = datetime.fromisoformat(record[name])
        assert moment.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)  # noqa: TID251  # compared with the clock that wrote it
    assert record["duration_ms"] > 0


def test_a_record_says_where(record: dict[str, Any]) -> None:
    assert [record[name] for name in AU_3["au-3_smt.c"]] == [
        "https://mcp.example.gov/mcp",
        "mcp.example.gov",
        "api1",
        "$default",
        "mcp",
        "arn:aws:lambda:us-east-1:111122223333:function:mcp",
    ]


def test_a_record_names_its_source(record: dict[str, Any]) -> None:
    assert (record["source_ip"], record["user_agent"]) == ("192.0.2.7", "test/1")


def test_a_record_gives_the_outcome(client: Any) -> None:
    client.call("echo", {"text": "x"})
    client.call("crash")
    client.rpc("no/such/method")
    client.call("report", {"name": "q1"})
    client.send(body="{")
    found = [(record["outcome"], record["status"], record.get("rpc_code")) for record in client.records]
    assert found == [
        ("success", 200, None),
        ("failure", 200, None),
        ("failure", 200, -32601),
        ("refused", 403, -32600),
        ("refused", 400, -32700),
    ]
    assert all("reason" in record for record in client.records[1:])


def test_a_record_names_the_identity(record: dict[str, Any]) -> None:
    assert [record[name] for name in AU_3["au-3_smt.f"]] == [
        "desk",
        "desk",
        "https://login.example.gov/pool",
        ["https://mcp.example.gov/mcp/invoke"],
    ]


def test_a_refused_scope_leaves_the_identity_in_the_record(client: Any) -> None:
    client.call("report", {"name": "q1"})
    assert (client.record["outcome"], client.record["client_id"]) == ("refused", "desk")


def test_a_caller_that_is_turned_away_is_named(client: Any) -> None:
    client.claims = {**client.claims, "client_id": "stranger", "sub": "somebody"}
    client.call("echo", {"text": "x"})
    assert [client.record[name] for name in ("outcome", "status", "client_id", "subject")] == ["refused", 401, "stranger", "somebody"]


def test_a_record_carries_request_and_trace_ids(record: dict[str, Any]) -> None:
    assert [record[name] for name in AU_3["au-3.1_smt"]] == ["request-1", "invocation-1", TRACE, "rpc-1"]


def test_arguments_and_results_stay_out_of_the_record(client: Any) -> None:
    client.call("echo", {"text": "confidential"})
    client.call_modern("echo", {"text": "confidential"})
    assert "confidential" not in client.log.getvalue()


async def count(n: int) -> Answered:
    """Return what the schema does not allow."""
    return {"total": f"result-of-the-call {n}"}  # type: ignore[return-value]  # on purpose


def test_failed_calls_keep_arguments_and_results_out_of_the_record(make_client: Any) -> None:
    client = make_client(packs=(Pack("count", tools=(Tool(count),), prompts=(Prompt(count),)),))
    for params in ({"name": "count", "arguments": {"n": "confidential"}}, {"name": "count", "arguments": "confidential"}):
        client.rpc("tools/call", params)
        client.modern("tools/call", params)
        client.rpc("prompts/get", params)
    client.call("count", {"n": 1})
    assert [record["outcome"] for record in client.records] == ["failure"] * 7
    assert "confidential" not in client.log.getvalue()
    assert "result-of-the-call" not in client.log.getvalue()


def test_switched_on_arguments_and_results_are_recorded(make_client: Any) -> None:
    client = make_client({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp", "CLAIMSTACK_AUDIT_CONTENT": "true"}, claims=None)
    client.call("echo", {"text": "plain"})
    assert client.record["arguments"] == {"text": "plain"}
    assert client.record["result"]["content"][0]["text"] == "plain"


def test_secrets_are_masked_in_recorded_content(make_client: Any) -> None:
    client = make_client({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp", "CLAIMSTACK_AUDIT_CONTENT": "true"}, claims=None)
    client.call("echo", {"text": "Bearer abcdefghijkl", "password": "hunter2", "deep": [{"api_key": "k"}]})
    assert client.record["arguments"] == {"text": MASK, "password": MASK, "deep": [{"api_key": MASK}]}
    assert "abcdefghijkl" not in client.log.getvalue()


def test_secrets_in_results_are_masked_in_both_of_their_forms(make_client: Any) -> None:
    async def credentials() -> dict[str, str]:
        """Return a password."""
        return {"password": "hunter2", "passwordHash": "hunter3", "pwd": "hunter4", "user": "ada"}

    pack = Pack("credentials", tools=(Tool(credentials),))
    client = make_client({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp", "CLAIMSTACK_AUDIT_CONTENT": "true"}, (pack,), claims=None)
    assert client.call("credentials").body["result"]["structuredContent"]["pwd"] == "hunter4"
    assert client.record["result"]["structuredContent"]["user"] == "ada"
    assert "hunter" not in client.log.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"db_password": "x", "Authorization": "y", "pin": 1}, dict.fromkeys(("db_password", "Authorization", "pin"), MASK)),
        ("key AKIAABCDEFGHIJKLMNOP end", f"key {MASK} end"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc", MASK),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----", MASK),
        ({"spinner": 1, "passenger": "Ada"}, {"spinner": 1, "passenger": "Ada"}),
        (None, None),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_masked(value: Any, shown: Any) -> None:
    assert masked(value) == shown


def test_every_request_leaves_one_record(session_client: Any) -> None:
    client = session_client
    before = len(client.records)
    requests = [
        lambda: client.rpc("ping"),
        lambda: client.call_modern("echo", {"text": "x"}),
        lambda: client.send(body={"jsonrpc": "2.0", "method": "notifications/initialized"}),
        lambda: client.send("GET"),
        lambda: client.send("PUT"),
        lambda: client.send("GET", path="/.well-known/oauth-protected-resource"),
        lambda: client.send(host="evil.example"),
        lambda: client.app.handle_event(None),
        lambda: client.app.handle_event({"httpMethod": "POST", "body": 7}),
        lambda: client.send("DELETE"),
    ]
    for number, request in enumerate(requests, 1):
        request()
        assert len(client.records) == before + number


def test_callers_cannot_swell_or_break_a_record(client: Any) -> None:
    client.send(body={"jsonrpc": "2.0", "id": "i" * 5000, "method": "m\n" * 3000}, user_agent='"}\n{"event": "mcp.request"' * 300)
    assert len(client.log.getvalue().splitlines()) == 1
    assert len(json.dumps(client.record)) < 3000


def test_a_tool_call_leaves_a_metric(client: Any) -> None:
    client.call("echo", {"text": "x"})
    client.call("crash")
    found = [(metric["tool"], metric["Calls"], metric["Failures"]) for metric in client.metrics]
    assert found == [("echo", [1.0], [0.0]), ("crash", [1.0], [1.0])]


def test_no_metric_is_named_by_a_caller(client: Any) -> None:
    client.call("a-name-of-my-own")
    client.call("report", {"name": "x"})
    assert client.metrics == []


class BrokenStream(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def local_app(log: Any, *tools: Tool) -> Any:
    return app_module.create_app({"CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1/mcp"}, (Pack("t", tools=tools),), log=log)


def local_call(app: Any, name: str, **arguments: Any) -> Any:
    headers = {"host": "127.0.0.1", "content-type": "application/json"}
    event = {"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(call_of(name, **arguments))}
    return json.loads(app.handle_event(event)["body"])


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
