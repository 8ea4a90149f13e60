"""FedRAMP controls: what the Security Decision Record says of each control of the class (rule SDR-CSF-CTF)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claimstack.controls.catalog import label
from claimstack.generator.config import control_parameter, decided_by
from claimstack.generator.documents.evidence.coverage import by_control
from claimstack.generator.documents.fedramp.common import independent
from claimstack.generator.documents.fedramp.evidence import DEPLOYED, LEVELS, CheckResult, check_results, failures, results_of
from claimstack.generator.documents.markdown import sentence
from claimstack.generator.documents.oscal.claimed import sentences
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.states import FEDRAMP_WORDS, SDR_STATUSES, control_state, package_of
from claimstack.generator.evaluation import Answer, Evaluated, Status, control_status
from claimstack.generator.predicates import WORST_FIRST
from claimstack.generator.stated import ROLES


def security_controls(evaluated: Evaluated) -> list[dict[str, Any]]:
    """Every control of the class once, in catalog order. The word of coverage stands beside the three that the schema knows."""
    results = evaluated.once(check_results)
    return [_control(evaluated, control, answers, results) for control, answers in by_control(evaluated).items()]


def _control(evaluated: Evaluated, control: str, answers: list[Answer], results: Mapping[str, CheckResult]) -> dict[str, Any]:
    state = control_state(answers)
    coverage = control_status(answer.status for answer in answers)
    parameters = dict(_parameters(evaluated, control))
    return {
        "controlId": label(control),
        "controlTitle": evaluated.system.catalog.controls[control].title,
        **({"parameterValues": [{"parameterId": id_, "parameterValue": value} for id_, value in parameters.items()]} if parameters else {}),
        "controlImplementationStatus": SDR_STATUSES[state],
        "statusWord": FEDRAMP_WORDS[state],
        "coverageStatus": coverage.value,
        "controlImplementationDescription": "\n".join(_description(evaluated, control, answers, results)),
    }


def _parameters(evaluated: Evaluated, control: str) -> Iterator[tuple[str, str]]:
    """Control parameters that have a value: those of system.toml, and the retention that the templates decide."""
    for parameter in evaluated.system.catalog.controls[control].parameters:
        if decided_by(evaluated.system.config, parameter) is not None:
            yield parameter, control_parameter(evaluated.system.config, parameter).value


def _description(evaluated: Evaluated, control: str, answers: list[Answer], results: Mapping[str, CheckResult]) -> Iterator[str]:
    """Short Markdown: status, points, verification, validation, what remains for whom."""
    coverage = control_status(answer.status for answer in answers)
    checks = results_of((result for answer in answers for result in answer.claims), results)
    counted = Counter(answer.status.value for answer in answers)
    points = ", ".join(f"{counted[status.value]} {status.value}" for status in Status if counted[status.value])
    yield f"**{FEDRAMP_WORDS[control_state(answers)]}**; coverage: {coverage.value}. Points: {points} of {len(answers)}."
    yield ""
    yield from (f"- {failure}" for failure in failures(checks))
    yield from (f"- {', '.join(f'`{point}`' for point in named)} {said}" for said, named in _grouped(evaluated, answers).items())
    yield from (f"- {line}" for line in _parameter_lines(evaluated, control))
    yield from (f"- {line}" for line in _remains(answers))
    yield from (f"- {line}" for line in _plans(evaluated, control, answers))
    yield ""
    yield from verification_lines(checks)
    yield f"Independent verification and validation: {independent(evaluated.system.config)}."


def _grouped(evaluated: Evaluated, answers: Iterable[Answer]) -> dict[str, list[str]]:
    """What is said → the points of which it is said: a disposition of a whole control stands once."""
    grouped: dict[str, list[str]] = {}
    for answer in answers:
        grouped.setdefault(f"{answer.status.value}: {_said(evaluated, answer)}", []).append(answer.point.id)
    return grouped


def _said(evaluated: Evaluated, answer: Answer) -> str:
    if answer.claims:
        because = "" if answer.status is Status.IMPLEMENTED else f" Why no more: {sentence(answer.why)}"
        return f"{' '.join(sentences(answer.claims))}{because}"
    return f"{sentence(answer.why)}{_inherited_from(evaluated, answer)}"


def _inherited_from(evaluated: Evaluated, answer: Answer) -> str:
    config = evaluated.system.config
    disposition = answer.disposition
    if disposition is None:
        return ""
    package = package_of(config, answer)
    if disposition.provider is not None:
        provider = config.providers.get(disposition.provider)
        by = provider.title if provider is not None else disposition.provider
        return f" Provided by {by}." if package is None else f" Inherited from package {package} ({by})."
    return f" Inherited from package {package} ({config.leveraged.title})." if package is not None and config.leveraged is not None else ""


def _parameter_lines(evaluated: Evaluated, control: str) -> Iterator[str]:
    config = evaluated.system.config
    known = evaluated.system.catalog.controls[control].parameters
    values = dict(_parameters(evaluated, control))
    for parameter in values:
        stated = control_parameter(config, parameter)
        approved = f"Approver: {stated.approver} ({stated.date.isoformat()})."
        yield f"Control parameter `{parameter}` = {stated.value}: {sentence(stated.reason)} {approved}"
    if unset := [parameter for parameter in known if parameter not in values]:
        yield f"Control parameters without a value in system.toml: {', '.join(f'`{parameter}`' for parameter in unset)}."


def _remains(answers: Iterable[Answer]) -> Iterator[str]:
    """What is left of the points that claims answer, each once, with the points it is left for."""
    left: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        for remainder in answer.remains if answer.claims else ():
            left.setdefault((remainder.who, remainder.what), []).append(answer.point.id)
    for (who, what), points in left.items():
        yield f"Remains for {PARTIES[who].name} ({', '.join(f'`{point}`' for point in dict.fromkeys(points))}): {what}"


def _plans(evaluated: Evaluated, control: str, answers: Iterable[Answer]) -> Iterator[str]:
    plans = evaluated.system.config.plans
    for target in (control, *(answer.point.id for answer in answers)):
        if target in plans:
            plan = plans[target]
            yield f"Plan for `{target}`: {sentence(plan.milestone)} {ROLES[plan.owner]}, by {plan.completion.isoformat()}."


def verification_lines(checks: list[CheckResult]) -> Iterator[str]:
    """Verification: what the templates show. Validation: what tests of the server show. Each check by id, level and outcome."""
    if not checks:
        yield "Verification and validation: none by this build; the provider states and shows what there is."
        return
    for heading, level in (("Verification", "declared"), ("Validation", "effective")):
        of_level = [result for result in checks if result.level == level]
        if not of_level:
            yield f"{heading}: no {LEVELS[level]}. {DEPLOYED if level == 'effective' else ''}".rstrip()
            continue
        by_outcome = {outcome: [result.id for result in of_level if result.outcome is outcome] for outcome in WORST_FIRST}
        listed = "; ".join(
            f"{level}, {outcome.value} ({len(ids)}): {', '.join(f'`{id_}`' for id_ in ids)}" for outcome, ids in by_outcome.items() if ids
        )
        yield f"{heading}: {LEVELS[level]}: {listed}. {DEPLOYED if level == 'effective' else ''}".rstrip()
