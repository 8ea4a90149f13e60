"""Findings: what a comparison of two packages can find, each kind with what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from claimstack.generator.emitted import Json

Class = Literal["certification-class-change", "transformative", "adaptive", "routine-recurring", "not-significant"]
"""FedRAMP's classes of significant changes, the gravest first."""


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value at a path; null stands for nothing there."""

    path: str
    old: Json
    new: Json


@dataclass(frozen=True, slots=True)
class ResourceChange:
    kind: Literal["added", "removed", "changed", "replaced", "may-be-replaced", "renamed", "renewed", "refused"]
    """`renewed`: an immutable resource whose logical id follows its content. `refused`: CloudFormation will not make this change."""
    resource: str
    """`<stack>.<logical id>`, of the new package unless it is gone."""
    type: str
    stateful: bool
    """Of a type that stores something or that others rely on, or retained by its own declaration."""
    changes: tuple[ValueChange, ...] = ()
    because: tuple[str, ...] = ()
    """Why it is replaced, renamed or refused."""
    old_one: str = ""
    """What becomes of the resource that was there."""

    @property
    def loses_identity(self) -> bool:
        return self.kind in ("replaced", "may-be-replaced", "renamed")


@dataclass(frozen=True, slots=True)
class CheckChange:
    old: str | None
    new: str | None
    verdict: Literal["dropped", "added", "weaker", "stronger", "other"]
    old_sentence: str
    new_sentence: str


@dataclass(frozen=True, slots=True)
class ClaimChange:
    kind: Literal["gained", "lost", "weakened", "strengthened", "altered"]
    certain: bool
    """False where only a person can tell whether the claim says less."""
    point: str
    control: str
    resource: str
    sentence: str
    old_sentence: str | None = None
    checks: tuple[CheckChange, ...] = ()
    objectives_lost: tuple[str, ...] = ()
    objectives_gained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PointChange:
    point: str
    control: str
    old: str
    """`absent` where the point is not answered at all, being outside the class."""
    new: str
    direction: Literal["better", "worse", "other"]
    why: str
    lost_objectives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemainderChange:
    """Who has to do more, or less, for a claimed point."""

    point: str
    control: str
    change: Literal["added", "removed"]
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class FactChange:
    check: str
    pointer: str
    expected: str
    old_outcome: str
    new_outcome: str
    old: Json
    new: Json

    @property
    def turned(self) -> bool:
        return self.old_outcome != self.new_outcome


@dataclass(frozen=True, slots=True)
class DispositionChange:
    control: str
    points: tuple[str, ...]
    changes: tuple[ValueChange, ...]
    """Of status, origination, provider, source, package_id and reason, those that differ."""


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A control parameter, with what hangs on it."""

    parameter: str
    control: str
    changes: tuple[ValueChange, ...]
    """Of value, reason, approver and date, those that differ."""
    resources: tuple[tuple[str, ValueChange], ...]
    """Resource and the value that changed with the parameter."""
    existing_data: tuple[str, ...]
    documents: tuple[str, ...]
    """Files that name the parameter."""

    @property
    def value_changed(self) -> bool:
        return any(change.path == "value" for change in self.changes)


@dataclass(frozen=True, slots=True)
class BoundaryChange:
    kind: str
    """A key of `boundary.KINDS`."""
    change: Literal["added", "removed", "changed"]
    what: str
    old: Json
    new: Json
    effect: Literal["wider", "narrower", "other"]
    is_open: bool = False
    """Whether anybody may now pass without showing who they are."""


@dataclass(frozen=True, slots=True)
class StaleStatement:
    """A statement that does not match the template it speaks of: a defect (FedRAMP 2026 rules, VDR-CSO-DET)."""

    side: Literal["old", "new"]
    file: str
    where: str
    says: str
    stands: str


@dataclass(frozen=True, slots=True)
class FileChanges:
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that differs between two packages, and what is wrong with either."""

    system: str
    class_: str
    certification: str
    identity: tuple[ValueChange, ...]
    """Of system, class, certification, partition, leveraged authorization and security categorization, those that differ."""
    resources: tuple[ResourceChange, ...]
    replacement_judged: bool
    template_parameters: tuple[tuple[str, ValueChange], ...]
    """Stack and the change of what is asked for when it is deployed."""
    claims: tuple[ClaimChange, ...]
    points: tuple[PointChange, ...]
    remainders: tuple[RemainderChange, ...]
    facts: tuple[FactChange, ...]
    dispositions: tuple[DispositionChange, ...]
    parameters: tuple[ParameterChange, ...]
    boundary: tuple[BoundaryChange, ...]
    boundary_sources: tuple[str, ...]
    """What the boundary was read from."""
    runtime_changed: bool
    """Whether the sources of the MCP server that the recorded tests ran on differ."""
    stale: tuple[StaleStatement, ...]
    files: FileChanges

    @property
    def is_empty(self) -> bool:
        """Whether the packages say the same; what is wrong with both alike is no difference."""
        return not any(
            (
                self.identity, self.resources, self.template_parameters, self.claims, self.points, self.remainders, self.facts,
                self.dispositions, self.parameters, self.boundary, self.runtime_changed,
                self.files.added, self.files.removed, self.files.changed,
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a class is proposed: a rule of our table, with what it was met by."""

    class_: Class
    source: str
    """FedRAMP rule or definition."""
    judgement: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The proposed FedRAMP significant-change class, which a person confirms or changes."""

    class_: Class
    reasons: tuple[Reason, ...]
    impacted_controls: tuple[str, ...]
    impacted_ksis: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One pair of packages."""

    name: str
    old: str
    """Where the old package was read, as a person gave it."""
    new: str
    findings: Findings
    proposal: Proposal
    package_uri: str | None
    """Address of the Certification Package Overview, as the new package gives it."""
    service: Mapping[str, str]
    """What the new package says of the offering: its FedRAMP id, its assessor."""
