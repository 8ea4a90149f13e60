"""The check that a policy holds exactly its declared statements."""

from typing import Any

import pytest
from troposphere import kms

from claimstack.generator.emitted import REMOVE, Edit, Emitted, Place
from claimstack.generator.expressions import Scope
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions.statements import statement_words, statements_are

READ = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"Service": "logs.amazonaws.com"},
    "Action": ["kms:Decrypt"],
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
}
FENCE = {"Sid": "Fence", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
SCOPE = Scope("key", "Key")
STATEMENTS = Place("key", ("Resources", "Key", "Properties", "KeyPolicy", "Statement"))
CHECK = statements_are("KeyPolicy", [READ, FENCE])


def _emitted(statements: Any) -> Emitted:
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": statements}}}
    return Emitted({"key": {"Resources": {"Key": key}}})


def _outcomes(emitted: Emitted) -> list[tuple[str, Outcome]]:
    return [(finding.place.pointer.rpartition("#")[2], finding.outcome) for finding in CHECK.evaluate(emitted, SCOPE)]


def test_each_statement_is_found_at_its_place_in_any_order() -> None:
    below = "/Resources/Key/Properties/KeyPolicy/Statement"
    assert _outcomes(_emitted([FENCE, READ])) == [(f"{below}/1", Outcome.PASSED), (f"{below}/0", Outcome.PASSED)]


def test_a_single_statement_need_not_stand_in_a_list() -> None:
    (finding,) = statements_are("KeyPolicy", [READ]).evaluate(_emitted(READ), SCOPE)
    assert finding.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "edit",
    [
        Edit(STATEMENTS, REMOVE),
        Edit(STATEMENTS, []),
        Edit(STATEMENTS, "text"),
        Edit(STATEMENTS.below(0), REMOVE),
        Edit(STATEMENTS.below(0, "Sid"), REMOVE),
        Edit(STATEMENTS.below(0, "Action"), ["kms:Decrypt", "kms:CreateGrant"]),
        Edit(STATEMENTS.below(0, "Condition"), {}),
        Edit(STATEMENTS.below(1, "Effect"), "Allow"),
        Edit(STATEMENTS.below(2), READ),
        Edit(STATEMENTS.below(2), "text"),
        Edit(STATEMENTS.below(2), {**READ, "Sid": "More"}),
        Edit(Place("key", ("Resources", "Key")), REMOVE),
    ],
)
def test_every_other_set_of_statements_fails(edit: Edit) -> None:
    assert Outcome.FAILED in {outcome for _, outcome in _outcomes(_emitted([READ, FENCE]).edited(edit))}


def test_every_mutant_flips_the_check() -> None:
    emitted = _emitted([READ, FENCE])
    mutants = list(CHECK.mutants(emitted, SCOPE))
    assert [mutant.what for mutant in mutants] == [
        "Key: drop Read",
        "Key: flip Read",
        "Key: let anyone into Read",
        "Key: drop the condition of Read",
        "Key: drop Fence",
        "Key: flip Fence",
        "Key: let anyone into Fence",
        "Key: add a statement",
    ]
    for mutant in mutants:
        assert Outcome.FAILED in {outcome for _, outcome in _outcomes(emitted.edited(*mutant.edits))}, mutant.what


def test_a_statement_reads_as_a_sentence() -> None:
    assert statement_words(READ) == "Read allows logs.amazonaws.com kms:Decrypt if StringEquals aws:SourceAccount AWS::AccountId"
    assert statement_words(FENCE) == "Fence denies * kms:*"
    assert CHECK.sentence() == (
        "KeyPolicy holds these statements and no other: "
        "Read allows logs.amazonaws.com kms:Decrypt if StringEquals aws:SourceAccount AWS::AccountId; Fence denies * kms:*"
    )


def test_its_hash_follows_the_statements() -> None:
    assert CHECK.check_id(SCOPE) == "key.Key.KeyPolicy.Statement.equals"
    assert CHECK.sha256() != statements_are("KeyPolicy", [READ]).sha256()


def test_an_unknown_policy_property_is_named() -> None:
    assert statements_are("Policy", [READ]).validate(kms.Key) == "Policy"
    assert CHECK.validate(kms.Key) is None
