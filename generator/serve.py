"""Serve: the MCP server on this machine, with the evidence tools over a package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from claimstack.controls.errors import InputError

if TYPE_CHECKING:
    import socket

    from claimstack.runtime.app import App


@dataclass(frozen=True, slots=True)
class Local:
    """What a local server is told on the command line."""

    package: Path | None
    host: str
    port: int
    mode: Literal["json", "stream"] = "stream"
    issuer: str | None = None
    client_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


def environ_of(local: Local, port: int) -> dict[str, str]:
    """The runtime's own environment contract for a server on this port."""
    host = f"[{local.host}]" if ":" in local.host else local.host
    given = {
        "CLAIMSTACK_PUBLIC_URL": f"http://{host}:{port}/mcp",
        "CLAIMSTACK_RESPONSE_MODE": local.mode,
        "CLAIMSTACK_ISSUER": local.issuer,
        "CLAIMSTACK_CLIENT_IDS": " ".join(local.client_ids),
        "CLAIMSTACK_SCOPES": " ".join(local.scopes),
        "CLAIMSTACK_EVIDENCE": str(local.package) if local.package is not None else None,
    }
    return {name: value for name, value in given.items() if value}


def open_server(local: Local, environ: Mapping[str, str]) -> tuple[App, socket.socket, str]:
    """The server, its socket, and its URL. `environ` is that of the process, for what tools read.

    Raises InputError where the runtime is not installed, the address is taken, the package is none, or a setting does not fit.
    """
    try:
        from claimstack.runtime.app import create_app
        from claimstack.runtime.local import listen
        from claimstack.runtime.settings import LOOPBACK, SettingsError
        from claimstack.runtime.store import MemoryStore
    except ModuleNotFoundError as error:
        raise InputError(f"serve: needs the MCP server ({error}); install it with: pip install 'claimstack[runtime]'") from error
    if local.host not in LOOPBACK:
        raise InputError(f"--host: {local.host} is no loopback address; the local server has no TLS and is for this machine only")
    spaced = [name for name in (*local.client_ids, *local.scopes) if not name or name.split() != [name]]
    if spaced:
        raise InputError(f"--client-id, --scope: {spaced[0]!r} has spaces in it; repeat the flag for each value")
    try:
        listener = listen(local.host, local.port)
    except OSError as error:
        raise InputError(f"--port: {local.host}:{local.port} cannot be listened on ({error.strerror}); choose another port") from error
    settings = environ_of(local, listener.getsockname()[1])
    try:
        app = create_app({**_without_contract(environ), **settings}, store=MemoryStore())
    except SettingsError as error:
        listener.close()
        raise InputError(*(_as_flag(cause) for cause in error.causes)) from error
    return app, listener, settings["CLAIMSTACK_PUBLIC_URL"]


def _without_contract(environ: Mapping[str, str]) -> dict[str, str]:
    """What belongs to a deployed server stays with it: the command line alone configures this one."""
    return {name: value for name, value in environ.items() if not name.startswith("CLAIMSTACK_")}


FLAGS = (
    ("CLAIMSTACK_EVIDENCE: ", ""),
    ("CLAIMSTACK_ISSUER", "--issuer"),
    ("CLAIMSTACK_CLIENT_IDS", "--client-id"),
    ("CLAIMSTACK_SCOPES", "--scope"),
    ("add it to [auth].scopes of the system", "add it with --scope"),
)
"""How the runtime says it → how the command line says it."""


def _as_flag(cause: str) -> str:
    for name, flag in FLAGS:
        cause = cause.replace(name, flag)
    return cause
