"""Upgrade: what a new build does to the identities and to the stored data of a system that an earlier one deployed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimstack.controls.errors import InputError
from claimstack.generator.comparison.replacement import NAMED_BY_CONTENT, changed_create_only, is_stateful
from claimstack.generator.comparison.sides import commit_of, revision_files
from claimstack.generator.moved import Moved


@dataclass(frozen=True)
class Build:
    """What an upgrade must keep of one build of one system."""

    resources: Mapping[str, Mapping[str, Any]]
    """`<stack>.<logical id>` to the resource."""
    components: Mapping[str, str]
    """OSCAL component uuid to title."""
    checks: frozenset[str]


def read_build(files: Mapping[str, str]) -> Build:
    """Read the identities out of the files of a package (path below out/<system>/ to text)."""
    resources = {}
    for path, text in files.items():
        folder, _, name = path.rpartition("/")
        if folder == "cloudformation" and name.endswith(".json"):
            for logical_id, resource in json.loads(text).get("Resources", {}).items():
                resources[f"{name.removesuffix('.json')}.{logical_id}"] = resource
    definition = json.loads(files["oscal/component-definition.json"])["component-definition"]
    return Build(
        resources=resources,
        components={component["uuid"]: component["title"] for component in definition["components"]},
        checks=frozenset(check["id"] for check in json.loads(files["evidence/facts.json"])["checks"]),
    )


def problems(previous: Build, current: Build, moved: tuple[Moved, ...], region: str) -> list[str]:
    """What breaks for a deployed system, one line each; an identity that is gone, renamed or removed, needs a `moved` entry."""
    return [
        *_lost("logical-id", _stable_logical_ids(previous), _stable_logical_ids(current), moved),
        *_changed_types(previous, current),
        *_lost("uuid", previous.components, current.components, moved),
        *_lost("check", dict.fromkeys(sorted(previous.checks), ""), current.checks, moved),
        *_replacements(previous, current, moved, region),
    ]


def _stable_logical_ids(build: Build) -> dict[str, str]:
    return {name: resource["Type"] for name, resource in build.resources.items() if resource["Type"] not in NAMED_BY_CONTENT}


def _lost(kind: str, previous: Mapping[str, str], current: Mapping[str, str] | frozenset[str], moved: tuple[Moved, ...]) -> Iterator[str]:
    entries = {entry.old: entry for entry in moved if entry.kind == kind}
    for old, what in previous.items():
        if old in current:
            continue
        described = f"{kind} {old}" + (f" ({what})" if what else "")
        if old not in entries:
            yield f"{described} is gone; keep it, or add Moved('{kind}', '{old}', …) to generator/moved.py"
        elif entries[old].new is not None and entries[old].new not in current:
            yield f"{described} has moved to {entries[old].new}, which this build does not have; correct generator/moved.py"


def _changed_types(previous: Build, current: Build) -> Iterator[str]:
    for name, resource in previous.resources.items():
        now = current.resources.get(name, resource)["Type"]
        if now != resource["Type"]:
            yield f"logical-id {name} was {resource['Type']} and is {now}: CloudFormation refuses to change a type; take a new logical id"


def _replacements(previous: Build, current: Build, moved: tuple[Moved, ...], region: str) -> Iterator[str]:
    admitted = {entry.old for entry in moved if entry.kind == "replacement"}
    for name, resource in previous.resources.items():
        if name in admitted or not is_stateful(resource):
            continue
        if name not in current.resources:
            yield _replaced(name, resource, "its logical id is gone")
            continue
        changed = changed_create_only(resource, current.resources[name], region)
        if changed:
            yield _replaced(name, resource, f"{', '.join(changed)} changed, which cannot be changed in place")


def _replaced(name: str, resource: Mapping[str, Any], why: str) -> str:
    return (
        f"stateful {name} ({resource['Type']}) would be replaced: {why}; "
        f"keep it, or admit the loss with Moved('replacement', '{name}', …) in generator/moved.py"
    )


def previous_package(repository: Path, system: str) -> tuple[str, dict[str, str]]:
    """The revision before this one and the package of a system as it stands there; no files where that commit has no such system.

    A first commit, or a clone that is one commit deep, has no previous commit: then it is the package that HEAD itself holds.
    """
    revision = "HEAD~1" if commit_of("HEAD~1", repository) else "HEAD"
    try:
        files = revision_files(revision, repository / "out" / system, repository)
    except InputError:
        return revision, {}
    return revision, {path: content.decode() for path, content in files.items()}
