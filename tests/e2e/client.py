"""Client: MCP requests of either era, as a program with a token sends them to a deployed front door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .deployment import Deployment
from .emulator import Answer
from .messages import ACCEPT, CAPABILITIES, LEGACY, modern_headers, modern_request, request

USER_AGENT = "claimstack-e2e/1"


@dataclass(frozen=True)
class Client:
    """One client of a deployment's user pool, with a token."""

    deployment: Deployment
    id: str
    token: str

    def send(self, method: str, headers: Mapping[str, str], body: Any = None) -> Answer:
        sent = {"Accept": ACCEPT, "User-Agent": USER_AGENT, **headers}
        if body is not None:
            sent["Content-Type"] = "application/json"
        text = json.dumps(body) if body is not None else None
        host = self.deployment.host
        return self.deployment.emulator.request(method, "/mcp", host=host, token=self.token, body=text, headers=sent)

    def initialize(self) -> Answer:
        params = {"protocolVersion": LEGACY, "capabilities": CAPABILITIES, "clientInfo": {"name": "e2e", "version": "1"}}
        return self.send("POST", {}, request("initialize", 0, params))

    def start_session(self) -> dict[str, str]:
        """What further requests of the session have to carry."""
        answer = self.initialize()
        assert (answer.status, answer.document["result"]["protocolVersion"]) == (200, LEGACY), answer
        session = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": answer.headers["mcp-session-id"]}
        ready = self.send("POST", session, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert ready.status == 202, ready
        return session

    def call_legacy(self, tool: str, session: Mapping[str, str], *, rpc_id: Any = 1, arguments: Mapping[str, Any] | None = None) -> Answer:
        return self.send("POST", session, request("tools/call", rpc_id, {"name": tool, "arguments": arguments or {}}))

    def call_modern(self, tool: str, *, rpc_id: Any = 1, headers: Mapping[str, str] | None = None, **params: Any) -> Answer:
        body = modern_request("tools/call", rpc_id, name=tool, **{"arguments": {}, **params})
        return self.send("POST", {**modern_headers("tools/call", tool), **(headers or {})}, body)

    def list_modern(self) -> Answer:
        return self.send("POST", modern_headers("tools/list"), modern_request("tools/list"))


def consumer(deployment: Deployment, name: str) -> Client:
    """By the name that system.toml gives it."""
    client_id = deployment.server.outputs[f"{name.title().replace('-', '')}ClientId"]
    return Client(deployment, client_id, deployment.token(client_id))


def stream_messages(answer: Answer) -> list[tuple[str, Any]]:
    """Event id and JSON-RPC message of each event of a stream that carries one."""
    events = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in answer.body.split("\n\n")]
    return [(event.get("id", ""), json.loads(event["data"])) for event in events if event.get("data", "").strip()]
