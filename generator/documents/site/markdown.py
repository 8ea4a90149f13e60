"""Site Markdown: an environment for skeletons of GitHub Markdown in which every value is escaped, as HTML is elsewhere."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from claimstack.generator.documents import markdown
from claimstack.generator.documents.site.filters import FILTERS

_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
_DOLLAR = "<span>$</span>"
"""GitHub takes what stands between two bare dollars for a formula:
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/writing-mathematical-expressions"""
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r"[\w./-]*")
_LINE_START = re.compile(r"^(\s*)([-+#>]|\d+[.)])(?=\s)", re.MULTILINE)


@cache
def markdown_environment() -> Environment:
    environment = markdown.skeleton_environment(autoescape=True, finalize=_finalize)
    environment.filters |= FILTERS | {"code": code, "fenced": fenced, "plain": plain}
    return environment


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup) else escape(str(value))


@lru_cache(maxsize=8192)  # the same words stand in many places
def escape(text: str) -> Markup:
    """Text that no renderer takes for Markdown or HTML, on one line."""
    line = _SPACE.sub(" ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _LINE_START.sub(r"\1\\\2", _SPECIAL.sub(lambda found: "\\" + found[0], line))
    return Markup(escaped.replace("$", _DOLLAR))  # noqa: S704 - escaped here


@lru_cache(maxsize=8192)
def code(text: str) -> Markup:
    """A code span on one line, good in a table cell as well: GitHub takes a bar there for a new cell unless it is escaped."""
    return Markup(markdown.code(str(text)).replace("|", "\\|"))  # noqa: S704 - a code span


def plain(text: str) -> Markup:
    """A part of an address: our own ids, whose letters need no escape."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"{text!r} cannot stand in an address")
    return Markup(text)  # noqa: S704 - matched above


def fenced(text: str) -> Markup:
    """A code block that its own text cannot end."""
    ticks = "`" * max(3, max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    return Markup(f"{ticks}bash\n{text.strip()}\n{ticks}")  # noqa: S704 - a code block
