"""System: the stacks of one configuration, and the claims their resources make."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from troposphere import Output, Parameter, Ref, Tags, Template

from claimstack.controls.catalog import Catalog, tag_id
from claimstack.controls.errors import InputError, raise_all
from claimstack.controls.families import Ceiling, Disposition, Families, ceiling_problems, disposition_problems
from claimstack.generator.claims import Claim, Component, Exempt
from claimstack.generator.config import Config
from claimstack.generator.emitted import Json, Place, plain
from claimstack.generator.expressions import Check, Scope

CONTROLS_TAG = "FedRAMPControls"
RESOURCES = Path(__file__).parent / "resources"
TAG_LIMIT = 255
"""Longest tag value that every service takes (ECR: 255, the others 256)."""

DEFAULT_ORIGINATION = {
    "inherited": "inherited",
    "organisational": "sp-corporate",
    "customer": "customer-provided",
    "planned": "sp-system",
    "not-applicable": "sp-system",
}
"""Origination of a disposition in system.toml that names none."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource with what it says for itself."""

    stack: str
    logical_id: str
    type: str
    component: Component
    claims: tuple[Claim, ...]
    exempt: Exempt | None
    resource_star: Mapping[str, str]
    """Policy statement Sid to the reason why its Resource is `*`."""
    accepts: Mapping[str, str]
    """Linter rule id to the reason why its finding is accepted."""


@dataclass(frozen=True, slots=True)
class DeclaredCheck:
    """A check with the resource that declared it first; equal checks of one scope are one check."""

    id: str
    check: Check
    scope: Scope
    sha256: str
    """Hash of the check as data."""


@dataclass(frozen=True, slots=True)
class TemplateParameter:
    """A value that is chosen when the stack is deployed."""

    name: str
    example: str


@dataclass
class System:
    """One configuration as it is being built: claims are checked as they are declared."""

    config: Config
    catalog: Catalog
    families: Families
    stacks: dict[str, Stack] = field(default_factory=dict)
    checks: dict[str, DeclaredCheck] = field(default_factory=dict)
    overrides: dict[str, Disposition] = field(default_factory=dict)
    """Dispositions of system.toml and of overlays, by control or point id; they go before our own."""
    warnings: list[str] = field(default_factory=list)
    """What a build says aloud: choices that weaken the system."""
    ceilings: dict[str, Ceiling] = field(default_factory=dict)
    """The families' ceilings, with those that an extension has overridden."""
    overridden_ceilings: dict[str, str] = field(default_factory=dict)
    """Points whose ceiling an extension has overridden, with the name of its file."""
    class_points: frozenset[str] = frozenset()
    timestamp: datetime = field(init=False)
    """The time of every document: midnight UTC of `as_of`, unless SOURCE_DATE_EPOCH says otherwise."""

    def __post_init__(self) -> None:
        self.timestamp = datetime.combine(self.config.as_of, time(), UTC)
        self.ceilings = {**self.families.ceilings, **self.ceilings}
        self.class_points = frozenset(point.id for point in self.catalog.class_points(self.config.class_))
        for target, stated in self.config.dispositions.items():
            self.overrides[target] = Disposition(
                target=target,
                status=stated.status,
                origination=stated.origination or DEFAULT_ORIGINATION[stated.status],
                reason=stated.reason,
                unless_claimed=stated.unless_claimed,
                provider=stated.provider,
                source="system.toml",
            )

    def stack(self, name: str, description: str) -> Stack:
        """A new, empty stack; stacks are deployed in the order in which they are made."""
        self.stacks[name] = Stack(name, self, Template(Description=description))
        return self.stacks[name]

    def declared(self) -> Iterator[Declared]:
        """Every resource of every stack."""
        for stack in self.stacks.values():
            yield from stack.declared.values()

    def inventory(self) -> dict[Place, str]:
        """The place of every declared resource and template parameter, with its type."""
        found: dict[Place, str] = {}
        for name, stack in self.stacks.items():
            found |= {Place(name, ("Resources", declared.logical_id)): declared.type for declared in stack.declared.values()}
            found |= {Place(name, ("Parameters", parameter)): stack.template.parameters[parameter].Type for parameter in stack.parameters}
        return found

    def claims(self) -> Iterator[tuple[Declared, Claim]]:
        for declared in self.declared():
            for claim in declared.claims:
                yield declared, claim

    def components(self) -> tuple[Component, ...]:
        """Components in the order in which they first appear."""
        return tuple({declared.component.id: declared.component for declared in self.declared()}.values())

    def is_supplemental(self, point: str) -> bool:
        """Whether a point lies outside the class: shown, never counted."""
        return point not in self.class_points

    def override(self, entry: Disposition | Ceiling) -> None:
        """Replace a disposition or a ceiling of ours. The new one names its source and its reason; unknown ids raise InputError."""
        where = declared_at()
        if isinstance(entry, Ceiling):
            self.catalog.point(entry.point)
            raise_all(f"{where}: ceiling of {entry.point}: {problem}" for problem in ceiling_problems(entry, overrides=True))
            self.ceilings[entry.point] = entry
            self.overridden_ceilings[entry.point] = where.rpartition(":")[0].rpartition("/")[2]
            return
        if entry.target not in self.catalog.points:
            self.catalog.control(entry.target)
        problems = [*disposition_problems(entry)]
        if entry.provider is not None and entry.provider not in self.config.providers:
            problems.append(f"provider: {entry.provider!r} is not in [providers] of system.toml; describe it there, or correct the name")
        raise_all(f"{where}: disposition of {entry.target}: {problem}" for problem in problems)
        self.overrides[entry.target] = entry

    def register(self, check: Check, scope: Scope) -> DeclaredCheck:
        """Enter a check; the same check on the same scope is entered once. Raises InputError where two differ under one id."""
        id_ = check.check_id(scope)
        known = self.checks.get(id_)
        if known is None:
            known = self.checks[id_] = DeclaredCheck(id_, check, scope, check.sha256())
        elif known.check != check:
            raise InputError(f"{declared_at()}: {scope.logical_id}: two different checks have the id {id_}; tell one apart with .named(…)")
        return known


@dataclass
class Stack:
    """One CloudFormation stack."""

    name: str
    system: System
    template: Template
    declared: dict[str, Declared] = field(default_factory=dict)
    parameters: dict[str, TemplateParameter] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        return self.system.config

    def add(
        self,
        component: Component,
        resource: Any,
        *says: Claim | Exempt,
        resource_star: Mapping[str, str] | None = None,
        accepts: Mapping[str, str] | None = None,
    ) -> Any:
        """Add a resource with its claims, or with the reason why it makes none; returns the troposphere resource.

        `resource_star` gives the reason for each policy statement (by Sid) whose Resource is `*`; `accepts` the reason for each linter
        rule that this resource does not follow. Raises InputError that names the file, the resource and the id.
        """
        claims = tuple(item for item in says if isinstance(item, Claim))
        exempt = next((item for item in says if isinstance(item, Exempt)), None)
        _check_saying(self, resource, claims, exempt)
        scope = Scope(self.name, resource.title)
        checks = sorted({self.system.register(check, scope).id for claim in claims for check in claim.checks})
        declared = Declared(
            self.name, resource.title, resource.resource_type, component, claims, exempt, resource_star or {}, accepts or {}
        )
        resource.Metadata = _metadata(declared, checks)
        _tag(resource, declared, self.config.organisation.tags)
        self.template.add_resource(resource)
        self.declared[resource.title] = declared
        return resource

    def parameter(self, name: str, description: str, *, example: str, **attributes: Any) -> Ref:
        """A template parameter; asked for again it is the same parameter.

        Attributes are CloudFormation's (Type, String unless given; AllowedPattern, Default, MinValue …). A pattern needs a
        ConstraintDescription. The example goes into parameters.example.json and is never evidence.
        """
        if name not in self.parameters:
            if "AllowedPattern" in attributes and "ConstraintDescription" not in attributes:
                raise InputError(f"{declared_at()}: template parameter {name} has a pattern; say in ConstraintDescription what it wants")
            self.template.add_parameter(Parameter(name, Description=description, **{"Type": "String", **attributes}))
            self.parameters[name] = TemplateParameter(name, example)
        return Ref(name)

    def output(self, name: str, value: Any, description: str) -> None:
        self.template.add_output(Output(name, Value=value, Description=description))

    def rule(self, name: str, description: str, assertion: Any) -> None:
        """A CloudFormation rule: refuses parameter values before anything is created."""
        self.template.add_rule(name, {"Assertions": [{"Assert": assertion, "AssertDescription": description}]})

    def to_dict(self) -> Json:
        """The template as CloudFormation JSON."""
        return plain(self.template.to_dict())


def _check_saying(stack: Stack, resource: Any, claims: tuple[Claim, ...], exempt: Exempt | None) -> None:
    causes: list[str] = []
    if not claims and exempt is None:
        causes.append("makes no claim; give it a Claim, or an Exempt with the reason")
    partition = stack.config.partition
    if resource.resource_type in partition.absent_types:
        causes.append(f"is of type {resource.resource_type}, which {partition.name} does not have; build it in another way")
    if claims and exempt is not None:
        causes.append("makes claims and is exempt; choose one")
    for claim in claims:
        causes.extend(_claim_causes(stack.system, resource, claim))
    if causes:
        where = f"{declared_at()}: {stack.name}.{resource.title}"
        raise InputError(*(f"{where} {cause}" for cause in causes))


def _claim_causes(system: System, resource: Any, claim: Claim) -> Iterator[str]:
    try:
        point = system.catalog.point(claim.point)
    except InputError as error:
        yield f"claims {claim.point}: {error}"
        return
    ceiling = system.ceilings.get(claim.point)
    if ceiling is not None and ceiling.highest == "none":
        yield f"claims {claim.point}, which no template can support: {ceiling.because}"
    if not claim.checks:
        yield f"claims {claim.point} without a check; a claim is a sentence plus checks that can fail"
    if not isinstance(claim.meets, tuple):
        yield f"claims {claim.point} with meets={claim.meets!r}, which is no tuple; name objectives as in meets=('…',)"
        return
    unknown = [objective for objective in claim.meets if objective not in point.objectives]
    if unknown:
        yield f"claims {claim.point} and says that it meets {', '.join(unknown)}; its objectives are {', '.join(point.objectives)}"
    if not claim.meets and len(point.objectives) > 1:
        yield f"claims {claim.point}, which has several objectives; say with meets=(…) which of {', '.join(point.objectives)} it meets"
    for check in claim.checks:
        wrong = check.validate(type(resource))
        if wrong:
            named = wrong if "::" in wrong else f"{resource.resource_type}.{wrong}"
            yield f"claims {claim.point} by a check of {named}, a property that does not exist"


def _metadata(declared: Declared, checks: list[str]) -> Json:
    compliance: dict[str, Json] = {"Component": declared.component.id}
    if declared.exempt is not None:
        compliance["Exempt"] = declared.exempt.reason
    else:
        compliance["Points"] = sorted({claim.point for claim in declared.claims})
        compliance["Checks"] = checks
    if declared.resource_star:
        compliance["ResourceStar"] = dict(declared.resource_star)
    metadata: dict[str, Json] = {"Compliance": compliance}
    if declared.accepts:
        metadata["checkov"] = {"skip": [{"id": rule, "comment": reason} for rule, reason in declared.accepts.items()]}
    return metadata


def _tag(resource: Any, declared: Declared, mandatory: Mapping[str, str]) -> None:
    """Set the tags on a taggable resource: those of the organisation, then the controls (`AU-11 SC-28.1`; other separators are refused)."""
    name = next((name for name in ("Tags", "UserPoolTags") if name in resource.props), None)
    if name is None:
        return
    controls = sorted({claim.point.partition("_")[0] for claim in declared.claims}, key=_control_order)
    value = " ".join(tag_id(control) for control in controls)
    if len(value) > TAG_LIMIT:
        raise InputError(f"{declared_at()}: {declared.logical_id} supports more controls than a tag can hold ({len(value)} of {TAG_LIMIT})")
    tags = {**mandatory, **({CONTROLS_TAG: value} if value else {})}
    if not tags:
        return
    setattr(resource, name, tags if resource.props[name][0] is dict else Tags(**tags))


def _control_order(control: str) -> tuple[str, int, int]:
    family, _, rest = control.partition("-")
    number, _, enhancement = rest.partition(".")
    return family, int(number), int(enhancement or 0)


def declared_at(*through: str) -> str:
    """The file and line that is declaring, for error messages: the last call from outside this module and the files `through`.

    Where an extension declares with the help of our resources, that is its own line. Ask before a generator is handed on: inside it,
    whoever consumes the generator is the last call.
    """
    passed = (__file__, *through)
    calls = [frame for frame in reversed(traceback.extract_stack()) if frame.filename not in passed]
    caller = next(frame for frame in calls if Path(frame.filename).parent != RESOURCES)
    frame = calls[0] if Path(caller.filename).is_relative_to(RESOURCES.parent) else caller
    path = Path(frame.filename)
    return f"{path.parent.name}/{path.name}:{frame.lineno}"
