"""Coverage: every point of the class with its computed status, for `evidence/coverage.json` and `claimstack coverage`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from claimstack.generator.config import control_parameter, decided_by
from claimstack.generator.documents.states import package_of
from claimstack.generator.emitted import asset_id
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Status, control_status
from claimstack.generator.system import System


def render_coverage(evaluated: Evaluated) -> dict[str, Any]:
    """Counts against the whole class, then each control with its points, what lies outside the class, and the control parameters."""
    system = evaluated.system
    controls = by_control(evaluated)
    leveraged = system.config.leveraged
    return {
        "system": system.config.name,
        "as_of": system.config.as_of.isoformat(),
        "class": system.config.class_,
        "certification": system.config.certification,
        "level": " and ".join(evaluated.levels),
        "environment": evaluated.emitted.environment,
        "leveraged": leveraged.model_dump(mode="json") if leveraged is not None else None,
        **status_counts(evaluated),
        "answers": {
            control: {
                "title": system.catalog.controls[control].title,
                "status": control_status(answer.status for answer in answers).value,
                "points": {answer.point.id: _answer(answer, system) for answer in answers},
            }
            for control, answers in controls.items()
        },
        "supplemental": {answer.point.id: _answer(answer, system) for answer in evaluated.answers.values() if answer.supplemental},
        "parameters": evaluated.once(parameters),
    }


def status_counts(evaluated: Evaluated) -> dict[str, dict[str, int]]:
    """Points and controls of the class by status, each against its total."""
    controls = by_control(evaluated).values()
    return {
        "points": counts(answer.status for answers in controls for answer in answers),
        "controls": counts(control_status(answer.status for answer in answers) for answers in controls),
    }


def by_control(evaluated: Evaluated) -> Mapping[str, list[Answer]]:
    """The answers of the class by control, in catalog order; supplemental ones left out."""
    controls: dict[str, list[Answer]] = {}
    for answer in evaluated.answers.values():
        if not answer.supplemental:
            controls.setdefault(answer.point.control, []).append(answer)
    return controls


def parameters(evaluated: Evaluated) -> dict[str, dict[str, Any]]:
    """Every control parameter of the class, and those outside it that system.toml sets: what it is set to, and who decided."""
    system = evaluated.system
    claimed = {answer.point.control for answer in evaluated.answers.values() if answer.claims}
    of_class = [parameter for control in system.catalog.class_controls(system.config.class_) for parameter in control.parameters]
    return {
        parameter: {
            "control": (control := system.catalog.parameter(parameter)),
            "claimed": control in claimed,
            **_parameter(parameter, system),
        }
        for parameter in dict.fromkeys((*of_class, *system.config.parameters))
    }


def _parameter(parameter: str, system: System) -> dict[str, Any]:
    """A value with its reason, or nothing where neither system.toml nor a template decides."""
    decision = decided_by(system.config, parameter)
    if decision is None:
        return {"value": None, "reason": None, "approver": None, "date": None, "decided_by": None}
    return {**control_parameter(system.config, parameter).model_dump(mode="json"), "decided_by": decision}


def counts(statuses: Iterable[Status]) -> dict[str, int]:
    """How many of each status, zeros included, after the total they are to be read against."""
    found = Counter(statuses)
    return {"total": found.total(), **{status.value: found[status] for status in Status}}


def _answer(answer: Answer, system: System) -> dict[str, Any]:
    said: dict[str, Any] = {"status": answer.status.value, "why": answer.why}
    if answer.claims:
        said["claims"] = [_claim(result) for result in answer.claims]
        said["unmet_objectives"] = list(answer.unmet)
    if answer.remains and answer.claims:
        said["remains"] = [{"who": remainder.who, "what": remainder.what} for remainder in answer.remains]
    if answer.point.id in system.overridden_ceilings:
        because = system.ceilings[answer.point.id].because
        said["ceiling_overridden"] = {"by": system.overridden_ceilings[answer.point.id], "because": because}
    if answer.disposition is not None:
        said["disposition"] = {
            "status": answer.disposition.status,
            "origination": answer.disposition.origination,
            "provider": answer.disposition.provider,
            "source": answer.disposition.source,
        }
        if (package := package_of(system.config, answer)) is not None:
            said["disposition"]["package_id"] = package
    return said


def _claim(result: ClaimResult) -> dict[str, Any]:
    return {
        "resource": asset_id(result.declared),
        "component": result.declared.component.id,
        "sentence": result.claim.sentence,
        "level": " and ".join(result.levels),
        "outcome": result.outcome.value,
        "meets": list(result.claim.meets),
        "checks": sorted({check.id for check in result.checks}),
    }
