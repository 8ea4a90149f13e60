"""Console: where a command prints, what its exit codes mean, and what it reads of the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console

from claimstack.controls.errors import InputError

WRONG_INPUT = 2
FAILED_CHECK = 1
UNFOLDED = 1_000_000
"""Columns of a pipe, so that ids and pointers stay on one line for grep and for the clipboard."""


def _console(stream: TextIO, *, stderr: bool = False) -> Console:
    """As wide as the terminal, or as COLUMNS says; a pipe folds nothing."""
    folded = stream.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(stderr=stderr, highlight=False, width=None if folded else UNFOLDED)


err = _console(sys.stderr, stderr=True)
out = _console(sys.stdout)


def say(line: str) -> None:
    """A line of the result, as it is: no markup, and folded by nobody but the terminal."""
    out.print(line, markup=False, soft_wrap=True)


def tell(line: str, style: str | None = None) -> None:
    """A line beside the result, likewise."""
    err.print(line, markup=False, soft_wrap=True, style=style)


def refuse_two_forms(*, as_json: bool, as_markdown: bool) -> None:
    if as_json and as_markdown:
        raise InputError("--json and --markdown: the standard output takes one of them; choose one")


@contextmanager
def progress(what: str) -> Iterator[None]:
    """A spinner on a terminal; nothing in a pipe."""
    with err.status(what):
        yield


def source_date() -> datetime | None:
    """SOURCE_DATE_EPOCH as a time (https://reproducible-builds.org/specs/source-date-epoch/); None without it."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return None
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"SOURCE_DATE_EPOCH: {epoch!r} is not a number of seconds since 1970") from error
