"""Predicates: conditions on one value, each with its evaluation, its words and the values that violate it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar

from claimstack.controls.floors import Floor
from claimstack.generator.emitted import ABSENT, REMOVE, Emitted, Json, is_symbol, plain, words


class Outcome(StrEnum):
    """What an evaluation found. Conditional: a value chosen at deployment decides, and no constraint settles it. Not evaluated: the test
    that the check asks about has no result that counts."""

    PASSED = "passed"
    FAILED = "failed"
    CONDITIONAL = "conditional"
    NOT_EVALUATED = "not-evaluated"


WORST_FIRST = (Outcome.FAILED, Outcome.NOT_EVALUATED, Outcome.CONDITIONAL, Outcome.PASSED)


def worst(outcomes: Iterable[str]) -> Outcome | None:
    """Of the outcomes of its facts, the one that a claim, a check or an observation has; None where no fact was found."""
    found = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in found), None)


@dataclass(frozen=True, slots=True)
class Predicate(ABC):
    """A condition on one value. Subclasses say when a literal satisfies it and when a template parameter's constraints guarantee it."""

    op: ClassVar[str]

    @abstractmethod
    def holds(self, value: Json) -> bool:
        """Whether a literal value satisfies the condition."""

    def guaranteed_by(self, parameter: Json) -> bool:
        """Whether every value that the template parameter admits satisfies the condition."""
        allowed = parameter.get("AllowedValues")
        return bool(allowed) and all(self.holds(_typed(parameter, value)) for value in allowed)

    def excluded_by(self, parameter: Json) -> bool:
        """Whether no value that the template parameter admits satisfies the condition."""
        allowed = parameter.get("AllowedValues")
        return bool(allowed) and not any(self.holds(_typed(parameter, value)) for value in allowed)

    @abstractmethod
    def sentence(self) -> str:
        """The condition as the end of a sentence whose subject is the property."""

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        """Values that must not satisfy the condition, each with what was done to get it; REMOVE takes the value away."""
        yield "remove", REMOVE

    def data(self) -> dict[str, Any]:
        """The condition as data: what is hashed, and what another engine would need."""
        return {"op": self.op, **{field.name: _as_data(getattr(self, field.name)) for field in fields(self)}}


def judge(predicate: Predicate, value: Json, emitted: Emitted, stack: str) -> Outcome:
    """Evaluate a predicate on a value of a stack's template, following a reference to a template parameter as far as it can be known."""
    value = plain(value)
    if value is ABSENT:
        return Outcome.PASSED if isinstance(predicate, Absent) else Outcome.FAILED
    if isinstance(predicate, Equals) and predicate.expected == value:
        return Outcome.PASSED
    if not is_symbol(value) or isinstance(predicate, Present | Absent):
        return Outcome.PASSED if predicate.holds(value) else Outcome.FAILED
    function, inner = next(iter(value.items()))
    parameter = emitted.template_parameter(stack, inner) if function == "Ref" else None
    if parameter is not None:
        settled = emitted.parameters.get(stack, {}).get(inner, ABSENT)
        if settled is not ABSENT:
            return Outcome.PASSED if predicate.holds(_typed(parameter, settled)) else Outcome.FAILED
        if predicate.guaranteed_by(parameter):
            return Outcome.PASSED
        if predicate.excluded_by(parameter):
            return Outcome.FAILED
        if isinstance(predicate, Equals | Contains) and predicate.is_symbolic:
            return Outcome.FAILED
        return Outcome.CONDITIONAL
    if function == "Fn::Sub" and isinstance(inner, str):
        return Outcome.PASSED if predicate.holds(inner) else Outcome.FAILED
    if isinstance(predicate, Equals | OneOf | Contains | Mentions):
        return Outcome.FAILED
    return Outcome.CONDITIONAL


def _typed(parameter: Json, value: Json) -> Json:
    """A parameter value, always text in a parameter file, as its declared type."""
    if parameter.get("Type") == "Number" and isinstance(value, str):
        return float(value) if "." in value else int(value)
    if str(parameter.get("Type", "")).startswith(("List<", "CommaDelimitedList")) and isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return value


def _as_data(value: Any) -> Any:
    if isinstance(value, Floor):
        return {"value": value.value, "unit": value.unit, "source": value.source}
    if isinstance(value, tuple):
        return [_as_data(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Equals(Predicate):
    op: ClassVar[str] = "equals"
    expected: Json

    def __post_init__(self) -> None:
        object.__setattr__(self, "expected", plain(self.expected))

    @property
    def is_symbolic(self) -> bool:
        return is_symbol(self.expected)

    def holds(self, value: Json) -> bool:
        return type(value) is type(self.expected) and bool(value == self.expected)

    def sentence(self) -> str:
        return f"is {words(self.expected)}"

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        if isinstance(self.expected, bool):
            yield "flip", not self.expected
        elif isinstance(self.expected, int | float):
            yield "change", self.expected + 1
        elif isinstance(self.expected, list):
            yield "shorten", self.expected[:-1]
        else:
            yield "change", "claimstack-mutant"


@dataclass(frozen=True, slots=True)
class OneOf(Predicate):
    op: ClassVar[str] = "one-of"
    values: tuple[Json, ...]

    def holds(self, value: Json) -> bool:
        return value in self.values

    def sentence(self) -> str:
        return "is one of " + ", ".join(words(value) for value in self.values)

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "change", "claimstack-mutant"


@dataclass(frozen=True, slots=True)
class NoneOf(Predicate):
    """The value is none of these; an absent value fails, since the service's default decides then."""

    op: ClassVar[str] = "none-of"
    values: tuple[Json, ...]

    def holds(self, value: Json) -> bool:
        return value not in self.values

    def sentence(self) -> str:
        return "is none of " + ", ".join(words(value) for value in self.values)

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "change", self.values[0]


@dataclass(frozen=True, slots=True)
class AtLeast(Predicate):
    op: ClassVar[str] = "at-least"
    bound: int | float | Floor

    def holds(self, value: Json) -> bool:
        return _is_number(value) and value >= _number(self.bound)

    def guaranteed_by(self, parameter: Json) -> bool:
        minimum = parameter.get("MinValue")
        return Predicate.guaranteed_by(self, parameter) or (minimum is not None and float(minimum) >= _number(self.bound))

    def sentence(self) -> str:
        return f"is at least {_bound_words(self.bound)}"

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "lower", _number(self.bound) - 1


@dataclass(frozen=True, slots=True)
class AtMost(Predicate):
    op: ClassVar[str] = "at-most"
    bound: int | float | Floor

    def holds(self, value: Json) -> bool:
        return _is_number(value) and value <= _number(self.bound)

    def guaranteed_by(self, parameter: Json) -> bool:
        maximum = parameter.get("MaxValue")
        return Predicate.guaranteed_by(self, parameter) or (maximum is not None and float(maximum) <= _number(self.bound))

    def sentence(self) -> str:
        return f"is at most {_bound_words(self.bound)}"

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "raise", _number(self.bound) + 1


@dataclass(frozen=True, slots=True)
class Matches(Predicate):
    """The whole text matches a regular expression; a parameter guarantees it when its own AllowedPattern is the same expression."""

    op: ClassVar[str] = "matches"
    pattern: str

    def holds(self, value: Json) -> bool:
        return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None

    def guaranteed_by(self, parameter: Json) -> bool:
        return Predicate.guaranteed_by(self, parameter) or parameter.get("AllowedPattern") == self.pattern

    def sentence(self) -> str:
        return f"matches {self.pattern}"

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "change", " claimstack mutant "


@dataclass(frozen=True, slots=True)
class Mentions(Predicate):
    """The text contains a word, as an access log format contains a context variable; a longer variable name does not count."""

    op: ClassVar[str] = "mentions"
    word: str

    def holds(self, value: Json) -> bool:
        return isinstance(value, str) and re.search(re.escape(self.word) + r"(?![\w.])", value) is not None

    def sentence(self) -> str:
        return f"mentions {self.word}"

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "drop", re.sub(re.escape(self.word) + r"(?![\w.])", "-", value) if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Contains(Predicate):
    """A list holds at least these items."""

    op: ClassVar[str] = "contains"
    items: tuple[Json, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(plain(item) for item in self.items))

    @property
    def is_symbolic(self) -> bool:
        return any(is_symbol(item) for item in self.items)

    def holds(self, value: Json) -> bool:
        return isinstance(value, list) and all(item in value for item in self.items)

    def sentence(self) -> str:
        return "contains " + ", ".join(words(item) for item in self.items)

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        for item in self.items:
            yield f"drop {words(item)}", [other for other in value if other != item] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Only(Predicate):
    """A list holds nothing but these items, and at least one of them."""

    op: ClassVar[str] = "only"
    items: tuple[Json, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(plain(item) for item in self.items))

    def holds(self, value: Json) -> bool:
        return isinstance(value, list) and bool(value) and all(item in self.items for item in value)

    def sentence(self) -> str:
        return "holds nothing but " + ", ".join(words(item) for item in self.items)

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "remove", REMOVE
        yield "add", [*(value if isinstance(value, list) else []), "claimstack-mutant"]


@dataclass(frozen=True, slots=True)
class Present(Predicate):
    op: ClassVar[str] = "present"

    def holds(self, value: Json) -> bool:
        return value not in (None, "", [], {})

    def sentence(self) -> str:
        return "is set"


@dataclass(frozen=True, slots=True)
class Absent(Predicate):
    op: ClassVar[str] = "absent"

    def holds(self, value: Json) -> bool:
        return value is ABSENT or value == {"Ref": "AWS::NoValue"}

    def sentence(self) -> str:
        return "is not set"

    def violations(self, value: Json) -> Iterator[tuple[str, Json]]:
        yield "add", "claimstack-mutant"


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(bound: float | Floor) -> int | float:
    return bound.value if isinstance(bound, Floor) else bound


def _bound_words(bound: float | Floor) -> str:
    return f"{bound.value} {bound.unit} ({bound.source})" if isinstance(bound, Floor) else str(bound)
