"""What each revision asks of POST, GET and DELETE, and what input that is wrong gets."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from pydantic import Field

from claimstack.runtime.tools import Pack, Prompt, Tool

BIG = "x" * (4 * 1024 * 1024)
DEEP = "[" * 300 + "]" * 300

OLD = {"mcp_protocol_version": "2025-06-18"}
MODERN = {"mcp_protocol_version": "2026-07-28"}
MALFORMED: list[tuple[str, Any, dict[str, Any], int, int]] = [
    # what, body, headers, HTTP status, JSON-RPC code
    ("no JSON", "{", {}, 400, -32700),
    ("nothing", None, {}, 400, -32700),
    ("not a number", '{"jsonrpc": "2.0", "id": NaN, "method": "ping"}', {}, 400, -32700),
    ("nested too deeply", DEEP, {}, 400, -32700),
    ("a number", "1", {}, 400, -32600),
    ("no version", {"id": 1, "method": "ping"}, {}, 400, -32600),
    ("an id that is an object", {"jsonrpc": "2.0", "id": {}, "method": "ping"}, {}, 400, -32600),
    ("an id beyond 64 bits", {"jsonrpc": "2.0", "id": 10**30, "method": "ping"}, {}, 400, -32600),
    ("an id that is true", {"jsonrpc": "2.0", "id": True, "method": "ping"}, {}, 400, -32600),
    ("a method that is a number", {"jsonrpc": "2.0", "id": 1, "method": 7}, {}, 400, -32600),
    ("params that are a list", {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, {}, 400, -32602),
    ("neither request nor answer", {"jsonrpc": "2.0", "id": 1}, {}, 400, -32600),
    ("an empty batch", [], {}, 400, -32600),
    ("a batch of a version without batches", [{"jsonrpc": "2.0", "id": 1, "method": "ping"}], OLD, 400, -32600),
    ("a batch with initialize", [{"jsonrpc": "2.0", "id": 1, "method": "initialize"}], {}, 400, -32600),
    ("a batch of lists", [[]], {}, 400, -32600),
    ("another content type", "{}", {"content_type": "text/plain"}, 415, -32600),
    ("no JSON accepted", "{}", {"accept": "text/html"}, 406, -32600),
    ("a version that nobody knows", {"jsonrpc": "2.0", "method": "x"}, {"mcp_protocol_version": "2099-01-01"}, 400, -32022),
    ("a modern body without its envelope", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, MODERN, 400, -32602),
    ("a modern batch", [], MODERN, 400, -32600),
]  # fmt: skip


def test_malformed_input_gets_its_defined_answer(client: Any) -> None:
    for what, body, headers, status, code in MALFORMED:
        answer = client.send(body=body, **headers)
        assert (answer.status, answer.error["code"]) == (status, code), what
        assert client.record["outcome"] == "refused", what


def test_headers_that_differ_from_the_body_are_refused(client: Any) -> None:
    for headers in (
        {"mcp_method": "tools/list"},
        {"mcp_method": None},
        {"mcp_name": "crash"},
        {"mcp_name": None},
        {"mcp_name": "=?base64?ZWNobw?="},
        {"mcp_protocol_version": "2026-07-29"},
    ):
        answer = client.call_modern("echo", {"text": "x"}, **headers)
        assert (answer.status, answer.error["code"]) == (400, -32020), headers


def test_a_name_in_base64_is_compared_decoded(client: Any) -> None:
    assert client.call_modern("echo", {"text": "x"}, mcp_name="=?base64?ZWNobw==?=").status == 200


async def regional(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Answer for one region."""
    return region


def test_an_argument_that_a_header_repeats_is_compared(make_client: Any) -> None:
    client = make_client(packs=(Pack("regional", tools=(Tool(regional),)),))
    assert client.call_modern("regional", {"region": "east"}, mcp_param_region="east").text_content == "east"
    for header in ("west", None):
        answer = client.call_modern("regional", {"region": "east"}, mcp_param_region=header)
        assert (answer.status, answer.error["code"]) == (400, -32020)


def test_a_routing_header_that_comes_twice_is_refused(client: Any) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {}}}
    event = {
        "httpMethod": "POST",
        "path": "/mcp",
        "multiValueHeaders": {
            "Host": ["mcp.example.gov"],
            "Content-Type": ["application/json"],
            "Accept": ["application/json"],
            "MCP-Protocol-Version": ["2026-07-28"],
            "Mcp-Method": ["tools/list", "tools/list"],
        },
        "requestContext": {"authorizer": {"claims": client.claims}},
        "body": json.dumps(message),
    }
    result = client.app.handle_event(event)
    assert (result["statusCode"], json.loads(result["body"])["error"]["code"]) == (400, -32020)


def test_a_foreign_origin_is_refused(client: Any) -> None:
    assert client.call("echo", {"text": "x"}, origin="https://evil.example").status == 403
    assert client.call("echo", {"text": "x"}, origin="null").status == 403
    for known in ("https://app.example.gov", "https://mcp.example.gov", None):
        assert client.call("echo", {"text": "x"}, origin=known).status == 200


def test_a_foreign_host_is_refused(client: Any) -> None:
    assert client.call("echo", {"text": "x"}, host="evil.example").status == 421
    assert client.call("echo", {"text": "x"}, host="mcp.example.gov:8443").status == 421
    for ours in ("MCP.example.gov", "mcp.example.gov:443"):
        assert client.call("echo", {"text": "x"}, host=ours).status == 200


def test_a_body_over_the_limit_is_refused(client: Any) -> None:
    answer = client.call("echo", {"text": BIG})
    assert (answer.status, client.record["outcome"]) == (413, "refused")


def test_an_oversized_batch_is_refused(client: Any) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert client.send(body=[ping] * 51).status == 400
    assert len(client.send(body=[ping] * 50).body) == 50


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_every_older_revision_is_negotiated(client: Any, version: str) -> None:
    result = client.start_session(version).body["result"]
    assert (result["protocolVersion"], result["serverInfo"]["name"]) == (version, "claimstack")


def test_an_unknown_revision_is_answered_with_the_newest_of_the_handshake(client: Any) -> None:
    assert client.start_session("2031-01-01").body["result"]["protocolVersion"] == "2025-11-25"


def test_a_batch_is_answered_in_one_array(client: Any) -> None:
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": "two", "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "hello"}}},
    ]
    answer = client.send(body=messages)
    assert (answer.status, [item["id"] for item in answer.body]) == (200, [1, "two"])
    assert [(record["method"], record["target"]) for record in client.records] == [
        ("ping", ""),
        ("notifications/initialized", ""),
        ("tools/call", "echo"),
    ]


def test_a_session_of_a_version_without_batches_takes_none(session_client: Any) -> None:
    assert session_client.send(body=[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]).status == 400


def test_a_batch_without_requests_is_accepted_without_a_body(client: Any) -> None:
    answer = client.send(body=[{"jsonrpc": "2.0", "method": "notifications/initialized"}])
    assert (answer.status, answer.text) == (202, "")


def test_notifications_and_answers_are_accepted_without_a_body(client: Any) -> None:
    for message in ({"method": "notifications/initialized"}, {"id": 1, "result": {}}):
        answer = client.send(body={"jsonrpc": "2.0", **message}, mcp_protocol_version="2025-11-25")
        assert (answer.status, answer.text) == (202, "")
    answer = client.send(body={"jsonrpc": "2.0", "method": "notifications/cancelled"}, mcp_protocol_version="2026-07-28")
    assert (answer.status, answer.text) == (202, "")


def test_a_server_without_sessions_takes_post_only(client: Any) -> None:
    for method in ("GET", "DELETE", "PUT", "OPTIONS"):
        answer = client.send(method)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert "mcp-session-id" not in client.start_session().headers


def test_a_modern_client_gets_no_stream_to_wait_on_even_where_there_are_sessions(session_client: Any) -> None:
    for method in ("GET", "DELETE"):
        answer = session_client.send(method, mcp_protocol_version="2026-07-28", last_event_id="0" * 32 + ".1")
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_get_without_an_event_id_is_refused_where_there_are_sessions(session_client: Any) -> None:
    answer = session_client.send("GET", mcp_protocol_version="2025-11-25", accept="text/event-stream")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, DELETE")


def test_a_handler_that_emits_nothing_is_answered_in_json(client: Any) -> None:
    for answer in (client.call("echo", {"text": "hello"}), client.call_modern("echo", {"text": "hello"})):
        assert (answer.status, answer.headers["content-type"], answer.text_content) == (200, "application/json", "hello")


def test_a_handler_that_emits_is_answered_in_one_stream(client: Any) -> None:
    meta = {"_meta": {"progressToken": "p"}}
    for answer in (
        client.rpc("tools/call", {"name": "progress", "arguments": {}, **meta}),
        client.modern("tools/call", {"name": "progress", "arguments": {}, **meta}),
    ):
        assert answer.headers["content-type"] == "text/event-stream"
        assert [event.get("method", "result") for event in answer.events] == ["notifications/progress"] * 2 + ["result"]


def test_a_client_that_takes_no_stream_gets_json(client: Any) -> None:
    answer = client.rpc("tools/call", {"name": "progress", "_meta": {"progressToken": 1}}, accept="application/json")
    assert (answer.headers["content-type"], answer.text_content) == ("application/json", "done")


def test_errors_of_the_modern_era_carry_their_status(client: Any) -> None:
    answer = client.modern("no/such/method")
    assert (answer.status, answer.error["code"]) == (404, -32601)
    answer = client.modern("resources/read", {"uri": "test://missing"})
    assert (answer.status, answer.error["code"]) == (400, -32602)
    assert client.rpc("no/such/method").status == 200


def test_an_argument_that_a_tool_does_not_know_is_refused(client: Any) -> None:
    for answer in (client.call("echo", {"text": "x", "txet": "y"}), client.call_modern("echo", {"text": "x", "txet": "y"})):
        assert answer.body["result"]["isError"] is True
        assert answer.text_content == "echo knows no argument txet; it takes text"
    (schema,) = [tool["inputSchema"] for tool in client.rpc("tools/list").body["result"]["tools"] if tool["name"] == "echo"]
    assert schema["additionalProperties"] is False


def test_a_prompt_without_an_argument_that_it_needs_is_refused(make_client: Any) -> None:
    client = make_client(packs=(Pack("p", prompts=(Prompt(regional),)),))
    for params, message in (({"name": "regional"}, "The prompt regional needs region"), ({"name": "x"}, "There is no prompt of this name")):
        assert (client.rpc("prompts/get", params).error["code"], client.rpc("prompts/get", params).error["message"]) == (-32602, message)
        assert client.modern("prompts/get", params).status == 400


def test_discovery_names_the_server_and_no_subscriptions(client: Any) -> None:
    result = client.modern("server/discover").body["result"]
    assert "2026-07-28" in result["supportedVersions"]
    assert "subscriptions" not in json.dumps(result["capabilities"])
    assert client.modern("subscriptions/listen", {"notifications": {}}).status == 404


def test_both_event_formats_reach_the_same_server(client: Any) -> None:
    event = {
        "httpMethod": "POST",
        "path": "/mcp",
        "headers": {"Host": "mcp.example.gov", "Content-Type": "application/json", "Accept": "*/*"},
        "requestContext": {"identity": {"sourceIp": "192.0.2.9"}, "requestId": "rest-1", "authorizer": {"claims": client.claims}},
        "body": json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "rest"}}}),
    }
    result = client.app.handle_event(event)
    assert json.loads(result["body"])["result"]["content"][0]["text"] == "rest"
    assert (client.record["source_ip"], client.record["request_id"]) == ("192.0.2.9", "rest-1")


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"])
def test_the_metadata_is_served_without_a_token(client: Any, path: str) -> None:
    client.claims = None
    assert client.send("GET", path=path).body == {
        "resource": "https://mcp.example.gov/mcp",
        "authorization_servers": ["https://login.example.gov/pool"],
        "scopes_supported": ["https://mcp.example.gov/mcp/invoke", "https://mcp.example.gov/mcp/reports"],
        "bearer_methods_supported": ["header"],
    }


def test_a_server_that_asks_for_no_token_has_no_metadata(make_client: Any) -> None:
    client = make_client({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp"}, claims=None)
    assert client.send("GET", path="/.well-known/oauth-protected-resource").status == 404


def test_another_path_is_not_found(client: Any) -> None:
    assert client.send("GET", path="/").status == 404
