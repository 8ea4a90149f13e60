"""HTTP API: API Gateway in front of a Python handler that runs in isolated processes, one event at a time each; answers are buffered."""

from __future__ import annotations

import json
import os
import random
import secrets
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .gateway import (
    RESULT_LIMIT,
    FunctionFailedError,
    FunctionTimeoutError,
    Outgoing,
    PayloadFormat,
    Tokens,
    answer,
    bound,
    front,
    read_result,
)
from .worker import RESULTS_FD

ROOT = Path(__file__).parents[3]
WORKER = "tests.conformance.mcp.worker"
START_SECONDS = 60
STOP_SECONDS = 5


@contextmanager
def http_api(
    handler: str,
    *,
    workers: int = 4,
    format: PayloadFormat = "2.0",  # noqa: A002  # the name API Gateway has for it
    environment: Mapping[str, str] | None = None,
    tokens: Tokens | None = None,
    timeout: float = 29.0,
    log: Path | None = None,
) -> Iterator[str]:
    """Serve a handler, `module:attribute`, and yield the URL of its `/mcp`.

    `{url}` in a value of `environment` stands for that URL. With `tokens` an authorizer stands in front of `/mcp`. `log` receives what
    the workers write. Each request goes to a random idle worker; one that does not answer in `timeout` seconds is replaced.
    """
    server, url = bound()
    with tempfile.TemporaryDirectory() as folder:
        environ = function_environment(environment or {}, url)
        pool = _Pool(handler, environ, log or Path(folder, "workers.log"), timeout, format)
        try:
            pool.start(workers)
            with front(lambda incoming: answer(incoming, format, tokens, pool.invoke), server):
                yield url
        finally:
            server.server_close()
            pool.stop()


def function_environment(environment: Mapping[str, str], url: str) -> dict[str, str]:
    """The environment of a function: nothing of ours that is configuration, and the checkout importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CLAIMSTACK_", "POWERTOOLS_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **{name: value.replace("{url}", url) for name, value in environment.items()}}


class _Worker:
    def __init__(self, handler: str, environment: Mapping[str, str], log: Path) -> None:
        results, inherited = os.pipe()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", WORKER, handler],
                cwd=ROOT,
                env={**environment, RESULTS_FD: str(inherited)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[inherited],
            )
        os.close(inherited)
        self.results = os.fdopen(results, "rb")
        self.log = log

    def wait_until_ready(self) -> None:
        if not self._readable(START_SECONDS) or not self.results.readline():
            raise RuntimeError(f"a worker did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def call(self, event: Mapping[str, Any], seconds: float) -> Any:
        assert self.process.stdin is not None
        invocation = {"id": secrets.token_hex(16), "deadline": time.time() + seconds, "event": event}
        try:
            self.process.stdin.write(json.dumps(invocation).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise FunctionFailedError("the worker is gone") from error
        if not self._readable(seconds):
            raise FunctionTimeoutError
        line = self.results.readline()
        if not line:
            self.process.wait(timeout=STOP_SECONDS)
        reply = json.loads(line) if line and len(line) <= RESULT_LIMIT else {}
        if "result" not in reply:
            raise FunctionFailedError("the handler raised, ended or returned too much")
        return reply["result"]

    def stop(self) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(timeout=STOP_SECONDS)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.results.close()

    def _readable(self, seconds: float) -> bool:
        return bool(select.select([self.results], [], [], seconds)[0])


@dataclass
class _Pool:
    handler: str
    environment: Mapping[str, str]
    log: Path
    timeout: float
    payload_format: PayloadFormat
    idle: list[_Worker] = field(default_factory=list)
    started: list[_Worker] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def start(self, workers: int) -> None:
        self.started = [_Worker(self.handler, self.environment, self.log) for _ in range(workers)]
        for worker in self.started:
            worker.wait_until_ready()
        self.idle = list(self.started)

    def stop(self) -> None:
        for worker in self.started:
            worker.stop()

    def invoke(self, event: Mapping[str, Any]) -> Outgoing:
        with self.changed:
            self.changed.wait_for(lambda: self.idle)
            worker = self.idle.pop(random.randrange(len(self.idle)))
        try:
            return read_result(worker.call(event, self.timeout), self.payload_format)
        except FunctionTimeoutError:
            worker.process.kill()
            worker.process.wait()
            raise
        finally:
            if worker.process.poll() is not None:
                worker = self._replacement(worker)
            with self.changed:
                self.idle.append(worker)
                self.changed.notify()

    def _replacement(self, old: _Worker) -> _Worker:
        old.stop()
        worker = _Worker(self.handler, self.environment, self.log)
        self.started[self.started.index(old)] = worker
        worker.wait_until_ready()
        return worker
