"""Site pages: figures, gaps, open items, inventory and checks, as the audit site and its Markdown twins show them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from claimstack.controls.catalog import label
from claimstack.generator.documents.evidence.coverage import by_control, parameters, status_counts
from claimstack.generator.documents.evidence.facts import NOTES
from claimstack.generator.documents.evidence.responsibility import responsibility_rows
from claimstack.generator.documents.oscal.plan_of_action import open_items
from claimstack.generator.documents.parties import PARTIES
from claimstack.generator.documents.site.asking import party_of
from claimstack.generator.documents.site.live_commands import live_command
from claimstack.generator.documents.site.views import FactView, exceptions, fact_view, in_order
from claimstack.generator.documents.states import MEANINGS, STATES, state_of
from claimstack.generator.emitted import asset_id
from claimstack.generator.evaluation import Evaluated, Status
from claimstack.generator.paths import TITLES, stack_of
from claimstack.generator.predicates import Outcome
from claimstack.generator.stated import ROLES, Plan

FOLDERS: Final[Mapping[str, str]] = {
    "oscal": "OSCAL documents",
    "fedramp": "FedRAMP documents",
    "evidence": "Evidence",
    "cloudformation": "Templates and guides",
    "image": "Image of the MCP server",
    "site": "This site",
}


@dataclass(frozen=True, slots=True)
class StatusRow:
    status: str
    state: str
    """In OSCAL; two of them where points of this status differ."""
    points: int
    controls: int
    meaning: str


@dataclass(frozen=True, slots=True)
class LevelRow:
    level: str
    checks: int
    facts: int
    passed: int
    note: str


@dataclass(frozen=True, slots=True)
class RemainsRow:
    control: str
    label: str
    point: str
    status: str
    what: str


@dataclass(frozen=True, slots=True)
class RemainsGroup:
    who: str
    title: str
    rows: tuple[RemainsRow, ...]


@dataclass(frozen=True, slots=True)
class DispositionRow:
    """Points of one control that are answered with the same words."""

    control: str
    label: str
    title: str
    points: tuple[str, ...]
    reason: str
    origination: str
    provider: str | None


@dataclass(frozen=True, slots=True)
class DispositionGroup:
    status: str
    meaning: str
    rows: tuple[DispositionRow, ...]

    @property
    def points(self) -> int:
        return sum(len(row.points) for row in self.rows)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    control: str
    label: str
    title: str
    points: tuple[str, ...]
    status: str
    reason: str
    owner: str | None
    completion: str | None
    milestone: str | None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """Points of a status for which somebody has to act or answer."""

    status: str
    points: int
    who: tuple[str, ...]
    where: str
    """Anchor on the site of what is said about them."""


@dataclass(frozen=True, slots=True)
class ResponsibilityRow:
    control: str
    who: str
    part: str
    what: str
    points: int


@dataclass(frozen=True, slots=True)
class AssetView:
    id: str
    stack: str
    type: str
    component: str
    component_title: str
    controls: tuple[str, ...]
    claims: int
    exceptions: tuple[tuple[str, str], ...]
    command: str


@dataclass(frozen=True, slots=True)
class ComponentView:
    id: str
    title: str
    description: str
    assets: tuple[str, ...]
    claims: tuple[tuple[str, str, str, str], ...]
    """Control, point, sentence and outcome."""


@dataclass(frozen=True, slots=True)
class FileView:
    path: str
    what: str
    size: str
    sha256: str


def status_rows(evaluated: Evaluated) -> tuple[StatusRow, ...]:
    counts = status_counts(evaluated)
    states: dict[Status, set[str]] = {}
    for answer in evaluated.answers.values():
        if not answer.supplemental:
            states.setdefault(answer.status, set()).add(state_of(answer))
    return tuple(
        StatusRow(
            status.value,
            " or ".join(sorted(states.get(status, {STATES[status]}))),
            counts["points"][status.value],
            counts["controls"][status.value],
            MEANINGS[status],
        )
        for status in Status
    )


def level_rows(evaluated: Evaluated) -> tuple[LevelRow, ...]:
    checks: Counter[str] = Counter(declared.check.level for declared in evaluated.system.checks.values())
    facts: Counter[str] = Counter(fact.level for fact in evaluated.facts)
    passed: Counter[str] = Counter(fact.level for fact in evaluated.facts if fact.outcome is Outcome.PASSED)
    return tuple(LevelRow(level, checks[level], facts[level], passed[level], NOTES[level]) for level in evaluated.levels)


def waiting_rows(evaluated: Evaluated) -> tuple[WaitingRow, ...]:
    """What is neither implemented nor not applicable, and who has to act; what failed first."""
    counts = status_counts(evaluated)["points"]
    rows = []
    for status in sorted(Status, key=lambda status: status is not Status.FAILED):
        number = counts[status.value]
        if not number or status in (Status.IMPLEMENTED, Status.NOT_APPLICABLE):
            continue
        if status is Status.PARTIAL:
            who = tuple(group.title for group in remains_groups(evaluated) if any(row.status == status.value for row in group.rows))
            rows.append(WaitingRow(status.value, number, who, "remains"))
        else:
            where = status.value if status in (Status.FAILED, Status.PLANNED) else f"stated-{status.value}"
            rows.append(WaitingRow(status.value, number, _acting(evaluated, status), where))
    return tuple(rows)


def _acting(evaluated: Evaluated, status: Status) -> tuple[str, ...]:
    """Who answers for the points of a status on which no claim stands: its party, and the providers that dispositions name."""
    providers = evaluated.system.config.providers
    said = dict.fromkeys(
        providers[answer.disposition.provider].title
        if answer.disposition is not None and answer.disposition.provider is not None
        else PARTIES[party_of(status)].name
        for answer in evaluated.answers.values()
        if answer.status is status and not answer.supplemental
    )
    return tuple(said)


def remains_groups(evaluated: Evaluated) -> tuple[RemainsGroup, ...]:
    """What is left where claims stand, by party."""
    found: dict[str, list[RemainsRow]] = {who: [] for who in PARTIES}
    for answer in evaluated.answers.values():
        for remainder in answer.remains if answer.claims else ():
            point = answer.point
            found[remainder.who].append(RemainsRow(point.control, label(point.control), point.id, answer.status.value, remainder.what))
    return tuple(RemainsGroup(who, party.name, tuple(found[who])) for who, party in PARTIES.items() if found[who])


def disposition_groups(evaluated: Evaluated) -> tuple[DispositionGroup, ...]:
    """Points that no claim answers, by status; those of a control that are answered alike stand together."""
    found: dict[Status, dict[tuple[str, str, str, str | None], list[str]]] = {status: {} for status in Status}
    for answer in evaluated.answers.values():
        if not answer.claims and not answer.supplemental:
            disposition = answer.disposition
            said = ("", None) if disposition is None else (disposition.origination, disposition.provider)
            found[answer.status].setdefault((answer.point.control, answer.why, *said), []).append(answer.point.id)
    titles = evaluated.system.catalog.controls
    return tuple(
        DispositionGroup(
            status.value,
            MEANINGS[status],
            tuple(
                DispositionRow(control, label(control), titles[control].title, tuple(points), reason, origination, provider)
                for (control, reason, origination, provider), points in rows.items()
            ),
        )
        for status, rows in found.items()
        if rows
    )


def planned_rows(evaluated: Evaluated) -> tuple[PlannedRow, ...]:
    """The open items of the plan of action, with the plan that system.toml states for them."""
    rows: dict[tuple[str, Status, str, Plan | None], list[str]] = {}
    for item in open_items(evaluated):
        key = (item.first.point.control, item.first.status, item.first.why, item.plan)
        rows.setdefault(key, []).extend(answer.point.id for answer in item.answers)
    titles = evaluated.system.catalog.controls
    return tuple(
        PlannedRow(
            control=control,
            label=label(control),
            title=titles[control].title,
            points=tuple(points),
            status=status.value,
            reason=reason,
            owner=ROLES[plan.owner] if plan is not None else None,
            completion=plan.completion.isoformat() if plan is not None else None,
            milestone=plan.milestone if plan is not None else None,
        )
        for (control, status, reason, plan), points in rows.items()
    )


def unset_parameters(evaluated: Evaluated) -> Mapping[str, tuple[str, ...]]:
    """Control parameters of claimed controls without a value, by control."""
    found: dict[str, list[str]] = {}
    for id_, said in evaluated.once(parameters).items():
        if said["claimed"] and said["value"] is None:
            found.setdefault(said["control"], []).append(id_)
    return {control: tuple(ids) for control, ids in found.items()}


def assets(evaluated: Evaluated) -> tuple[AssetView, ...]:
    return tuple(
        AssetView(
            id=asset_id(declared),
            stack=declared.stack,
            type=declared.type,
            component=declared.component.id,
            component_title=declared.component.title,
            controls=in_order(evaluated, (claim.point.partition("_")[0] for claim in declared.claims)),
            claims=len(declared.claims),
            exceptions=exceptions(declared),
            command=live_command(evaluated, declared),
        )
        for declared in evaluated.system.declared()
    )


def components(evaluated: Evaluated) -> tuple[ComponentView, ...]:
    outcomes = {
        (asset_id(result.declared), result.claim.point, result.claim.sentence): result.outcome.value
        for answer in evaluated.answers.values()
        for result in answer.claims
    }
    order = {control: index for index, control in enumerate(evaluated.system.catalog.controls)}
    found = []
    for component in evaluated.system.components():
        declared = [each for each in evaluated.system.declared() if each.component.id == component.id]
        claims = dict.fromkeys(
            (claim.point.partition("_")[0], claim.point, claim.sentence, outcomes[asset_id(each), claim.point, claim.sentence])
            for each in declared
            for claim in each.claims
        )
        ordered = sorted(claims, key=lambda claim: (order[claim[0]], claim[1]))
        found.append(ComponentView(component.id, component.title, component.description, tuple(map(asset_id, declared)), tuple(ordered)))
    return tuple(found)


def template_parameters(evaluated: Evaluated) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """What is given when deploying: by name, what it is, with the stacks that take it as that."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, stack in evaluated.system.stacks.items():
        for parameter in stack.parameters:
            said = found.setdefault(parameter, {})
            description = stack.template.parameters[parameter].Description
            said[description] = (*said.get(description, ()), name)
    return found


def downloads(files: Mapping[str, str]) -> tuple[tuple[str, tuple[FileView, ...]], ...]:
    """Every file of the package by folder."""
    grouped: dict[str, list[FileView]] = {}
    for path, text in files.items():
        folder = path.partition("/")[0]
        stack = stack_of(path)
        what = TITLES.get(path, f"CloudFormation template of the {stack} stack" if stack else "")
        content = text.encode()
        grouped.setdefault(folder, []).append(FileView(path, what, f"{len(content):,}", hashlib.sha256(content).hexdigest()))
    order = [*FOLDERS, *grouped]
    return tuple((FOLDERS.get(folder, folder), tuple(grouped[folder])) for folder in dict.fromkeys(order) if folder in grouped)


def responsibilities(evaluated: Evaluated) -> tuple[tuple[str, tuple[ResponsibilityRow, ...]], ...]:
    """The responsibility matrix by family: what stands at several points of a control stands once, and its claims are counted."""
    merged: dict[tuple[str, str, str, str], set[str]] = {}
    claims: dict[tuple[str, str, str], int] = {}
    for row in evaluated.once(responsibility_rows):
        control = row.point.partition("_")[0]
        if row.part == "does":
            claims[control, row.who, row.part] = claims.get((control, row.who, row.part), 0) + 1
        what = "" if row.part == "does" else row.what
        merged.setdefault((control, row.who, row.part, what), set()).add(row.point)
    families: dict[str, list[ResponsibilityRow]] = {}
    for (control, who, part, what), points in merged.items():
        number = claims.get((control, who, part), 0)
        said = what or f"{number} {'claim' if number == 1 else 'claims'} with facts: see the control"
        families.setdefault(control.partition("-")[0], []).append(ResponsibilityRow(control, who, part, said, len(points)))
    return tuple((family, tuple(rows)) for family, rows in families.items())


def failed_facts(evaluated: Evaluated) -> tuple[tuple[FactView, tuple[str, ...]], ...]:
    """Each failed fact with the points it falls upon."""
    points: dict[str, dict[str, None]] = {}
    for answer in evaluated.answers.values():
        for result in answer.claims:
            for check in result.checks:
                points.setdefault(check.id, {})[answer.point.id] = None
    return tuple((fact_view(evaluated, fact), tuple(points.get(fact.check, ()))) for fact in evaluated.failed)


def open_facts(evaluated: Evaluated, outcome: Outcome) -> tuple[FactView, ...]:
    return tuple(fact_view(evaluated, fact) for fact in evaluated.facts if fact.outcome is outcome)


def totals(evaluated: Evaluated) -> Mapping[str, int]:
    controls = by_control(evaluated)
    outcomes = Counter(fact.outcome.value for fact in evaluated.facts)
    unclaimed = [answer.status for answers in controls.values() for answer in answers if not answer.claims]
    unanswered = unclaimed.count(Status.NOT_ADDRESSED)
    return {
        "controls": len(controls),
        "points": sum(len(answers) for answers in controls.values()),
        "claimed_controls": sum(any(answer.claims for answer in answers) for answers in controls.values()),
        "claimed_points": sum(bool(answer.claims) for answers in controls.values() for answer in answers),
        "stated_points": len(unclaimed) - unanswered,
        "unanswered_points": unanswered,
        "claims": sum(len(answer.claims) for answer in evaluated.answers.values()),
        "checks": len(evaluated.system.checks),
        "facts": len(evaluated.facts),
        "resources": sum(1 for _ in evaluated.system.declared()),
        "supplemental": sum(answer.supplemental for answer in evaluated.answers.values()),
        **{outcome.value.replace("-", "_"): outcomes[outcome.value] for outcome in Outcome},
    }
