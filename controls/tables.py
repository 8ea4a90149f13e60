"""Tables: what is wrong with keys and values of the TOML tables that people write, in words for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

_SENTENCE = re.compile(r"\S(.*\S)?")  # OSCAL strings are one line without space at either end


def unknown_keys(table: Mapping[str, Any], known: Sequence[str]) -> Iterator[str]:
    for key in table:
        if key not in known:
            yield f"{key}: unknown key{suggestion(key, known)}"


def choice_problem(key: str, value: object, allowed: Sequence[str]) -> Iterator[str]:
    if value == "":
        yield f"{key}: missing; use {listed(allowed)}"
    elif value not in allowed:
        yield f"{key}: {value!r} is none of {listed(allowed)}{suggestion(value, allowed)}"


def sentence_problem(key: str, value: object) -> Iterator[str]:
    if not isinstance(value, str) or not _SENTENCE.fullmatch(value):
        found = "missing" if value == "" else f"found {value!r}"
        yield f"{key}: {found}; write one line without space at either end"


def suggestion(value: object, known: Sequence[str]) -> str:
    near = get_close_matches(str(value), known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(values: Sequence[str]) -> str:
    return ", ".join(values)
