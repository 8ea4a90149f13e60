"""Reference controls: whether the controls, statements and control parameters that OSCAL documents name exist where they name them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from claimstack.generator.documents.references.index import PROFILE, Document, Finding, Node, Package


def control_findings(package: Package, document: Document) -> Iterator[Finding]:
    for pointer, control, node in _control_ids(document):
        if control not in package.catalog.controls:
            yield Finding(document.name, pointer, control, f"{control} is not in the catalog, or withdrawn: copy the id from the catalog")
        elif control not in _answerable(package, document, node):
            yield Finding(document.name, pointer, control, f"{control} is not among the controls of the profile")
    if document.model == PROFILE and package.class_ is not None:
        class_ = [control.id for control in package.catalog.class_controls(package.class_)]
        for control in class_:
            if control not in document.selected:
                yield Finding(document.name, "/profile/imports", control, f"{control} of class {package.class_} is not selected")
        for pointer, control, _ in _control_ids(document):
            if control in package.catalog.controls and control not in class_:
                yield Finding(document.name, pointer, control, f"{control} is not in class {package.class_}")


def _control_ids(document: Document) -> Iterator[tuple[str, str, Node]]:
    for node in document.nodes:
        if "control-id" in node.value:
            yield f"{node.pointer}/control-id", node.value["control-id"], node
        for index, control in enumerate(node.value.get("with-ids", ())):
            yield f"{node.pointer}/with-ids/{index}", control, node


def _answerable(package: Package, document: Document, node: Node) -> Collection[str]:
    """The controls that may be named at this place: a control implementation answers its own source."""
    implementation = node.owner("control-implementations")
    if implementation is None:
        return package.selected
    sources = [package.named(file) for file in document.files(implementation.value.get("source", ""))]
    profiles = [source for source in sources if source and source.model == PROFILE]
    if profiles:
        return profiles[0].selected
    return package.catalog.controls


def statement_findings(package: Package, document: Document) -> Iterator[Finding]:
    controls = package.catalog.controls
    for pointer, control, statement in _statement_ids(document):
        if control in controls and statement not in controls[control].statements:
            yield Finding(document.name, pointer, statement, f"{statement} is not a part of the statement of {control}")
    parts = frozenset(chain.from_iterable(control.statements for control in controls.values()))
    objectives = frozenset(chain.from_iterable(point.objectives for point in package.catalog.points.values()))
    for node in document.nodes:
        target = node.value.get("target-id")
        if node.value.get("type") == "statement-id" and target not in parts:
            yield Finding(document.name, f"{node.pointer}/target-id", str(target), f"{target} is not a part of any control statement")
        if node.value.get("type") == "objective-id" and target not in objectives:
            yield Finding(document.name, f"{node.pointer}/target-id", str(target), f"{target} is not an assessment objective")
        objective = node.value.get("objective-id")
        if objective is not None and objective not in objectives:
            yield Finding(document.name, f"{node.pointer}/objective-id", objective, f"{objective} is not an assessment objective")


def _statement_ids(document: Document) -> Iterator[tuple[str, str, str]]:
    for node in document.nodes:
        requirement = node.owner("implemented-requirements")
        if "statement-id" in node.value and requirement:
            yield f"{node.pointer}/statement-id", requirement.value.get("control-id", ""), node.value["statement-id"]
        for index, statement in enumerate(node.value.get("statement-ids", ())):
            yield f"{node.pointer}/statement-ids/{index}", node.value.get("control-id", ""), statement


def parameter_findings(package: Package, document: Document) -> Iterator[Finding]:
    owners = {parameter: control.id for control in package.catalog.controls.values() for parameter in control.parameters}
    for node in document.held_by("set-parameters"):
        parameter = node.value.get("param-id", "")
        pointer = f"{node.pointer}/param-id"
        requirement = node.owner("implemented-requirements")
        if parameter not in owners:
            yield Finding(document.name, pointer, parameter, f"{parameter} is not a control parameter of the catalog that takes a value")
        elif requirement and owners[parameter] != requirement.value.get("control-id"):
            yield Finding(document.name, pointer, parameter, f"{parameter} is a parameter of {owners[parameter]}, not of this control")
        elif owners[parameter] not in _answerable(package, document, node):
            yield Finding(document.name, pointer, parameter, f"{parameter} sets {owners[parameter]}, which the profile does not select")
