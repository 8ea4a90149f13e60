"""States: what each computed status of a point or a control is called in OSCAL and in the FedRAMP documents; every document asks here.

OSCAL knows five states and FedRAMP's schema three; coverage knows nine statuses. The coverage word stands beside the state wherever a
document gives one, and MEANINGS says what the state does not claim.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from claimstack.generator.config import Config
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.evaluation import Answer, ClaimResult, Status, control_status
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
    Status.IMPLEMENTED: "Claims speak to every assessment objective, every fact behind them passed, and nothing remains for others.",
    Status.PARTIAL: "What the claims say was found; what remains is named, with whom it remains.",
    Status.FAILED: "A check found that a claim is not true; nothing is claimed until it passes.",
    Status.PLANNED: "Not in place: the provider plans it.",
    Status.INHERITED: (
        "Rests on an authorization that system.toml names; that it covers the services and regions in use was not checked here, "
        "and so this is never called implemented."
    ),
    Status.ORGANISATIONAL: (
        "Met, if it is, by the provider's own people and process or by a service that it names, which no build can see; the provider "
        "states it and shows it."
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


def component_state(answer: Answer, claims: Iterable[ClaimResult]) -> State:
    """How far a component implements a point: as its own claims show, and never further than the system does."""
    if answer.status is Status.IMPLEMENTED:
        return "implemented"
    return "partial" if any(result.outcome is Outcome.PASSED for result in claims) else "planned"


def requirement_state(states: Collection[State], status: Status) -> State:
    """How far a component implements a control, from its states at the points it answers and the status of the whole control."""
    if set(states) == {"planned"}:
        return "planned"
    return "implemented" if status is Status.IMPLEMENTED and set(states) == {"implemented"} else "partial"


def package_of(config: Config, answer: Answer) -> str | None:
    """The FedRAMP id of the authorization that an inherited answer rests on: of the provider it names, else of the infrastructure."""
    if answer.status is not Status.INHERITED or answer.disposition is None:
        return None
    if answer.disposition.provider is not None:
        return config.providers[answer.disposition.provider].fedramp_id
    return None if config.leveraged is None else config.leveraged.package_id


def origination_of(answer: Answer) -> str:
    """FedRAMP control origination of one point: as its disposition says; a claimed one is shared where something remains for others."""
    if answer.disposition is not None:
        return answer.disposition.origination
    if not answer.claims:
        return "sp-system"
    return "shared" if any(PARTIES[remainder.who].outside for remainder in answer.remains) else "sp-system"
