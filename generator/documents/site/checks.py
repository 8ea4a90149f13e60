"""Site checks: every check of a system with every fact, the code that carries it out, and both as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from claimstack.generator.documents.evidence.facts import render_facts
from claimstack.generator.documents.site.views import FactView, check_source, fact_views, in_order
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.predicates import Outcome
from claimstack.generator.sources import source_of


@dataclass(frozen=True, slots=True)
class CheckEntry:
    id: str
    sentence: str
    method: str
    source: str
    sha256: str
    facts: tuple[FactView, ...]
    raw: str
    claimed_by: tuple[str, ...]
    """Control ids whose claims rest on it."""

    @property
    def passed(self) -> int:
        return sum(fact.outcome == Outcome.PASSED.value for fact in self.facts)


def checks(evaluated: Evaluated) -> tuple[CheckEntry, ...]:
    """Every check with every fact, and both as they stand in evidence/facts.json."""
    rendered = render_facts(evaluated)
    raw_facts: dict[str, list[object]] = {}
    views: dict[str, list[FactView]] = {}
    shown = evaluated.once(fact_views)
    sentences = {said["id"]: said["sentence"] for said in rendered["checks"]}
    for fact, raw in zip(evaluated.facts, rendered["facts"], strict=True):
        views.setdefault(fact.check, []).append(shown[id(fact)])
        needless = {"check", "sha256"}
        if sentences[fact.check].endswith(fact.expected):
            needless.add("expected")
        if fact.environment is None:
            needless.add("environment")
        raw_facts.setdefault(fact.check, []).append({key: value for key, value in raw.items() if key not in needless})
    claimed: dict[str, dict[str, None]] = {}
    for answer in evaluated.answers.values():
        for result in answer.claims:
            for check in result.checks:
                claimed.setdefault(check.id, {})[answer.point.control] = None
    return tuple(
        CheckEntry(
            id=said["id"],
            sentence=said["sentence"],
            method=said["method"],
            source=check_source(evaluated.system.checks[said["id"]]),
            sha256=said["sha256"],
            facts=tuple(views.get(said["id"], ())),
            raw=_raw(said, raw_facts.get(said["id"], ())),
            claimed_by=in_order(evaluated, claimed.get(said["id"], ())),
        )
        for said in rendered["checks"]
    )


def sources(entries: Iterable[CheckEntry]) -> tuple[tuple[str, str | None, int], ...]:
    """Files whose code carries out checks: path, sha256 where it is a file of the generator, number of checks."""
    counted = Counter(entry.source for entry in entries)
    return tuple((path, source_of(path).sha256 if path.startswith("generator/") else None, counted[path]) for path in sorted(counted))


def _raw(check: Mapping[str, object], facts: Iterable[object]) -> str:
    """A check and its facts as JSON, a fact on each line; id, sentence, method and hash stand above it on the page."""
    asks = json.dumps({"scope": check["scope"], "expression": check["expression"]}, ensure_ascii=False)
    lines = ",\n".join(json.dumps(fact, ensure_ascii=False) for fact in facts)
    return f'{asks[:-1]},\n"facts": [\n{lines}]}}'
