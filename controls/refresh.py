"""Refresh: extracts the facts in `controls/facts` from the official files; ids and titles only, no standards text.

Run it as `python -m claimstack.controls.refresh`. Where each rule comes from:

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
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimstack.controls.catalog import control_id
from claimstack.controls.errors import InputError, raise_all

Json = dict[str, Any]

FACTS = Path(__file__).parent / "facts"
FEDRAMP_NS = "http://fedramp.gov/ns/oscal"
CLASSES = ("B", "C", "D")
REV5 = ("LOW", "MODERATE", "HIGH")


@dataclass(frozen=True, slots=True)
class Official:
    """An official file, pinned: another version needs another source, so it is an error until this table says so."""

    file: str
    title: str
    version: str
    source: str
    version_at: tuple[str, ...]
    """Keys that lead to the version inside the file; the pinned version may stand beside other words there."""


CATALOG = Official(
    "nist/NIST_SP-800-53_rev5.2.0_catalog.json",
    "NIST SP 800-53 and SP 800-53A catalog, OSCAL 1.1.3",
    "5.2.0",
    "NIST OSCAL content of 2025-08-26 (public domain), as evidentia-core 0.13.2 carries it",
    ("catalog", "metadata", "version"),
)
RESOLVED = {
    name: Official(
        f"fedramp-rev5/FedRAMP_rev5_{name}-baseline-resolved-profile_catalog.json",
        f"FedRAMP Rev5 {name} baseline, resolved",
        "fedramp-3.0.0rc1-oscal-1.1.2",
        "OSCAL-Foundation/fedramp-resources@7ff67f7" + ("" if name == "LOW" else ", converted from its YAML"),
        ("catalog", "metadata", "version"),
    )
    for name in REV5
}
RULES = Official(
    "fedramp-2026/fedramp-consolidated-rules.json",
    "FedRAMP Consolidated Rules for 2026",
    "2026.07.14.01",
    "FedRAMP/rules@12fe1b6",
    ("info", "version"),
)
KSIS = Official(
    "fedramp-2026/schemas-2026-10/fedramp-ksi-2026.json",
    "FedRAMP Key Security Indicators",
    "2026.10.13.01",
    "FedRAMP/rules@a89d784, as evidentia-core 0.13.2 carries it",
    ("version",),
)
KSI_PAIRS = Official(
    "fedramp-2026/schemas-2026-10/fedramp-ksi-2026_to_nist-800-53-rev5.json",
    "FedRAMP Key Security Indicators, paired with NIST SP 800-53 controls",
    "2026.10.13.01",
    "FedRAMP/rules@a89d784, as evidentia-core 0.13.2 carries it",
    ("version",),
)
OFFICIALS = (CATALOG, *RESOLVED.values(), RULES, KSIS, KSI_PAIRS)


def extract(data: Path) -> dict[str, str]:
    """The text of each fact file, by name, from the folder of official files.

    Raises InputError for files that are missing or not the pinned ones, and where they contradict each other.
    """
    read = _read_officials(data)
    content = {file: value for file, (value, _) in read.items()}
    with _shape_of(data / CATALOG.file):
        nist = {id_: control for id_, control in _controls(content[CATALOG.file]["catalog"]) if not _withdrawn(control)}
    resolved: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, official in RESOLVED.items():
        with _shape_of(data / official.file):
            resolved[name] = {id_: _response_points(control) for id_, control in _controls(content[official.file]["catalog"])}
    points = _points(nist, resolved, data)
    with _shape_of(data / CATALOG.file):
        catalog = {id_: _control_facts(control, points[id_]) for id_, control in nist.items()}
    with _shape_of(data / RULES.file):
        baselines = content[RULES.file]["FRR"]["FRC"]["data"]["rev5"]["CSF"]["FRC-CSF-BSL"]["varies_by_class"]
        classes = {c: [control_id(i) for ids in baselines[c.lower()]["rev5_controls_list"].values() for i in ids] for c in CLASSES}
    ksis = _ksis(content, data)
    raise_all(
        f"{data / file}: {name} lists {id_}, which is not in {CATALOG.file}: give files of the same revision"
        for file, lists in ((RULES.file, classes), (KSI_PAIRS.file, {id_: ksi["controls"] for id_, ksi in ksis.items()}))
        for name, ids in lists.items()
        for id_ in ids
        if id_ not in catalog
    )
    order = {id_: place for place, id_ in enumerate(catalog)}
    for ksi in ksis.values():
        ksi["controls"].sort(key=order.__getitem__)
    return {
        "catalog.json": _dump(catalog, levels=1),
        "classes.json": _dump(
            {
                "classes": {name: _by_family(ids, order) for name, ids in classes.items()},
                "rev5": {name: _by_family(ids, order) for name, ids in resolved.items()},
            },
            levels=3,
        ),
        "ksis.json": _dump(ksis, levels=1),
        "sources.json": _dump(
            {o.file: {"title": o.title, "version": o.version, "source": o.source, "sha256": read[o.file][1]} for o in OFFICIALS},
            levels=2,
        ),
    }


def write(texts: Mapping[str, str], out: Path) -> None:
    """Each file appears whole or not at all. Raises InputError when the folder cannot be written."""
    temporary = {out / name: out / f".{name}.{os.getpid()}" for name in texts}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, unfinished in temporary.items():
            unfinished.write_text(texts[path.name], encoding="utf-8", newline="\n")
        for path, unfinished in temporary.items():
            unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error}): give a folder that can, with --out") from error
    finally:
        for unfinished in temporary.values():
            if unfinished.is_file():
                unfinished.unlink()


def differences(texts: Mapping[str, str], out: Path) -> list[str]:
    """Names of the fact files in a folder that are missing or differ."""
    return [name for name, text in texts.items() if not (out / name).is_file() or (out / name).read_bytes() != text.encode()]


def main(argv: Sequence[str] | None = None) -> int:
    """0: written, or with --check up to date; 1: with --check, differences; 2: wrong input."""
    parser = argparse.ArgumentParser("python -m claimstack.controls.refresh", description="Write controls/facts from the official files.")
    default = Path(os.environ.get("CLAIMSTACK_DATA") or "../shared/data")
    parser.add_argument("--data", type=Path, default=default, help="folder of the official files (CLAIMSTACK_DATA; now %(default)s)")
    parser.add_argument("--out", type=Path, default=FACTS, help="folder of the fact files (default: the one of this package)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the fact files differ")
    options = parser.parse_args(argv)
    try:
        texts = extract(options.data)
        if options.check:
            stale = differences(texts, options.out)
            for name in stale:
                print(f"{options.out / name}: differs from {options.data}: run python -m claimstack.controls.refresh", file=sys.stderr)
            return 1 if stale else 0
        write(texts, options.out)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.out}: {', '.join(texts)}")
    return 0


def _read_officials(data: Path) -> dict[str, tuple[Json, str]]:
    """Content and sha256 by file; all causes at once."""
    read: dict[str, tuple[Json, str]] = {}
    causes: list[str] = []
    for official in OFFICIALS:
        path = data / official.file
        try:
            raw = path.read_bytes()
            value: Any = json.loads(raw)
        except OSError as error:
            causes.append(f"{path}: cannot be read ({error.strerror}): name the folder of the official files by --data or CLAIMSTACK_DATA")
            continue
        except ValueError as error:
            causes.append(f"{path}: not JSON ({error}): give {official.title} {official.version}")
            continue
        read[official.file] = (value, hashlib.sha256(raw).hexdigest())
        for key in official.version_at:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, str) or not re.search(rf"(?<![\w.]){re.escape(official.version)}(?![\w.])", value):
            found = f"version {value}" if isinstance(value, str) else f"no version at {'/'.join(official.version_at)}"
            causes.append(f"{path}: {found}: give {official.title} {official.version}, or pin the new version in controls/refresh.py")
    raise_all(causes)
    return read


@contextmanager
def _shape_of(path: Path) -> Iterator[None]:
    """Name the file in every error that its content causes."""
    try:
        yield
    except InputError as error:
        raise InputError(*(f"{path}: {cause}" for cause in error.causes)) from error
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError) as error:
        raise InputError(f"{path}: not built as expected ({error!r}): give the official file unchanged") from error


def _controls(group: Json) -> Iterator[tuple[str, Json]]:
    for control in group.get("controls", []):
        yield control["id"], control
        yield from _controls(control)
    for inner in group.get("groups", []):
        yield from _controls(inner)


def _prop(part: Json, name: str, ns: str | None = None) -> str | None:
    return next((prop["value"] for prop in part.get("props", []) if prop["name"] == name and ns in (None, prop.get("ns"))), None)


def _withdrawn(control: Json) -> bool:
    return (_prop(control, "status") or "").lower() == "withdrawn"


def _statement(control: Json) -> Json:
    statement: Json = next(part for part in control["parts"] if part["name"] == "statement")
    return statement


def _lineages(part: Json, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """For the part and each one below it: ids from the top down to itself."""
    lineage = (*above, part["id"])
    yield lineage
    for inner in part.get("parts", []):
        yield from _lineages(inner, lineage)


def _response_points(control: Json) -> tuple[str, ...]:
    def marked(part: Json) -> Iterator[str]:
        if _prop(part, "response-point", FEDRAMP_NS) is not None:
            yield part["id"]
        for inner in part.get("parts", []):
            yield from marked(inner)

    return tuple(marked(_statement(control)))


def _points(nist: Mapping[str, Json], resolved: Mapping[str, Mapping[str, tuple[str, ...]]], data: Path) -> dict[str, tuple[str, ...]]:
    causes: list[str] = []
    points: dict[str, tuple[str, ...]] = {}
    for name, controls in resolved.items():
        path = data / RESOLVED[name].file
        for id_, marked in controls.items():
            if id_ not in nist:
                causes.append(f"{path}: {id_} is not in {CATALOG.file}: give files of the same revision")
            elif not marked:
                causes.append(f"{path}: {id_} has no response point: give the official file unchanged")
            elif points.setdefault(id_, marked) != marked:
                causes.append(f"{path}: {id_} has response points other than in a lower baseline: give files of the same release")
    raise_all(causes)
    with _shape_of(data / CATALOG.file):
        for id_, control in nist.items():
            statement = _statement(control)
            points.setdefault(id_, tuple(part["id"] for part in statement.get("parts", [])) or (statement["id"],))
    return points


def _control_facts(control: Json, points: tuple[str, ...]) -> Json:
    lineages = {lineage[-1]: lineage for lineage in _lineages(_statement(control))}
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


def _ksis(content: Mapping[str, Json], data: Path) -> dict[str, Json]:
    with _shape_of(data / KSI_PAIRS.file):
        pairs: dict[str, list[str]] = {}
        for mapping in content[KSI_PAIRS.file]["mappings"]:
            cited = mapping["notes"].partition("): ")[2]
            pairs.setdefault(mapping["source_control_id"], []).extend(control_id(id_) for id_ in cited.split(", "))
    with _shape_of(data / KSIS.file):
        ksis = {
            ksi["id"]: {"title": ksi["title"], "theme": ksi["family"], "controls": pairs.get(ksi["id"], [])}
            for ksi in sorted(content[KSIS.file]["controls"], key=lambda ksi: str(ksi["id"]))
        }
        cited_in_guidance = {
            ksi["id"]: {control_id(id_) for id_ in match[1].split(", ")} if (match := _CITED.search(ksi["guidance"])) else set()
            for ksi in content[KSIS.file]["controls"]
        }
    raise_all(
        f"{data / KSI_PAIRS.file}: {id_} has other controls than in {KSIS.file}: give files of the same release"
        for id_ in sorted({*cited_in_guidance, *pairs})
        if set(pairs.get(id_, [])) != cited_in_guidance.get(id_)
    )
    return ksis


_CITED = re.compile(r"verbatim\): (.+?)\.$", re.MULTILINE)


def _by_family(ids: Iterable[str], order: Mapping[str, int]) -> dict[str, list[str]]:
    families: dict[str, list[str]] = {}
    for id_ in sorted(ids, key=order.__getitem__):
        families.setdefault(id_.partition("-")[0], []).append(id_)
    return families


def _dump(value: Json, *, levels: int) -> str:
    """JSON with a line for each entry of the outer levels, so that a diff shows one control, not one file."""

    def lines(value: Any, levels: int, indent: str) -> str:
        if levels == 0:
            return json.dumps(value, ensure_ascii=False)
        inner = ",\n".join(f"{indent}  {json.dumps(key)}: {lines(entry, levels - 1, indent + '  ')}" for key, entry in value.items())
        return f"{{\n{inner}\n{indent}}}"

    return lines(value, levels, "") + "\n"


if __name__ == "__main__":
    sys.exit(main())
