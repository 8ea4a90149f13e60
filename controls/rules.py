"""Rules: the provider rules of FedRAMP's Consolidated Rules, to whom they apply, and what this package says to each.

`load_rules` holds the official facts (ids, titles, force), `load_rule_answers` our answers in `controls/rules/`, one for every rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Literal, get_args

from claimstack.controls.catalog import load_catalog, read_fact_file
from claimstack.controls.errors import MISSHAPEN, InputError, misshapen, raise_all
from claimstack.controls.tables import choice_problem, listed, sentence_problem, suggestion, toml_tables, toml_texts, unknown_keys

Who = Literal["tool", "provider", "assessor", "not-applicable"]
AnswerStatus = Literal["implemented", "partial", "planned", "not-applicable"]

ROUTES: Mapping[str, str] = {"20x": "20x", "rev5": "Rev5"}
"""The certification of system.toml → the type of certification as the rules spell it."""

FOLDER = "controls/rules"
_TEXTS = ("how", "verification", "validation")
_LISTS = ("artifacts", "points")
_KEYS = ("who", "status", *_TEXTS, "risk", "when", *_LISTS)


@dataclass(frozen=True, slots=True)
class Timeframe:
    number: int
    unit: str
    """As the rules spell it: `days`, `bizdays`, `weeks`, `months`, `years`."""

    def __str__(self) -> str:
        unit = "business days" if self.unit == "bizdays" else self.unit
        return f"{self.number} {unit.removesuffix('s') if self.number == 1 else unit}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for providers. Its text is FedRAMP's and not here."""

    id: str
    title: str
    ruleset: str
    """Three letters, such as `MAS`; `RuleBook.rulesets` has its name."""
    force: Mapping[str, str]
    """MUST, SHOULD, MAY, MUST NOT or SHOULD NOT by class; a class that is not named has no such rule."""
    types: tuple[str, ...]
    """`20x`, `Rev5`."""
    paths: tuple[str, ...]
    """`Program`, `Agency`."""
    classes: tuple[str, ...]
    """A, B, C, D; empty where the rule set names none and so leaves nobody out."""
    timeframes: Mapping[str, Timeframe]
    """By class, where the rules state one machine-readably."""
    schema: str | None = None
    """The schema that output of this rule must be valid against."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    rulesets: Mapping[str, str]
    """Name by its three letters."""
    rules: Mapping[str, Rule]
    only_in: Mapping[str, tuple[str, ...]]
    """By dataset version: rules for providers that the other dataset does not have; they are not among `rules`."""
    methods: Mapping[str, int]
    """Automated methods for each KSI by class (FRC-CSX-VVK)."""
    optional_ksis: Mapping[str, tuple[str, ...]]
    """KSIs that a class may leave out, by class."""


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What this package says to one rule, before the provider has said anything."""

    rule: str
    who: Who
    """Who can show that the rule is followed: this package something, or only somebody else."""
    status: AnswerStatus
    how: str
    """How the package follows the rule, or that it is the provider's process which no build can see, and what it would take."""
    verification: str
    """That the way is right for the rule: who looked, or that nobody has."""
    validation: str
    """That it is in place and works: what was found, or that nothing is shown."""
    risk: str = ""
    """To customers, when the rule is not followed; empty for what is implemented, not applicable or only permitted."""
    when: str = ""
    """On what the rule waits, or why it does not apply."""
    artifacts: tuple[str, ...] = ()
    """Files of the package that show it, such as `fedramp/mas-flows.json`."""
    points: tuple[str, ...] = ()
    """Response points whose claims the answer rests on: where a fact behind one of them failed, the answer does not hold."""

    @property
    def explanation(self) -> tuple[str, ...]:
        """How the rule is followed or why it is not, and the resulting risk to customers, as SDR-CSO-FRR asks."""
        risk = f"Risk to customers when it is not followed: {self.risk}" if self.risk else ""
        return tuple(text for text in (self.how, self.when, risk) if text)


@cache
def load_rule_book() -> RuleBook:
    """The rule facts that ship with this package."""
    return read_rule_book(package_files("claimstack.controls") / "facts")


def load_rules() -> Mapping[str, Rule]:
    """Every provider rule by id."""
    return load_rule_book().rules


def applicable(rule: Rule, class_: str, certification: str) -> bool:
    """Whether a rule speaks to a system of a class ("B", "C", "D") on its way to a certification ("20x", "rev5").

    system.toml does not say whether an agency sponsors a Rev5 certification, so that rules for that path alone count for every Rev5 one.
    """
    in_class = not rule.classes or class_ in rule.classes
    return in_class and class_ in rule.force and ROUTES[certification] in rule.types


def machine_verification(class_: str, certification: str) -> tuple[Rule, Timeframe]:
    """The rule and the interval in which the status of machine-based resources is verified and validated."""
    rule = load_rules()["VDR-TFR-MVX" if certification == "20x" else "VDR-TFR-MVF"]
    return rule, rule.timeframes[class_]


def drift_detection(class_: str) -> tuple[Rule, Timeframe]:
    """The rule and the interval in which resources that are likely to drift are looked at."""
    rule = load_rules()["VDR-TFR-PDD"]
    return rule, rule.timeframes[class_]


def automated_methods(class_: str) -> tuple[Rule, int]:
    """The rule and the number of automated methods that verify and validate each KSI."""
    return load_rules()["FRC-CSX-VVK"], load_rule_book().methods[class_]


def optional_ksis(class_: str) -> tuple[str, ...]:
    return load_rule_book().optional_ksis.get(class_, ())


def read_rule_book(folder: Traversable) -> RuleBook:
    """Raises InputError when the file is missing or is not what the refresh script writes."""
    facts = read_fact_file(folder / "rules.json")
    try:
        return RuleBook(
            rulesets=MappingProxyType(dict(facts["rulesets"])),
            rules=MappingProxyType({id_: _rule(id_, fact) for id_, fact in facts["rules"].items()}),
            only_in=MappingProxyType({version: tuple(ids) for version, ids in facts["only_in"].items()}),
            methods=MappingProxyType({class_: int(number) for class_, number in facts["methods"].items()}),
            optional_ksis=MappingProxyType({class_: tuple(ids) for class_, ids in facts["optional_ksis"].items()}),
        )
    except MISSHAPEN as error:
        raise InputError(f"{folder}: not as it should be, {misshapen(error)}: run python -m claimstack.controls.refresh") from None


def _rule(id_: str, fact: Mapping[str, Any]) -> Rule:
    return Rule(
        id=id_,
        title=fact["title"],
        ruleset=id_.partition("-")[0],
        force=MappingProxyType(dict(fact["force"])),
        types=tuple(fact["types"]),
        paths=tuple(fact["paths"]),
        classes=tuple(fact["classes"]),
        timeframes=MappingProxyType({class_: Timeframe(number, unit) for class_, (number, unit) in fact.get("timeframes", {}).items()}),
        schema=fact.get("schema"),
    )


@cache
def load_rule_answers() -> Mapping[str, RuleAnswer]:
    """The answers of this package in the order of the rules; an InputError names each file and key that is wrong."""
    return parse_rule_answers(toml_texts("rules"), load_rules())


def parse_rule_answers(files: Mapping[str, str], rules: Mapping[str, Rule]) -> Mapping[str, RuleAnswer]:
    """Answers out of TOML texts by file name, one for each rule; a file holds one rule set and carries its letters as its name."""
    answers: dict[str, RuleAnswer] = {}
    causes: list[str] = []
    for file, table in toml_tables(files, causes):
        for id_, entry in table.items():
            causes += [f"{file}: {id_}: {problem}" for problem in _entry_problems(file, id_, entry, rules)]
            if isinstance(entry, dict) and id_ in rules:
                answers[id_] = _answer(id_, entry)
                causes += [f"{file}: {id_}: {problem}" for problem in answer_problems(answers[id_], rules[id_])]
    causes += [f"{FOLDER}/{id_.partition('-')[0].lower()}.toml: {id_}: missing; answer every rule" for id_ in rules if id_ not in answers]
    raise_all(causes)
    return MappingProxyType({id_: answers[id_] for id_ in rules})


def answer_problems(answer: RuleAnswer, rule: Rule) -> Iterator[str]:
    """What is wrong with the values of an answer."""
    yield from choice_problem("who", answer.who, get_args(Who))
    yield from choice_problem("status", answer.status, get_args(AnswerStatus))
    for key in _TEXTS:
        yield from sentence_problem(key, getattr(answer, key))
    for key in ("risk", "when"):
        if getattr(answer, key) != "":
            yield from sentence_problem(key, getattr(answer, key))
    if answer.status in ("partial", "planned") and answer.risk == "" and set(rule.force.values()) != {"MAY"}:
        yield "risk: missing; say what customers risk when the rule is not followed"
    if answer.who == "not-applicable" and answer.status != "not-applicable":
        yield f"who: says not-applicable, but status is {answer.status!r}; use the same word for both, or say who answers"
    if answer.status == "not-applicable" and answer.when == "":
        yield "when: missing; say why the rule does not apply, or on what it waits"
    if answer.status == "implemented" and answer.who != "tool":
        yield "status: 'implemented' needs who = 'tool': the package cannot vouch for others"
    if answer.who == "tool" and not answer.artifacts:
        yield "artifacts: missing; name the files of the package that show it"
    for key in _LISTS:
        if not all(isinstance(entry, str) and entry for entry in getattr(answer, key)):
            yield f"{key}: must be a list of texts"
    for point in answer.points:
        if isinstance(point, str) and point not in load_catalog().points:
            yield f"points: {point!r} is no response point of the catalog"


def nearest_rule(id_: str) -> str:
    """The remedy for an unknown rule id."""
    return suggestion(id_.upper(), tuple(load_rules())) or "; copy the id from the rules of FedRAMP for 2026"


def _entry_problems(file: str, id_: str, entry: object, rules: Mapping[str, Rule]) -> Iterator[str]:
    if id_ not in rules:
        yield f"no provider rule{suggestion(id_, tuple(rules))}"
    elif file.rpartition("/")[2] != f"{rules[id_].ruleset.lower()}.toml":
        yield f"belongs to rule set {rules[id_].ruleset}; move it to {rules[id_].ruleset.lower()}.toml"
    if not isinstance(entry, dict):
        yield f"must be a table with {listed(_KEYS)}"
    else:
        yield from unknown_keys(entry, _KEYS)


def _answer(id_: str, entry: Mapping[str, Any]) -> RuleAnswer:
    def listed_under(key: str) -> tuple[str, ...]:
        found = entry.get(key, [])
        return tuple(found) if isinstance(found, list) else ("",)

    texts = {key: entry.get(key, "") for key in ("who", "status", *_TEXTS, "risk", "when")}
    return RuleAnswer(rule=id_, **texts, artifacts=listed_under("artifacts"), points=listed_under("points"))
