"""Notification: the draft of a FedRAMP Significant Change Notification, in the official form (schema 0.1.3, rule SCN-CSO-INF).

What only people know stands open in it, in words that nobody can take for an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claimstack.controls.catalog import label
from claimstack.controls.errors import InputError, raise_all
from claimstack.generator.comparison.findings import Comparison, Findings
from claimstack.generator.comparison.significance import PROPOSED
from claimstack.generator.comparison.values import some

CHANGE_TYPES: Mapping[str, str] = {"transformative": "Transformative", "adaptive": "Adaptive"}
"""Class → the word of the schema, which has none for the others."""
NO_NOTIFICATION: Mapping[str, str] = {
    "certification-class-change": "a certification class change needs a new assessment, and no notification can stand for it (SCN-CSO-EVA)",
    "routine-recurring": "routine recurring changes get no formal notification (SCN-RTR-NNR)",
    "not-significant": "no significant change is proposed",
}
OPEN_URI: Final = "https://not-stated.invalid/fedramp/certification-package-overview.json"
"""Where the package states no address of its overview; `.invalid` never resolves (RFC 2606)."""
NOT_STATED: Final = "Not stated: "
MILESTONES: Mapping[str, tuple[str, ...]] = {
    "transformative": (
        "Initial plans told to all necessary parties, at least 30 business days before the start (SCN-TRF-NIP).",
        "Final plans told to all necessary parties, at least 10 business days before the start (SCN-TRF-NFP).",
        "All necessary parties told within 5 business days after the change is finished (SCN-TRF-NAF).",
        "All necessary parties told within 5 business days after verification, assessment and validation are complete (SCN-TRF-NAV).",
        "Updated service documentation published within 30 business days after the change is finished (SCN-TRF-UPD).",
    ),
    "adaptive": ("All necessary parties told within 10 business days after the change is finished (SCN-ADP-NTF).",),
}
"""Class → what its rules ask for; the dates are the provider's."""
LISTED: Final = 8
NAME: Final = "{system}"
"""Stands in the name of a file for the name of the system."""


@dataclass(frozen=True, slots=True)
class Draft:
    content: Mapping[str, Any]
    open: tuple[str, ...]
    """Fields that people have to fill."""


def notifications(comparisons: Sequence[Comparison], path: Path) -> dict[Path, Draft]:
    """A draft for each system whose change gets one, by the file it goes into.

    Raises InputError where one file is to hold several, and where a file is named for a change that gets none.
    """
    if len(comparisons) > 1 and NAME not in path.name:
        raise InputError(
            f"--scn {path}: several systems are compared, each with a notification of its own; put {NAME} into the name of the file"
        )
    raise_all(
        f"--scn: {item.name}: {NO_NOTIFICATION[item.proposal.class_]}; leave --scn out, or put {NAME} into the name of the file"
        for item in comparisons
        if NAME not in path.name and item.proposal.class_ not in CHANGE_TYPES
    )
    return {
        path.with_name(path.name.replace(NAME, item.name)): Draft(content := notification(item), tuple(open_fields(content)))
        for item in comparisons
        if item.proposal.class_ in CHANGE_TYPES
    }


def notification(comparison: Comparison) -> dict[str, Any]:
    """The content of a draft; only for a class that gets a notification."""
    proposal = comparison.proposal
    service = comparison.service
    return {
        "certificationPackageOverviewUri": comparison.package_uri or OPEN_URI,
        "fedRampId": service.get("fedRampId", f"{NOT_STATED}the FedRAMP id of the offering, once there is one."),
        "assessorName": service.get("assessorName", f"{NOT_STATED}name of the assessor, or that none takes part."),
        "relatedVulnerability": f"{NOT_STATED}identifier of a vulnerability that this change answers, or that there is none.",
        "changeType": CHANGE_TYPES[proposal.class_],
        "changeTypeExplanation": " ".join((*_explanation(comparison), PROPOSED)),
        "changeDescription": " ".join(_description(comparison)),
        "reason": f"{NOT_STATED}why the change is made.",
        "customerImpact": " ".join(_customer_impact(comparison.findings)),
        "planAndTimeline": {
            "summary": f"{NOT_STATED}plan and timeline, verification of the impacted controls included; the milestones are the rules'.",
            "milestones": [{"milestoneDescription": milestone} for milestone in MILESTONES[proposal.class_]],
        },
        "impactedControls": [*map(label, proposal.impacted_controls), *proposal.impacted_ksis],
        "impactAnalysis": f"{NOT_STATED}business or security impact analysis, or a URI of it.",
        "approverNameAndTitle": f"{NOT_STATED}name and title of whoever approves this notification.",
    }


def open_fields(content: Mapping[str, Any]) -> list[str]:
    """The fields of a draft that people have to fill."""
    found = [name for name, value in content.items() if isinstance(value, str) and NOT_STATED in value]
    if content["certificationPackageOverviewUri"] == OPEN_URI:
        found.insert(0, "certificationPackageOverviewUri")
    return [*found, "planAndTimeline"]


def _explanation(comparison: Comparison) -> Iterator[str]:
    for reason in comparison.proposal.reasons:
        if reason.class_ == comparison.proposal.class_:
            yield f"{reason.judgement} ({reason.source}) Found: {some(reason.found, LISTED)}."


def _description(comparison: Comparison) -> Iterator[str]:
    found = comparison.findings
    yield f"Change of {found.system}, as two builds of it show."
    by_kind: dict[str, list[str]] = {}
    for item in found.resources:
        by_kind.setdefault(item.kind, []).append(item.resource)
    for kind, names in by_kind.items():
        yield f"Resources {kind}: {some(names, LISTED)}."
    for parameter in found.parameters:
        for change in parameter.changes:
            if change.path == "value":
                yield f"Control parameter {parameter.parameter}: {change.old} to {change.new}."
    counts = {kind: sum(claim.kind == kind for claim in found.claims) for kind in ("gained", "lost", "weakened", "strengthened", "altered")}
    said = [f"{count} {kind}" for kind, count in counts.items() if count]
    if said:
        yield f"Claims: {', '.join(said)}."


def _customer_impact(found: Findings) -> Iterator[str]:
    for item in found.remainders:
        if item.who == "customer":
            yield f"{'New' if item.change == 'added' else 'No longer'} for customers at {item.point}: {item.what}"
    for entry in found.dispositions:
        for change in entry.changes:
            if "customer" in (change.old, change.new) or "customer-provided" in (change.old, change.new):
                yield f"{label(entry.control)}: {change.path} changes from {change.old} to {change.new}."
    routes = [f"{item.what} ({item.change})" for item in found.boundary if item.kind in ("route", "entrance")]
    if routes:
        yield f"Addresses and routes that callers use change: {some(routes, LISTED)}."
    yield f"{NOT_STATED}what else customers notice and have to set otherwise."
