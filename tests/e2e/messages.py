"""Messages: JSON-RPC requests of either era, and what a client sends around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
CAPABILITIES: dict[str, Any] = {"elicitation": {"form": {}}}
ACCEPT = "application/json, text/event-stream"


def request(method: str, rpc_id: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": rpc_id, "method": method, "params": params}


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    return {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **({"Mcp-Name": name} if name else {})}


def modern_request(method: str, rpc_id: Any = 1, /, **params: Any) -> dict[str, Any]:
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": CAPABILITIES}
    return request(method, rpc_id, {"_meta": meta, **params})
