"""Resources: what an update of the stacks would do to each resource, by the templates alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from claimstack.generator.comparison.findings import ResourceChange, ValueChange
from claimstack.generator.comparison.replacement import (
    NAMED_BY_CONTENT,
    after_deletion,
    can_judge,
    changed_create_only,
    is_stateful,
    keeps_own_name,
    schema_of,
    values_at,
)
from claimstack.generator.comparison.values import changes
from claimstack.generator.emitted import Emitted, Json
from claimstack.generator.moved import Moved
from claimstack.generator.questions.reading import references

OWN_WORDS = ("Metadata",)
"""Parts of a resource that only say what it claims: a change there is a change of claims, and no update of the resource."""

Resources = Mapping[str, Json]


def resource_changes(old: Resources, new: Resources, moved: tuple[Moved, ...], region: str) -> tuple[ResourceChange, ...]:
    """In the order of the new templates, what is gone last. `region` says whose provider schemas judge replacement."""
    renames = {entry.old: entry for entry in moved if entry.kind == "logical-id" and entry.old in old and entry.new in new}
    renamed = {entry.new for entry in renames.values()}
    both = {name: (old[name], new[name]) for name in new if name in old}
    replaced = _replaced(both, region) if can_judge() else {}
    found: list[ResourceChange] = []
    gone = {name: body for name, body in old.items() if name not in new and name not in renames}
    renewed = _renewed(gone, [name for name in new if name not in old and name not in renamed], new)
    for name, body in new.items():
        if name in both:
            found += _changed(name, *both[name], replaced.get(name, {}), region)
        elif name in renewed:
            found.append(ResourceChange("renewed", name, body["Type"], stateful=False, because=(f"takes the place of {renewed[name]}",)))
        elif name not in renamed:
            found.append(ResourceChange("added", name, body["Type"], is_stateful(body)))
    for entry in renames.values():
        found.append(_renamed(entry, old, new))
    for name, body in gone.items():
        if name not in renewed.values():
            old_one = after_deletion(body, "DeletionPolicy")
            found.append(ResourceChange("removed", name, body["Type"], is_stateful(body), old_one=old_one))
    admitted = {entry.old: entry.reason for entry in moved if entry.kind == "replacement"}
    return tuple(
        replace(item, because=(*item.because, f"admitted in generator/moved.py: {admitted[item.resource]}"))
        if item.resource in admitted and item.loses_identity
        else item
        for item in found
    )


def _renewed(gone: Resources, added: list[str], new: Resources) -> dict[str, str]:
    """Resources named by their content: new name → the one of the same stack and type that it follows."""
    found: dict[str, str] = {}
    for name in added:
        type_ = new[name]["Type"]
        if type_ in NAMED_BY_CONTENT:
            before = [
                other
                for other, body in gone.items()
                if body["Type"] == type_ and _stack(other) == _stack(name) and other not in found.values()
            ]
            if before:
                found[name] = before[0]
    return found


def _renamed(entry: Moved, old: Resources, new: Resources) -> ResourceChange:
    name = str(entry.new)
    because = (f"was {entry.old}: CloudFormation makes a new one under the new logical id", entry.reason)
    stateful = is_stateful(old[entry.old]) or is_stateful(new[name])
    found = tuple(changes(_updated(old[entry.old]), _updated(new[name])))
    return ResourceChange("renamed", name, new[name]["Type"], stateful, found, because, after_deletion(old[entry.old], "DeletionPolicy"))


def _replaced(both: Mapping[str, tuple[Json, Json]], region: str) -> dict[str, dict[str, str]]:
    """Resource → why it is replaced, each reason with when: by its own create-only properties, or since one of them refers to a resource
    that is replaced in turn."""
    found: dict[str, dict[str, str]] = {}
    for name, (before, after) in both.items():
        if before["Type"] == after["Type"]:
            own = changed_create_only(before, after, region)
            if own:
                found[name] = {f"{path} changed, which cannot be changed in place": when for path, when in own.items()}
    grown = True
    while grown:
        grown = False
        for name, (before, after) in both.items():
            if name in found or before["Type"] != after["Type"]:
                continue
            following = dict(_following(name, after, found, region))
            if following:
                found[name] = following
                grown = True
    return found


def _following(name: str, body: Json, replaced: Mapping[str, Any], region: str) -> Iterator[tuple[str, str]]:
    schema = schema_of(body["Type"], region)
    for path, when in schema.create_only.items() if schema is not None else ():
        for value in values_at(body.get("Properties", {}), path):
            for other in sorted(references(value)):
                source = f"{_stack(name)}.{other}"
                if source in replaced:
                    yield f"{'.'.join(path)} refers to {source}, which is replaced", when


def _changed(name: str, before: Json, after: Json, replaced: Mapping[str, str], region: str) -> Iterator[ResourceChange]:
    stateful = is_stateful(before) or is_stateful(after)
    if before["Type"] != after["Type"]:
        why = f"was {before['Type']}: CloudFormation refuses to change the type of a logical id; take a new one"
        yield ResourceChange("refused", name, after["Type"], stateful, because=(why,))
        return
    found = tuple(changes(_updated(before), _updated(after)))
    if replaced:
        own_name = keeps_own_name(before, after, region)
        refused = ("its own name stays, and CloudFormation refuses to replace a resource under the name it has",) if own_name else ()
        certain = "always" in replaced.values()
        yield ResourceChange(
            "replaced" if certain else "may-be-replaced",
            name,
            after["Type"],
            stateful,
            found,
            (*replaced, *refused),
            after_deletion(before, "UpdateReplacePolicy"),
        )
    elif found:
        unjudged = can_judge() and schema_of(after["Type"], region) is None
        because = (f"replacement not judged: there is no provider schema of {after['Type']}",) if unjudged else ()
        yield ResourceChange("changed", name, after["Type"], stateful, found, because)


def _updated(body: Json) -> Json:
    """A resource without what only says what it claims; Properties are lifted, so that paths read as in the documentation."""
    rest = {key: value for key, value in body.items() if key not in (*OWN_WORDS, "Properties")}
    return {**rest, **body.get("Properties", {})}


def template_parameter_changes(old: Emitted, new: Emitted) -> Iterator[tuple[str, ValueChange]]:
    """What is asked for when a stack is deployed: stack and the declaration that differs."""
    for stack in dict.fromkeys((*new.stacks, *old.stacks)):
        before, after = (side.stacks.get(stack, {}).get("Parameters", {}) for side in (old, new))
        for change in changes(before, after):
            if not change.path.endswith(".Description"):
                yield stack, change


def _stack(name: str) -> str:
    return name.partition(".")[0]
