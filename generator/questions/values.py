"""Value questions: what stands in the environment of functions, and whether any text of a template fixes a place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from claimstack.generator.emitted import ABSENT, REMOVE, Edit, Emitted, Json, Place
from claimstack.generator.expressions import Finding, Mutant, Scope
from claimstack.generator.questions.reading import Question, extra, strings

_KEY_LIKE = re.compile(
    r"-----BEGIN|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bghp_\w{20,}|\beyJ[\w-]+\.eyJ|(?<![\w/+])(?=[A-Za-z0-9+/]*\d)(?=[A-Za-z0-9+/]*[A-Za-z])[A-Za-z0-9+/]{32,}={0,2}"
)
"""Literals that look like a key: PEM, AWS and GitHub keys, tokens, and long runs of letters and digits."""
_SECRET_ATTRIBUTES = ("ClientSecret", "SecretString", "Password", "SecretAccessKey", "MasterUserPassword")


def secret_in(emitted: Emitted, stack: str, value: Json) -> str | None:
    """Why a value is a secret, or None."""
    for place, text in strings(value, Place(stack, ())):
        if "{{resolve:" in text:
            return "a dynamic reference"
        if any(re.search(rf"(^|\.){attribute}\b", text) for attribute in _SECRET_ATTRIBUTES):
            return "a secret attribute"
        steps = [str(step) for step in place.path]
        names = [text] if steps[-1:] == ["Ref"] else re.findall(r"\$\{([A-Za-z0-9]+)\}", text)
        if any((emitted.template_parameter(stack, name) or {}).get("NoEcho") in (True, "true") for name in names):
            return "a template parameter that holds a secret"
        if _KEY_LIKE.search(text):
            return "a literal that looks like a key"
    return None


@dataclass(frozen=True, slots=True)
class EnvironmentHolds(Question):
    kind: ClassVar[str] = "question.environment-holds"
    names: tuple[str, ...]

    def sentence(self) -> str:
        return f"the environment of every function holds {', '.join(self.names) or 'nothing'}, nothing else, and no secret"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        functions = list(emitted.resources("AWS::Lambda::Function"))
        if not functions:
            yield self.nothing(scope, "no function")
        for function in functions:
            place = function.property_place("Environment", "Variables")
            variables = emitted.value(place)
            if not isinstance(variables, dict):
                yield self.found(function.place, variables if variables is not ABSENT else "no environment", not self.names)
                continue
            yield self.found(place, sorted(variables), sorted(variables) == sorted(self.names))
            for name, value in variables.items():
                secret = secret_in(emitted, function.stack, value)
                yield self.found(place.below(name), secret or "no secret", secret is None, f"{name} is no secret")

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for function in emitted.resources("AWS::Lambda::Function"):
            name, place = function.logical_id, function.property_place("Environment", "Variables")
            yield Mutant(f"{name}: another variable", (Edit(place.below("CLAIMSTACK_MUTANT"), "x"),))
            for variable in self.names:
                yield Mutant(f"{name}: {variable} removed", (Edit(place.below(variable), REMOVE),))
                resolved = {"Fn::Sub": "{{resolve:secretsmanager:${AWS::StackName}:SecretString}}"}
                yield Mutant(f"{name}: {variable} resolves a secret", (Edit(place.below(variable), resolved),))
                secret = {"Fn::Join": ["", ["x", {"Fn::GetAtt": ["Client", "ClientSecret"]}]]}
                yield Mutant(f"{name}: {variable} holds a client secret", (Edit(place.below(variable), secret),))
                literal = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1"
                yield Mutant(f"{name}: {variable} holds a literal key", (Edit(place.below(variable), literal),))
        variables = {"Variables": {"CLAIMSTACK_MUTANT": "x"}}
        yield extra(scope, "AWS::Lambda::Function", {"Environment": variables}, "add a function with another environment")


_PLACES = (
    ("partition", re.compile(r"\barn:aws(?:-us-gov|-cn|-iso\w*|-eusc)?:")),
    (
        "region",
        re.compile(
            r"(?<![A-Za-z0-9])(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)(?:east|west)?-\d(?!\d)"
        ),
    ),
    ("account", re.compile(r"(?<![\w.-])\d{12}(?![\w.-])")),
)
_SERVICE_PRINCIPAL = re.compile(r"[a-z0-9-]+(?:\.\$\{AWS::Region\})?\.amazonaws\.com")
"""Service principals end in amazonaws.com in both partitions, those of a region included (IAM user guide, service principals)."""
_WORDS_FOR_PEOPLE = ("AllowedPattern", "AssertDescription", "ConstraintDescription", "Description", "Metadata", "Tags", "UserPoolTags")
"""Keys below which a place fixes nothing: a pattern admits both partitions, the others are words for people."""


@lru_cache(maxsize=8192)  # the same texts stand in every system
def literal_place(text: str) -> str | None:
    """What kind of place a text fixes, or None."""
    for kind, pattern in _PLACES:
        if pattern.search(text):
            return kind
    return "domain" if "amazonaws.com" in text and not _SERVICE_PRINCIPAL.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class NoLiteralPlace(Question):
    kind: ClassVar[str] = "question.no-literal-place"
    given: tuple[str, ...] = ()
    """Literals that system.toml gives, such as the ARN of an existing user pool: they name somebody else's place."""

    def sentence(self) -> str:
        return "no text of a template fixes a partition, a region, an account or the domain of a service"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        for stack, template in emitted.stacks.items():
            found = {text: kind for text in set(_texts(template)) if (kind := literal_place(_without(text, self.given)))}
            if not found:
                yield self.found(Place(stack, ()), "none", outcome=True)
                continue
            for place, text in strings(template, Place(stack, ())):
                if text in found and not any(step in _WORDS_FOR_PEOPLE for step in place.path):
                    yield self.found(place, f"{found[text]} in {text}", outcome=False)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for resource in emitted.resources():
            for what, text in (
                ("partition", {"Fn::Sub": "arn:aws:s3:::bucket-${AWS::AccountId}"}),
                ("region", "logs.us-gov-west-1"),
                ("account", ["111122223333"]),
                ("domain", {"Fn::Sub": "https://sqs.${AWS::Region}.amazonaws.com"}),
            ):
                yield Mutant(f"{resource.logical_id}: a literal {what}", (Edit(resource.property_place("ClaimstackMutant"), text),))
            break
        yield extra(scope, "AWS::SNS::Topic", {"TopicName": "us-east-1"}, "add a resource with a literal region")


def _without(text: str, given: tuple[str, ...]) -> str:
    for known in given:
        if literal_place(known) is not None:
            text = text.replace(known, "")
    return text


def _texts(value: Json) -> Iterator[str]:
    """Every text and key that is not for people."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _WORDS_FOR_PEOPLE:
                yield key
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


@dataclass(frozen=True, slots=True)
class OutputsHoldNoSecret(Question):
    """Whoever may describe the stack reads its outputs."""

    kind: ClassVar[str] = "question.outputs-hold-no-secret"

    def sentence(self) -> str:
        return "no output of a stack holds a secret"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        outputs = [(stack, name, body) for stack, template in emitted.stacks.items() for name, body in template.get("Outputs", {}).items()]
        for stack, name, body in outputs:
            secret = secret_in(emitted, stack, body.get("Value"))
            yield self.found(Place(stack, ("Outputs", name)), secret or "no secret", secret is None)
        if not outputs:
            yield self.nothing(scope, "no output", passes=True)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for what, value in (
            ("a client secret", {"Fn::GetAtt": ["Client", "ClientSecret"]}),
            ("the value of a secret", {"Fn::Sub": "{{resolve:secretsmanager:${AWS::StackName}:SecretString}}"}),
        ):
            edit = Edit(Place(scope.stack, ("Outputs", "ClaimstackMutant")), {"Value": value})
            yield Mutant(f"output {what}", (edit,))


_CHOICES = ("Fn::If", "Fn::Transform", "Fn::ForEach")
_SECTIONS = ("Conditions", "Transform", "Mappings")


@dataclass(frozen=True, slots=True)
class NothingConditional(Question):
    """A resource under a condition may not exist, and a transform may rewrite all that was read."""

    kind: ClassVar[str] = "question.nothing-conditional"

    def sentence(self) -> str:
        return "what a template says holds in every deployment: it has no condition, no mapping and no transform"

    def evaluate(self, emitted: Emitted, scope: Scope) -> Iterator[Finding]:
        for stack, template in emitted.stacks.items():
            place = Place(stack, ())
            found = [place.below(section) for section in _SECTIONS if section in template]
            for kind in ("Resources", "Outputs"):
                bodies = template.get(kind, {})
                found += [place.below(kind, name, "Condition") for name, body in bodies.items() if "Condition" in body]
                if _chooses(bodies):
                    found += [at for at, text in strings(bodies, place.below(kind)) if text.startswith(_CHOICES)]
            for at in found:
                yield self.found(at, str(at.path[-1]), outcome=False)
            if not found:
                yield self.found(place, "none", outcome=True)

    def mutants(self, emitted: Emitted, scope: Scope) -> Iterator[Mutant]:
        for resource in emitted.resources():
            yield Mutant(f"{resource.logical_id}: create under a condition", (Edit(resource.place.below("Condition"), "Never"),))
        for section in _SECTIONS:
            yield Mutant(f"add {section}", (Edit(Place(scope.stack, (section,)), {"Mutant": {}}),))
        choice = {"Fn::If": ["Never", "a", "b"]}
        yield extra(scope, "AWS::SNS::Topic", {"TopicName": choice}, "choose a property by a condition")


def _chooses(value: Json) -> bool:
    if isinstance(value, dict):
        return any(key.startswith(_CHOICES) or _chooses(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_chooses(item) for item in value)
    return isinstance(value, str) and value.startswith(_CHOICES)
