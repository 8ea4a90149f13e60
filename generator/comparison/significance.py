"""Significance: the FedRAMP significant-change class that a comparison suggests, by a table of our own judgement.

FedRAMP 2026 rules: SCN-CSO-EVA says which questions are asked, in which order; FRD-CCC, FRD-TRF, FRD-ADP and FRD-RTR define the classes;
SCN-TRF-TPR, SCN-ADP-NTF and SCN-RTR-NNR give key tests and examples; VDR-CSO-DET has weaknesses found.
None of them judges a template: the table does, and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claimstack.controls.catalog import load_catalog
from claimstack.generator.comparison.boundary import OUTSIDE, PROTECTS, SCOPE_FILES
from claimstack.generator.comparison.findings import Class, Findings, Proposal, Reason, ResourceChange
from claimstack.generator.comparison.reading import Contents
from claimstack.generator.documents.parties import name_of

CLASSES: Mapping[Class, str] = {
    "certification-class-change": (
        "Certification class change: it needs a new assessment and cannot be made under the notification rules (SCN-CSO-EVA)."
    ),
    "transformative": (
        "Transformative: all necessary parties are told of initial plans 30 and of final plans 10 business days before the start "
        "(SCN-TRF-NIP, SCN-TRF-NFP), and within 5 business days after it is finished and after it is verified (SCN-TRF-NAF, SCN-TRF-NAV)."
    ),
    "adaptive": "Adaptive: all necessary parties are told within 10 business days after it is finished (SCN-ADP-NTF).",
    "routine-recurring": (
        "Routine recurring: no formal notification is made (SCN-RTR-NNR), provided that changes of this kind are made regularly here."
    ),
    "not-significant": "Not a significant change by what was compared.",
}
"""Class → what follows from it, the gravest first."""
PROPOSED: Final = (
    "This is a proposal, worked out from two packages by the table of claimstack. A person evaluates every change and decides on its class "
    "(SCN-CSO-EVA), and keeps a record of it (SCN-CSO-MAR)."
)

CALLERS_RELY: Final = frozenset(
    {
        "AWS::ApiGateway::DomainName",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::Cognito::UserPoolDomain",
        "AWS::Cognito::UserPoolResourceServer",
    }
)
"""Types that hold what callers are configured with: addresses, client ids and secrets, scopes."""
IDENTITY_PROVIDER: Final = ("JwtConfiguration.Issuer", "ProviderARNs", "IdentitySource", "AuthorizerType", "Type")
TUNED: Final = (
    "AlarmDescription",
    "DatapointsToAlarm",
    "DefaultRouteSettings.Throttling",
    "Description",
    "EvaluationPeriods",
    "MemorySize",
    "MethodSettings",
    "Period",
    "ReservedConcurrentExecutions",
    "Tags",
    "Threshold",
    "Timeout",
    "TimeoutInMillis",
)
"""Properties of performance, alarms and labels: tuning them is what SCN-RTR-NNR gives as an example."""
IMAGE: Final = "image/"
TRAFFIC: Final = ("ingress", "egress", "vpc-endpoint")
CLAIMED: Final = ("implemented", "partial")


@dataclass(frozen=True, slots=True)
class Rule:
    class_: Class
    source: str
    judgement: str
    found: Callable[[Findings], Iterable[str]]


def _identity(*paths: str) -> Callable[[Findings], Iterator[str]]:
    return lambda found: (f"{item.path}: {item.old} → {item.new}" for item in found.identity if item.path in paths)


def _resources(wanted: Callable[[ResourceChange], bool]) -> Callable[[Findings], Iterator[str]]:
    return lambda found: (f"{item.resource} ({item.type}) {item.kind}" for item in found.resources if wanted(item))


def _gone(item: ResourceChange) -> bool:
    return item.loses_identity or item.kind in ("removed", "refused")


def _callers_have_to_act(item: ResourceChange) -> bool:
    """One client that goes is a caller who leaves; whatever else callers rely on, they all do."""
    left = item.kind == "removed" and item.type == "AWS::Cognito::UserPoolClient"
    return _gone(item) and item.type in CALLERS_RELY and not left


def _is_tuning(item: ResourceChange) -> bool:
    return item.kind == "renewed" or (item.kind == "changed" and all(change.path.startswith(TUNED) for change in item.changes))


def _new_identity_provider(found: Findings) -> Iterator[str]:
    for item in found.resources:
        if item.type.endswith("::Authorizer"):
            yield from (f"{item.resource}: {change.path}" for change in item.changes if change.path.startswith(IDENTITY_PROVIDER))


def _unclaimed(found: Findings) -> Iterator[str]:
    for item in found.points:
        if item.old in CLAIMED and item.new not in CLAIMED:
            yield f"{item.point}: {item.old} → {item.new}"


def _boundary(effects: tuple[str, ...], *, traffic: bool) -> Callable[[Findings], Iterator[str]]:
    def found_in(found: Findings) -> Iterator[str]:
        for item in found.boundary:
            if not item.is_open and item.kind not in SCOPE_FILES and (item.kind in TRAFFIC) is traffic and item.effect in effects:
                yield f"{item.kind} {item.change}: {item.what}"

    return found_in


def _unprotected(found: Findings) -> Iterator[str]:
    protects = [item for item in found.boundary if item.kind == "guard" and PROTECTS in item.what]
    if not any(item.change == "added" for item in protects):
        yield from (item.what for item in protects if item.change == "removed")


def _new_outside(found: Findings) -> Iterator[str]:
    for item in found.boundary:
        if item.kind == "end" and item.change == "added" and isinstance(item.new, dict) and item.new.get("kind") == OUTSIDE:
            yield item.what


def _recategorized(found: Findings) -> Iterator[str]:
    yield from (f"{item.path}: {item.old} → {item.new}" for item in found.identity if item.path.startswith("information type "))


RULES: tuple[Rule, ...] = (
    Rule(
        "certification-class-change",
        "FRD-CCC",
        "The class of the whole offering, its type of certification or its security categorization changes.",
        _identity("class", "certification", "security categorization"),
    ),
    Rule(
        "transformative",
        "SCN-TRF-TPR",
        "The infrastructure under the system, or where it runs, is replaced.",
        _identity("leveraged authorization", "partition", "region"),
    ),
    Rule("transformative", "SCN-TRF-TPR", "The security category of information that the service handles changes.", _recategorized),
    Rule("transformative", "SCN-TRF-TPR", "Whoever vouches for callers is replaced: a critical service.", _new_identity_provider),
    Rule(
        "transformative",
        "SCN-TRF-TPR",
        "What callers are configured with is replaced: customers have to act.",
        _resources(_callers_have_to_act),
    ),
    Rule(
        "transformative",
        "FRD-TRF",
        "Anybody may pass where somebody had to show who they are.",
        lambda found: (f"{item.kind} {item.change}: {item.what}" for item in found.boundary if item.is_open),
    ),
    Rule("transformative", "FRD-TRF", "What a web ACL protected is no longer protected.", _unprotected),
    Rule(
        "transformative",
        "FRD-TRF",
        "A point that the system answered by claims is no longer answered so: risk determinations may rest on it.",
        _unclaimed,
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "A fact failed: what is claimed is not true. That is a vulnerability (VDR-CSO-DET), to be closed before this is deployed.",
        lambda found: (f"{item.check} at {item.pointer}" for item in found.facts if item.turned and item.new_outcome == "failed"),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Less is shown than was: security plans need to say so.",
        lambda found: (f"{item.point}: {item.old} → {item.new}" for item in found.points if item.direction == "worse"),
    ),
    Rule(
        "adaptive",
        "VDR-CSO-DET",
        "Statements do not match the templates: until the package is built again, nobody can tell from it what this change is.",
        lambda found: () if found.is_empty else (f"{item.file} {item.where}" for item in found.stale if item.side == "new"),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Claims change: security plans need to say something else, and what is claimed needs to be verified.",
        lambda found: (f"{item.kind}: {item.point} by {item.resource}" for item in found.claims),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Who answers for a control changes, or more remains for somebody.",
        lambda found: (
            *(
                f"{item.control}: {change.path}"
                for item in found.dispositions
                for change in item.changes
                if change.path in ("status", "origination", "provider", "package_id")
            ),
            *(f"{item.point}: remains for {name_of(item.who)}" for item in found.remainders if item.change == "added"),
        ),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "A control parameter has another value.",
        lambda found: (item.parameter for item in found.parameters if item.value_changed),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Resources come, go or are replaced.",
        _resources(lambda item: item.kind == "added" or (_gone(item) and not _callers_have_to_act(item))),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Who gets in, who may do what, or what is sent on changes.",
        _boundary(("wider", "narrower", "other"), traffic=False),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Something flows to or from somebody new outside; if that is a critical third-party service, it is transformative (SCN-TRF-TPR).",
        _new_outside,
    ),
    Rule("adaptive", "SCN-ADP-NTF", "Traffic may go where it could not.", _boundary(("wider", "other"), traffic=True)),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Whoever deploys has to give other values.",
        lambda found: dict.fromkeys(f"{stack}: {item.path.partition('.')[0]}" for stack, item in found.template_parameters),
    ),
    Rule(
        "adaptive",
        "SCN-ADP-NTF",
        "Resources are set otherwise, in more than performance, alarms and labels.",
        _resources(lambda item: item.kind == "changed" and not _is_tuning(item)),
    ),
    Rule("routine-recurring", "SCN-RTR-NNR", "Firewall rules are narrowed.", _boundary(("narrower",), traffic=True)),
    Rule("routine-recurring", "SCN-RTR-NNR", "Performance, alarms or labels are tuned.", _resources(_is_tuning)),
    Rule(
        "routine-recurring",
        "SCN-RTR-NNR",
        "Code or libraries of the server are updated. With breaking changes, or as the work of weeks, it is adaptive.",
        lambda found: (
            *(("the tested sources of the server",) if found.runtime_changed else ()),
            *(path for path in (*found.files.added, *found.files.removed, *found.files.changed) if path.startswith(IMAGE)),
        ),
    ),
)
"""Our judgement: what in a comparison suggests which class. The gravest class that is met is proposed."""


def propose(found: Findings, new: Contents) -> Proposal:
    """The gravest class that any rule suggests, with every rule that was met."""
    reasons = tuple(
        Reason(rule.class_, rule.source, rule.judgement, met) for rule in RULES if (met := tuple(dict.fromkeys(rule.found(found))))
    )
    class_: Class = next((name for name in CLASSES if any(reason.class_ == name for reason in reasons)), "not-significant")
    controls = tuple(_impacted(found, new))
    ksis = load_catalog().ksis.values() if new.manifest["certification"] == "20x" else ()
    return Proposal(class_, reasons, controls, tuple(ksi.id for ksi in ksis if set(ksi.controls) & set(controls)))


def _impacted(found: Findings, new: Contents) -> Iterator[str]:
    """Controls, in catalog order, whose claims, points, facts, parameters or answers differ."""
    by_check: dict[str, set[str]] = {}
    for control, _, said in new.answers():
        for claim in said.get("claims", ()):
            for check in claim["checks"]:
                by_check.setdefault(check, set()).add(control)
    differ = {
        *(item.control for item in found.claims),
        *(item.control for item in found.points),
        *(item.control for item in found.parameters if item.value_changed),
        *(item.control for item in found.dispositions),
        *(control for item in found.facts for control in by_check.get(item.check, ())),
    }
    yield from (control for control in load_catalog().controls if control in differ)
