"""Serve: the MCP server on this machine."""

from __future__ import annotations

import os
from contextlib import suppress

from claimstack.generator import options
from claimstack.generator.console import err, progress, tell


def serve(
    package: options.ServedPackage = None,
    host: options.ServeHost = "127.0.0.1",
    port: options.Port = 8765,
    buffered: options.Buffered = False,
    issuer: options.ServeIssuer = None,
    client_id: options.ClientIds = None,
    scope: options.ServeScopes = None,
) -> None:
    """Run the MCP server on this machine: what an assessor's MCP client asks a package questions through.

    Audit records go to the standard output, one JSON line for each request. Tools of installed packages (entry points of the group
    `claimstack.tools`) are served too.

    Example: `claimstack serve out/commercial`
    """
    from claimstack.generator.serve import Local, open_server

    local = Local(
        package, host, port, "json" if buffered else "stream", issuer=issuer, client_ids=tuple(client_id or ()), scopes=tuple(scope or ())
    )
    with progress("Starting"):
        server, listener, url = open_server(local, os.environ)
    from claimstack.runtime.local import serve as serve_until_interrupted

    tell(f"MCP server at {url}" + (f", with the evidence of {package}" if package else ""))
    token = ' --header "Authorization: Bearer $TOKEN"' if issuer else ""
    tell(f"  claude mcp add --transport http claimstack {url}{token}")
    err.print("Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        serve_until_interrupted(server, listener)
