"""Loop: one event loop for the life of the process, whose worker threads outlive a request too.

anyio ends its worker threads with the task that it takes for the root of the loop, by default the one of `run_until_complete`: with a loop
run once for each request, every synchronous tool would pay for a new thread. A task that never ends is made the root instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from types import FrameType
from typing import Any, Final, TypeVar

from anyio.to_thread import run_sync

from claimstack.runtime.kernel import Overrun

T = TypeVar("T")

GRACE_SECONDS: Final = 0.2
"""After its time is over a request has this long to end by itself before what blocks the loop is interrupted."""


class Loop:
    """Runs coroutines one after the other; not for use by several threads at once."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._keeper = self._loop.create_task(self._keep())
        # The loop is stopped by the keeper, which lives on: that is what the message of this error says.
        with contextlib.suppress(RuntimeError):
            self._loop.run_until_complete(self._keeper)
        # The worker is no daemon: without this the interpreter would wait for it when the program has ended.
        threading.Thread(target=self._close_after_main, daemon=True).start()

    def _close_after_main(self) -> None:
        threading.main_thread().join()
        self.close()

    async def _keep(self) -> None:
        await run_sync(int)  # starts the first worker, with this task as the root
        self._loop.stop()
        await asyncio.Event().wait()

    def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Run to the end. Past `seconds` and some grace, Overrun is raised into whatever blocks the loop; where that is the loop itself,
        the work is cancelled and Overrun raised to the caller."""
        task = self._loop.create_task(work)
        with _interrupted_after(seconds):
            while True:
                try:
                    return self._loop.run_until_complete(task)
                except SystemExit:
                    # asyncio lets this out of any task, and so out of one that a handler has started: the work goes on.
                    if task.done():
                        raise
                except Overrun:
                    if task.done():
                        raise
                    task.cancel()
                except asyncio.CancelledError:
                    raise Overrun from None

    def close(self) -> None:
        if self._loop.is_closed():
            return
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


@contextlib.contextmanager
def _interrupted_after(seconds: float | None) -> Iterator[None]:
    """By a timer signal, which Python delivers to the main thread only; elsewhere nothing interrupts."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _overrun)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _overrun(_number: int, _frame: FrameType | None) -> None:
    raise Overrun
