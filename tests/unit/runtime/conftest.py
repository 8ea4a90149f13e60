"""A server in this process, and a client that speaks to it in events of API Gateway."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel

from claimstack.runtime import aws
from claimstack.runtime.app import App, create_app
from claimstack.runtime.store import MemoryStore, Store
from claimstack.runtime.tools import Pack, Resource, Tool
from claimstack.runtime.tools.whoami import WHOAMI

from .cloud import Aws

URL = "https://mcp.example.gov/mcp"
ISSUER = "https://login.example.gov/pool"
SCOPE = f"{URL}/invoke"
SCOPES = f"{SCOPE} {URL}/reports"
ENVIRON = {
    "CLAIMSTACK_PUBLIC_URL": URL,
    "CLAIMSTACK_ISSUER": ISSUER,
    "CLAIMSTACK_CLIENT_IDS": "desk nightly",
    "CLAIMSTACK_SCOPES": SCOPES,
    "CLAIMSTACK_ALLOWED_ORIGINS": "https://app.example.gov",
}
OPEN = {"CLAIMSTACK_PUBLIC_URL": URL}
DESK = {"iss": ISSUER, "client_id": "desk", "sub": "desk", "scope": SCOPE, "token_use": "access"}
NIGHTLY = {**DESK, "client_id": "nightly", "sub": "nightly"}


async def echo(text: str) -> str:
    """Say it again."""
    return text


def echo_sync(text: str) -> str:
    """Say it again, from a worker thread."""
    return text


async def report(name: str) -> str:
    """Read a report."""
    return f"report {name}"


PASSWORD = "hunter2"


async def crash() -> str:
    """Fail."""
    raise ValueError(f"the password is {PASSWORD}")


async def progress(ctx: Context) -> str:
    """Report progress twice."""
    await ctx.report_progress(1, 2)
    await ctx.report_progress(2, 2)
    return "done"


class Colour(BaseModel):
    colour: str


RUNS: list[str] = []


async def ask(ctx: Context) -> str:
    """Ask the person for a colour."""
    RUNS.append("ask")
    await ctx.report_progress(1, 2)
    answer = await ctx.elicit("Which colour?", Colour)
    return f"{answer.action} {answer.data.colour if answer.action == 'accept' else ''}".strip()


async def ask_without_leave(ctx: Context) -> str:
    """Ask although the tool is not listed as asking."""
    await ctx.elicit("Which colour?", Colour)
    return "answered"


def static_text() -> str:
    """A fixed text."""
    return "static"


TOOLS = (
    Tool(echo),
    Tool(echo_sync),
    Tool(report, scope="reports"),
    Tool(crash),
    Tool(progress),
    Tool(ask, asks=True),
    Tool(ask_without_leave),
)
PACK = Pack("test", tools=TOOLS, resources=(Resource("test://static", static_text),))
REPORTS = Pack("reports", scope="reports", resources=(Resource("reports://{name}", report, description="A report."),))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[Any]:
        """JSON of each server-sent event that carries data."""
        return [json.loads(data) for _, data in self.raw_events if data]

    @property
    def raw_events(self) -> list[tuple[str, str]]:
        """Id and data of each event."""
        parsed = []
        for block in self.text.split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in block.split("\n"))
            parsed.append((lines.get("id", ""), lines.get("data", "").strip()))
        return parsed

    @property
    def error(self) -> Any:
        return self.body["error"]

    @property
    def text_content(self) -> str:
        content: str = self.body["result"]["content"][0]["text"]
        return content


@dataclass
class Client:
    """One caller of one instance."""

    app: App
    log: io.StringIO
    claims: dict[str, Any] | None = field(default_factory=lambda: dict(DESK))
    headers: dict[str, str] = field(default_factory=dict)
    context: Any = None

    def send(self, method: str = "POST", body: Any = None, path: str = "/mcp", **headers: str | None) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {
            "host": "mcp.example.gov",
            "user-agent": "test/1",
            **({"content-type": "application/json", "accept": "application/json, text/event-stream"} if method == "POST" else {}),
            **self.headers,
            **named,
        }
        authorizer = {"authorizer": {"jwt": {"claims": self.claims}}} if self.claims is not None else {}
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "headers": {name: value for name, value in sent.items() if value is not None},
            "requestContext": {
                "apiId": "api1",
                "stage": "$default",
                "requestId": "request-1",
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.7"},
                **authorizer,
            },
        }
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        result = self.app.handle_event(event, self.context)
        json.dumps(result)
        return Answer(result["statusCode"], result["headers"], result.get("body", ""))

    def rpc(self, method: str, params: dict[str, Any] | None = None, *, request_id: Any = 1, **headers: str | None) -> Answer:
        """A request of 2025-11-25, or of the session's version."""
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, **({"params": params} if params is not None else {})}
        return self.send(body=message, **{"mcp_protocol_version": "2025-11-25", **headers})

    def modern(self, method: str, params: dict[str, Any] | None = None, **headers: str | None) -> Answer:
        """A request of 2026-07-28 with the headers that belong to it."""
        given = dict(params or {})
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            **given.pop("_meta", {}),
        }
        routing = {"mcp_protocol_version": "2026-07-28", "mcp_method": method}
        name = given.get("uri" if method == "resources/read" else "name")
        if isinstance(name, str):
            routing["mcp_name"] = name
        return self.send(body={"jsonrpc": "2.0", "id": 1, "method": method, "params": {**given, "_meta": meta}}, **{**routing, **headers})

    def call(self, tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> Answer:
        return self.rpc("tools/call", {"name": tool, "arguments": arguments or {}}, **more)

    def call_modern(self, tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> Answer:
        return self.modern("tools/call", {"name": tool, "arguments": arguments or {}}, **more)

    def start_session(self, version: str = "2025-11-25") -> Answer:
        """Initialize; later requests carry the session."""
        params = {"protocolVersion": version, "capabilities": {"elicitation": {"form": {}}}, "clientInfo": {"name": "test", "version": "1"}}
        answer = self.rpc("initialize", params, mcp_protocol_version=None)
        if "mcp-session-id" in answer.headers:
            self.headers["mcp-session-id"] = answer.headers["mcp-session-id"]
        return answer

    @property
    def records(self) -> list[dict[str, Any]]:
        """The audit records so far."""
        return [record for record in map(json.loads, self.log.getvalue().splitlines()) if record.get("event") == "mcp.request"]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [record for record in map(json.loads, self.log.getvalue().splitlines()) if "_aws" in record]

    @property
    def record(self) -> dict[str, Any]:
        """The newest record."""
        return self.records[-1]


MakeClient = Callable[..., Client]


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """A client of a new instance; instances that are given one store are instances of one server."""
    apps: list[App] = []
    RUNS.clear()

    def make(
        environ: dict[str, str] | None = None,
        packs: Sequence[Pack] = (WHOAMI, PACK, REPORTS),
        *,
        store: Store | None = None,
        claims: dict[str, Any] | None = DESK,
        extend: Callable[[MCPServer[Any]], None] | None = None,
        context: Any = None,
    ) -> Client:
        log = io.StringIO()
        app = create_app(ENVIRON if environ is None else environ, packs, store=store, log=log, extend=extend)
        apps.append(app)
        return Client(app, log, dict(claims) if claims is not None else None, context=context)

    make.tools = TOOLS  # type: ignore[attr-defined]  # for packs of one's own
    yield make
    for app in apps:
        app.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """A client of a server without sessions."""
    return make_client()


@pytest.fixture
def session_client(make_client: MakeClient) -> Client:
    """A client of a server with sessions, in a session."""
    client = make_client(store=MemoryStore())
    client.start_session()
    return client


@pytest.fixture
def runs() -> list[str]:
    """How often `ask` was started."""
    return RUNS


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """AWS at a port of this machine, and clients that wait a fraction of what they would."""
    made = Aws()
    for name, value in {
        "AWS_ENDPOINT_URL_DYNAMODB": made.url,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": made.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "READ_SECONDS", 0.3)
    monkeypatch.setattr(aws, "ATTEMPTS", 1)
    yield made
    made.close()
