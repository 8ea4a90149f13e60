"""Store: where sessions of the older protocol era live, so that every instance of the server finds them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, Protocol

from claimstack.runtime.jsonrpc import Json, dump, parse

ITEM_LIMIT: Final = 350 * 1024
"""Bytes of one record, below the 400 KB of a DynamoDB item."""


UNTIL: Final[ContextVar[float | None]] = ContextVar("until", default=None)
"""By the loop's clock: how long whoever serves the request may wait for what is not its handler."""


class OperationalError(Exception):
    """What the server stands on does not work. The text holds nothing that a caller has sent, so that records may show it."""


class StoreError(OperationalError):
    """The table cannot be used now: throttled, slow, refused or gone. The cause says which."""


class TooLargeError(Exception):
    """A record is larger than a table takes: what the client sent or was asked cannot be kept."""


class Store(Protocol):
    """A table of records that expire. An expired record counts as absent, whether or not it has been deleted.

    Every method raises StoreError where the table does not answer, and those that write TooLargeError.
    """

    async def get(self, key: str) -> Json | None: ...

    async def put(self, key: str, data: Json, seconds: float) -> None: ...

    async def put_if_absent(self, key: str, data: Json, seconds: float) -> bool:
        """Write the record unless one is there; say whether this call wrote it."""
        ...

    async def delete(self, key: str) -> bool:
        """Delete the record; say whether one was there."""
        ...


def record_text(data: Json) -> str:
    """The record as it is kept. Raises TooLargeError."""
    text = dump(data)
    size = len(text.encode())
    if size > ITEM_LIMIT:
        raise TooLargeError(f"a record of {size} bytes is over the limit of {ITEM_LIMIT}")
    return text


class MemoryStore:
    """The records of one process, for a local server; the oldest go when there are too many or when they are too large."""

    def __init__(self, *, most: int = 10_000, room: int = 128 * 1024 * 1024, clock: Callable[[], float] = time.time) -> None:
        """`most` records of `room` characters together."""
        # As text, so that nobody changes a record by changing what was read from it, as with a table.
        self._records: dict[str, tuple[float, str]] = {}
        self._most = most
        self._room = room
        self._size = 0
        self._clock = clock

    async def get(self, key: str) -> Json | None:
        found = self._records.get(key)
        if found is None or found[0] <= self._clock():
            return None
        data: Json = parse(found[1].encode())
        return data

    async def put(self, key: str, data: Json, seconds: float) -> None:
        text = record_text(data)
        self._drop(key)
        if self._is_full(len(text)):
            self._make_room(len(text))
        self._records[key] = (self._clock() + seconds, text)
        self._size += len(text)

    async def put_if_absent(self, key: str, data: Json, seconds: float) -> bool:
        if await self.get(key) is not None:
            return False
        await self.put(key, data, seconds)
        return True

    async def delete(self, key: str) -> bool:
        expires = self._drop(key)
        return expires is not None and expires > self._clock()

    def _drop(self, key: str) -> float | None:
        """Remove the record; say until when it was valid."""
        found = self._records.pop(key, None)
        if found is None:
            return None
        self._size -= len(found[1])
        return found[0]

    def _is_full(self, size: int) -> bool:
        return len(self._records) >= self._most or self._size + size > self._room

    def _make_room(self, size: int) -> None:
        now = self._clock()
        for key in [key for key, (expires, _) in self._records.items() if expires <= now]:
            self._drop(key)
        while self._records and self._is_full(size):
            self._drop(next(iter(self._records)))
