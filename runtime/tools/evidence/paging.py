"""Pages: a long answer in parts that fit a model's context, each with the cursor of the next."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from claimstack.runtime.tools.evidence.errors import QuestionError

DEFAULT_LIMIT = 50
MOST_ROWS = 200
PAGE_CHARACTERS = 20_000
"""A page ends before it grows over this, counted in compact JSON, unless its first row alone does. Clients cut longer results or refuse
them, and a result travels twice: as structured content and as text."""
VALUE_CHARACTERS = 1500

Cursor = Annotated[
    str | None,
    Field(description="`next_cursor` of the page before, with all other arguments unchanged. Leave it out for the first page."),
]
Limit = Annotated[
    int, Field(ge=1, le=MOST_ROWS, description="The most entries on a page. A page of long entries ends earlier; follow `next_cursor`.")
]

Row = TypeVar("Row")
Entry = TypeVar("Entry")
_OFFSET = re.compile(r"(\d{1,9})\.([0-9a-f]{12})")


def page(
    rows: Sequence[Row],
    cursor: str | None,
    limit: int,
    asked: Sequence[Any],
    make: Callable[[Row], Entry],
    size: Callable[[Entry], int],
) -> tuple[list[Entry], str | None]:
    """The entries of the page that the cursor names, and the cursor of the next one.

    Raises QuestionError for a cursor of another question.
    """
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]
    start = _offset(cursor, digest, len(rows)) if cursor else 0
    room = PAGE_CHARACTERS
    entries: list[Entry] = []
    for row in rows[start : start + limit]:
        entry = make(row)
        room -= size(entry)
        if room < 0 and entries:
            break
        entries.append(entry)
    end = start + len(entries)
    following = base64.urlsafe_b64encode(f"{end}.{digest}".encode()).decode() if end < len(rows) else None
    return entries, following


def _offset(cursor: str, digest: str, rows: int) -> int:
    try:
        match = _OFFSET.fullmatch(base64.b64decode(cursor, altchars=b"-_", validate=True).decode())
    except ValueError:
        match = None
    if match is None or match[2] != digest or int(match[1]) >= rows:
        raise QuestionError("cursor: does not belong to this question; repeat the arguments of the page that gave it, or leave it out")
    return int(match[1])


def characters(value: Any) -> int:
    """How much of a page a value takes."""
    return len(compact(value))


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def cut(value: Any) -> tuple[Any, bool]:
    """The value, or the beginning of its JSON where it is long, and whether it was cut."""
    text = compact(value)
    if len(text) <= VALUE_CHARACTERS:
        return value, False
    return f"{text[:VALUE_CHARACTERS]} … (cut, {len(text):,} characters)", True
