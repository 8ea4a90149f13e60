"""Watch: which changes the checks of a system notice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.coverage.blind.change import Blind

from claimstack.generator.emitted import Edit, Emitted
from claimstack.generator.evaluation import read_back
from claimstack.generator.expressions import AbsenceCheck, PopulationCheck
from claimstack.generator.passing import PassingTest, cited
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.declared import OnlyDeclared
from claimstack.generator.system import DeclaredCheck, System

_GRADE = {Outcome.PASSED: 0, Outcome.CONDITIONAL: 1, Outcome.NOT_EVALUATED: 1, Outcome.FAILED: 2}


@dataclass
class Watch:
    """The checks of one system, with what they find in its own templates."""

    system: System
    emitted: Emitted = field(init=False)
    base: dict[str, tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        # Results are made up here: what is recorded of the runtime neither helps nor hinders the walk through the templates.
        tests = dict.fromkeys(cited(declared.check for declared in self.system.checks.values()), "passed")
        results = {"tested_sha256": "a", "runtime_sha256": "a", "tests": tests}
        self.emitted = read_back({name: json.dumps(stack.to_dict()) for name, stack in self.system.stacks.items()}, results=results)
        self.base = {id_: _grades(declared, self.emitted) for id_, declared in self.system.checks.items()}

    def notices(self, blind: Blind) -> bool:
        """Whether a check that passed fails or becomes conditional, or one of more findings passes less often."""
        edited = self.emitted.edited(*blind.edits)
        return any(self._worse(declared, edited) for declared in self._readers(blind))

    def notices_edits(self, *edits: Edit) -> bool:
        edited = self.emitted.edited(*edits)
        widest_first = sorted(self.system.checks.values(), key=lambda declared: not declared.check.reads_system)
        return any(self._worse(declared, edited) for declared in widest_first)

    def _worse(self, declared: DeclaredCheck, edited: Emitted) -> bool:
        before, after = self.base[declared.id], _grades(declared, edited)
        return max(after, default=2) > max(before, default=2) or sum(map(bool, after)) > sum(map(bool, before))

    def _readers(self, blind: Blind) -> Iterator[DeclaredCheck]:
        """The checks that can read what was changed, those of the resource itself first."""
        whole = blind.type == "Parameters"
        last: list[DeclaredCheck] = []
        for declared in self.system.checks.values():
            check = declared.check
            if blind.kind == "re-point" and check.kind == OnlyDeclared.kind:
                continue  # it would notice the parameter that stands in for any other target, not the reference
            if not check.reads_system:
                if whole or (declared.scope.logical_id == blind.logical_id and declared.scope.stack == blind.stack):
                    yield declared
            elif isinstance(check, PopulationCheck):
                if whole or check.resource_type == blind.type:
                    yield declared
            elif not isinstance(check, PassingTest) and (not isinstance(check, AbsenceCheck) or not blind.path):
                last.append(declared)
        yield from last


def _grades(declared: DeclaredCheck, emitted: Emitted) -> tuple[int, ...]:
    return tuple(sorted(_GRADE[finding.outcome] for finding in declared.check.evaluate(emitted, declared.scope)))
