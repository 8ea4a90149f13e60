"""Markdown: a skeleton filled in and set to one width."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

WIDTH = 120
_ITEM = re.compile(r"(\s*)([-*]|\d+\.) ")
_MARK = re.compile(r"^(\d*)([-*#|.])(?= |$)")
"""A line of prose that starts so would become a list item or a heading."""


def fill_skeleton(name: str, **values: object) -> str:
    """The skeleton `templates/<name>` with these values, reflowed. A name that the skeleton uses and nobody gives is an error."""
    return reflow(render_skeleton(name, **values))


def render_skeleton(name: str, **values: object) -> str:
    """The skeleton filled in and not reflowed, for where a line break would show, as in a comment on GitHub."""
    return _environment().get_template(name).render(values)


@cache
def _environment() -> Environment:
    return skeleton_environment(autoescape=False)


def skeleton_environment(*, autoescape: bool, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """What fills skeletons. Constants in them are not folded: no build renders one so often that the search for them would pay."""
    return Environment(
        loader=FunctionLoader(skeleton),
        autoescape=autoescape,  # noqa: S701 - Markdown is not HTML
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,
    )


def skeleton(name: str) -> str:
    return (files("claimstack.templates") / name).read_text(encoding="utf-8")


def code(text: str) -> str:
    """A code span on one line: nothing in it is Markdown, HTML or a mention."""
    line = " ".join(text.split())
    ticks = "`" * (max(map(len, re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}" if line else ""


def reflow(text: str) -> str:
    """Paragraphs and list items wrapped at WIDTH, so that a skeleton need not know how long its values are.

    Code blocks, headings and tables stay as they are; there is never more than one blank line, and none at either end.
    """
    out: list[str] = []
    for block in _blocks(text.splitlines()):
        if block or (out and out[-1]):
            out += block or [""]
    return "\n".join(out).strip("\n") + "\n"


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Finished lines, piece by piece; an empty list stands for a blank line."""
    prose: list[str] = []
    fenced = False
    for line in lines:
        fence = line.lstrip().startswith("```")
        if fenced or fence or not line.strip() or line.startswith(("#", "|")) or _ITEM.match(line):
            if prose:
                yield _wrapped(tuple(prose))
            prose = []
        if fenced or fence:
            fenced = fenced is not fence
            yield [line.rstrip()]
        elif not line.strip():
            yield []
        elif line.startswith(("#", "|")):
            yield [line.rstrip()]
        else:
            prose.append(line)
    if prose:
        yield _wrapped(tuple(prose))


@lru_cache(maxsize=4096)  # most paragraphs are the same in every system
def _wrapped(lines: tuple[str, ...]) -> list[str]:
    item = _ITEM.match(lines[0])
    first = item.group(0) if item else ""
    words = " ".join(lines)[len(first) :].split()
    filled = words[:1]
    for word in words[1:]:
        if len(first) + len(filled[-1]) + len(word) < WIDTH:
            filled[-1] += f" {word}"
        else:
            filled.append(word)
    indent = " " * len(first)
    return [indent + _MARK.sub(r"\1\\\2", line) if number else first + line for number, line in enumerate(filled)]


def sentence(text: str) -> str:
    """With a full stop, which reasons written by people have and computed ones have not."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
