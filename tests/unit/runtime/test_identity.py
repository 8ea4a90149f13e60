"""Who may call what: tokens that an authorizer verified, tokens that nobody did, and scopes of tools."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from claimstack.runtime.packs import access_of
from claimstack.runtime.settings import Settings, SettingsError
from claimstack.runtime.tools import Pack, Prompt, Tool

URL = "https://mcp.example.gov/mcp"
ISSUER = "https://login.example.gov/pool"


def test_a_tool_refuses_a_token_without_its_scope(client: Any) -> None:
    for answer in (client.call("report", {"name": "q1"}), client.call_modern("report", {"name": "q1"})):
        assert (answer.status, answer.body["id"]) == (403, 1)
        challenge = answer.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert f'scope="{URL}/reports"' in challenge
        assert 'resource_metadata="https://mcp.example.gov/.well-known/oauth-protected-resource/mcp"' in challenge
        assert client.record["outcome"] == "refused"


def test_a_tool_answers_a_token_with_its_scope(client: Any) -> None:
    client.claims["scope"] = f"{URL}/invoke {URL}/reports"
    assert client.call("report", {"name": "q1"}).text_content == "report q1"


def test_one_call_without_its_scope_refuses_a_whole_batch(client: Any) -> None:
    calls = [
        {"jsonrpc": "2.0", "id": index, "method": "tools/call", "params": {"name": name, "arguments": {"text": "x", "name": "x"}}}
        for index, name in enumerate(("echo", "report"))
    ]
    assert client.send(body=calls).status == 403
    assert [record["outcome"] for record in client.records] == ["refused"]


@pytest.mark.parametrize("uri", ["reports://q1", "REPORTS://q1", "Reports://q1"])
def test_a_resource_refuses_a_token_without_its_scope(client: Any, uri: str) -> None:
    assert client.rpc("resources/read", {"uri": uri}).status == 403
    assert client.modern("resources/read", {"uri": uri}).status == 403


def test_a_prompt_and_its_completion_refuse_a_token_without_its_scope(make_client: Any) -> None:
    def interview(control: str) -> str:
        """Ask about a control."""
        return control

    client = make_client(packs=(Pack("reports", prompts=(Prompt(interview),), scope="reports"),))
    reference = {"ref": {"type": "ref/prompt", "name": "interview"}, "argument": {"name": "control", "value": "a"}}
    asked = (("prompts/get", {"name": "interview", "arguments": {"control": "ac-3"}}), ("completion/complete", reference))
    for method, params in asked:
        assert client.rpc(method, params).status == 403
        assert client.modern(method, params).status == 403
    client.claims["scope"] = f"{URL}/reports"
    assert client.rpc(*asked[0]).body["result"]["messages"][0]["content"]["text"] == "ac-3"


def test_a_resource_answers_a_token_with_its_scope(client: Any) -> None:
    client.claims["scope"] = f"{URL}/reports"
    assert client.rpc("resources/read", {"uri": "reports://q1"}).body["result"]["contents"][0]["text"] == "report q1"


def test_a_token_of_another_client_is_refused(client: Any) -> None:
    client.claims["client_id"] = "stranger"
    assert client.call("echo", {"text": "x"}).status == 401


def test_a_token_of_another_issuer_is_refused(client: Any) -> None:
    client.claims["iss"] = "https://login.example.gov/other"
    assert client.call("echo", {"text": "x"}).status == 401


def test_a_token_for_another_audience_is_refused(client: Any) -> None:
    client.claims["aud"] = "https://other.example.gov/mcp"
    assert client.call("echo", {"text": "x"}).status == 401


def test_a_token_that_names_only_the_address_has_to_be_of_a_listed_client(make_client: Any) -> None:
    listed = {"CLAIMSTACK_PUBLIC_URL": URL, "CLAIMSTACK_ISSUER": ISSUER, "CLAIMSTACK_SCOPES": f"{URL}/invoke {URL}/reports"}
    claims = {"iss": ISSUER, "aud": URL, "scope": f"{URL}/invoke", "client_id": "stranger"}
    for client_ids, client_id, status in ((f"desk {URL}", "stranger", 401), (f"desk {URL}", "desk", 200), (URL, "stranger", 200)):
        client = make_client({**listed, "CLAIMSTACK_CLIENT_IDS": client_ids}, claims={**claims, "client_id": client_id})
        assert client.rpc("ping").status == status, (client_ids, client_id)


def test_an_id_token_is_refused(client: Any) -> None:
    client.claims["token_use"] = "id"
    assert client.call("echo", {"text": "x"}).status == 401


def test_a_token_without_a_scope_of_the_server_is_refused(client: Any) -> None:
    client.claims["scope"] = "openid"
    assert client.call("echo", {"text": "x"}).status == 403


def test_a_call_without_a_token_is_refused(client: Any) -> None:
    client.claims = None
    for answer in (client.call("echo", {"text": "x"}), client.send("GET"), client.send("DELETE")):
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer scope=")


def test_a_list_in_a_claim_is_read_as_api_gateway_hands_it_on(client: Any) -> None:
    client.claims["aud"] = "[other nightly]"
    assert client.call("echo", {"text": "x"}).status == 200


def test_a_tool_learns_who_calls(client: Any) -> None:
    assert client.call("whoami").body["result"]["structuredContent"] == {
        "authenticated": True,
        "client_id": "desk",
        "subject": "desk",
        "issuer": "https://login.example.gov/pool",
        "scopes": [f"{URL}/invoke"],
        "protocol": "2025-11-25",
    }


def test_a_server_without_authentication_says_so(make_client: Any) -> None:
    client = make_client({"CLAIMSTACK_PUBLIC_URL": URL}, claims=None)
    assert client.call("whoami").body["result"]["structuredContent"]["authenticated"] is False


def test_a_scope_that_no_token_can_carry_stops_the_start() -> None:
    settings = Settings(URL, issuer="https://login.example.gov", client_ids=("desk",), scopes=(f"{URL}/invoke",))
    with pytest.raises(SettingsError, match="tool len: needs the scope 'admin', which CLAIMSTACK_SCOPES does not have"):
        access_of(settings, (Pack("p", tools=(Tool(len, scope="admin"),)),))


def test_two_packs_with_one_tool_name_stop_the_start() -> None:
    packs = (Pack("a", tools=(Tool(len),)), Pack("b", tools=(Tool(len),)))
    with pytest.raises(SettingsError, match="tool len: is in the packs a and b"):
        access_of(Settings(URL), packs)


# ---- tokens that no authorizer has verified

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """An OpenID provider on the loopback interface."""
    documents: dict[str, Any] = {}

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(documents[self.path]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Provider)
    url = f"http://127.0.0.1:{server.server_port}"
    key = {**jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "use": "sig"}
    documents["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": f"{url}/keys"}
    documents["/keys"] = {"keys": [key]}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    server.server_close()


def signed(issuer: str, key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> str:
    given = {"iss": issuer, "client_id": "desk", "sub": "desk", "scope": f"{URL}/invoke", "exp": int(time.time()) + 60, **claims}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, key, algorithm, headers={"kid": "k1"})


def test_a_valid_token_is_accepted_where_no_authorizer_stood_in_front(make_client: Any, issuer: str) -> None:
    client = make_client(environ(issuer), claims=None)
    answer = client.call("whoami", authorization=f"Bearer {signed(issuer)}")
    assert answer.body["result"]["structuredContent"]["client_id"] == "desk"


def test_a_token_that_does_not_verify_is_refused(make_client: Any, issuer: str) -> None:
    client = make_client(environ(issuer), claims=None)
    tokens = {
        "another key": signed(issuer, OTHER_KEY),
        "expired": signed(issuer, exp=int(time.time()) - 3600),
        "without an end": signed(issuer, exp=None),
        "another issuer": signed("https://login.example.gov/other"),
        "a symmetric signature": signed(issuer, "0123456789abcdef0123456789abcdef", "HS256"),
        "no signature": jwt.encode({"iss": issuer, "client_id": "desk", "scope": f"{URL}/invoke"}, None, "none", headers={"kid": "k1"}),
        "no token at all": "abc",
        "another client": signed(issuer, client_id="stranger"),
    }
    for what, token in tokens.items():
        answer = client.call("whoami", authorization=f"Bearer {token}")
        assert (answer.status, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True), what
        assert token not in client.log.getvalue(), what


def test_nothing_is_fetched_for_a_token_that_cannot_be_the_issuers(make_client: Any) -> None:
    client = make_client(environ("http://127.0.0.1:9"), claims=None)  # where nobody listens
    for token in ("abc", signed("https://login.example.gov/other"), signed("http://127.0.0.1:9", "0123456789abcdef" * 2, "HS256")):
        assert client.call("whoami", authorization=f"Bearer {token}").status == 401


def test_an_issuer_that_does_not_answer_says_nothing_of_the_token(make_client: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = make_client(environ(f"http://127.0.0.1:{port}"), claims=None)
    answer = client.call("whoami", authorization=f"Bearer {signed(f'http://127.0.0.1:{port}')}")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def environ(issuer: str) -> dict[str, str]:
    return {
        "CLAIMSTACK_PUBLIC_URL": URL,
        "CLAIMSTACK_ISSUER": issuer,
        "CLAIMSTACK_CLIENT_IDS": "desk",
        "CLAIMSTACK_SCOPES": f"{URL}/invoke {URL}/reports",
    }
