"""Claims: what a resource says it does for a control, with the checks that can prove it wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from claimstack.generator.expressions import Check


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the system as an assessor sees it; one module of `resources/`."""

    id: str
    title: str
    description: str
    type: Literal["service", "software", "network", "policy"] = "service"
    """OSCAL component type."""


@dataclass(frozen=True, slots=True, init=False)
class Claim:
    """One sentence about the resource that makes it, true as long as every check passes."""

    point: str
    """Response point of the catalog, such as `au-2_smt.a`. Copied, never built."""
    sentence: str
    """Present tense, the resource as subject, checkable."""
    checks: tuple[Check, ...]
    meets: tuple[str, ...]
    """Objectives of NIST SP 800-53A that the claim meets; needed where the point has several, empty for the only one."""

    def __init__(self, point: str, sentence: str, *checks: Check, meets: tuple[str, ...] = ()) -> None:
        object.__setattr__(self, "point", point)
        object.__setattr__(self, "sentence", sentence)
        object.__setattr__(self, "checks", checks)
        object.__setattr__(self, "meets", meets)


@dataclass(frozen=True, slots=True)
class Exempt:
    """Stands in place of claims on a resource that supports no control by itself."""

    reason: str
