"""What stands in a template without having been declared is noticed, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from troposphere import sqs

from claimstack.generator.build import build
from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import check_facts, read_back
from claimstack.generator.loading import load_config
from claimstack.generator.package import emit
from claimstack.generator.predicates import Outcome
from claimstack.generator.system import System

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def system() -> System:
    return build(load_config(REPOSITORY / "examples" / "commercial.toml"))


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        (("Resources", "Admin"), {"Type": "AWS::IAM::User"}, "AWS::IAM::User, not declared"),
        (("Parameters", "Target"), {"Type": "String"}, "String, not declared"),
        (("Resources", "StateSecret", "Type"), "AWS::SSM::Parameter", "AWS::SSM::Parameter, not declared"),
        (("Resources", "AccessLog"), REMOVE, "AccessLog is gone"),
        (("Parameters", "KeyArn", "Type"), "Number", "Number, not declared"),
    ],
)
def test_an_undeclared_or_missing_thing_fails_and_is_named(system: System, path: tuple[str, ...], value: object, found: str) -> None:
    emitted = read_back(emit(system)).edited(Edit(Place("server", path), value))
    facts = list(check_facts(system.checks["system.only-declared"], emitted))
    assert [(fact.actual, fact.outcome) for fact in facts if "server" in fact.pointer] == [(found, Outcome.FAILED)]


def test_all_that_is_declared_passes_and_is_counted(system: System) -> None:
    emitted = read_back(emit(system))
    facts = list(check_facts(system.checks["system.only-declared"], emitted))
    assert {fact.outcome for fact in facts} == {Outcome.PASSED}
    assert len(facts) == len(emitted.stacks)


def test_a_resource_that_bypasses_the_stack_is_noticed(system: System) -> None:
    """An extension that adds to the troposphere template itself makes no claim."""
    other = build(system.config)
    other.stacks["server"].template.add_resource(sqs.Queue("Smuggled"))
    facts = list(check_facts(other.checks["system.only-declared"], read_back(emit(other))))
    assert [fact.actual for fact in facts if fact.outcome is Outcome.FAILED] == ["AWS::SQS::Queue, not declared"]
