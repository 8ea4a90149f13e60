"""Declared: whether a template holds what was declared, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Place
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.questions.reading import Question, extra

Inventory = Mapping[Place, str]
"""Place of a resource or template parameter → its CloudFormation type."""


@dataclass(frozen=True, slots=True)
class OnlyDeclared(Question):
    """A resource that nobody declared makes no claim and answers no check: whatever it is, it is not what the documents describe."""

    kind: ClassVar[str] = "question.only-declared"
    inventory: Callable[[], Inventory] = field(compare=False)
    """What is declared, asked for when everything is: extensions add theirs after the check is made."""

    def data(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def sentence(self) -> str:
        return "the stacks hold the declared resources and template parameters, each of its declared type, and no others"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        declared, found = self.inventory(), dict(_inventory(emitted))
        wrong = {place: type_ for place, type_ in found.items() if declared.get(place) != type_}
        gone = [place for place in declared if place not in found]
        for place, type_ in wrong.items():
            yield self.found(place, f"{type_}, not declared", outcome=False)
        for place in gone:
            yield self.found(Place(place.stack, place.path[:1]), f"{place.path[-1]} is gone", outcome=False)
        for stack in emitted.stacks:
            if not any(place.stack == stack for place in (*wrong, *gone)):
                yield self.found(Place(stack, ("Resources",)), f"{sum(place.stack == stack for place in found)} declared", outcome=True)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        yield extra(scope, "AWS::IAM::User", {}, "add a resource that is not declared")
        parameter = Place(scope.stack, ("Parameters", "Undeclared"))
        yield Mutant("add a template parameter that is not declared", (Edit(parameter, {"Type": "String"}),))
        resource = next(emitted.resources())
        yield Mutant(f"{resource.logical_id}: remove it", (Edit(resource.place, REMOVE),))
        yield Mutant(f"{resource.logical_id}: another type", (Edit(resource.place.below("Type"), "AWS::IAM::User"),))


def _inventory(emitted: Emitted) -> Iterator[tuple[Place, str]]:
    for stack, template in emitted.stacks.items():
        for section in ("Resources", "Parameters"):
            for name, body in template.get(section, {}).items():
                yield Place(stack, (section, name)), str(body.get("Type"))
