"""Log groups: names, protection, forwarding."""

import re
from collections.abc import Callable

import pytest

from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated, Status
from claimstack.generator.resources.logs import LOG_DESTINATION_ARN, log_group_names

from .conftest import not_passed

Built = Callable[..., Evaluated]


def test_names_follow_the_agreed_stack_name_and_the_features(built: Built) -> None:
    both = {
        "AuditLog": "/claimstack/grants-tools-server/audit",
        "AccessLog": "/aws/vendedlogs/claimstack/grants-tools-server/access",
    }
    assert log_group_names(built().system.config) == both
    assert log_group_names(built("govcloud").system.config) == {
        **both,
        "WafLog": "aws-waf-logs-grants-tools-server",
        "ExecutionLog": "API-Gateway-Execution-Logs_*/live",
    }


def test_a_log_group_is_encrypted_retained_and_protected(built: Built) -> None:
    body = built().emitted.resource("server", "AuditLog").body
    assert {key: value for key, value in body["Properties"].items() if key != "Tags"} == {
        "LogGroupName": {"Fn::Sub": "/claimstack/${AWS::StackName}/audit"},
        "RetentionInDays": 1096,
        "KmsKeyId": {"Ref": "KeyArn"},
        "DeletionProtectionEnabled": True,
    }
    assert (body["DeletionPolicy"], body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_thirty_days_fail_retention(built: Built) -> None:
    day = {"value": "30 days", "reason": "Storage costs.", "approver": "Owner", "date": "2026-11-01"}
    answers = built(parameters={"au-11_odp": day}).answers
    assert [answers[point].status for point in ("au-11_smt", "au-4_smt")] == [Status.FAILED] * 2


def test_retention_is_implemented_at_thirty_months(built: Built) -> None:
    assert built().answers["au-11_smt"].status is Status.IMPLEMENTED


@pytest.mark.parametrize("group", ["AuditLog", "AccessLog"])
@pytest.mark.parametrize("step", ["LogGroupName", "RetentionInDays", "KmsKeyId", "DeletionProtectionEnabled"])
def test_a_removed_property_is_noticed(built: Built, group: str, step: str) -> None:
    assert not_passed(built(), Edit(Place("server", ("Resources", group, "Properties", step)), REMOVE))


@pytest.mark.parametrize("step", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_a_log_group_that_goes_with_its_stack_is_noticed(built: Built, step: str) -> None:
    failed = not_passed(built(), Edit(Place("server", ("Resources", "AuditLog", step)), "Delete"))
    assert any(check.startswith(f"server.AuditLog.{step}") for check in failed)


def test_without_an_archive_nothing_is_forwarded(built: Built) -> None:
    evaluated = built()
    assert list(evaluated.emitted.resources("AWS::Logs::SubscriptionFilter")) == []
    assert evaluated.emitted.template_parameter("server", "LogDestinationArn") is None


def test_with_an_archive_every_group_is_forwarded_whole(built: Built) -> None:
    evaluated = built(organisation={"log_archive": True})
    filters = {filter_.logical_id: filter_.properties for filter_ in evaluated.emitted.resources("AWS::Logs::SubscriptionFilter")}
    assert filters == {
        f"{group}Archive": {"LogGroupName": {"Ref": group}, "DestinationArn": {"Ref": "LogDestinationArn"}, "FilterPattern": ""}
        for group in ("AuditLog", "AccessLog")
    }
    narrowed = Edit(Place("server", ("Resources", "AuditLogArchive", "Properties", "FilterPattern")), "ERROR")
    assert not_passed(evaluated, narrowed) == {"server.AuditLogArchive.FilterPattern.equals"}


def test_forwarding_is_outside_the_class_and_never_counted(built: Built) -> None:
    assert built(organisation={"log_archive": True}).answers["au-4.1_smt"].supplemental


def test_only_log_destinations_are_taken() -> None:
    assert re.fullmatch(LOG_DESTINATION_ARN, "arn:aws:logs:us-east-1:111122223333:destination:log-archive")
    assert not re.fullmatch(LOG_DESTINATION_ARN, "arn:aws:firehose:us-east-1:111122223333:deliverystream/archive")
    assert not re.fullmatch(LOG_DESTINATION_ARN, "arn:aws:logs:us-east-1:111122223333:destination:*")
