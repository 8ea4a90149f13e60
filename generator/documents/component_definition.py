"""Component definition: the system's components, the control statements that each supports, and the rules that prove it, in OSCAL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from claimstack.controls.catalog import label
from claimstack.generator.claims import Component
from claimstack.generator.config import RETENTION_PARAMETER, control_parameter
from claimstack.generator.documents.image_context import SBOM, SBOM_MEDIA_TYPE, locked_packages, render_sbom
from claimstack.generator.documents.oscal import (
    CATALOG_HREF,
    TRESTLE_NS,
    Document,
    Role,
    metadata,
    prop,
    resource,
    stable_uuid,
    through_trestle,
    to_bytes,
)
from claimstack.generator.documents.people import provider_party
from claimstack.generator.documents.profile import (
    CATALOG_FILE,
    RULES_FILE,
    catalog_resource,
    catalog_resource_uuid,
    render_class_profile,
    source_of,
)
from claimstack.generator.emitted import TEST_RESULTS, Place
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Status
from claimstack.generator.predicates import Outcome
from claimstack.generator.resources.function import FUNCTION
from claimstack.generator.system import Declared, DeclaredCheck, System

PROFILE_HREF = "profile.json"
"""As seen from this document. Trestle's tools follow an address, not a `#` reference to the back matter."""

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


def component_uuid(system: System, component: Component) -> str:
    """The same in every version and environment of a system, and in every document that names the component."""
    return stable_uuid("component", system.config.name, component.id)


def validation_uuid(system: System) -> str:
    """Uuid of the component that carries the checks."""
    return stable_uuid("validation", system.config.name)


def render_component_definition(evaluated: Evaluated) -> Document:
    """Render what components claim; statuses are as computed, for the part of a point that a component answers."""
    from trestle.oscal.component import ComponentDefinition

    system = evaluated.system
    rule_sets = _rule_sets(system)
    profile, nist = _profile_resource(evaluated), source_of(system.catalog, CATALOG_FILE)
    components = [_component(evaluated, component, rule_sets) for component in system.components()]
    content = {
        "uuid": stable_uuid("component-definition", system.config.name),
        "metadata": _metadata(evaluated),
        "components": [*components, _validation(system, rule_sets)],
        "back-matter": {"resources": [profile, catalog_resource(nist), *_bill_of_materials(evaluated)]},
    }
    return through_trestle(ComponentDefinition, content)


def _metadata(evaluated: Evaluated) -> dict[str, Any]:
    system = evaluated.system
    config = system.config
    provider = provider_party(system)
    props = {
        "certification-class": config.class_,
        "certification-route": config.certification,
        "environment": evaluated.emitted.environment,
        "rules-version": source_of(system.catalog, RULES_FILE).version,
    }
    built = metadata(
        f"{config.title}: component definition",
        system.timestamp,
        config.as_of.isoformat(),
        roles=[Role("provider", "Provider")] if provider else (),
        parties=[provider] if provider else (),
        responsible={"provider": [provider.uuid]} if provider else {},
    )
    stated = [prop(name, value) for name, value in props.items() if value is not None]
    return built | {"props": [*stated, *_tiers(evaluated.levels)], "remarks": _tier_words(evaluated.levels)}


def _tiers(levels: Iterable[str]) -> Iterator[dict[str, str]]:
    yield from (prop("truth-tier", level) for level in levels)


def _tier_words(levels: Iterable[str]) -> str:
    return " ".join(TIERS[level] for level in levels)


def _levels(claims: Iterable[ClaimResult]) -> tuple[str, ...]:
    """The levels of the checks of claims, declared first."""
    return tuple(sorted({level for result in claims for level in result.levels}))


def _profile_resource(evaluated: Evaluated) -> dict[str, Any]:
    profile = render_class_profile(evaluated)
    sha256 = hashlib.sha256(to_bytes(profile)).hexdigest()
    identifier = _profile_resource_uuid(evaluated.system)
    title = profile["profile"]["metadata"]["title"]
    return resource(identifier, title, PROFILE_HREF, media_type="application/oscal.profile+json", sha256=sha256)


def _bill_of_materials(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """What the image of the MCP server holds, where the system has one."""
    if FUNCTION in evaluated.system.components():
        sha256 = hashlib.sha256(to_bytes(render_sbom(evaluated))).hexdigest()
        identifier = _bill_resource_uuid(evaluated.system)
        yield resource(identifier, "Bill of materials of the image", f"../{SBOM}", media_type=SBOM_MEDIA_TYPE, sha256=sha256)


def _bill_resource_uuid(system: System) -> str:
    return stable_uuid("resource", "sbom", system.config.name)


def _profile_resource_uuid(system: System) -> str:
    return stable_uuid("resource", "profile", system.config.name)


def _rule_sets(system: System) -> Mapping[str, str]:
    """The remarks that group the props of one rule, by check id; trestle's tools read the number."""
    return {check: f"rule_set_{index:03}" for index, check in enumerate(system.checks)}


def _rule_prop(name: str, value: str, rule_set: str | None = None) -> dict[str, str]:
    return prop(name, value, ns=TRESTLE_NS, remarks=rule_set)


def _rule_description(declared: DeclaredCheck) -> str:
    sentence = _one_line(declared.check.sentence())
    return sentence if declared.check.reads_system else f"{declared.scope.stack}.{declared.scope.logical_id}: {sentence}"


def _one_line(text: str) -> str:
    """The value of a prop takes no line break and no space at either end."""
    return " ".join(text.split())


def _component(evaluated: Evaluated, component: Component, rule_sets: Mapping[str, str]) -> dict[str, Any]:
    system = evaluated.system
    identifier = component_uuid(system, component)
    declared = [each for each in system.declared() if each.component.id == component.id]
    answers: dict[str, list[tuple[Answer, list[ClaimResult]]]] = {}
    checks: dict[str, DeclaredCheck] = {}
    for answer in evaluated.answers.values():
        claims = [result for result in answer.claims if result.declared.component.id == component.id]
        if claims:
            answers.setdefault(answer.point.control, []).append((answer, claims))
            checks |= {check.id: check for result in claims for check in result.checks}
    built: dict[str, Any] = {
        "uuid": identifier,
        "type": component.type,
        "title": component.title,
        "description": component.description,
        "props": [*_resource_props(evaluated, declared), *_rule_props(checks, rule_sets)],
    }
    if provider := provider_party(system):
        built["responsible-roles"] = [{"role-id": "provider", "party-uuids": [provider.uuid]}]
    if component == FUNCTION:
        built["props"] += [prop("package-url", package.purl) for package in locked_packages()]
        built["links"] = [{"href": f"#{_bill_resource_uuid(system)}", "rel": "sbom"}]
    if checks:
        built.setdefault("links", []).append({"href": f"#{validation_uuid(system)}", "rel": "validation"})
        built["control-implementations"] = list(_control_implementations(evaluated, identifier, answers))
    return built


def _resource_props(evaluated: Evaluated, declared: Iterable[Declared]) -> Iterator[dict[str, str]]:
    """Logical id, type and pointer of each resource, grouped by resource; where it claims nothing, the reason why."""
    for each in declared:
        found = {"cfn-logical-id": each.logical_id, "cfn-type": each.type}
        pointer = _resource_pointer(each)
        if evaluated.emitted.resolves(pointer):
            found["json-pointer"] = pointer
        group = {"group": f"{each.stack}.{each.logical_id}"}
        for name, value in found.items():
            exempt = each.exempt.reason if each.exempt is not None and name == "cfn-logical-id" else None
            yield prop(name, value, remarks=exempt and f"Makes no claim: {exempt}") | group


def _rule_props(checks: Mapping[str, DeclaredCheck], rule_sets: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for id_ in sorted(checks):
        yield _rule_prop("Rule_Id", id_, rule_sets[id_])
        yield _rule_prop("Rule_Description", _rule_description(checks[id_]), rule_sets[id_])


def _control_implementations(
    evaluated: Evaluated, component: str, answers: Mapping[str, list[tuple[Answer, list[ClaimResult]]]]
) -> Iterator[dict[str, Any]]:
    """What the component says of the class, then what it says beyond: controls that the profile does not select."""
    system = evaluated.system
    class_ = system.config.class_
    nist = source_of(system.catalog, CATALOG_FILE)
    about = {
        False: (PROFILE_HREF, _profile_resource_uuid(system), f"Control statements of class {class_} that this component supports."),
        True: (
            CATALOG_HREF,
            catalog_resource_uuid(nist),
            f"Supplemental: control statements outside class {class_}, shown and never counted.",
        ),
    }
    for supplemental, (source, described_by, description) in about.items():
        chosen = {control: found for control, found in answers.items() if found[0][0].supplemental is supplemental}
        if chosen:
            levels = _levels(result for found in chosen.values() for _, claims in found for result in claims)
            yield {
                "uuid": stable_uuid("control-implementation", component, "supplemental" if supplemental else "class"),
                "source": source,
                "description": f"{description} {_tier_words(levels)}",
                "links": [{"href": f"#{described_by}", "rel": "reference"}],
                "implemented-requirements": [_requirement(evaluated, component, control, chosen[control]) for control in chosen],
            }


def _requirement(evaluated: Evaluated, component: str, control: str, answers: list[tuple[Answer, list[ClaimResult]]]) -> dict[str, Any]:
    known = evaluated.system.catalog.controls[control]
    states = {_state(answer, claims) for answer, claims in answers}
    whole = all(evaluated.answers[point].status is Status.IMPLEMENTED for point in known.points if point in evaluated.answers)
    state = "planned" if states == {"planned"} else "implemented" if whole and states == {"implemented"} else "partial"
    statements = [_statement(evaluated, component, answer, claims) for answer, claims in answers]
    built: dict[str, Any] = {
        "uuid": stable_uuid("implemented-requirement", component, control),
        "control-id": control,
        "description": f"{label(control)} {known.title}: this component answers {len(answers)} of {len(known.points)} control statements.",
        "props": [prop("implementation-status", state, ns=None)],
        "statements": statements,
    }
    if statements[0]["statement-id"] == known.statements[0]:
        # Trestle's tools show a statement by its label, and a statement as a whole has none: they read it from the requirement.
        built["description"] = statements[0]["description"]
        built["props"] += [each for each in statements[0]["props"] if each["name"] == "Rule_Id"]
    if parameters := list(_set_parameters(evaluated.system, known.parameters)):
        built["set-parameters"] = parameters
    return built


def _set_parameters(system: System, parameters: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What system.toml sets for the control, and the retention that the template decides."""
    for parameter in parameters:
        if parameter in system.config.parameters or parameter == RETENTION_PARAMETER:
            stated = control_parameter(system.config, parameter)
            remarks = f"{stated.reason} Approver: {stated.approver} ({stated.date.isoformat()})"
            yield {"param-id": parameter, "values": [stated.value], "remarks": remarks}


def _state(answer: Answer, claims: Iterable[ClaimResult]) -> str:
    """How far a component implements a point: as its own claims show, and never further than the system does."""
    if answer.status is Status.IMPLEMENTED:
        return "implemented"
    return "partial" if any(result.outcome is Outcome.PASSED for result in claims) else "planned"


def _statement(evaluated: Evaluated, component: str, answer: Answer, claims: list[ClaimResult]) -> dict[str, Any]:
    rules = sorted({check.id for result in claims for check in result.checks})
    pointers = sorted({pointer for result in claims for pointer in _telling_pointers(result)})
    resources = dict.fromkeys(_resource_pointer(result.declared) for result in claims)
    links = [{"href": f"../{pointer}", "rel": "evidence"} for pointer in resources if evaluated.emitted.resolves(pointer)]
    if "effective" in _levels(claims):
        links.append({"href": f"../{TEST_RESULTS}", "rel": "evidence"})
    built: dict[str, Any] = {
        "statement-id": answer.point.id,
        "uuid": stable_uuid("statement", component, answer.point.id),
        "description": "\n\n".join(_sentences(claims)),
        "props": [
            prop("implementation-status", _state(answer, claims), ns=None, remarks=answer.why),
            *_tiers(_levels(claims)),
            *(_rule_prop("Rule_Id", rule) for rule in rules),
            *(prop("json-pointer", pointer) for pointer in pointers),
        ],
        "remarks": "\n\n".join(_remarks(answer, claims)),
    }
    if links:
        built["links"] = links
    return built


def _sentences(claims: Iterable[ClaimResult]) -> Iterator[str]:
    """Each sentence once, after what its checks found, before the resources that say it."""
    said: dict[str, list[str]] = {}
    for result in claims:
        sentence = f"{_qualified(result)}{result.claim.sentence}"
        said.setdefault(sentence, []).append(f"{result.declared.stack}.{result.declared.logical_id}")
    for sentence, resources in said.items():
        yield f"{sentence} ({', '.join(resources)})"


def _qualified(result: ClaimResult) -> str:
    failed = {fact.level for fact in result.facts if fact.outcome is Outcome.FAILED}
    return QUALIFIED_BY_TESTS if failed == {"effective"} else QUALIFIED[result.outcome]


def _remarks(answer: Answer, claims: Iterable[ClaimResult]) -> Iterator[str]:
    yield " ".join(TIERS_HERE[level] for level in _levels(claims))
    environments = sorted({fact.environment for result in claims for fact in result.facts if fact.environment is not None})
    if environments:
        yield f"Rests on parameter values of environment {', '.join(environments)}."
    for remainder in answer.remains:
        yield f"Remains for {remainder.who}: {remainder.what}"
    if answer.unmet:
        yield f"Objectives that no passing claim meets: {', '.join(answer.unmet)}."


def _telling_pointers(result: ClaimResult) -> Iterator[str]:
    """Pointers of the facts found in the resource that makes the claim or by a test, and of the failed ones wherever they were found.

    The other places that a check of the whole system looks at stand in evidence/facts.json, under the rule's id.
    """
    own = _resource_pointer(result.declared)
    below = f"{own}/"
    for fact in result.facts:
        told = fact.pointer == own or fact.pointer.startswith(below)
        if told or fact.level == "effective" or fact.outcome is Outcome.FAILED:
            yield fact.pointer


def _resource_pointer(declared: Declared) -> str:
    return Place(declared.stack, ("Resources", declared.logical_id)).pointer


def _method(declared: DeclaredCheck) -> str:
    if declared.check.level == "effective":
        return "Tests the MCP server"
    stack = "every stack" if declared.check.reads_system else f"stack {declared.scope.stack}"
    return f"Examines the emitted template of {stack}"


def _validation(system: System, rule_sets: Mapping[str, str]) -> dict[str, Any]:
    """The component that carries the checks. A rule is what one check asks: trestle's tools expect one rule for each check."""
    props: list[dict[str, str]] = []
    for id_, declared in system.checks.items():
        sentence = _one_line(declared.check.sentence())
        props += (
            _rule_prop("Rule_Id", id_, rule_sets[id_]),
            _rule_prop("Check_Id", id_, rule_sets[id_]),
            _rule_prop("Check_Description", f"{_method(declared)}: {sentence}", rule_sets[id_]),
            prop("check-sha256", declared.sha256, remarks=rule_sets[id_]),
        )
    built: dict[str, Any] = {
        "uuid": validation_uuid(system),
        "type": "validation",
        "title": "claimstack checks",
        "description": "Checks that read the emitted CloudFormation templates and results of tests, and find the facts on which every "
        "claim rests.",
        "links": [
            {"href": "../evidence/facts.json", "rel": "reference", "text": "Every check with its expression, and every fact it found"}
        ],
    }
    return built | ({"props": props} if props else {})
