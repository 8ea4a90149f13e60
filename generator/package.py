"""Package: everything that one build writes, from a configuration to the text of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from claimstack.controls.errors import raise_all
from claimstack.generator import paths
from claimstack.generator.build import build
from claimstack.generator.catalog_texts import CatalogTexts
from claimstack.generator.config import Config
from claimstack.generator.documents.cloudformation.deployer_policy import render_deployer_policy
from claimstack.generator.documents.cloudformation.guides import render_deploy_guide, render_operations_guide
from claimstack.generator.documents.cloudformation.key_policy import render_key_policy
from claimstack.generator.documents.cloudformation.parameters import render_example_parameters
from claimstack.generator.documents.cloudformation.stack_policy import render_stack_policy
from claimstack.generator.documents.cloudformation.template_text import template_text
from claimstack.generator.documents.evidence.coverage import render_coverage
from claimstack.generator.documents.evidence.facts import render_facts
from claimstack.generator.documents.evidence.responsibility import render_responsibility_matrix
from claimstack.generator.documents.evidence.results import render_results
from claimstack.generator.documents.fedramp.accepted_vulnerabilities import render_accepted_vulnerabilities
from claimstack.generator.documents.fedramp.certification_package_overview import (
    render_certification_package_overview,
    render_overview_page,
)
from claimstack.generator.documents.fedramp.cryptographic_modules import render_cryptographic_modules
from claimstack.generator.documents.fedramp.diagram import architecture_svg, data_flow_svg
from claimstack.generator.documents.fedramp.mas import render_mas_flows, render_mas_resources
from claimstack.generator.documents.fedramp.ongoing_certification_report import render_ongoing_certification_report
from claimstack.generator.documents.fedramp.secure_configuration import render_secure_configuration, render_secure_configuration_guide
from claimstack.generator.documents.fedramp.security_decision_record import render_decision_page, render_security_decision_record
from claimstack.generator.documents.generator_sources import release, sources_sha256
from claimstack.generator.documents.image_context import render_containerfile, render_lock, render_sbom
from claimstack.generator.documents.oscal.assessment_plan import render_assessment_plan
from claimstack.generator.documents.oscal.assessment_results import render_assessment_results
from claimstack.generator.documents.oscal.common import to_bytes
from claimstack.generator.documents.oscal.component_definition import render_component_definition
from claimstack.generator.documents.oscal.plan_of_action import render_plan_of_action
from claimstack.generator.documents.oscal.profile import render_class_profile
from claimstack.generator.documents.oscal.system_security_plan import render_system_security_plan
from claimstack.generator.documents.rendered import Renderer, text_of
from claimstack.generator.documents.site.site import render_site
from claimstack.generator.environment import load_environment
from claimstack.generator.evaluation import Evaluated, evaluate, read_back
from claimstack.generator.extensions import Extension
from claimstack.generator.passing import recorded_results
from claimstack.generator.predicates import Outcome
from claimstack.generator.redaction import Redaction, changes
from claimstack.generator.system import System
from claimstack.generator.writing import sha256

DOCUMENTS: Mapping[str, Renderer] = {
    paths.EXAMPLE_PARAMETERS: render_example_parameters,
    paths.DEPLOYER_POLICY: render_deployer_policy,
    paths.KEY_POLICY: render_key_policy,
    paths.STACK_POLICY: render_stack_policy,
    paths.DEPLOY_GUIDE: render_deploy_guide,
    paths.OPERATIONS_GUIDE: render_operations_guide,
    paths.PROFILE: render_class_profile,
    paths.COMPONENT_DEFINITION: render_component_definition,
    paths.SSP: render_system_security_plan,
    paths.ASSESSMENT_PLAN: render_assessment_plan,
    paths.ASSESSMENT_RESULTS: render_assessment_results,
    paths.POAM: render_plan_of_action,
    paths.SDR: render_security_decision_record,
    paths.SDR_PAGE: render_decision_page,
    paths.CPO: render_certification_package_overview,
    paths.CPO_PAGE: render_overview_page,
    paths.OCR_EXAMPLE: render_ongoing_certification_report,
    paths.ACCEPTED_VULNERABILITIES: render_accepted_vulnerabilities,
    paths.MAS_RESOURCES: render_mas_resources,
    paths.MAS_FLOWS: render_mas_flows,
    paths.CRYPTOGRAPHIC_MODULES: render_cryptographic_modules,
    paths.ARCHITECTURE: architecture_svg,
    paths.DATA_FLOW: data_flow_svg,
    paths.CONFIGURATION: render_secure_configuration,
    paths.CONFIGURATION_PAGE: render_secure_configuration_guide,
    paths.FACTS: render_facts,
    paths.COVERAGE: render_coverage,
    paths.RESPONSIBILITY_MATRIX: render_responsibility_matrix,
    paths.TEST_RESULTS: render_results,
    paths.CONTAINERFILE: render_containerfile,
    paths.LOCK: render_lock,
    paths.SBOM: render_sbom,
}
"""Each file of a package beside the templates and the manifest, with the function that renders it."""


@dataclass(frozen=True, slots=True)
class Package:
    """The outcome of one build: what was found, and the text of every file by its path in the package."""

    evaluated: Evaluated
    files: Mapping[str, str]
    redaction: Redaction | None = None
    """What has replaced names and addresses, where the package may leave the boundary."""

    @property
    def system(self) -> System:
        return self.evaluated.system


def make_package(
    config: Config,
    extensions: tuple[Extension, ...] = (),
    *,
    timestamp: datetime | None = None,
    environment: Path | None = None,
    redaction: Redaction | None = None,
    texts: CatalogTexts | None = None,
) -> Package:
    """Build, emit, evaluate and render one system. Same input, same bytes; nothing is written.

    With a redaction the names and addresses are replaced first. Raises InputError where that changes an answer or misses a name.
    """
    system = build(config, extensions)
    if redaction is not None:
        whole = judge(system, emit(system), environment)
        system = build(redaction.config(config), redaction.extensions(extensions, config))
        redaction.words(system)
    if timestamp is not None:
        system.timestamp = timestamp
    templates = emit(system, redaction)
    evaluated = judge(system, templates, environment, redaction)
    system.warnings += unanswered(evaluated)
    if redaction is not None:
        raise_all(changes(whole, evaluated))
    files = render(evaluated, templates, redacted=redaction is not None, texts=texts)
    if redaction is not None:
        raise_all(redaction.leaks(files))
    return Package(evaluated, files, redaction)


def emit(system: System, redaction: Redaction | None = None) -> dict[str, str]:
    """The text of each template by stack name."""
    templates = {name: stack.to_dict() for name, stack in system.stacks.items()}
    return {name: template_text(redaction.template(template) if redaction else template) for name, template in templates.items()}


def judge(system: System, templates: Mapping[str, str], environment: Path | None = None, redaction: Redaction | None = None) -> Evaluated:
    """Evaluate templates as they are read back from their text, with the recorded results of the runtime's tests, and with the parameter
    values of an environment where one is given."""
    results = recorded_results()
    if environment is None:
        return evaluate(system, read_back(templates, results=results))
    stacks = read_back(templates).stacks
    name, parameters = environment.stem, load_environment(environment, stacks)
    if redaction is not None:
        name, parameters = redaction.environment(name, parameters, stacks)
    return evaluate(system, read_back(templates, name, parameters, results))


def unanswered(evaluated: Evaluated) -> Iterator[str]:
    """Why checks were not evaluated: a warning for each reason."""
    facts = [fact for fact in evaluated.facts if fact.outcome is Outcome.NOT_EVALUATED]
    for reason, count in Counter(str(fact.actual) for fact in facts).items():
        yield (
            f"not evaluated: {count} tests of the runtime that claims rest on ({reason}). No such claim counts; "
            "in a checkout, make test-results runs them."
        )


def render(
    evaluated: Evaluated, templates: Mapping[str, str], *, redacted: bool = False, texts: CatalogTexts | None = None
) -> dict[str, str]:
    """Every file of the package, the manifest last. `texts`: the wording of the controls, for the site."""
    rendered = {paths.template_path(stack): text for stack, text in templates.items()}
    for path, document in DOCUMENTS.items():
        rendered[path] = text_of(evaluated, document)
    rendered |= render_site(evaluated, rendered, texts)
    rendered[paths.MANIFEST] = to_bytes(_manifest(evaluated.system, rendered, redacted=redacted)).decode()
    return rendered


def _manifest(system: System, rendered: Mapping[str, str], *, redacted: bool) -> dict[str, Any]:
    return {
        **({"redacted": True} if redacted else {}),
        "system": system.config.name,
        "partition": system.config.partition.name,
        "class": system.config.class_,
        "certification": system.config.certification,
        "timestamp": system.timestamp.isoformat(),
        "generator": {"name": "claimstack", "version": release(), "sources_sha256": sources_sha256()},
        "configuration_sha256": sha256(system.config.model_dump_json(by_alias=True)),
        "data": [
            {"file": source.file, "version": source.version, "source": source.source, "sha256": source.sha256}
            for source in system.catalog.sources
        ],
        "files": {path: sha256(text) for path, text in rendered.items()},
    }
