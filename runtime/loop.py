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
from typing import Any, TypeVar

from anyio.to_thread import run_sync

from claimstack.runtime.kernel import GRACE_SECONDS, Overrun

T = TypeVar("T")


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
        """Run to the end. Past `seconds` and some grace, Overrun is raised into whatever task blocks the loop."""
        task = self._loop.create_task(work)
        with _interrupted_after(seconds, self._loop, task):
            while True:
                try:
                    return self._loop.run_until_complete(task)
                except SystemExit:
                    # asyncio lets this out of any task, and so out of one that a handler has started: the work goes on.
                    if task.done():
                        raise

    def close(self) -> None:
        if self._loop.is_closed():
            return
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


@contextlib.contextmanager
def _interrupted_after(seconds: float | None, loop: asyncio.AbstractEventLoop, work: asyncio.Task[Any]) -> Iterator[None]:
    """By a timer signal, which Python delivers to the main thread only; elsewhere nothing interrupts."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        running = asyncio.current_task(loop)
        if running is not work:
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)  # again, for a handler that takes no notice
        if running is not None:  # the loop's own steps are short, and would leave it in disorder
            raise Overrun

    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
