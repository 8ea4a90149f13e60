"""Officials: the official files that the facts come from, each pinned by version, and how they are read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimstack.controls.errors import MISSHAPEN, InputError, misshapen, raise_all

Json = dict[str, Any]

REV5 = ("LOW", "MODERATE", "HIGH")
_FEDRAMP_SCHEMAS = "fedramp-2026/schemas-*/{}"


@dataclass(frozen=True, slots=True)
class Official:
    """An official file, pinned: another version needs another source, so it is an error until these tables say so."""

    file: str
    title: str
    version: str
    source: str
    version_at: tuple[str, ...]
    """Keys that lead to the version inside the file; the pinned version may stand beside other words there."""
    successors: str = ""
    """Glob for later editions, where the name of the file or of its folder moves with the version."""

    def version_of(self, content: object) -> str | None:
        """What the file says at `version_at`."""
        value: Any = content
        for key in self.version_at:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None

    def is_pinned(self, stated: str | None) -> bool:
        return stated is not None and re.search(rf"(?<![\w.]){re.escape(self.version)}(?![\w.])", stated) is not None


CATALOG = Official(
    "nist/NIST_SP-800-53_rev5.2.0_catalog.json",
    "NIST SP 800-53 and SP 800-53A catalog, OSCAL 1.1.3",
    "5.2.0",
    "NIST OSCAL content of 2025-08-26 (public domain), as evidentia-core 0.13.2 carries it",
    ("catalog", "metadata", "version"),
    "nist/NIST_SP-800-53_rev*_catalog.json",
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
PROVIDER_RULES = Official(
    "fedramp-2026/schemas-2026-10/fedramp-frr-2026.json",
    "FedRAMP Consolidated Rules for 2026, rules for providers",
    "2026.10.13.01",
    "FedRAMP/rules@a89d784, as evidentia-core 0.13.2 carries it",
    ("version",),
    _FEDRAMP_SCHEMAS.format("fedramp-frr-*.json"),
)
KSIS = Official(
    "fedramp-2026/schemas-2026-10/fedramp-ksi-2026.json",
    "FedRAMP Key Security Indicators",
    "2026.10.13.01",
    "FedRAMP/rules@a89d784, as evidentia-core 0.13.2 carries it",
    ("version",),
    _FEDRAMP_SCHEMAS.format("fedramp-ksi-20[0-9][0-9].json"),
)
KSI_PAIRS = Official(
    "fedramp-2026/schemas-2026-10/fedramp-ksi-2026_to_nist-800-53-rev5.json",
    "FedRAMP Key Security Indicators, paired with NIST SP 800-53 controls",
    "2026.10.13.01",
    "FedRAMP/rules@a89d784, as evidentia-core 0.13.2 carries it",
    ("version",),
    _FEDRAMP_SCHEMAS.format("fedramp-ksi-20[0-9][0-9]_to_nist-800-53-rev5.json"),
)
OFFICIALS = (CATALOG, *RESOLVED.values(), RULES, PROVIDER_RULES, KSIS, KSI_PAIRS)
"""Where the facts come from."""


def _fedramp_schema(folder: str, name: str, title: str, version: str, source: str) -> Official:
    file = f"fedramp-{name}-schema-2026-06-24.json"
    successors = _FEDRAMP_SCHEMAS.format(f"fedramp-{name}-schema-*.json")
    return Official(f"fedramp-2026/{folder}/{file}", title, version, source, ("$schemaVersion",), successors)


_JULY, _OCTOBER = ("schemas-2026-07-15", "FedRAMP/schemas@ae0dc43"), ("schemas-2026-10", "FedRAMP/schemas@0e836c0")
SCHEMAS = (
    *(
        _fedramp_schema(folder, name, f"FedRAMP schema: {title}", version, source)
        for (folder, source), name, title, version in (
            (_OCTOBER, "security-decision-record", "Security Decision Record", "1.1.1"),
            (_OCTOBER, "common-definitions", "common definitions", "0.4.1"),
            (_OCTOBER, "significant-change-notifications", "Significant Change Notifications", "0.1.3"),
            (_JULY, "certification-package-overview", "Certification Package Overview", "0.1.2"),
            (_JULY, "ongoing-certification-report", "Ongoing Certification Report", "0.1.1"),
            (_JULY, "accepted-vulnerability-info", "accepted vulnerability information", "0.1.0"),
        )
    ),
    *(
        Official(
            f"oscal-schemas/oscal_{name}_schema.json",
            f"OSCAL schema: {title}",
            "1.2.1",
            "usnistgov/OSCAL 1.2.1, as oscal-compass/compliance-trestle@0e354a5 carries it",
            ("$id",),
        )
        for name, title in (
            ("assessment-plan", "assessment plan"),
            ("assessment-results", "assessment results"),
            ("complete", "all models"),
            ("component", "component definition"),
            ("poam", "plan of action and milestones"),
            ("profile", "profile"),
            ("ssp", "system security plan"),
        )
    ),
)
"""What the documents are valid against. FedRAMP's file names stand still while `$schemaVersion` and content move: all are pinned."""


@dataclass(frozen=True, slots=True)
class Read:
    """An official file as it was read."""

    file: str
    """As `Official.file` names it; the path may be that of a later edition."""
    path: Path
    value: Json
    sha256: str


def read_newest(data: Path, official: Official) -> tuple[Read, str] | None:
    """The newest edition of a file in a folder with the version it states, whatever the pinned one; None where there is none.

    Raises InputError for a file that is not JSON or does not state a version where that file does.
    """
    paths = {data / official.file, *(data.glob(official.successors) if official.successors else ())}
    found: list[tuple[tuple[int, ...], tuple[int, ...], Read, str]] = []
    for path in sorted(path for path in paths if path.exists()):
        try:
            raw = path.read_bytes()
            value: Any = json.loads(raw)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as JSON ({error}): give {official.title}") from error
        stated = official.version_of(value)
        if stated is None:
            raise InputError(f"{path}: no version at {'/'.join(official.version_at)}: this is not {official.title}")
        read = Read(official.file, path, value, hashlib.sha256(raw).hexdigest())
        found.append((numbers(stated), numbers(path.relative_to(data).as_posix()), read, stated))
    return max(found, key=lambda each: each[:2])[2:] if found else None


def numbers(text: str) -> tuple[int, ...]:
    """The numbers in a version or a path, to tell which is newer."""
    return tuple(int(number) for number in re.findall(r"\d+", text))


def read_pinned(data: Path, officials: Iterable[Official]) -> dict[str, Read]:
    """What was read by file. Raises InputError with all causes at once for files that are missing or not the pinned ones."""
    read: dict[str, Read] = {}
    causes: list[str] = []
    for official in officials:
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
        read[official.file] = Read(official.file, path, value, hashlib.sha256(raw).hexdigest())
        stated = official.version_of(value)
        if not official.is_pinned(stated):
            found = f"version {stated}" if stated is not None else f"no version at {'/'.join(official.version_at)}"
            causes.append(f"{path}: {found}: give {official.title} {official.version}, or pin the new version in controls/officials.py")
    raise_all(causes)
    return read


@contextmanager
def shape_of(path: Path) -> Iterator[None]:
    """Name the file in every error that its content causes."""
    try:
        yield
    except InputError as error:
        raise InputError(*(f"{path}: {cause}" for cause in error.causes)) from error
    except MISSHAPEN as error:
        raise InputError(f"{path}: not built as expected ({misshapen(error)}): give the official file unchanged") from error


@contextmanager
def entry_of(id_: str) -> Iterator[None]:
    """Name the control, KSI or rule whose content is not built as expected; stands within `shape_of`, which names the file."""
    try:
        yield
    except MISSHAPEN as error:
        raise InputError(
            f"{id_}: not built as expected ({misshapen(error)}): compare the entry with the pinned edition, "
            "or give the official file unchanged"
        ) from error
