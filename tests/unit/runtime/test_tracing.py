"""Spans reach the collector that the environment names."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from claimstack.runtime.tracing import start_tracing

PROGRAM = """
import json, os
from claimstack.runtime.app import create_app
app = create_app(os.environ)
message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}
headers = {"host": "mcp.example.gov", "content-type": "application/json", "accept": "application/json"}
print(app.handle_event({"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(message)})["statusCode"])
"""


def test_without_a_collector_nothing_is_set_up() -> None:
    assert start_tracing({}, "claimstack") is None


def test_a_call_leaves_a_span_before_the_process_may_be_frozen() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    environ = {
        "CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=120, check=True)
    server.shutdown()
    server.server_close()
    assert done.stdout.splitlines()[-1] == "200"
    assert [path for path, _ in received] == ["/v1/traces"]
    assert b"tools/call whoami" in received[0][1]
    assert b"gen_ai.tool.name" in received[0][1]
