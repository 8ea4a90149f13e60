"""SSP controls: the answer to every control statement of the class, by the system as a whole and by each component that claims it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from claimstack.controls.catalog import Control, label
from claimstack.controls.families import Remainder
from claimstack.generator.claims import Component
from claimstack.generator.config import decided_by
from claimstack.generator.documents.evidence.coverage import by_control
from claimstack.generator.documents.markdown import sentence
from claimstack.generator.documents.oscal.claimed import (
    UNPLANNED,
    by_component,
    claim_props,
    claim_remarks,
    coverage_status,
    evidence_links,
    levels_of,
    sentences,
    set_parameters,
    tier_words,
    tiers,
)
from claimstack.generator.documents.oscal.common import FEDRAMP_NS, prop, stable_uuid
from claimstack.generator.documents.oscal.component_definition import component_uuid
from claimstack.generator.documents.oscal.people import PROVIDER, responsible_role
from claimstack.generator.documents.oscal.ssp_implementation import infrastructure_uuid, this_system_uuid
from claimstack.generator.documents.oscal.ssp_users import COMMON_CONTROLS, CUSTOMER, INFRASTRUCTURE, KEY_ADMINISTRATOR
from claimstack.generator.documents.outside import given, provider_uuid
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.plans import plan_of
from claimstack.generator.documents.states import MEANINGS, STATES, component_state, control_state, origination_of, package_of, state_of
from claimstack.generator.emitted import words
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Status, control_status
from claimstack.generator.predicates import Outcome
from claimstack.generator.stated import Plan
from claimstack.generator.system import System

ROLES_OF_STATUS: Final[Mapping[Status, str]] = {Status.INHERITED: INFRASTRUCTURE, Status.CUSTOMER: CUSTOMER}
"""Whom a disposition makes responsible; the provider for every other status."""

OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.PASSED: "shown",
    Outcome.CONDITIONAL: "dependent on values that are chosen when the stack is deployed",
    Outcome.NOT_EVALUATED: "without a test result",
    Outcome.FAILED: "failed",
}
LEADS: Final[Mapping[Status, str]] = {
    Status.INHERITED: "Inherited, not looked at:",
    Status.ORGANISATIONAL: "For the provider to show, not seen here:",
    Status.CUSTOMER: "Left to the customer:",
    Status.PLANNED: "Not in place:",
    Status.NOT_APPLICABLE: "Does not apply:",
    Status.NOT_ADDRESSED: "Not addressed:",
}
"""What goes before the reason of a disposition, whose sentence alone could be read as something that was found."""
ONE_REGION: Final = ("cp-6", "cp-7")
"""Controls to which a system of one region has nothing to say from its stacks."""


def control_implementation(evaluated: Evaluated, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    """One requirement for each control of the class, one statement for each of its points."""
    class_ = evaluated.system.config.class_
    said = [
        f"Each control of class {class_} is answered once, at each of its response points. An answer rests on claims of resources, whose "
        "checks found the facts, or it is a disposition, which the provider states and no build can see.",
        tier_words(evaluated.levels),
        "Beside each state the prop coverage-status gives the word of evidence/coverage.json, where OSCAL has five states and no more.",
    ]
    if evaluated.system.config.leveraged is None:
        said.append(
            "system.toml names no leveraged authorization, so this plan inherits nothing of the infrastructure; points that would be are "
            "not addressed."
        )
    if beyond := dict.fromkeys(answer.point.control for answer in evaluated.answers.values() if answer.supplemental):
        said.append(
            f"Components also support controls outside the class, which are not answered here and never counted: "
            f"{', '.join(label(control) for control in beyond)}. The component definition shows them."
        )
    return {
        "description": "\n\n".join(said),
        "implemented-requirements": [
            _requirement(evaluated, control, answers, parties) for control, answers in by_control(evaluated).items()
        ],
    }


def statement_uuid(system: System, point: str) -> str:
    return stable_uuid("ssp-statement", system.config.name, point)


def by_component_uuid(system: System, point: str, component: str) -> str:
    """Uuid of what one component, by its uuid, says of a point."""
    return stable_uuid("by-component", system.config.name, point, component)


def _requirement(evaluated: Evaluated, control: str, answers: list[Answer], parties: Mapping[str, list[str]]) -> dict[str, Any]:
    system = evaluated.system
    known = system.catalog.controls[control]
    originations = list(dict.fromkeys(_originations(answers)))
    built: dict[str, Any] = {
        "uuid": stable_uuid("ssp-requirement", system.config.name, control),
        "control-id": control,
        "props": [
            prop("implementation-status", control_state(answers)),
            coverage_status(control_status(answer.status for answer in answers)),
            *(_origination(origination, answers) for origination in originations),
        ],
    }
    if parameters := list(set_parameters(system, known.parameters)):
        built["set-parameters"] = parameters
    built["statements"] = [_statement(evaluated, answer, parties, mixed=len(originations) > 1) for answer in answers]
    if remarks := "\n\n".join(_requirement_remarks(system, known)):
        built["remarks"] = remarks
    return built


def _originations(answers: list[Answer]) -> Iterator[str]:
    """None for a point that nothing is said of: without a leveraged authorization its disposition would still say inherited."""
    yield from (origination_of(answer) for answer in answers if answer.status is not Status.NOT_ADDRESSED)


def _origination(word: str, answers: Iterable[Answer]) -> dict[str, str]:
    """The prop; where claims are shared, with whom, since FedRAMP's word by itself would mean the customer."""
    alike = [answer for answer in answers if answer.status is not Status.NOT_ADDRESSED and origination_of(answer) == word]
    left = {remainder.who for answer in alike for remainder in answer.remains}
    remarks = None
    if word == "shared" and all(answer.claims for answer in alike):
        remarks = f"Shared with {' and '.join(party.name for who, party in PARTIES.items() if party.outside and who in left)}."
        if "customer" not in left:
            remarks += " Nothing of it is left to the customer."
    return prop("control-origination", word, ns=FEDRAMP_NS, remarks=remarks)


def _requirement_remarks(system: System, known: Control) -> Iterator[str]:
    if known.id.partition(".")[0] in ONE_REGION:
        yield (
            "The system is built for one region, and its stacks do nothing for this control. What a rebuild in a second region loses "
            "stands in the authorization boundary."
        )
    unset = [parameter for parameter in known.parameters if decided_by(system.config, parameter) is None]
    if unset:
        yield f"Control parameters without a value in system.toml: {', '.join(unset)}."


def _statement(evaluated: Evaluated, answer: Answer, parties: Mapping[str, list[str]], *, mixed: bool) -> dict[str, Any]:
    built: dict[str, Any] = {"statement-id": answer.point.id, "uuid": statement_uuid(evaluated.system, answer.point.id)}
    if mixed and answer.status is not Status.NOT_ADDRESSED:
        built["props"] = [_origination(origination_of(answer), (answer,))]
    components = {component.id: component for component in evaluated.system.components()}
    built["by-components"] = [
        _by_this_system(evaluated, answer, parties),
        *(_by_claiming(evaluated, answer, components[id_], claims, parties) for id_, claims in by_component(answer).items()),
        *_by_outside(evaluated.system, answer, parties),
    ]
    return built


def _by_this_system(evaluated: Evaluated, answer: Answer, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    system = evaluated.system
    plan = plan_of(system, answer)
    props = [coverage_status(answer.status), *tiers(levels_of(answer.claims))]
    if plan is not None:
        props.append(prop("planned-completion-date", plan.completion.isoformat(), ns=FEDRAMP_NS, remarks=plan.milestone))
    built: dict[str, Any] = {
        "component-uuid": this_system_uuid(system),
        "uuid": by_component_uuid(system, answer.point.id, this_system_uuid(system)),
        "description": "\n\n".join(_answer_words(evaluated, answer)),
        "props": props,
        "implementation-status": {"state": state_of(answer), "remarks": "\n\n".join(_status_words(answer, plan))},
    }
    if export := _export(evaluated, answer):
        built["export"] = export
    return built | {"responsible-roles": [responsible_role(role, parties) for role in _responsible(answer, plan)]}


def left_over(answer: Answer) -> tuple[Remainder, ...]:
    """What remains for others; nothing is said of that where a point does not apply or is not addressed."""
    return () if answer.status in (Status.NOT_APPLICABLE, Status.NOT_ADDRESSED) else answer.remains


def _answer_words(evaluated: Evaluated, answer: Answer) -> Iterator[str]:
    yield from _claimed_words(evaluated, answer) if answer.claims else _disposed_words(evaluated.system, answer)
    for remainder in left_over(answer):
        yield f"Remains for {PARTIES[remainder.who].name}: {remainder.what}"


def _disposed_words(system: System, answer: Answer) -> Iterator[str]:
    yield f"{LEADS[answer.status]} {_sentence(answer.why)}"
    if answer.disposition is not None and answer.disposition.provider is not None:
        package = package_of(system.config, answer)
        rests = "" if package is None else f", package {package}, as system.toml states"
        yield f"Answered by {system.config.providers[answer.disposition.provider].title}{rests}."
    if answer.disposition is not None and answer.disposition.source == "system.toml":
        yield "As system.toml states it."


def _claimed_words(evaluated: Evaluated, answer: Answer) -> Iterator[str]:
    titles = {component.id: component.title for component in evaluated.system.components()}
    claimants = ", ".join(titles[id_] for id_ in by_component(answer))
    counted = [(word, sum(result.outcome is outcome for result in answer.claims)) for outcome, word in OUTCOMES.items()]
    found = ", ".join(f"{count} {word}" for word, count in counted if count)
    yield f"Answered by {claimants}: {_number(len(answer.claims), 'claim')}, {found}."
    objectives = len(answer.point.objectives)
    levels = " and ".join(levels_of(answer.claims))
    yield f"Assessment objectives that a passing claim speaks to: {objectives - len(answer.unmet)} of {objectives} ({levels})."
    failed = (fact for result in answer.claims for fact in result.facts if fact.outcome is Outcome.FAILED)
    told = (f"FAILED: {fact.check} at {fact.pointer}. Expected: {fact.expected}. Found: {words(fact.actual)}" for fact in failed)
    yield from dict.fromkeys(told)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _status_words(answer: Answer, plan: Plan | None) -> Iterator[str]:
    yield MEANINGS[answer.status]
    if answer.claims:
        yield _sentence(answer.why)
    if plan is None and answer.status in (Status.FAILED, Status.PLANNED):
        yield UNPLANNED


def _sentence(text: str) -> str:
    return sentence(f"{text[:1].upper()}{text[1:]}")


def _responsible(answer: Answer, plan: Plan | None) -> Iterator[str]:
    roles: dict[str, None] = {}
    if answer.claims:
        roles[PROVIDER] = None
    else:
        disposition = answer.disposition
        named = disposition is not None and disposition.provider is not None
        roles[COMMON_CONTROLS if named else ROLES_OF_STATUS.get(answer.status, PROVIDER)] = None
        if disposition is not None and disposition.origination == "shared":
            roles[PROVIDER] = None
    roles |= dict.fromkeys(PARTIES[remainder.who].role for remainder in left_over(answer))
    if plan is not None:
        roles[plan.owner] = None
    yield from roles


def _export(evaluated: Evaluated, answer: Answer) -> dict[str, Any]:
    """What a system that leverages this one may build upon, and what is left to it. Nothing is offered of a point that failed."""
    name, point = evaluated.system.config.name, answer.point.id
    passing = [result for result in answer.claims if result.outcome is Outcome.PASSED and answer.status is not Status.FAILED]
    provided = stable_uuid("provided", name, point)
    left = [answer.why] if answer.status is Status.CUSTOMER else []
    left += [remainder.what for remainder in left_over(answer) if remainder.who == "customer"]
    export: dict[str, Any] = {}
    if passing:
        offered = {"uuid": provided, "description": "\n\n".join(sentences(passing)), "remarks": tier_words(levels_of(passing))}
        export["provided"] = [offered]
    if left:
        export["responsibilities"] = [
            {
                "uuid": stable_uuid("responsibility", name, point, str(number)),
                **({"provided-uuid": provided} if passing else {}),
                "description": what,
                "responsible-roles": [{"role-id": CUSTOMER}],
            }
            for number, what in enumerate(left, start=1)
        ]
    return export


def _by_claiming(
    evaluated: Evaluated, answer: Answer, component: Component, claims: list[ClaimResult], parties: Mapping[str, list[str]]
) -> dict[str, Any]:
    system = evaluated.system
    identifier = component_uuid(system, component)
    built: dict[str, Any] = {
        "component-uuid": identifier,
        "uuid": by_component_uuid(system, answer.point.id, identifier),
        "description": "\n\n".join(sentences(claims)),
        "props": claim_props(answer, claims),
        "implementation-status": {"state": component_state(answer, claims), "remarks": answer.why},
        "responsible-roles": [responsible_role(PROVIDER, parties)],
        "remarks": "\n\n".join(claim_remarks(answer, claims)),
    }
    if links := evidence_links(evaluated, claims):
        built["links"] = links
    return built


def _by_outside(system: System, answer: Answer, parties: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """What is inherited, what a named provider answers, and what a claim leaves to the infrastructure or to whoever gives a thing."""
    provider = None if answer.disposition is None else answer.disposition.provider
    inherited = answer.status is Status.INHERITED and provider is None
    if provider is not None:
        yield _inheriting(system, answer, provider_uuid(system, provider), COMMON_CONTROLS, parties)
    elif inherited:
        yield _inheriting(system, answer, infrastructure_uuid(system), INFRASTRUCTURE, parties)
    to_aws = [remainder for remainder in left_over(answer) if remainder.who == "aws"]
    if to_aws and system.config.leveraged is not None and not inherited:
        yield _left(system, answer, infrastructure_uuid(system), INFRASTRUCTURE, to_aws, parties)
    for each in given(system.config):
        to_giver = [remainder for remainder in left_over(answer) if remainder.who == each.remainder]
        if to_giver:
            yield _left(system, answer, each.uuid(system), KEY_ADMINISTRATOR, to_giver, parties)


def _inheriting(system: System, answer: Answer, component: str, role: str, parties: Mapping[str, list[str]]) -> dict[str, Any]:
    built: dict[str, Any] = {
        "component-uuid": component,
        "uuid": by_component_uuid(system, answer.point.id, component),
        "description": answer.why,
        "props": [coverage_status(answer.status)],
        "implementation-status": {"state": STATES[answer.status], "remarks": MEANINGS[answer.status]},
    }
    if answer.status is Status.INHERITED:
        built["inherited"] = [
            {
                "uuid": stable_uuid("inherited", system.config.name, answer.point.id, component),
                "description": f"{answer.why} The security plan of the provider is not at hand, so no provided capability of it is named.",
            }
        ]
    return built | {"responsible-roles": [responsible_role(role, parties)]}


def _left(
    system: System, answer: Answer, component: str, role: str, remains: list[Remainder], parties: Mapping[str, list[str]]
) -> dict[str, Any]:
    """What is left to somebody outside, without a state: nobody looked whether it is done."""
    return {
        "component-uuid": component,
        "uuid": by_component_uuid(system, answer.point.id, component),
        "description": "\n\n".join(remainder.what for remainder in remains),
        "responsible-roles": [responsible_role(role, parties)],
        "remarks": "Left to whoever runs this component; whether it is done was not looked at.",
    }
