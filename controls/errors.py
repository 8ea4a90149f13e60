"""Errors: wrong input, one line for each cause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MISSHAPEN: Final = (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError)
"""What Python raises where JSON or TOML is read whose keys and values are not the expected ones."""


class InputError(Exception):
    """Input that a person must correct; the command line prints every cause on a line of its own and exits with 2.

    A cause names the file, the key or the resource, says what is wrong and what to do.
    """

    def __init__(self, *causes: str) -> None:
        super().__init__("\n".join(causes))
        self.causes: tuple[str, ...] = causes


def raise_all(causes: Iterable[str]) -> None:
    """Raise one InputError for all causes, or return when there are none."""
    found = tuple(causes)
    if found:
        raise InputError(*found)


def misshapen(error: Exception) -> str:
    """What an error of MISSHAPEN says of the content, in words that need no Python."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    if isinstance(error, (IndexError, StopIteration)):
        return "a list has too few entries"
    return f"a value has another form ({error})"
