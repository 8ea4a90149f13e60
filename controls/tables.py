"""Tables: what is wrong with keys and values of the TOML tables that people write, in words for them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files as package_files
from typing import Any

_SENTENCE = re.compile(r"\S(.*\S)?")  # OSCAL strings are one line without space at either end


def toml_texts(folder: str) -> dict[str, str]:
    """The TOML files in a folder of this package by their path in the repository, in the order of their names."""
    found = sorted(package_files("claimstack.controls").joinpath(folder).iterdir(), key=lambda entry: entry.name)
    return {f"controls/{folder}/{entry.name}": entry.read_text("utf-8") for entry in found if entry.name.endswith(".toml")}


def toml_tables(files: Mapping[str, str], causes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each file with what it holds; one that is no TOML is added to the causes and left out."""
    for file, text in files.items():
        try:
            yield file, tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            causes.append(f"{file}: not TOML: {error}")


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
