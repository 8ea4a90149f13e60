"""Package: everything that one build writes, from a configuration to the text of each file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.documents.component_definition import render_component_definition
from claimstack.generator.documents.coverage import render_coverage
from claimstack.generator.documents.deployer_policy import render_deployer_policy
from claimstack.generator.documents.facts import render_facts
from claimstack.generator.documents.guides import render_deploy_guide, render_operations_guide
from claimstack.generator.documents.image_context import CONTAINERFILE, LOCK, SBOM, render_containerfile, render_lock, render_sbom
from claimstack.generator.documents.key_policy import render_key_policy
from claimstack.generator.documents.oscal import to_bytes
from claimstack.generator.documents.parameters import render_example_parameters
from claimstack.generator.documents.profile import render_class_profile
from claimstack.generator.documents.results import render_results
from claimstack.generator.documents.stack_policy import render_stack_policy
from claimstack.generator.documents.template_text import template_text
from claimstack.generator.emitted import TEST_RESULTS
from claimstack.generator.environment import load_environment
from claimstack.generator.evaluation import Evaluated, evaluate, read_back
from claimstack.generator.extensions import Extension
from claimstack.generator.passing import recorded_results, source_files
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import System
from claimstack.generator.writing import MANIFEST, sha256

DOCUMENTS: Mapping[str, Callable[[Evaluated], dict[str, Any] | str]] = {
    "cloudformation/parameters.example.json": render_example_parameters,
    "cloudformation/deployer-policy.json": render_deployer_policy,
    "cloudformation/key-policy.json": render_key_policy,
    "cloudformation/stack-policy.json": render_stack_policy,
    "cloudformation/deploy.md": render_deploy_guide,
    "cloudformation/operations.md": render_operations_guide,
    "oscal/profile.json": render_class_profile,
    "oscal/component-definition.json": render_component_definition,
    "evidence/facts.json": render_facts,
    "evidence/coverage.json": render_coverage,
    TEST_RESULTS: render_results,
    CONTAINERFILE: render_containerfile,
    LOCK: render_lock,
    SBOM: render_sbom,
}
"""Each file of a package beside the templates and the manifest, with the function that renders it."""


@dataclass(frozen=True, slots=True)
class Package:
    """The outcome of one build: what was found, and the text of every file by its path in the package."""

    evaluated: Evaluated
    files: Mapping[str, str]

    @property
    def system(self) -> System:
        return self.evaluated.system


def make_package(
    config: Config, extensions: tuple[Extension, ...] = (), *, timestamp: datetime | None = None, environment: Path | None = None
) -> Package:
    """Build, emit, evaluate and render one system. Same input, same bytes; nothing is written."""
    system = build(config, extensions)
    if timestamp is not None:
        system.timestamp = timestamp
    templates = emit(system)
    evaluated = judge(system, templates, environment)
    system.warnings += unanswered(evaluated)
    return Package(evaluated, render(evaluated, templates))


def emit(system: System) -> dict[str, str]:
    """The text of each template by stack name."""
    return {name: template_text(stack.to_dict()) for name, stack in system.stacks.items()}


def judge(system: System, templates: Mapping[str, str], environment: Path | None = None) -> Evaluated:
    """Evaluate templates as they are read back from their text, with the recorded results of the runtime's tests, and with the parameter
    values of an environment where one is given."""
    results = recorded_results()
    if environment is None:
        return evaluate(system, read_back(templates, results=results))
    parameters = load_environment(environment, read_back(templates).stacks)
    return evaluate(system, read_back(templates, environment.stem, parameters, results))


def unanswered(evaluated: Evaluated) -> Iterator[str]:
    """Why checks were not evaluated: a warning for each reason."""
    facts = [fact for fact in evaluated.facts if fact.outcome is Outcome.NOT_EVALUATED]
    for reason, count in Counter(str(fact.actual) for fact in facts).items():
        yield (
            f"not evaluated: {count} tests of the runtime that claims rest on ({reason}). No such claim counts; "
            "in a checkout, make test-results runs them."
        )


def render(evaluated: Evaluated, templates: Mapping[str, str]) -> dict[str, str]:
    """Every file of the package, the manifest last."""
    rendered = {f"cloudformation/{stack}.json": text for stack, text in templates.items()}
    for path, document in DOCUMENTS.items():
        content = document(evaluated)
        rendered[path] = content if isinstance(content, str) else _json(content)
    rendered[MANIFEST] = _json(_manifest(evaluated.system, rendered))
    return rendered


def _json(document: Any) -> str:
    return to_bytes(document).decode()


def _manifest(system: System, rendered: Mapping[str, str]) -> dict[str, Any]:
    return {
        "system": system.config.name,
        "partition": system.config.partition.name,
        "class": system.config.class_,
        "certification": system.config.certification,
        "timestamp": system.timestamp.isoformat(),
        "generator": {"name": "claimstack", "version": version("claimstack"), "sources_sha256": sources_sha256()},
        "configuration_sha256": sha256(system.config.model_dump_json(by_alias=True)),
        "data": [
            {"file": source.file, "version": source.version, "source": source.source, "sha256": source.sha256}
            for source in system.catalog.sources
        ],
        "files": {path: sha256(text) for path, text in rendered.items()},
    }


SOURCES: Final = (".py", ".json", ".toml", ".j2")


@cache
def sources_sha256() -> str:
    """Content hash of what generates: code, control facts and skeletons, in path order."""
    digest = hashlib.sha256()
    for package in ("claimstack.controls", "claimstack.generator", "claimstack.templates"):
        for path, content in sorted(source_files(files(package))):
            if path.endswith(SOURCES):
                digest.update(f"{package}/{path}\0".encode() + content)
    return digest.hexdigest()
