"""Explain: questions asked of a package on disk, answered from its evidence alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from claimstack.controls.catalog import control_id
from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.documents.evidence.reading import answered
from claimstack.generator.writing import built_packages

Said = dict[str, Any]
"""A table of the evidence files, as JSON gives it."""

SHAPES: dict[str, dict[str, type]] = {
    "coverage.json": {"system": str, "points": dict, "controls": dict, "answers": dict, "supplemental": dict},
    "facts.json": {"resources": dict, "checks": list, "facts": list},
}
"""Evidence file → the tables that are read from it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a package's `evidence/` folder says."""

    folder: Path
    coverage: Said
    facts: Said

    def points(self) -> Iterator[tuple[str, str, Said]]:
        """Control id, point id and answer, which says whether it is supplemental; those that are stand last."""
        for control, point, said in answered(self.coverage):
            yield control, point, {**said, "supplemental": True} if point in self.coverage["supplemental"] else said

    def resources(self) -> Iterator[Said]:
        """Every resource of the package, with its id (stack and logical id) as `resource`."""
        for id_, said in self.facts["resources"].items():
            yield {"resource": id_, **said}

    def check(self, id_: str) -> Said:
        return next(check for check in self.facts["checks"] if check["id"] == id_)

    def found(self, id_: str) -> list[Said]:
        return [fact for fact in self.facts["facts"] if fact["check"] == id_]


def load_evidence(folder: Path | None) -> Evidence:
    """The evidence of a package folder; without one, of the only package below `out/`. Raises InputError."""
    if folder is None:
        packages = built_packages()
        if len(packages) != 1:
            found = ", ".join(map(str, packages)) or "none"
            raise InputError(f"out: name a package with --package ({found} found here); claimstack build writes one")
        folder = packages[0]
    read: dict[str, Said] = {}
    causes: list[str] = []
    for name, wanted in SHAPES.items():
        try:
            read[name] = _read(folder / "evidence" / name, wanted)
        except InputError as error:
            causes += error.causes
    raise_all(causes)
    return Evidence(folder, read["coverage.json"], read["facts.json"])


def _read(path: Path, wanted: dict[str, type]) -> Said:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        package = path.parent.parent
        raise InputError(f"{path}: cannot be read ({error.strerror}); {package} is not a package that claimstack build wrote") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error}); build the package again") from error
    if not isinstance(document, dict) or not all(isinstance(document.get(key), type_) for key, type_ in wanted.items()):
        raise InputError(f"{path}: is not what claimstack build writes; build the package again")
    return document


def select_points(evidence: Evidence, family: str | None, status: str | None) -> Iterator[tuple[str, str, Said]]:
    """The points of a family, of a status, or of both; supplemental ones included. Raises InputError for a word that does not exist."""
    families = sorted({control.partition("-")[0] for control, _, _ in evidence.points()})
    statuses = [key for key in evidence.coverage["points"] if key != "total"]
    for given, known, name in ((family and family.lower(), families, "--family"), (status, statuses, "--status")):
        if given and given not in known:
            raise InputError(f"{name}: {given!r} is none of {', '.join(known)}")
    for control, point, said in evidence.points():
        if (not family or control.startswith(f"{family.lower()}-")) and (not status or said["status"] == status):
            yield control, point, said


def select_parameters(evidence: Evidence, family: str | None) -> Said:
    """Control parameters of claimed controls that have no value (`unset`), and every one that has (`set`), each by its id.

    Raises InputError for a family that does not exist, and where an older version wrote the package.
    """
    if not isinstance(table := evidence.coverage.get("parameters"), dict):
        raise InputError(f"{evidence.folder}/evidence/coverage.json: says nothing of control parameters; build the package again")
    families = sorted({said["control"].partition("-")[0] for said in table.values()})
    if family and family.lower() not in families:
        raise InputError(f"--family: {family!r} is none of {', '.join(families)}")
    of_family = {
        id_: {"control": control, "title": evidence.coverage["answers"].get(control, {}).get("title", ""), **said}
        for id_, said in table.items()
        if (control := said["control"]) and (not family or control.startswith(f"{family.lower()}-"))
    }
    return {
        "unset": {id_: said for id_, said in of_family.items() if said["claimed"] and said["value"] is None},
        "set": {id_: said for id_, said in of_family.items() if said["value"] is not None},
    }


def explain(evidence: Evidence, what: str) -> Said:
    """The chain claim → check → pointer → expected and actual for a control, a point, a resource, a component or a check.

    A resource is answered with what it is and why it makes no claim, where it makes none; a component with all its resources.
    Raises InputError with the nearest known word.
    """
    control = _as_control(what)
    points = [(c, p, said) for c, p, said in evidence.points() if what in {p} or control == c]
    if points:
        return {"asked": what, "points": [_point(evidence, c, p, said) for c, p, said in points]}
    checks = [check for check in evidence.facts["checks"] if check["id"] == what]
    if checks:
        return {
            "asked": what,
            "checks": [_check(evidence, what)],
            "points": list(_claiming(evidence, lambda claim: what in claim["checks"])),
        }
    resources = [said for said in evidence.resources() if what in _names(said)]
    if resources:
        return {"asked": what, "resources": resources, "points": list(_claiming(evidence, lambda claim: what in _names(claim)))}
    names = dict.fromkeys(name for said in evidence.resources() for name in _names(said))
    known = [
        *names,
        *(c for c, _, _ in evidence.points()),
        *(p for _, p, _ in evidence.points()),
        *(c["id"] for c in evidence.facts["checks"]),
    ]
    near = get_close_matches(what, known, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else "ask for a control (sc-28), a point (sc-28_smt), a resource, a component or a check"
    raise InputError(f"{evidence.folder}: knows no {what!r}; {hint}")


def _names(said: Said) -> tuple[str, ...]:
    """The words for the resource of a claim or of the table of resources: its id, its logical id, its component."""
    resource: str = said["resource"]
    return resource, resource.partition(".")[2], said["component"]


def _as_control(what: str) -> str:
    return control_id(what) if re.fullmatch(r"[A-Za-z]{2}-\d+\S*( ?\(\d+\))?", what) and "_" not in what else ""


def _claiming(evidence: Evidence, wanted: Any) -> Iterator[Said]:
    for control, point, said in evidence.points():
        claims = [claim for claim in said.get("claims", ()) if wanted(claim)]
        if claims:
            yield _point(evidence, control, point, {**said, "claims": claims})


def _point(evidence: Evidence, control: str, point: str, said: Said) -> Said:
    title = evidence.coverage["answers"].get(control, {}).get("title", "")
    claims = [{**claim, "checks": [_check(evidence, id_) for id_ in claim["checks"]]} for claim in said.get("claims", ())]
    return {"control": control, "title": title, "point": point, **said, "claims": claims}


def _check(evidence: Evidence, id_: str) -> Said:
    check = evidence.check(id_)
    return {key: check[key] for key in ("id", "sentence", "sha256")} | {"facts": evidence.found(id_)}
