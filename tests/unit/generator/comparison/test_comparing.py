"""Comparing: real changes of a configuration, and what each does to resources, claims, parameters and boundary."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from troposphere import Ref, apigatewayv2

from claimstack.controls.errors import InputError
from claimstack.generator.claims import Exempt
from claimstack.generator.comparison import comparing
from claimstack.generator.comparison.comparing import GATES, as_data, compare, compare_pair, met_gates, named_gates
from claimstack.generator.comparison.findings import BoundaryChange, Comparison, ParameterChange, ValueChange
from claimstack.generator.comparison.reading import emptied
from claimstack.generator.comparison.sides import Pair
from claimstack.generator.extensions import Extension
from claimstack.generator.moved import Moved
from claimstack.generator.resources.door import FRONT_DOOR
from claimstack.generator.system import System

from .conftest import COMMERCIAL, GOVCLOUD, Compared, Files, as_package, edited, files_of, retention

VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"parameters": retention("1827 days")},
    {"runtime": {"sessions": False}},
    {"auth": {"consumers": ["reporting", "desk"]}},
)


def kinds(items: tuple[Any, ...]) -> set[tuple[str, str]]:
    return {(item.kind, item.resource) for item in items}


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_a_package_does_not_differ_from_itself(like: str, files: Files) -> None:
    package = as_package(files(like))
    comparison = compare(package, package)
    assert comparison.findings.is_empty
    assert comparison.findings.stale == ()
    assert (comparison.proposal.class_, comparison.proposal.reasons) == ("not-significant", ())
    assert met_gates(comparison, tuple(GATES)) == ()


@pytest.mark.parametrize(("one", "other"), list(permutations(range(len(VARIANTS)), 2)))
def test_gained_and_lost_turn_around_with_the_sides(one: int, other: int, files: Files) -> None:
    first, second = (as_package(files(**VARIANTS[index])) for index in (one, other))
    there, back = compare(first, second).findings, compare(second, first).findings

    def turned(found: Any) -> list[tuple[str, ...]]:
        opposite = {"gained": "lost", "lost": "gained", "added": "removed", "removed": "added", "better": "worse", "worse": "better"}
        opposite |= {"wider": "narrower", "narrower": "wider"}
        return sorted(
            [
                *((opposite[item.kind], item.point, item.resource, item.sentence) for item in found.claims if item.kind in opposite),
                *((opposite[item.kind], item.resource) for item in found.resources if item.kind in opposite),
                *((opposite.get(item.direction, ""), item.point, item.new, item.old) for item in found.points),
                *((opposite.get(item.change, ""), item.kind, item.what, opposite.get(item.effect, "")) for item in found.boundary),
                *((item.parameter, str(item.value_changed)) for item in found.parameters),
            ]
        )

    def straight(found: Any) -> list[tuple[str, ...]]:
        kept = ("added", "removed", "gained", "lost", "better", "worse", "wider", "narrower")
        return sorted(
            [
                *((item.kind, item.point, item.resource, item.sentence) for item in found.claims if item.kind in kept),
                *((item.kind, item.resource) for item in found.resources if item.kind in kept),
                *((item.direction if item.direction in kept else "", item.point, item.old, item.new) for item in found.points),
                *(
                    (item.change if item.change in kept else "", item.kind, item.what, item.effect if item.effect in kept else "")
                    for item in found.boundary
                ),
                *((item.parameter, str(item.value_changed)) for item in found.parameters),
            ]
        )

    assert turned(there) == straight(back)
    assert not there.is_empty


def test_a_longer_retention_names_the_log_groups_the_data_and_the_documents(compared: Compared) -> None:
    found = compared(parameters=retention("1827 days")).findings
    (parameter,) = found.parameters
    change = ValueChange("RetentionInDays", 1096, 1827)
    assert isinstance(parameter, ParameterChange)
    assert (parameter.parameter, parameter.control) == ("au-11_odp", "au-11")
    assert parameter.resources == (("server.AuditLog", change), ("server.AccessLog", change))
    assert parameter.documents == ("evidence/coverage.json", "oscal/component-definition.json")
    assert "kept until they are 1827 days old" in parameter.existing_data[-1]
    assert "those already deleted do not come back" in parameter.existing_data[-1]
    assert {item.path for item in parameter.changes} == {"value", "reason", "approver"}
    assert {(item.check, item.old, item.new) for item in found.facts} == {("system.AWS-Logs-LogGroup.RetentionInDays.at-least", 1096, 1827)}
    assert found.claims == found.points == found.boundary == ()


def test_a_retention_below_the_floor_fails_facts_and_worsens_points(compared: Compared) -> None:
    comparison = compared(parameters=retention("365 days"))
    found = comparison.findings
    (parameter,) = found.parameters
    assert "deleted, typically within 72 hours" in parameter.existing_data[-1]
    assert {(item.point, item.old, item.new, item.direction) for item in found.points} >= {("au-11_smt", "implemented", "failed", "worse")}
    assert {(item.old_outcome, item.new_outcome) for item in found.facts} == {("passed", "failed")}
    assert met_gates(comparison, tuple(GATES)) == ("failed-fact", "worse-status", "significant", "any")
    assert comparison.proposal.class_ == "transformative"
    assert comparison.proposal.impacted_controls == ("au-4", "au-11")


def test_without_the_web_acl_claims_are_lost_and_nothing_is_protected(compared: Compared) -> None:
    comparison = compared("govcloud", front_door={**GOVCLOUD["front_door"], "waf": False})
    found = comparison.findings
    assert {("removed", "server.WebAcl"), ("removed", "server.WafLog")} <= kinds(found.resources)
    assert ("sc-7_smt.c", "server.WebAclAssociation") in {(item.point, item.resource) for item in found.claims if item.kind == "lost"}
    dropped = [
        check.old_sentence for item in found.claims if item.kind == "weakened" for check in item.checks if check.verdict == "dropped"
    ]
    assert any("$context.waf.status" in sentence for sentence in dropped)
    guards = [item for item in found.boundary if item.kind == "guard"]
    assert {item.effect for item in guards} == {"wider"}
    assert "What a web ACL protected is no longer protected." in {reason.judgement for reason in comparison.proposal.reasons}
    assert set(met_gates(comparison, tuple(GATES))) >= {"lost-claim", "weakened-claim", "stateful-replacement", "boundary", "significant"}


def add_route(authorization: str) -> Extension:
    def extend(system: System) -> None:
        route = apigatewayv2.Route(
            "OpenRoute", ApiId=Ref("HttpApi"), RouteKey="GET /open", AuthorizationType=authorization, Target="integrations/x"
        )
        system.stacks["server"].add(FRONT_DOOR, route, Exempt("A route of a test."))

    return Extension("route.py", extend)


def test_an_open_route_of_an_overlay_is_shouted(files: Files) -> None:
    comparison = compare(as_package(files()), as_package(files_of(COMMERCIAL, (add_route("NONE"),))))
    found = comparison.findings
    assert ("added", "server.OpenRoute") in kinds(found.resources)
    assert [item for item in found.boundary if item.kind == "route"] == [
        BoundaryChange("route", "added", "server: GET /open", None, {"authorization": "NONE"}, "wider", is_open=True)
    ]
    failed = {item.check for item in found.facts if item.new_outcome == "failed"}
    assert "system.routes-are" in failed
    assert comparison.proposal.class_ == "transformative"
    guarded = compare(as_package(files()), as_package(files_of(COMMERCIAL, (add_route("AWS_IAM"),)))).findings
    assert [item.is_open for item in guarded.boundary if item.kind == "route"] == [False]


def test_a_variable_that_tools_find_under_another_name_is_seen() -> None:
    one, other = (as_package(files_of(COMMERCIAL, (Extension("tools.py", lambda _: None, {name: "x"}),))) for name in ("ONE", "OTHER"))
    found = compare(one, other).findings
    (function,) = found.resources
    assert (function.kind, function.resource) == ("changed", "server.Function")
    assert function.changes == (
        ValueChange("Environment.Variables.ONE", "x", None),
        ValueChange("Environment.Variables.OTHER", None, "x"),
    )
    assert {item.resource for item in found.claims if item.kind in ("altered", "weakened")} == {"server.Function"}


def test_a_logical_id_that_is_gone_is_a_stateful_loss(compared: Compared) -> None:
    comparison = compared(runtime={"sessions": False})
    (table,) = [item for item in comparison.findings.resources if item.resource == "server.Sessions"]
    assert (table.kind, table.stateful) == ("removed", True)
    assert table.old_one.startswith("the old one stays")
    assert met_gates(comparison, ("stateful-replacement", "replacement")) == ("stateful-replacement",)
    assert {item.effect for item in comparison.findings.boundary if item.kind == "action" and item.change == "removed"} == {"narrower"}


def test_what_is_asked_for_when_deploying_is_told(compared: Compared) -> None:
    found = compared(organisation={"log_archive": True}).findings
    ((stack, change),) = found.template_parameters
    assert (stack, change.path, change.old, change.new["Type"]) == ("server", "LogDestinationArn", None, "String")
    assert {item.effect for item in found.boundary if item.kind == "forward"} == {"wider"}


def test_another_domain_replaces_what_callers_are_configured_with(compared: Compared) -> None:
    comparison = compared(front_door={"domain": "mcp.example.org"})
    replaced = {item.resource for item in comparison.findings.resources if item.kind == "replaced"}
    assert replaced == {"server.CustomDomain", "server.CustomDomainMapping", "server.McpResourceServer"}
    assert met_gates(comparison, ("replacement", "stateful-replacement")) == ("replacement", "stateful-replacement")
    assert "What callers are configured with is replaced: customers have to act." in {
        reason.judgement for reason in comparison.proposal.reasons if reason.class_ == comparison.proposal.class_
    }
    entrance = next(item for item in comparison.findings.boundary if item.kind == "entrance")
    assert (entrance.old, entrance.new) == ({"DomainName": "mcp.example.gov"}, {"DomainName": "mcp.example.org"})


def renamed_files(files: dict[str, str], old: str, new: str) -> dict[str, str]:
    return {path: text.replace(old, new) for path, text in files.items()}


def test_a_renamed_resource_keeps_its_claims_by_its_moved_entry(files: Files) -> None:
    before = as_package(files())
    after = as_package(renamed_files(files(), "AlarmSubscription", "AlarmListener"))
    moved = (Moved("logical-id", "server.AlarmSubscription", "server.AlarmListener", "Confirm the subscription again."),)
    named = compare(before, after, moved).findings
    assert [(item.kind, item.resource) for item in named.resources if item.loses_identity] == [("renamed", "server.AlarmListener")]
    assert [item for item in named.claims if item.kind in ("lost", "gained")] == []
    unnamed = compare(before, after, ()).findings
    assert {("removed", "server.AlarmSubscription"), ("added", "server.AlarmListener")} <= kinds(unnamed.resources)
    assert {"lost", "gained"} <= {item.kind for item in unnamed.claims}


def weaken(files: dict[str, str]) -> dict[str, str]:
    def facts(document: Any) -> None:
        check = next(item for item in document["checks"] if item["id"] == "system.AWS-Logs-LogGroup.RetentionInDays.at-least")
        check["expression"]["predicate"]["bound"] = 365

    def coverage(document: Any) -> None:
        claims = document["answers"]["au-9"]["points"]["au-9_smt.a"]["claims"]
        claims[0]["sentence"] = "The log group is kept."
        document["answers"]["sc-28.1"]["points"]["sc-28.1_smt"]["claims"][0]["meets"] = []
        document["answers"]["au-9"]["points"]["au-9_smt.a"]["remains"] = [{"who": "customer", "what": "Look after it."}]

    return edited(edited(files, "evidence/facts.json", facts), "evidence/coverage.json", coverage)


def test_weaker_checks_fewer_objectives_and_other_sentences_weaken_claims(files: Files) -> None:
    found = compare(as_package(files()), as_package(weaken(files()))).findings
    by_point: dict[str, list[Any]] = {}
    for item in found.claims:
        by_point.setdefault(item.point, []).append(item)
    assert {(item.kind, item.certain, item.checks[0].verdict) for item in by_point["au-11_smt"]} == {("weakened", True, "weaker")}
    (reworded,) = by_point["au-9_smt.a"]
    assert (reworded.kind, reworded.certain, reworded.sentence) == ("weakened", False, "The log group is kept.")
    assert reworded.old_sentence is not None
    (fewer,) = by_point["sc-28.1_smt"]
    assert (fewer.kind, fewer.objectives_lost != ()) == ("weakened", True)
    assert [(item.point, item.change, item.who) for item in found.remainders] == [
        ("au-9_smt.a", "added", "customer"),
        ("au-9_smt.a", "removed", "organisation"),
        ("au-9_smt.a", "removed", "organisation"),
    ]
    back = compare(as_package(weaken(files())), as_package(files())).findings
    assert {item.kind for item in back.claims if item.point in ("au-11_smt", "sc-28.1_smt")} == {"strengthened"}


def test_a_changed_disposition_is_told_once_for_the_points_that_change_alike(compared: Compared) -> None:
    stated = {"ac-1": {"status": "customer", "reason": "The agency holds the policy."}}
    (changed,) = compared(dispositions=stated).findings.dispositions
    assert (changed.control, changed.points) == ("ac-1", ("ac-1_smt.a", "ac-1_smt.b", "ac-1_smt.c"))
    assert {item.path for item in changed.changes} == {"status", "origination", "source", "reason"}


def test_another_leveraged_authorization_is_another_system_under_ours(compared: Compared) -> None:
    leveraged = {"title": "AWS", "package_id": "OTHER", "date_authorized": "2026-01-01"}
    comparison = compared(leveraged=leveraged)
    assert comparison.findings.identity == (ValueChange("leveraged authorization", None, "OTHER"),)
    assert comparison.proposal.class_ == "transformative"


def test_another_class_is_no_matter_of_notification(compared: Compared) -> None:
    comparison = compared(**{"class": "B"})
    assert ValueChange("class", "C", "B") in comparison.findings.identity
    assert comparison.proposal.class_ == "certification-class-change"
    assert {item.new for item in comparison.findings.points} >= {"absent"}


def test_a_system_that_goes_loses_every_claim_and_one_that_comes_gains_them(files: Files) -> None:
    package = as_package(files())
    gone, come = compare(package, emptied(package)), compare(emptied(package), package)
    assert {item.kind for item in gone.findings.claims} == {"lost"}
    assert {item.kind for item in come.findings.claims} == {"gained"}
    assert {item.kind for item in gone.findings.resources} == {"removed"}
    assert set(met_gates(gone, tuple(GATES))) >= {"lost-claim", "stateful-replacement", "worse-status", "boundary"}
    assert come.findings.stale == gone.findings.stale == ()


def test_packages_of_older_versions_tell_control_parameters_in_their_oscal_documents(files: Files) -> None:
    def older(document: Any) -> None:
        del document["parameters"]

    before = as_package(edited(files(), "evidence/coverage.json", older))
    assert compare(before, as_package(files())).findings.parameters == ()
    (parameter,) = compare(before, as_package(files(parameters=retention("1827 days")))).findings.parameters
    assert parameter.changes == (ValueChange("value", "1096 days", "1827 days"),)


def test_a_comparison_is_json(compared: Compared) -> None:
    comparison = compared(parameters=retention("1827 days"))
    data = json.loads(json.dumps(as_data(comparison)))
    assert (data["class"], data["proposal"]["class"], data["differs"]) == ("C", "adaptive", True)
    assert data["parameters"][0]["parameter"] == "au-11_odp"
    assert "class_" not in json.dumps(data)


def test_a_gate_that_does_not_exist_and_one_that_nothing_can_judge_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="--fail-on: 'lost' is none of lost-claim, "):
        named_gates(["lost"])
    monkeypatch.setattr(comparing, "can_judge", lambda: False)
    assert named_gates(["lost-claim"]) == ("lost-claim",)
    with pytest.raises(InputError) as error:
        named_gates(["lost-claim", "replacement"])
    assert error.value.causes == ("--fail-on replacement: replacement not judged: install claimstack[lint]",)


def test_a_redacted_package_is_not_compared_with_one_that_is_not(files: Files) -> None:
    redacted = as_package(edited(files(), "manifest.json", lambda document: document.update(redacted=True)), "redacted")
    assert compare_pair(Pair("grants-tools", redacted, redacted)).findings.is_empty
    with pytest.raises(InputError, match="redacted: is redacted, and open is not"):
        compare_pair(Pair("grants-tools", redacted, as_package(files(), "open")))


def test_a_package_with_values_that_no_build_writes_is_named_with_the_file(files: Files) -> None:
    def damage(document: Any) -> None:
        for check in document["checks"]:
            check["expression"]["path"] = 3

    damaged = as_package(edited(files(), "evidence/facts.json", damage), "damaged")
    with pytest.raises(InputError) as refused:
        compare_pair(Pair("grants-tools", as_package(files(), "sound"), damaged))
    assert refused.value.causes[0] == "damaged/evidence/facts.json: was changed after the build"
    assert "they cannot be compared" in refused.value.causes[1]


STALE_RESULTS = {"tested_sha256": "a", "runtime_sha256": "b", "tests": {"tests/unit/runtime/test_audit.py::test_a": "passed"}}


@pytest.mark.parametrize("results", [{}, STALE_RESULTS])
def test_tests_that_were_not_run_turn_facts_and_are_no_defect_of_the_package(
    files: Files, results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimstack.generator.package.recorded_results", lambda: results)
    untested = as_package(files_of(COMMERCIAL), "untested")
    comparison = compare(as_package(files(), "tested"), untested)
    found = comparison.findings
    assert {(item.old_outcome, item.new_outcome) for item in found.facts} == {("passed", "not-evaluated")}
    assert "worse" in {item.direction for item in found.points}
    assert comparison.proposal.class_ == "adaptive"
    assert found.stale == compare(untested, untested).findings.stale == ()


def test_a_resource_that_went_turns_its_facts(files: Files) -> None:
    def without_the_table(system: System) -> None:
        del system.stacks["server"].template.resources["Sessions"]

    gone = as_package(files_of(COMMERCIAL, (Extension("overlay.py", without_the_table),)), "gone")
    turned = {item.check: (item.old_outcome, item.new_outcome) for item in compare(as_package(files(), "old"), gone).findings.facts}
    about = {outcomes for check, outcomes in turned.items() if check.startswith("server.Sessions.")}
    assert about == {("passed", "failed")}


def test_gates_are_kept_in_order_and_once(compared: Compared) -> None:
    comparison: Comparison = compared(runtime={"sessions": False})
    assert met_gates(comparison, named_gates(["any", "lost-claim", "any"])) == ("any", "lost-claim")
