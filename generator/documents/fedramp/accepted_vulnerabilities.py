"""Accepted vulnerabilities: FedRAMP's form for what the provider accepts (rule VER-RPT-AVI), beside what failed and nobody accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from claimstack.generator.documents.evidence.facts import METHODS
from claimstack.generator.documents.fedramp.common import fedramp_id, metadata, package_uri
from claimstack.generator.documents.oscal.assessment import claims_by_check, one_line
from claimstack.generator.documents.oscal.common import timestamp
from claimstack.generator.evaluation import Evaluated, Fact
from claimstack.generator.paths import CPO
from claimstack.generator.predicates import Outcome

NOTES: Final = (
    "A vulnerability is accepted when a person of the provider accepts it and says why. Nothing in system.toml says so, and no build can "
    "decide it: the list of accepted vulnerabilities is empty.",
    "Every check with a failed fact is listed under notAccepted, as a gap in a control (definition FRD-VUL). A check that could not be "
    "evaluated is listed there too: failures of detection are vulnerabilities (rule VDR-CSO-FAV). Neither is accepted.",
    "Whether a vulnerability is reachable from the internet, likely to be exploited, and how it is rated, is for people to evaluate. "
    "The fields for it are left out: nobody has evaluated it here.",
    "The report period is the one moment of the evidence (as_of). Nothing deployed was read, and no scanner ran. Earlier reports are not "
    "known here.",
)
"""What a reader has to know before reading the lists."""

SORTS: Final = {
    Outcome.FAILED: "A check failed",
    Outcome.NOT_EVALUATED: "A check was not evaluated",
}
"""The outcomes that make a vulnerability, with the beginning of its description."""


def render_accepted_vulnerabilities(evaluated: Evaluated) -> dict[str, Any]:
    """Schema fedramp-accepted-vulnerability-info-schema-2026-06-24 (0.1.0); keys beside those of the schema are ours."""
    config = evaluated.system.config
    moment = timestamp(evaluated.system.timestamp)
    return {
        **fedramp_id(config),
        "certificationPackageOverviewUri": package_uri(config, CPO),
        "reportPeriod": {"from": moment, "to": moment},
        "acceptedVulnerabilities": [],
        "notAccepted": list(_not_accepted(evaluated)),
        "notes": list(NOTES),
        "metadata": metadata(evaluated.system),
    }


def _not_accepted(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """One vulnerabilityDetail (common definitions 0.4.1) for each check and outcome."""
    claims = claims_by_check(evaluated)
    groups: dict[tuple[str, Outcome], list[Fact]] = {}
    for fact in evaluated.facts:
        if fact.outcome in SORTS:
            groups.setdefault((fact.check, fact.outcome), []).append(fact)
    for (check, outcome), facts in groups.items():
        declared = evaluated.system.checks[check]
        points = dict.fromkeys(answer.point.id for answer, _ in claims[check])
        yield {
            "providerTrackingId": check,
            "detection": {
                "detectedAt": timestamp(evaluated.system.timestamp),
                "detectionSource": f"claimstack, check {check} ({METHODS[declared.check.level]}, {declared.check.level})",
            },
            "vulnerabilityDescription": f"{SORTS[outcome]}. Expected: {declared.check.sentence().strip()}. {_found(facts)}",
            "supplementaryRiskInformation": f"Claims at these points rest on the check: {', '.join(points)}.",
        }


def _found(facts: Iterable[Fact]) -> str:
    return " ".join(f"Found at {fact.pointer}: {'nothing' if fact.actual is None else one_line(fact.actual)}." for fact in facts)
