"""Moved: identities that changed on purpose, so that an upgrade is never a surprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Moved:
    """One identity of an earlier release that this one no longer has, or one stateful resource that this one replaces."""

    kind: Literal["logical-id", "uuid", "check", "replacement"]
    """`replacement` admits that a stateful resource is replaced although its logical id may stay: what it holds does not move along."""
    old: str
    """Logical ids as `<stack>.<logical id>`; component uuids and check ids as they are."""
    new: str | None
    """None: gone for good, or (replacement) the logical id stays."""
    reason: str
    """What the operator of a deployed system has to do, or why nothing is to be done."""


MOVED: tuple[Moved, ...] = ()
"""Entries stay for one release, so that an upgrade from the last one is explained."""
