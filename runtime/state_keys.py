"""State keys: the shared secret that seals request states, read from Secrets Manager when it is first needed and again as it rotates."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from mcp.server.request_state import AESGCMRequestStateCodec, InvalidRequestState

from claimstack.runtime.aws import make_client
from claimstack.runtime.store import OperationalError

STAGES: Final = ("AWSCURRENT", "AWSPREVIOUS")
"""The first seals, both open: what another instance sealed just before or after a rotation stays valid."""
FRESH_SECONDS: Final = 300
AGAIN_SECONDS: Final = 5
"""After this time at the earliest a state with an unknown key makes us look for a newer one: forged states must not flood the service."""

Fetch = Callable[[], Sequence[str]]


class SharedKeyCodec:
    """The SDK's `RequestStateCodec` over keys that are fetched; `fetch` returns the current key first."""

    def __init__(self, fetch: Fetch, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._codec: AESGCMRequestStateCodec | None = None
        self._fetched = 0.0
        self._lock = threading.Lock()

    def seal(self, payload: bytes) -> str:
        return self._fresh(FRESH_SECONDS).seal(payload)

    def unseal(self, token: str) -> bytes:
        try:
            return self._fresh(FRESH_SECONDS).unseal(token)
        except InvalidRequestState as error:
            if str(error) != "unknown key" or self._clock() - self._fetched < AGAIN_SECONDS:
                raise
        return self._fresh(AGAIN_SECONDS).unseal(token)

    def _fresh(self, seconds: float) -> AESGCMRequestStateCodec:
        with self._lock:
            codec = self._codec
            if codec is None or self._clock() - self._fetched >= seconds:
                try:
                    codec = _codec_of(self._fetch())
                except Exception:
                    # Known keys go on working while the service does not answer; without any, the error is the answer.
                    if codec is None:
                        raise
                self._codec, self._fetched = codec, self._clock()
            return codec


class StateKeyError(OperationalError):
    """The secret holds no usable key."""


def _codec_of(keys: Sequence[str]) -> AESGCMRequestStateCodec:
    try:
        return AESGCMRequestStateCodec(list(dict.fromkeys(keys)))
    except ValueError as error:
        raise StateKeyError(f"the state secret is not usable: {error}") from error


def fetch_from_secrets_manager(arn: str, client: Any = None) -> Fetch:
    """Reads both versions of the secret; a secret that was never rotated has one."""
    held = [client]

    def fetch() -> list[str]:
        from botocore.exceptions import ClientError

        held[0] = held[0] or make_client("secretsmanager")
        keys = []
        for stage in STAGES:
            try:
                keys.append(held[0].get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"])
            except ClientError as error:
                if stage == STAGES[0] or error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
        return keys

    return fetch
