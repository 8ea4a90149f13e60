"""Values: where two JSON values differ, and how much of one is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from claimstack.generator.comparison.findings import ValueChange
from claimstack.generator.emitted import Json

LONGEST_VALUE: Final = 120


def changes(old: Json, new: Json, path: str = "") -> Iterator[ValueChange]:
    """Every innermost place where two values differ. Lists are taken as a whole where their lengths differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in (*old, *(key for key in new if key not in old)):
            below = f"{path}.{key}" if path else str(key)
            if key not in old:
                yield ValueChange(below, None, new[key])
            elif key not in new:
                yield ValueChange(below, old[key], None)
            else:
                yield from changes(old[key], new[key], below)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changes(before, after, f"{path}.{index}")
    elif canonical(old) != canonical(new):
        yield ValueChange(path, old, new)


def field_changes(old: Mapping[str, Any], new: Mapping[str, Any], *fields: str) -> tuple[ValueChange, ...]:
    """Of some fields of two tables, those that differ; a field that a table lacks is null."""
    return tuple(ValueChange(name, old.get(name), new.get(name)) for name in fields if old.get(name) != new.get(name))


def canonical(value: Json) -> str:
    """Equal for equal JSON, whatever the order of keys; true and 1 differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def some(items: Sequence[str], most: int) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
