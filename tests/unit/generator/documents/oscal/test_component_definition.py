"""Component definition: what components say in OSCAL follows from what the checks found."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from trestle.core.control_interface import ControlInterface
from trestle.oscal.component import ComponentDefinition
from troposphere import dynamodb, logs

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import Ceiling, Families, Remainder
from claimstack.controls.floors import floor
from claimstack.generator.claims import Claim, Component, Exempt
from claimstack.generator.config import Config
from claimstack.generator.documents.oscal.common import CATALOG_HREF, OWN_NS, TRESTLE_NS, Document, to_bytes
from claimstack.generator.documents.oscal.component_definition import component_uuid, render_component_definition, validation_uuid
from claimstack.generator.documents.oscal.profile import render_class_profile
from claimstack.generator.documents.references.check import check_references
from claimstack.generator.emitted import REMOVE, Edit, Emitted, Place
from claimstack.generator.evaluation import Evaluated, evaluate, read_back
from claimstack.generator.expressions import every, prop
from claimstack.generator.passing import passing
from claimstack.generator.system import System

LOG = Component("audit-log", "Audit log", "Record of every call.")
STORE = Component("sessions", "Sessions", "Sessions of the older era.")
CEILINGS = {
    "au-11_smt": Ceiling("au-11_smt", "implemented", (), ""),
    "sc-28_smt": Ceiling("sc-28_smt", "partial", (Remainder("aws", "Traces are encrypted by the service."),), "Traces are not ours."),
}


def system(**settings: Any) -> System:
    config = {"name": "demo", "title": "Demo", "class": "C", "certification": "20x", "region": "us-east-1", "as_of": date(2026, 11, 1)}
    built = System(Config.model_validate(config | settings), load_catalog(), Families(CEILINGS, {}))
    server = built.stack("server", "Demo")
    key = server.parameter("KeyArn", "Key", example="arn:aws:kms:us-east-1:111122223333:key/x")
    for logical_id in ("AuditLog", "AccessLog"):
        server.add(
            LOG,
            logs.LogGroup(logical_id, RetentionInDays=built.config.retention_days, KmsKeyId=key),
            Claim("au-11_smt", "Records stay for thirty months.", every(logs.LogGroup).prop("RetentionInDays").at_least(floor("au-11"))),
            Claim("sc-28_smt", "Records are encrypted at rest with the customer managed key.", prop("KmsKeyId").equals(key)),
        )
    server.add(
        STORE,
        dynamodb.Table(
            "Sessions",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[dynamodb.KeySchema(AttributeName="id", KeyType="HASH")],
            SSESpecification=dynamodb.SSESpecification(SSEEnabled=True, KMSMasterKeyId=key),
        ),
        Claim("sc-28_smt", "Sessions are encrypted at rest.", prop("SSESpecification.SSEEnabled").is_true()),
        Claim("ia-9_smt", "Sessions are told apart by their id.", prop("KeySchema[*].AttributeName").equals("id").named("id")),
    )
    server.add(STORE, logs.LogGroup("Scratch", RetentionInDays=1096), Exempt("Holds nothing of ours."))
    return built


def evaluated(*edits: Edit, **settings: Any) -> Evaluated:
    built = system(**settings)
    emitted = read_back({name: json.dumps(stack.to_dict()) for name, stack in built.stacks.items()})
    return evaluate(built, emitted.edited(*edits))


def at(logical_id: str, *path: str) -> Place:
    return Place("server", ("Resources", logical_id, *path))


def component(document: Document, title: str) -> dict[str, Any]:
    (found,) = [each for each in document["component-definition"]["components"] if each["title"] == title]
    return dict(found)


def requirement(document: Document, title: str, control: str, source: str = "profile.json") -> dict[str, Any]:
    (implementation,) = [each for each in component(document, title)["control-implementations"] if each["source"] == source]
    (found,) = [each for each in implementation["implemented-requirements"] if each["control-id"] == control]
    return dict(found)


def own(name: str, value: str, **more: str) -> dict[str, str]:
    return {"name": name, "ns": OWN_NS, "value": value} | more


def rule(name: str, value: str, rule_set: str | None = None) -> dict[str, str]:
    return {"name": name, "ns": TRESTLE_NS, "value": value} | ({"remarks": rule_set} if rule_set else {})


def findings(found: Evaluated) -> list[str]:
    documents = {"oscal/profile.json": render_class_profile(found), "oscal/component-definition.json": render_component_definition(found)}
    return [str(each) for each in check_references(documents, found.system.catalog, "C", found.emitted.resolves)]


def without_uuids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_uuids(member) for key, member in value.items() if key != "uuid"}
    return [without_uuids(item) for item in value] if isinstance(value, list) else value


def test_requirement_says_what_the_claims_of_the_component_show() -> None:
    document = render_component_definition(evaluated())
    assert without_uuids(requirement(document, "Audit log", "au-11")) == {
        "control-id": "au-11",
        "description": "Records stay for thirty months. (server.AuditLog, server.AccessLog)",
        "props": [
            {"name": "implementation-status", "value": "implemented"},
            own("coverage-status", "implemented"),
            rule("Rule_Id", "system.AWS-Logs-LogGroup.RetentionInDays.at-least"),
        ],
        "set-parameters": [
            {
                "param-id": "au-11_odp",
                "values": ["1096 days"],
                "remarks": "The shortest retention of CloudWatch Logs that reaches thirty months. "
                "Approver: Nobody yet: the default of claimstack stands until the system owner approves a value. (2026-11-01)",
            }
        ],
        "statements": [
            {
                "statement-id": "au-11_smt",
                "description": "Records stay for thirty months. (server.AuditLog, server.AccessLog)",
                "props": [
                    {
                        "name": "implementation-status",
                        "value": "implemented",
                        "remarks": "claims speak to every objective and every fact passes",
                    },
                    own("coverage-status", "implemented"),
                    own("truth-tier", "declared"),
                    rule("Rule_Id", "system.AWS-Logs-LogGroup.RetentionInDays.at-least"),
                    own("json-pointer", "cloudformation/server.json#/Resources/AccessLog/Properties/RetentionInDays"),
                    own("json-pointer", "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays"),
                ],
                "links": [
                    {"href": "../cloudformation/server.json#/Resources/AuditLog", "rel": "evidence"},
                    {"href": "../cloudformation/server.json#/Resources/AccessLog", "rel": "evidence"},
                ],
                "remarks": "Declared: read from the emitted templates.",
            }
        ],
    }


def test_requirement_of_several_statements_counts_those_that_the_component_answers() -> None:
    built = system()
    built.stacks["server"].add(
        STORE,
        logs.LogGroup("Journal", RetentionInDays=1096),
        Claim("au-3_smt.a", "Entries say what happened.", prop("RetentionInDays").present()),
    )
    emitted = read_back({name: json.dumps(stack.to_dict()) for name, stack in built.stacks.items()})
    found = requirement(render_component_definition(evaluate(built, emitted)), "Sessions", "au-3")
    assert found["description"] == "AU-3 Content of Audit Records: this component answers 1 of 6 control statements."
    assert found["props"] == [{"name": "implementation-status", "value": "partial"}, own("coverage-status", "partial")]


def test_what_remains_stands_in_the_remarks() -> None:
    (statement,) = requirement(render_component_definition(evaluated()), "Audit log", "sc-28")["statements"]
    assert statement["props"][0] == {"name": "implementation-status", "value": "partial", "remarks": "Traces are not ours."}
    assert statement["remarks"] == "Declared: read from the emitted templates.\n\nRemains for AWS: Traces are encrypted by the service."


def test_failed_claim_is_not_stated_as_true() -> None:
    found = evaluated(Edit(at("Sessions", "Properties", "SSESpecification", "SSEEnabled"), value=False))
    document = render_component_definition(found)
    failed, beside = requirement(document, "Sessions", "sc-28"), requirement(document, "Audit log", "sc-28")
    why = "failed: server.Sessions.SSESpecification.SSEEnabled.equals"
    assert without_uuids(failed) == {
        "control-id": "sc-28",
        "description": "Not true of the emitted templates: Sessions are encrypted at rest. (server.Sessions)",
        "props": [
            {"name": "implementation-status", "value": "planned"},
            own("coverage-status", "failed"),
            rule("Rule_Id", "server.Sessions.SSESpecification.SSEEnabled.equals"),
        ],
        "statements": [
            {
                "statement-id": "sc-28_smt",
                "description": "Not true of the emitted templates: Sessions are encrypted at rest. (server.Sessions)",
                "props": [
                    {"name": "implementation-status", "value": "planned", "remarks": why},
                    own("coverage-status", "failed"),
                    own("truth-tier", "declared"),
                    rule("Rule_Id", "server.Sessions.SSESpecification.SSEEnabled.equals"),
                    own("json-pointer", "cloudformation/server.json#/Resources/Sessions/Properties/SSESpecification/SSEEnabled"),
                ],
                "links": [{"href": "../cloudformation/server.json#/Resources/Sessions", "rel": "evidence"}],
                "remarks": "Declared: read from the emitted templates.\n\nRemains for AWS: Traces are encrypted by the service.",
            }
        ],
    }
    assert beside["props"][:2] == [{"name": "implementation-status", "value": "partial"}, own("coverage-status", "failed")]
    assert findings(found) == []


def test_short_retention_reaches_the_document() -> None:
    short = {"value": "30 days", "reason": "Cheap.", "approver": "Somebody", "date": date(2026, 10, 1)}
    found = requirement(render_component_definition(evaluated(parameters={"au-11_odp": short})), "Audit log", "au-11")
    assert found["set-parameters"] == [
        {"param-id": "au-11_odp", "values": ["30 days"], "remarks": "Cheap. Approver: Somebody (2026-10-01)"}
    ]
    assert found["props"][0] == {"name": "implementation-status", "value": "planned"}
    assert found["statements"][0]["description"].startswith("Not true of the emitted templates: ")


def test_failed_fact_of_another_resource_is_pointed_at() -> None:
    found = evaluated(Edit(at("Scratch", "Properties", "RetentionInDays"), value=7))
    (statement,) = requirement(render_component_definition(found), "Audit log", "au-11")["statements"]
    assert own("json-pointer", "cloudformation/server.json#/Resources/Scratch/Properties/RetentionInDays") in statement["props"]


def test_removed_resource_leaves_no_dangling_reference() -> None:
    found = evaluated(Edit(at("Sessions"), REMOVE))
    assert findings(found) == []
    assert "links" not in requirement(render_component_definition(found), "Sessions", "sc-28")["statements"][0]


def test_supplemental_control_answers_the_catalog_and_not_the_profile() -> None:
    document = render_component_definition(evaluated())
    of_class, beyond = component(document, "Sessions")["control-implementations"]
    assert [each["control-id"] for each in of_class["implemented-requirements"]] == ["sc-28"]
    assert [each["control-id"] for each in beyond["implemented-requirements"]] == ["ia-9"]
    assert (of_class["source"], beyond["source"]) == ("profile.json", CATALOG_HREF)
    assert beyond["description"].startswith("Supplemental: ")


def test_component_shows_its_resources_and_rules() -> None:
    document = render_component_definition(evaluated(organisation={"name": "Example Agency"}))
    shown = component(document, "Sessions")
    del shown["control-implementations"]
    built = system()
    (party,) = document["component-definition"]["metadata"]["parties"]
    assert party["name"] == "Example Agency"
    assert shown == {
        "uuid": component_uuid(built, STORE),
        "type": "service",
        "title": "Sessions",
        "description": "Sessions of the older era.",
        "props": [
            own("cfn-logical-id", "Sessions", group="server.Sessions"),
            own("cfn-type", "AWS::DynamoDB::Table", group="server.Sessions"),
            own("json-pointer", "cloudformation/server.json#/Resources/Sessions", group="server.Sessions"),
            own("cfn-logical-id", "Scratch", group="server.Scratch", remarks="Makes no claim: Holds nothing of ours."),
            own("cfn-type", "AWS::Logs::LogGroup", group="server.Scratch"),
            own("json-pointer", "cloudformation/server.json#/Resources/Scratch", group="server.Scratch"),
            rule("Rule_Id", "server.Sessions.SSESpecification.SSEEnabled.equals", "rule_set_003"),
            rule("Rule_Description", "server.Sessions: SSESpecification.SSEEnabled is true", "rule_set_003"),
            rule("Rule_Id", "server.Sessions.id", "rule_set_004"),
            rule("Rule_Description", "server.Sessions: KeySchema[*].AttributeName is id", "rule_set_004"),
        ],
        "links": [{"href": f"#{validation_uuid(built)}", "rel": "validation"}],
        "responsible-roles": [{"role-id": "provider", "party-uuids": [party["uuid"]]}],
        "remarks": "The description says what the component is for; what was found of it stands with its claims.",
    }


def test_validation_carries_each_check_once() -> None:
    built = system()
    props = component(render_component_definition(evaluated()), "claimstack checks")["props"]
    assert [each["value"] for each in props if each["name"] == "Check_Id"] == list(built.checks)
    assert props[:4] == [
        rule("Rule_Id", "system.AWS-Logs-LogGroup.RetentionInDays.at-least", "rule_set_000"),
        rule("Check_Id", "system.AWS-Logs-LogGroup.RetentionInDays.at-least", "rule_set_000"),
        rule(
            "Check_Description",
            "Examines the emitted template of every stack: every AWS::Logs::LogGroup: "
            "RetentionInDays is at least 914 days (OMB M-21-31: 12 months active and 18 months cold storage)",
            "rule_set_000",
        ),
        own("check-sha256", next(iter(built.checks.values())).check.sha256(), remarks="rule_set_000"),
    ]


def tried(outcome: str | None) -> Evaluated:
    """A system with a claim that rests on a test with this outcome."""
    built = system()
    (check,) = passing("tests/unit/runtime/test_log.py", "test_kept")
    log = logs.LogGroup("Tried", RetentionInDays=1096)
    built.stacks["server"].add(LOG, log, Claim("au-3_smt.b", "Each record gives the time.", check))
    results = {"tested_sha256": "a", "runtime_sha256": "a", "tests": {check.test: outcome} if outcome else {}}
    texts = {name: json.dumps(stack.to_dict()) for name, stack in built.stacks.items()}
    return evaluate(built, read_back(texts, results=results))


POINTER = "evidence/test-results.json#/tests/tests~1unit~1runtime~1test_log.py::test_kept"


@pytest.mark.parametrize(
    ("outcome", "said", "pointer"),
    [
        ("passed", "", POINTER),
        ("failed", "Not true of the tested sources: ", POINTER),
        (None, "Not shown, for want of a test result: ", "evidence/test-results.json#/tests"),
    ],
)
def test_a_statement_that_rests_on_a_test_says_so(outcome: str | None, said: str, pointer: str) -> None:
    found = tried(outcome)
    (statement,) = requirement(render_component_definition(found), "Audit log", "au-3")["statements"]

    assert statement["description"] == f"{said}Each record gives the time. (server.Tried)"
    assert statement["remarks"].startswith("Effective: shown by tests of the MCP server's sources.")
    assert [each["value"] for each in statement["props"] if each["name"] in ("truth-tier", "json-pointer")] == ["effective", pointer]
    assert {"href": "../evidence/test-results.json", "rel": "evidence"} in statement["links"]
    assert findings(found) == []


def test_a_document_with_tests_names_both_tiers_and_how_each_check_is_made() -> None:
    document = render_component_definition(tried("passed"))
    metadata = document["component-definition"]["metadata"]
    props = component(document, "claimstack checks")["props"]

    assert [each["value"] for each in metadata["props"] if each["name"] == "truth-tier"] == ["declared", "effective"]
    assert metadata["remarks"].endswith("none says that the deployed image is built from them.")
    (described,) = [each["value"] for each in props if each["name"] == "Check_Description" and each["value"].startswith("Tests")]
    assert described == "Tests the MCP server: the test tests/unit/runtime/test_log.py::test_kept passes"


def test_trestle_finds_rules_and_statuses() -> None:
    document = render_component_definition(evaluated())
    read = ComponentDefinition.model_validate(document["component-definition"])
    assert read.components is not None
    log = read.components[0]
    rules, _ = ControlInterface.get_rules_dict_from_item(log)
    assert {each["name"] for each in rules.values()} == {
        "server.AccessLog.KmsKeyId.equals",
        "server.AuditLog.KmsKeyId.equals",
        "system.AWS-Logs-LogGroup.RetentionInDays.at-least",
    }
    assert log.control_implementations is not None
    requirements = log.control_implementations[0].implemented_requirements
    assert {each.control_id: ControlInterface.get_status_from_props(each).state for each in requirements} == {
        "au-11": "implemented",
        "sc-28": "partial",
    }


@pytest.mark.parametrize("settings", [{}, {"organisation": {"name": "Example Agency"}}])
def test_every_reference_resolves(settings: dict[str, Any]) -> None:
    assert findings(evaluated(**settings)) == []


def test_names_of_things_know_neither_time_nor_route_nor_environment() -> None:
    def uuids(value: Any) -> list[str]:
        if isinstance(value, list):
            return [uuid for item in value for uuid in uuids(item)]
        if isinstance(value, dict):
            return [value[key] for key in value if key == "uuid"] + [uuid for item in value.values() for uuid in uuids(item)]
        return []

    now, later = evaluated(), evaluated(as_of=date(2027, 1, 1), certification="rev5")
    production = evaluate(later.system, Emitted(later.emitted.stacks, "production", {"server": {"KeyArn": "x"}}))
    assert uuids(render_component_definition(now)) == uuids(render_component_definition(production))


def test_environment_is_named_where_it_settles_a_claim() -> None:
    built = system()
    built.stacks["server"].parameter("Days", "Days", example="1096", Type="Number")
    edit = Edit(at("AuditLog", "Properties", "RetentionInDays"), {"Ref": "Days"})
    emitted = read_back({name: json.dumps(stack.to_dict()) for name, stack in built.stacks.items()}).edited(edit)
    open_, settled = (
        requirement(render_component_definition(evaluate(built, each)), "Audit log", "au-11")["statements"][0]
        for each in (emitted, Emitted(emitted.stacks, "production", {"server": {"Days": "1096", "KeyArn": "x"}}))
    )
    assert (open_["props"][0]["value"], settled["props"][0]["value"]) == ("planned", "implemented")
    assert open_["description"].startswith("Depends on values that are chosen when the stack is deployed: ")
    assert settled["remarks"] == ("Declared: read from the emitted templates.\n\nRests on parameter values of environment production.")


def test_same_system_gives_the_same_bytes() -> None:
    assert to_bytes(render_component_definition(evaluated())) == to_bytes(render_component_definition(evaluated()))


def test_profile_of_the_system_sets_what_system_toml_sets() -> None:
    short = {"value": "30 days", "reason": "Cheap.", "approver": "Somebody", "date": date(2026, 10, 1)}
    profile = render_class_profile(evaluated(parameters={"au-11_odp": short}))["profile"]
    assert profile["metadata"]["title"] == "Demo: FedRAMP class C"
    assert profile["metadata"]["last-modified"] == "2026-11-01T00:00:00+00:00"
    assert profile["imports"][0]["include-controls"] == [{"with-ids": list(load_catalog().classes["C"])}]
    assert profile["modify"] == {"set-parameters": [{"param-id": "au-11_odp", "values": ["30 days"]}]}
    assert "modify" not in render_class_profile(evaluated())["profile"]
