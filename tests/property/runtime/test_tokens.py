"""No token opens the door but one that the issuer has signed, for this server, in its time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from claimstack.runtime.identity import Refused
from claimstack.runtime.store import MemoryStore
from claimstack.runtime.tokens import TokenVerifier

from .harness import ALICE, ENVIRON, Data, Instance, cases, instance, send
from .shapes import as_json, broken, junk, texts

KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            keys = {"keys": [{**jwk, "kid": "key", "use": "sig", "alg": "RS256"}]}
            body = json.dumps(keys if self.path == "/keys" else {"issuer": url, "jwks_uri": f"{url}/keys"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield url
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def verifier(issuer: str) -> TokenVerifier:
    return TokenVerifier(issuer)


@pytest.fixture(scope="module")
def server(issuer: str) -> Iterator[Instance]:
    with instance(MemoryStore(most=50), {**ENVIRON, "CLAIMSTACK_ISSUER": issuer}) as made:
        yield made


SOUND = {"alg": "RS256", "kid": "key", "typ": "JWT"}
headers = st.one_of(
    st.just(SOUND),
    st.sampled_from(["none", "HS256", "ES256", "PS256", "RS1", "", None]).map(lambda algorithm: {**SOUND, "alg": algorithm}),
    st.sampled_from(["other", "", None, 7, [], {}]).map(lambda kid: {**SOUND, "kid": kid}),
    st.fixed_dictionaries(
        {"alg": st.just("RS256"), "kid": st.just("key")}, optional={"crit": junk, "b64": junk, "jku": texts, "jwk": junk}
    ),
    broken(st.just(SOUND)),
)
CLAIMS = ("iss", "exp", "nbf", "iat", "aud", "client_id", "azp", "scope", "scp", "sub", "token_use")
changes = st.one_of(
    st.just({}),
    st.dictionaries(st.sampled_from(CLAIMS), junk, max_size=2),
)
signers = st.sampled_from(["key", "key", "other key", "public key as secret", "none", "cut"])


def part(value: Any) -> bytes:
    return base64.urlsafe_b64encode(as_json(value).encode()).rstrip(b"=")


def token(header: Any, payload: Any, signer: str) -> str:
    signed = part(header) + b"." + part(payload)
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    match signer:
        case "key":
            signature = algorithm.sign(signed, KEY)
        case "cut":
            signature = algorithm.sign(signed, KEY)[:-1]
        case "other key":
            signature = algorithm.sign(signed, OTHER_KEY)
        case "none":
            signature = b""
        case _:
            signature = hmac.new(PEM, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def payload_of(issuer: str, change: Data) -> Data:
    return {**ALICE.claims, "iss": issuer, "exp": int(time.time()) + 600, **change}


@cases(400)
@given(headers, changes, signers)
@example({**SOUND, "alg": "HS256"}, {}, "public key as secret")
@example({**SOUND, "alg": "none"}, {}, "none")
def test_only_a_token_with_the_issuers_signature_is_taken(
    verifier: TokenVerifier, issuer: str, header: Any, change: Data, signer: str
) -> None:
    payload = payload_of(issuer, change)
    try:
        claims = verifier.claims(token(header, payload, signer))
    except Refused:
        claims = None
    if claims is None:
        assert (header, change, signer) != (SOUND, {}, "key")
        return
    assert signer == "key"
    assert header["alg"] == "RS256"
    assert header["kid"] == "key"
    assert claims["iss"] == issuer
    assert int(claims["exp"]) > time.time() - 60


@cases(300)
@given(
    st.one_of(
        st.tuples(headers, changes, signers),
        texts.map(lambda text: f"Bearer {text}"),
        st.sampled_from(["Bearer a.b.c", "Bearer ..", "Basic YTpi", "bearer", "Bearer " + "a" * 10_000, "Bearer a, Bearer b"]),
    )
)
def test_whatever_stands_for_a_token_the_answer_is_well_formed(server: Instance, issuer: str, given_: Any) -> None:
    if isinstance(given_, tuple):
        header, change, signer = given_
        authorization = f"Bearer {token(header, payload_of(issuer, change), signer)}"
    else:
        authorization = given_
    event = ALICE.event({"jsonrpc": "2.0", "id": 1, "method": "ping"}, authorization=authorization)
    del event["requestContext"]["authorizer"]
    result, _ = send(server, event)
    assert result["statusCode"] in (400, 401, 403)
    if result["statusCode"] == 401:
        assert "resource_metadata=" in result["headers"]["www-authenticate"]
