"""Evidence: what a package says of controls, points, checks, facts and resources, indexed once and asked many times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from claimstack.runtime.tools.evidence.errors import PackageError, QuestionError
from claimstack.runtime.tools.evidence.package import COVERAGE, FACTS, Package

Said = Mapping[str, Any]
"""A table of the evidence files, as JSON gives it."""

SHAPES: Mapping[str, Mapping[str, type]] = {
    COVERAGE: {"system": str, "as_of": str, "level": str, "points": dict, "controls": dict, "answers": dict, "supplemental": dict},
    FACTS: {"level": str, "note": str, "counts": dict, "resources": dict, "checks": list, "facts": list},
}
"""Evidence file → the tables that are read from it."""

CONTROL = re.compile(r"([a-z]{2})-0*(\d+)(?: ?\(0*(\d+)\)|[.-]0*(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a control, with what the package answers."""

    id: str
    control: str
    said: Said
    supplemental: bool = False
    """Outside the class of the system: shown, never counted."""

    @property
    def status(self) -> str:
        status: str = self.said["status"]
        return status

    @property
    def claims(self) -> list[Said]:
        return list(self.said.get("claims", ()))


@dataclass(frozen=True, slots=True)
class Control:
    """One control, with its points of the class or its points outside it."""

    id: str
    title: str
    status: str
    points: tuple[Point, ...]

    @property
    def family(self) -> str:
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Declared:
    """One CloudFormation resource as its template declares it."""

    stack: str
    logical_id: str
    type: str
    compliance: Said

    @property
    def id(self) -> str:
        return f"{self.stack}.{self.logical_id}"

    @property
    def pointer(self) -> str:
        return f"{template_path(self.stack)}#/Resources/{_escaped(self.logical_id)}"

    @property
    def component(self) -> str:
        component: str = self.compliance.get("Component", "")
        return component

    @property
    def points(self) -> list[str]:
        return list(self.compliance.get("Points", ()))

    @property
    def checks(self) -> list[str]:
        return list(self.compliance.get("Checks", ()))


@dataclass(frozen=True)
class Evidence:
    """The two evidence files of a package, the templates, and every other file that a fact points into."""

    coverage: Said
    facts: Said
    files: Mapping[str, Said]
    """Path → document; the templates first."""

    @cached_property
    def controls(self) -> Mapping[str, Control]:
        """The controls of the class by id, in catalog order."""
        return {
            id_: Control(id_, said["title"], said["status"], tuple(Point(point, id_, answer) for point, answer in said["points"].items()))
            for id_, said in self.coverage["answers"].items()
        }

    @cached_property
    def supplemental(self) -> Mapping[str, Control]:
        """Controls with points outside the class for which the stacks claim something all the same."""
        points: dict[str, list[Point]] = {}
        for id_, said in self.coverage["supplemental"].items():
            control = id_.partition("_")[0]
            points.setdefault(control, []).append(Point(id_, control, said, supplemental=True))
        return {id_: Control(id_, "", _status(found), tuple(found)) for id_, found in points.items()}

    @cached_property
    def points(self) -> Mapping[str, Point]:
        """Every point by id, supplemental ones last."""
        controls = [*self.controls.values(), *self.supplemental.values()]
        return {point.id: point for control in controls for point in control.points}

    @cached_property
    def checks(self) -> Mapping[str, Said]:
        return {check["id"]: check for check in self.facts["checks"]}

    @cached_property
    def found(self) -> Mapping[str, list[Said]]:
        """Check id → its facts."""
        found: dict[str, list[Said]] = {id_: [] for id_ in self.checks}
        for fact in self.facts["facts"]:
            found.setdefault(fact["check"], []).append(fact)
        return found

    @cached_property
    def claiming(self) -> Mapping[str, list[str]]:
        """Check id → the points whose claims rest on it."""
        claiming: dict[str, dict[str, None]] = {}
        for point in self.points.values():
            for claim in point.claims:
                for check in claim["checks"]:
                    claiming.setdefault(check, {})[point.id] = None
        return {check: list(points) for check, points in claiming.items()}

    @cached_property
    def resources(self) -> tuple[Declared, ...]:
        return tuple(
            Declared(stack, logical_id, body["Type"], body.get("Metadata", {}).get("Compliance", {}))
            for stack in stacks_of(self.facts)
            for logical_id, body in self.files[template_path(stack)]["Resources"].items()
        )

    def title(self, control: str) -> str:
        return self.controls[control].title if control in self.controls else ""

    def asked(self, what: str) -> list[Point]:
        """The points of a control, or the one point, by any official spelling. Raises QuestionError."""
        id_ = control_id(what) or what.strip().lower()
        if id_ in self.points:
            return [self.points[id_]]
        points = [point for control in (self.controls, self.supplemental) if id_ in control for point in control[id_].points]
        if not points:
            known = [*self.controls, *self.supplemental, *self.points]
            raise unknown("control or point", what, known, "list_controls lists the controls; ids look like ac-2, ac-2.1 or ac-2_smt.a")
        return points

    def resource(self, what: str) -> list[Declared]:
        """The resources of an id such as `server.AuditLog`, or of a logical id in any stack. Raises QuestionError."""
        resources = [resource for resource in self.resources if what in {resource.id, resource.logical_id}]
        if not resources:
            known = [name for resource in self.resources for name in (resource.logical_id, resource.id)]
            raise unknown("resource", what, known, "find_resources lists them")
        return resources

    def in_file(self, pointer: str) -> tuple[bool, Any]:
        """Whether the pointer of a fact, such as `cloudformation/server.json#/Resources/AuditLog`, leads somewhere, and to what."""
        path, _, fragment = pointer.partition("#")
        return resolve(self.files[path], fragment) if path in self.files else (False, None)


def load_evidence(package: Package) -> Evidence:
    """Read evidence, templates and what facts point into. Raises PackageError."""
    coverage, facts = (_shaped(path, package.document(path)) for path in (COVERAGE, FACTS))
    files = {path: _template(package, path) for path in map(template_path, stacks_of(facts))}
    for path in dict.fromkeys(fact["pointer"].partition("#")[0] for fact in facts["facts"]):
        if path not in files:
            files[path] = package.document(path)
    return Evidence(coverage, facts, files)


def stacks_of(facts: Said) -> list[str]:
    return list(dict.fromkeys(id_.partition(".")[0] for id_ in facts["resources"]))


def template_path(stack: str) -> str:
    return f"cloudformation/{stack}.json"


def control_id(spelling: str) -> str | None:
    """The catalog's id of a control in any official spelling: `AC-02 (01)`, `AC-2(1)` and `ac-2.1` are one; None for any other text."""
    match = CONTROL.fullmatch(spelling.strip())
    if match is None:
        return None
    enhancement = match[3] or match[4]
    return f"{match[1].lower()}-{match[2]}" + (f".{enhancement}" if enhancement else "")


def resolve(document: Any, fragment: str) -> tuple[bool, Any]:
    """Whether a JSON pointer (RFC 6901) leads somewhere in a document, and to what."""
    value = document
    for step in fragment.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9]\d{0,8}", key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return False, None
    return fragment == "" or fragment.startswith("/"), value


def unknown(kind: str, word: str, known: Iterable[str], hint: str) -> QuestionError:
    """The error for a word that the package does not know, with the nearest ones that it does."""
    near = nearest(word, known)
    closest = f"closest: {', '.join(near)}; " if near else ""
    return QuestionError(f"this package knows no {kind} {word[:100]!r}; {closest}{hint}")


def nearest(word: str, known: Iterable[str]) -> list[str]:
    spellings = {name.lower(): name for name in known}
    return [spellings[near] for near in get_close_matches(word[:100].lower(), spellings, 3, 0.5)]


def _status(points: Iterable[Point]) -> str:
    """One word for points that the package itself sums up nowhere."""
    found = {point.status for point in points}
    if len(found) == 1:
        return found.pop()
    return "failed" if "failed" in found else "partial"


def _template(package: Package, path: str) -> Said:
    template = package.document(path)
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not all(isinstance(body, dict) and "Type" in body for body in resources.values()):
        raise PackageError(f"{path}: is not a CloudFormation template")
    return template


def _shaped(path: str, document: Said) -> Said:
    if wrong := [key for key, wanted in SHAPES[path].items() if not isinstance(document.get(key), wanted)]:
        raise PackageError(f"{path}: is not what this version reads ({', '.join(wrong)}); build the package again")
    return document


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
