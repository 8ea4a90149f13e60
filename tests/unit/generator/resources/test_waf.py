"""The web ACL in front of the REST API."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from troposphere import GetAtt

from claimstack.controls.catalog import load_catalog
from claimstack.controls.errors import InputError
from claimstack.controls.families import load_families
from claimstack.generator.config import Config
from claimstack.generator.emitted import REMOVE, Edit, Emitted
from claimstack.generator.evaluation import evaluate
from claimstack.generator.expressions import Scope
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions import NoLiteralPlace
from claimstack.generator.questions.waf import ManagedRulesBlock
from claimstack.generator.resources.door import public_url
from claimstack.generator.resources.identity import add_identity
from claimstack.generator.resources.key import key_parameter
from claimstack.generator.resources.logs import add_access_log
from claimstack.generator.resources.rest_api import add_rest_api
from claimstack.generator.resources.waf import COUNTED_RULES, DECLARED_SIZE, WebAcl, add_waf, rate_limit
from claimstack.generator.system import Stack, System

from .conftest import at, emitted, properties

GROUP = "AWSManagedRulesCommonRuleSet"
SCOPE = Scope("server", "WebAcl")


def config(**door: Any) -> Config:
    base = {"name": "grants-tools", "title": "Grants tools", "class": "C", "certification": "20x", "region": "us-gov-west-1"}
    front_door = {"type": "rest-api", "domain": "mcp.example.gov", "waf": True, **door}
    return Config.model_validate({**base, "as_of": date(2026, 11, 1), "front_door": front_door, "auth": {"consumers": ("agents",)}})


def built(**door: Any) -> tuple[Stack, WebAcl]:
    configured = config(**door)
    stack = System(configured, load_catalog(), load_families()).stack("server", "MCP server.")
    function = stack.parameter("FunctionArn", "Stands in for the function.", example="arn")
    key = key_parameter(stack)
    identity = add_identity(stack, key, public_url(configured))
    front_door = add_rest_api(
        stack, function_arn=function, identity=identity, access_log_arn=GetAtt(add_access_log(stack, key), "Arn"), key_arn=key
    )
    return stack, add_waf(stack, stage_arn=front_door.stage_arn, key_arn=key)


def blocking(*rules: Any) -> list[Outcome]:
    """What the question finds in a web ACL of these rules."""
    template = Emitted({"server": {"Resources": {"WebAcl": {"Type": "AWS::WAFv2::WebACL", "Properties": {"Rules": list(rules)}}}}})
    return [finding.outcome for finding in ManagedRulesBlock(groups=(GROUP,), counted=("Body",)).evaluate(template, SCOPE)]


def managed(**statement: Any) -> dict[str, Any]:
    group = {"Name": GROUP, "VendorName": "AWS", **statement}
    return {"Name": "Common", "OverrideAction": {"None": {}}, "Statement": {"ManagedRuleGroupStatement": group}}


def test_every_fact_passes_and_every_check_can_fail() -> None:
    stack, _ = built()
    template = emitted(stack)
    assert [fact for fact in evaluate(stack.system, template).facts if fact.outcome is not Outcome.PASSED] == []
    unnoticed = []
    for declared in stack.system.checks.values():
        mutants = list(declared.check.mutants(template, declared.scope))
        assert mutants, declared.id
        for mutant in mutants:
            findings = declared.check.evaluate(template.edited(*mutant.edits), declared.scope)
            if all(finding.outcome is Outcome.PASSED for finding in findings):
                unnoticed.append((declared.id, mutant.what))
    assert unnoticed == []


def test_template_names_no_place_of_its_own() -> None:
    findings = NoLiteralPlace().evaluate(emitted(built()[0]), SCOPE)
    assert [finding.place.pointer for finding in findings if finding.outcome is not Outcome.PASSED] == []


def test_rules_are_asked_from_cheap_to_dear_and_none_is_sampled() -> None:
    stack, _ = built()
    found = properties(stack, "WebAcl")
    assert [(rule["Priority"], rule["Name"], rule.get("Action") or rule["OverrideAction"]) for rule in found["Rules"]] == [
        (0, "Rate", {"Block": {}}),
        (1, "DeclaredSize", {"Block": {}}),
        (2, "AddressReputation", {"None": {}}),
        (3, "KnownBadInputs", {"None": {}}),
        (4, "CommonAttacks", {"None": {}}),
    ]
    assert [rule["VisibilityConfig"] for rule in found["Rules"]] == [
        {"CloudWatchMetricsEnabled": True, "MetricName": rule["Name"], "SampledRequestsEnabled": False} for rule in found["Rules"]
    ]
    assert {key: value for key, value in found.items() if key not in ("Rules", "Tags")} == {
        "Description": "In front of the MCP server grants-tools",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "AssociationConfig": {"RequestBody": {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_64"}}},
        "VisibilityConfig": {
            "CloudWatchMetricsEnabled": True,
            "MetricName": {"Ref": "AWS::StackName"},
            "SampledRequestsEnabled": False,
        },
    }


def test_rules_that_meet_ordinary_tool_arguments_count_and_say_why() -> None:
    stack, _ = built()
    common = properties(stack, "WebAcl")["Rules"][4]["Statement"]["ManagedRuleGroupStatement"]
    assert common == {
        "Name": GROUP,
        "VendorName": "AWS",
        "RuleActionOverrides": [{"Name": rule, "ActionToUse": {"Count": {}}} for rule in COUNTED_RULES],
    }


@pytest.mark.parametrize(("length", "refused"), [("999999", False), ("1000000", True), ("0", False), ("10485760", True)])
def test_declared_size_is_refused_from_a_million_bytes(length: str, refused: bool) -> None:  # noqa: FBT001 - a table of cases
    assert (re.search(DECLARED_SIZE, length) is not None) is refused


def test_one_address_gets_a_minute_of_what_the_door_takes() -> None:
    assert [rate_limit(config(rate_per_second=rate)) for rate in (1, 50)] == [60, 3000]
    assert properties(built(rate_per_second=7)[0], "WebAcl")["Rules"][0]["Statement"] == {
        "RateBasedStatement": {"AggregateKeyType": "IP", "EvaluationWindowSec": 60, "Limit": 420}
    }


def test_log_leaves_out_tokens_and_nothing_else() -> None:
    stack, _ = built()
    assert properties(stack, "WebAclLogging") == {
        "ResourceArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
        "LogDestinationConfigs": [{"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${WafLog}"}],
        "RedactedFields": [{"SingleHeader": {"Name": "authorization"}}],
    }
    assert properties(stack, "WafLog")["LogGroupName"] == {"Fn::Sub": "aws-waf-logs-${AWS::StackName}"}


def test_association_is_with_the_stage() -> None:
    assert properties(built()[0], "WebAclAssociation") == {
        "ResourceArn": {"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestApi}/stages/${RestApiStage}"},
        "WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
    }


@pytest.mark.parametrize(
    "edit",
    [
        Edit(at("WebAcl", "Rules", 4, "OverrideAction"), {"Count": {}}),
        Edit(at("WebAcl", "Rules", 0, "Action"), {"Count": {}}),
        Edit(at("WebAcl", "Rules", 3), REMOVE),
    ],
)
def test_rule_that_only_counts_fails_what_the_web_acl_claims(edit: Edit) -> None:
    stack, _ = built()
    answers = evaluate(stack.system, emitted(stack).edited(edit)).answers
    assert {point for point in ("sc-5_smt.a", "sc-7_smt.c", "si-4_smt.b") if answers[point].status != "failed"} == set()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([managed()], [Outcome.PASSED]),
        ([managed(RuleActionOverrides=[{"Name": "Body", "ActionToUse": {"Count": {}}}])], [Outcome.PASSED]),
        ([managed(RuleActionOverrides=[{"Name": "Body", "ActionToUse": {"Allow": {}}}])], [Outcome.FAILED]),
        ([managed(RuleActionOverrides=[{"Name": "Other", "ActionToUse": {"Count": {}}}])], [Outcome.FAILED]),
        ([managed(ExcludedRules=[{"Name": "Body"}])], [Outcome.FAILED]),
        ([managed(), {"Name": "Own", "Action": {"Block": {}}}], [Outcome.PASSED, Outcome.PASSED]),
        ([managed(), {"Name": "Own", "Action": {"Allow": {}}}], [Outcome.PASSED, Outcome.FAILED]),
        ([], [Outcome.FAILED]),
    ],
)
def test_question_tells_blocking_from_counting(rules: list[Any], expected: list[Outcome]) -> None:
    assert blocking(*rules) == expected


def test_http_api_gets_no_web_acl() -> None:
    stack = System(config(), load_catalog(), load_families()).stack("server", "MCP server.")
    with pytest.raises(InputError) as error:
        add_waf(stack, stage_arn=None, key_arn="key")
    assert error.value.causes == ("grants-tools: AWS WAF cannot be attached to an http-api; use front_door.type = 'rest-api'",)
