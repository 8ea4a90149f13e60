"""Refresh: writes the facts in `controls/facts` from the pinned official files.

Run it as `python -m claimstack.controls.refresh`. `officials` pins the files; `extraction`, `rulings` and `wordings` say where each fact
comes from.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from claimstack.controls.errors import InputError, raise_all
from claimstack.controls.extraction import catalog_facts, class_facts, ksi_facts, optional_ksis
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
    read_pinned,
)
from claimstack.controls.rulings import rule_facts
from claimstack.controls.wordings import (
    addition_wordings,
    ksi_wordings,
    listed_wordings,
    parameter_wordings,
    point_wordings,
    rule_wordings,
)

FACTS = Path(__file__).parent / "facts"


def extract(data: Path) -> dict[str, str]:
    """The text of each fact file, by name, from the folder of official files.

    Raises InputError for files that are missing or not the pinned ones, and where they contradict each other.
    """
    read = read_pinned(data, (*OFFICIALS, *SCHEMAS))
    baselines = {name: read[official.file] for name, official in RESOLVED.items()}
    catalog, resolved, problems = catalog_facts(read[CATALOG.file], baselines)
    raise_all(problems)
    classes = class_facts(read[RULES.file])
    ksis = ksi_facts(read[KSIS.file], read[KSI_PAIRS.file])
    raise_all(
        f"{read[file].path}: {name} lists {id_}, which is not in {CATALOG.file}: give files of the same revision"
        for file, lists in ((RULES.file, classes), (KSI_PAIRS.file, {id_: ksi["controls"] for id_, ksi in ksis.items()}))
        for name, ids in lists.items()
        for id_ in ids
        if id_ not in catalog
    )
    order = {id_: place for place, id_ in enumerate(catalog)}
    for ksi in ksis.values():
        ksi["controls"].sort(key=order.__getitem__)
    rules, problems = rule_facts(read[PROVIDER_RULES.file], read[RULES.file])
    raise_all(problems)
    rules["only_in"] = {RULES.version: rules["only_in"]["consolidated"], PROVIDER_RULES.version: rules["only_in"]["extract"]}
    rules["optional_ksis"] = optional_ksis(read[KSIS.file])
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
        "rules.json": _dump(rules, levels=2),
        "schemas.json": _dump(_pins(SCHEMAS, read), levels=2),
        "sources.json": _dump(_pins(OFFICIALS, read), levels=2),
        "wordings.json": _dump(
            {
                "points": point_wordings(read[CATALOG.file], catalog),
                "parameters": parameter_wordings(read[CATALOG.file], catalog),
                "additions": addition_wordings(baselines, read[RULES.file]),
                "ksis": ksi_wordings(read[KSIS.file]),
                "rules": rule_wordings(read[PROVIDER_RULES.file]),
                "listed": listed_wordings(read[RULES.file]),
            },
            levels=2,
        ),
    }


def _pins(officials: Iterable[Official], read: Mapping[str, Read]) -> Json:
    return {o.file: {"title": o.title, "version": o.version, "source": o.source, "sha256": read[o.file].sha256} for o in officials}


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
