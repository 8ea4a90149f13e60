"""Harness: a server with two callers, and what every answer of it has to be like."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from pydantic import BaseModel

from claimstack.runtime.app import App, create_app
from claimstack.runtime.store import Store
from claimstack.runtime.tools import Pack, Prompt, Resource, Tool

Data = dict[str, Any]

FACTOR = int(os.environ.get("CLAIMSTACK_FUZZ_FACTOR", "1"))
"""Above one: that many times the cases, other ones in every run, to look for what the fixed ones do not find."""

URL: Final = "https://mcp.example.gov/mcp"
ISSUER: Final = "https://login.example.gov/pool"
SCOPE: Final = f"{URL}/invoke"
ENVIRON: Final = {
    "CLAIMSTACK_PUBLIC_URL": URL,
    "CLAIMSTACK_ISSUER": ISSUER,
    "CLAIMSTACK_CLIENT_IDS": "desk nightly",
    "CLAIMSTACK_SCOPES": f"{SCOPE} {URL}/reports",
    "CLAIMSTACK_AUDIT_CONTENT": "true",
}
RESULT_LIMIT: Final = 6 * 1024 * 1024
"""Bytes of what a function returns (Lambda quotas)."""
STATUSES: Final = frozenset({200, 202, 204, 400, 401, 403, 404, 405, 406, 413, 415, 421})
"""All that a client can bring about; 500 and above would be a defect of ours."""
DETAILS: Final = ("Traceback", 'File "', "site-packages", "claimstack.runtime")
RECORD_LIMIT: Final = 128 * 1024


def cases(number: int) -> settings:
    """A number of examples, the same in every run; what was ever found stands in an `@example` beside the test."""
    return settings(
        max_examples=number * FACTOR,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# ---- the server


def secret_of(subject: str) -> str:
    return f"secret-of-{subject}"


def echo(text: str) -> str:
    """Say it again."""
    return text


def secret() -> str:
    """What only the caller may see."""
    token = get_access_token()
    return secret_of(token.subject or "") if token is not None else ""


async def chatty(times: int, ctx: Context) -> str:
    """Tell of progress."""
    for step in range(min(times, 100)):
        await ctx.report_progress(step, message=secret())
    return secret()


class Word(BaseModel):
    word: str


async def ask(ctx: Context) -> str:
    """Ask for a word, twice."""
    await ctx.report_progress(1)
    first = await ctx.elicit(f"First word? {secret()}", Word)
    await ctx.report_progress(2)
    second = await ctx.elicit("Second word?", Word)
    words = [answer.data.word if answer.action == "accept" else answer.action for answer in (first, second)]
    return " ".join([*words, secret()])


async def ask_modern(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask in the way of the modern era."""
    if ctx.request_state is not None:
        return f"{ctx.request_state} {ctx.input_responses}"
    form = ElicitRequestFormParams(message="Word?", requested_schema={"type": "object", "properties": {"word": {"type": "string"}}})
    return InputRequiredResult(input_requests={"word": ElicitRequest(params=form)}, request_state=secret())


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    found: list[Any] = []
    for _ in range(min(depth, 3000)):
        found = [found]
    return found


def crash() -> str:
    """Fail."""
    raise ValueError(f"cannot work for {secret()}")


def page(name: str) -> str:
    """A page."""
    return f"page {name} {secret()}"


def greet(name: str) -> str:
    """A greeting."""
    return f"Greet {name}."


PACK: Final = Pack(
    "fuzz",
    tools=(Tool(echo), Tool(secret), Tool(chatty), Tool(ask, asks=True), Tool(ask_modern), Tool(nested), Tool(crash)),
    resources=(Resource("fuzz://{name}", page),),
    prompts=(Prompt(greet),),
)
LOCKED: Final = Pack("locked", tools=(Tool(page, name="locked"),), scope="reports")


@dataclass
class Instance:
    """One process of a server, as far as tests need to tell processes apart."""

    app: App
    log: io.StringIO
    recorded: list[Data] = field(default_factory=list)
    """Audit records of the last event."""

    def records(self) -> list[Data]:
        """The audit records since the last call; each is one line of JSON below the limit."""
        lines = self.log.getvalue().split("\n")[:-1]  # not at the further line ends that Python knows
        self.log.seek(0)
        self.log.truncate()
        assert all(len(line) < RECORD_LIMIT for line in lines)
        return [record for record in map(json.loads, lines) if record.get("event") == "mcp.request"]


@contextmanager
def instance(store: Store | None = None, environ: Data = ENVIRON, packs: Sequence[Pack] = (PACK, LOCKED)) -> Iterator[Instance]:
    log = io.StringIO()
    app = create_app(environ, packs, store=store, log=log)
    try:
        yield Instance(app, log)
    finally:
        app.close()


@dataclass
class Caller:
    """Somebody with a token, who sends events through API Gateway."""

    subject: str
    sessions: list[str] = field(default_factory=list)

    @property
    def claims(self) -> Data:
        return {"iss": ISSUER, "client_id": "desk", "sub": self.subject, "scope": SCOPE, "token_use": "access"}

    def event(self, body: Any = None, method: str = "POST", **headers: str) -> Data:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        event: Data = {
            "version": "2.0",
            "rawPath": "/mcp",
            "headers": {"host": "mcp.example.gov", "content-type": "application/json", "accept": BOTH, **named},
            "requestContext": {
                "apiId": "api1",
                "requestId": "request-1",
                "http": {"method": method, "path": "/mcp", "sourceIp": "192.0.2.7"},
                "authorizer": {"jwt": {"claims": self.claims}},
            },
        }
        if body is not None:
            event["body"] = json.dumps(body)
        return event


BOTH: Final = "application/json, text/event-stream"
ALICE: Final = Caller("alice")
BOB: Final = Caller("bob")


# ---- what holds for every answer


def send(server: Instance, event: Any, *, secrets_of_others: Sequence[str] = ()) -> tuple[Data, list[Data]]:
    """The result of an event and its messages, checked; the audit records are checked and taken from the log."""
    result = server.app.handle_event(event)
    messages = check_result(result)
    text = json.dumps(result)
    for other in secrets_of_others:
        assert other not in text
    server.recorded = server.records()
    check_records(server.recorded, event, result)
    assert server.app.adapter.kernel.abandoned == 0
    return result, messages


def check_result(result: Data) -> list[Data]:
    """A result of the proxy integration that API Gateway takes; its JSON-RPC messages."""
    assert set(result) <= {"statusCode", "headers", "body"}
    assert result["statusCode"] in STATUSES, result
    for name, value in result["headers"].items():
        assert isinstance(name, str)
        assert isinstance(value, str)
        f"{name}: {value}".encode("latin-1")
        assert not set("\r\n\0") & set(name + value)
    assert len(json.dumps(result, ensure_ascii=False).encode()) < RESULT_LIMIT
    return check_body(result["statusCode"], result["headers"], result.get("body", ""))


def check_body(status: int, headers: Data, body: str) -> list[Data]:
    assert not any(detail in body for detail in DETAILS)
    kind = headers.get("content-type")
    if kind is None:
        assert (status in (202, 204), body) == (True, "")
        return []
    if kind == "text/event-stream":
        assert status == 200
        return [check_message(message) for message in events_of(body)]
    assert kind == "application/json"
    document = json.loads(body)
    if "authorization_servers" in document:
        assert status == 200
        return []
    messages = document if isinstance(document, list) else [document]
    for message in messages:
        check_message(message)
        assert "error" in message or status == 200
    return messages


def events_of(body: str) -> list[Any]:
    """JSON of the events that carry data; every line is a field that the specification of server-sent events knows."""
    assert body.endswith("\n\n")
    found = []
    for block in body.removesuffix("\n\n").split("\n\n"):
        fields = [line.partition(": ") for line in block.split("\n")]
        assert {name for name, _, _ in fields} <= {"id", "retry", "event", "data"}
        found += [json.loads(value) for name, _, value in fields if name == "data" and value]
    return found


def check_message(message: Data) -> Data:
    assert message["jsonrpc"] == "2.0"
    if "method" in message:
        assert isinstance(message["method"], str)
        assert isinstance(message.get("params", {}), dict)
    elif "error" in message:
        assert set(message) == {"jsonrpc", "id", "error"}
        assert isinstance(message["error"]["code"], int)
        assert isinstance(message["error"]["message"], str)
    else:
        assert set(message) == {"jsonrpc", "id", "result"}
        assert isinstance(message["result"], dict)
    return message


def check_records(records: list[Data], event: Any, result: Data) -> None:
    """One record for each message of a batch that was taken, else one for the request."""
    body = body_of(event)
    is_batch = isinstance(body, list) and records[0]["http_method"] == "POST" and result["statusCode"] in (200, 202)
    number = len(body) if is_batch else 1
    assert len(records) == number, (records, event, result)
    for record in records:
        assert record["status"] == result["statusCode"] or is_batch, (record, result)
        assert record["outcome"] in (("success", "failure") if result["statusCode"] < 400 else ("refused", "failure")), (record, result)


def body_of(event: Any) -> Any:
    """What the body of an event is as JSON, read by another parser than the server's; None where it is none."""
    try:
        text = event["body"]
        return json.loads(base64.b64decode(text) if event.get("isBase64Encoded") is True else text)
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
