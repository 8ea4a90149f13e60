"""Rejudging: questions about the whole system, asked again of the templates of a package, where its facts record words and no values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from claimstack.generator import questions
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.comparison.values import canonical
from claimstack.generator.documents.generator_sources import sources_sha256
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Fact, check_facts
from claimstack.generator.expressions import Scope
from claimstack.generator.loading import frozen
from claimstack.generator.questions.reading import Question
from claimstack.generator.system import DeclaredCheck


def rejudged(package: Contents) -> Iterator[tuple[Json, list[Json], list[Fact]]]:
    """Check, recorded facts that are not found any more, and facts that are found and not recorded, for each check that finds otherwise.

    Only where this very version built the package: another one may ask the same question otherwise.
    """
    if package.manifest.get("generator", {}).get("sources_sha256") != sources_sha256():
        return
    recorded: dict[str, list[Json]] = {}
    for fact in package.facts["facts"]:
        recorded.setdefault(fact["check"], []).append(fact)
    for check in package.facts["checks"]:
        facts = recorded.get(check["id"], [])
        question = question_of(check["expression"])
        scope = _scope(package, check["id"])
        if question is None or scope is None or any(fact["environment"] is not None for fact in facts):
            continue
        found = list(check_facts(DeclaredCheck(check["id"], question, scope, check["sha256"]), package.emitted))
        before = Counter(_key(fact["pointer"], fact["actual"], fact["outcome"]) for fact in facts)
        after = Counter(_key(fact.pointer, fact.actual, fact.outcome) for fact in found)
        if before != after:
            gone, come = before - after, after - before
            yield (
                check,
                [fact for fact in facts if _key(fact["pointer"], fact["actual"], fact["outcome"]) in gone],
                [fact for fact in found if _key(fact.pointer, fact.actual, fact.outcome) in come],
            )


def _key(pointer: str, actual: Json, outcome: str) -> str:
    return canonical([pointer, actual, str(outcome)])


def question_of(expression: Json) -> Question | None:
    """The question that was recorded as this data; None where this version has none that reads the same."""
    kind = _kinds().get(expression["kind"])
    if kind is None:
        return None
    try:
        question = kind(**{name: frozen(value) for name, value in expression.items() if name != "kind"})
    except TypeError:
        return None
    return question if canonical(json.loads(json.dumps(question.data()))) == canonical(expression) else None


@cache
def _kinds() -> dict[str, Any]:
    found = (getattr(questions, name) for name in questions.__all__)
    return {item.kind: item for item in found if isinstance(item, type) and issubclass(item, Question) and item is not Question}


def _scope(package: Contents, check: str) -> Scope | None:
    """The resource that declared a check first: of those that claim by it the first one in the order of the facts."""
    claiming = {claim["resource"] for _, _, said in package.answers() for claim in said.get("claims", ()) if check in claim["checks"]}
    first = next((name for name in package.facts["resources"] if name in claiming), None)
    return Scope(*first.split(".", 1)) if first is not None else None
