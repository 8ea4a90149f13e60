"""Floors: requirements from outside that a check compares with, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from claimstack.controls.errors import InputError


@dataclass(frozen=True, slots=True)
class Floor:
    """The least, or for a time that must not last longer the greatest, value that satisfies an external requirement.

    Never the value that a system happens to be set to.
    """

    value: int
    unit: str
    source: str


_REAUTHENTICATION = "NIST SP 800-63B (revision 3) 4.2.3, to which FedRAMP refers for IA-11: at AAL2 once in 12 hours"

FLOORS = {
    "ac-12": Floor(720, "minutes", _REAUTHENTICATION),
    # OMB M-21-31 asks for 12 months of active and 18 months of cold storage: thirty months of at most 30.45 days.
    "au-11": Floor(914, "days", "OMB M-21-31: 12 months active and 18 months cold storage"),
    "ia-11": Floor(12, "hours", _REAUTHENTICATION),
}


def floor(control: str) -> Floor:
    """The floor of a control. Raises InputError where none is on record."""
    try:
        return FLOORS[control]
    except KeyError:
        raise InputError(f"{control}: no floor is on record; add it to controls/floors.py with its source") from None
