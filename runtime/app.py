"""App: the server of one process, put together from the environment. Read this first."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final

from mcp.server.mcpserver import MCPServer
from mcp_types.jsonrpc import INTERNAL_ERROR

from claimstack.runtime.adapter import Adapter
from claimstack.runtime.audit import Audit
from claimstack.runtime.dynamodb import DynamoStore
from claimstack.runtime.events import read_event, write_result
from claimstack.runtime.jsonrpc import error
from claimstack.runtime.kernel import Kernel, Overrun
from claimstack.runtime.loop import Loop
from claimstack.runtime.messages import Opener, Response
from claimstack.runtime.packs import access_of, installed_packs
from claimstack.runtime.replies import json_response
from claimstack.runtime.server import NAME, kernel_server, make_server
from claimstack.runtime.settings import Settings, SettingsError
from claimstack.runtime.store import Store
from claimstack.runtime.tools import Pack
from claimstack.runtime.tools.whoami import WHOAMI
from claimstack.runtime.tracing import start_tracing

PACKS: Final = (WHOAMI,)
"""What every server has; a team's own tools come from here or by an entry point of the group `claimstack.tools`."""
CLOGGED_FROM: Final = 50
"""Python cannot end a thread: a handler that hangs in one keeps it for good."""
RECORDED: Final = ("mcp.server.mcpserver.server", "mcp.server.runner")
"""Loggers of the SDK that write what handlers raise; the audit record of the request has it already."""


class App:
    """An adapter with an event loop of its own, for carriers that hand over one event at a time."""

    def __init__(
        self, adapter: Adapter, settings: Settings, *, connect: Callable[[], None] | None = None, flush: Callable[[], None] | None = None
    ) -> None:
        """`connect` prepares what requests will need, `flush` sends what they leave behind."""
        self.adapter = adapter
        self.settings = settings
        self._connect = connect
        self._flush = flush
        self._loop: Loop | None = None

    def handle_event(self, event: Any, context: Any = None) -> dict[str, Any]:
        """The Lambda handler: an event of API Gateway in, the result of the proxy integration out."""
        response = self.respond(event, context)
        if response is None:
            raise AssertionError("without an opener nothing is streamed")
        return write_result(response)

    def respond(self, event: Any, context: Any = None, opener: Opener | None = None) -> Response | None:
        """The response to an event; None where it went out through `opener`."""
        try:
            request = read_event(event, context)
        except ValueError as problem:
            return self.adapter.reject(str(problem))
        try:
            return self.loop.run(self.adapter.handle(request, opener), request.seconds)
        except Overrun:  # while the answer was being written
            return json_response(503, error(None, INTERNAL_ERROR, "The request took longer than the server may"))
        finally:
            if self._flush is not None:
                self._flush()

    def warm(self) -> None:
        """Do before the first request what the first request would have to wait for."""
        self.loop.run(self.adapter.kernel.warm())
        if self._connect is not None:
            self._connect()

    @property
    def is_clogged(self) -> bool:
        """Whether so many handlers and threads go on after their time was over that the process had better be replaced."""
        return self.adapter.kernel.abandoned + threading.active_count() > CLOGGED_FROM

    @property
    def loop(self) -> Loop:
        self._loop = self._loop or Loop()
        return self._loop

    def close(self) -> None:
        if self._loop is not None:
            self._loop.run(self.adapter.kernel.close())
            self._loop.close()


def create_app(
    environ: Mapping[str, str],
    packs: Sequence[Pack] | None = None,
    *,
    store: Store | None = None,
    extend: Callable[[MCPServer[Any]], None] | None = None,
    log: IO[str] | None = None,
) -> App:
    """The server that the environment configures.

    `packs`: in place of ours, the installed ones and the evidence. `store`: in place of the table that the environment names. `extend`
    registers further handlers on the SDK's server. `log`: in place of the standard output. Raises SettingsError with every cause.
    """
    settings = Settings.from_environ(environ)
    chosen = tuple(packs) if packs is not None else (*PACKS, *installed_packs(), *_evidence(settings))
    access = access_of(settings, chosen)
    _keep_logging_in_shape(log)
    server = make_server(settings, chosen)
    if extend is not None:
        extend(server)
    table = DynamoStore(settings.table) if store is None and settings.table is not None else None
    kernel = Kernel(kernel_server(server))
    audit = Audit(settings.public_url, is_tool=kernel.has_tool, content=settings.audit_content, stream=log)
    adapter = Adapter(kernel, settings, access, audit, store or table)
    return App(adapter, settings, connect=table.connect if table is not None else None, flush=start_tracing(environ, NAME))


def _evidence(settings: Settings) -> tuple[Pack, ...]:
    """The evidence tools, where a package is named. Away from a local server they need a token: a package shows where a system is weak."""
    if settings.evidence is None:
        return ()
    if settings.issuer is None and not settings.is_local:
        raise SettingsError(("CLAIMSTACK_EVIDENCE: a server without authentication does not show evidence; set up [auth] of the system",))
    from claimstack.runtime.tools.evidence import PackageError, evidence_pack

    try:
        return (evidence_pack(settings.evidence),)
    except PackageError as error:
        raise SettingsError((f"CLAIMSTACK_EVIDENCE: {error}",)) from error


def _keep_logging_in_shape(log: IO[str] | None) -> None:
    """Warnings of the libraries go out as JSON lines too; the SDK leaves a root logger alone that has a handler."""
    for name in RECORDED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    root = logging.getLogger()
    if root.handlers:
        return
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    handler = logging.StreamHandler(log or sys.stderr)
    handler.setFormatter(LambdaPowertoolsFormatter(utc=True, use_rfc3339=True))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
