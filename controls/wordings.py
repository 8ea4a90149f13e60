"""Wordings: hashes of what official files say, so that other words are noticed without keeping any of theirs.

What is hashed: the prose of statements and objectives by response point, with the prose above and below it; labels, choices and
guidelines of control parameters; what FedRAMP adds to a control; the statements of KSIs and provider rules, and what a rule lists below
its statement. What is not: discussions, assessment methods, notes, examples, references. White space does not count.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from claimstack.controls.catalog import control_id
from claimstack.controls.extraction import FEDRAMP_NS, controls_in, lineages_of
from claimstack.controls.officials import Json, Read, entry_of, shape_of
from claimstack.controls.rulings import placed_rules, variants_of

CONSOLIDATED = "Consolidated Rules"
EVERY_CLASS = "all"
"""Stands for the classes where a statement does not vary by class."""
LENGTH = 16
"""Hexadecimal digits of a hash: chance makes two texts the same once in 10¹⁹, and nobody gains by forging one."""

Wordings = dict[str, dict[str, str]]
"""By id: hashes by class, by source, or by kind of text."""

_LISTED_BELOW = ("following_information_bullets", "pain_timeframes")
_REQUIRED = re.compile(r"^Required information \(.*?\):\n((?:- .*\n?)+)", re.MULTILINE)
_KSI_VARIANT = re.compile(r"^Class-([A-D]) variant statement \(.*?\): (.*)$", re.MULTILINE)


def point_wordings(catalog: Read, facts: Mapping[str, Json]) -> Wordings:
    """By response point: its `statement`, and its `objectives` together."""
    found: Wordings = {}
    with shape_of(catalog.path):
        for id_, control in controls_in(catalog.value["catalog"]):
            with entry_of(id_):
                if id_ in facts:
                    found |= _of_points(control, facts[id_]["points"])
    return found


def parameter_wordings(catalog: Read, facts: Mapping[str, Json]) -> dict[str, str]:
    """By control parameter."""
    found: dict[str, str] = {}
    with shape_of(catalog.path):
        for id_, control in controls_in(catalog.value["catalog"]):
            with entry_of(id_):
                known = facts[id_]["parameters"] if id_ in facts else ()
                found |= {each["id"]: _hash(*_of_parameter(each)) for each in control.get("params", []) if each["id"] in known}
    return found


def addition_wordings(resolved: Mapping[str, Read], rules: Read | None) -> Wordings:
    """By control and source: FedRAMP's constraints on its parameters, and its requirements and guidance."""
    found: Wordings = {}
    for name, read in resolved.items():
        with shape_of(read.path):
            for id_, control in controls_in(read.value["catalog"]):
                with entry_of(id_):
                    if any(texts := tuple(_added(control))):
                        found.setdefault(id_, {})[f"Rev5 {name}"] = _hash(*texts)
    if rules is not None:
        with shape_of(rules.path):
            for family in rules.value.get("CTL", {}).values():
                for spelling, added in family.items():
                    content = {key: value for key, value in added.items() if key != "updated"}
                    found.setdefault(control_id(spelling), {})[CONSOLIDATED] = _hash(*_texts(content))
    return dict(sorted(found.items()))


def ksi_wordings(ksis: Read) -> Wordings:
    """By KSI and class."""
    found: Wordings = {}
    with shape_of(ksis.path):
        for ksi in sorted(ksis.value["controls"], key=lambda ksi: str(ksi["id"])):
            with entry_of(ksi["id"]):
                variants = dict(_KSI_VARIANT.findall(ksi["guidance"])) or {EVERY_CLASS: ksi["description"]}
                found[ksi["id"]] = {class_: _hash(text) for class_, text in variants.items()}
    return found


def consolidated_ksi_wordings(rules: Read) -> Wordings:
    """The same as `ksi_wordings`, out of the consolidated rules."""
    found: Wordings = {}
    with shape_of(rules.path):
        for theme in rules.value["KSI"].values():
            for id_, ksi in theme["indicators"].items():
                with entry_of(id_):
                    found[id_] = {class_: _hash(body["statement"]) for class_, body in _by_class(ksi)}
    return found


def rule_wordings(extract: Read) -> Wordings:
    """By rule and class: its statement with the information that it requires of every class."""
    found: Wordings = {}
    with shape_of(extract.path):
        for rule in sorted(extract.value["controls"], key=lambda rule: str(rule["id"])):
            with entry_of(rule["id"]):
                listed = _REQUIRED.search(rule["guidance"])
                required = [line.removeprefix("- ") for line in listed[1].splitlines()] if listed else []
                statements = {class_: text for class_, (_, text) in variants_of(rule["guidance"]).items()}
                found[rule["id"]] = {
                    class_: _hash(text, *required) for class_, text in (statements or {EVERY_CLASS: rule["description"]}).items()
                }
    return found


def consolidated_rule_wordings(rules: Read) -> Wordings:
    """The same as `rule_wordings`, out of the consolidated rules."""
    found: Wordings = {}
    _, placed = placed_rules(rules)
    with shape_of(rules.path):
        for id_, rule in placed.items():
            with entry_of(id_):
                required = rule.body.get("following_information", [])
                found[id_] = {class_: _hash(body["statement"], *required) for class_, body in _by_class(rule.body)}
    return found


def listed_wordings(rules: Read) -> Wordings:
    """By rule and class: what the rule lists that only the consolidated rules have."""
    found: Wordings = {}
    _, placed = placed_rules(rules)
    with shape_of(rules.path):
        for id_, rule in sorted(placed.items()):
            with entry_of(id_):
                for class_, body in _by_class(rule.body):
                    keys = _LISTED_BELOW if class_ == EVERY_CLASS else (*_LISTED_BELOW, "following_information")
                    if any(key in body for key in keys):
                        found.setdefault(id_, {})[class_] = _hash(*(text for key in keys for text in _texts(body.get(key, []))))
    return found


def _by_class(body: Json) -> Iterator[tuple[str, Json]]:
    varied = body.get("varies_by_class")
    yield from ((class_.upper(), variant) for class_, variant in varied.items()) if varied else ((EVERY_CLASS, body),)


def _of_points(control: Json, points: Mapping[str, list[str]]) -> Wordings:
    prose: dict[str, str] = {}
    above: dict[str, tuple[str, ...]] = {}
    for part in control["parts"]:
        if part["name"] in ("statement", "assessment-objective"):
            prose |= {each["id"]: each.get("prose", "") for each in _within(part)}
            above |= {lineage[-1]: lineage for lineage in lineages_of(part)}
    found: Wordings = {}
    for point, objectives in points.items():
        statement = [id_ for id_, lineage in above.items() if point in lineage or id_ in above[point]]
        asked = dict.fromkeys(id_ for objective in objectives for id_ in above[objective])
        found[point] = {"statement": _hash(*map(prose.__getitem__, statement)), "objectives": _hash(*map(prose.__getitem__, asked))}
    return found


def _of_parameter(parameter: Json) -> Iterator[str]:
    yield parameter.get("label", "")
    yield from (prop["value"] for prop in parameter.get("props", []) if prop["name"] == "alt-label")
    yield from _texts(parameter.get("select", {}))
    yield from (guideline["prose"] for guideline in parameter.get("guidelines", []))


def _added(control: Json) -> Iterator[str]:
    for parameter in control.get("params", []):
        constraints = [constraint["description"] for constraint in parameter.get("constraints", [])]
        yield from (parameter["id"], *constraints) if constraints else ()
    for part in control["parts"]:
        if part.get("ns") == FEDRAMP_NS:
            yield from (each.get("prose", "") for each in _within(part))


def _within(part: Json) -> Iterator[Json]:
    yield part
    for inner in part.get("parts", []):
        yield from _within(inner)


def _texts(value: object) -> Iterator[str]:
    """All texts and numbers in JSON, keys included, in the order of the file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def _hash(*texts: str) -> str:
    """Of texts in their order; how they are wrapped and spaced does not count, nor texts that are empty."""
    words = "\n".join(" ".join(text.split()) for text in texts if text.strip())
    return hashlib.sha256(words.encode()).hexdigest()[:LENGTH]
