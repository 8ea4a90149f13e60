"""Messages: one HTTP request and its response, whatever carried them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

REQUEST_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a request body that are read: the limit of the SDK's own HTTP entry, below the 6 MB that Lambda takes."""

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as the adapter sees it."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name; repeated headers are joined by a comma."""
    body: bytes = b""
    repeated: frozenset[str] = frozenset()
    """Lower-case names of headers that came more than once, where the carrier tells."""
    claims: Mapping[str, Any] | None = None
    """Claims of a token that an authorizer in front has verified; None where none stood in front."""
    source_ip: str = ""
    request_id: str = ""
    """Id that the front door gave the request."""
    trace_id: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    """What is known of the place that the request reached: API, stage, function, host."""
    seconds: float | None = None
    """How long the answer may take; None: as long as it takes."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers = field(default_factory=dict)
    body: str = ""


class Writer(Protocol):
    """An open response stream."""

    async def write(self, text: str) -> None: ...


class Opener(Protocol):
    """Sends status and headers of a streamed response; called at most once for a request."""

    async def __call__(self, status: int, headers: Headers) -> Writer: ...


def matches(value: str, allowed: tuple[str, ...]) -> bool:
    """Whether a Host or Origin is in the list; `name:*` there stands for any port."""
    value = value.lower()
    return value in allowed or f"{value.rpartition(':')[0]}:*" in allowed
