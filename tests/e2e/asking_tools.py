"""Asking tools: an installed pack beside ours, for calls that take several requests; each says which environment ran it."""

from __future__ import annotations

import os
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from pydantic import BaseModel

from claimstack.runtime.tools import Pack, Tool

QUESTION = "Which colour?"
FORM = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}


class Outcome(BaseModel):
    """The environments that asked and that answered, and what the client said."""

    asked_by: str
    answered_by: str
    colour: str


def environment() -> str:
    """Lambda gives each execution environment a log stream of its own."""
    return os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]


async def ask_modern(ctx: Context[Any, Any]) -> Outcome | InputRequiredResult:
    """Ask for a colour; what is known so far travels with the client, sealed."""
    match (ctx.input_responses or {}).get("colour"):
        case ElicitResult(content={"colour": colour}):
            return Outcome(asked_by=str(ctx.request_state), answered_by=environment(), colour=str(colour))
    question = ElicitRequest(params=ElicitRequestFormParams(message=QUESTION, requested_schema=FORM))
    return InputRequiredResult(input_requests={"colour": question}, request_state=environment())


async def ask_legacy(ctx: Context[Any, Any]) -> Outcome:
    """Ask for a colour; the call waits in the session table and runs again with the answer."""
    asked_by = environment()
    answer = await ctx.session.elicit_form(f"{QUESTION} {asked_by}", FORM, ctx.request_id)
    return Outcome(asked_by=asked_by, answered_by=environment(), colour=str((answer.content or {})["colour"]))


ASKING = Pack("asking", tools=(Tool(ask_modern), Tool(ask_legacy, asks=True)))
