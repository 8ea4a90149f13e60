"""The key: its policy, its consumers, its stack and its template parameter."""

import re
from collections.abc import Callable

import pytest

from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated, Status
from claimstack.generator.predicates import Outcome
from claimstack.generator.resources.arns import KEY_ARN
from claimstack.generator.resources.key import ADMINISTRATION, filled, key_consumers, key_policy, substituted

from .conftest import not_passed

Built = Callable[..., Evaluated]
SERVICE = "{}.${{AWS::Region}}.${{AWS::URLSuffix}}"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ],
)
def test_key_arns_of_both_partitions_are_taken(arn: str) -> None:
    assert re.fullmatch(KEY_ARN, arn)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:kms:us-east-1:111122223333:alias/claimstack",
        "alias/claimstack",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws-us-gov:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab/",
    ],
)
def test_aliases_and_keys_of_the_wrong_partition_are_refused(text: str) -> None:
    assert not re.fullmatch(KEY_ARN, text)


def test_consumers_follow_the_chosen_features(built: Built) -> None:
    everything = [consumer.id for consumer in key_consumers(built("govcloud").system.config)]
    assert everything == [
        "deployer-lambda",
        "deployer-secrets-manager",
        "deployer-dynamodb",
        "deployer-ecr",
        "deployer-cognito",
        "function-environment",
        "function-secret",
        "function-sessions",
        "log-group-AuditLog",
        "log-group-AccessLog",
        "log-group-WafLog",
        "log-group-ExecutionLog",
        "alarms",
    ]
    little = built(
        runtime={}, registry={"stack": False}, auth={"type": "none"}, organisation={"alarm_topic": "given"}, key={"stack": False}
    ).system.config
    assert [consumer.id for consumer in key_consumers(little)] == [
        "deployer-lambda",
        "deployer-secrets-manager",
        "function-environment",
        "function-secret",
        "log-group-AuditLog",
        "log-group-AccessLog",
    ]


def test_only_undelivered_alarms_fail_silently(built: Built) -> None:
    assert [consumer.id for consumer in key_consumers(built().system.config) if consumer.failure == "silent"] == ["alarms"]


def test_key_policy_admits_the_log_groups_by_name_and_each_service_by_way_of_itself(built: Built) -> None:
    statements = {statement["Sid"]: statement for statement in key_policy(built().system.config)["Statement"]}
    assert list(statements) == ["Administration", "UseThroughServices", "GrantsForServices", "LogGroups", "Alarms"]
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    assert statements["LogGroups"]["Condition"] == {
        "ArnEquals": {
            "kms:EncryptionContext:aws:logs:arn": [
                f"{group}/claimstack/grants-tools-server/audit",
                f"{group}/aws/vendedlogs/claimstack/grants-tools-server/access",
            ]
        }
    }
    assert statements["UseThroughServices"]["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": "${AWS::AccountId}",
            "kms:ViaService": [SERVICE.format(name) for name in ("cognito-idp", "dynamodb", "ecr", "lambda", "secretsmanager")],
        }
    }
    assert statements["GrantsForServices"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_log_group_names_of_the_policy_are_those_of_the_template(built: Built) -> None:
    for like in ("commercial", "govcloud"):
        evaluated = built(like)
        places = {"${AWS::StackName}": f"{evaluated.system.config.name}-server", "${RestApi}": "*"}
        emitted = [filled(group.properties["LogGroupName"], places) for group in evaluated.emitted.resources("AWS::Logs::LogGroup")]
        named = [
            consumer.context["kms:EncryptionContext:aws:logs:arn"].rpartition("log-group:")[2]
            for consumer in key_consumers(evaluated.system.config)
            if consumer.id.startswith("log-group-")
        ]
        assert sorted(emitted) == sorted(named)


def test_administrators_may_not_use_the_key() -> None:
    used = ("Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "CreateGrant", "*")
    assert [action for action in ADMINISTRATION if any(word in action for word in used)] == []


def test_substitution_and_filling_undo_each_other() -> None:
    policy = {"A": ["${AWS::AccountId}", "plain"], "B": {"C": "arn:${AWS::Partition}:x"}}
    wrapped = substituted(policy)
    assert wrapped == {"A": [{"Fn::Sub": "${AWS::AccountId}"}, "plain"], "B": {"C": {"Fn::Sub": "arn:${AWS::Partition}:x"}}}
    assert filled(wrapped, {}) == policy


def test_the_key_stack_earns_key_management(built: Built) -> None:
    evaluated = built()
    answer = evaluated.answers["sc-12_smt"]
    assert {result.outcome for result in answer.claims if result.declared.stack == "key"} == {Outcome.PASSED}
    assert (answer.status, answer.unmet) == (Status.PARTIAL, ())


def test_a_supplied_key_earns_no_key_management(built: Built) -> None:
    assert [result.declared.stack for result in built("govcloud").answers["sc-12_smt"].claims if result.declared.stack == "key"] == []


@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("EnableKeyRotation", False),
        ("RotationPeriodInDays", 730),
        ("PendingWindowInDays", 7),
        ("Origin", "EXTERNAL"),
        ("MultiRegion", True),
        ("Enabled", False),
        ("KeySpec", "RSA_2048"),
    ],
)
def test_a_weaker_key_is_noticed(built: Built, step: str, value: object) -> None:
    evaluated = built()
    assert not_passed(evaluated, Edit(Place("key", ("Resources", "Key", "Properties", step)), value))


def test_a_widened_key_policy_is_noticed(built: Built) -> None:
    evaluated = built()
    statements = Place("key", ("Resources", "Key", "Properties", "KeyPolicy", "Statement"))
    for edit in (
        Edit(statements.below(0, "Action"), "kms:*"),
        Edit(statements.below(1, "Condition"), REMOVE),
        Edit(statements.below(2, "Condition", "Bool"), REMOVE),
        Edit(statements.below(3, "Condition", "ArnEquals", "kms:EncryptionContext:aws:logs:arn"), "*"),
        Edit(statements.below(4, "Condition", "StringEquals"), REMOVE),
        Edit(statements.below(5), {"Sid": "More", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}),
    ):
        assert "key.Key.KeyPolicy.Statement.equals" in not_passed(evaluated, edit)


def test_a_wider_pattern_of_the_key_parameter_is_noticed(built: Built) -> None:
    evaluated = built()
    widened = Edit(Place("server", ("Parameters", "KeyArn", "AllowedPattern")), ".*")
    assert "system.AWS-Logs-LogGroup.KmsKeyId.matches" in not_passed(evaluated, widened)
