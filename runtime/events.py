"""Events: API Gateway's two proxy formats read as requests, and responses as the results they expect.

Format 2.0: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs". Format 1.0: the same guide, "Lambda proxy
integrations in API Gateway". Nothing of an event is taken on trust: each part has the type that is expected or counts as absent.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from claimstack.runtime.messages import Request, Response

MARGIN_SECONDS: Final = 0.75
"""Kept back of the function's time so that an answer and its audit record get out."""


def read_event(event: Any, context: Any = None) -> Request:
    """The request in an event of either format. Raises ValueError where the event is of neither or its body cannot be decoded."""
    if not isinstance(event, dict):
        raise ValueError("the event is not an object")
    outer = _mapping(event.get("requestContext"))
    inner = _mapping(outer.get("http"))
    if inner:
        method, path = _text(inner.get("method")), _text(event.get("rawPath"))
        pairs: Iterable[tuple[str, Any]] = _mapping(event.get("headers")).items()
        claims = _mapping(_mapping(outer.get("authorizer")).get("jwt")).get("claims")
        source_ip = _text(inner.get("sourceIp"))
    elif isinstance(event.get("httpMethod"), str):
        method, path = event["httpMethod"], _text(event.get("path"))
        pairs = _pairs(event)
        claims = _mapping(outer.get("authorizer")).get("claims")
        source_ip = _text(_mapping(outer.get("identity")).get("sourceIp"))
    else:
        raise ValueError("the event is neither of payload format 2.0 nor of 1.0")
    headers, repeated = join_headers(pairs)
    headers.setdefault("host", _text(outer.get("domainName")))
    return Request(
        method=method.upper(),
        path=path,
        headers=headers,
        body=_body(event),
        repeated=repeated,
        claims=claims if isinstance(claims, dict) else None,
        source_ip=source_ip,
        request_id=_text(outer.get("requestId")),
        trace_id=os.environ.get("_X_AMZN_TRACE_ID", "") or headers.get("x-amzn-trace-id", ""),
        where=_where(outer, context),
        seconds=_seconds(context),
    )


def write_result(response: Response) -> dict[str, Any]:
    """The response as both formats take it."""
    result: dict[str, Any] = {"statusCode": response.status, "headers": response.headers}
    if response.body:
        result["body"] = response.body
    return result


def join_headers(pairs: Iterable[tuple[Any, Any]]) -> tuple[dict[str, str], frozenset[str]]:
    """Headers by lower-case name without outer white space, and the names that came more than once."""
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            continue
        key = name.lower()
        if key in headers:
            repeated.add(key)
            headers[key] = f"{headers[key]},{value.strip()}"
        else:
            headers[key] = value.strip()
    return headers, frozenset(repeated)


def _pairs(event: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Header lines of format 1.0: all values where the event has them, else the last of each."""
    several = _mapping(event.get("multiValueHeaders"))
    if not several:
        return list(_mapping(event.get("headers")).items())
    return [(name, value) for name, values in several.items() if isinstance(values, list) for value in values]


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body")
    if not isinstance(body, str):
        if body is None:
            return b""
        raise ValueError("the body of the event is not text")
    if event.get("isBase64Encoded") is True:
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise ValueError("the body of the event is not base64") from error
    # Half of a surrogate pair has no UTF-8; as a byte that JSON refuses it gets the answer of any other broken text.
    return body.encode("utf-8", "surrogatepass")


def _where(outer: Mapping[str, Any], context: Any) -> dict[str, str]:
    found = {
        "api_id": outer.get("apiId"),
        "stage": outer.get("stage"),
        "account": outer.get("accountId"),
        "function": getattr(context, "function_name", None),
        "function_arn": getattr(context, "invoked_function_arn", None),
        "invocation_id": getattr(context, "aws_request_id", None),
    }
    return {name: value for name, value in found.items() if isinstance(value, str) and value}


def _seconds(context: Any) -> float | None:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return max(0.05, remaining() / 1000 - MARGIN_SECONDS) if remaining is not None else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
