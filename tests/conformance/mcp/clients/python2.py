"""Python SDK 2: what it gets from a server; arguments are URL, `legacy` or `auto`, and a file to make for a tool that waits, or nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import Client
from mcp_types import ElicitResult, TextContent

ANSWERS = {"name": "Ada", "colour": "blue"}


def text(result: Any) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent), block
    return block.text


async def answer(_context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={name: ANSWERS[name] for name in params.requested_schema["properties"]})


async def visit(url: str, mode: Any, signal: str | None) -> dict[str, Any]:
    events: list[str] = []

    async def heard(progress: float, _total: float | None, _message: str | None) -> None:
        events.append(f"progress {progress:g}")
        if signal is not None and progress == 1:
            Path(signal).touch()

    async with Client(url, mode=mode, elicitation_callback=answer) as client:
        tools = await client.list_tools()
        found = {
            "protocol": client.protocol_version,
            "lists": "test_simple_text" in [tool.name for tool in tools.tools],
            "text": text(await client.call_tool("test_simple_text", {})),
        }
        await client.call_tool("test_tool_with_progress", {}, progress_callback=heard)
        found["progress"] = list(events)
        asking = "test_two_questions" if mode == "legacy" else "test_input_required_result_elicitation"
        found["elicited"] = text(await client.call_tool(asking, {}))
        if signal is not None:
            events.clear()
            result = await client.call_tool("test_wait_for_file", {"path": signal}, progress_callback=heard)
            found["while running"] = [*events, text(result)]
    async with Client(url, mode=mode) as client:
        found["again"] = text(await client.call_tool("test_simple_text", {}))
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(visit(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))))
