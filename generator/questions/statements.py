"""Statements: the check that a resource's policy holds exactly the statements that were declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from claimstack.generator.emitted import ABSENT, REMOVE, Edit, Emitted, Json, Place, plain, words
from claimstack.generator.expressions import Check, Finding, Mutant, Scope, nearest, parse_path, path_words, unknown_property
from claimstack.generator.predicates import Outcome

ANYONE: Json = {"Sid": "ClaimstackMutant", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsAre(Check):
    """A policy document of the resource that declares the check: each statement is known by its Sid, order does not matter."""

    kind: ClassVar[str] = "statements"
    reads_system: ClassVar[bool] = False
    path: tuple[str, ...]
    statements: tuple[Json, ...]

    def _own_id(self) -> str:
        return f"{'.'.join(self.path)}.Statement.equals"

    def data(self) -> dict[str, Any]:
        return {"kind": self.kind, "path": ["Properties", *self.path, "Statement"], "statements": list(self.statements)}

    def sentence(self) -> str:
        return f"{path_words(self.path)} holds these statements and no other: " + "; ".join(map(statement_words, self.statements))

    def validate(self, resource_class: Any) -> str | None:
        return unknown_property(resource_class, self.path)

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        place = Place(scope.stack, ("Resources", scope.logical_id, "Properties", *self.path, "Statement"))
        found = _statements(emitted.value(place))
        by_sid = {statement.get("Sid"): (index, statement) for index, statement in enumerate(found) if isinstance(statement, dict)}
        for expected in self.statements:
            index, actual = by_sid.get(expected["Sid"], (None, ABSENT))
            outcome = Outcome.PASSED if actual == expected else Outcome.FAILED
            at = place if index is None or not isinstance(emitted.value(place), list) else place.below(index)
            yield Finding(nearest(emitted, at), statement_words(expected), actual, outcome)
        known = {expected["Sid"] for expected in self.statements}
        for index, statement in enumerate(found):
            sid = statement.get("Sid") if isinstance(statement, dict) else None
            if sid not in known or by_sid[sid][0] != index:
                yield Finding(nearest(emitted, place.below(index)), "no other statement", statement, Outcome.FAILED)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        place = Place(scope.stack, ("Resources", scope.logical_id, "Properties", *self.path, "Statement"))
        found = emitted.value(place)
        for index, statement in enumerate(found):
            sid = statement["Sid"]
            at = place.below(index)
            yield Mutant(f"{scope.logical_id}: drop {sid}", (Edit(at, REMOVE),))
            yield Mutant(f"{scope.logical_id}: flip {sid}", (Edit(at.below("Effect"), _flipped(statement["Effect"])),))
            yield Mutant(f"{scope.logical_id}: let anyone into {sid}", (Edit(at.below("Principal"), {"AWS": "*"}),))
            if "Condition" in statement:
                yield Mutant(f"{scope.logical_id}: drop the condition of {sid}", (Edit(at.below("Condition"), REMOVE),))
        yield Mutant(f"{scope.logical_id}: add a statement", (Edit(place.below(len(found)), ANYONE),))


def statements_are(path: str, statements: Iterable[Json]) -> StatementsAre:
    """The policy at a property path, such as `KeyPolicy`, holds exactly these statements; each has a Sid of its own."""
    return StatementsAre(path=parse_path((path,)), statements=tuple(plain(statement) for statement in statements))


def statement_words(statement: Json) -> str:
    """A policy statement as a person reads it."""
    principal = statement.get("Principal", {})
    who = principal if isinstance(principal, str) else ", ".join(_listed(value) for value in principal.values())
    conditions = " and ".join(
        f"{operator} {key} {_listed(value)}" for operator, tests in statement.get("Condition", {}).items() for key, value in tests.items()
    )
    does = f"{statement['Sid']} {'allows' if statement['Effect'] == 'Allow' else 'denies'} {who} {_listed(statement['Action'])}"
    return f"{does} if {conditions}" if conditions else does


def _listed(value: Json) -> str:
    return ", ".join(map(words, value)) if isinstance(value, list) else words(value)


def _statements(value: Json) -> list[Json]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def _flipped(effect: Json) -> str:
    return "Deny" if effect == "Allow" else "Allow"
