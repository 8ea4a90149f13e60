"""Plans: what system.toml plans for a point that is open."""

from __future__ import annotations

from claimstack.generator.evaluation import Answer, Status
from claimstack.generator.stated import Plan
from claimstack.generator.system import System


def plan_of(system: System, answer: Answer) -> Plan | None:
    """What system.toml plans for a point that is open: its own plan before its control's."""
    if answer.status in (Status.IMPLEMENTED, Status.NOT_APPLICABLE):
        return None
    plans = system.config.plans
    return plans.get(answer.point.id) or plans.get(answer.point.control)
