"""Reference assessment: whether plan, results and plan of action agree on activities, subjects, evidence, findings and open items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from claimstack.generator.documents.oscal.common import OWN_NS
from claimstack.generator.documents.references.index import PLAN, POAM, RESULTS, SSP, Document, Finding, Node, Package, is_absolute

METHODS = ("EXAMINE", "INTERVIEW", "TEST")
"""Of NIST SP 800-53A; the schema takes any word."""
UNKNOWN = "UNKNOWN"
"""What OSCAL admits beside them for an observation."""
NEVER_EXPIRE = frozenset({"declared", "effective"})
"""Levels of facts that no running system was asked for."""


def _method_words(_package: Package, document: Document) -> Iterator[Finding]:
    for node in document.held_by("activities"):
        methods = sorted(_core_props(node, "method"))
        if not methods:
            yield _found(document, node, node.value.get("uuid", ""), "activity {} has no method")
        yield from (_found(document, node, method, f"method {{}} is none of {', '.join(METHODS)}") for method in _unknown(methods, METHODS))
    for node in document.held_by("observations"):
        known = (*METHODS, UNKNOWN)
        methods = node.value.get("methods", [])
        yield from (_found(document, node, method, f"method {{}} is none of {', '.join(known)}") for method in _unknown(methods, known))


def _unknown(words: list[str], known: tuple[str, ...]) -> list[str]:
    return [word for word in words if word not in known]


def _activities(_package: Package, document: Document) -> Iterator[Finding]:
    """Every activity of a plan is carried out by a task."""
    named = {node.value.get("activity-uuid", "") for node in document.held_by("associated-activities")}
    defined = {node.value.get("uuid", ""): node for node in document.held_by("activities")}
    if document.model == PLAN and named <= defined.keys():
        for uuid, node in defined.items():
            if uuid not in named:
                yield _found(document, node, uuid, "no task carries out activity {}")


def _coverage(package: Package, document: Document) -> Iterator[Finding]:
    """Every task of the plan with an activity has an observation, found by the method and on the subjects that the task names."""
    plan = _only(package, PLAN)
    if document.model != RESULTS or plan is None:
        return
    tasks = {node.value.get("uuid", ""): node for node in plan.held_by("tasks") if "associated-activities" in node.value}
    methods = {node.value.get("uuid", ""): _core_props(node, "method") for node in plan.held_by("activities")}
    named: set[str] = set()
    for node in document.held_by("observations"):
        for uuid in _task_uuids(node):
            named.add(uuid)
            if uuid in tasks:
                yield from _as_planned(package, document, node, tasks[uuid], methods)
    if all(package.defines(document, ("task",), uuid) for uuid in named):
        for uuid, task in tasks.items():
            if uuid not in named:
                yield Finding(document.name, f"/{RESULTS}/results", uuid, f"task {uuid} ({plan.name}#{task.pointer}) has no observation")


def _as_planned(package: Package, document: Document, node: Node, task: Node, methods: Mapping[str, frozenset[str]]) -> Iterator[Finding]:
    activities = task.value["associated-activities"]
    planned = {method for activity in activities for method in methods.get(activity.get("activity-uuid", ""), ())}
    if planned and not planned.issuperset(node.value.get("methods", ())):
        found = ", ".join(node.value.get("methods", ()))
        yield _found(document, node, found, f"method {{}} is not that of the task, {', '.join(sorted(planned))}")
    groups = [group for activity in activities for group in activity.get("subjects", ())]
    every = {group.get("type") for group in groups if "include-all" in group}
    listed = {(one.get("type"), one.get("subject-uuid")) for group in groups for one in group.get("include-subjects", ())}
    if not all(package.defines(document, (str(type_),), str(uuid)) for type_, uuid in listed):
        return
    for subject in node.value.get("subjects", ()):
        type_, uuid = subject.get("type", ""), subject.get("subject-uuid", "")
        if type_ not in every and (type_, uuid) not in listed and package.defines(document, (type_,), uuid):
            yield _found(document, node, uuid, f"subject {{}} is none of task {task.value.get('uuid')}")


def _inventory_subjects(package: Package, document: Document) -> Iterator[Finding]:
    """An inventory item that is assessed is one of the security plan, under the same uuid and the same name."""
    plan = _only(package, SSP)
    if document.model not in (PLAN, RESULTS, POAM) or plan is None:
        return
    assets = {node.value.get("uuid", ""): _prop_values(node, "asset-id") for node in plan.held_by("inventory-items")}
    for node in document.nodes:
        uuid = node.value.get("subject-uuid")
        if uuid is None or node.value.get("type") != "inventory-item" or not package.defines(document, ("inventory-item",), uuid):
            continue
        if uuid not in assets:
            yield Finding(document.name, f"{node.pointer}/subject-uuid", uuid, f"inventory item {uuid} is not in {plan.name}")
        elif (said := _prop_values(node, "asset-id")) and said != assets[uuid]:
            names = " and ".join(sorted(assets[uuid])) or "without a name"
            yield _found(document, node, uuid, f"inventory item {{}} is called {' and '.join(sorted(said))}, and {names} in {plan.name}")


def _tools(package: Package, document: Document) -> Iterator[Finding]:
    """What made an observation is an assessment asset, not a part of the system that is assessed."""
    read = (document, *(other for other in package.documents if other.model == PLAN and document.model == RESULTS))
    tools = {node.value.get("uuid", "") for each in read for node in each.held_by("components") if node.owner("assessment-assets")}
    for node in document.held_by("actors"):
        uuid = node.value.get("actor-uuid", "")
        if node.value.get("type") == "tool" and uuid not in tools and package.defines(document, ("component",), uuid):
            yield Finding(document.name, f"{node.pointer}/actor-uuid", uuid, f"tool {uuid} is no assessment asset")


def _evidence_files(_package: Package, document: Document) -> Iterator[Finding]:
    """A pointer beside a piece of evidence leads into the file that the evidence is."""
    for node in document.held_by("relevant-evidence"):
        files = {file.partition("#")[0] for file in document.files(node.value.get("href", ""))}
        for pointer in _prop_values(node, "json-pointer"):
            file = pointer.partition("#")[0]
            if files and file not in files and not any(map(is_absolute, files)):
                yield Finding(document.name, f"{node.pointer}/href", pointer, f"{pointer} is not in {', '.join(sorted(files))}")


def _times(_package: Package, document: Document) -> Iterator[Finding]:
    for node in document.held_by("results"):
        start, end = _moment(node, "start"), _moment(node, "end")
        if start and end and end < start:
            yield Finding(document.name, f"{node.pointer}/end", node.value["end"], f"ends before it starts, {node.value['start']}")
    for node in document.held_by("observations"):
        collected, result = _moment(node, "collected"), node.owner("results")
        start, end = (_moment(result, "start"), _moment(result, "end")) if result else (None, None)
        if collected and ((start and collected < start) or (end and collected > end)):
            yield Finding(document.name, f"{node.pointer}/collected", node.value["collected"], "is not between start and end of its result")
        tiers = _prop_values(node, "truth-tier")
        if "expires" in node.value and tiers and NEVER_EXPIRE.issuperset(tiers):
            what = ", ".join(sorted(tiers))
            yield Finding(document.name, f"{node.pointer}/expires", node.value["expires"], f"facts that are {what} do not expire")


def _moment(node: Node, key: str) -> datetime | None:
    """A moment with its time zone; None where there is none, or one that the schema refuses."""
    try:
        moment = datetime.fromisoformat(str(node.value.get(key)))
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else None


def _conclusions(_package: Package, document: Document) -> Iterator[Finding]:
    """A finding names what it rests on; what is not satisfied also its risk; and a failed observation is in a finding."""
    named: set[str] = set()
    for node in document.held_by("findings"):
        named |= {each.get("observation-uuid", "") for each in node.value.get("related-observations", ())}
        wanted = {"related-observations": "observation"}
        if _target_state(node) == "not-satisfied":
            wanted["related-risks"] = "risk"
        for key, kind in wanted.items():
            if not node.value.get(key):
                yield _found(document, node, node.value.get("uuid", ""), f"finding {{}} names no {kind}")
    for node in document.held_by("observations"):
        uuid = node.value.get("uuid", "")
        if "failed" in _prop_values(node, "outcome") and uuid not in named:
            yield _found(document, node, uuid, "no finding names the failed observation {}")


def _reviewed(package: Package, document: Document) -> Iterator[Finding]:
    """Results review controls of the plan, and conclude on controls they review; a control outside the profile can only be shown."""
    plan = _only(package, PLAN)
    for node in document.held_by("results"):
        reviewed = _controls(node.value.get("reviewed-controls", {}))
        if reviewed is None:
            continue
        planned = _controls(plan.content.get("reviewed-controls", {})) if plan else None
        for control in sorted(reviewed - planned if planned is not None and plan else ()):
            yield Finding(document.name, f"{node.pointer}/reviewed-controls", control, f"{control} is not reviewed by the plan")
        for index, finding in enumerate(node.value.get("findings", ())):
            target = finding.get("target", {}).get("target-id", "")
            control = target.partition("_")[0]
            if control not in reviewed and control in package.selected:
                pointer = f"{node.pointer}/findings/{index}/target/target-id"
                yield Finding(document.name, pointer, target, f"{target} is of a control that is not reviewed")


def _controls(reviewed: Mapping[str, Any]) -> frozenset[str] | None:
    """The controls of a selection; None where it takes all."""
    selections = reviewed.get("control-selections", ())
    if any("include-all" in selection for selection in selections):
        return None
    return frozenset(one.get("control-id", "") for selection in selections for one in selection.get("include-controls", ()))


def _items(package: Package, document: Document) -> Iterator[Finding]:
    """A plan of action has an item for each of its risks, and a finding for each statement that the results find not satisfied."""
    if document.model != POAM:
        return
    items = list(document.held_by("poam-items"))
    for node in items:
        if "uuid" not in node.value:
            yield _found(document, node, node.value.get("title", ""), "item {} has no uuid")
    risks = {node.value.get("uuid", ""): node for node in document.held_by("risks")}
    named = {each.get("risk-uuid", "") for node in items for each in node.value.get("related-risks", ())}
    if named <= risks.keys():
        yield from (_found(document, risks[uuid], uuid, "no item names risk {}") for uuid in risks if uuid not in named)
    results = _only(package, RESULTS)
    parts = {part for control in package.catalog.controls.values() for part in control.statements}
    listed = {node.value.get("target", {}).get("target-id") for node in document.held_by("findings")}
    for node in results.held_by("findings") if results else ():
        target = node.value.get("target", {}).get("target-id", "")
        if _target_state(node) == "not-satisfied" and target in parts and target not in listed:
            yield Finding(document.name, f"/{POAM}/findings", target, f"{target} is not satisfied in {results and results.name}")


def _target_state(node: Node) -> str:
    return str(node.value.get("target", {}).get("status", {}).get("state", ""))


def _task_uuids(node: Node) -> Iterator[str]:
    for origin in node.value.get("origins", ()):
        yield from (task.get("task-uuid", "") for task in origin.get("related-tasks", ()))


def _core_props(node: Node, name: str) -> frozenset[str]:
    return frozenset(prop.get("value", "") for prop in node.value.get("props", ()) if prop.get("name") == name and "ns" not in prop)


def _prop_values(node: Node, name: str) -> frozenset[str]:
    props = node.value.get("props", ())
    return frozenset(prop.get("value", "") for prop in props if prop.get("name") == name and prop.get("ns", OWN_NS) == OWN_NS)


def _only(package: Package, model: str) -> Document | None:
    return next((document for document in package.documents if document.model == model), None)


def _found(document: Document, node: Node, id_: str, message: str) -> Finding:
    return Finding(document.name, node.pointer, id_, message.replace("{}", id_))


ASSESSMENT_RULES: tuple[Callable[[Package, Document], Iterator[Finding]], ...] = (
    _method_words,
    _activities,
    _coverage,
    _inventory_subjects,
    _tools,
    _evidence_files,
    _times,
    _conclusions,
    _reviewed,
    _items,
)
