"""Significance: which finding suggests which class, rule by rule."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from claimstack.generator.comparison.comparing import compare
from claimstack.generator.comparison.findings import (
    BoundaryChange,
    ClaimChange,
    DispositionChange,
    FactChange,
    FileChanges,
    Findings,
    ParameterChange,
    PointChange,
    RemainderChange,
    ResourceChange,
    StaleStatement,
    ValueChange,
)
from claimstack.generator.comparison.significance import CLASSES, PROPOSED, RULES, propose

from .conftest import Files, as_package


def resource(kind: Any, type_: str, *paths: str) -> dict[str, Any]:
    return {"resources": (ResourceChange(kind, "server.X", type_, False, tuple(ValueChange(path, 1, 2) for path in paths)),)}  # noqa: FBT003


def boundary(kind: str, change: Any, effect: Any, *, is_open: bool = False, new: Any = None, what: str = "X") -> dict[str, Any]:
    return {"boundary": (BoundaryChange(kind, change, what, None, new, effect, is_open),)}


def identity(path: str) -> dict[str, Any]:
    return {"identity": (ValueChange(path, "a", "b"),)}


def files(*changed: str) -> dict[str, Any]:
    return {"files": FileChanges((), (), changed)}


CASES: list[tuple[str, dict[str, Any]]] = [
    ("certification-class-change", identity("class")),
    ("certification-class-change", identity("certification")),
    ("certification-class-change", identity("security categorization")),
    ("transformative", identity("leveraged authorization")),
    ("transformative", identity("partition")),
    ("transformative", identity("region")),
    ("transformative", identity("information type Grants")),
    ("transformative", resource("changed", "AWS::ApiGatewayV2::Authorizer", "JwtConfiguration.Issuer")),
    ("transformative", resource("changed", "AWS::ApiGateway::Authorizer", "ProviderARNs.0")),
    ("transformative", resource("replaced", "AWS::Cognito::UserPool")),
    ("transformative", resource("replaced", "AWS::Cognito::UserPoolClient")),
    ("transformative", resource("removed", "AWS::ApiGatewayV2::DomainName")),
    ("transformative", boundary("route", "added", "wider", is_open=True)),
    ("transformative", boundary("guard", "removed", "wider", what="server.Acl protects X")),
    ("transformative", {"points": (PointChange("ac-2_smt", "ac-2", "partial", "organisational", "worse", ""),)}),
    ("transformative", {"points": (PointChange("ac-2_smt", "ac-2", "implemented", "failed", "worse", ""),)}),
    ("adaptive", {"points": (PointChange("ac-2_smt", "ac-2", "implemented", "partial", "worse", ""),), **resource("added", "T")}),
    ("adaptive", {"points": (PointChange("au-3_smt.a", "au-3", "implemented", "partial", "worse", ""),)}),
    ("adaptive", {"stale": (StaleStatement("new", "evidence/facts.json", "/facts/0", "1", "2"),), "runtime_changed": True}),
    ("routine-recurring", {"stale": (StaleStatement("old", "evidence/facts.json", "/facts/0", "1", "2"),), "runtime_changed": True}),
    ("not-significant", {"stale": (StaleStatement("new", "evidence/facts.json", "/facts/0", "1", "2"),)}),
    ("adaptive", {"facts": (FactChange("c", "p", "e", "passed", "failed", 1, 2),)}),
    ("adaptive", {"claims": (ClaimChange("lost", True, "ac-2_smt", "ac-2", "server.X", "Says."),)}),  # noqa: FBT003
    ("adaptive", {"dispositions": (DispositionChange("ac-1", ("ac-1_smt.a",), (ValueChange("status", "planned", "customer"),)),)}),
    ("not-significant", {"dispositions": (DispositionChange("ac-1", ("ac-1_smt.a",), (ValueChange("reason", "a", "b"),)),)}),
    ("adaptive", {"remainders": (RemainderChange("ac-1_smt.a", "ac-1", "added", "customer", "Do it."),)}),
    ("not-significant", {"remainders": (RemainderChange("ac-1_smt.a", "ac-1", "removed", "customer", "Do it."),)}),
    ("adaptive", {"parameters": (ParameterChange("au-11_odp", "au-11", (ValueChange("value", "1 days", "2 days"),), (), (), ()),)}),
    ("not-significant", {"parameters": (ParameterChange("au-11_odp", "au-11", (ValueChange("date", "a", "b"),), (), (), ()),)}),
    ("adaptive", resource("added", "AWS::SQS::Queue")),
    ("adaptive", resource("replaced", "AWS::DynamoDB::Table")),
    ("adaptive", resource("removed", "AWS::Cognito::UserPoolClient")),
    ("adaptive", resource("refused", "AWS::SQS::Queue")),
    ("adaptive", resource("changed", "AWS::Lambda::Function", "MemorySize", "Environment.Variables.X")),
    ("adaptive", boundary("action", "added", "wider")),
    ("adaptive", boundary("action", "removed", "narrower")),
    ("adaptive", boundary("egress", "added", "wider")),
    ("adaptive", boundary("end", "added", "other", new={"kind": "outside"})),
    ("not-significant", boundary("end", "added", "other", new={"kind": "component"})),
    ("not-significant", boundary("flow", "changed", "other")),
    ("adaptive", {"template_parameters": (("server", ValueChange("KeyArn.AllowedPattern", "a", "b")),)}),
    ("routine-recurring", boundary("egress", "removed", "narrower")),
    ("routine-recurring", resource("changed", "AWS::Lambda::Function", "MemorySize")),
    ("routine-recurring", resource("changed", "AWS::CloudWatch::Alarm", "Threshold", "Tags.0.Value")),
    ("routine-recurring", resource("renewed", "AWS::ApiGateway::Deployment")),
    ("routine-recurring", {"runtime_changed": True}),
    ("routine-recurring", files("image/requirements.lock")),
    ("not-significant", files("cloudformation/deploy.md")),
]


@pytest.fixture(scope="module")
def nothing(files: Files) -> Findings:
    package = as_package(files())
    return compare(package, package).findings


@pytest.mark.parametrize(("class_", "found"), CASES)
def test_a_finding_suggests_its_class(class_: str, found: dict[str, Any], nothing: Findings, files: Files) -> None:
    assert propose(dataclasses.replace(nothing, **found), as_package(files())).class_ == class_


def test_every_rule_is_met_by_a_case(nothing: Findings) -> None:
    changed = [dataclasses.replace(nothing, **found) for _, found in CASES]
    assert [rule.judgement for rule in RULES if not any(list(rule.found(found)) for found in changed)] == []


def test_the_gravest_class_is_proposed_and_every_reason_stands(nothing: Findings, files: Files) -> None:
    found = dataclasses.replace(nothing, runtime_changed=True, **identity("partition"), **resource("added", "AWS::SQS::Queue"))
    proposal = propose(found, as_package(files()))
    assert proposal.class_ == "transformative"
    assert [reason.class_ for reason in proposal.reasons] == ["transformative", "adaptive", "routine-recurring"]
    assert proposal.reasons[1].found == ("server.X (AWS::SQS::Queue) added",)


def test_rules_name_their_source_and_the_classes_are_in_the_order_of_gravity() -> None:
    order = list(CLASSES)
    assert [order.index(rule.class_) for rule in RULES] == sorted(order.index(rule.class_) for rule in RULES)
    assert {rule.source for rule in RULES} == {"FRD-CCC", "FRD-TRF", "SCN-TRF-TPR", "SCN-ADP-NTF", "SCN-RTR-NNR", "VDR-CSO-DET"}
    assert "A person" in PROPOSED


def test_indicators_are_named_for_20x_only(nothing: Findings, files: Files) -> None:
    parameter = ParameterChange("au-11_odp", "au-11", (ValueChange("value", "1 days", "2 days"),), (), (), ())
    points = (PointChange("au-4_smt", "au-4", "partial", "implemented", "better", ""),)
    found = dataclasses.replace(nothing, parameters=(parameter,), points=points)
    twenty, rev5 = (propose(found, as_package(files(like))) for like in ("commercial", "govcloud"))
    assert twenty.impacted_controls == rev5.impacted_controls == ("au-4", "au-11")
    assert "KSI-MLA-OSM" in twenty.impacted_ksis
    assert rev5.impacted_ksis == ()
