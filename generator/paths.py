"""Paths: where the files of a package stand, what each is, and which template or resource a pointer into one leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MANIFEST: Final = "manifest.json"

TEMPLATES: Final = "cloudformation/"
DEPLOY_GUIDE: Final = "cloudformation/deploy.md"
OPERATIONS_GUIDE: Final = "cloudformation/operations.md"
EXAMPLE_PARAMETERS: Final = "cloudformation/parameters.example.json"
DEPLOYER_POLICY: Final = "cloudformation/deployer-policy.json"
KEY_POLICY: Final = "cloudformation/key-policy.json"
STACK_POLICY: Final = "cloudformation/stack-policy.json"

PROFILE: Final = "oscal/profile.json"
COMPONENT_DEFINITION: Final = "oscal/component-definition.json"
SSP: Final = "oscal/system-security-plan.json"
ASSESSMENT_PLAN: Final = "oscal/assessment-plan.json"
ASSESSMENT_RESULTS: Final = "oscal/assessment-results.json"
POAM: Final = "oscal/plan-of-action-and-milestones.json"

SDR: Final = "fedramp/security-decision-record.json"
SDR_PAGE: Final = "fedramp/security-decision-record.md"
CPO: Final = "fedramp/certification-package-overview.json"
CPO_PAGE: Final = "fedramp/certification-package-overview.md"
OCR_EXAMPLE: Final = "fedramp/ongoing-certification-report.example.json"
ACCEPTED_VULNERABILITIES: Final = "fedramp/accepted-vulnerabilities.json"
MAS_RESOURCES: Final = "fedramp/mas-resources.json"
MAS_FLOWS: Final = "fedramp/mas-flows.json"
CRYPTOGRAPHIC_MODULES: Final = "fedramp/cryptographic-modules.json"
ARCHITECTURE: Final = "fedramp/architecture.svg"
DATA_FLOW: Final = "fedramp/data-flow.svg"
CONFIGURATION: Final = "fedramp/secure-configuration-guide.json"
CONFIGURATION_PAGE: Final = "fedramp/secure-configuration-guide.md"

FACTS: Final = "evidence/facts.json"
COVERAGE: Final = "evidence/coverage.json"
RESPONSIBILITY_MATRIX: Final = "evidence/responsibility-matrix.csv"
TEST_RESULTS: Final = "evidence/test-results.json"

CONTAINERFILE: Final = "image/Containerfile"
LOCK: Final = "image/requirements.lock"
SBOM: Final = "image/sbom.cdx.json"

INDEX: Final = "site/index.html"

TITLES: Final[Mapping[str, str]] = {
    DEPLOY_GUIDE: "How to deploy, update, roll back and delete",
    OPERATIONS_GUIDE: "How to run it, and what remains for whom",
    EXAMPLE_PARAMETERS: "Example values of the template parameters; never evidence",
    DEPLOYER_POLICY: "What whoever deploys has to be allowed",
    KEY_POLICY: "What the policy of the key has to admit",
    STACK_POLICY: "What an update may not replace",
    SSP: "System Security Plan (OSCAL)",
    COMPONENT_DEFINITION: "Component definition (OSCAL)",
    PROFILE: "Controls of the class (OSCAL profile)",
    ASSESSMENT_PLAN: "Assessment plan: an activity for each check (OSCAL)",
    ASSESSMENT_RESULTS: "The provider's self-verification (OSCAL assessment results)",
    POAM: "Plan of Action and Milestones (OSCAL)",
    SDR: "Security Decision Record",
    SDR_PAGE: "Security Decision Record, to read",
    CPO: "Certification Package Overview",
    CPO_PAGE: "Certification Package Overview, to read",
    OCR_EXAMPLE: "Ongoing Certification Report, an example",
    ACCEPTED_VULNERABILITIES: "Accepted vulnerabilities",
    MAS_RESOURCES: "Minimum assessment scope: resources",
    MAS_FLOWS: "Minimum assessment scope: flows",
    CRYPTOGRAPHIC_MODULES: "Cryptographic modules by service",
    ARCHITECTURE: "Architecture",
    DATA_FLOW: "Data flow",
    CONFIGURATION: "Secure configuration guide",
    CONFIGURATION_PAGE: "Secure configuration guide, to read",
    FACTS: "Every check with every fact",
    COVERAGE: "Every point of the class with its status",
    TEST_RESULTS: "Outcomes of the runtime's tests",
    RESPONSIBILITY_MATRIX: "Responsibility matrix",
    CONTAINERFILE: "How the image of the server is built",
    LOCK: "Packages of the image, by hash",
    SBOM: "Bill of materials of the image (CycloneDX)",
}
"""What a file is, for a list of files; the rest are templates and pages of the site."""


def template_path(stack: str) -> str:
    """`cloudformation/server.json` for `server`."""
    return f"{TEMPLATES}{stack}.json"


def stack_of(path: str) -> str | None:
    """`server` for `cloudformation/server.json`; None for a file that is no JSON beside the templates."""
    return path.removeprefix(TEMPLATES).removesuffix(".json") if path.startswith(TEMPLATES) and path.endswith(".json") else None


def asset_of(pointer: str) -> str | None:
    """`server.AuditLog` for `cloudformation/server.json#/Resources/AuditLog/…`; None where a pointer leads to no resource."""
    file, _, resource = pointer.partition("#/Resources/")
    stack, logical_id = stack_of(file), resource.partition("/")[0]
    return f"{stack}.{logical_id}" if stack and logical_id else None
