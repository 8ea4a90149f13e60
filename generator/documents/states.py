"""States: what each computed status is called in OSCAL and in the FedRAMP documents; every document asks here, so that none says otherwise.

OSCAL knows five states and FedRAMP's schema three; coverage knows nine statuses. The coverage word stands beside the state wherever a
document gives one, and MEANINGS says what the state does not claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from claimstack.generator.evaluation import Answer, Status, control_status
from claimstack.generator.predicates import Outcome

State = Literal["implemented", "partial", "planned", "alternative", "not-applicable"]
"""OSCAL implementation-status. No status of ours is `alternative`: whether something else does as well is for people to judge."""

STATES: Mapping[Status, State] = {
    Status.IMPLEMENTED: "implemented",
    Status.PARTIAL: "partial",
    Status.FAILED: "planned",
    Status.PLANNED: "planned",
    Status.INHERITED: "partial",
    Status.ORGANISATIONAL: "planned",
    Status.CUSTOMER: "planned",
    Status.NOT_APPLICABLE: "not-applicable",
    Status.NOT_ADDRESSED: "planned",
}
"""Where nothing failed; `state_of` says when a failed point is partial."""

FEDRAMP_WORDS: Mapping[State, str] = {
    "implemented": "Implemented",
    "partial": "Partially Implemented",
    "planned": "Planned",
    "alternative": "Alternative Implementation",
    "not-applicable": "Not Applicable",
}
"""The words of rule SDR-CSF-CTF."""

SDR_STATUSES: Mapping[State, Literal["Implemented", "Partially Implemented", "Not Implemented"]] = {
    "implemented": "Implemented",
    "partial": "Partially Implemented",
    "planned": "Not Implemented",
    "alternative": "Partially Implemented",
    "not-applicable": "Not Implemented",
}
"""The enumeration of the Security Decision Record's schema (1.1.1), which has no word for the others."""

MEANINGS: Mapping[Status, str] = {
    Status.IMPLEMENTED: "Every assessment objective is met by a claim, every fact behind it passed, and nothing remains for others.",
    Status.PARTIAL: "What the claims say was found; what remains is named, with whom it remains.",
    Status.FAILED: "A check found that a claim is not true; nothing is claimed until it passes.",
    Status.PLANNED: "Not in place: the provider plans it.",
    Status.INHERITED: (
        "Rests on an authorization that system.toml names; that it covers the services and regions in use was not checked here, "
        "and so this is never called implemented."
    ),
    Status.ORGANISATIONAL: (
        "Met, if it is, by the provider's own people and process, which no build can see; the provider states it and shows it."
    ),
    Status.CUSTOMER: "Left to the customer; see the responsibility matrix.",
    Status.NOT_APPLICABLE: "Does not apply to this system, for the reason given.",
    Status.NOT_ADDRESSED: "Nothing is said for this system, and nothing was looked at.",
}
"""What a status says and what it does not, for people."""


def state_of(answer: Answer) -> State:
    """The OSCAL state of one point. A failed point is partial while another claim there holds, and planned otherwise."""
    if answer.status is Status.FAILED and any(result.outcome is Outcome.PASSED for result in answer.claims):
        return "partial"
    return STATES[answer.status]


def control_state(answers: Iterable[Answer]) -> State:
    """The OSCAL state of a whole control from its points, by the same rule as its status."""
    answers = tuple(answers)
    status = control_status(answer.status for answer in answers)
    if status is Status.FAILED:
        return "partial" if any(state_of(answer) in ("implemented", "partial") for answer in answers) else "planned"
    return STATES[status]


def origination_of(answer: Answer) -> str:
    """FedRAMP control origination of one point: as its disposition says; a claimed one is shared where something remains for others."""
    if answer.disposition is not None:
        return answer.disposition.origination
    if not answer.claims:
        return "sp-system"
    return "shared" if any(remainder.who in ("aws", "customer", "provider-of-key") for remainder in answer.remains) else "sp-system"
