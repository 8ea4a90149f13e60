"""Store: where sessions of the older protocol era live, so that every instance of the server finds them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Protocol

Json = dict[str, Any]

ITEM_LIMIT: Final = 350 * 1024
"""Characters of one record, below the 400 KB of a DynamoDB item."""


class StoreError(Exception):
    """The table cannot be used now: throttled, slow, refused or gone. The cause says which."""


class Store(Protocol):
    """A table of records that expire. An expired record counts as absent, whether or not it has been deleted.

    Every method raises StoreError where the table does not answer.
    """

    async def get(self, key: str) -> Json | None: ...

    async def put(self, key: str, data: Json, seconds: float) -> None: ...

    async def put_if_absent(self, key: str, data: Json, seconds: float) -> bool:
        """Write the record unless one is there; say whether this call wrote it."""
        ...

    async def delete(self, key: str) -> bool:
        """Delete the record; say whether one was there."""
        ...


class MemoryStore:
    """The records of one process, for a local server; the oldest go when there are too many."""

    def __init__(self, *, most: int = 10_000, clock: Callable[[], float] = time.time) -> None:
        self._records: dict[str, tuple[float, Json]] = {}
        self._most = most
        self._clock = clock

    async def get(self, key: str) -> Json | None:
        found = self._records.get(key)
        return found[1] if found is not None and found[0] > self._clock() else None

    async def put(self, key: str, data: Json, seconds: float) -> None:
        self._records.pop(key, None)
        if len(self._records) >= self._most:
            self._make_room()
        self._records[key] = (self._clock() + seconds, data)

    async def put_if_absent(self, key: str, data: Json, seconds: float) -> bool:
        if await self.get(key) is not None:
            return False
        await self.put(key, data, seconds)
        return True

    async def delete(self, key: str) -> bool:
        found = self._records.pop(key, None)
        return found is not None and found[0] > self._clock()

    def _make_room(self) -> None:
        now = self._clock()
        for key in [key for key, (expires, _) in self._records.items() if expires <= now]:
            del self._records[key]
        while len(self._records) >= self._most:
            del self._records[next(iter(self._records))]
