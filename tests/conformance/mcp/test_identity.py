"""Behind an authorizer the server knows its caller, and nobody uses what belongs to another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .doors import HANDLER, Aws
from .gateway import METADATA, PayloadFormat
from .http_api import http_api
from .wire import initialize, post, post_modern, request, send

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_example"
SCOPE = "https://mcp.example.com/mcp/invoke"
COMMON = {"iss": ISSUER, "token_use": "access", "scope": SCOPE}
TOKENS = {
    "ada": {**COMMON, "client_id": "first", "sub": "first"},
    "bob": {**COMMON, "client_id": "second", "sub": "second"},
    "eve": {**COMMON, "client_id": "third", "sub": "third"},
    "scopeless": {**COMMON, "client_id": "first", "sub": "first", "scope": "other"},
}

pytestmark = pytest.mark.conformance


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module", params=["2.0", "1.0"])
def guarded(request: pytest.FixtureRequest, aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    payload_format: PayloadFormat = request.param
    log = tmp_path_factory.mktemp("guarded") / "server.log"
    environment = {
        **aws.with_table,
        "CLAIMSTACK_ISSUER": ISSUER,
        "CLAIMSTACK_CLIENT_IDS": "first second",
        "CLAIMSTACK_SCOPES": SCOPE,
    }
    with http_api(HANDLER, workers=2, format=payload_format, environment=environment, tokens=TOKENS, log=log) as url:
        yield url, log


def test_the_caller_is_known_in_both_eras_and_in_the_audit_record(guarded: tuple[str, Path]) -> None:
    url, log = guarded
    call = {"name": "whoami", "arguments": {}}
    legacy = post(url, request("tools/call", **call), initialize(url, headers=bearer("ada")))
    modern = post_modern(url, "tools/call", bearer("bob"), **call)
    seen = [answer.document["result"]["structuredContent"] for answer in (legacy, modern)]
    assert [(caller["client_id"], caller["issuer"], caller["protocol"]) for caller in seen] == [
        ("first", ISSUER, "2025-11-25"),
        ("second", ISSUER, "2026-07-28"),
    ]
    records = [json.loads(line) for line in log.read_text().splitlines() if '"mcp.request"' in line]
    calls = [record for record in records if record.get("target") == "whoami"]
    assert {("first" in json.dumps(record), "second" in json.dumps(record)) for record in calls} == {(True, False), (False, True)}
    assert "Bearer" not in log.read_text()


def test_tokens_that_the_server_does_not_want_are_refused(guarded: tuple[str, Path]) -> None:
    url, _ = guarded
    assert [post_modern(url, "tools/list", bearer(token)).status for token in ("nobody", "eve", "scopeless", "ada")] == [401, 401, 403, 200]


def test_a_session_belongs_to_who_started_it(guarded: tuple[str, Path]) -> None:
    url, _ = guarded
    session = initialize(url, headers=bearer("ada"), elicitation={})
    stolen = {**session, **bearer("bob")}
    asked = post(url, request("tools/call", 3, name="test_elicitation", arguments={"message": "Well?"}), session)
    last = [line.removeprefix("id: ") for line in asked.body.decode().splitlines() if line.startswith("id: ")][-1]
    assert post(url, request("tools/list"), stolen).status == 404
    assert send(url, "GET", headers={"Accept": "text/event-stream", "Last-Event-ID": last, **stolen}).status == 404
    assert send(url, "DELETE", headers=stolen).status == 404
    assert post(url, request("tools/list"), session).status == 200


def test_a_request_state_belongs_to_who_got_it(guarded: tuple[str, Path]) -> None:
    url, _ = guarded
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    }
    call = {"_meta": meta, "name": "test_input_required_result_request_state", "arguments": {}}
    first = post_modern(url, "tools/call", bearer("ada"), **call).document["result"]
    answers = {"confirm": {"action": "accept", "content": {"ok": True}}}
    again = {**call, "inputResponses": answers, "requestState": first["requestState"]}
    stolen = post_modern(url, "tools/call", bearer("bob"), **again)
    own = post_modern(url, "tools/call", bearer("ada"), **again)
    assert (stolen.status, stolen.document["error"]["code"]) == (400, -32602)
    assert own.document["result"]["content"][0]["text"] == "state-ok"


def test_metadata_is_open_and_names_the_issuer(guarded: tuple[str, Path]) -> None:
    url, _ = guarded
    documents = [send(url, "GET", path=path).document for path in METADATA]
    assert documents[0] == documents[1]
    assert (documents[0]["resource"], documents[0]["authorization_servers"]) == (url, [ISSUER])
