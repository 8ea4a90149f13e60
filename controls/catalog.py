"""Catalog: which controls, response points, objectives, control parameters, classes and KSIs exist.

The facts are extracted by `claimstack.controls.refresh`, whose docstring says where each rule comes from. Ids are the ones of
the NIST OSCAL catalog: control `ac-2.1`, point `au-3_smt.a`, objective `au-3_obj.a-1`, control parameter `ac-02_odp.01`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from claimstack.controls.errors import MISSHAPEN, InputError, misshapen

FILES = ("catalog.json", "classes.json", "ksis.json", "sources.json")
FAMILY_TITLES: Mapping[str, str] = {
    "ac": "Access Control",
    "at": "Awareness and Training",
    "au": "Audit and Accountability",
    "ca": "Assessment, Authorization, and Monitoring",
    "cm": "Configuration Management",
    "cp": "Contingency Planning",
    "ia": "Identification and Authentication",
    "ir": "Incident Response",
    "ma": "Maintenance",
    "mp": "Media Protection",
    "pe": "Physical and Environmental Protection",
    "pl": "Planning",
    "pm": "Program Management",
    "ps": "Personnel Security",
    "pt": "Personally Identifiable Information Processing and Transparency",
    "ra": "Risk Assessment",
    "sa": "System and Services Acquisition",
    "sc": "System and Communications Protection",
    "si": "System and Information Integrity",
    "sr": "Supply Chain Risk Management",
}
"""Family → its title in NIST SP 800-53."""

_CONTROL = re.compile(r"([A-Z]{2})-0*(\d+)(?: ?\(0*(\d+)\)|[.-]0*(\d+))?", re.IGNORECASE)


def control_id(spelling: str) -> str:
    """The catalog's id of a control in any official spelling: `AC-02 (01)`, `AC-2(1)`, `AC-02-01`, `ac-02.01` are all `ac-2.1`.

    Raises InputError when the text does not have the form of a control id; says nothing on whether the control exists.
    """
    match = _CONTROL.fullmatch(spelling)
    if match is None:
        raise InputError(f"{spelling!r} does not have the form of a control id: write it like ac-2 or ac-2.1")
    enhancement = match[3] or match[4]
    return f"{match[1].lower()}-{match[2]}" + (f".{enhancement}" if enhancement else "")


def tag_id(control: str) -> str:
    """The spelling for AWS tags, whose values admit no parentheses: `sc-28.1` is `SC-28.1`."""
    return control.upper()


def label(control: str) -> str:
    """The spelling for people: `sc-28.1` is `SC-28(1)`."""
    base, _, enhancement = control.upper().partition(".")
    return f"{base}({enhancement})" if enhancement else base


@dataclass(frozen=True, slots=True)
class Point:
    """A part of a control statement that is answered for itself."""

    id: str
    control: str
    objectives: tuple[str, ...]
    """Leaf assessment objectives of NIST SP 800-53A, never empty. One about the whole statement appears at each of its points."""


@dataclass(frozen=True, slots=True)
class Control:
    id: str
    label: str
    title: str
    family: str
    """Two letters, lower case: the file in `controls/families/`."""
    points: tuple[str, ...]
    parameters: tuple[str, ...]
    """Control parameters that take a value; aggregates, which only join others, are left out."""
    statements: tuple[str, ...]
    """Every part of the control statement, the statement itself first."""


@dataclass(frozen=True, slots=True)
class Ksi:
    """A Key Security Indicator of FedRAMP 20x."""

    id: str
    title: str
    theme: str
    controls: tuple[str, ...]
    """May be empty: FedRAMP pairs some indicators with no control."""


@dataclass(frozen=True, slots=True)
class Source:
    """An official file the facts were extracted from."""

    file: str
    title: str
    version: str
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All mappings are in catalog order: by family, control number, enhancement number."""

    controls: Mapping[str, Control]
    points: Mapping[str, Point]
    classes: Mapping[str, tuple[str, ...]]
    """Control ids of the FedRAMP classes B, C and D."""
    rev5: Mapping[str, tuple[str, ...]]
    """Control ids of the FedRAMP Rev5 baselines LOW, MODERATE and HIGH, which the classes replace."""
    ksis: Mapping[str, Ksi]
    sources: tuple[Source, ...]

    def class_controls(self, class_: str) -> tuple[Control, ...]:
        """Raises InputError for a class without a control list."""
        if class_ not in self.classes:
            raise InputError(f"class {class_!r} has no control list: choose one of {', '.join(self.classes)}")
        return tuple(self.controls[control] for control in self.classes[class_])

    def class_points(self, class_: str) -> tuple[Point, ...]:
        """Raises InputError for a class without a control list."""
        return tuple(self.points[point] for control in self.class_controls(class_) for point in control.points)

    def control(self, id_: str) -> Control:
        """Raises InputError for an unknown id, with the nearest one; other spellings than the catalog's are unknown."""
        if id_ in self.controls:
            return self.controls[id_]
        respelled = _respelled(id_)
        near = respelled if respelled in self.controls else _nearest(respelled, self.controls)
        raise InputError(f"control {id_!r} is not in the catalog" + _suggestion(near))

    def point(self, id_: str) -> Point:
        """Raises InputError for an unknown id, with the points of the same statement or the nearest one."""
        if id_ in self.points:
            return self.points[id_]
        owner = self.controls.get(id_.partition("_")[0])
        if owner is not None and id_ in owner.statements:
            answered = [p for p in owner.points if id_.startswith(f"{p}.")] or [p for p in owner.points if p.startswith(f"{id_}.")]
            raise InputError(f"{id_!r} is a part of the statement of {owner.label} but not a response point: name {' or '.join(answered)}")
        near = None if id_ in self.controls else _nearest(id_, owner.points if owner else self.points)
        remedy = _members(owner, owner.points) if owner and not near else _suggestion(near)
        raise InputError(f"point {id_!r} is not in the catalog{remedy}")

    def parameter(self, id_: str) -> str:
        """The id of the control that owns a control parameter.

        Raises InputError for an unknown id, with the parameters of the same control: `ac-2_prm_1` is an older spelling or an aggregate.
        """
        owner = self.controls.get(_respelled(id_.partition("_")[0]))
        if owner is not None and id_ in owner.parameters:
            return owner.id
        unknown = f"control parameter {id_!r} is not in the catalog"
        if owner is not None:
            raise InputError(unknown + _members(owner, owner.parameters))
        raise InputError(unknown + _suggestion(_nearest(id_, [p for control in self.controls.values() for p in control.parameters])))


@cache
def load_catalog() -> Catalog:
    """The catalog of the facts that ship with this package."""
    return read_catalog(files("claimstack.controls") / "facts")


def read_catalog(folder: Traversable) -> Catalog:
    """Raises InputError when a file is missing or is not what the refresh script writes."""
    controls: dict[str, Control] = {}
    points: dict[str, Point] = {}
    catalog, classes, ksis, sources = (read_fact_file(folder / name) for name in FILES)
    try:
        for id_, fact in catalog.items():
            points |= {point: Point(point, id_, tuple(objectives)) for point, objectives in fact["points"].items()}
            controls[id_] = Control(
                id=id_,
                label=fact["label"],
                title=fact["title"],
                family=id_.partition("-")[0],
                points=tuple(fact["points"]),
                parameters=tuple(fact["parameters"]),
                statements=tuple(fact["statements"]),
            )
        return Catalog(
            controls=MappingProxyType(controls),
            points=MappingProxyType(points),
            classes=_baselines(classes["classes"]),
            rev5=_baselines(classes["rev5"]),
            ksis=MappingProxyType({id_: Ksi(id_, fact["title"], fact["theme"], tuple(fact["controls"])) for id_, fact in ksis.items()}),
            sources=tuple(Source(file=file, **fact) for file, fact in sources.items()),
        )
    except MISSHAPEN as error:
        raise InputError(f"{folder}: not as it should be, {misshapen(error)}: run python -m claimstack.controls.refresh") from None


def read_fact_file(file: Traversable) -> dict[str, Any]:
    """Raises InputError when the file is not there or holds no JSON object."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}): run python -m claimstack.controls.refresh") from None
    if not isinstance(value, dict):
        raise InputError(f"{file}: not a JSON object: run python -m claimstack.controls.refresh")
    return value


def _baselines(facts: Mapping[str, Mapping[str, list[str]]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({name: tuple(id_ for ids in families.values() for id_ in ids) for name, families in facts.items()})


def _respelled(spelling: str) -> str:
    return control_id(spelling) if _CONTROL.fullmatch(spelling) else spelling.lower()


def _nearest(id_: str, known: Collection[str]) -> str | None:
    return next(iter(get_close_matches(id_.lower(), known, n=1)), None)


def _suggestion(near: str | None) -> str:
    return f": did you mean {near}?" if near else ": copy the id from the NIST OSCAL catalog"


def _members(owner: Control, ids: tuple[str, ...]) -> str:
    return f": {owner.label} has {', '.join(ids) if ids else 'none'}"
