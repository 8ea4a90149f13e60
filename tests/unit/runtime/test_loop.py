"""One loop for many requests."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from anyio.to_thread import run_sync

from claimstack.runtime.kernel import Overrun
from claimstack.runtime.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


async def worker() -> int:
    return await run_sync(threading.get_ident)


def test_the_worker_thread_outlives_a_request(loop: Loop) -> None:
    assert len({loop.run(worker()) for _ in range(5)}) == 1


def test_what_blocks_the_loop_is_interrupted(loop: Loop) -> None:
    async def block() -> None:
        time.sleep(30)

    with pytest.raises(Overrun):
        loop.run(block(), 0.05)
    assert loop.run(worker()) > 0


def test_what_ends_in_time_is_left_alone(loop: Loop) -> None:
    assert loop.run(asyncio.sleep(0.01, "done"), 5) == "done"
    time.sleep(0.05)


def test_a_program_that_forgets_to_close_it_ends_all_the_same() -> None:
    script = "from claimstack.runtime.loop import Loop; import anyio.to_thread as t; print(Loop().run(t.run_sync(int)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout == "0\n"


def test_the_loop_itself_is_not_interrupted() -> None:
    """The alarm comes while nothing runs: the work ends as it would."""
    loop = Loop()
    try:
        assert loop.run(asyncio.sleep(0.7, "done"), 0.1) == "done"
    finally:
        loop.close()
