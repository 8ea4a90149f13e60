"""Lint: other tools' and our own rules over a package on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import MISSHAPEN, InputError, misshapen
from claimstack.controls.rules import ROUTES
from claimstack.generator.documents.fedramp.checks import check_fedramp
from claimstack.generator.documents.references.check import check_references
from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import read_back
from claimstack.generator.partition import Partition, partition_named
from claimstack.generator.paths import MANIFEST, TEST_RESULTS, template_path
from claimstack.generator.writing import read_manifest

FEDRAMP_READS = ("fedramp/", "cloudformation/", "evidence/")
"""The folders that the FedRAMP documents are held against."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding; `rule` is cfn-lint's id, `oscal` for a broken reference between or within OSCAL documents, `fedramp` for what the
    FedRAMP documents lack or contradict, or `package` for a file that is not as the manifest says."""

    file: str
    rule: str
    where: str
    message: str


def lint_package(folder: Path, regions: tuple[str, ...]) -> tuple[LintFinding, ...]:
    """Judge every template with cfn-lint, every OSCAL document with the reference checker, the FedRAMP documents with our own rules, and
    every file by the manifest.

    Raises InputError where the folder is no package, a document of it cannot be read, or cfn-lint is not installed.
    """
    templates = {path.stem: path.read_text(encoding="utf-8") for path in template_files(folder)}
    findings = [finding for stack, text in templates.items() for finding in lint_template(stack, text, regions)]
    documents = {f"oscal/{path.name}": _document(path) for path in sorted((folder / "oscal").glob("*.json"))}
    try:
        emitted = read_back(templates, results=_read(folder / TEST_RESULTS))
        broken = check_references(documents, load_catalog(), _class(folder), emitted.resolves, _texts(folder))
        fedramp = tuple(lint_fedramp(folder))
    except InputError as error:
        raise InputError(*(f"{folder}/{cause}" for cause in error.causes)) from None
    except MISSHAPEN as error:
        changed = ", ".join(finding.file for finding in lint_manifest(folder)) or "a document"
        raise InputError(f"{folder}: {changed}: not as claimstack build writes it ({misshapen(error)}); build the package again") from error
    oscal = (LintFinding(item.document, "oscal", item.pointer.removeprefix("/"), item.message) for item in broken)
    return (*findings, *oscal, *fedramp, *lint_manifest(folder))


def lint_manifest(folder: Path) -> Iterator[LintFinding]:
    """Files that the manifest lists and that are missing, or were changed after the build; a missing manifest."""
    listed = read_manifest(folder).get("files")
    if not isinstance(listed, dict):
        yield LintFinding(MANIFEST, "package", "", "is missing or lists no files, so that nobody can tell what was changed; build it again")
        return
    for name, digest in listed.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            yield LintFinding(name, "package", "", f"cannot be read ({error.strerror}), and the manifest lists it")
            continue
        if found != digest:
            yield LintFinding(name, "package", "", "was changed after the build: its sha256 is not the one that the manifest lists")


def lint_fedramp(folder: Path) -> Iterator[LintFinding]:
    """What is wrong with the FedRAMP documents of a package; values that are visibly open are no finding.

    Nothing is said of a folder whose manifest names neither class nor route.
    """
    class_, route = _class(folder), str(read_manifest(folder).get("certification"))
    if class_ is None or route not in ROUTES:
        return
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    documents = {name: _read(path) for name, path in paths.items() if name.startswith(FEDRAMP_READS) and name.endswith(".json")}
    for item in check_fedramp(documents, class_, route, frozenset(paths)):
        if item.level == "error":
            yield LintFinding(item.document, "fedramp", item.pointer.removeprefix("/"), item.message)


def _document(path: Path) -> Json:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); build the package again") from None


def _class(folder: Path) -> str | None:
    """The class that the manifest of a package names, where there is such a class."""
    stated = str(read_manifest(folder).get("class"))
    return stated if stated in load_catalog().classes else None


def _texts(folder: Path) -> dict[str, str]:
    """Every file of a package by its path, where it can be read."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        with suppress(OSError, UnicodeDecodeError):
            texts[path.relative_to(folder).as_posix()] = path.read_bytes().decode()
    return texts


def _read(path: Path) -> Json:
    """What a JSON file holds, or None where it cannot be read."""
    try:
        return _document(path)
    except InputError:
        return None


def template_files(folder: Path) -> list[Path]:
    """The templates of a package: the files below cloudformation/ that have Resources."""
    found = sorted((folder / "cloudformation").glob("*.json"))
    if not found:
        raise InputError(f"{folder}: has no cloudformation/*.json; is it a package that claimstack build wrote?")
    return [path for path in found if isinstance(document := _document(path), dict) and "Resources" in document]


def lint_template(stack: str, text: str, regions: tuple[str, ...]) -> Iterator[LintFinding]:
    """cfn-lint's errors, warnings and informational findings on one template."""
    try:
        from cfnlint.api import lint
        from cfnlint.config import ManualArgs
    except ImportError as error:
        raise InputError("cfn-lint is not installed: pip install 'claimstack[lint]'") from error
    for match in lint(text, config=ManualArgs(regions=list(regions), include_checks=["I"])):
        yield LintFinding(template_path(stack), match.rule.id, "/".join(map(str, getattr(match, "path", None) or [])), match.message)


def partition_of_package(folder: Path) -> Partition:
    """The partition that a package was built for, from its manifest. Raises InputError where it names none that is known."""
    partition = partition_named(read_manifest(folder).get("partition"))
    if partition is None:
        raise InputError(f"{folder}: has no manifest.json that names its partition; build it again, or name regions with --region")
    return partition
