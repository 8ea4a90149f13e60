"""Evaluation: the facts that checks find in the emitted files, and the answer that follows for each point."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Literal

from claimstack.controls.catalog import Point
from claimstack.controls.errors import raise_all
from claimstack.controls.families import Disposition, Remainder, disposition_of
from claimstack.generator.claims import Claim
from claimstack.generator.config import Config
from claimstack.generator.emitted import ABSENT, Emitted, Json, Place, Remembering
from claimstack.generator.expressions import Finding, Scope
from claimstack.generator.paths import template_path
from claimstack.generator.predicates import Outcome, worst
from claimstack.generator.system import Declared, DeclaredCheck, System


class Status(StrEnum):
    """Computed for each point, never typed. The words are those of coverage; `documents/` maps them to OSCAL and FedRAMP."""

    IMPLEMENTED = "implemented"
    PARTIAL = "partial"
    FAILED = "failed"
    PLANNED = "planned"
    INHERITED = "inherited"
    ORGANISATIONAL = "organisational"
    CUSTOMER = "customer"
    NOT_APPLICABLE = "not-applicable"
    NOT_ADDRESSED = "not-addressed"


@dataclass(frozen=True, slots=True)
class Fact:
    """One evaluation: what a check found at one place of one emitted file."""

    check: str
    sha256: str
    level: Literal["declared", "effective"]
    """Found in the template, or by a test of the runtime."""
    pointer: str
    expected: str
    actual: Json
    """The value found; null where nothing stands (the pointer is then the nearest ancestor)."""
    outcome: Outcome
    environment: str | None
    """The environment whose parameter file settled the value, or null."""
    sources_sha256: str | None = None
    """Hash of the runtime's sources that the test ran; None where no test was asked."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim with the facts its checks found."""

    declared: Declared
    claim: Claim
    checks: tuple[DeclaredCheck, ...]
    facts: tuple[Fact, ...]

    @property
    def outcome(self) -> Outcome:
        return worst(fact.outcome for fact in self.facts) or Outcome.FAILED

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of its checks, declared first."""
        return tuple(sorted({check.check.level for check in self.checks}))

    @property
    def meets(self) -> tuple[str, ...]:
        return self.claim.meets


@dataclass(frozen=True, slots=True)
class Answer:
    """What the system says of one point."""

    point: Point
    status: Status
    claims: tuple[ClaimResult, ...]
    disposition: Disposition | None
    why: str
    """One line: what the status rests on."""
    remains: tuple[Remainder, ...]
    unmet: tuple[str, ...]
    """Objectives that no passing claim meets."""
    supplemental: bool


@dataclass(frozen=True)
class Evaluated(Remembering):
    """A system with everything its checks found; what every document is rendered from."""

    system: System
    emitted: Emitted
    facts: tuple[Fact, ...]
    answers: Mapping[str, Answer]
    """Every point of the class, then the supplemental ones, in catalog order."""

    @property
    def failed(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.outcome is Outcome.FAILED)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of all checks, declared first."""
        return tuple(sorted({"declared", *(declared.check.level for declared in self.system.checks.values())}))


def evaluate(system: System, emitted: Emitted) -> Evaluated:
    """Evaluate every check on files as they were read back, and answer every point of the class.

    Raises InputError for a disposition that stands beside a claim without saying `unless_claimed`, and for one that answers nothing.
    """
    facts = {check: tuple(check_facts(declared, emitted)) for check, declared in system.checks.items()}
    results: dict[str, list[ClaimResult]] = {}
    for declared, claim in system.claims():
        scope_checks = tuple(system.checks[check.check_id(Scope(declared.stack, declared.logical_id))] for check in claim.checks)
        found = tuple(fact for check in scope_checks for fact in facts[check.id])
        results.setdefault(claim.point, []).append(ClaimResult(declared, claim, scope_checks, found))
    raise_all(_idle_dispositions(system, results))
    class_points = system.catalog.class_points(system.config.class_)
    supplemental = [system.catalog.points[point] for point in results if system.is_supplemental(point)]
    answers = {point.id: _answer(system, point, tuple(results.get(point.id, ()))) for point in (*class_points, *supplemental)}
    return Evaluated(system, emitted, tuple(chain.from_iterable(facts.values())), answers)


def read_back(
    texts: Mapping[str, str],
    environment: str | None = None,
    parameters: Mapping[str, Mapping[str, str]] | None = None,
    results: Json = None,
) -> Emitted:
    """Emitted templates from their JSON text, by stack name, with the results of the runtime's tests where there are any.

    Raises InputError where a text has not the shape of a template.
    """
    stacks = {stack: json.loads(text) for stack, text in texts.items()}
    raise_all(f"{template_path(stack)}: {cause}" for stack, template in stacks.items() for cause in _shape_causes(template))
    return Emitted(stacks, environment, parameters or {}, results or {})


def _shape_causes(template: Json) -> Iterator[str]:
    """Why CloudFormation would not take a template for one; every check may rely on what is asked here."""
    if not isinstance(template, dict):
        yield "is not a JSON object"
        return
    for section in ("Parameters", "Resources"):
        entries = template.get(section, {})
        if not isinstance(entries, dict):
            yield f"/{section} is not an object"
            continue
        yield from (f"/{section}/{name} is not an object" for name, entry in entries.items() if not isinstance(entry, dict))
    for name, entry in template.get("Resources", {}).items() if isinstance(template.get("Resources", {}), dict) else ():
        if isinstance(entry, dict) and not isinstance(entry.get("Type"), str):
            yield f"/Resources/{name} has no Type"
        if isinstance(entry, dict) and not isinstance(entry.get("Properties", {}), dict):
            yield f"/Resources/{name}/Properties is not an object"


def check_facts(declared: DeclaredCheck, emitted: Emitted) -> Iterator[Fact]:
    """The facts of one check. A value that only the environment settles carries the environment's name."""
    findings = _findings(declared, emitted.anywhere())
    settled = findings
    if emitted.parameters and any(finding.outcome is Outcome.CONDITIONAL for finding in findings):
        settled = _findings(declared, emitted)
    # Parameter values can bring a resource into a population: then nothing pairs up, and all that was found rests on the environment.
    same_places = [finding.place for finding in findings] == [finding.place for finding in settled]
    for index, after in enumerate(settled):
        unchanged = same_places and findings[index].outcome is after.outcome
        yield _fact(declared, after, None if unchanged else emitted.environment)


def _findings(declared: DeclaredCheck, emitted: Emitted) -> list[Finding]:
    """What a check sees; a template so odd that the check cannot read it (a list where a name belongs) fails the check."""
    try:
        return list(declared.check.evaluate(emitted, declared.scope))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        place = Place(declared.scope.stack, ("Resources",))
        return [Finding(place, declared.check.sentence(), f"not readable: {type(error).__name__}: {error}", Outcome.FAILED)]


def _fact(declared: DeclaredCheck, finding: Finding, environment: str | None) -> Fact:
    return Fact(
        check=declared.id,
        sha256=declared.sha256,
        level=declared.check.level,
        pointer=finding.place.pointer,
        expected=finding.expected,
        actual=None if finding.actual is ABSENT else finding.actual,
        outcome=finding.outcome,
        environment=environment,
        sources_sha256=finding.sources_sha256,
    )


def _idle_dispositions(system: System, results: Mapping[str, list[ClaimResult]]) -> Iterator[str]:
    """A disposition that stands beside claims for all that it answers, without saying that it yields to them."""
    for target, disposition in {**system.families.dispositions, **system.overrides}.items():
        points = (target,) if target in system.catalog.points else system.catalog.controls[target].points
        claimed = [point for point in points if point in results]
        if len(claimed) == len(points) and not disposition.unless_claimed:
            claimant = results[claimed[0]][0].declared
            yield (
                f"{disposition.source}: {target}: the disposition stands beside a claim of {claimant.stack}.{claimant.logical_id}; "
                "delete it, or say unless_claimed = true"
            )


def _answer(system: System, point: Point, claims: tuple[ClaimResult, ...]) -> Answer:
    supplemental = system.is_supplemental(point.id)
    ceiling = system.ceilings.get(point.id)
    remains = left_to(system.config, ceiling.remains if ceiling is not None else ())
    if not claims:
        disposition = _authorized(system.config, disposition_of(point, system.overrides, system.families.dispositions))
        status, why = _disposed(system, disposition)
        return Answer(point, status, (), disposition, why, remains, point.objectives, supplemental)
    passing = [result for result in claims if result.outcome is Outcome.PASSED]
    met = {objective for result in passing for objective in (result.meets or point.objectives)}
    unmet = tuple(objective for objective in point.objectives if objective not in met)
    facts = [fact for result in claims for fact in result.facts]
    failed = sorted({fact.check for fact in facts if fact.outcome is Outcome.FAILED})
    unanswered = sorted({(str(fact.actual), fact.check) for fact in facts if fact.outcome is Outcome.NOT_EVALUATED})
    if failed:
        status, why = Status.FAILED, "failed: " + ", ".join(failed)
    elif unanswered:
        reasons = "; ".join(dict.fromkeys(reason for reason, _ in unanswered))
        status, why = Status.PARTIAL, f"not evaluated ({reasons}): " + ", ".join(check for _, check in unanswered)
    elif not passing:
        status, why = Status.PARTIAL, "every claim depends on values that are chosen when the stack is deployed"
    elif unmet:
        status, why = Status.PARTIAL, f"passing claims speak to {len(point.objectives) - len(unmet)} of {len(point.objectives)} objectives"
    elif len(passing) < len(claims):
        status, why = Status.PARTIAL, "a claim depends on values that are chosen when the stack is deployed"
    elif ceiling is None:
        status, why = Status.PARTIAL, "no ceiling is on record for this point, so it earns partial at most"
    elif ceiling.highest != "implemented" or ceiling.remains:
        status, why = Status.PARTIAL, ceiling.because or "something remains for others"
    else:
        status, why = Status.IMPLEMENTED, "claims speak to every objective and every fact passes"
    return Answer(point, status, claims, None, why, remains, unmet, supplemental)


def left_to(config: Config, remains: Iterable[Remainder]) -> tuple[Remainder, ...]:
    """What remains, with whom it remains here: a key that the system builds has no other provider than the organisation itself."""
    own = {"provider-of-key": "organisation"} if config.key.stack else {}
    return tuple(replace(remainder, who=own.get(remainder.who, remainder.who)) for remainder in remains)


def _authorized(config: Config, disposition: Disposition | None) -> Disposition | None:
    """As it is said, except that nothing is inherited from a provider of [providers] without an authorization of its own."""
    if disposition is None or disposition.status != "inherited" or disposition.provider is None:
        return disposition
    provider = config.providers.get(disposition.provider)
    if provider is not None and provider.fedramp_id is not None:
        return disposition
    named = disposition.provider if provider is None else provider.title
    return replace(
        disposition,
        status="organisational",
        origination="sp-corporate" if disposition.origination == "inherited" else disposition.origination,
        reason=f"{disposition.reason.rstrip('.')}. No FedRAMP id of {named} is stated in system.toml, so nothing is inherited from it.",
    )


def _disposed(system: System, disposition: Disposition | None) -> tuple[Status, str]:
    if disposition is None:
        return Status.NOT_ADDRESSED, "not addressed by this system"
    if disposition.status == "inherited" and disposition.provider is None and system.config.leveraged is None:
        return Status.NOT_ADDRESSED, f"would be inherited, but system.toml names no [leveraged] authorization: {disposition.reason}"
    return Status(disposition.status), disposition.reason


WEAKEST_FIRST = (
    Status.FAILED,
    Status.PARTIAL,
    Status.NOT_ADDRESSED,
    Status.PLANNED,
    Status.CUSTOMER,
    Status.ORGANISATIONAL,
    Status.INHERITED,
    Status.NOT_APPLICABLE,
    Status.IMPLEMENTED,
)


def control_status(statuses: Iterable[Status]) -> Status:
    """One word for a control from its points: implemented only if all are, failed if any is, partial once any claim holds,
    otherwise the weakest word among them."""
    found = set(statuses)
    if Status.IMPLEMENTED in found and len(found) > 1 and Status.FAILED not in found:
        return Status.PARTIAL
    return next(status for status in WEAKEST_FIRST if status in found)
