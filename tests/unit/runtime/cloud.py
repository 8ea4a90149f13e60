"""Cloud: DynamoDB and Secrets Manager at a port of this machine, which fail as they are told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
KEY = "k" * 64
Behaviour = Callable[[str, Json], tuple[int, Any]]


class Aws:
    """An endpoint for DynamoDB and Secrets Manager. `behave` answers an operation; what it leaves, the table and the secret answer."""

    def __init__(self) -> None:
        self.items: dict[str, Json] = {}
        self.secret: Json = {"SecretString": KEY}
        self.behave: Behaviour = self.answer
        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, operation: str, body: Json) -> tuple[int, Any]:
        key = body.get("Item", body.get("Key", {})).get("pk", {}).get("S", "")
        match operation:
            case "GetSecretValue" if body["VersionStage"] == "AWSCURRENT":
                return 200, self.secret
            case "GetItem":
                return 200, {"Item": self.items[key]} if key in self.items else {}
            case "PutItem" if "ConditionExpression" in body and key in self.items:
                return failure("ConditionalCheckFailedException")
            case "PutItem":
                assert len(json.dumps(body["Item"], ensure_ascii=False).encode()) < 400 * 1024, "an item has at most 400 KB"
                self.items[key] = body["Item"]
                return 200, {}
            case "DeleteItem":
                return 200, {"Attributes": old} if (old := self.items.pop(key, None)) else {}
        return failure("ResourceNotFoundException")

    def hang(self, operation: str, body: Json) -> tuple[int, Any]:
        self.released.wait(30)
        return 500, {}

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        aws_ = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, document = aws_.behave(self.headers["X-Amz-Target"].rpartition(".")[2], body)
                text = document if isinstance(document, bytes) else json.dumps(document).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/x-amz-json-1.0")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def failure(code: str) -> tuple[int, Json]:
    return 400, {"__type": f"com.amazonaws#{code}", "message": "no"}
