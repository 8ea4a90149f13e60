"""Assessment: the names, tools and observations that the assessment plan, its results and the plan of action share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from claimstack.generator.documents.evidence.facts import METHODS, NOTES
from claimstack.generator.documents.generator_sources import release, sources_sha256
from claimstack.generator.documents.inventory import deployment, inventory_uuid
from claimstack.generator.documents.oscal.common import metadata, prop, stable_uuid, timestamp
from claimstack.generator.documents.oscal.component_definition import component_uuid
from claimstack.generator.documents.oscal.people import PROVIDER, people, provider_party
from claimstack.generator.emitted import Json, asset_id
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Fact
from claimstack.generator.paths import asset_of
from claimstack.generator.predicates import Outcome, worst
from claimstack.generator.system import Declared, DeclaredCheck, System

SSP_HREF: Final = "system-security-plan.json"
PLAN_HREF: Final = "assessment-plan.json"

SELF_VERIFICATION: Final = "provider-self-verification"
NOT_INDEPENDENT: Final = "The provider's own work, done by a program; it is not, and does not replace, an independent assessment."
OPEN_LEVEL: Final = "Nothing was read from an AWS account: no stack that is deployed was looked at."

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.PASSED: "Passed",
    Outcome.FAILED: "Failed",
    Outcome.CONDITIONAL: "Conditional",
    Outcome.NOT_EVALUATED: "Not evaluated",
}
OUTCOME_NOTES: Mapping[Outcome, str] = {
    Outcome.PASSED: "",
    Outcome.FAILED: "What was expected was not found.",
    Outcome.CONDITIONAL: "A value that is chosen when the stack is deployed decides; this shows nothing yet.",
    Outcome.NOT_EVALUATED: "The test has no result that belongs to the present sources; this shows nothing.",
}

LONGEST_VALUE: Final = 200
"""Characters of a value that still stands in the value of a prop; a longer one stands in its remarks."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What one check found at one resource; where it looked at no resource, in one file."""

    check: DeclaredCheck
    place: str
    """An asset id such as `server.AuditLog`, or the path of a file; for a check of one resource always that resource."""
    declared: Declared | None
    """The resource, where the system declares it."""
    facts: tuple[Fact, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of its facts, as for a claim."""
        return worst(fact.outcome for fact in self.facts) or Outcome.FAILED


def observed(evaluated: Evaluated) -> Iterator[Observed]:
    """Every fact once, by check and resource, in the order of the checks."""
    assets = {asset_id(declared): declared for declared in evaluated.system.declared()}
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in evaluated.facts:
        check = evaluated.system.checks[fact.check]
        place = _place_of(fact) if check.check.reads_system else asset_id(check.scope)
        groups.setdefault((fact.check, place), []).append(fact)
    for (id_, place), facts in groups.items():
        yield Observed(evaluated.system.checks[id_], place, assets.get(place), tuple(facts))


def _place_of(fact: Fact) -> str:
    return asset_of(fact.pointer) or fact.pointer.partition("#")[0]


def claims_by_check(evaluated: Evaluated) -> Mapping[str, list[tuple[Answer, ClaimResult]]]:
    """The claims that rest on each check, with the answers they belong to, in catalog order."""
    found: dict[str, list[tuple[Answer, ClaimResult]]] = {check: [] for check in evaluated.system.checks}
    for answer in evaluated.answers.values():
        for result in answer.claims:
            for check in dict.fromkeys(check.id for check in result.checks):
                found[check].append((answer, result))
    return found


def claiming_components(system: System, claims: Iterable[tuple[Answer, ClaimResult]]) -> dict[str, str]:
    """Uuid and title of the components whose claims these are."""
    return {component_uuid(system, each.declared.component): each.declared.component.title for _, each in claims}


def activity_uuid(system: System, check: str) -> str:
    return stable_uuid("activity", system.config.name, check)


def task_uuid(system: System, check: str) -> str:
    return stable_uuid("task", system.config.name, check)


def tool_uuid(system: System, level: str) -> str:
    return stable_uuid("tool", system.config.name, level)


def observation_uuid(evaluated: Evaluated, check: str, place: str) -> str:
    return stable_uuid("observation", *deployment(evaluated), check, place)


def finding_uuid(evaluated: Evaluated, point: str) -> str:
    return stable_uuid("finding", *deployment(evaluated), point)


def risk_uuid(evaluated: Evaluated, point: str) -> str:
    return stable_uuid("risk", *deployment(evaluated), point)


def document_metadata(evaluated: Evaluated, title: str, remarks: str) -> dict[str, Any]:
    """Metadata with the mark that this is the provider's own work."""
    system = evaluated.system
    config = system.config
    said = {
        "assessment-kind": SELF_VERIFICATION,
        "certification-class": config.class_,
        "certification-route": config.certification,
        "environment": evaluated.emitted.environment,
    }
    built = metadata(f"{config.title}: {title}", system.timestamp, config.as_of.isoformat(), **people(system))
    props = [prop(name, value) for name, value in said.items() if value is not None]
    return built | {"props": [*props, *(prop("truth-tier", level) for level in evaluated.levels)], "remarks": remarks}


def limits(evaluated: Evaluated) -> str:
    """What the facts do and do not say, in sentences."""
    return " ".join([NOT_INDEPENDENT, *(NOTES[level] for level in evaluated.levels), OPEN_LEVEL])


def responsible(system: System) -> dict[str, Any]:
    """The provider, where system.toml names one."""
    provider = provider_party(system)
    return {} if provider is None else {"responsible-roles": [{"role-id": PROVIDER, "party-uuids": [provider.uuid]}]}


def assessment_assets(evaluated: Evaluated) -> dict[str, Any]:
    """What finds the facts: the program that reads the templates, and the tests whose recorded results it reads."""
    system = evaluated.system
    program = [prop("version", release(), ns=None), prop("generator-sources-sha256", sources_sha256())]
    components: list[dict[str, Any]] = [
        {
            "uuid": tool_uuid(system, "declared"),
            "type": "software",
            "title": "claimstack checks",
            "description": "Reads the emitted CloudFormation templates back and evaluates every check on them, offline.",
            "props": program,
            "status": {"state": "operational"},
        }
    ]
    if "effective" in evaluated.levels:
        tests: dict[str, Any] = {
            "uuid": tool_uuid(system, "effective"),
            "type": "software",
            "title": "Tests of the MCP server",
            "description": "Call the server's sources under pytest; their outcomes are recorded with the hash of the sources that ran.",
            "status": {"state": "operational"},
        }
        if ran := {fact.sources_sha256 for fact in evaluated.facts if fact.sources_sha256 is not None}:
            tests["props"] = [prop("runtime-sources-sha256", sha256) for sha256 in sorted(ran)]
        components.append(tests)
    platform = {
        "uuid": stable_uuid("assessment-platform", system.config.name),
        "title": "claimstack build",
        "uses-components": [{"component-uuid": component["uuid"]} for component in components],
    }
    return {"components": components, "assessment-platforms": [platform]}


def reviewed_controls(answers: Iterable[tuple[Answer, Iterable[ClaimResult]]]) -> dict[str, Any] | None:
    """The controls of the class whose claims these are, with the points and the assessment objectives that the claims speak of.

    None where all lie outside the class: a plan reviews controls of its profile only.
    """
    points: dict[str, list[str]] = {}
    objectives: list[str] = []
    for answer, claims in answers:
        if answer.supplemental or not (results := tuple(claims)):
            continue
        points.setdefault(answer.point.control, []).append(answer.point.id)
        meant = {objective for result in results for objective in (result.meets or answer.point.objectives)}
        objectives += [objective for objective in answer.point.objectives if objective in meant]
    if not points:
        return None
    controls = [{"control-id": control, "statement-ids": ids} for control, ids in points.items()]
    return {
        "control-selections": [{"include-controls": controls}],
        "control-objective-selections": [{"include-objectives": [{"objective-id": each} for each in dict.fromkeys(objectives)]}],
    }


def observation(evaluated: Evaluated, seen: Observed, components: Mapping[str, str], *, names_task: bool) -> dict[str, Any]:
    """One observation with every fact as its evidence; `names_task` where the document imports the plan that holds the task."""
    system, check = evaluated.system, seen.check
    level = check.check.level
    origin: dict[str, Any] = {"actors": [{"type": "tool", "actor-uuid": tool_uuid(system, level)}]}
    if names_task:
        origin["related-tasks"] = [{"task-uuid": task_uuid(system, check.id)}]
    return {
        "uuid": observation_uuid(evaluated, check.id, seen.place),
        "title": f"{check.id}: {seen.place}",
        "description": f"{OUTCOMES[seen.outcome]}: {check.check.sentence().strip()}. {OUTCOME_NOTES[seen.outcome]}".rstrip(),
        "props": [
            prop("check-id", check.id),
            prop("check-sha256", check.sha256),
            prop("truth-tier", level),
            prop("outcome", seen.outcome.value),
        ],
        "methods": [METHODS[level]],
        "origins": [origin],
        "subjects": _subjects(evaluated, seen, components),
        "relevant-evidence": [_evidence(fact) for fact in seen.facts],
        "collected": timestamp(system.timestamp),
    }


def _subjects(evaluated: Evaluated, seen: Observed, components: Mapping[str, str]) -> list[dict[str, Any]]:
    if seen.declared is None:
        return [{"subject-uuid": uuid, "type": "component", "title": title} for uuid, title in components.items()]
    return [
        {
            "subject-uuid": inventory_uuid(evaluated, seen.place),
            "type": "inventory-item",
            "title": seen.declared.type,
            "props": [prop("asset-id", seen.place)],
        }
    ]


def _evidence(fact: Fact) -> dict[str, Any]:
    file, _, fragment = fact.pointer.partition("#")
    props = [
        prop("json-pointer", fact.pointer),
        _value_prop("expected", fact.expected),
        _value_prop("actual", "absent" if fact.actual is None else fact.actual),
        prop("outcome", fact.outcome.value),
    ]
    if fact.environment is not None:
        props.append(prop("environment", fact.environment))
    if fact.sources_sha256 is not None:
        props.append(prop("runtime-sources-sha256", fact.sources_sha256))
    return {"href": f"../{file}", "description": f"{OUTCOMES[fact.outcome]} at {fragment or 'the whole file'}", "props": props}


def _value_prop(name: str, value: Json) -> dict[str, str]:
    text = one_line(value)
    if len(text) <= LONGEST_VALUE:
        return prop(name, text)
    return prop(name, f"{len(text)} characters, in the remarks", remarks=text)


def one_line(value: Json) -> str:
    """A value as one line without spaces around it: text as it stands where that is possible, anything else as JSON."""
    if isinstance(value, str) and value and value.isprintable() and value == value.strip():
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
