"""Ongoing Certification Report: an example in FedRAMP's schema, with what one build knows and with the rest left to the provider."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from claimstack.controls.catalog import label
from claimstack.generator.config import Config
from claimstack.generator.documents.fedramp.common import fedramp_id, metadata, package_uri
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import ACCEPTED_VULNERABILITIES, CONFIGURATION_PAGE, CPO
from claimstack.generator.stated import ROLES

MONTHS: Final = 3
"""A report covers three months, and looks at least as far ahead (rule CCM-OCR-AVL)."""
EXAMPLE: Final = (
    "EXAMPLE, not a report. Rule FRC-CSO-PKG asks for a real or an example report: this one has the form, and of the content only what a "
    "build knows. No service has been observed for it, and the dates are those of an example period."
)


def render_ongoing_certification_report(evaluated: Evaluated) -> dict[str, Any]:
    """Schema 0.1.1 and, since an empty list of incidents attests there that none occurred, with an entry that attests nothing."""
    config = evaluated.system.config
    return {
        "example": EXAMPLE,
        **fedramp_id(config),
        "metadata": metadata(evaluated.system),
        "certificationPackageOverviewUri": package_uri(config, CPO),
        "reportPeriod": {"from": months_from(config.as_of, -MONTHS).isoformat(), "to": config.as_of.isoformat()},
        "certificationDataChanges": [
            "EXAMPLE: a build does not know the one before it; `claimstack diff OLD NEW` says what changed between two packages."
        ],
        "plannedCertificationDataChanges": {
            "planningHorizonThrough": _horizon(config).isoformat(),
            "changes": list(_planned(config)) or ["No plan is stated in [plans] of system.toml."],
        },
        "acceptedVulnerabilities": _accepted(evaluated),
        "transformativeChanges": ["EXAMPLE: left to the provider; a build sees no change of a running service."],
        "updatedRecommendations": [
            f"EXAMPLE: left to the provider; the package holds a secure configuration guide, {package_uri(config, CONFIGURATION_PAGE)}."
        ],
        "activeAgencies": ["EXAMPLE: left to the provider, who knows which agencies use the service."],
        "reportableIncidents": {
            "incidents": [
                {
                    "summary": "EXAMPLE, no incident is meant: a build cannot see incidents, nor that there were none. The provider "
                    "replaces this entry, or leaves the list empty, which attests that no reportable incident occurred."
                }
            ]
        },
    }


def months_from(day: date, months: int) -> date:
    """The same day so many months on or back, or the last one where a month is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _horizon(config: Config) -> date:
    """Three months ahead at least, and as far as the plans reach."""
    return max((months_from(config.as_of, MONTHS), *(plan.completion for plan in config.plans.values())))


def _planned(config: Config) -> Iterator[str]:
    for target, plan in sorted(config.plans.items(), key=lambda entry: (entry[1].completion, entry[0])):
        named = target if "_" in target else label(target)
        yield f"{named}: {plan.milestone} ({ROLES[plan.owner]}, by {plan.completion.isoformat()})"


def _accepted(evaluated: Evaluated) -> str:
    failed = len({fact.check for fact in evaluated.failed})
    counted = "No check" if not failed else "1 check" if failed == 1 else f"{failed} checks"
    return (
        f"{counted} of this build failed; whether the provider accepts a vulnerability is its own decision, in "
        f"{package_uri(evaluated.system.config, ACCEPTED_VULNERABILITIES)}. No vulnerability scan is part of a build."
    )
