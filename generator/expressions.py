"""Expressions: checks over CloudFormation properties, kept as data so that one check is evaluated, read, hashed and broken on purpose."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

from claimstack.controls.errors import InputError
from claimstack.controls.floors import Floor
from claimstack.generator.emitted import ABSENT, REMOVE, Edit, Emitted, Json, PathStep, Place, Resource, asset_id, value_at
from claimstack.generator.predicates import (
    Absent,
    AtLeast,
    AtMost,
    Contains,
    Equals,
    Matches,
    Mentions,
    NoneOf,
    OneOf,
    Only,
    Outcome,
    Predicate,
    Present,
    judge,
)

EACH = "*"
"""The path step that stands for every item of a list."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The resource that declares a check."""

    stack: str
    logical_id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one evaluation saw at one place."""

    place: Place
    expected: str
    actual: Json
    outcome: Outcome
    sources_sha256: str | None = None
    """Hash of the sources that a test ran; None where nothing ran."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of the emitted files that a check has to notice."""

    what: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(ABC):
    """A condition on the emitted files that can fail."""

    kind: ClassVar[str]
    level: ClassVar[Literal["declared", "effective"]] = "declared"
    """What its facts are about: the template, or the runtime as it behaves under test."""
    reads_system: ClassVar[bool] = True
    """Whether the whole system is the scope; otherwise the resource that declares it."""
    name: str = ""
    """Tells two checks of one scope apart whose path and operation agree; part of the id, hence never changed."""

    def named(self, name: str) -> Self:
        return replace(self, name=name)

    def check_id(self, scope: Scope) -> str:
        """Stable id: an OSCAL token, unique in the system."""
        owner = "system" if self.reads_system else asset_id(scope)
        return f"{owner}.{self.name or self._own_id()}"

    def sha256(self) -> str:
        """Hash of the check as data: changes exactly when what it asks changes."""
        return hashlib.sha256(json.dumps(self.data(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def validate(self, resource_class: Any) -> str | None:
        """What is wrong with the check for a resource of this troposphere class, or None."""
        return None

    @abstractmethod
    def _own_id(self) -> str: ...

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """The check as plain JSON data."""

    @abstractmethod
    def sentence(self) -> str:
        """The check in words, for people and for OSCAL."""

    @abstractmethod
    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        """Every place that was looked at, with its outcome; at least one finding."""

    @abstractmethod
    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        """Changes that make the check fail; at least one."""


@lru_cache(maxsize=8192)  # asked for at every claim of a check
def token(text: str) -> str:
    """Text as part of an OSCAL token: letters, digits, full stop, hyphen, underscore."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text.replace(EACH, "each")).strip("-")


def parse_path(steps: tuple[str, ...]) -> tuple[str, ...]:
    """`A.B[*].C` as steps; several arguments are taken as they are, for keys that contain a full stop."""
    if len(steps) > 1:
        return steps
    return tuple(part for piece in steps[0].split(".") for part in ([piece[:-3], EACH] if piece.endswith("[*]") else [piece]))


def path_words(path: tuple[str, ...]) -> str:
    return "".join("[*]" if step == EACH else (f".{step}" if index else step) for index, step in enumerate(path))


def unknown_property(resource_class: Any, path: tuple[str, ...]) -> str | None:
    """The first step of a path that the troposphere class does not know, or None; free-form JSON ends the check."""
    known: Any = resource_class
    for index, step in enumerate(path):
        if isinstance(known, list) and step == EACH:
            known = known[0]
            continue
        props = getattr(known, "props", None)
        if not props:
            return None
        if step not in props:
            return path_words(path[: index + 1])
        known = props[step][0]
    return None


def expand(body: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[PathStep, ...], Json]]:
    """Every concrete path and value that a path with EACH stands for; ABSENT once where nothing stands there."""
    if EACH not in path:
        yield path, value_at(body, path)
        return
    at = path.index(EACH)
    items = value_at(body, path[:at])
    if not isinstance(items, list) or not items:
        yield path[:at], ABSENT
        return
    for index, item in enumerate(items):
        for rest, value in expand(item, path[at + 1 :]):
            yield (*path[:at], index, *rest), value


def nearest(emitted: Emitted, place: Place) -> Place:
    """The place itself, or its nearest ancestor that exists."""
    path = place.path
    while path and emitted.value(Place(place.stack, path)) is ABSENT:
        path = path[:-1]
    return Place(place.stack, path)


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate on a path below a resource: below its Properties, or below the resource itself for attributes such as DeletionPolicy."""

    path: tuple[str, ...]
    predicate: Predicate
    attribute: bool = False

    def root(self) -> tuple[str, ...]:
        return () if self.attribute else ("Properties",)

    def data(self) -> dict[str, Any]:
        return {"path": [*self.root(), *self.path], "predicate": self.predicate.data()}

    def sentence(self) -> str:
        return f"{path_words(self.path)} {self.predicate.sentence()}"

    def own_id(self) -> str:
        return token(f"{'.'.join(self.path)}.{self.predicate.op}")

    def evaluate(self, emitted: Emitted, resource: Resource) -> Iterator[Finding]:
        for path, value in expand(resource.body, (*self.root(), *self.path)):
            place = nearest(emitted, resource.place.below(*path))
            yield Finding(place, self.sentence(), value, judge(self.predicate, value, emitted, resource.stack))

    def holds(self, emitted: Emitted, resource: Resource) -> bool:
        return all(finding.outcome is Outcome.PASSED for finding in self.evaluate(emitted, resource))

    def violating_edits(self, resource: Resource) -> Iterator[tuple[str, tuple[PathStep, ...], Json]]:
        for path, value in expand(resource.body, (*self.root(), *self.path)):
            for what, violation in self.predicate.violations(value):
                if not (violation is REMOVE and value is ABSENT) and violation != value:
                    yield f"{what} {path_words(tuple(map(str, path)))}", path, violation


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyCheck(Check):
    """A property of the resource that declares the check."""

    kind: ClassVar[str] = "property"
    reads_system: ClassVar[bool] = False
    condition: Condition

    def _own_id(self) -> str:
        return self.condition.own_id()

    def data(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.condition.data()}

    def sentence(self) -> str:
        return self.condition.sentence()

    def validate(self, resource_class: Any) -> str | None:
        return None if self.condition.attribute else unknown_property(resource_class, self.condition.path)

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        resource = emitted.resource(scope.stack, scope.logical_id)
        if resource is None:
            yield Finding(Place(scope.stack, ("Resources",)), self.sentence(), ABSENT, Outcome.FAILED)
        else:
            yield from self.condition.evaluate(emitted, resource)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        resource = emitted.resource(scope.stack, scope.logical_id)
        if resource is not None:
            for what, path, value in self.condition.violating_edits(resource):
                yield Mutant(f"{scope.logical_id}: {what}", (Edit(resource.place.below(*path), value),))


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationCheck(Check):
    """Every resource of a type in the system that meets the `where` conditions; an empty population fails unless stated."""

    kind: ClassVar[str] = "population"
    resource_class: Any = field(compare=False)
    resource_type: str
    where: tuple[Condition, ...] = ()
    condition: Condition
    may_be_empty: bool = False

    def _own_id(self) -> str:
        return token(f"{self.resource_type}.{self.condition.own_id()}")

    def data(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "type": self.resource_type,
            "where": [condition.data() for condition in self.where],
            **self.condition.data(),
            "may_be_empty": self.may_be_empty,
        }

    def sentence(self) -> str:
        selected = " whose " + " and whose ".join(condition.sentence() for condition in self.where) if self.where else ""
        return f"every {self.resource_type}{selected}: {self.condition.sentence()}"

    def validate(self, resource_class: Any) -> str | None:
        for condition in (*self.where, self.condition):
            unknown = None if condition.attribute else unknown_property(self.resource_class, condition.path)
            if unknown:
                return f"{self.resource_type}.{unknown}"
        return None

    def members(self, emitted: Emitted) -> list[Resource]:
        return [
            resource
            for resource in emitted.resources(self.resource_type)
            if all(condition.holds(emitted, resource) for condition in self.where)
        ]

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        members = self.members(emitted)
        if not members:
            outcome = Outcome.PASSED if self.may_be_empty else Outcome.FAILED
            yield Finding(Place(scope.stack, ("Resources",)), self.sentence(), "no such resource", outcome)
        for resource in members:
            yield from self.condition.evaluate(emitted, resource)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        members = self.members(emitted)
        for resource in members:
            for what, path, value in self.condition.violating_edits(resource):
                yield Mutant(f"{resource.logical_id}: {what}", (Edit(resource.place.below(*path), value),))
        for resource in members[:1]:
            sibling = Place(resource.stack, ("Resources", "UnprotectedSibling"))
            for what, path, value in self.condition.violating_edits(resource):
                yield Mutant(f"sibling of {resource.logical_id}: {what}", (Edit(sibling, resource.body), Edit(sibling.below(*path), value)))
        if not members:
            sibling = Place(scope.stack, ("Resources", "UnprotectedSibling"))
            yield Mutant("add an unprotected resource", (Edit(sibling, {"Type": self.resource_type, "Properties": {}}),))


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceCheck(Check):
    """No resource of these types exists anywhere in the system."""

    kind: ClassVar[str] = "absence"
    types: tuple[str, ...]

    def _own_id(self) -> str:
        return token(f"no.{'.'.join(self.types)}")

    def data(self) -> dict[str, Any]:
        return {"kind": self.kind, "types": list(self.types)}

    def sentence(self) -> str:
        return "the system has no " + " and no ".join(self.types)

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        found = list(emitted.resources(*self.types))
        for resource in found:
            yield Finding(resource.place, self.sentence(), resource.type, Outcome.FAILED)
        if not found:
            yield Finding(Place(scope.stack, ("Resources",)), self.sentence(), "none", Outcome.PASSED)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for type_ in self.types:
            place = Place(scope.stack, ("Resources", "UnwantedResource"))
            yield Mutant(f"add {type_}", (Edit(place, {"Type": type_, "Properties": {}}),))


@dataclass(frozen=True, slots=True)
class Property:
    """The start of a check: a path, to be followed by what must hold of the value there."""

    path: tuple[str, ...]
    attribute: bool = False
    population: PopulationOf | None = None

    def must(self, predicate: Predicate) -> PropertyCheck | PopulationCheck:
        condition = Condition(self.path, predicate, self.attribute)
        if self.population is None:
            return PropertyCheck(condition=condition)
        of = self.population
        return PopulationCheck(
            resource_class=of.resource_class,
            resource_type=of.resource_class.resource_type,
            where=of.conditions,
            condition=condition,
            may_be_empty=of.may_be_empty,
        )

    def equals(self, expected: Json) -> PropertyCheck | PopulationCheck:
        return self.must(Equals(expected))

    def is_true(self) -> PropertyCheck | PopulationCheck:
        return self.must(Equals(expected=True))

    def is_false(self) -> PropertyCheck | PopulationCheck:
        return self.must(Equals(expected=False))

    def one_of(self, *values: Json) -> PropertyCheck | PopulationCheck:
        return self.must(OneOf(values))

    def none_of(self, *values: Json) -> PropertyCheck | PopulationCheck:
        return self.must(NoneOf(values))

    def at_least(self, bound: float | Floor) -> PropertyCheck | PopulationCheck:
        return self.must(AtLeast(bound))

    def at_most(self, bound: float | Floor) -> PropertyCheck | PopulationCheck:
        return self.must(AtMost(bound))

    def matches(self, pattern: str) -> PropertyCheck | PopulationCheck:
        return self.must(Matches(pattern))

    def mentions(self, word: str) -> PropertyCheck | PopulationCheck:
        return self.must(Mentions(word))

    def contains(self, *items: Json) -> PropertyCheck | PopulationCheck:
        return self.must(Contains(items))

    def only(self, *items: Json) -> PropertyCheck | PopulationCheck:
        return self.must(Only(items))

    def present(self) -> PropertyCheck | PopulationCheck:
        return self.must(Present())

    def absent(self) -> PropertyCheck | PopulationCheck:
        return self.must(Absent())


@dataclass(frozen=True, slots=True)
class PopulationOf:
    """Every resource of a troposphere class, narrowed by conditions."""

    resource_class: Any
    conditions: tuple[Condition, ...] = ()
    may_be_empty: bool = False

    def where(self, *checks: PropertyCheck | PopulationCheck) -> PopulationOf:
        return replace(self, conditions=(*self.conditions, *(check.condition for check in checks)))

    def or_none(self) -> PopulationOf:
        """An empty population passes: say so only where the claim stays true without any such resource."""
        return replace(self, may_be_empty=True)

    def prop(self, *path: str) -> Property:
        return Property(parse_path(path), population=self)

    def attribute(self, *path: str) -> Property:
        return Property(parse_path(path), attribute=True, population=self)


def prop(*path: str) -> Property:
    """A property of the resource that makes the claim: `prop("Code.ImageUri")`, `prop("SecurityGroupEgress[*].CidrIp")`."""
    return Property(parse_path(path))


def attribute(*path: str) -> Property:
    """An attribute beside Properties: `attribute("DeletionPolicy")`."""
    return Property(parse_path(path), attribute=True)


def every(resource_class: Any) -> PopulationOf:
    """Every resource of a troposphere class in the whole system: `every(logs.LogGroup).prop("RetentionInDays")`."""
    return PopulationOf(resource_class)


def none_exists(*resource_classes: Any) -> AbsenceCheck:
    """No resource of these troposphere classes exists in the system."""
    if not resource_classes:
        raise InputError("none_exists: name at least one resource class")
    return AbsenceCheck(types=tuple(cls if isinstance(cls, str) else cls.resource_type for cls in resource_classes))
