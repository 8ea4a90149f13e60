"""Writing: a package onto disk, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from claimstack.controls.errors import InputError

MANIFEST = "manifest.json"


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
        raise InputError(f"{path}: exists already; name another file, or move it away") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def foreign_files(folder: Path) -> list[str]:
    """Files in a package folder that its manifest does not list; every file where there is no manifest."""
    if not folder.is_dir():
        if folder.exists():
            raise InputError(f"{folder}: is a file; a package is a folder")
        return []
    present = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = set(read_manifest(folder).get("files", {})) | {MANIFEST}
    return [path for path in present if path not in listed]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a package folder; empty where there is none or it cannot be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
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
        found = (folder / path).read_bytes()
        if found != files[path].encode():
            yield f"{folder / path}: {_first_difference(found.decode('utf-8', 'replace'), files[path])}"


def _first_difference(found: str, expected: str) -> str:
    """The first line in which a text on disk is not what the system file gives."""
    pairs = zip_longest(found.splitlines(), expected.splitlines())
    for number, (there, given) in enumerate(pairs, start=1):
        if there != given:
            return f"line {number} is {_quoted(there)}, the system file gives {_quoted(given)}"
    return "differs from what the system file gives in its line endings"


def _quoted(line: str | None) -> str:
    return "missing" if line is None else repr(textwrap.shorten(line, 100))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
