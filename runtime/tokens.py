"""Tokens: verification in this process, for servers that no authorizer stands in front of."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import jwt

from claimstack.runtime.identity import UNAUTHORIZED, Refused
from claimstack.runtime.settings import LOOPBACK
from claimstack.runtime.store import OperationalError

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Asymmetric only: the keys are public, so that a symmetric one would let anybody sign."""
LEEWAY_SECONDS: Final = 30
FETCH_SECONDS: Final = 5
KEYS_SECONDS: Final = 300
DISCOVERY: Final = "/.well-known/openid-configuration"


class IssuerError(OperationalError):
    """The issuer's keys cannot be had now: nothing is known of the token."""


class TokenVerifier:
    """Verifies signature, issuer and life of the tokens of one issuer, with the keys that its OpenID document names."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys: jwt.PyJWKClient | None = None

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a valid token; fetches keys when it has to, hence is called in a worker thread. Raises Refused."""
        self._look_at(token)
        try:
            key = self._key_client().get_signing_key_from_jwt(token)
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                # Whom the token is for is asked in `caller_of`, which knows that Cognito names the client there.
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except (jwt.PyJWKClientConnectionError, OSError) as error:
            raise IssuerError(f"{self._issuer}: {error}") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise Refused(UNAUTHORIZED, "invalid_token", "the token cannot be verified") from error
        return claims

    def _look_at(self, token: str) -> None:
        """Turn away what cannot be of this issuer before anything is fetched for it. Raises Refused."""
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError) as error:
            raise Refused(UNAUTHORIZED, "invalid_token", "the token cannot be read") from error
        if algorithm not in ALGORITHMS or issuer != self._issuer:
            raise Refused(UNAUTHORIZED, "invalid_token", "the token is of another issuer or algorithm")

    def _key_client(self) -> jwt.PyJWKClient:
        if self._keys is None:
            document = _fetch(self._issuer.rstrip("/") + DISCOVERY)
            if document.get("issuer") != self._issuer:
                raise ValueError(f"{self._issuer}: the OpenID document names another issuer")
            self._keys = jwt.PyJWKClient(_https(str(document.get("jwks_uri"))), lifespan=KEYS_SECONDS, timeout=FETCH_SECONDS)
        return self._keys


def bearer(headers: Mapping[str, str]) -> str:
    """The token of the Authorization header. Raises Refused where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        # RFC 6750, section 3.1: a request without any token gets a challenge without an error code.
        raise Refused(UNAUTHORIZED, "", "a token is needed")
    return token.strip()


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{url}: expected https")
    return url


def _fetch(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(_https(url), timeout=FETCH_SECONDS) as answer:  # noqa: S310  # the scheme is checked
        document = json.load(answer)
    if not isinstance(document, dict):
        raise ValueError(f"{url}: not an object")
    return document
