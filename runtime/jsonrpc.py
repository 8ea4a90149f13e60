"""JSON-RPC: messages in and out as bytes and text, bounded in depth and always well formed."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

Json = dict[str, Any]

ID_LIMIT: Final = 1024
"""Characters of a request id, which an answer repeats."""
INTEGER_LIMIT: Final = 2**63
"""No integer id is as large."""
ID_NEEDED: Final = f"The request id must be a string of at most {ID_LIMIT} characters or an integer of 64 bits"
REQUEST_TIMEOUT: Final = -32001
RESULT_TOO_LARGE: Final = -32002
"""Codes of our own, from the range that the specification leaves to implementations (-32000 to -32019)."""


def parse(body: bytes) -> Any:
    """The JSON value; raises ValueError for anything else: other encodings, NaN, nesting deeper than 200."""
    return from_json(body, allow_inf_nan=False)


def dump(value: Any) -> str:
    """Compact JSON text. Raises ValueError for what JSON cannot carry, such as half of a surrogate pair."""
    try:
        return to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError as error:
        raise ValueError(str(error)) from error


def error(request_id: Any, code: int, message: str, data: Any = None) -> Json:
    body: Json = {"code": code, "message": message}
    if data is not None:
        body["data"] = data
    return {"jsonrpc": "2.0", "id": request_id, "error": body}


def result(request_id: Any, value: Json) -> Json:
    return {"jsonrpc": "2.0", "id": request_id, "result": value}


def is_request_id(value: Any) -> bool:
    """Whether a request can be answered under this id, which an answer repeats: hence the limit."""
    if isinstance(value, str):
        return len(value) <= ID_LIMIT
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < INTEGER_LIMIT


def id_of(message: Any) -> Any:
    """The id to answer under: that of the message where it has a usable one, else null."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if is_request_id(found) else None


def params_of(message: Json) -> Json:
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def progress_token(message: Json) -> str | int | None:
    meta = params_of(message).get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if is_request_id(token) else None
