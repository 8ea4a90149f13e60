"""Results that JSON cannot carry, and answers near what a carrier takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp.server.mcpserver import Context

from claimstack.runtime.replies import STREAM_LIMIT
from claimstack.runtime.tools import Pack, Tool

from .faults import Stream, call_of, respond

RESULT_LIMIT = 6 * 1024 * 1024


def odd_results() -> dict[str, Any]:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    return {
        "half a pair": "\ud800",
        "half a pair in a key": {"\ud800": 1},
        "not a number": float("nan"),
        "infinite": [float("inf")],
        "no text": b"\xff",
        "an object": object(),
        "a set": {1},
        "a circle": circle,
        "deep": deep,
        "huge": 10**5000,
        "odd keys": {(1, 2): 3},
    }


@pytest.mark.parametrize("kind", odd_results())
def test_a_result_that_json_cannot_carry_is_answered(make_client: Any, kind: str) -> None:
    async def odd() -> Any:
        """Return something odd."""
        return odd_results()[kind]

    client = make_client(packs=(Pack("odd", tools=(Tool(odd),)),))
    for answer in (client.call("odd"), client.call_modern("odd")):
        assert answer.status in (200, 500)
        assert "result" in answer.body or answer.error["code"] == -32603
    assert len(client.records) == 2


def test_notifications_and_a_large_answer_fit_together(make_client: Any) -> None:
    """Each takes several times its characters within Lambda's result."""

    async def verbose(ctx: Context) -> str:
        """Notify much, and return much."""
        for step in range(3000):
            await ctx.report_progress(step, message='"é𐐷' * 200)
        return '"' * 300_000

    client = make_client(packs=(Pack("verbose", tools=(Tool(verbose),)),))
    answer = client.send(body=call_of("verbose"))
    result = {"statusCode": 200, "headers": answer.headers, "body": answer.text}
    assert len(json.dumps(result, ensure_ascii=False).encode()) < RESULT_LIMIT
    assert 10 < len(answer.events) < 3000
    assert "result" in answer.events[-1]


def test_a_streamed_answer_has_its_own_limit(make_client: Any) -> None:
    async def large(size: int) -> str:
        """So many bytes, twice: as text and as structured content."""
        return "x" * (size // 2)

    client = make_client(packs=(Pack("large", tools=(Tool(large),)),))
    stream = Stream()
    fits = respond(client, call_of("large", size=7_000_000), stream)
    assert len(fits.body) > 7_000_000
    assert "result" in json.loads(fits.body)
    refused = respond(client, call_of("large", size=STREAM_LIMIT + 1000), stream)
    assert json.loads(refused.body)["error"]["code"] == -32002
    assert client.record["outcome"] == "failure"


def test_a_stream_carries_every_notification(make_client: Any) -> None:
    async def many(ctx: Context) -> str:
        """Notify often."""
        for step in range(3000):
            await ctx.report_progress(step)
        return "done"

    client = make_client(packs=(Pack("many", tools=(Tool(many),)),))
    stream = Stream()
    assert respond(client, call_of("many"), stream) is None
    assert len(stream.messages) == 3001
    assert stream.messages[-1]["result"]["content"][0]["text"] == "done"
