"""Parameters: control parameters that changed, with the resources, the existing data and the documents that each change touches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from claimstack.generator.comparison.claims import resource_of
from claimstack.generator.comparison.findings import FactChange, ParameterChange, ValueChange
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.comparison.values import canonical, field_changes
from claimstack.generator.emitted import Json
from claimstack.generator.paths import MANIFEST

FIELDS = ("value", "reason", "approver", "date")
RETENTION_SOURCE: Final = "Amazon CloudWatch Logs API Reference, PutRetentionPolicy"


def _retention(old: Json, new: Json) -> Iterator[str]:
    """The retention is the log group's: it holds for the events that are in it as for those to come."""
    yield "The stack update changes the retention of each log group; log events already written are not moved or copied."
    before, after = _days(old), _days(new)
    if before is not None and after is not None and after < before:
        yield (
            f"Events older than {after} days are past the new retention and are deleted, typically within 72 hours, "
            f"in rare cases later; what is deleted does not come back ({RETENTION_SOURCE}). Export what has to stay first."
        )
    elif before is not None and after is not None:
        yield (
            f"Events that are still there are kept until they are {after} days old; those already deleted do not come back "
            f"({RETENTION_SOURCE})."
        )


def _days(value: Json) -> int | None:
    found = re.fullmatch(r"(\d+) days", value) if isinstance(value, str) else None
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Decides:
    """What a control parameter sets in the templates."""

    type: str
    property: str
    existing_data: Callable[[Json, Json], Iterator[str]]
    """What the change of its value does to data that is there."""


DECIDES: Mapping[str, Decides] = {"au-11_odp": Decides("AWS::Logs::LogGroup", "RetentionInDays", _retention)}
"""Control parameters from which a property of the templates follows."""


def parameter_changes(old: Contents, new: Contents, facts: tuple[FactChange, ...]) -> Iterator[ParameterChange]:
    before, after = stated_parameters(old), stated_parameters(new)
    # A package of an older version says the value alone in a place that compares.
    fields = FIELDS if all(isinstance(side.coverage.get("parameters"), dict) for side in (old, new)) else FIELDS[:1]
    for parameter in dict.fromkeys((*after, *before)):
        one, two = before.get(parameter, {}), after.get(parameter, {})
        found = field_changes(one, two, *fields)
        if found:
            control = str((two or one)["control"])
            yield ParameterChange(
                parameter,
                control,
                found,
                tuple(_resources(parameter, control, old, new, facts)),
                tuple(_existing_data(parameter, one, two)),
                documents_naming(parameter, old, new),
            )


def stated_parameters(side: Contents) -> dict[str, dict[str, Any]]:
    """Control parameters that have a value: as the coverage says it, in packages of older versions as the OSCAL documents do."""
    table = side.coverage.get("parameters")
    if isinstance(table, dict):
        return {parameter: said for parameter, said in table.items() if said.get("value") is not None}
    found: dict[str, dict[str, Any]] = {}
    for path, document in side.documents.items():
        if path.startswith("oscal/"):
            for control, setting in _settings(document, ""):
                said = {"control": control, "value": ", ".join(map(str, setting["values"]))}
                found.setdefault(str(setting["param-id"]), said)
    return dict(sorted(found.items()))


def _settings(document: Json, control: str) -> Iterator[tuple[str, Json]]:
    if isinstance(document, dict):
        control = str(document.get("control-id", control))
        for setting in document.get("set-parameters", ()):
            if isinstance(setting, dict) and isinstance(setting.get("values"), list) and "param-id" in setting:
                yield control, setting
        for value in document.values():
            yield from _settings(value, control)
    elif isinstance(document, list):
        for value in document:
            yield from _settings(value, control)


def _resources(
    parameter: str, control: str, old: Contents, new: Contents, facts: tuple[FactChange, ...]
) -> Iterator[tuple[str, ValueChange]]:
    """Resources whose value follows from the parameter, then those of which a check of a claim for the same control found another value."""
    decides = DECIDES.get(parameter)
    seen: set[tuple[str, str]] = set()
    before = old.resources()
    for name, body in new.resources().items():
        if decides is not None and body["Type"] == decides.type and before.get(name, {}).get("Type") == decides.type:
            one, two = (side.get("Properties", {}).get(decides.property) for side in (before[name], body))
            if canonical(one) != canonical(two):
                seen.add((name, decides.property))
                yield name, ValueChange(decides.property, one, two)
    checks = {
        id_ for answered, _, said in new.answers() if answered == control for claim in said.get("claims", ()) for id_ in claim["checks"]
    }
    for fact in facts:
        name, path = resource_of(fact.pointer), fact.pointer.partition("/Properties/")[2].replace("/", ".")
        if fact.check in checks and path and (name, path) not in seen and canonical(fact.old) != canonical(fact.new):
            seen.add((name, path))
            yield name, ValueChange(path, fact.old, fact.new)


def _existing_data(parameter: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    decides = DECIDES.get(parameter)
    if decides is not None and old.get("value") != new.get("value"):
        yield from decides.existing_data(old.get("value"), new.get("value"))


def documents_naming(parameter: str, *sides: Contents) -> tuple[str, ...]:
    """Files of either package that name a control parameter; longer ids that begin alike do not count."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(parameter)}(?![\w-]|\.\w)")
    found = {path for side in sides for path, text in side.texts.items() if path != MANIFEST and parameter in text and pattern.search(text)}
    return tuple(sorted(found))
