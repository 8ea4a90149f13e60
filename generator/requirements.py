"""Requirements: the locked packages of the runtime image, and which of them asks for which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claimstack.controls.errors import raise_all

REQUIREMENT: Final = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[^\]]*\])?==(?P<version>[\w.!+]+)(?P<rest>.*)")
CONTINUED: Final = "\\"
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package by exact version and by the files that may be it."""

    name: str
    version: str
    sha256: frozenset[str]
    asked_by: tuple[str, ...] = ()
    """Names of the packages that need it, as the lock's `# via` says."""

    @property
    def purl(self) -> str:
        """Package URL, https://github.com/package-url/purl-spec."""
        return f"pkg:pypi/{self.name}@{self.version}"


def normal_name(name: str) -> str:
    """A project's name as the index compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirements(text: str, file: str) -> tuple[Requirement, ...]:
    """The packages of a lock as uv and pip-compile write it. Raise InputError with a cause for each line that locks nothing."""
    wrong: list[str] = []
    found = tuple(_requirements(text, file, wrong))
    raise_all(wrong)
    return found


def _requirements(text: str, file: str, wrong: list[str]) -> Iterator[Requirement]:
    for line, entry in _entries(text):
        stated, _, comment = entry.partition("# via")
        stated = stated.partition("#")[0].strip()
        if not stated or stated.startswith("-"):
            continue
        known = REQUIREMENT.match(stated)
        if known is None:
            wrong.append(f"{file}: line {line}: {stated.split()[0]}: names no exact version; lock it with uv pip compile --generate-hashes")
            continue
        name, version = normal_name(known["name"]), known["version"]
        hashes = frozenset(HASH.findall(known["rest"]))
        if ";" in HASH.sub("", known["rest"]):
            wrong.append(f"{file}: line {line}: {name}: has a condition; lock for the platform of the image alone, without --universal")
        elif not hashes:
            wrong.append(f"{file}: line {line}: {name}: has no hash; lock it with uv pip compile --generate-hashes")
        else:
            asking = tuple(normal_name(each) for each in re.split(r"[,#\s]+", comment) if re.fullmatch(r"[\w.-]+", each) and each[0] != "-")
            yield Requirement(name, version, hashes, asking)


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """Each requirement on one line, with the comment lines that follow it, and the number of its first line."""
    started, entry = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if entry and (entry.endswith(CONTINUED) or line.startswith((" ", "\t"))):
            entry = f"{entry.removesuffix(CONTINUED)} {line.strip()}"
            continue
        if entry:
            yield started, entry
        started, entry = number, line.strip()
    if entry:
        yield started, entry
