"""Security Decision Record: controls, Key Security Indicators and provider rules with status, checks and what remains, for FedRAMP."""

from __future__ import annotations

from typing import Any, Final

from claimstack.generator.config import Config
from claimstack.generator.documents.fedramp.common import cell, fedramp_id, independent, metadata, package_uri
from claimstack.generator.documents.fedramp.controls import security_controls
from claimstack.generator.documents.fedramp.counts import fedramp_summary
from claimstack.generator.documents.fedramp.ksis import key_security_indicators
from claimstack.generator.documents.fedramp.ports import ports_and_protocols
from claimstack.generator.documents.fedramp.rules import fedramp_requirements
from claimstack.generator.documents.markdown import fill_skeleton
from claimstack.generator.documents.rendered import content_of
from claimstack.generator.documents.states import MEANINGS
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import CPO

HISTORY: Final = (
    "History begins with publication: this record is one build and holds no metric of an earlier day. A summary of thirty days can be "
    "given once the records of thirty days have been kept."
)
"""In place of the historical metrics of rule SDR-CSX-KMT."""


def render_security_decision_record(evaluated: Evaluated) -> dict[str, Any]:
    """Schema 1.1.1. Keys beyond the schema, which takes them, carry what its three statuses cannot say."""
    config = evaluated.system.config
    return {
        **fedramp_id(config),
        "certificationPackageOverviewUri": package_uri(config, CPO),
        "metadata": metadata(evaluated.system),
        "summary": fedramp_summary(evaluated),
        "coverageWords": {status.value: meaning for status, meaning in MEANINGS.items()},
        "independentAssessment": f"Independent verification and validation: {independent(config)}.",
        **_history(config),
        "portsAndProtocols": ports_and_protocols(evaluated),
        "securityControls": security_controls(evaluated),
        "keySecurityIndicators": key_security_indicators(evaluated),
        "fedRampRequirements": fedramp_requirements(evaluated),
    }


def render_decision_page(evaluated: Evaluated) -> str:
    """The same record for people: filled from the same content, so that the two cannot differ (rule CDS-CSO-CBF)."""
    record = content_of(evaluated, render_security_decision_record)
    checks = {
        test: found for each in record["keySecurityIndicators"] for test, found in zip(each["ksiTests"], each["ksiEvidence"], strict=True)
    }
    return fill_skeleton("security-decision-record.md.j2", record=record, checks=checks, title=evaluated.system.config.title, cell=cell)


def _history(config: Config) -> dict[str, Any]:
    return {"historicalMetrics": {"ruleId": "SDR-CSX-KMT", "statement": HISTORY}} if config.certification == "20x" else {}
