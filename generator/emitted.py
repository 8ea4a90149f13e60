"""Emitted: the files of one system that checks read, templates and test results, as read back from their JSON; and edits of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self, TypeAlias, TypeVar

from claimstack.generator.paths import TEST_RESULTS, stack_of, template_path

Json: TypeAlias = Any
"""What `json.loads` returns. References stay symbols: {"Ref": …}, {"Fn::GetAtt": […]}, {"Fn::Sub": …}."""

PathStep: TypeAlias = str | int

Found = TypeVar("Found")


class _Marker:
    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


ABSENT: Final = _Marker("absent")
"""The value at a path where nothing stands; distinct from null."""
REMOVE: Final = _Marker("remove")
"""The new value of an edit that takes a value away."""


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in an emitted file; `pointer` is the file name and an RFC 6901 JSON pointer."""

    stack: str
    """Or the path of the test results, which stand beside the stacks: no stack's name has a slash."""
    path: tuple[PathStep, ...]

    @property
    def pointer(self) -> str:
        steps = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        file = TEST_RESULTS if self.stack == TEST_RESULTS else template_path(self.stack)
        return f"{file}#{steps}"

    def below(self, *steps: PathStep) -> Place:
        return Place(self.stack, (*self.path, *steps))


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of an emitted template."""

    stack: str
    logical_id: str
    body: Json

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @property
    def properties(self) -> Json:
        return self.body.get("Properties", {})

    @property
    def place(self) -> Place:
        return Place(self.stack, ("Resources", self.logical_id))

    def property_place(self, *steps: PathStep) -> Place:
        return self.place.below("Properties", *steps)


class Located(Protocol):
    @property
    def stack(self) -> str: ...
    @property
    def logical_id(self) -> str: ...


def asset_id(resource: Located) -> str:
    """`server.AuditLog`, as every document and finding names a resource."""
    return f"{resource.stack}.{resource.logical_id}"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of an emitted file: a new value at a place, or REMOVE. A new key is added, an index one past the end appends."""

    place: Place
    value: Json


@dataclass(frozen=True, slots=True)
class Remembering:
    """What functions of an object that never changes have worked out, kept with it."""

    _found: dict[object, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """A copy with something replaced starts afresh."""

    def once(self, work_out: Callable[[Self], Found]) -> Found:
        """The result of a function of this object, worked out at the first call. Callers share it and leave it as it is."""
        if work_out not in self._found:
            self._found[work_out] = work_out(self)
        result: Found = self._found[work_out]
        return result


@dataclass(frozen=True, slots=True)
class Emitted(Remembering):
    """The stacks of one system, the parameter values of one environment where they are known, and the results of the runtime's tests."""

    stacks: Mapping[str, Json]
    environment: str | None = None
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Stack name to parameter values, from the environment's parameter file; empty without one."""
    results: Json = field(default_factory=dict)
    """What `evidence/test-results.json` holds; empty where no test ran."""

    def anywhere(self) -> Emitted:
        """The same templates, before an environment has chosen any value."""
        return self.once(_without_environment) if self.parameters else self

    def resources(self, *types: str) -> Iterator[Resource]:
        """Every resource of these types (of every type when none is named), stack by stack."""
        for stack, template in self.stacks.items():
            for logical_id, body in template.get("Resources", {}).items():
                # Fn::ForEach stands among the resources and is none; NothingConditional finds it.
                if isinstance(body, dict) and (not types or body.get("Type") in types):
                    yield Resource(stack, logical_id, body)

    def resource(self, stack: str, logical_id: str) -> Resource | None:
        body = self.stacks.get(stack, {}).get("Resources", {}).get(logical_id)
        return None if body is None else Resource(stack, logical_id, body)

    def template_parameter(self, stack: str, name: str) -> Json:
        """The declaration of a template parameter, or None."""
        return self.stacks.get(stack, {}).get("Parameters", {}).get(name)

    def value(self, place: Place) -> Json:
        """The value at a place, or ABSENT."""
        return value_at(self._document(place.stack), place.path)

    def resolves(self, pointer: str) -> bool:
        """Whether a pointer written by `Place.pointer` leads to a value."""
        file, _, fragment = pointer.partition("#")
        stack = stack_of(file) or file
        return self.value(Place(stack, steps_of(fragment))) is not ABSENT

    def edited(self, *edits: Edit) -> Emitted:
        """A copy with the edits made; untouched parts are shared with the original."""
        stacks, results = dict(self.stacks), self.results
        for edit in edits:
            if edit.place.stack == TEST_RESULTS:
                results = _edited(results, edit.place.path, edit.value)
            else:
                stacks[edit.place.stack] = _edited(stacks[edit.place.stack], edit.place.path, edit.value)
        return Emitted(stacks, self.environment, self.parameters, results)

    def _document(self, stack: str) -> Json:
        return self.results if stack == TEST_RESULTS else self.stacks.get(stack, ABSENT)


def _without_environment(emitted: Emitted) -> Emitted:
    return Emitted(emitted.stacks, results=emitted.results)


def steps_of(fragment: str) -> tuple[str, ...]:
    """The steps of an RFC 6901 pointer, as `Place.pointer` writes it behind the name of a file."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:])


def value_at(document: Json, path: tuple[PathStep, ...]) -> Json:
    """The value below a path, or ABSENT. List steps may be given as digits."""
    value = document
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and str(step).isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def _edited(document: Json, path: tuple[PathStep, ...], value: Json) -> Json:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(document, list):
        items = list(document)
        index = int(step)
        if value is REMOVE and not rest:
            del items[index]
        elif index == len(items):
            items.append(_edited({}, rest, value))
        else:
            items[index] = _edited(items[index], rest, value)
        return items
    mapping = dict(document) if isinstance(document, dict) else {}
    if value is REMOVE and not rest:
        mapping.pop(str(step), None)
    else:
        mapping[str(step)] = _edited(mapping.get(str(step), {}), rest, value)
    return mapping


def plain(value: Json) -> Json:
    """Troposphere objects as the JSON they are emitted as; GetAtt in its list form."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, dict):
        if set(value) == {"Fn::GetAtt"} and isinstance(value["Fn::GetAtt"], str):
            return {"Fn::GetAtt": value["Fn::GetAtt"].split(".", 1)}
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def is_symbol(value: Json) -> bool:
    """Whether a value is an intrinsic function, resolved only when the stack is deployed."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def words(value: Json) -> str:
    """A value as a person reads it in a sentence."""
    if value is ABSENT:
        return "absent"
    if isinstance(value, dict) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if key == "Ref":
            return str(inner)
        if key == "Fn::GetAtt":
            return ".".join(inner) if isinstance(inner, list) else str(inner)
        if key == "Fn::Sub" and isinstance(inner, str):
            return inner
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
