"""Component definition: the system's components, the control statements that each supports, and the rules that prove it, in OSCAL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from claimstack.controls.catalog import label
from claimstack.generator.claims import Component
from claimstack.generator.documents.fedramp.ports import component_protocols
from claimstack.generator.documents.image_context import SBOM_MEDIA_TYPE, locked_packages, render_sbom
from claimstack.generator.documents.oscal.claimed import (
    by_component,
    claim_props,
    claim_remarks,
    component_remarks,
    coverage_status,
    evidence_links,
    levels_of,
    resource_props,
    rule_prop,
    sentences,
    set_parameters,
    tier_words,
    tiers,
)
from claimstack.generator.documents.oscal.common import (
    CATALOG_HREF,
    Document,
    Role,
    metadata,
    prop,
    resource,
    stable_uuid,
    through_trestle,
)
from claimstack.generator.documents.oscal.people import provider_party
from claimstack.generator.documents.oscal.profile import (
    CATALOG_FILE,
    PROFILE_HREF,
    RULES_FILE,
    catalog_resource,
    catalog_resource_uuid,
    profile_resource,
    profile_resource_uuid,
    source_of,
)
from claimstack.generator.documents.rendered import sha256_of
from claimstack.generator.documents.states import component_state, requirement_state
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, control_status
from claimstack.generator.paths import SBOM
from claimstack.generator.resources.function import FUNCTION
from claimstack.generator.system import DeclaredCheck, System


def component_uuid(system: System, component: Component) -> str:
    """The same in every version and environment of a system, and in every document that names the component."""
    return stable_uuid("component", system.config.name, component.id)


def validation_uuid(system: System) -> str:
    """Uuid of the component that carries the checks."""
    return stable_uuid("validation", system.config.name)


def protocols(evaluated: Evaluated) -> Mapping[str, list[dict[str, Any]]]:
    """Component id → the connections that it takes, as the flows of the templates show them."""
    name = evaluated.system.config.name
    return {
        component: [{"uuid": stable_uuid("protocol", name, component, protocol["name"]), **protocol} for protocol in said]
        for component, said in component_protocols(evaluated).items()
    }


def render_component_definition(evaluated: Evaluated) -> Document:
    """Render what components claim; statuses are as computed, for the part of a point that a component answers."""
    from trestle.oscal.component import ComponentDefinition

    system = evaluated.system
    rule_sets = _rule_sets(system)
    profile, nist = profile_resource(evaluated), source_of(system.catalog, CATALOG_FILE)
    taken = protocols(evaluated)
    components = [_component(evaluated, component, rule_sets, taken) for component in system.components()]
    content = {
        "uuid": stable_uuid("component-definition", system.config.name),
        "metadata": _metadata(evaluated),
        "components": [*components, _validation(system, rule_sets)],
        "back-matter": {"resources": [profile, catalog_resource(nist), *bill_of_materials(evaluated)]},
    }
    return through_trestle(ComponentDefinition, content)


def _metadata(evaluated: Evaluated) -> dict[str, Any]:
    system = evaluated.system
    config = system.config
    provider = provider_party(system)
    built = metadata(
        f"{config.title}: component definition",
        system.timestamp,
        config.as_of.isoformat(),
        roles=[Role("provider", "Provider")] if provider else (),
        parties=[provider] if provider else (),
        responsible={"provider": [provider.uuid]} if provider else {},
    )
    return built | {"props": package_props(evaluated), "remarks": tier_words(evaluated.levels)}


def package_props(evaluated: Evaluated) -> list[dict[str, str]]:
    """What the metadata of a document says of the package: class, route, environment, version of the rules, levels of the facts."""
    config = evaluated.system.config
    props = {
        "certification-class": config.class_,
        "certification-route": config.certification,
        "environment": evaluated.emitted.environment,
        "rules-version": source_of(evaluated.system.catalog, RULES_FILE).version,
    }
    return [*(prop(name, value) for name, value in props.items() if value is not None), *tiers(evaluated.levels)]


def bill_of_materials(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    """What the image of the MCP server holds, where the system has one."""
    if FUNCTION in evaluated.system.components():
        identifier, sha256 = bill_resource_uuid(evaluated.system), sha256_of(evaluated, render_sbom)
        yield resource(identifier, "Bill of materials of the image", f"../{SBOM}", media_type=SBOM_MEDIA_TYPE, sha256=sha256)


def bill_resource_uuid(system: System) -> str:
    return stable_uuid("resource", "sbom", system.config.name)


def _rule_sets(system: System) -> Mapping[str, str]:
    """The remarks that group the props of one rule, by check id; trestle's tools read the number."""
    return {check: f"rule_set_{index:03}" for index, check in enumerate(system.checks)}


def _rule_description(declared: DeclaredCheck) -> str:
    sentence = _one_line(declared.check.sentence())
    return sentence if declared.check.reads_system else f"{declared.scope.stack}.{declared.scope.logical_id}: {sentence}"


def _one_line(text: str) -> str:
    """The value of a prop takes no line break and no space at either end."""
    return " ".join(text.split())


def _component(
    evaluated: Evaluated, component: Component, rule_sets: Mapping[str, str], taken: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    system = evaluated.system
    identifier = component_uuid(system, component)
    declared = [each for each in system.declared() if each.component.id == component.id]
    answers: dict[str, list[tuple[Answer, list[ClaimResult]]]] = {}
    checks: dict[str, DeclaredCheck] = {}
    for answer in evaluated.answers.values():
        claims = by_component(answer).get(component.id)
        if claims:
            answers.setdefault(answer.point.control, []).append((answer, claims))
            checks |= {check.id: check for result in claims for check in result.checks}
    built: dict[str, Any] = {
        "uuid": identifier,
        "type": component.type,
        "title": component.title,
        "description": component.description,
        "props": [*resource_props(evaluated, declared), *_rule_props(checks, rule_sets)],
        "remarks": component_remarks(evaluated, component.id),
    }
    if provider := provider_party(system):
        built["responsible-roles"] = [{"role-id": "provider", "party-uuids": [provider.uuid]}]
    if component.id in taken:
        built["protocols"] = taken[component.id]
    if component == FUNCTION:
        built["props"] += [prop("package-url", package.purl) for package in locked_packages()]
        built["links"] = [{"href": f"#{bill_resource_uuid(system)}", "rel": "sbom"}]
    if checks:
        built.setdefault("links", []).append({"href": f"#{validation_uuid(system)}", "rel": "validation"})
        built["control-implementations"] = list(_control_implementations(evaluated, identifier, answers))
    return built


def _rule_props(checks: Mapping[str, DeclaredCheck], rule_sets: Mapping[str, str]) -> Iterator[dict[str, str]]:
    for id_ in sorted(checks):
        yield rule_prop("Rule_Id", id_, rule_sets[id_])
        yield rule_prop("Rule_Description", _rule_description(checks[id_]), rule_sets[id_])


def _control_implementations(
    evaluated: Evaluated, component: str, answers: Mapping[str, list[tuple[Answer, list[ClaimResult]]]]
) -> Iterator[dict[str, Any]]:
    """What the component says of the class, then what it says beyond: controls that the profile does not select."""
    system = evaluated.system
    class_ = system.config.class_
    nist = source_of(system.catalog, CATALOG_FILE)
    about = {
        False: (PROFILE_HREF, profile_resource_uuid(system), f"Control statements of class {class_} that this component supports."),
        True: (
            CATALOG_HREF,
            catalog_resource_uuid(nist),
            f"Supplemental: control statements outside class {class_}, shown and never counted.",
        ),
    }
    for supplemental, (source, described_by, description) in about.items():
        chosen = {control: found for control, found in answers.items() if found[0][0].supplemental is supplemental}
        if chosen:
            levels = levels_of(result for found in chosen.values() for _, claims in found for result in claims)
            yield {
                "uuid": stable_uuid("control-implementation", component, "supplemental" if supplemental else "class"),
                "source": source,
                "description": f"{description} {tier_words(levels)}",
                "links": [{"href": f"#{described_by}", "rel": "reference"}],
                "implemented-requirements": [_requirement(evaluated, component, control, chosen[control]) for control in chosen],
            }


def _requirement(evaluated: Evaluated, component: str, control: str, answers: list[tuple[Answer, list[ClaimResult]]]) -> dict[str, Any]:
    known = evaluated.system.catalog.controls[control]
    states = {component_state(answer, claims) for answer, claims in answers}
    status = control_status(evaluated.answers[point].status for point in known.points if point in evaluated.answers)
    statements = [_statement(evaluated, component, answer, claims) for answer, claims in answers]
    built: dict[str, Any] = {
        "uuid": stable_uuid("implemented-requirement", component, control),
        "control-id": control,
        "description": f"{label(control)} {known.title}: this component answers {len(answers)} of {len(known.points)} control statements.",
        "props": [prop("implementation-status", requirement_state(states, status), ns=None), coverage_status(status)],
        "statements": statements,
    }
    if statements[0]["statement-id"] == known.statements[0]:
        # Trestle's tools show a statement by its label, and a statement as a whole has none: they read it from the requirement.
        built["description"] = statements[0]["description"]
        built["props"] += [each for each in statements[0]["props"] if each["name"] == "Rule_Id"]
    if parameters := list(set_parameters(evaluated.system, known.parameters)):
        built["set-parameters"] = parameters
    return built


def _statement(evaluated: Evaluated, component: str, answer: Answer, claims: list[ClaimResult]) -> dict[str, Any]:
    built: dict[str, Any] = {
        "statement-id": answer.point.id,
        "uuid": stable_uuid("statement", component, answer.point.id),
        "description": "\n\n".join(sentences(claims)),
        "props": [
            prop("implementation-status", component_state(answer, claims), ns=None, remarks=answer.why),
            *claim_props(answer, claims),
        ],
        "remarks": "\n\n".join(claim_remarks(answer, claims)),
    }
    if links := evidence_links(evaluated, claims):
        built["links"] = links
    return built


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
            rule_prop("Rule_Id", id_, rule_sets[id_]),
            rule_prop("Check_Id", id_, rule_sets[id_]),
            rule_prop("Check_Description", f"{_method(declared)}: {sentence}", rule_sets[id_]),
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
