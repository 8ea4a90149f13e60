"""Changes: what newer official files say otherwise than the facts of this package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from claimstack.controls.catalog import label, read_fact_file
from claimstack.controls.errors import InputError
from claimstack.controls.extraction import catalog_facts, class_facts, consolidated_ksi_facts, ksi_facts, optional_ksis
from claimstack.controls.officials import (
    CATALOG,
    KSI_PAIRS,
    KSIS,
    OFFICIALS,
    PROVIDER_RULES,
    RESOLVED,
    RULES,
    SCHEMAS,
    Json,
    Official,
    Read,
    numbers,
    read_newest,
    shape_of,
)
from claimstack.controls.rulings import ALL_CLASSES, consolidated_facts, rule_facts
from claimstack.controls.wordings import (
    CONSOLIDATED,
    EVERY_CLASS,
    Wordings,
    addition_wordings,
    consolidated_ksi_wordings,
    consolidated_rule_wordings,
    ksi_wordings,
    listed_wordings,
    parameter_wordings,
    point_wordings,
    rule_wordings,
)

JUDGED: Mapping[str, tuple[str, ...]] = {
    "fedramp-security-decision-record": ("fedramp/security-decision-record.json",),
    "fedramp-common-definitions": (
        "fedramp/security-decision-record.json",
        "fedramp/ongoing-certification-report.example.json",
        "fedramp/accepted-vulnerabilities.json",
    ),
    "fedramp-certification-package-overview": ("fedramp/certification-package-overview.json",),
    "fedramp-ongoing-certification-report": ("fedramp/ongoing-certification-report.example.json",),
    "fedramp-accepted-vulnerability-info": ("fedramp/accepted-vulnerabilities.json",),
    "fedramp-significant-change-notifications": ("the draft of claimstack diff --scn",),
    "oscal_assessment-plan": ("oscal/assessment-plan.json",),
    "oscal_assessment-results": ("oscal/assessment-results.json",),
    "oscal_complete": ("oscal/*.json",),
    "oscal_component": ("oscal/component-definition.json",),
    "oscal_poam": ("oscal/plan-of-action-and-milestones.json",),
    "oscal_profile": ("oscal/profile.json",),
    "oscal_ssp": ("oscal/system-security-plan.json",),
}
"""Documents by the beginning of the name of the schema that judges them."""

_RULE_LISTS = ("types", "paths", "classes")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, with what it is about; whoever speaks about one of these is touched by it."""

    kind: str
    """Such as `control-withdrawn`, `rule-force` or `ksi-wording`."""
    subject: str
    text: str
    points: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    ksis: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    class_: str | None = None
    """The only class whose systems are concerned."""


@dataclass(frozen=True, slots=True)
class Comparison:
    changes: tuple[Change, ...]
    compared: tuple[str, ...]
    """Files that were read, each with the version it states."""
    notes: tuple[str, ...]
    """What was not compared and why, and where the files contradict each other."""


def compare(data: Path, facts: Traversable | None = None) -> Comparison:
    """Hold the official files of a folder, laid out like the one the facts came from, against the facts of this package.

    Files may be newer and single ones may be missing. Raises InputError for a folder without any of them, and for a file that is not
    what its name says.
    """
    if not data.is_dir():
        raise InputError(f"{data}: not a folder: name the one that holds the official files, laid out as in controls/facts/sources.json")
    own = facts or files("claimstack.controls") / "facts"
    found = {official.file: read for official in (*OFFICIALS, *SCHEMAS) if (read := read_newest(data, official)) is not None}
    if not found:
        raise InputError(f"{data}: holds none of the official files, such as {RULES.file}: name their folder")
    reads = {file: read for file, (read, _) in found.items()}
    notes: list[str] = []
    changes: list[Change] = []
    pins: Json = {**read_fact_file(own / "sources.json"), **read_fact_file(own / "schemas.json")}
    changes += [c for o in OFFICIALS if o.file in found for c in _edition_changes(o, pins[o.file], *found[o.file])]
    catalog, classes, wordings = (read_fact_file(own / f"{name}.json") for name in ("catalog", "classes", "wordings"))
    changes += _catalog_part(reads, catalog, classes, wordings, notes)
    changes += _addition_changes(reads, catalog, wordings["additions"])
    changes += _class_part(reads, classes, catalog, notes)
    changes += _dataset_part(found, read_fact_file(own / "ksis.json"), read_fact_file(own / "rules.json"), wordings, notes)
    changes += [c for o in SCHEMAS if o.file in found for c in _schema_changes(o, pins[o.file], *found[o.file])]
    notes += [f"{o.title}: not compared, {o.file} is missing" for o in (*OFFICIALS, *SCHEMAS) if o.file not in found]
    notes += _known_upstream(data, {file.rpartition("/")[2]: stated for file, (_, stated) in found.items()})
    compared = tuple(f"{read.path.relative_to(data).as_posix()}: {stated}" for read, stated in found.values())
    return Comparison(tuple(changes), compared, tuple(notes))


def _known_upstream(data: Path, stated: Mapping[str, str]) -> Iterator[str]:
    """Schemas of which the folder knows a later version than the file it holds: whoever collected the files wrote UPSTREAM.json."""
    for path in sorted(data.glob("fedramp-2026/schemas-*/UPSTREAM.json")):
        with shape_of(path):
            versions = json.loads(path.read_bytes())["schemas"]["schema_versions"]
            for name, version in versions.items():
                if name in stated and numbers(version) > numbers(stated[name]):
                    yield f"{name}: version {version} exists, as {path} says; the folder holds {stated[name]}"


def _edition_changes(official: Official, pin: Json, read: Read, stated: str) -> Iterator[Change]:
    if read.sha256 != pin["sha256"]:
        other = (
            f"version {stated}, pinned is {pin['version']}" if not official.is_pinned(stated) else f"other content under {pin['version']}"
        )
        yield Change(
            "edition", official.file, f"{official.title}: {other}; pin it in controls/officials.py once the changes are dealt with"
        )


def _schema_changes(official: Official, pin: Json, read: Read, stated: str) -> Iterator[Change]:
    if read.sha256 == pin["sha256"]:
        return
    name = official.file.rpartition("/")[2]
    documents = next(documents for start, documents in JUDGED.items() if name.startswith(start))
    if official.is_pinned(stated):
        yield Change("schema-content", name, f"{official.title}: other content under version {pin['version']}", documents=documents)
    else:
        yield Change("schema-version", name, f"{official.title}: version {pin['version']} becomes {stated}", documents=documents)


def _catalog_part(reads: Mapping[str, Read], old: Json, lists: Json, wordings: Json, notes: list[str]) -> Iterator[Change]:
    if CATALOG.file not in reads:
        return
    resolved = {name: reads[official.file] for name, official in RESOLVED.items() if official.file in reads}
    new, rev5, problems = catalog_facts(reads[CATALOG.file], resolved)
    notes += problems
    yield from _control_changes(old, new)
    yield from _control_wording_changes(old, wordings["points"], point_wordings(reads[CATALOG.file], new))
    yield from _parameter_wording_changes(old, wordings["parameters"], parameter_wordings(reads[CATALOG.file], new))
    for name, ids in rev5.items():
        yield from _membership_changes(f"Rev5 {name}", _flat(lists["rev5"][name]), ids, {**old, **new}, class_=None)


def _control_changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    for id_ in _only(old, new):
        points = tuple(old[id_]["points"])
        parameters = tuple(old[id_]["parameters"])
        text = f"{label(id_)} {old[id_]['title']}: withdrawn, or no longer in the catalog"
        yield Change("control-withdrawn", id_, text, points=points, controls=(id_,), parameters=parameters)
    for id_ in _only(new, old):
        count = len(new[id_]["points"])
        text = f"{label(id_)} {new[id_]['title']}: new in the catalog, with {count} point{'s' * (count != 1)}"
        yield Change("control-added", id_, text, controls=(id_,))
    for id_, before in old.items():
        if id_ in new:
            yield from _one_control(id_, before, new[id_])


def _one_control(id_: str, before: Json, after: Json) -> Iterator[Change]:
    every = tuple(before["points"])
    if before["title"] != after["title"]:
        text = f"{label(id_)}: title {before['title']!r} becomes {after['title']!r}"
        yield Change("control-title", id_, text, controls=(id_,))
    for point in _only(before["points"], after["points"]):
        yield Change("point-removed", point, f"{point}: no longer a point to answer", points=(point,), controls=(id_,))
    for point in _only(after["points"], before["points"]):
        yield Change("point-added", point, f"{point}: a new point to answer", controls=(id_,))
    for point, objectives in before["points"].items():
        for objective in _only(objectives, after["points"].get(point, objectives)):
            yield Change("objective-removed", objective, f"{objective}: no longer an objective of {point}", points=(point,))
        for objective in _only(after["points"].get(point, ()), objectives):
            yield Change("objective-added", objective, f"{objective}: a new objective of {point}", points=(point,))
    for parameter in _only(before["parameters"], after["parameters"]):
        text = f"{parameter}: no longer a control parameter of {label(id_)}"
        yield Change("parameter-removed", parameter, text, points=every, parameters=(parameter,))
    for parameter in _only(after["parameters"], before["parameters"]):
        yield Change("parameter-added", parameter, f"{parameter}: a new control parameter of {label(id_)}", points=every)
    if before["statements"] != after["statements"] and list(before["points"]) == list(after["points"]):
        yield Change("statement", id_, f"{label(id_)}: its statement has other parts", points=every, controls=(id_,))


def _control_wording_changes(old: Mapping[str, Json], before: Wordings, after: Wordings) -> Iterator[Change]:
    """One change for each control: whoever compares the texts has both open at its page."""
    for id_, control in old.items():
        other = {
            point: texts
            for point in control["points"]
            if point in after and (texts := [text for text, hash_ in before[point].items() if after[point][text] != hash_])
        }
        if other:
            where = "; ".join(f"{point} ({' and '.join(texts)})" for point, texts in other.items())
            text = f"{label(id_)} {control['title']}: other words at {where}"
            yield Change("control-wording", id_, text, points=tuple(other), controls=(id_,))


def _parameter_wording_changes(old: Mapping[str, Json], before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for id_, control in old.items():
        for parameter in control["parameters"]:
            if after.get(parameter, before[parameter]) != before[parameter]:
                text = f"{parameter}: other words for this control parameter of {label(id_)} {control['title']}"
                yield Change("parameter-wording", parameter, text, points=tuple(control["points"]), parameters=(parameter,))


def _addition_changes(reads: Mapping[str, Read], old: Mapping[str, Json], before: Wordings) -> Iterator[Change]:
    """What FedRAMP adds to controls, as far as the files that say it are there."""
    resolved = {name: reads[official.file] for name, official in RESOLVED.items() if official.file in reads}
    after = addition_wordings(resolved, reads.get(RULES.file))
    sources = [*(f"Rev5 {name}" for name in resolved), *([CONSOLIDATED] if RULES.file in reads else [])]
    for id_, control in old.items():
        hashes, others = before.get(id_, {}), after.get(id_, {})
        if other := [source for source in sources if hashes.get(source) != others.get(source)]:
            text = (
                f"{label(id_)} {control['title']}: other words of FedRAMP for its parameters, requirements or guidance ({', '.join(other)})"
            )
            points, parameters = tuple(control["points"]), tuple(control["parameters"])
            yield Change("fedramp-wording", id_, text, points=points, controls=(id_,), parameters=parameters)


def _class_part(reads: Mapping[str, Read], lists: Json, catalog: Mapping[str, Json], notes: list[str]) -> Iterator[Change]:
    if RULES.file not in reads:
        return
    for class_, ids in class_facts(reads[RULES.file]).items():
        notes += [f"{reads[RULES.file].path}: class {class_} lists {i}, which the facts do not know yet" for i in ids if i not in catalog]
        yield from _membership_changes(f"class {class_}", _flat(lists["classes"][class_]), ids, catalog, class_=class_)


def _membership_changes(
    name: str, old: Iterable[str], new: Iterable[str], catalog: Mapping[str, Json], *, class_: str | None
) -> Iterator[Change]:
    old, new = list(old), list(new)
    for kind, ids, says in (("left", _only(old, new), "no longer lists"), ("joined", _only(new, old), "newly lists")):
        for id_ in ids:
            known = catalog.get(id_, {"title": "(not in the catalog)", "points": {}})
            text = f"{name} {says} {label(id_)} {known['title']}"
            yield Change(f"class-{kind}", id_, text, points=tuple(known["points"]), controls=(id_,), class_=class_)


def _dataset_part(
    found: Mapping[str, tuple[Read, str]], old_ksis: Json, old_rules: Json, wordings: Json, notes: list[str]
) -> Iterator[Change]:
    """KSIs and provider rules: from the two extracts, or from consolidated rules that are newer than these."""
    whole = found.get(RULES.file)

    def newer(*extracts: Official) -> bool:
        """Whether the consolidated rules say it later than each extract, or than its pin where it is missing."""
        if whole is None:
            return False
        known = (numbers(found[o.file][1] if o.file in found else o.version)[:4] for o in extracts)
        return all(numbers(whole[1])[:4] > version for version in known)

    if whole is not None and newer(KSIS, KSI_PAIRS):
        notes.append(f"KSIs are read from {whole[0].path}, which is newer than their extracts")
        ksis, optional = consolidated_ksi_facts(whole[0])
        yield from _ksi_changes(old_ksis, ksis)
        yield from _wording_changes("ksi", old_ksis, wordings["ksis"], consolidated_ksi_wordings(whole[0]))
        yield from _optional_changes(old_rules["optional_ksis"], optional)
    elif KSIS.file in found and KSI_PAIRS.file in found:
        yield from _ksi_changes(old_ksis, ksi_facts(found[KSIS.file][0], found[KSI_PAIRS.file][0]))
        yield from _wording_changes("ksi", old_ksis, wordings["ksis"], ksi_wordings(found[KSIS.file][0]))
        yield from _optional_changes(old_rules["optional_ksis"], optional_ksis(found[KSIS.file][0]))
    else:
        notes.append("KSIs and their controls: not compared, both extracts are needed, or newer consolidated rules")

    if whole is not None and newer(PROVIDER_RULES):
        notes.append(f"provider rules are read from {whole[0].path}, which is newer than their extract")
        yield from _rule_changes(old_rules, consolidated_facts(whole[0]), placed=True)
        yield from _wording_changes("rule", old_rules["rules"], wordings["rules"], consolidated_rule_wordings(whole[0]))
    elif PROVIDER_RULES.file in found:
        rules, problems = rule_facts(found[PROVIDER_RULES.file][0], whole[0] if whole else None)
        notes += problems
        yield from _rule_changes(old_rules, rules, placed=whole is not None)
        yield from _wording_changes("rule", old_rules["rules"], wordings["rules"], rule_wordings(found[PROVIDER_RULES.file][0]))
        if whole is None:
            notes.append(f"types, paths, classes, timeframes and lists of rules: not compared, {RULES.file} is missing")
    if whole is not None:
        yield from _listed_changes(old_rules["rules"], wordings["listed"], listed_wordings(whole[0]))


def _ksi_changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Change]:
    for id_ in _only(old, new):
        yield Change("ksi-removed", id_, f"{id_} {old[id_]['title']}: no longer an indicator", ksis=(id_,))
    for id_ in _only(new, old):
        yield Change("ksi-added", id_, f"{id_} {new[id_]['title']}: a new indicator to answer", ksis=(id_,))
    for id_, before in old.items():
        if id_ not in new:
            continue
        for key in ("title", "theme"):
            if before[key] != new[id_][key]:
                yield Change(f"ksi-{key}", id_, f"{id_}: {key} {before[key]!r} becomes {new[id_][key]!r}", ksis=(id_,))
        for control in _only(before["controls"], new[id_]["controls"]):
            text = f"{id_}: no longer paired with {label(control)}"
            yield Change("ksi-pair-removed", id_, text, controls=(control,), ksis=(id_,))
        for control in _only(new[id_]["controls"], before["controls"]):
            yield Change("ksi-pair-added", id_, f"{id_}: newly paired with {label(control)}", controls=(control,), ksis=(id_,))


def _wording_changes(kind: str, known: Mapping[str, Json], before: Wordings, after: Wordings) -> Iterator[Change]:
    """`kind`: `ksi` or `rule`. One change where every class is told something else, otherwise one for each class."""
    for id_, fact in known.items():
        if id_ in after:
            yield from _wordings_of_one(kind, id_, f"{id_} {fact['title']}: other words", before[id_], after[id_])


def _listed_changes(known: Mapping[str, Json], before: Wordings, after: Wordings) -> Iterator[Change]:
    for id_, fact in known.items():
        text = f"{id_} {fact['title']}: other information or timeframes listed"
        yield from _wordings_of_one("rule", id_, text, before.get(id_, {}), after.get(id_, {}))


def _wordings_of_one(kind: str, id_: str, text: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    other = [c for c in ALL_CLASSES if before.get(c, before.get(EVERY_CLASS)) != after.get(c, after.get(EVERY_CLASS))]
    ksis, rules = ((id_,), ()) if kind == "ksi" else ((), (id_,))
    for class_ in (None,) if len(other) == len(ALL_CLASSES) else other:
        yield Change(f"{kind}-wording", id_, f"{text} at class {class_}" if class_ else text, ksis=ksis, rules=rules, class_=class_)


def _optional_changes(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> Iterator[Change]:
    for class_ in sorted({*old, *new}):
        for id_ in _only(old.get(class_, ()), new.get(class_, ())):
            yield Change("ksi-obligatory", id_, f"{id_}: no longer optional at class {class_}", ksis=(id_,), class_=class_)
        for id_ in _only(new.get(class_, ()), old.get(class_, ())):
            yield Change("ksi-optional", id_, f"{id_}: optional at class {class_} from now on", ksis=(id_,), class_=class_)


def _rule_changes(old: Json, new: Json, *, placed: bool) -> Iterator[Change]:
    """`placed`: whether the new facts know paths, classes and timeframes."""
    before, after = old["rules"], new["rules"]
    for id_ in _only(before, after):
        yield Change("rule-removed", id_, f"{id_} {before[id_]['title']}: no longer a rule for providers", rules=(id_,))
    for id_ in _only(after, before):
        yield Change("rule-added", id_, f"{id_} {after[id_]['title']}: a new rule to answer", rules=(id_,))
    for id_, rule in before.items():
        if id_ in after:
            yield from _one_rule(id_, rule, after[id_], placed=placed)
    for class_ in sorted({*old["methods"], *new["methods"]}):
        number, other = old["methods"].get(class_), new["methods"].get(class_)
        if number != other:
            text = f"automated methods for each KSI at class {class_}: {number} becomes {other}"
            yield Change("methods", "FRC-CSX-VVK", text, rules=("FRC-CSX-VVK",), class_=class_)


def _one_rule(id_: str, before: Json, after: Json, *, placed: bool) -> Iterator[Change]:
    def change(kind: str, text: str, class_: str | None = None) -> Change:
        return Change(kind, id_, f"{id_} {before['title']}: {text}", rules=(id_,), class_=class_)

    if before["title"] != after["title"]:
        yield change("rule-title", f"title becomes {after['title']!r}")
    for class_ in sorted({*before["force"], *(after["force"] if placed else ())}):
        force, other = before["force"].get(class_, "no rule"), after["force"].get(class_, "no rule")
        if force != other:
            yield change("rule-force", f"{force} becomes {other} at class {class_}", class_)
    for key in _RULE_LISTS if placed else ():
        if sorted(before[key]) != sorted(after[key]):
            yield change("rule-scope", f"{key} {', '.join(before[key]) or 'none'} becomes {', '.join(after[key]) or 'none'}")
    times, others = before.get("timeframes", {}), after.get("timeframes", {})
    for class_ in sorted({*times, *others}) if placed else ():
        if times.get(class_) != others.get(class_):
            text = f"timeframe {_time(times.get(class_))} becomes {_time(others.get(class_))} at class {class_}"
            yield change("rule-timeframe", text, class_)
    if before.get("schema") != after.get("schema"):
        yield change("rule-schema", f"schema {before.get('schema', 'none')} becomes {after.get('schema', 'none')}")


def _time(timeframe: list[Any] | None) -> str:
    return " ".join(str(part) for part in timeframe) if timeframe else "none"


def _flat(families: Mapping[str, list[str]]) -> list[str]:
    return [id_ for ids in families.values() for id_ in ids]


def _only(these: Iterable[str], those: Iterable[str]) -> list[str]:
    """What the one has and the other lacks, in its order."""
    lacking = set(those)
    return [each for each in these if each not in lacking]
