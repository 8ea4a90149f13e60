"""Preflight: which consumers a key policy leaves out."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.documents.cloudformation.key_policy import render_key_policy
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.preflight import Known, known_of, load_key_policy, preflight
from claimstack.generator.resources.key import key_consumers

Built = Callable[..., Evaluated]
ACCOUNT = "111122223333"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
EVERYTHING = {"Sid": "All", "Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}


def _policy(evaluated: Evaluated) -> Any:
    return json.loads(json.dumps(render_key_policy(evaluated)).replace("<ACCOUNT_ID>", ACCOUNT))


def _left_out(evaluated: Evaluated, policy: Any, **known: Any) -> list[str]:
    return [verdict.consumer.id for verdict in preflight(evaluated.system.config, policy, Known(**known)) if not verdict.ok]


def _with(policy: Any, sid: str, **changes: Any) -> Any:
    """The policy with elements of one statement replaced; None takes an element away."""
    changed = copy.deepcopy(policy)
    statement = next(statement for statement in changed["Statement"] if statement["Sid"] == sid)
    for key, value in changes.items():
        statement.pop(key, None)
        if value is not None:
            statement[key] = value
    return changed


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_our_own_policy_admits_every_consumer(built: Built, like: str) -> None:
    evaluated = built(like)
    verdicts = preflight(evaluated.system.config, _policy(evaluated))
    assert [(verdict.consumer, verdict.ok, verdict.missing, verdict.consequence) for verdict in verdicts] == [
        (consumer, True, (), "") for consumer in key_consumers(evaluated.system.config)
    ]


@pytest.mark.parametrize("change", ["placeholder", "template"])
def test_the_written_policy_and_the_template_are_judged_as_they_stand(built: Built, change: str) -> None:
    evaluated = built()
    template = evaluated.emitted.resource("key", "Key").properties["KeyPolicy"]
    assert _left_out(evaluated, render_key_policy(evaluated) if change == "placeholder" else template) == []


def test_the_default_policy_of_a_new_key_leaves_out_services_and_alarms_silently(built: Built) -> None:
    evaluated = built()
    verdicts = preflight(evaluated.system.config, {"Version": "2012-10-17", "Statement": EVERYTHING})
    refused = [verdict for verdict in verdicts if not verdict.ok]
    assert [(verdict.consumer.id, verdict.silent) for verdict in refused] == [
        ("log-group-AuditLog", False),
        ("log-group-AccessLog", False),
        ("alarms", True),
    ]
    assert refused[0].missing == refused[0].needs
    assert refused[0].consequence == "log group /claimstack/grants-tools-server/audit cannot be created"
    assert "no notification is ever delivered" in refused[2].consequence


def test_an_omitted_log_group_is_named(built: Built) -> None:
    evaluated = built()
    policy = _policy(evaluated)
    groups = next(s for s in policy["Statement"] if s["Sid"] == "LogGroups")["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    narrowed = _with(policy, "LogGroups", Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups[0]}})
    (verdict,) = [verdict for verdict in preflight(evaluated.system.config, narrowed) if not verdict.ok]
    assert verdict.consumer.id == "log-group-AccessLog"
    assert verdict.because == (f"LogGroups allows it only if ArnLike kms:EncryptionContext:aws:logs:arn {groups[0]}",)


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"}},
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:*:{ACCOUNT}:*"}},
        {"StringLike": {"kms:encryptioncontext:aws:logs:arn": f"arn:aws:logs:us-east-?:{ACCOUNT}:*"}},
        {"Null": {"kms:EncryptionContext:aws:logs:arn": "false"}},
        {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["aws:logs:arn"]}},
        {"Bool": {"aws:PrincipalIsAWSService": True}},
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        {},
    ],
)
def test_conditions_that_log_groups_meet_let_them_in(built: Built, condition: Any) -> None:
    assert _left_out(built(), _with(_policy(built()), "LogGroups", Condition=condition)) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-west-2:{ACCOUNT}:*"}},
        {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": "*"}},
        {"StringEquals": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:*"}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        {"Null": {"kms:EncryptionContext:aws:logs:arn": "true"}},
        {"Bool": {"aws:PrincipalIsAWSService": "false"}},
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"StringNotLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*"}},
    ],
)
def test_conditions_that_log_groups_do_not_meet_keep_them_out(built: Built, condition: Any) -> None:
    left_out = _left_out(built(), _with(_policy(built()), "LogGroups", Condition=condition))
    assert left_out == ["log-group-AuditLog", "log-group-AccessLog"]


def test_alarms_of_another_account_alone_are_a_silent_failure(built: Built) -> None:
    evaluated = built()
    foreign = _with(_policy(evaluated), "Alarms", Condition={"StringEquals": {"aws:SourceAccount": "444455556666"}})
    assert [verdict.consumer.id for verdict in preflight(evaluated.system.config, foreign) if verdict.silent] == ["alarms"]


def test_a_missing_action_is_named(built: Built) -> None:
    evaluated = built()
    policy = _with(_policy(evaluated), "Alarms", Action="kms:Decrypt")
    (verdict,) = [verdict for verdict in preflight(evaluated.system.config, policy) if not verdict.ok]
    assert (verdict.consumer.id, verdict.needs, verdict.missing) == (
        "alarms",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        ("kms:GenerateDataKey",),
    )


@pytest.mark.parametrize("action", ["kms:*", "*", "KMS:generatedata*", ["kms:GenerateDataKey"], "kms:Generate???aKey"])
def test_wildcards_and_case_of_actions_are_read_as_iam_reads_them(built: Built, action: Any) -> None:
    evaluated = built()
    policy = _with(_policy(evaluated), "Alarms", Action=["kms:Decrypt", *(action if isinstance(action, list) else [action])])
    assert _left_out(evaluated, policy) == []


def test_not_action_allows_what_it_does_not_name(built: Built) -> None:
    evaluated = built()
    assert _left_out(evaluated, _with(_policy(evaluated), "Alarms", Action=None, NotAction="kms:PutKeyPolicy")) == []
    assert _left_out(evaluated, _with(_policy(evaluated), "Alarms", Action=None, NotAction="kms:Gen*")) == ["alarms"]


def test_an_explicit_deny_goes_before_every_allow(built: Built) -> None:
    evaluated = built()
    policy = _policy(evaluated)
    policy["Statement"].append({"Sid": "Fence", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"})
    verdicts = preflight(evaluated.system.config, policy)
    assert {verdict.because for verdict in verdicts if not verdict.ok} == {("Fence denies it",)}
    assert [verdict.consumer.id for verdict in verdicts if verdict.ok] == ["deployer-ecr"]


def test_a_deny_outside_the_organisation_catches_service_principals(built: Built) -> None:
    evaluated = built()
    policy = _policy(evaluated)
    fence = {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    condition: dict[str, Any] = {"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    policy["Statement"].append({**fence, "Condition": condition})
    caller = {"aws:PrincipalOrgID": "o-abcdefghij"}
    assert _left_out(evaluated, policy, caller=caller) == ["log-group-AuditLog", "log-group-AccessLog", "alarms"]
    policy["Statement"][-1]["Condition"] = {**condition, "Bool": {"aws:PrincipalIsAWSService": "false"}}
    assert _left_out(evaluated, policy, caller=caller) == []
    verdict = preflight(evaluated.system.config, policy)[0]
    assert (verdict.outcome, verdict.missing, verdict.undecided) == ("undecided", (), verdict.needs)
    assert verdict.because == ("Statement[5] denies it if StringNotEquals aws:PrincipalOrgID o-abcdefghij",)


def test_a_service_missing_from_via_service_is_left_out(built: Built) -> None:
    evaluated = built()
    condition = {"StringLike": {"kms:ViaService": ["lambda.*.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com"]}}
    policy = _with(_policy(evaluated), "UseThroughServices", Condition=condition)
    assert _left_out(evaluated, policy) == ["deployer-dynamodb", "deployer-cognito", "function-sessions"]


def test_grants_may_be_limited_to_aws_resources_and_not_more(built: Built) -> None:
    evaluated = built()
    policy = _with(_policy(evaluated), "GrantsForServices", Condition={"Bool": {"kms:GrantIsForAWSResource": "false"}})
    assert _left_out(evaluated, policy) == ["deployer-lambda", "deployer-dynamodb", "deployer-ecr", "deployer-cognito"]


def test_named_principals_count_once_the_caller_is_known(built: Built) -> None:
    evaluated = built()
    deployer = f"arn:aws:iam::{ACCOUNT}:role/deployer"
    policy = {
        "Statement": [
            {**EVERYTHING, "Principal": {"AWS": deployer, "Service": ["logs.us-east-1.amazonaws.com", "cloudwatch.amazonaws.com"]}}
        ]
    }
    unknown = preflight(evaluated.system.config, policy, Known(ACCOUNT))[0]
    assert (unknown.outcome, unknown.because) == ("undecided", ("All allows it only if the caller is one that it names",))
    caller = {"aws:PrincipalArn": deployer}
    told = preflight(evaluated.system.config, policy, Known(ACCOUNT, caller))
    assert {verdict.consumer.id: verdict.outcome for verdict in told if not verdict.ok} == {
        "function-environment": "undecided",
        "function-secret": "undecided",
        "function-sessions": "undecided",
    }
    assert _left_out(evaluated, policy, account=ACCOUNT, caller=caller, function_role=deployer) == []
    role = f"arn:aws:iam::{ACCOUNT}:role/function"
    other = preflight(evaluated.system.config, policy, Known(ACCOUNT, caller, role))
    assert {verdict.consumer.id: verdict.outcome for verdict in other if not verdict.ok} == {
        "function-environment": "left out",
        "function-secret": "left out",
        "function-sessions": "left out",
    }


@pytest.mark.parametrize(
    ("statement", "outcome", "because"),
    [
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}}, "undecided", "Fence denies it if the caller is one that it names"),
        ({"NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}}, "undecided", "Fence denies it if the caller is none that it names"),
        ({"Principal": {"AWS": ROOT}}, "left out", "Fence denies it"),
    ],
)
def test_a_deny_counts_once_it_is_known_to_meet_the_caller(built: Built, statement: Any, outcome: str, because: str) -> None:
    evaluated = built()
    policy = _policy(evaluated)
    policy["Statement"].append({"Sid": "Fence", "Effect": "Deny", "Action": "kms:*", "Resource": "*", **statement})
    verdict = preflight(evaluated.system.config, policy)[0]
    assert (verdict.outcome, verdict.because) == (outcome, (because,))


def test_what_is_surely_missing_goes_before_what_cannot_be_told(built: Built) -> None:
    evaluated = built()
    only = {**EVERYTHING, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}, "Action": "kms:Decrypt"}
    verdict = preflight(evaluated.system.config, {"Statement": [only]}, Known(ACCOUNT))[0]
    assert (verdict.outcome, verdict.undecided) == ("left out", ("kms:Decrypt",))
    assert verdict.missing == tuple(action for action in verdict.needs if action != "kms:Decrypt")
    assert (verdict.data()["ok"], verdict.data()["outcome"]) == (False, "left out")


def test_wrong_flags_are_told_all_at_once() -> None:
    assert known_of(ACCOUNT, ["aws:PrincipalOrgID=o-1", "aws:PrincipalTag/a=b=c"], None) == Known(
        ACCOUNT, {"aws:PrincipalOrgID": "o-1", "aws:PrincipalTag/a": "b=c"}
    )
    with pytest.raises(InputError) as refused:
        known_of("12", ["PrincipalArn=x", "aws:userid=", "aws:userid=a", "aws:userid=b"], "role")
    assert [cause.partition("; ")[0].partition(", such as")[0] for cause in refused.value.causes] == [
        "--account: expected the twelve digits of an account, found '12'",
        "--caller: expected KEY=VALUE with a condition key of AWS",
        "--caller: expected KEY=VALUE with a condition key of AWS",
        "--caller: aws:userid is given as 'a' and as 'b'",
        "--function-role: expected the ARN of a role",
    ]


@pytest.mark.parametrize("principal", [{"AWS": ACCOUNT}, {"AWS": ["*"]}, "*"])
def test_the_account_is_admitted_by_number_or_with_everyone(built: Built, principal: Any) -> None:
    left_out = _left_out(built(), {"Statement": [{**EVERYTHING, "Principal": principal}]}, account=ACCOUNT)
    assert left_out == ([] if "*" in str(principal) else ["log-group-AuditLog", "log-group-AccessLog", "alarms"])


def test_not_principal_denies_everybody_else(built: Built) -> None:
    policy = _policy(built())
    policy["Statement"].append({"Sid": "Only", "Effect": "Deny", "NotPrincipal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"})
    assert _left_out(built(), policy) == ["log-group-AuditLog", "log-group-AccessLog", "alarms"]


def test_the_wrong_region_is_noticed(built: Built) -> None:
    policy = json.loads(json.dumps(_policy(built())).replace("us-east-1", "us-west-2"))
    assert _left_out(built(), policy) == [consumer.id for consumer in key_consumers(built().system.config)]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([], "expected a policy document with a Statement"),
        ({"Statement": []}, "expected a policy document with a Statement"),
        ({"Statement": [{"Effect": "allow"}]}, r"Statement\[0\]: Effect is neither Allow nor Deny"),
        ({"Statement": [{**EVERYTHING, "Condition": {"Bool": "true"}}]}, r"Statement\[0\]: Condition is not a table of operators"),
        ({"Statement": [{**EVERYTHING, "Principal": {"Service": "logs.amazonaws.com"}}]}, "the root of no account"),
        ({"Statement": [{**EVERYTHING, "Principal": {"AWS": [ROOT, "arn:aws:iam::444455556666:root"]}}]}, "111122223333, 444455556666"),
    ],
)
def test_what_is_no_policy_or_names_no_account_is_refused(built: Built, policy: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^theirs\\.json: .*{message}"):
        preflight(built().system.config, policy, name="theirs.json")


def test_a_policy_is_read_bare_or_as_the_command_line_wraps_it(tmp_path: Path) -> None:
    policy = {"Statement": [EVERYTHING]}
    bare, wrapped = tmp_path / "bare.json", tmp_path / "wrapped.json"
    bare.write_text(json.dumps(policy))
    wrapped.write_text(json.dumps({"Policy": json.dumps(policy), "PolicyName": "default"}))
    assert load_key_policy(bare) == load_key_policy(wrapped) == policy


def test_a_missing_or_unreadable_policy_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match=r"missing\.json: cannot be read: No such file or directory"):
        load_key_policy(tmp_path / "missing.json")
    with pytest.raises(InputError, match=r"broken\.json: not JSON"):
        load_key_policy(tmp_path / "broken.json")
