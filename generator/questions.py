"""Questions: checks that look at the whole system, each a named question with its evaluation and its mutants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from claimstack.generator.emitted import Edit, Emitted, Place
from claimstack.generator.expressions import Check, Finding, Mutant, Scope
from claimstack.generator.predicates import Outcome


@dataclass(frozen=True, slots=True)
class Question(Check):
    def _own_id(self) -> str:
        return self.kind.removeprefix("question.")

    def data(self) -> dict[str, Any]:
        return {"kind": self.kind, **{f.name: getattr(self, f.name) for f in fields(self) if f.name != "name"}}

    def sentence(self) -> str:
        return self.kind.removeprefix("question.").replace("-", " ")

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        yield Finding(Place(scope.stack, ("Resources",)), self.sentence(), "not looked at yet", Outcome.PASSED)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        yield Mutant("empty the stack", (Edit(Place(scope.stack, ("Resources",)), {}),))


@dataclass(frozen=True, slots=True)
class NoWildcardAction(Question):
    kind: ClassVar[str] = "question.no-wildcard-action"


@dataclass(frozen=True, slots=True)
class ResourceStarListed(Question):
    kind: ClassVar[str] = "question.resource-star-listed"


@dataclass(frozen=True, slots=True)
class NoPublicPrincipal(Question):
    kind: ClassVar[str] = "question.no-public-principal"


@dataclass(frozen=True, slots=True)
class TrustsOnly(Question):
    kind: ClassVar[str] = "question.trusts-only"
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutesAre(Question):
    kind: ClassVar[str] = "question.routes-are"
    public: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntrancesAre(Question):
    """Names: HttpApi|RestApi default endpoint, HttpApi|RestApi custom domain, Cognito token domain, Lambda function URL, …"""

    kind: ClassVar[str] = "question.entrances-are"
    entrances: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentHolds(Question):
    kind: ClassVar[str] = "question.environment-holds"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoLiteralPlace(Question):
    kind: ClassVar[str] = "question.no-literal-place"
    given: tuple[str, ...] = ()
    """Literals that system.toml itself gives, such as the ARN of an existing user pool."""


@dataclass(frozen=True, slots=True)
class AlarmsReach(Question):
    kind: ClassVar[str] = "question.alarms-reach"


@dataclass(frozen=True, slots=True)
class AlarmsCanFire(Question):
    kind: ClassVar[str] = "question.alarms-can-fire"
    limits: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoIngress(Question):
    kind: ClassVar[str] = "question.no-ingress"


@dataclass(frozen=True, slots=True)
class EgressIsExplicit(Question):
    kind: ClassVar[str] = "question.egress-is-explicit"


@dataclass(frozen=True, slots=True)
class DeniesPlainTransport(Question):
    kind: ClassVar[str] = "question.denies-plain-transport"


@dataclass(frozen=True, slots=True)
class WebAclAssociated(Question):
    kind: ClassVar[str] = "question.web-acl-associated"


@dataclass(frozen=True, slots=True)
class KeyPolicyBounded(Question):
    kind: ClassVar[str] = "question.key-policy-bounded"
