"""Faults: tools, carriers and messages for the tests of what goes wrong."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from pydantic import BaseModel

from claimstack.runtime.messages import Headers
from claimstack.runtime.tools import Pack, Tool

from .cloud import Json
from .conftest import echo


def context(milliseconds: int) -> SimpleNamespace:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)


class Word(BaseModel):
    word: str


async def ask(ctx: Context, large: int = 0) -> str:
    """Tell of progress, and ask."""
    for step in range(large):
        await ctx.report_progress(step, message="é" * 500)
    await ctx.report_progress(large)
    answer = await ctx.elicit("Word?", Word)
    await ctx.report_progress(large + 1)
    return f"{answer.action}"


async def keep_state(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask in the way of the modern era, with a state."""
    if ctx.request_state is not None:
        return ctx.request_state
    form = ElicitRequestFormParams(message="Word?", requested_schema={"type": "object", "properties": {"word": {"type": "string"}}})
    return InputRequiredResult(input_requests={"word": ElicitRequest(params=form)}, request_state="kept")


PACK = Pack("faults", tools=(Tool(echo), Tool(ask, asks=True), Tool(keep_state)))


class Stream:
    """What a carrier that can stream receives."""

    def __init__(self) -> None:
        self.opened: list[tuple[int, Headers]] = []
        self.text = ""

    async def __call__(self, status: int, headers: Headers) -> Stream:
        self.opened.append((status, headers))
        return self

    async def write(self, text: str) -> None:
        self.text += text

    @property
    def messages(self) -> list[Any]:
        return [json.loads(line[6:]) for line in self.text.split("\n") if line.startswith("data: {")]


def respond(client: Any, message: Json, stream: Stream, **headers: str) -> Any:
    event = {
        "httpMethod": "POST",
        "path": "/mcp",
        "headers": {
            "host": "mcp.example.gov",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **client.headers,
            **headers,
        },
        "requestContext": {"authorizer": {"claims": client.claims}},
        "body": json.dumps(message),
    }
    return client.app.respond(event, client.context, stream)


def call_of(name: str, identifier: Any = 1, **arguments: Any) -> Json:
    params = {"name": name, "arguments": arguments, "_meta": {"progressToken": 1}}
    return {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}


def records_in(text: str) -> list[Json]:
    return [json.loads(line) for line in text.split("\n") if line.startswith("{") and '"mcp.request"' in line]
