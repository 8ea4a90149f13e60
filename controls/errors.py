"""Errors: wrong input, one line for each cause."""

from __future__ import annotations

from collections.abc import Iterable


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
