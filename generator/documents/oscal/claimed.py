"""Claimed: what a component says of a point, in the words and props that the component definition and the security plan share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claimstack.generator.config import control_parameter, decided_by
from claimstack.generator.documents.oscal.common import TRESTLE_NS, prop
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.emitted import Place, asset_id
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Status
from claimstack.generator.paths import TEST_RESULTS
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import Declared, System

TIERS: Mapping[str, str] = {
    "declared": "Declared: facts found in the emitted templates; none says that a stack is deployed or a control effective.",
    "effective": "Effective: facts found by tests of the MCP server's sources; none says that the deployed image is built from them.",
}
"""Level → what its facts say, and what they do not."""
TIERS_HERE: Mapping[str, str] = {
    "declared": "Declared: read from the emitted templates.",
    "effective": "Effective: shown by tests of the MCP server's sources.",
}

QUALIFIED: Mapping[Outcome, str] = {
    Outcome.PASSED: "",
    Outcome.CONDITIONAL: "Depends on values that are chosen when the stack is deployed: ",
    Outcome.NOT_EVALUATED: "Not shown, for want of a test result: ",
    Outcome.FAILED: "Not true of the emitted templates: ",
}
"""What goes before the sentence of a claim, by what its checks found."""
QUALIFIED_BY_TESTS = "Not true of the tested sources: "
"""The same where it was a test that failed."""

UNPLANNED = "Owner and date are not stated in system.toml [plans]."


def tiers(levels: Iterable[str]) -> Iterator[dict[str, str]]:
    yield from (prop("truth-tier", level) for level in levels)


def tier_words(levels: Iterable[str]) -> str:
    return " ".join(TIERS[level] for level in levels)


def levels_of(claims: Iterable[ClaimResult]) -> tuple[str, ...]:
    """The levels of the checks of claims, declared first."""
    return tuple(sorted({level for result in claims for level in result.levels}))


def coverage_status(status: Status) -> dict[str, str]:
    """The prop that stands beside an OSCAL state, which has fewer words."""
    return prop("coverage-status", status.value)


def rule_prop(name: str, value: str, rule_set: str | None = None) -> dict[str, str]:
    return prop(name, value, ns=TRESTLE_NS, remarks=rule_set)


def by_component(answer: Answer) -> Mapping[str, list[ClaimResult]]:
    """The claims on a point by the id of the component that makes them."""
    found: dict[str, list[ClaimResult]] = {}
    for result in answer.claims:
        found.setdefault(result.declared.component.id, []).append(result)
    return found


def claim_props(answer: Answer, claims: list[ClaimResult]) -> list[dict[str, str]]:
    """Coverage word, levels, rules and pointers of what a component says of a point."""
    rules = sorted({check.id for result in claims for check in result.checks})
    pointers = sorted({pointer for result in claims for pointer in _telling_pointers(result)})
    return [
        coverage_status(answer.status),
        *tiers(levels_of(claims)),
        *(rule_prop("Rule_Id", rule) for rule in rules),
        *(prop("json-pointer", pointer) for pointer in pointers),
    ]


def evidence_links(evaluated: Evaluated, claims: list[ClaimResult]) -> list[dict[str, str]]:
    """Links to the resources that make the claims, and to the test results where one rests on them."""
    resources = dict.fromkeys(resource_pointer(result.declared) for result in claims)
    links = [{"href": f"../{pointer}", "rel": "evidence"} for pointer in resources if evaluated.emitted.resolves(pointer)]
    if "effective" in levels_of(claims):
        links.append({"href": f"../{TEST_RESULTS}", "rel": "evidence"})
    return links


def sentences(claims: Iterable[ClaimResult]) -> Iterator[str]:
    """Each sentence once, after what its checks found, before the resources that say it."""
    said: dict[str, list[str]] = {}
    for result in claims:
        said.setdefault(f"{_qualified(result)}{result.claim.sentence}", []).append(asset_id(result.declared))
    for text, resources in said.items():
        yield f"{text} ({', '.join(resources)})"


def claim_remarks(answer: Answer, claims: Iterable[ClaimResult]) -> Iterator[str]:
    claims = tuple(claims)
    yield " ".join(TIERS_HERE[level] for level in levels_of(claims))
    environments = sorted({fact.environment for result in claims for fact in result.facts if fact.environment is not None})
    if environments:
        yield f"Rests on parameter values of environment {', '.join(environments)}."
    for remainder in answer.remains:
        yield f"Remains for {PARTIES[remainder.who].name}: {remainder.what}"
    if answer.unmet:
        yield f"Assessment objectives that no passing claim speaks to: {', '.join(answer.unmet)}."


def component_remarks(evaluated: Evaluated, component: str) -> str:
    """What a component's description is worth, and where a claim of it is not true."""
    failed = [
        answer.point.id
        for answer in evaluated.answers.values()
        if any(result.outcome is Outcome.FAILED for result in by_component(answer).get(component, ()))
    ]
    said = "The description says what the component is for; what was found of it stands with its claims."
    return f"{said} FAILED: it claims what is not true at {', '.join(failed)}." if failed else said


def resource_pointer(declared: Declared) -> str:
    return Place(declared.stack, ("Resources", declared.logical_id)).pointer


def resource_props(evaluated: Evaluated, declared: Iterable[Declared]) -> Iterator[dict[str, str]]:
    """Logical id, type and pointer of each resource, grouped by resource; where it claims nothing, the reason why."""
    for each in declared:
        found = {"cfn-logical-id": each.logical_id, "cfn-type": each.type}
        pointer = resource_pointer(each)
        if evaluated.emitted.resolves(pointer):
            found["json-pointer"] = pointer
        group = {"group": asset_id(each)}
        for name, value in found.items():
            exempt = each.exempt.reason if each.exempt is not None and name == "cfn-logical-id" else None
            yield prop(name, value, remarks=exempt and f"Makes no claim: {exempt}") | group


def set_parameters(system: System, parameters: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What system.toml sets for the control, and the retention that the template decides."""
    for parameter in parameters:
        if decided_by(system.config, parameter) is not None:
            stated = control_parameter(system.config, parameter)
            remarks = f"{stated.reason} Approver: {stated.approver} ({stated.date.isoformat()})"
            yield {"param-id": parameter, "values": [stated.value], "remarks": remarks}


def _qualified(result: ClaimResult) -> str:
    failed = {fact.level for fact in result.facts if fact.outcome is Outcome.FAILED}
    return QUALIFIED_BY_TESTS if failed == {"effective"} else QUALIFIED[result.outcome]


def _telling_pointers(result: ClaimResult) -> Iterator[str]:
    """Pointers of the facts found in the resource that makes the claim or by a test, and of the failed ones wherever they were found.

    The other places that a check of the whole system looks at stand in evidence/facts.json, under the rule's id.
    """
    own = resource_pointer(result.declared)
    below = f"{own}/"
    for fact in result.facts:
        told = fact.pointer == own or fact.pointer.startswith(below)
        if told or fact.level == "effective" or fact.outcome is Outcome.FAILED:
            yield fact.pointer
