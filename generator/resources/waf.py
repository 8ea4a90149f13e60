"""WAF: the web ACL in front of the REST API, tuned for the JSON-RPC bodies that tools take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from troposphere import GetAtt, Ref, Sub, wafv2

from claimstack.controls.errors import InputError
from claimstack.generator.claims import Claim, Component
from claimstack.generator.config import Config
from claimstack.generator.expressions import Check, every, prop
from claimstack.generator.questions import ManagedRulesBlock, WebAclAssociated
from claimstack.generator.resources.logs import add_waf_log
from claimstack.generator.system import Stack

WEB_ACL_COMPONENT = Component("web-acl", "Web ACL", "Holds calls against rate, size and managed rules before they are authorized.")

WEB_ACL = "WebAcl"
METRIC = Ref("AWS::StackName")
"""Metrics tell web ACLs apart by this name alone, so that two stacks of one system must not share it."""

MANAGED_GROUPS = {
    "AddressReputation": "AWSManagedRulesAmazonIpReputationList",
    "KnownBadInputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "CommonAttacks": "AWSManagedRulesCommonRuleSet",
}
"""Name of our rule → the rule group of AWS that it applies."""

COUNTED_RULES = {
    "SizeRestrictions_BODY": "Refuses bodies above 8 KB, which tool arguments reach in ordinary use; a size rule of ours stands beside it.",
    "CrossSiteScripting_BODY": "Markup is an ordinary tool argument, and no answer of the server is rendered by a browser.",
    "GenericLFI_BODY": "A path is an ordinary tool argument; which files a tool may read is decided by its role.",
    "GenericRFI_BODY": "A URL is an ordinary tool argument; where a tool may connect to is decided by its egress rules.",
    "EC2MetaDataSSRF_BODY": "Text about instance metadata is an ordinary tool argument; a Lambda function has no instance metadata.",
}
"""Rule of the common rule set that only counts → why it must not block JSON-RPC bodies."""

BODY_DIGITS = 7
"""A Content-Length of seven digits or more is refused: a million bytes.

The length is read from the header, since the firewall is handed no more of a body than it inspects (64 KB), so that a size rule on
the body itself could never see a larger one.
"""
DECLARED_SIZE = f"[0-9]{{{BODY_DIGITS}}}"
INSPECTED = {"API_GATEWAY": {"DefaultSizeInspectionLimit": "KB_64"}}
"""The most that can be inspected; what a body holds beyond that reaches the function unseen by the rules."""

RATE_WINDOW_SECONDS = 60
LEAST_RATE_LIMIT = 10
"""Of a rate-based rule (AWS WAF API reference, RateBasedStatement)."""


@dataclass(frozen=True, slots=True)
class WebAcl:
    """What alarms need to know of the web ACL."""

    metric: Any
    """Value of the dimension WebACL in the metrics of AWS/WAFV2."""


def add_waf(stack: Stack, *, stage_arn: Any, key_arn: Any) -> WebAcl:
    """The web ACL of the front door's stage, with its log.

    Raises InputError without a stage: AWS WAF cannot be associated with an HTTP API.
    """
    if stage_arn is None:
        raise InputError(f"{stack.config.name}: AWS WAF cannot be attached to an http-api; use front_door.type = 'rest-api'")
    _add_web_acl(stack)
    _add_association(stack, stage_arn)
    _add_logging(stack, add_waf_log(stack, key_arn).title)
    return WebAcl(METRIC)


def rate_limit(config: Config) -> int:
    """Requests of one address in a minute: what the whole door lets through in that time, so that no single caller can exhaust it."""
    return max(LEAST_RATE_LIMIT, config.front_door.rate_per_second * RATE_WINDOW_SECONDS)


def _visibility(name: Any) -> wafv2.VisibilityConfig:
    """Samples stay off: they would show the Authorization header of callers to everybody who may look at the web ACL."""
    return wafv2.VisibilityConfig(CloudWatchMetricsEnabled=True, MetricName=name, SampledRequestsEnabled=False)


def _own_rule(name: str, priority: int, statement: wafv2.Statement) -> wafv2.WebACLRule:
    return wafv2.WebACLRule(
        Name=name,
        Priority=priority,
        Action=wafv2.RuleAction(Block=wafv2.BlockAction()),
        Statement=statement,
        VisibilityConfig=_visibility(name),
    )


def _managed_rule(name: str, priority: int, group: str) -> wafv2.WebACLRule:
    overrides = [
        wafv2.RuleActionOverride(Name=rule, ActionToUse=wafv2.RuleAction(Count=wafv2.CountAction()))
        for rule in (COUNTED_RULES if group == MANAGED_GROUPS["CommonAttacks"] else ())
    ]
    statement = wafv2.ManagedRuleGroupStatement(Name=group, VendorName="AWS")
    if overrides:
        statement.RuleActionOverrides = overrides
    return wafv2.WebACLRule(
        Name=name,
        Priority=priority,
        OverrideAction=wafv2.OverrideAction(**{"None": {}}),
        Statement=wafv2.Statement(ManagedRuleGroupStatement=statement),
        VisibilityConfig=_visibility(name),
    )


def _rules(config: Config) -> list[wafv2.WebACLRule]:
    """In the order in which they are asked, the cheapest first."""
    rate = wafv2.RateBasedStatement(AggregateKeyType="IP", EvaluationWindowSec=RATE_WINDOW_SECONDS, Limit=rate_limit(config))
    size = wafv2.RegexMatchStatement(
        FieldToMatch=wafv2.FieldToMatch(SingleHeader=wafv2.SingleHeader(Name="content-length")),
        RegexString=DECLARED_SIZE,
        TextTransformations=[wafv2.TextTransformation(Priority=0, Type="NONE")],
    )
    return [
        _own_rule("Rate", 0, wafv2.Statement(RateBasedStatement=rate)),
        _own_rule("DeclaredSize", 1, wafv2.Statement(RegexMatchStatement=size)),
        *(_managed_rule(name, priority, group) for priority, (name, group) in enumerate(MANAGED_GROUPS.items(), start=2)),
    ]


def _rate_checks(config: Config) -> tuple[Check, ...]:
    at = ("Rules", "0", "Statement", "RateBasedStatement")
    return (
        prop(*at, "Limit").at_most(rate_limit(config)).named("rate.limit.at-most"),
        prop(*at, "Limit").at_least(LEAST_RATE_LIMIT).named("rate.limit.at-least"),
        prop(*at, "EvaluationWindowSec").equals(RATE_WINDOW_SECONDS).named("rate.window"),
        prop(*at, "AggregateKeyType").equals("IP").named("rate.key"),
        prop(*at, "ScopeDownStatement").absent().named("rate.every-call"),
        _blocks(),
    )


def _size_checks() -> tuple[Check, ...]:
    at = ("Rules", "1", "Statement", "RegexMatchStatement")
    header = {"SingleHeader": {"Name": "content-length"}}
    return (
        prop(*at, "RegexString").equals(DECLARED_SIZE).named("size.pattern"),
        prop(*at, "FieldToMatch").equals(header).named("size.header"),
        prop(*at, "TextTransformations").equals([{"Priority": 0, "Type": "NONE"}]).named("size.transformation"),
        _blocks(),
    )


def _blocks() -> ManagedRulesBlock:
    return ManagedRulesBlock(groups=tuple(MANAGED_GROUPS.values()), counted=tuple(COUNTED_RULES))


def _counting() -> tuple[Check, ...]:
    return (
        prop("VisibilityConfig.CloudWatchMetricsEnabled").is_true(),
        prop("VisibilityConfig.MetricName").equals(METRIC),
        prop("Rules[*].VisibilityConfig.CloudWatchMetricsEnabled").is_true(),
    )


def _unsampled() -> tuple[Check, ...]:
    return (
        prop("VisibilityConfig.SampledRequestsEnabled").is_false(),
        prop("Rules[*].VisibilityConfig.SampledRequestsEnabled").is_false(),
    )


def _add_web_acl(stack: Stack) -> wafv2.WebACL:
    config = stack.config
    rules = _rules(config)
    size = f"{10 ** (BODY_DIGITS - 1):,} bytes"
    return stack.add(
        WEB_ACL_COMPONENT,
        wafv2.WebACL(
            WEB_ACL,
            Description=f"In front of the MCP server {config.name}",
            Scope="REGIONAL",
            DefaultAction=wafv2.DefaultAction(Allow=wafv2.AllowAction()),
            AssociationConfig=wafv2.AssociationConfig(RequestBody=INSPECTED),
            Rules=rules,
            VisibilityConfig=_visibility(METRIC),
        ),
        Claim(
            "cm-6_smt.b",
            "The web ACL holds the declared rules in their declared order, and lets pass what none of them blocks.",
            prop("Rules").equals(rules),
            prop("DefaultAction").equals({"Allow": {}}),
        ),
        Claim(
            "ia-5_smt.g",
            "The web ACL keeps no samples of requests, in which tokens of callers could be read.",
            *_unsampled(),
        ),
        Claim(
            "sc-5_smt.a",
            f"The web ACL blocks an address after {rate_limit(config):,} requests in a minute, and bodies declared with {size} or more.",
            *_rate_checks(config),
            *_size_checks(),
            WebAclAssociated(),
        ),
        Claim(
            "sc-5_smt.b",
            f"The web ACL blocks an address after {rate_limit(config):,} requests in a minute.",
            *_rate_checks(config),
            WebAclAssociated(),
        ),
        Claim(
            "sc-7_smt.c",
            "The web ACL applies three managed rule groups where calls reach the API and inspects the first 64 KB of a body; "
            f"{len(COUNTED_RULES)} rules about bodies count and do not block.",
            _blocks(),
            prop("AssociationConfig.RequestBody").equals(INSPECTED),
            prop("Scope").equals("REGIONAL"),
            WebAclAssociated(),
        ),
        Claim(
            "si-4_smt.b",
            "The web ACL counts the requests that each of its rules meets.",
            _blocks(),
            *_counting(),
            WebAclAssociated(),
        ),
    )


def _add_association(stack: Stack, stage_arn: Any) -> wafv2.WebACLAssociation:
    return stack.add(
        WEB_ACL_COMPONENT,
        wafv2.WebACLAssociation(f"{WEB_ACL}Association", ResourceArn=stage_arn, WebACLArn=GetAtt(WEB_ACL, "Arn")),
        Claim(
            "sc-7_smt.c",
            "Every call to the REST API passes the web ACL, a boundary protection device.",
            WebAclAssociated(),
            prop("ResourceArn").equals(stage_arn),
            prop("WebACLArn").equals(GetAtt(WEB_ACL, "Arn")),
        ),
    )


def _add_logging(stack: Stack, log_group: str) -> wafv2.LoggingConfiguration:
    # The attribute Arn of a log group ends in `:*`, which AWS WAF refuses.
    destination = Sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{log_group}}}")
    redacted = {"SingleHeader": {"Name": "authorization"}}
    logged = (
        every(wafv2.LoggingConfiguration).prop("LogDestinationConfigs").equals([destination]),
        every(wafv2.LoggingConfiguration).prop("ResourceArn").equals(GetAtt(WEB_ACL, "Arn")),
        every(wafv2.LoggingConfiguration).prop("LoggingFilter").absent(),
        WebAclAssociated(),
    )
    return stack.add(
        WEB_ACL_COMPONENT,
        wafv2.LoggingConfiguration(
            f"{WEB_ACL}Logging",
            ResourceArn=GetAtt(WEB_ACL, "Arn"),
            LogDestinationConfigs=[destination],
            RedactedFields=[wafv2.LoggingConfigurationFieldToMatch(SingleHeader=wafv2.SingleHeader(Name="authorization"))],
        ),
        Claim("au-2_smt.a", "The web ACL can log requests with what its rules found, and is set to do so.", *logged),
        Claim("au-12_smt.a", "The web ACL is set to write records of requests, allowed and blocked, to its log group.", *logged),
        Claim(
            "ia-5_smt.g",
            "The web ACL leaves the tokens of callers out of its log.",
            prop("RedactedFields").contains(redacted),
        ),
        Claim("si-4_smt.b", "The web ACL is set to record blocked requests with the rule that they met.", *logged),
        Claim(
            "si-4.4_smt.b",
            "The web ACL is set to record requests from outside with what its rules found.",
            *logged,
            meets=("si-4.4_obj.b-1",),
        ),
    )
