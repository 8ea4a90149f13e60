"""Upgrade: what a new build does to the identities and to the stored data of a system that an earlier one deployed."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from claimstack.generator.emitted import value_at
from claimstack.generator.moved import Moved

STATEFUL = frozenset(
    {
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        # Others hold what a replacement would change: client ids and secrets, scopes, the token URL, confirmed subscriptions, DNS targets.
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::Cognito::UserPoolClient",
        "AWS::Cognito::UserPoolDomain",
        "AWS::Cognito::UserPoolResourceServer",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
    }
)
RETAINED = ("Retain", "RetainExceptOnCreate")
NAMED_BY_CONTENT = frozenset({"AWS::ApiGateway::Deployment"})
"""A deployment is immutable: a new logical id is how a changed API reaches its stage."""
NOT_TEMPLATES = ("parameters.example.json", "deployer-policy.json", "key-policy.json", "stack-policy.json")


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
        if folder == "cloudformation" and name.endswith(".json") and name not in NOT_TEMPLATES:
            for logical_id, resource in json.loads(text)["Resources"].items():
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
        changed = [
            ".".join(path)
            for path in create_only(resource["Type"], region)
            if value_at(resource.get("Properties", {}), path) != value_at(current.resources[name].get("Properties", {}), path)
        ]
        if changed:
            yield _replaced(name, resource, f"{', '.join(changed)} changed, which cannot be changed in place")


def _replaced(name: str, resource: Mapping[str, Any], why: str) -> str:
    return (
        f"stateful {name} ({resource['Type']}) would be replaced: {why}; "
        f"keep it, or admit the loss with Moved('replacement', '{name}', …) in generator/moved.py"
    )


def is_stateful(resource: Mapping[str, Any]) -> bool:
    """Of a type that stores something or that others rely on, or retained by its own declaration."""
    return resource["Type"] in STATEFUL or resource.get("DeletionPolicy") in RETAINED


@cache
def create_only(resource_type: str, region: str) -> tuple[tuple[str, ...], ...]:
    """Paths of the properties whose change replaces the resource, always or under conditions; of a path and one below it only the shorter.

    Source: the provider schemas that cfn-lint carries.
    """
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, resource_type).schema
    listed = {*(schema.get("createOnlyProperties") or ()), *(schema.get("conditionalCreateOnlyProperties") or ())}
    paths = {tuple(pointer.split("/")[2:]) for pointer in listed}
    return tuple(sorted(path for path in paths if not any(path[:length] in paths for length in range(1, len(path)))))


def previous_package(repository: Path, system: str) -> tuple[str, dict[str, str]]:
    """The revision before this one and the package of a system as it stands there; no files where that commit has no such system.

    A first commit, or a clone that is one commit deep, has no previous commit: then it is the package that HEAD itself holds.
    """
    revision = "HEAD~1" if _git_finds(repository, "HEAD~1^{commit}") else "HEAD"
    folder = f"out/{system}"
    if not _git_finds(repository, f"{revision}:{folder}"):
        return revision, {}
    archive = _git(repository, "archive", "--format=tar", revision, folder)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers() if member.isfile()}
        return revision, {name.removeprefix(f"{folder}/"): file.read().decode() for name, file in files.items() if file is not None}


def _git_finds(repository: Path, name: str) -> bool:
    return (
        subprocess.run(["git", "-C", repository, "rev-parse", "--quiet", "--verify", name], capture_output=True, check=False).returncode
        == 0
    )


def _git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", repository, *arguments], capture_output=True, check=True).stdout
