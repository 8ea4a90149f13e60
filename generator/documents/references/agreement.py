"""Reference agreement: whether the documents of a package say the same of one control statement, check and resource, in words that exist.

Most rules ask props of our own namespace: documents of others have none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from claimstack.generator.documents.oscal.common import OWN_NS, TRESTLE_NS
from claimstack.generator.documents.references.index import (
    COMPONENTS,
    PLAN,
    POAM,
    RESULTS,
    SSP,
    Document,
    Finding,
    Node,
    Package,
)
from claimstack.generator.documents.states import STATES
from claimstack.generator.evaluation import Status, control_status
from claimstack.generator.paths import template_path
from claimstack.generator.predicates import Outcome, worst
from claimstack.generator.stated import IMPACTS, OBJECTIVES

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "coverage-status": tuple(status.value for status in Status),
    "outcome": tuple(outcome.value for outcome in Outcome),
    "truth-tier": ("declared", "deployed", "effective"),
}
"""Prop of ours → the words that it may have."""
ONE_PACKAGE: Final = ("certification-class", "certification-route", "environment", "rules-version")
"""Props of metadata that have one value in every document that has them."""
EVIDENCE: Final = ("json-pointer", "expected", "actual", "outcome")
"""What each piece of evidence of a check says."""
OBSERVED: Final = ("origins", "subjects", "relevant-evidence")
"""What an observation of a check has."""
LEVELS: Final = tuple(f"fips-199-{impact}" for impact in IMPACTS)


def said(value: Mapping[str, Any], name: str, ns: str | None = OWN_NS) -> str:
    """The first value of a prop, or nothing."""
    return next(iter(all_said(value, name, ns)), "")


def all_said(value: Mapping[str, Any], name: str, ns: str | None = OWN_NS) -> list[str]:
    return [str(each.get("value", "")) for each in value.get("props", ()) if each.get("name") == name and each.get("ns") == ns]


def _words(package: Package) -> Iterator[Finding]:
    for document in package.documents:
        for node in document.held_by("props"):
            name, value = node.value.get("name", ""), node.value.get("value", "")
            if node.value.get("ns") == OWN_NS and name in WORDS and value not in WORDS[name]:
                yield Finding(document.name, f"{node.pointer}/value", value, f"{name} {value} is none of {', '.join(WORDS[name])}")


def _one_package(package: Package) -> Iterator[Finding]:
    """Class, route, environment and rules are those of the package in every document; the class is the one that is asked for."""
    first: dict[str, tuple[str, str]] = {} if package.class_ is None else {"certification-class": (package.class_, "the package")}
    for document in package.documents:
        for name in ONE_PACKAGE:
            value = said(document.content.get("metadata", {}), name)
            known, where = first.setdefault(name, (value, document.name)) if value else ("", "")
            if value != known:
                yield Finding(document.name, f"/{document.model}/metadata", value, f"{name} is {value} here and {known} in {where}")


def told_points(document: Document) -> Iterator[tuple[str, Node]]:
    """Each control statement of which something is told, with the object that carries its coverage-status."""
    for node in document.nodes:
        if node.holder == "by-components" and (statement := node.owner("statements")):
            yield statement.value.get("statement-id", ""), node
        elif node.holder == "statements" and document.model == COMPONENTS:
            yield node.value.get("statement-id", ""), node
        elif node.holder == "findings" and node.value.get("target", {}).get("type") == "statement-id":
            yield node.value["target"].get("target-id", ""), node
        elif node.holder == "poam-items":
            yield from ((point, node) for point in all_said(node.value, "point"))


def _one_word(package: Package) -> Iterator[Finding]:
    """A control statement has one coverage-status, wherever it is told."""
    first: dict[str, tuple[str, str]] = {}
    for document in package.documents:
        for point, node in told_points(document):
            if word := said(node.value, "coverage-status"):
                known, where = first.setdefault(point, (word, document.name))
                if word != known:
                    yield Finding(document.name, node.pointer, point, f"{point} is {word} here and {known} in {where}")


def _states(package: Package) -> Iterator[Finding]:
    """A state says no more and no less than the coverage-status beside it."""
    for document in package.documents:
        whole = {node.value.get("uuid") for node in document.held_by("components") if node.value.get("type") == "this-system"}
        for point, node in told_points(document):
            word = said(node.value, "coverage-status")
            told = node.value.get("target", node.value).get("implementation-status", {}).get("state")
            state = told or said(node.value, "implementation-status", None)
            if state and word in WORDS["coverage-status"]:
                part = node.holder != "findings" and node.value.get("component-uuid") not in whole
                admitted = _admitted(Status(word), part=part)
                if state not in admitted:
                    message = f"{point} is {state} although its coverage is {word}: {' or '.join(admitted)}"
                    yield Finding(document.name, node.pointer, point, message)


def _admitted(status: Status, *, part: bool) -> tuple[str, ...]:
    """The states that a status admits. What failed is partial while another claim holds, and so is a part of what is partial."""
    if status is Status.FAILED or (part and status is Status.PARTIAL):
        return "partial", "planned"
    return (STATES[status],)


def _controls(package: Package) -> Iterator[Finding]:
    """A control has one coverage-status in all documents: in the security plan that of its statements taken together."""
    first: dict[str, tuple[str, str]] = {}
    for document in package.documents:
        whole = {node.value.get("uuid") for node in document.held_by("components") if node.value.get("type") == "this-system"}
        for node in document.held_by("implemented-requirements"):
            control, word = node.value.get("control-id", ""), said(node.value, "coverage-status")
            if not word:
                continue
            answers = [
                said(answer, "coverage-status")
                for statement in node.value.get("statements", ())
                for answer in statement.get("by-components", ())
                if answer.get("component-uuid") in whole
            ]
            if answers and {word, *answers} <= set(WORDS["coverage-status"]):
                together = control_status(map(Status, answers)).value
                if word != together:
                    yield Finding(document.name, node.pointer, control, f"{control} is called {word}, its statements together {together}")
                    continue
            known, where = first.setdefault(control, (word, document.name))
            if word != known:
                yield Finding(document.name, node.pointer, control, f"{control} is {word} here and {known} in {where}")


def _rules(package: Package) -> Iterator[Finding]:
    """A rule that the security plan names is one that the component definition defines, where it is at hand."""
    defined = {
        rule
        for document in package.documents
        if document.model == COMPONENTS
        for node in document.held_by("components")
        for rule in all_said(node.value, "Rule_Id", TRESTLE_NS)
    }
    for document in package.documents if defined else ():
        if document.model == SSP:
            for node in document.nodes:
                for rule in all_said(node.value, "Rule_Id", TRESTLE_NS):
                    if rule not in defined:
                        yield Finding(document.name, node.pointer, rule, f"no component defines rule {rule}")


def _parties(package: Package) -> Iterator[Finding]:
    """A party has one name and one type in all documents."""
    first: dict[str, tuple[str, str]] = {}
    for document in package.documents:
        for node in document.held_by("parties"):
            uuid, party = node.value.get("uuid", ""), f"{node.value.get('type')} {node.value.get('name')}"
            known, where = first.setdefault(uuid, (party, document.name))
            if party != known:
                yield Finding(document.name, node.pointer, uuid, f"party {uuid} is {party} here and {known} in {where}")


def _failed_everywhere(package: Package) -> Iterator[Finding]:
    """A statement that the security plan or the component definition calls failed has a finding in the results and an open item."""
    failed = {
        point: document.name
        for document in reversed(package.documents)
        if document.model in (SSP, COMPONENTS)
        for point, node in told_points(document)
        if said(node.value, "coverage-status") == Status.FAILED.value
    }
    for document in package.documents:
        if document.model in (RESULTS, POAM):
            for holder in ("findings",) if document.model == RESULTS else ("findings", "poam-items"):
                told = {point for point, node in told_points(document) if node.holder == holder}
                for point, where in failed.items():
                    if point not in told:
                        yield Finding(
                            document.name, f"/{document.model}", point, f"{point} failed in {where} and has none of {holder} here"
                        )


def _items(package: Package) -> Iterator[Finding]:
    """An open item names statements of the catalog, and its findings are about these."""
    parts = {part for control in package.catalog.controls.values() for part in control.statements}
    for document in package.documents:
        targets = {node.value.get("uuid"): node.value.get("target", {}).get("target-id") for node in document.held_by("findings")}
        for node in document.held_by("poam-items"):
            points = all_said(node.value, "point")
            for point in points:
                if point not in parts:
                    yield Finding(document.name, node.pointer, point, f"{point} is not a part of any control statement")
            for related in node.value.get("related-findings", ()) if points else ():
                target = targets.get(related.get("finding-uuid"))
                if target is not None and target not in points:
                    yield Finding(document.name, node.pointer, str(target), f"item of {', '.join(points)} names a finding of {target}")
            if points and said(node.value, "coverage-status") == Status.FAILED.value and not node.value.get("related-findings"):
                yield Finding(document.name, node.pointer, points[0], f"item of {points[0]}, which failed, names no finding")


def _checks(package: Package) -> Iterator[Finding]:
    """A check has one hash in all documents, and an observation is of the check that its task carries out."""
    first: dict[str, tuple[str, str]] = {}
    carried = _carried_out(package)
    for document in package.documents:
        for check, sha256, node in _hashed_checks(document):
            known, where = first.setdefault(check, (sha256, document.name))
            if sha256 != known:
                yield Finding(document.name, node.pointer, check, f"{check} has another hash than in {where}")
        for node in document.held_by("observations"):
            check = said(node.value, "check-id")
            for origin in node.value.get("origins", ()) if check else ():
                for task in origin.get("related-tasks", ()):
                    planned = carried.get(task.get("task-uuid", ""), check)
                    if planned != check:
                        yield Finding(document.name, node.pointer, check, f"{check} is observed for the task of {planned}")


def _hashed_checks(document: Document) -> Iterator[tuple[str, str, Node]]:
    for node in document.nodes:
        if node.holder in ("activities", "observations"):
            check, sha256 = said(node.value, "check-id"), said(node.value, "check-sha256")
            if check and sha256:
                yield check, sha256, node
        elif document.model == COMPONENTS and node.holder == "components" and node.value.get("type") == "validation":
            props = node.value.get("props", ())
            hashes = {each.get("remarks"): each.get("value", "") for each in props if each.get("name") == "check-sha256"}
            for each in props:
                if each.get("name") == "Check_Id" and each.get("ns") == TRESTLE_NS and each.get("remarks") in hashes:
                    yield each.get("value", ""), hashes[each["remarks"]], node


def _carried_out(package: Package) -> dict[str, str]:
    """Task → check, from the assessment plan."""
    found: dict[str, str] = {}
    for document in package.documents:
        if document.model == PLAN:
            checks = {node.value.get("uuid", ""): said(node.value, "check-id") for node in document.held_by("activities")}
            for node in document.held_by("associated-activities"):
                if check := checks.get(node.value.get("activity-uuid", "")):
                    found[node.owners[-1].value.get("uuid", "")] = check
    return found


def _observations(package: Package) -> Iterator[Finding]:
    """An observation says where it looked, what it expected and found, and is called by the worst of it; results count what was found."""
    for document in package.documents:
        for node in document.held_by("observations"):
            if check := said(node.value, "check-id"):
                yield from _observation(document, node, check)
        for node in document.held_by("results"):
            observed = [each for each in node.value.get("observations", ()) if said(each, "check-id")]
            outcomes = Counter(said(one, "outcome") for each in observed for one in each.get("relevant-evidence", ()))
            counts = {"facts": outcomes.total(), **{f"facts-{outcome.value}": outcomes[outcome.value] for outcome in Outcome}}
            for name, count in counts.items():
                if (value := said(node.value, name)) and value != str(count):
                    yield Finding(document.name, node.pointer, value, f"{name} is {value}, and the observations have {count}")


def _observation(document: Document, node: Node, check: str) -> Iterator[Finding]:
    for key in OBSERVED:
        if not node.value.get(key):
            yield Finding(document.name, node.pointer, check, f"observation of {check} has no {key}")
    evidence = node.value.get("relevant-evidence", ())
    for index, each in enumerate(evidence):
        for name in EVIDENCE:
            if not said(each, name):
                yield Finding(document.name, f"{node.pointer}/relevant-evidence/{index}", check, f"evidence of {check} has no {name}")
    right = worst(said(each, "outcome") for each in evidence)
    outcome = said(node.value, "outcome")
    if right is not None and outcome != right:
        yield Finding(document.name, node.pointer, check, f"observation of {check} is called {outcome or 'nothing'}, its evidence {right}")


def _groups(package: Package) -> Iterator[Finding]:
    """The props of a group are of one resource: its logical id, its place in the templates, and the name of the inventory item."""
    for document in package.documents:
        for node in document.nodes:
            props = node.value.get("props", ())
            groups = {each["group"] for each in props if each.get("ns") == OWN_NS and isinstance(each.get("group"), str)}
            for each in props:
                group = each.get("group")
                if group in groups and each.get("ns") == OWN_NS and each.get("value") != _expected(each, group):
                    value = each.get("value", "")
                    yield Finding(document.name, node.pointer, value, f"{each.get('name')} {value} is not that of {group}")
            if node.holder == "inventory-items" and groups and not {*all_said(node.value, "asset-id", None)} & groups:
                asset = said(node.value, "asset-id", None)
                yield Finding(document.name, node.pointer, asset, f"inventory item {asset} has props of {', '.join(sorted(groups))}")


def _expected(prop: Mapping[str, Any], group: str) -> str:
    stack, _, logical_id = group.partition(".")
    named = {"cfn-logical-id": logical_id, "json-pointer": f"{template_path(stack)}#/Resources/{logical_id}"}
    return named.get(str(prop.get("name")), str(prop.get("value", "")))


def _components(package: Package) -> Iterator[Finding]:
    """The components of a definition that the security plan names in its back matter are in the plan, under the same uuid."""
    for plan in package.documents:
        named = {plan.from_root(node.value.get("href", "")) for node in plan.held_by("rlinks")} if plan.model == SSP else set()
        for document in package.documents:
            if document.model == COMPONENTS and document.name in named:
                for node in document.held_by("components"):
                    uuid = node.value.get("uuid", "")
                    if len(node.owners) == 1 and uuid not in plan.defined.get("component", ()):
                        yield Finding(document.name, node.pointer, uuid, f"component {uuid} is not in {plan.name}")


def _impact(package: Package) -> Iterator[Finding]:
    """The impact level of a system is the highest of its information types (FIPS 200, section 3), where both are stated in full."""
    for document in package.documents:
        node = document.content.get("system-characteristics", {}) if document.model == SSP else {}
        types = node.get("system-information", {}).get("information-types", ())
        stated = node.get("security-impact-level", {})
        highest: list[str] = []
        for objective in OBJECTIVES:
            levels = [_level(each.get(f"{objective}-impact", {})) for each in types]
            if not levels or not set(levels) <= set(LEVELS):
                break
            highest.append(max(levels, key=LEVELS.index))
            yield from _as_high(
                document,
                f"security-impact-level/security-objective-{objective}",
                stated.get(f"security-objective-{objective}"),
                highest[-1],
            )
        else:
            level = node.get("security-sensitivity-level")
            yield from _as_high(document, "security-sensitivity-level", level, max(highest, key=LEVELS.index))


def _level(impact: Mapping[str, Any]) -> str:
    return str(impact.get("selected") or impact.get("base", ""))


def _as_high(document: Document, key: str, level: str | None, highest: str) -> Iterator[Finding]:
    if level is not None and level != highest:
        message = f"{key.rpartition('/')[2]} is {level}, the highest of the information types {highest}"
        yield Finding(document.name, f"/{SSP}/system-characteristics/{key}", level, message)


AGREEMENT_RULES: tuple[Callable[[Package], Iterator[Finding]], ...] = (
    _words,
    _one_package,
    _one_word,
    _states,
    _controls,
    _rules,
    _parties,
    _failed_everywhere,
    _items,
    _checks,
    _observations,
    _groups,
    _components,
    _impact,
)
