"""Change: what somebody who has not read our checks does to an emitted template."""

from __future__ import annotations

import json
from dataclasses import dataclass

from claimstack.generator.emitted import REMOVE, Edit, Json, PathStep

SECTIONS = ("Parameters", "Rules", "Outputs")


@dataclass(frozen=True, slots=True)
class Blind:
    """One change, made without knowing what is checked."""

    kind: str
    stack: str
    logical_id: str
    type: str
    """CloudFormation type, or the section of the template: Parameters, Rules, Outputs."""
    path: tuple[PathStep, ...]
    """Below the resource, or below the entry of the section."""
    edits: tuple[Edit, ...]
    value: Json = REMOVE
    """The new value at the path."""

    @property
    def where(self) -> str:
        named = (self.logical_id, *self.path) if self.type in SECTIONS else self.path
        return "".join("[*]" if isinstance(step, int) else f".{step}" for step in named).removeprefix(".")

    def __str__(self) -> str:
        value = "" if self.value is REMOVE or not self.path else f" → {json.dumps(self.value)[:60]}"
        return f"{self.stack}.{self.logical_id} ({self.type}) {self.where or 'itself'}: {self.kind}{value}"
