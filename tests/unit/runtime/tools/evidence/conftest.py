"""Packages of the reference systems, copies of them to change, and MCP clients that ask them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError

from claimstack.runtime.server import make_server
from claimstack.runtime.settings import Settings
from claimstack.runtime.tools.evidence import evidence_pack

OUT = Path(__file__).parents[5] / "out"


def new_server(location: str) -> MCPServer[Any]:
    settings = Settings.from_environ({"CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1/mcp"})
    return make_server(settings, [evidence_pack(location)])


lasting_server = cache(new_server)


@dataclass(frozen=True, slots=True)
class Asking:
    """An MCP client in memory, connected anew for each conversation."""

    location: str
    server: MCPServer[Any] | None = None

    def started(self) -> Asking:
        """Asks one server that starts now; otherwise one starts for each conversation."""
        return replace(self, server=new_server(self.location))

    def talk(self, conversation: Callable[[Client], Awaitable[Any]]) -> Any:
        # What changes while a test runs is served anew; the reference packages do not.
        make = lasting_server if Path(self.location).is_relative_to(OUT) else new_server
        server = self.server or make(self.location)

        async def run() -> Any:
            async with Client(server) as client:
                try:
                    return await conversation(client)
                except MCPError as error:  # the client's task group would wrap it
                    return error

        answer = asyncio.run(run())
        if isinstance(answer, MCPError):
            raise answer
        return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool."""
        result = self.talk(lambda client: client.call_tool(tool, arguments))
        assert not result.is_error, result.content[0].text
        return result.structured_content

    def pages(self, tool: str, **arguments: Any) -> list[dict[str, Any]]:
        """Every page of an answer, by following the cursors."""

        async def follow(client: Client) -> list[dict[str, Any]]:
            cursor: dict[str, Any] = {}
            pages = []
            while True:
                result = await client.call_tool(tool, {**arguments, **cursor})
                assert not result.is_error, result.content[0].text
                pages.append(result.structured_content)
                if result.structured_content["next_cursor"] is None:
                    return pages
                cursor = {"cursor": result.structured_content["next_cursor"]}

        return self.talk(follow)

    def refusal(self, tool: str, **arguments: Any) -> str:
        """The text of a tool error."""
        result = self.talk(lambda client: client.call_tool(tool, arguments))
        assert result.is_error
        return result.content[0].text

    def read(self, uri: str) -> Any:
        return self.talk(lambda client: client.read_resource(uri)).contents[0]

    def prompt(self, control: str) -> list[str]:
        result = self.talk(lambda client: client.get_prompt("assessor_interview", {"control": control}))
        assert {message.role for message in result.messages} == {"user"}
        return [message.content.text for message in result.messages]


@dataclass(frozen=True, slots=True)
class Copy:
    """A package that a test may change."""

    folder: Path

    def document(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())

    def write(self, path: str, content: bytes) -> None:
        """A file and its entry in the manifest."""
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_bytes(content)
        self.declare(path, hashlib.sha256(content).hexdigest())

    def declare(self, path: str, sha256: str) -> None:
        manifest = self.document("manifest.json")
        manifest["files"][path] = sha256
        (self.folder / "manifest.json").write_text(json.dumps(manifest))

    def change(self, path: str, edit: Callable[[Any], None]) -> None:
        """An edited JSON file that the manifest agrees with."""
        document = self.document(path)
        edit(document)
        self.write(path, json.dumps(document).encode())

    @property
    def asking(self) -> Asking:
        return Asking(str(self.folder))


@pytest.fixture(params=["commercial", "govcloud"])
def package(request: pytest.FixtureRequest) -> Path:
    """Each of the two reference packages."""
    return OUT / request.param


@pytest.fixture
def asking(package: Path) -> Asking:
    return Asking(str(package))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(Path(shutil.copytree(OUT / "commercial", tmp_path / "package")))
