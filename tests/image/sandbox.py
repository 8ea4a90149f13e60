"""Sandbox: an unpacked image as Lambda runs it, with a read-only root, a user without rights and the Runtime API."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VERSION = "/2018-06-01/runtime"
HOST = "127.0.0.1"
START_SECONDS = 60
CALL_SECONDS = 30
STOP_SECONDS = 5


class RuntimeApi:
    """One execution environment's view of Lambda, and what comes back from it."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self.ready = threading.Event()
        self.server = ThreadingHTTPServer((HOST, 0), _Handler)
        self.server.daemon_threads = True
        self.server.api = self  # type: ignore[attr-defined]  # how a handler finds it
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        api: RuntimeApi = self.server.api  # type: ignore[attr-defined]  # set above
        api.ready.set()
        event = api.events.get()
        if event is None:
            self.close_connection = True
            return
        self._send(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.UUID(int=time.monotonic_ns())),
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + CALL_SECONDS) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:111122223333:function:mcp",
            },
        )

    def do_POST(self) -> None:
        api: RuntimeApi = self.server.api  # type: ignore[attr-defined]  # set above
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send(202, b'{"status":"OK"}')
        api.answers.put((self.path.removeprefix(f"{VERSION}/"), json.loads(body)))

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass
class Environment:
    """A started image."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    log: Path
    started: float = field(default_factory=time.perf_counter)
    start_seconds: float = 0.0
    """From the start of the process to the first request for an invocation, which is what Lambda calls the init phase."""

    def wait(self) -> None:
        while not self.api.ready.wait(0.002):
            if self.process.poll() is not None or time.perf_counter() - self.started > START_SECONDS:
                raise RuntimeError(f"the image does not start: {self.written()}")
        self.start_seconds = time.perf_counter() - self.started

    def call(self, event: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """What the function answers, and how many seconds Lambda waited for it."""
        data = json.dumps(event).encode()
        begun = time.perf_counter()
        self.api.events.put(data)
        try:
            path, answer = self.api.answers.get(timeout=CALL_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"no answer: {self.written()}") from None
        seconds = time.perf_counter() - begun
        if not path.endswith("/response"):
            raise RuntimeError(f"{path}: {answer}: {self.written()}")
        return answer, seconds

    def written(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def started(root: Path, config: Mapping[str, Any], variables: Mapping[str, str], log: Path) -> Iterator[Environment]:
    """Run the entry point that the image names, as the user that it names, with its environment and nothing of ours."""
    api = RuntimeApi()
    with log.open("wb") as output:
        command = sandbox(root, config, {**variables, "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{api.server.server_port}"})
        process = subprocess.Popen(
            [*command, *config["Entrypoint"], *config.get("Cmd", ())], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    environment = Environment(api, process, log)
    try:
        environment.wait()
        yield environment
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        api.close()


def sandbox(root: Path, config: Mapping[str, Any], variables: Mapping[str, str]) -> list[str]:
    """Name spaces of its own except for the network, on which the Runtime API is. Only /tmp can be written, as on Lambda."""
    user, _, group = config["User"].partition(":")
    image = dict(setting.split("=", 1) for setting in config["Env"])
    settings = (word for name, value in {**image, **variables}.items() for word in ("--setenv", name, value))
    return [
        "bwrap", "--unshare-all", "--share-net", "--die-with-parent", "--uid", user, "--gid", group or user,
        "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
        "--chdir", config.get("WorkingDir") or "/", "--clearenv", *settings,
    ]  # fmt: skip
