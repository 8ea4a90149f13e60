"""Plan of action: what failed, what is planned and what else has a plan; who will close it and when, as far as stated, in OSCAL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from claimstack.controls.catalog import label
from claimstack.generator.documents.inventory import deployment
from claimstack.generator.documents.markdown import sentence
from claimstack.generator.documents.oscal.assessment import (
    SSP_HREF,
    Observed,
    assessment_assets,
    claiming_components,
    claims_by_check,
    document_metadata,
    finding_uuid,
    observation,
    observed,
    risk_uuid,
)
from claimstack.generator.documents.oscal.assessment_results import failed_words, finding, related_observations, risk
from claimstack.generator.documents.oscal.claimed import UNPLANNED, coverage_status
from claimstack.generator.documents.oscal.common import Document, prop, stable_uuid, through_trestle, timestamp
from claimstack.generator.documents.oscal.people import people
from claimstack.generator.documents.plans import plan_of
from claimstack.generator.documents.states import MEANINGS
from claimstack.generator.evaluation import Answer, Evaluated, Status
from claimstack.generator.predicates import Outcome
from claimstack.generator.stated import ROLES, Plan
from claimstack.generator.system import System

NOT_STATED: Final = "not stated in system.toml [plans]"
REMARKS: Final = (
    "Items are the points with a failed fact, the points that are planned, and whatever else is open and has a plan in system.toml. Other "
    "points that are partial or left to somebody are no items here: evidence/coverage.json lists each with what it rests on. "
    "Risks carry no likelihood and no impact, since nobody has stated them. In the place of this document FedRAMP's rules of 2026 ask for "
    "accepted vulnerabilities: fedramp/accepted-vulnerabilities.json."
)


@dataclass(frozen=True, slots=True)
class Item:
    """Points that are open for one reason, under one plan or none."""

    answers: tuple[Answer, ...]
    plan: Plan | None

    @property
    def first(self) -> Answer:
        return self.answers[0]

    @property
    def failed(self) -> bool:
        return self.first.status is Status.FAILED

    @property
    def name(self) -> str:
        points = ", ".join(answer.point.id for answer in self.answers)
        return f"{label(self.first.point.control)} ({points})"


def render_plan_of_action(evaluated: Evaluated) -> Document:
    from trestle.oscal.poam import PlanOfActionAndMilestones

    system = evaluated.system
    items = open_items(evaluated)
    content: dict[str, Any] = {
        "uuid": stable_uuid("plan-of-action-and-milestones", *deployment(evaluated)),
        "metadata": document_metadata(evaluated, "plan of action and milestones", REMARKS),
        "import-ssp": {"href": SSP_HREF},
    }
    failed = [item for item in items if item.failed]
    if failed:
        claims = claims_by_check(evaluated)
        seen = tuple(each for each in observed(evaluated) if each.outcome is Outcome.FAILED)
        content["local-definitions"] = {"assessment-assets": assessment_assets(evaluated)}
        content["observations"] = [
            observation(evaluated, each, claiming_components(system, claims[each.check.id]), names_task=False) for each in seen
        ]
    else:
        seen = ()
    if items:
        content["risks"] = [_risk(evaluated, item, seen) for item in items]
    if failed:
        content["findings"] = [finding(evaluated, item.first, "not-satisfied", seen) for item in failed]
    content["poam-items"] = [_item(evaluated, item, seen) for item in items] or [_nothing_open(system)]
    return through_trestle(PlanOfActionAndMilestones, content)


def open_items(evaluated: Evaluated) -> tuple[Item, ...]:
    """Failed points one by one; planned ones, and others with a stated plan, together where control, reason and plan are the same.

    In catalog order.
    """
    items: dict[tuple[object, ...], Item] = {}
    for answer in evaluated.answers.values():
        plan = plan_of(evaluated.system, answer)
        if answer.status is Status.FAILED:
            items[(answer.point.id,)] = Item((answer,), plan)
        elif answer.status is Status.PLANNED or plan is not None:
            key = (answer.point.control, answer.status, answer.why, plan)
            items[key] = Item((*(items[key].answers if key in items else ()), answer), plan)
    return tuple(items.values())


def _risk(evaluated: Evaluated, item: Item, seen: tuple[Observed, ...]) -> dict[str, Any]:
    built = risk(evaluated, item.first, seen) if item.failed else _planned_risk(evaluated, item)
    if item.plan is None:
        return built
    built["deadline"] = timestamp(datetime.combine(item.plan.completion, time(), UTC))
    built["remediations"] = [_remediation(evaluated.system, item, item.plan)]
    return built


def _planned_risk(evaluated: Evaluated, item: Item) -> dict[str, Any]:
    return {
        "uuid": risk_uuid(evaluated, item.first.point.id),
        "title": f"{item.name}: {'not in place' if item.first.status is Status.PLANNED else 'not wholly shown'}",
        "description": item.first.why,
        "statement": f"{MEANINGS[item.first.status]} Likelihood and impact are for people to judge; nobody has stated them here.",
        "props": [coverage_status(item.first.status)],
        "status": "open",
    }


def _remediation(system: System, item: Item, plan: Plan) -> dict[str, Any]:
    key = item.first.point.id
    return {
        "uuid": stable_uuid("remediation", system.config.name, key),
        "lifecycle": "planned",
        "title": f"Plan for {item.name}",
        "description": "As the provider states it in system.toml [plans]; whether it suffices was not checked.",
        "tasks": [
            {
                "uuid": stable_uuid("milestone", system.config.name, key),
                "type": "milestone",
                "title": plan.milestone,
                "timing": {"on-date": {"date": timestamp(datetime.combine(plan.completion, time(), UTC))}},
                "responsible-roles": [{"role-id": plan.owner, "party-uuids": people(system)["responsible"][plan.owner]}],
            }
        ],
    }


def _item(evaluated: Evaluated, item: Item, seen: tuple[Observed, ...]) -> dict[str, Any]:
    answer = item.first
    built: dict[str, Any] = {
        "uuid": stable_uuid("poam-item", evaluated.system.config.name, answer.point.id),
        "title": f"{item.name}: {answer.status.value}",
        "description": f"{failed_words(answer) if item.failed else sentence(answer.why)} {_plan_words(item.plan)}",
        "props": [*_item_props(item)],
    }
    if item.failed:
        built["related-findings"] = [{"finding-uuid": finding_uuid(evaluated, answer.point.id)}]
        built["related-observations"] = related_observations(evaluated, answer, seen, failed_only=True)
    built["related-risks"] = [{"risk-uuid": risk_uuid(evaluated, answer.point.id)}]
    return built


def _item_props(item: Item) -> Iterator[dict[str, str]]:
    yield from (prop("point", answer.point.id) for answer in item.answers)
    yield coverage_status(item.first.status)
    if any(answer.supplemental for answer in item.answers):
        yield prop("supplemental", "yes", remarks="Outside the class: shown, never counted.")
    yield prop("owner", NOT_STATED if item.plan is None else item.plan.owner)
    yield prop("planned-completion", NOT_STATED if item.plan is None else item.plan.completion.isoformat())


def _plan_words(plan: Plan | None) -> str:
    if plan is None:
        return UNPLANNED
    return f"Planned for {plan.completion.isoformat()}, owner {ROLES[plan.owner]}: {sentence(plan.milestone)}"


def _nothing_open(system: System) -> dict[str, Any]:
    """OSCAL takes no plan of action without an item (poam-items, minItems 1)."""
    return {
        "uuid": stable_uuid("poam-item", system.config.name, "nothing open"),
        "title": "No item is open",
        "description": "No fact failed, no point is planned, and system.toml states no plan for any other. This entry stands here because "
        "OSCAL asks for at least one.",
        "props": [prop("open-items", "0")],
    }
