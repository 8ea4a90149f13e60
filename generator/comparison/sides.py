"""Sides: the packages that the two arguments of a comparison name, each a folder or a git revision, paired by name.

The rule: an argument that is an existing folder is that folder; any other is a git revision, in which the folder of --package is read, or
without it the folder that the other argument names, or `out`. Revisions are read from git's objects: nothing is checked out.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.comparison.reading import PACKAGE_FOLDERS, Contents, emptied, read_package
from claimstack.generator.paths import MANIFEST

DEFAULT_FOLDER = Path("out")


@dataclass(frozen=True, slots=True)
class Side:
    """The packages of one argument: a single one under the empty name, or several by the names of their folders."""

    label: str
    packages: Mapping[str, Contents]

    @property
    def is_package(self) -> bool:
        return set(self.packages) == {""}


@dataclass(frozen=True, slots=True)
class Pair:
    """A package on both sides; where it is on one only, the other is empty."""

    name: str
    old: Contents
    new: Contents


def read_pairs(old: str, new: str, package: Path | None) -> tuple[Pair, ...]:
    """Raises InputError for a revision that git does not have, a folder that holds no package, and for what cannot be paired."""
    folders = {argument: Path(argument).is_dir() for argument in (old, new)}
    if package is not None and all(folders.values()):
        raise InputError(f"--package: {old} and {new} are folders already; leave --package out, or name a revision")
    given = [Path(argument) for argument in (old, new) if folders[argument]]
    wanted = package or (given[0] if given else DEFAULT_FOLDER)
    before = _side(old, wanted, is_folder=folders[old])
    after = before if old == new else _side(new, wanted, is_folder=folders[new])
    if before.is_package and after.is_package:
        pair = Pair(after.packages[""].system, before.packages[""], after.packages[""])
        return (pair,)
    if before.is_package or after.is_package:
        single, several = (before, after) if before.is_package else (after, before)
        raise InputError(
            f"{single.label}: is a package, and {several.label} holds {len(several.packages)} ({', '.join(sorted(several.packages))}); "
            "name one of them"
        )
    names = sorted({*before.packages, *after.packages})
    return tuple(_pair(name, before.packages, after.packages) for name in names)


def _pair(name: str, old: Mapping[str, Contents], new: Mapping[str, Contents]) -> Pair:
    known = new.get(name) or old[name]
    return Pair(name, old.get(name) or emptied(known), new.get(name) or emptied(known))


def _side(argument: str, wanted: Path, *, is_folder: bool) -> Side:
    if is_folder:
        return _read_side(argument, *_folder(Path(argument)))
    return _read_side(f"{argument}:{wanted.as_posix()}", *_revision(argument, wanted))


def _read_side(label: str, names: Iterable[str], read: Callable[[list[str]], dict[str, bytes]]) -> Side:
    """Find the packages among the names of files, and read these and no other file."""
    names = list(names)
    roots = package_roots(names)
    if not roots:
        raise InputError(f"{label}: is no package and holds none: it has no {MANIFEST}; claimstack build writes one")
    wanted = [name for name in names if any(_within(name, root) for root in roots)]
    files = read(wanted)
    packages: dict[str, Contents] = {}
    causes: list[str] = []
    for root in roots:
        below = {name.removeprefix(f"{root}/" if root else ""): files[name] for name in wanted if _within(name, root)}
        try:
            packages[root] = read_package(f"{label}/{root}" if root else label, below)
        except InputError as error:
            causes += error.causes
    raise_all(causes)
    return Side(label, packages)


def package_roots(names: Iterable[str]) -> list[str]:
    """The folders, empty for the top one, that are packages or are left of one; below a package there is no other."""
    roots: set[str] = set()
    for name in names:
        parts = PurePosixPath(name).parts
        for depth in (0, 1):
            below = parts[depth:]
            if below and (below == (MANIFEST,) or (len(below) > 1 and below[0] in PACKAGE_FOLDERS)):
                roots.add("/".join(parts[:depth]))
    return [""] if "" in roots else sorted(roots)


def _within(name: str, root: str) -> bool:
    return not root or name.startswith(f"{root}/")


def _folder(folder: Path) -> tuple[list[str], Callable[[list[str]], dict[str, bytes]]]:
    """Names of the files in a folder, and how they are read. Only packages are walked: the folder may be a whole repository."""
    try:
        entries = sorted(folder.iterdir())
        below = [entry for entry in entries if entry.is_dir() and _looks_like_package(entry)]
        walked = [folder] if _looks_like_package(folder) else below
        names = [
            (Path(base) / name).relative_to(folder).as_posix() for root in walked for base, _, found in os.walk(root) for name in found
        ]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error}); mend its permissions") from error

    def read(wanted: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name in wanted:
            try:
                found[name] = (folder / name).read_bytes()
            except OSError as error:
                raise InputError(f"{folder / name}: cannot be read ({error.strerror or error}); mend its permissions") from error
        return found

    return sorted(names), read


def _looks_like_package(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() or any((folder / name).is_dir() for name in PACKAGE_FOLDERS)


def commit_of(revision: str, within: Path = Path()) -> str | None:
    """The id of a revision's commit, or None where the repository around `within` has no such revision."""
    found = _git(within, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    return found.decode().strip() if found is not None else None


def revision_files(revision: str, folder: Path, within: Path = Path()) -> dict[str, bytes]:
    """Every file that a folder has in a revision of the repository around `within`. Raises InputError as a comparison does."""
    names, read = _revision(revision, folder, within)
    return read(names)


def _revision(revision: str, folder: Path, within: Path = Path()) -> tuple[list[str], Callable[[list[str]], dict[str, bytes]]]:
    """Names of the files that a folder has in a revision, and how they are read from git's objects."""
    top = _git(within, "rev-parse", "--show-toplevel")
    if top is None:
        raise InputError(
            f"{revision}: is no folder, and here is no git repository in which it could be a revision; name two package folders"
        )
    repository = Path(top.decode().strip())
    commit = commit_of(revision, repository)
    if commit is None:
        raise InputError(
            f"{revision}: is neither a folder nor a revision that git finds here; correct it, or in a shallow clone fetch it first "
            "(git fetch --unshallow)"
        )
    resolved = folder.resolve()
    if not resolved.is_relative_to(repository.resolve()):
        raise InputError(f"{folder}: lies outside the repository {repository}, so that {revision} cannot have it; name it with --package")
    below = resolved.relative_to(repository.resolve()).as_posix()
    prefix = "" if below == "." else f"{below}/"
    listing = _git(repository, "ls-tree", "-r", "-z", "--full-tree", commit, *([prefix] if prefix else []))
    blobs: dict[str, str] = {}
    for entry in (listing or b"").decode("utf-8", "surrogateescape").split("\0"):
        meta, _, name = entry.partition("\t")
        if meta.split()[1:2] == ["blob"]:
            blobs[name.removeprefix(prefix)] = meta.split()[2]
    if not blobs:
        raise InputError(f"{revision}: has no {folder.as_posix()}; name the folder that it has with --package")

    def read(wanted: list[str]) -> dict[str, bytes]:
        return dict(zip(wanted, _objects(repository, [blobs[name] for name in wanted]), strict=True))

    return sorted(blobs), read


def _objects(repository: Path, ids: list[str]) -> list[bytes]:
    """The contents of git objects, in one process (git cat-file --batch: `<id> <type> <size>`, newline, content, newline)."""
    answered = _git(repository, "cat-file", "--batch", given="".join(f"{id_}\n" for id_ in ids).encode()) or b""
    found: list[bytes] = []
    start = 0
    for id_ in ids:
        end = answered.find(b"\n", start)
        head = answered[start:end].split()
        if end < 0 or len(head) != 3:
            raise InputError(f"git: object {id_} cannot be read; in a partial clone fetch it first")
        size = int(head[2])
        found.append(answered[end + 1 : end + 1 + size])
        start = end + 1 + size + 1
    return found


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    """What git prints, or None where it ends with an error."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; revisions come after --end-of-options
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - git is found as the user's shell finds it
            input=given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise InputError("git: is not installed, and without it no revision can be read; install it, or name two package folders") from None
    return done.stdout if done.returncode == 0 else None
