"""Site views: what the audit site and its Markdown twins say of controls, points, claims and facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from claimstack.controls.catalog import FAMILY_TITLES, Control, label
from claimstack.controls.families import Disposition, Remainder
from claimstack.generator.documents.evidence.coverage import by_control, parameters
from claimstack.generator.documents.evidence.facts import METHODS
from claimstack.generator.documents.site.asking import whom_to_ask
from claimstack.generator.documents.states import FEDRAMP_WORDS, MEANINGS, State, control_state, origination_of, package_of, state_of
from claimstack.generator.emitted import asset_id, words
from claimstack.generator.evaluation import Answer, ClaimResult, Evaluated, Fact, Status, control_status
from claimstack.generator.passing import PassingTest
from claimstack.generator.paths import template_path
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import Declared, DeclaredCheck

_STATUSES = tuple(status.value for status in Status)


@dataclass(frozen=True, slots=True)
class FactView:
    check: str
    expected: str
    found: str
    outcome: str
    pointer: str
    environment: str | None


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check with the places it looked at, as one claim rests on it."""

    id: str
    sentence: str
    sha256: str
    method: str
    level: str
    source: str
    own: tuple[FactView, ...]
    """Found in the resource that makes the claim, by a test, or failed wherever they were found."""
    elsewhere: int
    """Further places that the check looked at."""
    elsewhere_passed: int

    @property
    def total(self) -> int:
        return len(self.own) + self.elsewhere


@dataclass(frozen=True, slots=True)
class ClaimView:
    resource: str
    stack: str
    logical_id: str
    type: str
    component: str
    component_title: str
    point: str
    control: str
    sentence: str
    outcome: str
    levels: tuple[str, ...]
    meets: tuple[str, ...]
    checks: tuple[CheckView, ...]
    exceptions: tuple[tuple[str, str], ...]
    """What is excepted, and why."""

    @property
    def facts(self) -> tuple[FactView, ...]:
        return tuple(fact for check in self.checks for fact in check.own)

    @property
    def elsewhere(self) -> tuple[CheckView, ...]:
        return tuple(check for check in self.checks if check.elsewhere)


@dataclass(frozen=True, slots=True)
class ObjectiveView:
    id: str
    met: bool
    methods: tuple[str, ...]
    by: tuple[str, ...]
    """Resources whose passing claims meet it."""


@dataclass(frozen=True, slots=True)
class PointView:
    id: str
    status: str
    state: State
    word: str
    why: str
    origination: str
    claims: tuple[ClaimView, ...]
    disposition: Disposition | None
    provider: str | None
    package_id: str | None
    remains: tuple[Remainder, ...]
    objectives: tuple[ObjectiveView, ...]
    overridden: str | None


@dataclass(frozen=True, slots=True)
class ParameterView:
    id: str
    value: str | None
    reason: str
    approver: str
    date: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class ControlView:
    id: str
    label: str
    title: str
    family: str
    status: str
    state: State
    word: str
    meaning: str
    supplemental: bool
    points: tuple[PointView, ...]
    parameters: tuple[ParameterView, ...]
    ksis: tuple[str, ...]
    ask: tuple[str, ...]
    facts: Mapping[str, int]
    """Facts behind the claims by outcome; one on which several claims rest counts once."""

    @property
    def claims(self) -> tuple[ClaimView, ...]:
        return tuple(claim for point in self.points for claim in point.claims)

    @property
    def levels(self) -> tuple[str, ...]:
        return tuple(sorted({level for claim in self.claims for level in claim.levels}))

    @property
    def originations(self) -> tuple[str, ...]:
        return tuple(sorted({point.origination for point in self.points}))

    @property
    def point_counts(self) -> tuple[tuple[str, int], ...]:
        counted = Counter(point.status for point in self.points)
        return tuple((status, counted[status]) for status in _STATUSES if status in counted)

    @property
    def failed(self) -> tuple[FactView, ...]:
        """Failed facts behind its claims, each once."""
        return tuple(dict.fromkeys(fact for claim in self.claims for fact in claim.facts if fact.outcome == Outcome.FAILED.value))

    @property
    def remains(self) -> tuple[tuple[str, Remainder], ...]:
        """Point and remainder, where claims stand."""
        return tuple((point.id, remainder) for point in self.points if point.claims for remainder in point.remains)


@dataclass(frozen=True, slots=True)
class FamilyView:
    id: str
    title: str
    controls: tuple[ControlView, ...]


def families(evaluated: Evaluated) -> tuple[FamilyView, ...]:
    """Every control of the class by family, in catalog order."""
    grouped: dict[str, list[ControlView]] = {}
    for view in _controls(evaluated, by_control(evaluated), supplemental=False):
        grouped.setdefault(view.family, []).append(view)
    return tuple(FamilyView(family, FAMILY_TITLES.get(family, family.upper()), tuple(views)) for family, views in grouped.items())


def supplemental(evaluated: Evaluated) -> tuple[ControlView, ...]:
    """Controls outside the class that claims speak of: shown, never counted."""
    outside: dict[str, list[Answer]] = {}
    for answer in evaluated.answers.values():
        if answer.supplemental:
            outside.setdefault(answer.point.control, []).append(answer)
    return tuple(_controls(evaluated, outside, supplemental=True))


def with_outside(
    by_family: tuple[FamilyView, ...], outside: tuple[ControlView, ...]
) -> Iterator[tuple[FamilyView, tuple[ControlView, ...]]]:
    """Each family with its controls outside the class, those families last of which the class has none."""
    known = {family.id for family in by_family}
    others = dict.fromkeys(control.family for control in outside if control.family not in known)
    for family in (*by_family, *(FamilyView(id_, FAMILY_TITLES.get(id_, id_.upper()), ()) for id_ in others)):
        yield family, tuple(control for control in outside if control.family == family.id)


def _controls(evaluated: Evaluated, answers: Mapping[str, list[Answer]], *, supplemental: bool) -> Iterator[ControlView]:
    system = evaluated.system
    maker = _Maker(evaluated)
    ksis: dict[str, list[str]] = {}
    for ksi in system.catalog.ksis.values():
        for control in ksi.controls:
            ksis.setdefault(control, []).append(ksi.id)
    for id_, said in answers.items():
        of = system.catalog.controls[id_]
        status = control_status(answer.status for answer in said)
        state = control_state(said)
        yield ControlView(
            id=id_,
            label=label(id_),
            title=of.title,
            family=of.family,
            status=status.value,
            state=state,
            word=FEDRAMP_WORDS[state],
            meaning=MEANINGS[status],
            supplemental=supplemental,
            points=tuple(maker.point(answer) for answer in said),
            parameters=maker.parameters(of),
            ksis=tuple(ksis.get(id_, ())),
            ask=tuple(whom_to_ask(system, said)),
            facts=_fact_counts(said),
        )


def _fact_counts(answers: Iterable[Answer]) -> Mapping[str, int]:
    found = {id(fact): fact.outcome.value for answer in answers for result in answer.claims for fact in result.facts}
    counted = Counter(found.values())
    return {"total": counted.total(), **{outcome.value: counted[outcome.value] for outcome in Outcome}}


class _Maker:
    """Views of one system; a check and a resource are looked at once, whatever rests on them."""

    def __init__(self, evaluated: Evaluated) -> None:
        self._evaluated = evaluated
        self._facts: dict[str, list[Fact]] = {}
        for fact in evaluated.facts:
            self._facts.setdefault(fact.check, []).append(fact)
        self._views = evaluated.once(fact_views)
        self._parameters = evaluated.once(parameters)

    def point(self, answer: Answer) -> PointView:
        system = self._evaluated.system
        state = state_of(answer)
        disposition = answer.disposition
        provider = system.config.providers.get(disposition.provider) if disposition is not None and disposition.provider else None
        return PointView(
            id=answer.point.id,
            status=answer.status.value,
            state=state,
            word=FEDRAMP_WORDS[state],
            why=answer.why,
            origination=origination_of(answer),
            claims=tuple(self._claim(result) for result in sorted(answer.claims, key=_failed_first)),
            disposition=disposition,
            provider=provider.title if provider is not None else None,
            package_id=package_of(system.config, answer),
            remains=answer.remains,
            objectives=tuple(_objectives(answer)),
            overridden=system.overridden_ceilings.get(answer.point.id),
        )

    def parameters(self, control: Control) -> tuple[ParameterView, ...]:
        return tuple(
            ParameterView(
                id_,
                said["value"],
                said["reason"] or "",
                said["approver"] or "",
                said["date"] or "",
                said["decided_by"] or "",
            )
            for id_ in control.parameters
            if (said := self._parameters.get(id_)) is not None
        )

    def _claim(self, result: ClaimResult) -> ClaimView:
        declared = result.declared
        return ClaimView(
            resource=asset_id(declared),
            stack=declared.stack,
            logical_id=declared.logical_id,
            type=declared.type,
            component=declared.component.id,
            component_title=declared.component.title,
            point=result.claim.point,
            control=result.claim.point.partition("_")[0],
            sentence=result.claim.sentence,
            outcome=result.outcome.value,
            levels=result.levels,
            meets=result.meets,
            checks=tuple(self._check(check, declared) for check in result.checks),
            exceptions=exceptions(declared),
        )

    def _check(self, declared: DeclaredCheck, claimant: Declared) -> CheckView:
        own: list[Fact] = []
        elsewhere: list[Fact] = []
        whole = not declared.check.reads_system or declared.check.level == "effective"
        below = f"{template_path(claimant.stack)}#/Resources/{claimant.logical_id}"
        for fact in self._facts.get(declared.id, ()):
            told = whole or fact.outcome is not Outcome.PASSED or fact.pointer == below or fact.pointer.startswith(f"{below}/")
            (own if told else elsewhere).append(fact)
        return CheckView(
            id=declared.id,
            sentence=declared.check.sentence(),
            sha256=declared.sha256,
            method=METHODS[declared.check.level],
            level=declared.check.level,
            source=check_source(declared),
            own=tuple(self._views[id(fact)] for fact in own),
            elsewhere=len(elsewhere),
            elsewhere_passed=sum(fact.outcome is Outcome.PASSED for fact in elsewhere),
        )


def fact_views(evaluated: Evaluated) -> Mapping[int, FactView]:
    """Every fact, by its identity: the same fact is shown in several places."""
    return {id(fact): fact_view(evaluated, fact) for fact in evaluated.facts}


def fact_view(evaluated: Evaluated, fact: Fact) -> FactView:
    """A fact in words. What a test has to do is said by its check."""
    expected = evaluated.system.checks[fact.check].check.sentence() if fact.level == "effective" else fact.expected
    found = "nothing stands there" if fact.actual is None else words(fact.actual)
    return FactView(fact.check, expected, found, fact.outcome.value, fact.pointer, fact.environment)


def exceptions(declared: Declared) -> tuple[tuple[str, str], ...]:
    """What a resource excepts from its own rules, each with the reason that stands in the template."""
    stars = ((f"Resource is * in statement {sid}", reason) for sid, reason in declared.resource_star.items())
    accepts = ((f"finding {rule} of a linter is accepted", reason) for rule, reason in declared.accepts.items())
    exempt = (("makes no claim", declared.exempt.reason),) if declared.exempt is not None else ()
    return (*exempt, *stars, *accepts)


def check_source(declared: DeclaredCheck) -> str:
    """The file whose code carries out a check."""
    if isinstance(declared.check, PassingTest):
        return declared.check.test.partition("::")[0]
    return type(declared.check).__module__.removeprefix("claimstack.").replace(".", "/") + ".py"


def in_order(evaluated: Evaluated, controls: Iterable[str]) -> tuple[str, ...]:
    """Control ids in the order of the catalog, each once."""
    places = evaluated.once(_places)
    return tuple(sorted(set(controls), key=places.__getitem__))


def _places(evaluated: Evaluated) -> Mapping[str, int]:
    return {control: place for place, control in enumerate(evaluated.system.catalog.controls)}


def _failed_first(result: ClaimResult) -> bool:
    return result.outcome is not Outcome.FAILED


def _objectives(answer: Answer) -> Iterator[ObjectiveView]:
    passing = [result for result in answer.claims if result.outcome is Outcome.PASSED]
    for objective in answer.point.objectives:
        by = [result for result in passing if objective in (result.meets or answer.point.objectives)]
        methods = sorted({METHODS[level] for result in by for level in result.levels})
        met = objective not in answer.unmet
        yield ObjectiveView(objective, met, tuple(methods), tuple(dict.fromkeys(asset_id(result.declared) for result in by)))
