"""The tool that docs/runtime.md shows works, and what the page says of limits is what the code has."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

from claimstack.runtime import legacy, replies, sessions, settings
from claimstack.runtime.app import CLOGGED_FROM, create_app
from claimstack.runtime.jsonrpc import ID_LIMIT, REQUEST_TIMEOUT, RESULT_TOO_LARGE
from claimstack.runtime.local import SECONDS
from claimstack.runtime.messages import REQUEST_LIMIT
from claimstack.runtime.store import ITEM_LIMIT
from claimstack.runtime.tools import AwsAccess

PAGE = (Path(__file__).parents[2] / "docs" / "runtime.md").read_text(encoding="utf-8")


def test_the_tool_of_the_guide_answers() -> None:
    program = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    names: dict[str, Any] = {"__name__": "report_tools"}
    exec(program, names)
    assert len([line for line in program.splitlines() if line.strip()]) <= 10
    assert names["REPORTS"].tools[0].needs == (AwsAccess("s3", ("s3:GetObject",), ("reports",)),)
    app = create_app({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp"}, (names["REPORTS"],), log=io.StringIO())
    headers = {"host": "mcp.example.gov", "content-type": "application/json", "accept": "application/json"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read_report", "arguments": {"name": "q1"}}}
    answer = json.loads(app.handle_event({"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(message)})["body"])
    app.close()
    assert answer["result"]["content"][0]["text"] == "report q1"


def test_the_figures_of_the_guide_are_those_of_the_code() -> None:
    assert f"JSON-RPC error {REQUEST_TIMEOUT}, an answer that is too large {RESULT_TOO_LARGE}" in PAGE
    assert (REQUEST_LIMIT, replies.STREAM_LIMIT, SECONDS) == (4 * 2**20, 20 * 2**20, 300)
    assert (ID_LIMIT, ITEM_LIMIT, CLOGGED_FROM) == (1024, 350 * 1024, 50)
    assert (legacy.BATCH_LIMIT, sessions.SESSION_SECONDS) == (50, 3600)
    assert all(f"`{name}`" in PAGE or f"`{name.removeprefix('CLAIMSTACK')}`" in PAGE for name in settings.VARIABLES)
