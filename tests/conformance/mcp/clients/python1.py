"""Python SDK 1: what it gets from a server; arguments are URL, `legacy`, and a file to make for a tool that waits, or nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult, TextContent

ANSWERS = {"name": "Ada", "colour": "blue"}


def text(result: Any) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent), block
    return block.text


async def answer(_context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={name: ANSWERS[name] for name in params.requestedSchema["properties"]})


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[ClientSession, str]]:
    async with (
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write, elicitation_callback=answer) as session,
    ):
        started = await session.initialize()
        yield session, str(started.protocolVersion)


async def visit(url: str, signal: str | None) -> dict[str, Any]:
    events: list[str] = []

    async def heard(progress: float, _total: float | None, _message: str | None) -> None:
        events.append(f"progress {progress:g}")
        if signal is not None and progress == 1:
            Path(signal).touch()

    async with connected(url) as (session, protocol):
        tools = await session.list_tools()
        found = {
            "protocol": protocol,
            "lists": "test_simple_text" in [tool.name for tool in tools.tools],
            "text": text(await session.call_tool("test_simple_text", {})),
        }
        await session.call_tool("test_tool_with_progress", {}, progress_callback=heard)
        found["progress"] = list(events)
        found["elicited"] = text(await session.call_tool("test_two_questions", {}))
        if signal is not None:
            events.clear()
            result = await session.call_tool("test_wait_for_file", {"path": signal}, progress_callback=heard)
            found["while running"] = [*events, text(result)]
    async with connected(url) as (session, _):
        found["again"] = text(await session.call_tool("test_simple_text", {}))
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(visit(sys.argv[1], sys.argv[3] if len(sys.argv) > 3 else None))))
