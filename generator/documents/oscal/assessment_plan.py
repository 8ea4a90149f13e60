"""Assessment plan: how the provider verifies its own claims, one activity and one task for each check, in OSCAL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from claimstack.generator.documents.evidence.facts import METHODS
from claimstack.generator.documents.inventory import inventory_uuid
from claimstack.generator.documents.oscal.assessment import (
    NOT_INDEPENDENT,
    SSP_HREF,
    activity_uuid,
    assessment_assets,
    claiming_components,
    claims_by_check,
    document_metadata,
    limits,
    responsible,
    reviewed_controls,
    task_uuid,
)
from claimstack.generator.documents.oscal.common import Document, prop, stable_uuid, through_trestle
from claimstack.generator.emitted import Place, asset_id
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated
from claimstack.generator.expressions import EACH, PropertyCheck
from claimstack.generator.passing import PassingTest
from claimstack.generator.paths import TEST_RESULTS, template_path
from claimstack.generator.system import DeclaredCheck, System

Claims = list[tuple[Answer, ClaimResult]]

TASKS: Mapping[str, tuple[str, str]] = {
    "declared": (
        "Examine the emitted templates",
        "Evaluate every check on the CloudFormation templates as they are read back from their files.",
    ),
    "effective": (
        "Test the MCP server",
        "Run the tests of the server's sources, and read the recorded outcomes of those that claims rest on.",
    ),
}
"""Level → title and description of the task that holds the tasks of its checks."""

PARTS: Mapping[str, tuple[str, str]] = {
    "disclosures": ("Whose plan this is", NOT_INDEPENDENT),
    "assessment-inclusions": (
        "What is looked at",
        "Every check on which a claim rests, at every place it looks at. A check that several claims rest on is evaluated once.",
    ),
    "assessment-exclusions": (
        "What is not looked at",
        "Deployed resources, the network, people and their procedures: nobody is interviewed. Points without a claim are not assessed; "
        "evidence/coverage.json lists each with its disposition.",
    ),
    "methodology": (
        "What counts as failure",
        "A value that is not as expected, a value that is absent, an empty population unless the check admits one, and a template that "
        "cannot be read. A value that is chosen at deployment is conditional, a test without a result for the present sources is not "
        "evaluated; neither counts as passed.",
    ),
    "results-delivery": (
        "Where the results are",
        "assessment-results.json beside this file, and evidence/facts.json with every value found.",
    ),
}
"""Part name of OSCAL → title and prose."""


def render_assessment_plan(evaluated: Evaluated) -> Document:
    from trestle.oscal.assessment_plan import AssessmentPlan

    system = evaluated.system
    claims = claims_by_check(evaluated)
    content: dict[str, Any] = {
        "uuid": stable_uuid("assessment-plan", system.config.name),
        "metadata": document_metadata(evaluated, "the provider's own assessment plan", limits(evaluated)),
        "import-ssp": {"href": SSP_HREF},
    }
    if activities := [_activity(evaluated, check, claims[check.id]) for check in system.checks.values()]:
        content["local-definitions"] = {"activities": activities}
    content |= {
        "terms-and-conditions": {"parts": list(_parts(system))},
        "reviewed-controls": all_reviewed(evaluated),
        "assessment-subjects": [_all_items("Every resource that the system declares."), *_components(system, claims)],
        "assessment-assets": assessment_assets(evaluated),
    }
    if activities:
        content["tasks"] = list(_tasks(evaluated, claims))
    return through_trestle(AssessmentPlan, content)


def all_reviewed(evaluated: Evaluated) -> dict[str, Any]:
    """Every control of the class with a claim; of a system without any, every control of the class: none of them is shown."""
    found = reviewed_controls((answer, answer.claims) for answer in evaluated.answers.values())
    if found is None:
        return {"control-selections": [{"description": "No control has a claim: nothing is assessed.", "include-all": {}}]}
    outside = [answer.point.id for answer in evaluated.answers.values() if answer.supplemental and answer.claims]
    said = "The controls of the class that a claim speaks of, with the points and the assessment objectives it speaks of."
    if outside:
        said += f" Claims outside the class, shown and never counted: {', '.join(outside)}."
    return {"description": said, **found}


def _parts(system: System) -> Iterator[dict[str, str]]:
    for name, (title, prose) in PARTS.items():
        yield {"uuid": stable_uuid("plan-part", system.config.name, name), "name": name, "title": title, "prose": prose}


def _activity(evaluated: Evaluated, check: DeclaredCheck, claims: Claims) -> dict[str, Any]:
    system, level = evaluated.system, check.check.level
    built: dict[str, Any] = {
        "uuid": activity_uuid(system, check.id),
        "title": check.id,
        "description": f"{METHODS[level].capitalize()} whether this holds: {check.check.sentence().strip()}.",
        "props": [
            prop("method", METHODS[level], ns=None),
            prop("check-id", check.id),
            prop("check-sha256", check.sha256),
            prop("truth-tier", level),
            *(prop("supplemental-point", point) for point in dict.fromkeys(each.point.id for each, _ in claims if each.supplemental)),
        ],
        "steps": [
            {"uuid": stable_uuid("step", system.config.name, check.id, title), "title": title, "description": description}
            for title, description in _steps(check, system.stacks)
        ],
    }
    if related := reviewed_controls(_by_answer(claims)):
        built["related-controls"] = related
    return built


def _by_answer(claims: Claims) -> Iterator[tuple[Answer, list[ClaimResult]]]:
    answers: dict[str, tuple[Answer, list[ClaimResult]]] = {}
    for answer, result in claims:
        answers.setdefault(answer.point.id, (answer, []))[1].append(result)
    yield from answers.values()


def _steps(declared: DeclaredCheck, stacks: Iterable[str]) -> Iterator[tuple[str, str]]:
    check = declared.check
    explain = f"claimstack explain {declared.id}, with --package and the folder of this package, shows"
    if isinstance(check, PassingTest):
        yield "Read", f"Read the test {check.test} in a checkout of claimstack, and its outcome in {TEST_RESULTS} under tests."
        yield (
            "Compare",
            "Expected: the outcome is passed, and the hash of the tested sources is that of the present ones. A test that takes parameters "
            "has passed when it did with all of them.",
        )
        yield (
            "Repeat",
            f"In the checkout, pytest {check.test} runs it and make test-results records every outcome. {explain} what was read.",
        )
        return
    yield "Read", f"Read {_where(declared, stacks)}."
    yield "Compare", f"Expected: {check.sentence().strip()}. The check as data, with its hash, is in evidence/facts.json under checks."
    yield (
        "Repeat",
        "claimstack build --check, with the system file of this package, judges the templates as they stand. "
        f"{explain} every place with expected and actual.",
    )


def _where(declared: DeclaredCheck, stacks: Iterable[str]) -> str:
    check, scope = declared.check, declared.scope
    if check.reads_system:
        return f"every template of the package as one system: {', '.join(map(template_path, stacks))}"
    path = (*check.condition.root(), *check.condition.path) if isinstance(check, PropertyCheck) else ()
    pointer = Place(scope.stack, ("Resources", scope.logical_id, *path)).pointer
    return f"{pointer}, where {EACH} stands for every item of a list" if EACH in path else pointer


def _tasks(evaluated: Evaluated, claims: Mapping[str, Claims]) -> Iterator[dict[str, Any]]:
    system = evaluated.system
    for level, (title, description) in TASKS.items():
        checks = [check for check in system.checks.values() if check.check.level == level]
        if checks:
            yield {
                "uuid": stable_uuid("task", system.config.name, "level", level),
                "type": "action",
                "title": title,
                "description": description,
                "tasks": [_task(evaluated, check, claims[check.id]) for check in checks],
                **responsible(system),
            }


def _task(evaluated: Evaluated, check: DeclaredCheck, claims: Claims) -> dict[str, Any]:
    system = evaluated.system
    activity = {"activity-uuid": activity_uuid(system, check.id), "subjects": list(_subjects(evaluated, check, claims))}
    return {"uuid": task_uuid(system, check.id), "type": "action", "title": check.id, "associated-activities": [activity]}


def _subjects(evaluated: Evaluated, check: DeclaredCheck, claims: Claims) -> Iterator[dict[str, Any]]:
    """The resource itself; for a question to the system every resource, and the components whose claims rest on the answer."""
    if not check.check.reads_system:
        yield _some("inventory-item", [inventory_uuid(evaluated, asset_id(check.scope))])
        return
    if check.check.level == "declared":
        yield _all_items("Every resource; the sentence of the check says which of them count.")
    yield _some("component", claiming_components(evaluated.system, claims))


def _some(type_: str, uuids: Iterable[str]) -> dict[str, Any]:
    return {"type": type_, "include-subjects": [{"subject-uuid": uuid, "type": type_} for uuid in uuids]}


def _all_items(description: str) -> dict[str, Any]:
    return {"type": "inventory-item", "description": description, "include-all": {}}


def _components(system: System, claims: Mapping[str, Claims]) -> Iterator[dict[str, Any]]:
    """Not all components of the security plan: those of AWS and of the organisation are not looked at."""
    if claiming := claiming_components(system, chain.from_iterable(claims.values())):
        yield {"description": "The components whose claims rest on the checks.", **_some("component", claiming)}
