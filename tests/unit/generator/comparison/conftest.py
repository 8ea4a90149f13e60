"""Packages of systems that differ in one thing, each built once; only what a comparison reads, so that a build takes little time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
from tests.unit.generator import conftest

from claimstack.generator.build import build
from claimstack.generator.comparison.comparing import compare
from claimstack.generator.comparison.findings import Comparison
from claimstack.generator.comparison.reading import Contents, read_package
from claimstack.generator.config import Config
from claimstack.generator.documents.evidence.coverage import render_coverage
from claimstack.generator.documents.evidence.facts import render_facts
from claimstack.generator.documents.evidence.results import render_results
from claimstack.generator.documents.generator_sources import sources_sha256
from claimstack.generator.documents.oscal.component_definition import render_component_definition
from claimstack.generator.extensions import Extension
from claimstack.generator.package import emit, judge
from claimstack.generator.paths import MANIFEST, TEST_RESULTS
from claimstack.generator.writing import sha256

RENDERED: Mapping[str, Any] = {
    "evidence/facts.json": render_facts,
    "evidence/coverage.json": render_coverage,
    "oscal/component-definition.json": render_component_definition,
    TEST_RESULTS: render_results,
}

COMMERCIAL, GOVCLOUD = ({**tables, "as_of": "2026-11-01"} for tables in (conftest.COMMERCIAL, conftest.GOVCLOUD))


def retention(value: str) -> dict[str, Any]:
    return {"au-11_odp": {"value": value, "reason": "Asked for.", "approver": "The owner", "date": "2026-11-01"}}


def files_of(tables: Mapping[str, Any], extensions: tuple[Extension, ...] = ()) -> dict[str, str]:
    """The files of a package that a comparison reads, as a build writes them."""
    system = build(Config.model_validate_json(json.dumps(tables)), extensions)
    templates = emit(system)
    evaluated = judge(system, templates)
    rendered = {f"cloudformation/{stack}.json": text for stack, text in templates.items()}
    rendered |= {path: json.dumps(render(evaluated), indent=2, default=str) for path, render in RENDERED.items()}
    manifest = {
        "system": system.config.name,
        "partition": system.config.partition.name,
        "class": system.config.class_,
        "certification": system.config.certification,
        "generator": {"sources_sha256": sources_sha256()},
        "files": {path: sha256(text) for path, text in rendered.items()},
    }
    return {**rendered, MANIFEST: json.dumps(manifest)}


@cache
def _files(tables: str) -> dict[str, str]:
    return files_of(json.loads(tables))


def as_package(files: Mapping[str, str], label: str = "package") -> Contents:
    return read_package(label, {path: text.encode() for path, text in files.items()})


def edited(files: Mapping[str, str], path: str, edit: Callable[[Any], object]) -> dict[str, str]:
    """The files with one JSON file edited by hand; the manifest is left as the build wrote it."""
    document = json.loads(files[path])
    edit(document)
    return {**files, path: json.dumps(document)}


Files = Callable[..., dict[str, str]]
Compared = Callable[..., Comparison]


@pytest.fixture(scope="session")
def files() -> Files:
    """`files()` is the commercial system, `files("govcloud")` the other; keywords replace whole tables of system.toml."""

    def make(like: str = "commercial", **tables: Any) -> dict[str, str]:
        base = COMMERCIAL if like == "commercial" else GOVCLOUD
        return dict(_files(json.dumps({**base, **tables})))

    return make


@pytest.fixture(scope="session")
def compared(files: Files) -> Compared:
    """The comparison of a base system with the same system where some tables are replaced."""

    def make(like: str = "commercial", **tables: Any) -> Comparison:
        return compare(as_package(files(like), "old"), as_package(files(like, **tables), "new"))

    return make
