"""Floors: requirements from outside that a check compares with, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from claimstack.controls.errors import InputError


@dataclass(frozen=True, slots=True)
class Floor:
    """The least value that satisfies an external requirement; never the value that a system happens to be set to."""

    value: int
    unit: str
    source: str


FLOORS = {
    # OMB M-21-31 asks for 12 months of active and 18 months of cold storage: thirty months of at most 30.45 days.
    "au-11": Floor(914, "days", "OMB M-21-31: 12 months active and 18 months cold storage"),
}


def floor(control: str) -> Floor:
    """The floor of a control. Raises InputError where none is on record."""
    try:
        return FLOORS[control]
    except KeyError:
        raise InputError(f"{control}: no floor is on record; add it to controls/floors.py with its source") from None
