"""Checking: what one build has found, and what a package on disk says otherwise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimstack.controls.errors import InputError
from claimstack.generator.documents.evidence.coverage import status_counts
from claimstack.generator.evaluation import Evaluated, Fact, read_back
from claimstack.generator.package import Package, judge
from claimstack.generator.paths import MANIFEST, template_path
from claimstack.generator.predicates import Outcome
from claimstack.generator.writing import differences, read_manifest


@dataclass(frozen=True, slots=True)
class Checked:
    """A package on disk, held against the one that its system file gives."""

    differences: tuple[str, ...]
    """Of the files, one line each, and what kept the templates from being judged."""
    judged: Evaluated | None
    """What the checks found in the templates on disk, whoever wrote them; None where one of them is no template."""


def check_package(package: Package, folder: Path, environment: Path | None = None) -> Checked:
    """Compare a package folder file by file, and judge its templates as they stand there."""
    if not folder.is_dir():
        return Checked((f"{folder}: does not exist; run claimstack build",), None)
    found = tuple(f"differs: {difference}" for difference in differences(package.files, folder))
    if found and read_manifest(folder).get("generator", ours := _generator(package)) != ours:
        found += (
            f"{folder}: was written by other sources of claimstack than these, which may be why; claimstack build brings it up to date",
        )
    unreadable: list[str] = []
    texts: dict[str, str] = {}
    for stack in package.system.stacks:
        path = folder / "cloudformation" / f"{stack}.json"
        try:
            texts[stack] = path.read_text(encoding="utf-8")
            read_back({stack: texts[stack]})
        except (OSError, ValueError, RecursionError) as error:
            unreadable.append(f"{path}: cannot be read as JSON ({error})")
        except InputError as error:
            unreadable += [f"{folder}/{cause}" for cause in error.causes]
    if not unreadable and all(package.files[template_path(stack)] == text for stack, text in texts.items()):
        return Checked(found, package.evaluated)
    try:
        judged = None if unreadable else judge(package.system, texts, environment, package.redaction)
    except InputError as error:
        judged = None
        unreadable = [f"{folder}: {cause}" for cause in error.causes]
    return Checked((*found, *(f"not judged: {cause}" for cause in unreadable)), judged)


def _generator(package: Package) -> Any:
    return json.loads(package.files[MANIFEST])["generator"]


def summary(package: Package, folder: Path, checked: Checked | None = None) -> dict[str, Any]:
    """What `claimstack build --json` says of one system: what was found, after a check in the templates on disk.

    `built` is then what the system file gives. `judged` is false where the templates on disk could not be judged: what was found is
    of the built ones in that case.
    """
    built = found_in(package.evaluated)
    judged = checked.judged if checked is not None else package.evaluated
    return {
        "system": package.system.config.name,
        "folder": str(folder),
        "files": len(package.files),
        **(built if judged is None or judged is package.evaluated else found_in(judged)),
        "judged": judged is not None,
        "built": built if checked is not None else None,
        "warnings": package.system.warnings,
        "problems": list(checked.differences) if checked is not None else [],
    }


def found_in(evaluated: Evaluated) -> dict[str, Any]:
    """Facts with those that failed and the numbers of those that wait for a deployment or for a test, points and controls by status."""
    return {
        "facts": len(evaluated.facts),
        "failed_facts": [_failed(fact) for fact in evaluated.failed],
        "conditional_facts": sum(fact.outcome is Outcome.CONDITIONAL for fact in evaluated.facts),
        "not_evaluated_facts": sum(fact.outcome is Outcome.NOT_EVALUATED for fact in evaluated.facts),
        **status_counts(evaluated),
    }


def failure(fact: dict[str, Any]) -> str:
    """A failed fact of a summary on one line."""
    found = "nothing" if fact["actual"] is None else json.dumps(fact["actual"], ensure_ascii=False)
    return f"{fact['pointer']}: {fact['expected']}; found {found} ({fact['check']})"


def _failed(fact: Fact) -> dict[str, Any]:
    return {"check": fact.check, "pointer": fact.pointer, "expected": fact.expected, "actual": fact.actual}
