"""Desk: one package on the table of many questions. Its evidence is read once, at the first question, off the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from anyio.to_thread import run_sync

from claimstack.runtime.tools.evidence.errors import EvidenceError
from claimstack.runtime.tools.evidence.evidence import Evidence, load_evidence
from claimstack.runtime.tools.evidence.package import Package


class Desk:
    """A package with its evidence once that has been read. A failed reading is tried again: S3 may have been away."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self._evidence: Evidence | None = None
        self._lock = Lock()

    async def evidence(self) -> Evidence:
        """Raises PackageError."""
        return await run_sync(self._load) if self._evidence is None else self._evidence

    async def read(self, path: str) -> bytes:
        """Raises PackageError."""
        return await run_sync(self.package.read, path)

    async def document(self, path: str) -> dict[str, Any]:
        """Raises PackageError."""
        return await run_sync(self.package.document, path)

    def _load(self) -> Evidence:
        with self._lock:
            if self._evidence is None:
                self._evidence = load_evidence(self.package)
            return self._evidence


@contextmanager
def tool_errors() -> Iterator[None]:
    """What went wrong becomes a tool error, whose text the model reads and acts on; any other exception reaches it without its text."""
    try:
        yield
    except EvidenceError as error:
        from mcp.server.mcpserver.exceptions import ToolError  # the pack itself loads without the SDK

        raise ToolError(str(error)) from error


@contextmanager
def resource_errors() -> Iterator[None]:
    """As `tool_errors`, for MCP resources."""
    try:
        yield
    except EvidenceError as error:
        from mcp.server.mcpserver.exceptions import ResourceError

        raise ResourceError(str(error)) from error


@contextmanager
def prompt_errors() -> Iterator[None]:
    """As `tool_errors`, for prompts, whose errors are those of the protocol."""
    try:
        yield
    except EvidenceError as error:
        from mcp.shared.exceptions import MCPError
        from mcp_types import INVALID_PARAMS

        raise MCPError(INVALID_PARAMS, str(error)) from error
