"""Staleness: statements of one package that do not match the templates beside them, and statements that do not match each other.

An out-of-date control statement is a vulnerability (FedRAMP 2026 rules, VDR-CSO-DET): this is what finds one without building anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from claimstack.controls.catalog import label, load_catalog
from claimstack.generator.comparison.claims import resource_of
from claimstack.generator.comparison.findings import StaleStatement
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.comparison.rejudging import rejudged
from claimstack.generator.comparison.values import canonical, shortened
from claimstack.generator.emitted import ABSENT, Json, steps_of, value_at
from claimstack.generator.expressions import expand
from claimstack.generator.paths import COVERAGE, FACTS, MANIFEST, SDR, stack_of
from claimstack.generator.predicates import Outcome, worst
from claimstack.generator.writing import sha256

LITERAL = ("property", "population", "statements", "passing-test")
"""Kinds of check whose facts record the very value that stands at the pointer; a question about the whole system records words."""
NO_MEMBER = "no such resource"


def stale_statements(package: Contents, side: Literal["old", "new"]) -> tuple[StaleStatement, ...]:
    """Every defect of one package; none in one that was built and not edited."""
    found = (
        *_edited(package),
        *_facts(package),
        *_questions(package),
        *_unspoken_resources(package),
        *_coverage(package),
        *_documents(package),
    )
    return tuple(StaleStatement(side, *statement) for statement in dict.fromkeys(found))


Statement = tuple[str, str, str, str]
"""File, where in it, what it says, what stands."""


def edited_files(package: Contents) -> Iterator[str]:
    """The files that are not as the manifest lists them."""
    return (path for path, digest in package.manifest["files"].items() if sha256(package.texts[path]) != digest)


def _edited(package: Contents) -> Iterator[Statement]:
    for path in edited_files(package):
        listed, now = package.manifest["files"][path], sha256(package.texts[path])
        yield MANIFEST, f"/files/{path}", f"sha256 {listed[:12]}…", f"{path} has sha256 {now[:12]}…: it was changed after the build"


def _facts(package: Contents) -> Iterator[Statement]:
    expressions = {check["id"]: check["expression"] for check in package.facts["checks"]}
    for index, fact in enumerate(package.facts["facts"]):
        expression = expressions[fact["check"]]
        stands = _stands(package, fact, expression)
        if stands is not None:
            found = "absent" if fact["actual"] is None else _short(fact["actual"])
            yield FACTS, f"/facts/{index}", f"{fact['check']} found {found} at {fact['pointer']}", stands


def _stands(package: Contents, fact: Json, expression: Json) -> str | None:
    """What stands at the place of a fact where that is not what the fact says; None where it is."""
    file, _, fragment = fact["pointer"].partition("#")
    document = package.documents.get(file)
    if document is None:
        return f"there is no file {file}"
    if fact["outcome"] == Outcome.NOT_EVALUATED:
        return None  # its words say why nothing was found, not what
    steps = steps_of(fragment)
    value = value_at(document, steps)
    if value is ABSENT:
        return "nothing stands there"
    if fact["environment"] is not None or expression["kind"] not in LITERAL:
        return None
    if fact["actual"] == NO_MEMBER and expression["kind"] == "population":
        members = [name for name, body in package.resources().items() if body["Type"] == expression["type"]]
        return f"{', '.join(members)} stands in the templates" if members and not expression.get("where") else None
    if fact["actual"] is not None:
        return None if canonical(value) == canonical(fact["actual"]) else _short(value)
    # Nothing was found: the pointer leads to the nearest place above, and the rest of the path must lead nowhere still.
    path, depth = expression.get("path", ()), len(steps) - 2
    below = expand(value, tuple(path[depth:])) if 0 <= depth < len(path) else ()
    return next((_short(now) for _, now in below if now is not ABSENT), None)


def _questions(package: Contents) -> Iterator[Statement]:
    """Questions that find otherwise than the facts record, and lists of statements that have grown."""
    for check, recorded, found in rejudged(package):
        says = "; ".join(f"{fact['outcome']}, found {_short(fact['actual'])}" for fact in recorded) or "nothing"
        stands = "; ".join(f"{fact.outcome}, found {_short(fact.actual)} at {fact.pointer}" for fact in found) or "nothing is found"
        yield FACTS, check["id"], shortened(says), shortened(stands)
    for fact in package.facts["facts"]:
        # What was declared is not in the evidence, but how much of it there was.
        counted = re.fullmatch(r"(\d+) declared", str(fact["actual"]))
        stack = stack_of(fact["pointer"].partition("#")[0])
        if counted is not None and stack is not None and stack in package.emitted.stacks:
            number = sum(len(package.emitted.stacks[stack].get(section, {})) for section in ("Resources", "Parameters"))
            if number != int(counted[1]):
                yield FACTS, fact["check"], f"{stack}: {counted[1]} resources and template parameters", f"there are {number}"
    for check in package.facts["checks"]:
        expression = check["expression"]
        if expression["kind"] == "statements":
            body = package.resources().get(check["scope"], {})
            stand = value_at(body, tuple(expression["path"]))
            if isinstance(stand, list) and len(stand) > len(expression["statements"]):
                yield FACTS, check["id"], f"{len(expression['statements'])} statements", f"{len(stand)} statements"


def _unspoken_resources(package: Contents) -> Iterator[Statement]:
    """Resources of the templates that the facts do not know, those that they know and that are gone, and those whose type has changed."""
    said, stands = package.facts["resources"], package.resources()
    for name in stands:
        if name not in said:
            yield FACTS, "/resources", f"nothing of {name}", f"the templates have it ({stands[name]['Type']})"
    for name, resource in said.items():
        if name not in stands:
            yield FACTS, f"/resources/{name}", f"{name} is {resource['type']}", "the templates do not have it"
        elif stands[name]["Type"] != resource["type"]:
            yield FACTS, f"/resources/{name}", f"{name} is {resource['type']}", f"it is {stands[name]['Type']}"
    spoken = {(fact["check"], resource_of(fact["pointer"])) for fact in package.facts["facts"]}
    for check in package.facts["checks"]:
        expression = check["expression"]
        if expression["kind"] == "population" and not expression.get("where"):
            for name, body in stands.items():
                if body["Type"] == expression["type"] and name in said and (check["id"], name) not in spoken:
                    yield FACTS, "/facts", f"nothing of {name} for {check['id']}", "the templates have it"


def _coverage(package: Contents) -> Iterator[Statement]:
    """Outcomes of claims and statuses of points that do not follow from the facts."""
    outcomes: dict[str, set[str]] = {}
    for fact in package.facts["facts"]:
        outcomes.setdefault(fact["check"], set()).add(fact["outcome"])
    objectives = {point.id: point.objectives for point in load_catalog().points.values()}
    for _, point, said in package.answers():
        claims = said.get("claims", ())
        for claim in claims:
            follows = _outcome(claim, outcomes)
            if claim["outcome"] != follows:
                where = f"{point}: {claim['resource']}: {claim['sentence']}"
                yield COVERAGE, where, f"the claim is {claim['outcome']}", f"by the facts it is {follows}"
        all_follow = {_outcome(claim, outcomes) for claim in claims}
        if "failed" in all_follow and said["status"] != "failed":
            yield COVERAGE, point, f"the point is {said['status']}", "a fact behind it failed"
        if said["status"] == "failed" and "failed" not in all_follow:
            yield COVERAGE, point, "the point is failed", "no fact behind it failed"
        if said["status"] == "implemented":
            met = {item for claim in claims for item in (claim["meets"] or objectives.get(point, ()))}
            unmet = [item for item in objectives.get(point, ()) if item not in met]
            if all_follow != {"passed"} or unmet or said.get("remains"):
                yield COVERAGE, point, "the point is implemented", "not every fact behind it passed, or something is left open"


def _outcome(claim: Json, outcomes: Mapping[str, set[str]]) -> str:
    found = {outcome for check in claim["checks"] for outcome in outcomes.get(check, ())}
    return worst(found) or Outcome.FAILED


def _documents(package: Contents) -> Iterator[Statement]:
    """Coverage words in the other documents that are not those of the coverage."""
    controls = {control: answer["status"] for control, answer in package.coverage["answers"].items() if "status" in answer}
    points = {point: said["status"] for point, said in package.by_point().items()}
    labels = {label(control): control for control in controls}
    for path, document in package.documents.items():
        if path.startswith("oscal/"):
            for id_, word in _coverage_words(document, ""):
                right = points.get(id_, controls.get(id_))
                if right is not None and word != right:
                    yield path, id_, f"coverage-status is {word}", f"{COVERAGE} says {right}"
    record = package.documents.get(SDR)
    for entry in record.get("securityControls", ()) if isinstance(record, dict) else ():
        control = labels.get(str(entry.get("controlId")), "")
        word, right = entry.get("coverageStatus"), controls.get(control)
        if word is not None and right is not None and word != right:
            yield SDR, str(entry["controlId"]), f"coverageStatus is {word}", f"{COVERAGE} says {right}"


def _coverage_words(document: Json, id_: str) -> Iterator[tuple[str, str]]:
    """(control or point, coverage word) of every answer of an OSCAL document that gives the word as a prop."""
    if isinstance(document, dict):
        id_ = str(document.get("statement-id", document.get("control-id", id_)))
        for item in document.get("props", ()) if isinstance(document.get("props"), list) else ():
            if isinstance(item, dict) and item.get("name") == "coverage-status" and id_:
                yield id_, str(item.get("value"))
        for value in document.values():
            yield from _coverage_words(value, id_)
    elif isinstance(document, list):
        for value in document:
            yield from _coverage_words(value, id_)


def _short(value: Json) -> str:
    return shortened(json.dumps(value, ensure_ascii=False))
