"""Rulings: the facts of FedRAMP's provider rules, out of the rules dataset and the extract of its later edition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from claimstack.controls.officials import Json, Read, entry_of, shape_of

ALL_CLASSES = ("A", "B", "C", "D")
_FORCE = re.compile(r"^Force: (MUST|SHOULD|MAY|MUST NOT|SHOULD NOT)\.$", re.MULTILINE)
_VARIANT = re.compile(r"^Class-([A-D]) variant \(.*?; force (MUST|SHOULD|MAY|MUST NOT|SHOULD NOT)\): (.*)$", re.MULTILINE)
_APPLIES = re.compile(r"^Applies to (all FedRAMP|FedRAMP 20x|FedRAMP Rev 5) authorizations\.$", re.MULTILINE)
_SCHEMA = re.compile(r"^Machine-readable schema: https://fedramp\.gov/schemas/(\S+)$", re.MULTILINE)
_METHODS = re.compile(r"at least (\d+) automated methods?\b")
_SECTIONS = {"all": ("20x", "Rev5"), "20x": ("20x",), "rev5": ("Rev5",)}
_SENTENCES = {"all FedRAMP": "all", "FedRAMP 20x": "20x", "FedRAMP Rev 5": "rev5"}
_METHODS_RULE = "FRC-CSX-VVK"


@dataclass(frozen=True, slots=True)
class Placed:
    """A provider rule of the consolidated rules with where it stands there."""

    section: str
    """`all`, `20x` or `rev5`."""
    applicability: Json
    body: Json

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(type_ for type_ in self.applicability["types"] if type_ in _SECTIONS[self.section])

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.applicability["classes"])

    @property
    def variants(self) -> dict[str, Json]:
        """By class what the rule says to it; one that does not vary says the same to all."""
        varied = self.body.get("varies_by_class")
        return {c.upper(): entry for c, entry in varied.items()} if varied else dict.fromkeys(ALL_CLASSES, self.body)

    @property
    def force(self) -> dict[str, str]:
        return {c: entry["force"] for c, entry in self.variants.items() if _in(c, self.classes)}

    @property
    def schema(self) -> str | None:
        url = self.body.get("schema", {}).get("url", "")
        return url.rpartition("/")[2] or None

    @property
    def timeframes(self) -> dict[str, list[int | str]]:
        return {
            c: [entry["timeframe_num"], entry["timeframe_type"]]
            for c, entry in self.variants.items()
            if _in(c, self.classes) and "timeframe_num" in entry
        }


def placed_rules(rules: Read) -> tuple[dict[str, str], dict[str, Placed]]:
    """Names of the rule sets by their letters, and the rules for providers by id."""
    sets: dict[str, str] = {}
    placed: dict[str, Placed] = {}
    with shape_of(rules.path):
        for letters, ruleset in rules.value["FRR"].items():
            for section, subsets in ruleset["data"].items():
                for subset, bodies in subsets.items():
                    known = ruleset["info"].get("subsets", {}) | ruleset["info"].get(section, {}).get("subsets", {})
                    applicability = known[subset]["applicability"]
                    for id_, body in bodies.items():
                        with entry_of(id_):
                            if "Providers" in body["affects"]:
                                placed[id_] = Placed(section, applicability, body)
                                sets[letters] = ruleset["info"]["name"]
    return sets, placed


def variants_of(guidance: str) -> dict[str, tuple[str, str]]:
    """By class: force and statement, where the guidance of an extract says that the rule varies."""
    return {class_: (force, statement) for class_, force, statement in _VARIANT.findall(guidance)}


def consolidated_facts(rules: Read) -> Json:
    """The same facts as `rule_facts`, out of the consolidated rules alone."""
    sets, placed = placed_rules(rules)
    with shape_of(rules.path):
        facts: dict[str, Json] = {}
        for id_, rule in sorted(placed.items()):
            with entry_of(id_):
                facts[id_] = {
                    "title": rule.body["name"],
                    "force": rule.force,
                    **_place(rule),
                    **({"timeframes": rule.timeframes} if rule.timeframes else {}),
                    **({"schema": rule.schema} if rule.schema else {}),
                }
        methods = {c: entry["statement"] for c, entry in placed[_METHODS_RULE].variants.items()} if _METHODS_RULE in placed else {}
    return {"rulesets": dict(sorted(sets.items())), "rules": facts, "methods": _methods(methods)}


def rule_facts(extract: Read, rules: Read | None) -> tuple[Json, list[str]]:
    """Facts of the rules by id, and where the two files contradict each other.

    Force comes from the extract of the later dataset, applicability and timeframes from the consolidated rules; without those, force is
    stated for every class, and paths, classes and timeframes are left empty.
    """
    sets, placed = placed_rules(rules) if rules is not None else ({}, {})
    facts: dict[str, Json] = {}
    problems: list[str] = []
    methods: dict[str, int] = {}
    with shape_of(extract.path):
        for rule in sorted(extract.value["controls"], key=lambda rule: str(rule["id"])):
            with entry_of(rule["id"]):
                id_, guidance = rule["id"], rule["guidance"]
                applies, force, schema = _APPLIES.search(guidance), _FORCE.search(guidance), _SCHEMA.search(guidance)
                if applies is None or force is None:
                    problems.append(f"{extract.path}: {id_} does not say its force or to whom it applies: give the official file unchanged")
                    continue
                section = _SENTENCES[applies[1]]
                variants = variants_of(guidance)
                earlier = placed.get(id_)
                if earlier is not None and earlier.section != section:
                    problems.append(
                        f"{extract.path}: {id_} applies to {section}, in the consolidated rules to {earlier.section}: give files that agree"
                    )
                classes = earlier.classes if earlier else ()
                forces = {c: f for c, (f, _) in variants.items()} or dict.fromkeys(ALL_CLASSES, force[1])
                facts[id_] = {
                    "title": rule["title"],
                    "force": {c: f for c, f in forces.items() if _in(c, classes)},
                    **(_place(earlier) if earlier else {"types": list(_SECTIONS[section]), "paths": [], "classes": []}),
                }
                if earlier is not None and earlier.timeframes:
                    problems += [f"{extract.path}: {id_}: {problem}" for problem in _other_words(rule, earlier)]
                    facts[id_]["timeframes"] = earlier.timeframes
                if schema is not None:
                    facts[id_]["schema"] = schema[1]
                if id_ == _METHODS_RULE:
                    methods = _methods({c: words for c, (_, words) in variants.items()})
                sets.setdefault(id_.partition("-")[0], rule["family"])
    facts_of_all = {
        "rulesets": {letters: sets[letters] for letters in sorted({id_.partition("-")[0] for id_ in facts})},
        "rules": facts,
        "only_in": {
            "consolidated": sorted(placed.keys() - facts.keys()),
            "extract": sorted(facts.keys() - placed.keys()),
        },
        "methods": methods,
    }
    return facts_of_all, problems


def _place(rule: Placed) -> Json:
    return {"types": list(rule.types), "paths": rule.applicability["paths"], "classes": list(rule.classes)}


def _methods(statements: Mapping[str, str]) -> dict[str, int]:
    return {c: int(match[1]) for c, words in statements.items() if (match := _METHODS.search(words))}


def _in(class_: str, classes: tuple[str, ...]) -> bool:
    return not classes or class_ in classes


def _other_words(rule: Json, earlier: Placed) -> Iterator[str]:
    text = rule["description"] + rule["guidance"]
    for class_, entry in earlier.variants.items():
        if entry["statement"] not in text:
            yield f"class {class_}: other words than in the dataset that states its timeframe; compare both, and pin files that agree"
            return
