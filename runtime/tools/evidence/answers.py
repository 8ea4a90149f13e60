"""Answers: the shapes of what the tools return, from which their output schemas follow."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Status = Literal[
    "implemented", "partial", "failed", "planned", "inherited", "organisational", "customer", "not-applicable", "not-addressed"
]
Outcome = Literal["passed", "failed", "conditional", "not-evaluated"]
Counts = Annotated[dict[str, int], Field(description="How many by status; statuses that do not occur are left out.")]


class Basis(BaseModel):
    """What the answer rests on."""

    system: str
    fedramp_class: str = Field(description="Certification class whose controls are counted, such as B, C or D.")
    certification: str = Field(description="Certification route: 20x or rev5.")
    as_of: str
    environment: str | None = Field(description="Deployment whose parameter values were used; null: values set at deployment are open.")
    level: str = Field(
        description="declared: found in the emitted templates, which says neither that it is deployed nor that it works. "
        "effective: results of tests of the MCP server's sources, which do not say that the deployed image is built from them."
    )
    note: str


class Answer(BaseModel):
    """What every answer begins with."""

    basis: Basis


class Page(Answer):
    """One page of a longer answer."""

    total: int = Field(description="All entries that match, on every page together.")
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


class ControlEntry(BaseModel):
    """One control in a list."""

    control: str
    title: str
    status: str
    points: Counts
    claims: int = Field(description="Claims of the stacks at its points. Without any, the answer is a disposition: words, not evidence.")
    remains: int = Field(description="Items that remain for somebody to do or show.")


class ControlPage(Page):
    """Controls, in the order of the catalog."""

    controls: list[ControlEntry]


class Disposition(BaseModel):
    """Who answers for a point that no claim answers."""

    status: str
    origination: str
    provider: str | None
    package_id: str | None = Field(description="Leveraged authorization that an inherited answer points to.")
    source: str


class Remainder(BaseModel):
    """What a template cannot settle, and who has to."""

    who: str
    what: str


class Claim(BaseModel):
    """What a resource says of a point."""

    resource: str
    component: str
    sentence: str
    outcome: str = Field(
        description="passed only if every fact of every check passed; conditional: depends on values set at "
        "deployment; not-evaluated: a test has no result that counts."
    )
    meets: list[str] = Field(description="Assessment objectives of SP 800-53A that the claim says it meets; empty: the point as a whole.")
    checks: list[str] = Field(description="Ids of the checks under `checks` of this page.")


class PointAnswer(BaseModel):
    """What the package answers for one point of a control."""

    control: str
    title: str
    point: str
    supplemental: bool = Field(description="Outside the class of the system: shown, never counted.")
    status: str
    why: str
    unmet_objectives: list[str]
    remains: list[Remainder]
    disposition: Disposition | None
    ceiling_overridden: dict[str, str] | None = Field(description="Who raised or lowered the most this point can earn, and why.")
    claims_in_all: int = Field(description="Claims at this point; those not under `claims` are on other pages.")
    claims: list[Claim]


class Fact(BaseModel):
    """One evaluation of a check: where it looked, what it expected, what it found."""

    outcome: str
    pointer: str = Field(description="File of the package and JSON pointer into it.")
    expected: str
    actual: Any = Field(description="What the evaluation recorded; null where nothing is set there.")
    cut: bool = Field(description="A long value is cut; the document at the pointer has it whole.")


class Check(BaseModel):
    """A check as a sentence, with what its evaluation found."""

    id: str
    sentence: str
    scope: str = Field(description="The resource it is about, `system`, or `runtime` for a test of the server.")
    method: str = Field(description="Method of SP 800-53A that it serves.")
    sha256: str = Field(description="Hash of the expression that was evaluated.")
    facts_in_all: int = Field(description="Ask get_evidence with this check where there are more than shown.")
    facts: list[Fact]


class Explanation(Page):
    """The chain from a control to what was found: point, claim, check, fact. `total` counts claims and points without any."""

    points: list[PointAnswer]
    checks: list[Check]


class ResourceEntry(BaseModel):
    """One CloudFormation resource that the templates declare."""

    resource: str = Field(description="Stack and logical id.")
    type: str
    component: str
    pointer: str
    points: list[str] = Field(description="Points of controls for which it makes claims.")
    checks: int = Field(description="Checks that look at it; get_evidence with this resource shows what they found.")
    exempt: str | None = Field(description="Why it makes no claim, where it makes none.")


class ResourcePage(Page):
    """Resources, in the order of the templates."""

    resources: list[ResourceEntry]


class EvidenceFact(Fact):
    """A fact beside what stands at its pointer."""

    check: str
    level: str
    environment: str | None
    sources_sha256: str | None = Field(description="Sources that a test ran; null for facts found in templates.")
    same_in_file: bool = Field(
        description="The file, such as the emitted template, holds exactly `actual` at the pointer. Otherwise the check computed it from "
        "what is there, or looked for something that is absent."
    )
    in_file: Any = Field(description="Value at the pointer in the file where it is not the same; null otherwise.")


class CheckSummary(BaseModel):
    """A check without its facts."""

    id: str
    sentence: str
    scope: str
    method: str
    sha256: str
    points: list[str] = Field(description="Points whose claims rest on it.")


class AtPointer(BaseModel):
    """What stands at the pointer that was asked for."""

    pointer: str
    value: Any
    cut: bool


class EvidencePage(Page):
    """Facts, in the order of the evaluation."""

    at_pointer: AtPointer | None
    facts: list[EvidenceFact]
    checks: list[CheckSummary] = Field(description="The checks of these facts.")


class FamilyCoverage(BaseModel):
    """One family of controls."""

    family: str
    controls: Counts
    points: Counts


class Leveraged(BaseModel):
    """The authorization that inherited answers rest on."""

    title: str
    package_id: str
    date_authorized: str


class Coverage(Answer):
    """How far the package answers for the controls of its class."""

    controls_in_all: int
    controls: Counts
    points_in_all: int
    points: Counts
    families: list[FamilyCoverage]
    remains: dict[str, int] = Field(description="Open items by who has to settle them.")
    checks: int
    facts: dict[str, int] = Field(description="Facts by outcome.")
    supplemental_points: int = Field(description="Points outside the class with claims; in no count above.")
    leveraged: Leveraged | None
