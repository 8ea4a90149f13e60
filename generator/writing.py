"""Writing: a package onto disk, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.paths import MANIFEST

LONGEST_LINE = 100
"""Characters of a differing line that are shown, around the difference."""
MISSING: Final = object()
"""Stands for a value that one of two documents does not have."""


def write_package(files: Mapping[str, str], folder: Path) -> None:
    """Replace a package folder by these files (relative path to text).

    Everything is written beside the folder first and then renamed, so that an interrupted build leaves the old package. Raises
    InputError where the folder cannot be written, or holds files that no build of ours put there.
    """
    foreign = foreign_files(folder)
    if foreign:
        raise InputError(
            f"{folder}: holds {foreign[0]}"
            + (f" and {len(foreign) - 1} more files" if len(foreign) > 1 else "")
            + " that no build has written; move them away or choose another --out"
        )
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        try:
            for path, text in files.items():
                target = fresh / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="\n")
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
        except BaseException:
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); choose another --out or mend its permissions"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet. Raises InputError where it does, or where it cannot be written."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(_exists(path)) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another file, or mend the permissions") from error


def refuse_existing(path: Path) -> None:
    """Raise InputError where `write_new` would surely refuse, before anybody has answered a question for nothing."""
    if path.exists():
        raise InputError(_exists(path))
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it, or name another file")


def _exists(path: Path) -> str:
    return f"{path}: exists already; name another file, or move it away"


def foreign_files(folder: Path) -> list[str]:
    """Files in a package folder that its manifest does not list; every file where there is no manifest.

    Raises InputError where the folder is none, or where its manifest does not tell which files are ours.
    """
    if not folder.is_dir():
        if folder.exists():
            raise InputError(f"{folder}: is a file; a package is a folder")
        return []
    present = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = read_manifest(folder).get("files")
    if MANIFEST in present and not isinstance(listed, dict):
        raise InputError(
            f"{folder / MANIFEST}: does not list the files that a build has written; "
            "restore it, or remove the folder if nothing in it is yours"
        )
    return [path for path in present if path not in {*(listed or ()), MANIFEST}]


def built_packages() -> list[Path]:
    """Every package folder below `out/`, sorted."""
    return sorted(path.parent for path in Path("out").glob(f"*/{MANIFEST}"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a package folder; empty where there is none or it cannot be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def differences(files: Mapping[str, str], folder: Path) -> Iterator[str]:
    """What a package folder lacks, has too much, or has otherwise than these files; one line each."""
    if not folder.is_dir():
        yield f"{folder}: does not exist; run claimstack build"
        return
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for path in sorted(set(files) - present):
        yield f"{folder / path}: missing"
    for path in sorted(present - set(files)):
        yield f"{folder / path}: not written by a build"
    for path in sorted(present & set(files)):
        try:
            found = (folder / path).read_bytes()
        except OSError as error:
            yield f"{folder / path}: cannot be read ({error.strerror or error})"
            continue
        if found != files[path].encode():
            yield f"{folder / path}: {_first_difference(path, found.decode('utf-8', 'replace'), files[path])}"


def _first_difference(path: str, found: str, expected: str) -> str:
    """Where a text on disk is first not what the system file gives: a JSON pointer, or a line."""
    if found.splitlines() == expected.splitlines():
        return "differs from what the system file gives in its line endings"
    return (_json_difference(found, expected) if path.endswith(".json") else None) or _line_difference(found, expected)


def _line_difference(found: str, expected: str) -> str:
    """The first line that differs in more than white space; without one, the first that differs at all."""
    pairs = enumerate(zip_longest(found.splitlines(), expected.splitlines()), start=1)
    differing = [(number, there, given) for number, (there, given) in pairs if there != given]
    for number, there, given in differing:
        if there is None or given is None or there.split() != given.split():
            start = next((place for place, (one, other) in enumerate(zip(there or "", given or "", strict=False)) if one != other), 0)
            return f"line {number} is {_quoted(there, start)}, the system file gives {_quoted(given, start)}"
    return f"line {differing[0][0]} differs from what the system file gives in white space only"


def _json_difference(found: str, expected: str) -> str | None:
    """The first place where two documents differ, by its JSON pointer; None where one of them is no JSON."""
    try:
        differing = next(_unequal(json.loads(found), json.loads(expected), ""), None)
    except (ValueError, RecursionError):
        return None
    if differing is not None:
        pointer, there, given = differing
        return f"{pointer or 'the document'} is {_shown(there)}, the system file gives {_shown(given)}"
    if "".join(found.split()) == "".join(expected.split()):
        return "differs from what the system file gives in white space only"
    return "holds what the system file gives, in another order of keys or otherwise written"


def _unequal(there: Any, given: Any, pointer: str) -> Iterator[tuple[str, Any, Any]]:
    """Every innermost place where two documents differ, with both values; MISSING where one of them ends."""
    if isinstance(there, dict) and isinstance(given, dict):
        for key in (*given, *(key for key in there if key not in given)):
            below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from _unequal(there.get(key, MISSING), given.get(key, MISSING), below)
    elif isinstance(there, list) and isinstance(given, list):
        for index, (one, other) in enumerate(zip_longest(there, given, fillvalue=MISSING)):
            yield from _unequal(one, other, f"{pointer}/{index}")
    elif type(there) is not type(given) or there != given:
        yield pointer, there, given


def _shown(value: Any) -> str:
    if value is MISSING:
        return "missing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + "…"


def _quoted(line: str | None, start: int) -> str:
    """A line, or of a long one the part around the place where the difference starts."""
    if line is None:
        return "missing"
    if len(line.strip()) <= LONGEST_LINE:
        return repr(line.strip())
    first = max(0, min(start - LONGEST_LINE // 2, len(line) - LONGEST_LINE))
    part = line[first : first + LONGEST_LINE]
    return f"{'…' if first else ''}{part.strip()!r}{'…' if first + LONGEST_LINE < len(line) else ''}"


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write files or write them anew. Raises InputError with a line for each that cannot be written."""
    causes: list[str] = []
    for path, text in texts.items():
        try:
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            causes.append(f"{path}: cannot be written ({error.strerror or error}); name another file, or mend the permissions")
    raise_all(causes)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
