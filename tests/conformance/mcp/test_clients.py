"""Real clients connect, list, call, hear of progress, answer questions, end their session and come back, in buffered and streaming mode."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import OpenDoor
from .doors import DOORS
from .http_api import ROOT
from .suite import COMMANDS, NODE_FOLDER, node_environment

SCRIPTS = Path(__file__).with_name("clients")
NODE = (str(COMMANDS / "node"),)
CLIENT_SECONDS = 90
LEGACY, MODERN = "2025-11-25", "2026-07-28"


@dataclass(frozen=True)
class Client:
    name: str
    command: Sequence[str]
    mode: str
    protocol: str


DOORS_FOR_CLIENTS = [door for door in DOORS if door.is_for_clients]
CLIENTS = (
    Client("Python SDK 2", (sys.executable, str(SCRIPTS / "python2.py")), "auto", MODERN),
    Client("Python SDK 2, legacy", (sys.executable, str(SCRIPTS / "python2.py")), "legacy", LEGACY),
    Client("Python SDK 1", (str(ROOT / ".venv-mcp1/bin/python"), str(SCRIPTS / "python1.py")), "legacy", LEGACY),
    Client("TypeScript client 2", (*NODE, str(SCRIPTS / "typescript2.mjs"), str(NODE_FOLDER)), "auto", MODERN),
    Client("TypeScript client 2, legacy", (*NODE, str(SCRIPTS / "typescript2.mjs"), str(NODE_FOLDER)), "legacy", LEGACY),
    Client("TypeScript SDK 1", (*NODE, str(SCRIPTS / "typescript1.mjs"), str(NODE_FOLDER)), "legacy", LEGACY),
)

pytestmark = pytest.mark.conformance


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize("door", DOORS_FOR_CLIENTS, ids=lambda door: door.name, indirect=True)
def test_a_client_gets_what_it_asks_for(door: OpenDoor, client: Client, tmp_path: Path, for_people: Callable[[str], None]) -> None:
    already = len(records(door))
    signal = (str(tmp_path / "signal"),) if door.door.is_streaming else ()
    run = subprocess.run(
        (*client.command, door.url, client.mode, *signal),
        env=node_environment(),
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    simple = "This is a simple text response for testing."
    assert json.loads(run.stdout) == {
        "protocol": client.protocol,
        "lists": True,
        "text": simple,
        "progress": ["progress 0", "progress 50", "progress 100"],
        "elicited": "Ada likes blue" if client.protocol == LEGACY else "Hello, Ada!",
        "again": simple,
        # The tool goes on only once the client has heard of its progress and made the file it waits for.
        **({"while running": ["progress 1", "progress 2", "The file was there"]} if signal else {}),
    }
    ended = [record for record in records(door)[already:] if record["http_method"] == "DELETE"]
    assert [record["status"] for record in ended] == ([204, 204] if client.protocol == LEGACY else [])
    for_people(f"{door.door.name:<37} {client.name:<28} {client.protocol}  passed")


def records(door: OpenDoor) -> list[dict[str, Any]]:
    """The audit records that the server has written so far."""
    return [json.loads(line) for line in door.log.read_text().splitlines() if '"event":"mcp.request"' in line.replace('": "', '":"')]
