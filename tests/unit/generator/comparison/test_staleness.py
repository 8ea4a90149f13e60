"""Staleness: a package that was edited after its build is found out, whichever file was edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from claimstack.generator.build import build
from claimstack.generator.comparison.comparing import compare, met_gates
from claimstack.generator.comparison.findings import StaleStatement
from claimstack.generator.comparison.staleness import stale_statements
from claimstack.generator.config import Config
from claimstack.generator.package import emit, judge
from claimstack.generator.writing import sha256

from .conftest import COMMERCIAL, GOVCLOUD, Files, as_package, edited, files_of

SERVER = "cloudformation/server.json"
FACTS = "evidence/facts.json"
COVERAGE = "evidence/coverage.json"


def found(files: dict[str, str]) -> list[StaleStatement]:
    return list(stale_statements(as_package(files), "new"))


def rehashed(files: dict[str, str]) -> dict[str, str]:
    """The files with a manifest that lists them as they are, as if somebody had covered up an edit."""
    manifest = json.loads(files["manifest.json"])
    manifest["files"] = {path: sha256(files[path]) for path in manifest["files"]}
    return {**files, "manifest.json": json.dumps(manifest)}


def properties(document: Any, logical_id: str) -> Any:
    return document["Resources"][logical_id]["Properties"]


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_a_package_as_it_was_built_has_no_stale_statement(like: str, files: Files) -> None:
    assert found(files(like)) == []


def test_an_edited_template_is_a_defect_of_its_facts_and_of_its_hash(files: Files) -> None:
    stale = found(edited(files(), SERVER, lambda document: properties(document, "AuditLog").update(RetentionInDays=30)))
    assert {item.file for item in stale} == {"manifest.json", FACTS}
    (fact,) = [item for item in stale if item.file == FACTS]
    assert fact.says == (
        "system.AWS-Logs-LogGroup.RetentionInDays.at-least found 1096 at "
        "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays"
    )
    assert fact.stands == "30"


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a value is changed": (lambda document: properties(document, "Sessions").update(BillingMode="PROVISIONED"), '"PROVISIONED"'),
    "a value is taken away": (lambda document: properties(document, "AuditLog").pop("KmsKeyId"), "nothing stands there"),
    "a value comes where none was": (lambda document: properties(document, "AuditLog").update(LogGroupClass="DELIVERY"), '"DELIVERY"'),
    "a resource is taken away": (lambda document: document["Resources"].pop("AccessLog"), "the templates do not have it"),
    "a resource is added": (
        lambda document: document["Resources"].update(Other={"Type": "AWS::SQS::Queue"}),
        "the templates have it (AWS::SQS::Queue)",
    ),
    "a type is changed": (lambda document: document["Resources"]["AccessLog"].update(Type="AWS::SQS::Queue"), "it is AWS::SQS::Queue"),
    "a type comes that was said not to be there": (
        lambda document: document["Resources"].update(Rule={"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {}}),
        "server.Rule stands in the templates",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_found_even_where_the_manifest_was_made_to_fit(what: str, files: Files) -> None:
    edit, stands = EDITS[what]
    assert stands in [item.stands for item in found(rehashed(edited(files(), SERVER, edit)))]


def test_a_value_that_comes_into_an_entry_of_a_list_is_found(files: Files) -> None:
    def cache(document: Any) -> None:
        properties(document, "RestApiStage")["MethodSettings"][0]["CachingEnabled"] = True

    assert "true" in [item.stands for item in found(rehashed(edited(files("govcloud"), SERVER, cache)))]


@pytest.mark.parametrize("tables", [COMMERCIAL, GOVCLOUD], ids=["commercial", "govcloud"])
def test_whatever_makes_a_check_fail_is_found_even_where_the_manifest_was_made_to_fit(tables: dict[str, Any]) -> None:
    system = build(Config.model_validate_json(json.dumps(tables)))
    emitted = judge(system, emit(system)).emitted
    files = files_of(tables)
    mutants = [
        mutant
        for declared in system.checks.values()
        if declared.check.level == "declared"
        for mutant in declared.check.mutants(emitted, declared.scope)
    ]
    assert len(mutants) > 1000
    unnoticed = []
    for mutant in mutants[::97]:
        after = emitted.edited(*mutant.edits)
        changed = {f"cloudformation/{stack}.json": json.dumps(template) for stack, template in after.stacks.items()}
        if not found(rehashed({**files, **changed})):
            unnoticed.append(mutant.what)
    assert unnoticed == []


def test_a_question_of_another_version_is_not_asked_again(files: Files) -> None:
    def silence(document: Any) -> None:
        properties(document, "FunctionErrors")["ActionsEnabled"] = False

    silenced = edited(files(), SERVER, silence)
    (statement,) = found(rehashed(silenced))
    assert (statement.where, statement.stands[:6]) == ("system.alarms-reach", "failed")
    older = edited(silenced, "manifest.json", lambda document: document["generator"].update(sources_sha256="of another version"))
    assert found(rehashed(older)) == []
    assert [item.file for item in found(older)] == ["manifest.json"]


def test_more_is_found_than_was_declared(files: Files) -> None:
    added = edited(files(), SERVER, lambda document: document["Parameters"].update(Undeclared={"Type": "String"}))
    assert ("system.only-declared" in [item.where for item in found(rehashed(added))]) is True


def test_a_resource_of_a_population_needs_a_fact(files: Files) -> None:
    def forget(document: Any) -> None:
        document["facts"] = [
            fact
            for fact in document["facts"]
            if not (fact["check"].startswith("system.AWS-Logs-LogGroup.Retention") and "AccessLog" in fact["pointer"])
        ]

    (statement,) = found(rehashed(edited(files(), FACTS, forget)))
    assert statement.says == "nothing of server.AccessLog for system.AWS-Logs-LogGroup.RetentionInDays.at-least"


def fail(document: Any) -> None:
    fact = next(item for item in document["facts"] if item["check"] == "system.AWS-Logs-LogGroup.RetentionInDays.at-least")
    fact["outcome"] = "failed"


def test_coverage_that_does_not_follow_from_the_facts_is_a_defect(files: Files) -> None:
    stale = found(rehashed(edited(files(), FACTS, fail)))
    assert {item.file for item in stale} == {COVERAGE}
    assert ("au-11_smt", "the point is implemented", "a fact behind it failed") in [(item.where, item.says, item.stands) for item in stale]
    assert ("the claim is passed", "by the facts it is failed") in [(item.says, item.stands) for item in stale]


@pytest.mark.parametrize(
    ("status", "says"), [("implemented", "the point is implemented"), ("failed", "the point is failed")], ids=["implemented", "failed"]
)
def test_a_status_typed_by_hand_is_a_defect(status: str, says: str, files: Files) -> None:
    def type_it(document: Any) -> None:
        document["answers"]["au-9"]["points"]["au-9_smt.a"]["status"] = status

    assert says in [item.says for item in found(rehashed(edited(files(), COVERAGE, type_it)))]


def test_a_document_that_gives_another_word_than_the_coverage_is_a_defect(files: Files) -> None:
    prop = {"name": "coverage-status", "value": "implemented"}
    plan = {
        "system-characteristics": {"system-name": "Demo", "system-information": {"information-types": []}},
        "control-implementation": {"implemented-requirements": [{"control-id": "ac-1", "props": [prop]}]},
    }
    record = {
        "securityControls": [
            {"controlId": "AC-1", "coverageStatus": "implemented"},
            {"controlId": "AU-11", "coverageStatus": "implemented"},
        ]
    }
    stale = found(
        {
            **files(),
            "oscal/system-security-plan.json": json.dumps({"system-security-plan": plan}),
            "fedramp/security-decision-record.json": json.dumps(record),
        }
    )
    assert [(item.file, item.where, item.stands) for item in stale] == [
        ("oscal/system-security-plan.json", "ac-1", f"{COVERAGE} says organisational"),
        ("fedramp/security-decision-record.json", "AC-1", f"{COVERAGE} says organisational"),
    ]


def test_defects_of_both_sides_are_told_apart_and_are_no_difference(files: Files) -> None:
    package = as_package(edited(files(), SERVER, lambda document: properties(document, "AuditLog").update(RetentionInDays=30)))
    comparison = compare(package, package)
    assert comparison.findings.is_empty
    assert {item.side for item in comparison.findings.stale} == {"old", "new"}
    assert met_gates(comparison, ("stale-statement", "any", "lost-claim")) == ("stale-statement", "any")


def test_a_change_that_mends_a_stale_statement_passes(files: Files) -> None:
    stale = as_package(edited(files(), SERVER, lambda document: properties(document, "AuditLog").update(RetentionInDays=30)))
    mended = compare(stale, as_package(files()))
    assert {item.side for item in mended.findings.stale} == {"old"}
    assert met_gates(mended, ("stale-statement",)) == ()
