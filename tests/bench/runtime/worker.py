"""Worker: one fresh process with one contender; commands come as JSON lines, figures leave by a pipe of their own."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from typing import Any, Final, TextIO

START: Final = time.perf_counter()
PROBE_SECONDS: Final = 10


class Late(BaseException):
    """A probe that has no answer in time."""


def main(name: str, replies: TextIO) -> None:
    from contenders import BY_NAME
    from traffic import MODERN, call, context, is_right

    contender = BY_NAME[name]
    handler = contender.make()
    made = time.perf_counter()
    result = handler(call(MODERN, "sync", 0), context())
    answered = time.perf_counter()
    if not is_right(result, 0):
        raise AssertionError(f"{name} answers the first call with {result}")
    say(replies, {"first_ms": (answered - made) * 1000, "ready_ms": (made - START) * 1000})
    for line in sys.stdin:
        command = json.loads(line)
        if "probe" in command:
            say(replies, {"right": probe(handler)})
        else:
            seconds, cpu = block(name, handler, command["version"], command["kind"], command["calls"])
            say(replies, {"seconds": seconds, "cpu": cpu, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def block(name: str, handler: Any, version: str, kind: str, calls: int) -> tuple[list[float], float]:
    """Seconds of each call, and seconds of processor time of all together, in all threads.

    The events are made before and the answers judged after, so that nothing but the handler is timed.
    """
    from traffic import call, context, is_right

    events = [call(version, kind, number) for number in range(1, calls + 1)]
    seconds, results = [], []
    busy = time.process_time()
    for event in events:
        about = context()
        started = time.perf_counter()
        result = handler(event, about)
        seconds.append(time.perf_counter() - started)
        results.append(result)
    busy = time.process_time() - busy
    for number, result in enumerate(results, 1):
        if not is_right(result, number):
            raise AssertionError(f"{name} answers call {number} ({version}, {kind}) with {result}")
    return seconds, busy


def probe(handler: Any) -> dict[str, bool]:
    from traffic import PROBES, context

    found = {}
    signal.signal(signal.SIGALRM, _late)
    for what, event, is_right in PROBES:
        signal.setitimer(signal.ITIMER_REAL, PROBE_SECONDS)
        try:
            found[what] = is_right(handler(event, context()))
        except (Exception, Late):  # noqa: BLE001  # whatever a contender raises, the caller gets no right answer
            found[what] = False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return found


def _late(*_: object) -> None:
    raise Late


def say(replies: TextIO, figures: dict[str, Any]) -> None:
    replies.write(json.dumps(figures) + "\n")
    replies.flush()


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[2]), "w", encoding="utf-8") as pipe:
        main(sys.argv[1], pipe)
