"""Traces: where a failure came from, without the words of exceptions, which may repeat arguments and results."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from claimstack.runtime.masking import masked
from claimstack.runtime.store import OperationalError


def stack_trace(error: BaseException, *, words: bool) -> str:
    """Frames and types of an exception and its causes, the first cause first; their texts too where `words` allows it, masked."""
    return "\nThe above exception led to:\n".join(_one(found, words=words) for found in reversed(list(_chain(error))))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException, *, words: bool) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = _text(error, words=words)
    return f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}{f': {text}' if text else ''}"


def _text(error: BaseException, *, words: bool) -> str:
    if words:
        return str(masked(str(error)))
    if isinstance(error, OperationalError):
        return str(error)
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return str(details.get("Code", "")) if isinstance(details, dict) else ""
