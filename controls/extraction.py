"""Extraction: the facts that official files state; ids, titles and numbers only, no standards text.

Where each fact comes from:

- Controls, titles, statement parts and control parameters: the NIST SP 800-53 catalog, without its withdrawn controls.
  Parameters that carry the prop `aggregates` only join others and take no value of their own: they are left out.
- Points: the statement parts with the FedRAMP prop `response-point` in a resolved Rev5 catalog, which must agree where they
  overlap. A control in none of them gets the first-level items of its statement, or the statement itself; FedRAMP's own points
  follow the same pattern without exception.
- Objectives: the leaf parts `assessment-objective` of the NIST catalog, at the point that their nearest `assessment-for` link
  names or lies below. An objective of a whole statement that has several points (CA-7, CM-9) belongs to each of them: none of
  them holds unless it is met. Where the catalog links an objective to another control's statement (SA-24 to AC-2), the same
  part of its own control is meant.
- Classes B, C and D: the control lists of rule FRC-CSF-BSL in FedRAMP's Consolidated Rules; Rev5 lists: the resolved catalogs.
- KSIs: the October dataset, whose two extracts cite the upstream control pairs verbatim and must agree.
- Provider rules: ids, titles and force from the October dataset; types, paths, classes and timeframes from the July dataset, which
  alone states them machine-readably. A timeframe counts only while both datasets have the same words for the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from claimstack.controls.catalog import control_id
from claimstack.controls.errors import raise_all
from claimstack.controls.officials import Json, Read, entry_of, shape_of

FEDRAMP_NS = "http://fedramp.gov/ns/oscal"
CLASSES = ("B", "C", "D")

Found = TypeVar("Found")


def catalog_facts(catalog: Read, resolved: Mapping[str, Read]) -> tuple[dict[str, Json], dict[str, list[str]], list[str]]:
    """Controls by id in catalog order, the control ids of the Rev5 baselines, and where the files contradict each other."""
    with shape_of(catalog.path):
        nist = {id_: control for id_, control in controls_in(catalog.value["catalog"]) if not _withdrawn(control)}
    marked: dict[str, tuple[Read, dict[str, tuple[str, ...]]]] = {}
    for name, read in resolved.items():
        with shape_of(read.path):
            marked[name] = read, _of_each(_response_points, dict(controls_in(read.value["catalog"])))
    points, problems = _points(catalog, nist, marked)
    with shape_of(catalog.path):
        facts = _of_each(lambda control: _control_facts(control, points[control["id"]]), nist)
    return facts, {name: list(controls) for name, (_, controls) in marked.items()}, problems


def class_facts(rules: Read) -> dict[str, list[str]]:
    """The control ids of each class."""
    with shape_of(rules.path):
        baselines = rules.value["FRR"]["FRC"]["data"]["rev5"]["CSF"]["FRC-CSF-BSL"]["varies_by_class"]
        return {c: [control_id(i) for ids in baselines[c.lower()]["rev5_controls_list"].values() for i in ids] for c in CLASSES}


def ksi_facts(ksis: Read, pairs: Read) -> dict[str, Json]:
    """KSIs by id with title, theme and controls."""
    with shape_of(pairs.path):
        cited: dict[str, list[str]] = {}
        for mapping in pairs.value["mappings"]:
            cited.setdefault(mapping["source_control_id"], []).extend(
                control_id(id_) for id_ in mapping["notes"].partition("): ")[2].split(", ")
            )
    with shape_of(ksis.path):
        known = {ksi["id"]: ksi for ksi in sorted(ksis.value["controls"], key=lambda ksi: str(ksi["id"]))}
        facts = _of_each(lambda ksi: {"title": ksi["title"], "theme": ksi["family"], "controls": cited.get(ksi["id"], [])}, known)
        in_guidance = _of_each(_cited_in_guidance, known)
    raise_all(
        f"{pairs.path}: {id_} has other controls than in {ksis.file}: give files of the same release"
        for id_ in sorted({*in_guidance, *cited})
        if set(cited.get(id_, [])) != in_guidance.get(id_)
    )
    return facts


def _cited_in_guidance(ksi: Json) -> set[str]:
    match = _CITED.search(ksi["guidance"])
    return {control_id(id_) for id_ in match[1].split(", ")} if match else set()


_CITED = re.compile(r"verbatim\): (.+?)\.$", re.MULTILINE)


def consolidated_ksi_facts(rules: Read) -> tuple[dict[str, Json], dict[str, list[str]]]:
    """The same facts as `ksi_facts` and `optional_ksis`, out of the consolidated rules alone."""
    facts: dict[str, Json] = {}
    optional: dict[str, list[str]] = {}
    with shape_of(rules.path):
        for theme in rules.value["KSI"].values():
            for id_, ksi in theme["indicators"].items():
                with entry_of(id_):
                    paired = [control_id(c) for c in ksi.get("controls", [])]
                    facts[id_] = {"title": ksi["name"], "theme": theme["name"], "controls": paired}
                    for class_, variant in ksi.get("varies_by_class", {}).items():
                        if variant["statement"].startswith("**Optional:**"):
                            optional.setdefault(class_.upper(), []).append(id_)
    return dict(sorted(facts.items())), {c: sorted(ids) for c, ids in optional.items()}


def optional_ksis(ksis: Read) -> dict[str, list[str]]:
    """By class: the KSIs whose variant for it says so."""
    with shape_of(ksis.path):
        found = [(match[1], ksi["id"]) for ksi in ksis.value["controls"] for match in _OPTIONAL.finditer(ksi["guidance"])]
    return {c: sorted(id_ for class_, id_ in found if class_ == c) for c in CLASSES if any(class_ == c for class_, _ in found)}


_OPTIONAL = re.compile(r"^Class-([A-D]) variant statement \(.*?\): \*\*Optional:\*\*", re.MULTILINE)


def _of_each(extract: Callable[[Json], Found], entries: Mapping[str, Json]) -> dict[str, Found]:
    """What is extracted from each entry; an error of shape names the entry."""
    found: dict[str, Found] = {}
    for id_, entry in entries.items():
        with entry_of(id_):
            found[id_] = extract(entry)
    return found


def controls_in(group: Json) -> Iterator[tuple[str, Json]]:
    for control in group.get("controls", []):
        yield control["id"], control
        yield from controls_in(control)
    for inner in group.get("groups", []):
        yield from controls_in(inner)


def _prop(part: Json, name: str, ns: str | None = None) -> str | None:
    return next((prop["value"] for prop in part.get("props", []) if prop["name"] == name and ns in (None, prop.get("ns"))), None)


def _withdrawn(control: Json) -> bool:
    return (_prop(control, "status") or "").lower() == "withdrawn"


def _statement(control: Json) -> Json:
    statement: Json = next(part for part in control["parts"] if part["name"] == "statement")
    return statement


def lineages_of(part: Json, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """For the part and each one below it: ids from the top down to itself."""
    lineage = (*above, part["id"])
    yield lineage
    for inner in part.get("parts", []):
        yield from lineages_of(inner, lineage)


def _response_points(control: Json) -> tuple[str, ...]:
    def marked(part: Json) -> Iterator[str]:
        if _prop(part, "response-point", FEDRAMP_NS) is not None:
            yield part["id"]
        for inner in part.get("parts", []):
            yield from marked(inner)

    return tuple(marked(_statement(control)))


def _points(
    catalog: Read, nist: Mapping[str, Json], resolved: Mapping[str, tuple[Read, Mapping[str, tuple[str, ...]]]]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    problems: list[str] = []
    points: dict[str, tuple[str, ...]] = {}
    for read, controls in resolved.values():
        for id_, marked in controls.items():
            if id_ not in nist:
                problems.append(f"{read.path}: {id_} is not in {catalog.file}: give files of the same revision")
            elif not marked:
                problems.append(f"{read.path}: {id_} has no response point: give the official file unchanged")
            elif points.setdefault(id_, marked) != marked:
                problems.append(f"{read.path}: {id_} has response points other than in a lower baseline: give files of the same release")
    with shape_of(catalog.path):
        for id_, control in nist.items():
            with entry_of(id_):
                statement = _statement(control)
                points.setdefault(id_, tuple(part["id"] for part in statement.get("parts", [])) or (statement["id"],))
    return points, problems


def _control_facts(control: Json, points: tuple[str, ...]) -> Json:
    lineages = {lineage[-1]: lineage for lineage in lineages_of(_statement(control))}
    return {
        "label": next(prop["value"] for prop in control["props"] if prop["name"] == "label" and "class" not in prop),
        "title": control["title"].strip(),
        "points": _objectives(control, points, lineages),
        "parameters": [parameter["id"] for parameter in control.get("params", []) if _prop(parameter, "aggregates") is None],
        "statements": list(lineages),
    }


def _objectives(control: Json, points: tuple[str, ...], lineages: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    causes = [f"{control['id']} lacks response point {point}: give files of the same revision" for point in points if point not in lineages]
    objectives: dict[str, list[str]] = {point: [] for point in points}
    for objective, target in _linked_objectives(control):
        own = f"{control['id']}_{target.partition('_')[2]}"
        if own not in lineages:
            causes.append(f"objective {objective} is for {target or 'nothing'}, which is no part of its control: correct the file")
            continue
        within = [point for point in points if point in lineages[own]]
        for point in within or [point for point in points if own in lineages.get(point, ())]:
            objectives[point].append(objective)
    causes += [f"point {point} has no assessment objective: correct the file" for point, ids in objectives.items() if not ids]
    raise_all(causes)
    return objectives


def _linked_objectives(control: Json) -> Iterator[tuple[str, str]]:
    """Leaf objectives with the statement part that the nearest link names, on themselves or above."""

    def leaves(part: Json, target: str) -> Iterator[tuple[str, str]]:
        links = [link["href"].removeprefix("#") for link in part.get("links", []) if link["rel"] == "assessment-for"]
        nearest = links[0] if links else target
        inner = [p for p in part.get("parts", []) if p["name"] == "assessment-objective"]
        if not inner:
            yield part["id"], nearest
        for p in inner:
            yield from leaves(p, nearest)

    for part in control["parts"]:
        if part["name"] == "assessment-objective":
            yield from leaves(part, "")
