"""Shapes: strategies for events and messages, from sound to broken."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from hypothesis import strategies as st

from .harness import ALICE, BOTH, Data

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
METHODS = (
    "completion/complete",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
    "elicitation/create",
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "rpc.discover",
    "",
)
TOOLS = ("echo", "secret", "chatty", "ask", "ask_modern", "nested", "crash", "locked", "missing")
OWN_SESSION = "(own session)"
OTHER_SESSION = "(other session)"
OWN_EVENT = "(own event)"
OTHER_EVENT = "(other event)"
"""Stand for what only a running server knows; `filled` puts it in."""


def deep(depth: int) -> Any:
    found: Any = "bottom"
    for level in range(depth):
        found = [found] if level % 2 else {"a": found}
    return found


texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["\ud800", "a\udfffb", "\0", "\r\nset-cookie: a=b", "\u2028", "'\"\\", "../..", "%00"]),
    st.sampled_from(["x" * 5000, "é" * 2000, "𐐷" * 300]),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**53, 2**63, -(2**64), 10**400, 10**4299, float("nan"), float("inf"), -0.0, 1e308]),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
junk = st.one_of(
    leaves,
    st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6),
    st.sampled_from([150, 199, 200, 201, 450]).map(deep),
)


# ---- messages

sound_ids = st.one_of(st.integers(-5, 5), st.text("abc", max_size=3))
ids = st.one_of(sound_ids, st.sampled_from(["x" * 1024, "x" * 1025, '"' * 1000, 10**300]), junk)
versions = st.one_of(st.sampled_from(VERSIONS), st.sampled_from(["2099-01-01", "2024-10-07", "1", "DRAFT"]), texts)
arguments = st.one_of(
    st.fixed_dictionaries({}, optional={"text": texts, "name": texts, "times": st.integers(-1, 200), "depth": st.integers(0, 3000)}),
    st.fixed_dictionaries({}, optional={"text": junk, "name": junk, "times": junk, "depth": junk}),
    junk,
)
META_KEYS = ("progressToken", f"{META}protocolVersion", f"{META}clientCapabilities", f"{META}clientInfo", "x")
metas = st.one_of(
    st.fixed_dictionaries({}, optional={"progressToken": st.integers(0, 9), f"{META}logLevel": st.just("debug")}),
    st.dictionaries(st.sampled_from(META_KEYS), junk, max_size=3),
)
calls = st.fixed_dictionaries(
    {"name": st.sampled_from(TOOLS), "arguments": arguments},
    optional={"_meta": metas, "requestState": texts, "inputResponses": junk, "task": junk},
)
PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "tools/call": calls,
    "initialize": st.fixed_dictionaries(
        {"protocolVersion": versions, "capabilities": st.one_of(st.just({}), junk), "clientInfo": st.just({"name": "f", "version": "1"})}
    ),
    "prompts/get": st.fixed_dictionaries(
        {"name": st.one_of(st.just("greet"), texts), "arguments": st.one_of(st.just({"name": "x"}), junk)}
    ),
    "resources/read": st.fixed_dictionaries(
        {"uri": st.one_of(st.sampled_from(["fuzz://a", "fuzz://%ff", "fuzz://", "file:///etc/passwd"]), texts)}
    ),
    "notifications/cancelled": st.fixed_dictionaries({"requestId": st.one_of(st.just("call"), ids)}, optional={"reason": junk}),
    "completion/complete": st.fixed_dictionaries(
        {
            "ref": st.sampled_from([{"type": "ref/prompt", "name": "greet"}, {"type": "ref/resource", "uri": "fuzz://{name}"}]),
            "argument": st.one_of(st.just({"name": "name", "value": "x"}), junk),
        }
    ),
    "logging/setLevel": st.fixed_dictionaries({"level": st.one_of(st.just("debug"), junk)}),
}
any_parameters = st.one_of(*PARAMETERS.values(), st.fixed_dictionaries({}, optional={"_meta": metas, "cursor": junk}))
methods = st.one_of(st.sampled_from(METHODS), texts)


@st.composite
def requests(draw: st.DrawFn) -> Data:
    method = "tools/call" if draw(st.booleans()) else draw(st.sampled_from(METHODS))
    message: Data = {"jsonrpc": "2.0", "id": draw(sound_ids), "method": method}
    if method in PARAMETERS:
        message["params"] = draw(PARAMETERS[method])
    elif draw(st.booleans()):
        message["params"] = draw(any_parameters)
    return message


answers = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.one_of(st.just(OWN_EVENT), st.just(OTHER_EVENT), ids)},
    optional={"result": st.one_of(st.just({"action": "accept", "content": {"word": "w"}}), junk), "error": junk},
)
notifications = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "method": methods}, optional={"params": any_parameters})
sound_messages = st.one_of(requests(), requests(), requests(), notifications, answers)


@st.composite
def broken(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:
    """A value with some of its parts taken out, put elsewhere or replaced by anything."""
    value = copy.deepcopy(draw(values))
    for _ in range(draw(st.integers(1, 2))):
        value = _broken_once(draw, value)
    return value


def _broken_once(draw: st.DrawFn, value: Any) -> Any:
    inner, way = value, []
    while isinstance(inner, (dict, list)) and inner and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(inner, key=repr))) if isinstance(inner, dict) else draw(st.integers(0, len(inner) - 1))
        way.append((inner, key))
        inner = inner[key]
    if not way:
        return draw(junk)
    holder, key = way[-1]
    match draw(st.sampled_from(["junk", "junk", "out", "wrap", "add"])):
        case "junk":
            holder[key] = draw(junk)
        case "out":
            del holder[key]
        case "wrap":
            holder[key] = [copy.deepcopy(inner)]
        case "add" if isinstance(holder, dict):
            holder[draw(texts)] = draw(junk)
        case _:
            holder.insert(0, draw(junk))
    return value


messages = st.one_of(sound_messages, sound_messages, broken(sound_messages))
batches = st.one_of(
    st.lists(messages, max_size=6),
    st.lists(sound_messages, min_size=1, max_size=6),
    st.lists(st.lists(messages, max_size=2), max_size=2),
    sound_messages.map(lambda message: [message] * 51),
    sound_messages.map(lambda message: [message] * 50),
)


def as_json(value: Any) -> str:
    """JSON, with NaN and half pairs where the value has them; nothing that is too deep for the writer."""
    try:
        return json.dumps(value)
    except (RecursionError, ValueError):
        return "0"


@st.composite
def broken_bodies(draw: st.DrawFn) -> Data:
    """`body` and `isBase64Encoded` of an event, of which one or the other is wrong."""
    text = as_json(draw(st.one_of(messages, batches, junk)))
    match draw(st.sampled_from(["junk", "cut", "bytes", "twice", "not base64", "deep", "other", "none"])):
        case "junk":
            return {"body": as_json(draw(junk))}
        case "cut":
            return {"body": text[: draw(st.integers(0, len(text)))]}
        case "bytes":
            raw = draw(st.binary(min_size=1, max_size=40))
            at = draw(st.integers(0, len(text)))
            return {"body": base64.b64encode(text[:at].encode() + raw + text[at:].encode()).decode(), "isBase64Encoded": True}
        case "twice":
            return {"body": text + text}
        case "not base64":
            return {"body": draw(texts), "isBase64Encoded": True}
        case "deep":
            number = draw(st.sampled_from([10, 199, 200, 201, 5000, 100_000]))
            return {"body": f'{{"jsonrpc":"2.0","id":1,"method":"ping","params":{"[" * number}{"]" * number}}}'}
        case "other":
            return {"body": draw(junk), "isBase64Encoded": draw(junk)}
        case _:
            return {}


# ---- events

optional_headers: dict[str, st.SearchStrategy[str]] = {
    "mcp-protocol-version": versions,
    "MCP-Protocol-Version": versions,
    "mcp-method": methods,
    "mcp-name": st.one_of(st.sampled_from(TOOLS), texts),
    "mcp-param-text": texts,
    "mcp-session-id": st.one_of(st.sampled_from([OTHER_SESSION, "x" * 43, f"{OWN_SESSION},{OWN_SESSION}"]), texts),
    "last-event-id": st.one_of(st.sampled_from([OWN_EVENT, OTHER_EVENT, f"{'0' * 32}.0", f"{'0' * 32}.999999"]), texts),
    "authorization": st.one_of(st.just("Bearer eyJhbGciOiJub25lIn0.e30."), texts),
    "x-forwarded-for": texts,
    "x-forwarded-host": st.just("evil.example.com"),
    "x-http-method-override": st.just("DELETE"),
    "x-amzn-oidc-data": st.just("eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ."),
    "x-amzn-trace-id": texts,
    "traceparent": texts,
    "user-agent": texts,
    "content-length": texts,
    "transfer-encoding": st.just("chunked"),
}
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "host": st.one_of(st.just("MCP.example.gov"), st.just("evil.example.com"), texts),
    "origin": st.one_of(st.just("https://mcp.example.gov"), st.just("null"), texts),
    "content-type": st.one_of(st.just("Application/JSON; charset=utf-8"), texts),
    "accept": st.one_of(st.just("application/json"), st.just("*/*"), texts),
    "path": st.one_of(
        st.sampled_from(["/mcp/", "/prod/mcp", "/", "", "//mcp", "/mcp/../x", "/mcp%2f", "/MCP"]),
        st.just("/.well-known/oauth-protected-resource"),
        texts,
    ),
    "verb": st.one_of(st.sampled_from(["GET", "GET", "DELETE", "DELETE", "PUT", "OPTIONS", "post"]), texts),
    "claims": st.one_of(
        st.just({**ALICE.claims, "scope": f"[{ALICE.claims['scope']} x]"}),
        st.just({**ALICE.claims, "scope": "other"}),
        st.just({**ALICE.claims, "aud": ["desk"], "scp": ["x"]}),
        broken(st.just(ALICE.claims)),
        junk,
    ),
    "body": broken_bodies(),
    "batch": batches.map(lambda batch: {"body": as_json(batch)}),
    "base64": messages.map(lambda message: {"body": base64.b64encode(as_json(message).encode()).decode(), "isBase64Encoded": True}),
    "message": broken(sound_messages).map(lambda message: {"body": as_json(message)}),
    "headers": st.fixed_dictionaries({}, optional=optional_headers),
    "resume": st.sampled_from([OWN_EVENT, OWN_EVENT, OTHER_EVENT, f"{'0' * 32}.0"]),
    "end": st.just("DELETE"),
    "theirs": st.sampled_from(["POST", "GET", "GET", "DELETE"]),
    "event": st.just(None),
}
"""What can be odd about an event; each has one or two of them, so that most get far."""


@st.composite
def events(draw: st.DrawFn, *, sessions: bool) -> Any:
    odd = {name: draw(PARTS[name]) for name in draw(st.lists(st.sampled_from(sorted(PARTS)), max_size=2, unique=True))}
    body = next((odd[name] for name in ("body", "batch", "base64", "message") if name in odd), None)
    if body is None:
        body = {"body": as_json(draw(sound_messages))}
    sent: Data = {"host": "mcp.example.gov", "content-type": "application/json", "accept": BOTH}
    match draw(st.sampled_from(["none", "modern", *["session"] * (3 if sessions else 1)])):
        case "session":
            sent["mcp-session-id"] = OWN_SESSION
        case "modern":
            _make_modern(sent, body)
    sent |= {name: odd[name] for name in ("host", "origin", "content-type", "accept") if name in odd} | odd.get("headers", {})
    claims = odd.get("claims", ALICE.claims)
    verb, path = odd.get("verb", odd.get("end", "POST")), odd.get("path", "/mcp")
    if "theirs" in odd:
        verb, sent["mcp-session-id"], sent["last-event-id"] = odd["theirs"], OTHER_SESSION, OTHER_EVENT
    if "resume" in odd:
        verb, sent["last-event-id"] = "GET", odd["resume"]
    context = {"requestId": draw(texts)}
    if draw(st.booleans()):
        event: Any = {
            "version": "2.0",
            "rawPath": path,
            "headers": sent,
            "requestContext": {**context, "http": {"method": verb, "sourceIp": draw(texts)}, "authorizer": {"jwt": {"claims": claims}}},
            **body,
        }
    else:
        event = {
            "httpMethod": verb,
            "path": path,
            "headers": sent,
            "requestContext": {**context, "identity": {"sourceIp": draw(texts)}, "authorizer": {"claims": claims}},
            **body,
        }
        if "headers" in odd:
            event["multiValueHeaders"] = {name: [value, *draw(st.lists(texts, max_size=1))] for name, value in sent.items()}
    return _broken_once(draw, event) if "event" in odd else event


def _make_modern(sent: Data, body: Data) -> None:
    """The headers that a request of the modern era repeats."""
    try:
        message = json.loads(body["body"])
        method, params = message["method"], message["params"]
        meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {"elicitation": {"form": {}}}}
        params["_meta"] = meta | params.get("_meta", {})
        name = params.get("uri") or params.get("name")
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        return
    sent.pop("MCP-Protocol-Version", None)
    sent["mcp-protocol-version"], sent["mcp-method"] = MODERN, method
    if isinstance(name, str):
        sent["mcp-name"] = name
    body["body"] = as_json(message)


def filled(value: Any, places: Data) -> Any:
    """The value with the names of places replaced by what stands there."""
    if isinstance(value, str):
        for place, actual in places.items():
            value = value.replace(place, actual)
        return value
    if isinstance(value, dict):
        return {filled(key, places): filled(item, places) for key, item in value.items()}
    return [filled(item, places) for item in value] if isinstance(value, list) else value
