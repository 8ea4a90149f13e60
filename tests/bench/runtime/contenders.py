"""Contenders: ways to put the same tools behind a Lambda function, each as a handler `(event, context) -> result`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from traffic import CLIENT_ID, HOST, ISSUER, SCOPE

Handler = Callable[[Any, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    imports: str
    """Statement whose cost is the cold import; `make` needs nothing heavy beyond it."""
    make: Callable[[], Handler]
    has_async: bool = True
    """Whether it awaits asynchronous tools."""


async def echo(text: str) -> str:
    """Say it again."""
    return text


def echo_sync(text: str) -> str:
    """Say it again."""
    return text


def fails() -> str:
    """Raise."""
    raise ValueError("as told")


def _claimstack() -> Handler:
    from claimstack.runtime.sdk import load_sdk

    load_sdk()
    from mcp.server.mcpserver import Context

    from claimstack.runtime.app import create_app
    from claimstack.runtime.tools import Pack, Tool

    environ = {
        "CLAIMSTACK_PUBLIC_URL": f"https://{HOST}/mcp",
        "CLAIMSTACK_ISSUER": ISSUER,
        "CLAIMSTACK_CLIENT_IDS": CLIENT_ID,
        "CLAIMSTACK_SCOPES": SCOPE,
    }
    tools = (Tool(echo), Tool(echo_sync), Tool(_steps(Context)), Tool(fails))
    app = create_app(environ, packs=(Pack("bench", tools=tools, scope=SCOPE),))
    app.warm()  # as the image does before its first invocation
    return app.handle_event


def _sdk(*, json_response: bool) -> Handler:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.transport_security import TransportSecuritySettings

    server: Any = MCPServer("bench", version="1", subscriptions=False)
    for tool in (echo, echo_sync, _steps(Context), fails):
        server.add_tool(tool)
    security = TransportSecuritySettings(allowed_hosts=[HOST], allowed_origins=[f"https://{HOST}"])
    app = server.streamable_http_app(stateless_http=True, json_response=json_response, transport_security=security)
    return _behind_mangum(app)


def _fastmcp() -> Handler:
    from fastmcp import Context, FastMCP

    server: Any = FastMCP("bench", version="1")
    for tool in (echo, echo_sync, _steps(Context), fails):
        server.tool(tool)
    app = server.http_app(
        path="/mcp", stateless_http=True, json_response=True, host_origin_protection=True, allowed_hosts=[HOST],
        allowed_origins=[f"https://{HOST}"],
    )  # fmt: skip
    return _behind_mangum(app)


def _awslabs() -> Handler:
    from awslabs.mcp_lambda_handler import MCPLambdaHandler

    server: Any = MCPLambdaHandler(name="bench", version="1")
    for tool in (echo, echo_sync, fails):
        server.tool()(tool)
    handler: Handler = server.handle_request
    return handler


def _steps(context_type: Any) -> Callable[..., Awaitable[str]]:
    """A tool that reports progress, with the context class by which a library knows what to inject."""

    async def steps(ctx: Any) -> str:
        """Report progress, then answer."""
        await ctx.report_progress(1, 2)
        return "done"

    steps.__annotations__["ctx"] = context_type
    return steps


def _behind_mangum(app: Any) -> Handler:
    """Mangum, with the lifespan (and so the session manager) entered once on the loop that it uses for every event.

    Its own lifespan handling enters and leaves with each event, which the session manager allows once only.
    """
    import asyncio

    from mangum import Mangum

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    started = asyncio.Event()

    async def keep() -> None:
        async with app.router.lifespan_context(app):
            started.set()
            await asyncio.Event().wait()

    keeper = loop.create_task(keep())
    loop.run_until_complete(started.wait())
    handler = Mangum(app, lifespan="off")

    def handle(event: Any, context: Any) -> dict[str, Any]:
        if keeper.done():
            raise RuntimeError("the lifespan has ended")
        return handler(event, context)

    return handle


BARE: Final = "from mcp.server import MCPServer"
"""The import that every server on the official SDK pays."""
OURS: Final = "claimstack"
CONTENDERS: Final = (
    Contender(OURS, "from claimstack.runtime.sdk import load_sdk; load_sdk(); import claimstack.runtime.app", _claimstack),
    Contender("SDK + Mangum, JSON", f"{BARE}; import mangum", lambda: _sdk(json_response=True)),
    Contender("SDK + Mangum, SSE", f"{BARE}; import mangum", lambda: _sdk(json_response=False)),
    Contender("FastMCP + Mangum", "import fastmcp.server.http, mangum; from fastmcp import FastMCP", _fastmcp),
    Contender("awslabs handler", "import awslabs.mcp_lambda_handler", _awslabs, has_async=False),
)
BY_NAME: Final = {contender.name: contender for contender in CONTENDERS}
