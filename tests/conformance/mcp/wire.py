"""Wire: single HTTP requests, with nothing added that a test did not ask for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

SECONDS = 20
BOTH = "application/json, text/event-stream"
META = "io.modelcontextprotocol/"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def messages(self) -> list[Any]:
        """The JSON-RPC messages of an event stream."""
        data = [line.removeprefix("data:").strip() for line in self.body.decode().splitlines() if line.startswith("data:")]
        return [json.loads(text) for text in data if text]


def send(url: str, method: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, path: str | None = None) -> Answer:
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.netloc, timeout=SECONDS)) as connection:
        connection.request(method, path or parts.path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def post(url: str, message: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A message of the older era, as a client sends it."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return send(url, "POST", body, {"Content-Type": "application/json", "Accept": BOTH, **(headers or {})})


def request(method: str, identifier: int = 1, /, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}


def initialize(url: str, version: str = "2025-11-25", headers: Mapping[str, str] | None = None, **capabilities: Any) -> dict[str, str]:
    """Start a session; what further requests have to carry."""
    params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "wire", "version": "1"}}
    answer = post(url, request("initialize", **params), headers)
    assert answer.document["result"]["protocolVersion"] == version, answer
    session = answer.headers.get("mcp-session-id")
    speaks = {} if version < "2025-06-18" else {"MCP-Protocol-Version": version}
    return {**speaks, **({"Mcp-Session-Id": session} if session else {}), **(headers or {})}


def post_modern(url: str, method: str, headers: Mapping[str, str] | None = None, **params: Any) -> Answer:
    """A request of 2026-07-28 as a client sends it; `headers` are added or replace what it would send."""
    meta = {f"{META}protocolVersion": "2026-07-28", f"{META}clientCapabilities": {}}
    name = params.get("uri") or params.get("name")
    sent = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **({"Mcp-Name": name} if name else {}), **(headers or {})}
    return post(url, request(method, **{"_meta": meta, **params}), sent)
