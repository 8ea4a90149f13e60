"""The store of a laptop, where nothing else enforces what a table does."""

from __future__ import annotations

import asyncio

import pytest

from claimstack.runtime.store import ITEM_LIMIT, MemoryStore


def test_the_limits_of_a_memory_store_are_those_of_a_table() -> None:
    with pytest.raises(Exception, match="over the limit") as raised:
        asyncio.run(MemoryStore().put("k", {"x": "é" * (ITEM_LIMIT // 2)}, 60))
    assert type(raised.value).__name__ == "TooLargeError"
