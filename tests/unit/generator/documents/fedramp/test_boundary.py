"""What the boundary documents say is true of the emitted templates, and what nobody stated stays visibly open."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from tests.official import OFFICIAL, needs_official
from tests.systems import weakened

from claimstack.controls.errors import InputError
from claimstack.generator.cryptographic_services import CRYPTOGRAPHIC_SERVICES
from claimstack.generator.documents.evidence.responsibility import guarded, render_responsibility_matrix, responsibility_rows
from claimstack.generator.documents.fedramp.cryptographic_modules import FORCE, SERVICES, render_cryptographic_modules
from claimstack.generator.documents.fedramp.mas import render_mas_flows, render_mas_resources
from claimstack.generator.documents.fedramp.mas_types import HANDLING
from claimstack.generator.documents.fedramp.ports import component_protocols, ports_and_protocols
from claimstack.generator.documents.fedramp.secure_configuration import render_secure_configuration, render_secure_configuration_guide
from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import DERIVATIONS, flow_map
from claimstack.generator.loading import parse_config

SDR_SCHEMA = OFFICIAL / "fedramp-2026" / "schemas-2026-10" / "fedramp-security-decision-record-schema-2026-06-24.json"
INFORMATION = [
    {"title": "Questions", "description": "What is asked.", "confidentiality": "moderate", "integrity": "low", "availability": "low"},
    {"title": "Answers", "description": "What is found.", "confidentiality": "low", "integrity": "moderate", "availability": "low"},
]
LEVERAGED = {"title": "Infrastructure", "package_id": "EXAMPLE-1", "date_authorized": "2026-01-01"}


def place(logical_id: str, *steps: str | int) -> Place:
    return Place("server", ("Resources", logical_id, *steps))


# ---- Minimum assessment scope


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_every_resource_is_in_the_scope_document_once_with_a_reason(built: Callable[..., Evaluated], like: str) -> None:
    evaluated = built(like)
    document = render_mas_resources(evaluated)
    listed = [entry["asset_id"] for entry in document["resources"]]
    assert sorted(listed) == sorted(f"{each.stack}.{each.logical_id}" for each in evaluated.emitted.resources())
    assert len(set(listed)) == len(listed)
    assert [entry["asset_id"] for entry in document["resources"] if not entry["handles_because"] or not entry["affects_because"]] == []
    assert [entry["pointer"] for entry in document["resources"] if not evaluated.emitted.resolves(entry["pointer"])] == []
    assert document["counts"]["handle"] == dict(Counter(entry["handles_federal_customer_data"] for entry in document["resources"]))
    assert {each.type for each in evaluated.emitted.resources()} <= set(HANDLING)


def test_an_unknown_type_is_unknown_and_in_scope(built: Callable[..., Evaluated]) -> None:
    stream = Edit(place("Stream"), {"Type": "AWS::Kinesis::Stream", "Properties": {}})
    entries = render_mas_resources(weakened(built(), stream))["resources"]
    (entry,) = [entry for entry in entries if entry["asset_id"] == "server.Stream"]
    assert (entry["handles_federal_customer_data"], entry["in_scope"], entry["component"]) == ("unknown", True, None)


def test_audit_records_with_content_make_their_log_group_handle_data(built: Callable[..., Evaluated]) -> None:
    def handles(evaluated: Evaluated) -> str:
        entries = {entry["asset_id"]: entry for entry in render_mas_resources(evaluated)["resources"]}
        return str(entries["server.AuditLog"]["handles_federal_customer_data"])

    content = Edit(place("Function", "Properties", "Environment", "Variables", "CLAIMSTACK_AUDIT_CONTENT"), "true")
    assert handles(built()) == "unknown"
    assert handles(weakened(built(), content)) == "yes"


def test_the_security_category_is_the_high_water_mark_or_not_stated(built: Callable[..., Evaluated]) -> None:
    stated = render_mas_resources(built(information=INFORMATION))
    assert stated["security_category"] == {"confidentiality": "moderate", "integrity": "moderate", "availability": "low"}
    assert stated["resources"][0]["security_category"] == stated["security_category"]
    assert render_mas_resources(built())["security_category"] == "Not stated in system.toml: [[information]]"


def test_third_parties_are_those_that_somebody_else_operates(built: Callable[..., Evaluated]) -> None:
    providers = {
        "siem": {"title": "SIEM", "description": "Reads the logs.", "operator": "Example Security Inc."},
        "desk": {"title": "Desk", "description": "Answers the phone."},
    }
    document = render_mas_resources(built(providers=providers))
    aws, siem = document["third_parties"]
    assert (aws["id"], siem["id"]) == ("aws", "siem")
    assert siem["fedramp_id"] == "Not stated in system.toml: [providers.siem] fedramp_id"
    assert aws["fedramp_id"] == "Not stated in system.toml: [leveraged] package_id"
    assert aws["mitigation"] == "Not stated in system.toml: [providers.aws] mitigation"
    assert "Amazon DynamoDB" in aws["usage"]
    assert "Not stated in system.toml: [leveraged]" in document["leveraged_authorization"]
    assert render_mas_resources(built(leveraged=LEVERAGED))["leveraged_authorization"]["package_id"] == "EXAMPLE-1"


def test_what_system_toml_says_of_the_infrastructure_stands_at_its_one_entry(built: Callable[..., Evaluated]) -> None:
    said = {"title": "AWS", "description": "Carries it.", "operator": "Amazon Web Services", "mitigation": "Keys of our own."}
    document = render_mas_resources(built(leveraged=LEVERAGED, providers={"aws": said}))
    (aws,) = document["third_parties"]
    assert (aws["mitigation"], aws["fedramp_id"]) == ("Keys of our own.", "EXAMPLE-1")
    assert "pe-6_smt.a" in aws["answers_for"]


def test_the_image_of_the_function_is_in_scope_with_its_bill_of_materials(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    (image,) = render_mas_resources(evaluated)["software"]
    assert (image["asset_id"], image["bill_of_materials"], image["in_scope"]) == ("server.Function", "image/sbom.cdx.json", True)
    assert evaluated.emitted.resolves(image["pointer"])


def test_metadata_names_the_fields_of_the_access_log(built: Callable[..., Evaluated]) -> None:
    entries = {entry["asset_id"]: entry for entry in render_mas_resources(built("govcloud"))["metadata"]}
    assert {"sourceIp", "clientId", "tlsVersion"} <= set(entries["server.RestApiStage"]["fields"])
    assert entries["server.AuditLog"]["kept_days"] == 1096


def test_the_flow_document_holds_the_flows_their_derivation_and_its_code(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    document = json.loads(json.dumps(render_mas_flows(evaluated)))
    assert [flow["id"] for flow in document["flows"]] == [flow.id for flow in flow_map(evaluated).flows]
    assert document["derivations"] == dict(DERIVATIONS)
    assert document["not_derived"]
    for source in document["code"]:
        content = files("claimstack.generator").joinpath(source["path"].removeprefix("generator/")).read_bytes()
        assert source["sha256"] == hashlib.sha256(content).hexdigest()


# ---- Ports and protocols


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_ports_are_those_of_the_flows_in_the_form_of_the_schema(built: Callable[..., Evaluated], like: str) -> None:
    rows = ports_and_protocols(built(like))
    front = [row for row in rows if row["serviceName"] == "Front door (HTTP over TLS)"]
    assert [(row["portNumber"], row["transportProtocol"], row["encryption"]) for row in front] == [
        ("443", "TCP", "TLS; API Gateway security policy TLS_1_2")
    ]
    assert all(set(row) == {"serviceName", "portNumber", "transportProtocol", "encryption", "purpose"} for row in rows)


@needs_official
def test_the_official_schema_takes_the_ports(built: Callable[..., Evaluated]) -> None:
    schema = json.loads(SDR_SCHEMA.read_text(encoding="utf-8"))["properties"]["portsAndProtocols"]
    jsonschema_rs.validate(schema, ports_and_protocols(built("govcloud")))


def test_a_further_port_is_listed(built: Callable[..., Evaluated]) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5440, "CidrIp": "10.1.0.0/16"}
    weak = weakened(built(), Edit(place("FunctionGroup", "Properties", "SecurityGroupEgress", 1), rule))
    assert ("5432-5440", "TCP") in {(row["portNumber"], row["transportProtocol"]) for row in ports_and_protocols(weak)}


def test_components_take_connections_at_known_ports(built: Callable[..., Evaluated]) -> None:
    protocols = component_protocols(built())
    assert protocols["front-door"] == [
        {"name": "https", "title": "HTTP over TLS", "port-ranges": [{"start": 443, "end": 443, "transport": "TCP"}]}
    ]
    assert "mcp-server" not in protocols


# ---- Cryptographic modules


def test_nothing_is_validated_that_system_toml_does_not_state(built: Callable[..., Evaluated]) -> None:
    document = render_cryptographic_modules(built())
    assert {service["validation"]["status"] for service in document["services"]} == {"not known"}
    assert "certificate" not in json.dumps([service["validation"] for service in document["services"]])
    module = {"module": "Example HSM", "certificate": "4523", "standard": "FIPS 140-3", "status": "validated"}
    stated = render_cryptographic_modules(built(cryptographic_modules={"kms": module, "sqs": module}))
    validations = {service["key"]: service["validation"] for service in stated["services"]}
    assert (validations["kms"]["status"], validations["kms"]["certificate"]) == ("validated", "4523")
    assert validations["dynamodb"]["status"] == "not known"
    assert (stated["stated_but_not_used"], stated["counts"]["stated"]) == (["sqs"], 1)


def test_the_rule_level_is_that_of_the_class(built: Callable[..., Evaluated]) -> None:
    assert FORCE == {"B": "MAY", "C": "SHOULD", "D": "MUST"}
    assert render_cryptographic_modules(built())["rule_level"]["force"] == "SHOULD"


def test_the_module_of_the_front_door_follows_its_policy(built: Callable[..., Evaluated]) -> None:
    def door(evaluated: Evaluated) -> Any:
        return next(each for each in render_cryptographic_modules(evaluated)["services"] if each["key"] == "api-gateway")["in_transit"]

    rest = {"type": "rest-api", "domain": "mcp.example.gov"}
    assert door(built())["module"] == "not known"
    assert door(built(front_door=rest))["module"] == "AWS-LC FIPS module"
    assert "GovCloud" in door(built("govcloud"))["note"]
    weak = weakened(built(front_door=rest), Edit(place("CustomDomain", "Properties", "SecurityPolicy"), "TLS_1_0"))
    assert door(weak)["module"] == "not known"


def test_a_supplied_key_says_that_its_store_is_not_seen(built: Callable[..., Evaluated]) -> None:
    def kms(evaluated: Evaluated) -> Any:
        return next(each for each in render_cryptographic_modules(evaluated)["services"] if each["key"] == "kms")["at_rest"]

    assert kms(built())["module"] == "AWS Key Management Service HSM"
    assert (kms(built("govcloud"))["module"], "not seen" in kms(built("govcloud"))["note"]) == ("not known", True)


def test_every_known_service_can_be_stated_and_no_other() -> None:
    assert {service.key for service in SERVICES} | {"image-openssl", "image-cryptography"} == set(CRYPTOGRAPHIC_SERVICES)
    toml = """
name = "x1"
title = "X"
class = "C"
certification = "20x"
region = "us-east-1"
as_of = 2026-11-01
[auth]
consumers = ["reporting"]
[cryptographic_modules.{key}]
module = "M"
certificate = "4523"
standard = "FIPS 140-3"
"""
    assert parse_config(toml.format(key="kms"), "system.toml").cryptographic_modules["kms"].module == "M"
    with pytest.raises(InputError) as refused:
        parse_config(toml.format(key="dynamo-db"), "system.toml")
    (cause,) = refused.value.causes
    assert cause.startswith("system.toml: cryptographic_modules.dynamo-db: no such service; did you mean 'dynamodb'? known are kms, ")


# ---- Secure configuration guide


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_the_guide_compares_each_setting_with_its_recommendation(built: Callable[..., Evaluated], like: str) -> None:
    evaluated = built(like)
    guide = json.loads(json.dumps(render_secure_configuration(evaluated)))
    wanted = [fact for fact in evaluated.facts if evaluated.system.checks[fact.check].check.data()["kind"] in ("property", "population")]
    assert [(setting["check"], setting["pointer"]) for setting in guide["settings"]] == [(fact.check, fact.pointer) for fact in wanted]
    assert [setting["check"] for setting in guide["settings"] if not setting["supports"] or not setting["setting"]] == []
    assert guide["counts"]["passed"] == guide["counts"]["settings"] > 300
    assert {setting["asset_id"] for setting in guide["administrator_settings"]} >= {"server.AuditLog", "server.Function"}
    pointers = [setting["pointer"] for setting in guide["administrator_settings"]]
    assert [pointer for pointer in pointers if not evaluated.emitted.resolves(pointer)] == []


def test_the_guide_names_administrative_accounts_with_what_the_rule_asks_for(built: Callable[..., Evaluated]) -> None:
    accounts = {account["id"]: account for account in render_secure_configuration(built())["administrative_accounts"]}
    assert {"account-owner", "deploying-role", "key-administrator", "user-pool-administrator"} <= set(accounts)
    for account in accounts.values():
        assert all(account[key] for key in ("level", "controls", "access", "configure", "operate", "decommission"))
    given = {account["id"]: account for account in render_secure_configuration(built("govcloud"))["administrative_accounts"]}
    assert "supplied" in given["key-administrator"]["title"]
    open_to_all = render_secure_configuration(built(auth={"type": "none"}))
    assert "user-pool-administrator" not in {account["id"] for account in open_to_all["administrative_accounts"]}
    assert [setting["declared"] for setting in open_to_all["customer_settings"]] == ["none"]


def test_customers_learn_their_clients_and_the_life_of_tokens(built: Callable[..., Evaluated]) -> None:
    settings = {each["setting"]: each["declared"] for each in render_secure_configuration(built())["customer_settings"]}
    assert settings["Client reporting"] == "client_credentials; with a secret that the client keeps in a vault"
    assert settings["Life of a token of client reporting"].endswith(" minutes")
    longer = weakened(built(), Edit(place("ReportingClient", "Properties", "AccessTokenValidity"), 1440))
    changed = {each["setting"]: each["declared"] for each in render_secure_configuration(longer)["customer_settings"]}
    assert changed["Life of a token of client reporting"] == "1440 minutes"


def test_a_setting_that_does_not_hold_stands_at_the_top_of_the_guide(built: Callable[..., Evaluated]) -> None:
    assert "## Settings that do not hold" not in render_secure_configuration_guide(built())
    text = render_secure_configuration_guide(weakened(built(), Edit(place("AuditLog", "Properties", "RetentionInDays"), 30)))
    assert text.index("## Settings that do not hold") < text.index("## Administrative accounts")
    assert any("server.AuditLog" in line and "| 30 | failed |" in line for line in text.splitlines())


def test_the_guide_says_where_to_get_it_or_that_nobody_stated_it(built: Callable[..., Evaluated]) -> None:
    assert "Not stated in system.toml: [service] package_url" in render_secure_configuration_guide(built()).replace("\n", " ")
    published = built(service={"package_url": "https://www.example.gov/mcp"})
    assert "https://www.example.gov/mcp/fedramp/secure-configuration-guide.md" in render_secure_configuration(published)["obtain"]


WITHOUT_RISK_OF_THEIR_OWN = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Model",
    "AWS::ApiGateway::RequestValidator",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Integration",
    "AWS::Cognito::UserPoolDomain",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::SNS::Subscription",
    "AWS::WAFv2::WebACLAssociation",
}
"""Types whose settings wire others together: what they endanger stands at those."""


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_the_guide_explains_every_type_whose_settings_carry_a_risk(built: Callable[..., Evaluated], like: str) -> None:
    guide = render_secure_configuration(built(like))
    explained = {setting["setting"].rpartition(".")[0] for setting in guide["administrator_settings"]}
    assert {setting["type"] for setting in guide["settings"] if setting["type"]} - explained - WITHOUT_RISK_OF_THEIR_OWN == set()


def test_the_guide_lists_what_the_deploying_role_gives_with_its_bounds(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    guide = render_secure_configuration(evaluated)
    given = {each["parameter"]: each for each in guide["parameter_settings"]}
    assert (given["ReservedConcurrency"]["default"], given["ReservedConcurrency"]["bounds"]) == (20, "1 to 1000")
    assert all(evaluated.emitted.resolves(each["pointer"]) for each in guide["parameter_settings"])
    assert "| the value of ReservedConcurrency |" in render_secure_configuration_guide(evaluated)


# ---- Responsibility matrix


@pytest.mark.parametrize("leveraged", [None, LEVERAGED])
def test_every_point_of_the_class_has_a_row_and_says_whose_it_is(built: Callable[..., Evaluated], leveraged: Any) -> None:
    evaluated = built(leveraged=leveraged) if leveraged else built()
    rows = responsibility_rows(evaluated)
    points = [answer.point.id for answer in evaluated.answers.values() if not answer.supplemental]
    assert list(dict.fromkeys(row.point for row in rows)) == points
    assert [row.point for row in rows if not row.who or not row.what or not row.source] == []
    assert all(row.status == evaluated.answers[row.point].status.value for row in rows)
    remains = {(answer.point.id, remainder.what) for answer in evaluated.answers.values() for remainder in answer.remains}
    assert {(row.point, row.what) for row in rows if row.part == "remains"} >= {each for each in remains if each[0] in points}
    inherited = [row for row in rows if row.part == "inherited"]
    if leveraged:
        assert {row.who for row in inherited} == {"AWS"}
        assert all(row.source.endswith("leveraged authorization EXAMPLE-1") for row in inherited)
    else:
        assert inherited == []
        assert {row.part for row in rows if row.status == "not-addressed"} == {"open", "remains"}


def test_what_failed_is_nobody_s_deed(built: Callable[..., Evaluated]) -> None:
    weak = weakened(built(), Edit(place("AuditLog", "Properties", "KmsKeyId"), REMOVE))
    failed = [row for row in responsibility_rows(weak) if row.what.startswith("Not true of the emitted templates")]
    assert failed
    assert {row.part for row in failed} == {"open"}
    assert [row for row in responsibility_rows(built()) if row.what.startswith("Not true")] == []


def test_the_matrix_is_a_csv_with_the_rows(built: Callable[..., Evaluated]) -> None:
    text = render_responsibility_matrix(built())
    read = list(csv.reader(io.StringIO(text)))
    assert read[0] == ["control", "point", "title", "status", "state", "origination", "who", "part", "what", "source"]
    assert [tuple(row) for row in read[1:]] == [dataclasses.astuple(row) for row in responsibility_rows(built())]
    assert "\r" not in text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
    assert guarded(f"a{cell}") == f"a{cell}"


def test_a_disposition_that_reads_like_a_formula_is_guarded(built: Callable[..., Evaluated]) -> None:
    evaluated = built(dispositions={"at-2": {"status": "customer", "reason": '=HYPERLINK("https://x")'}})
    cells = {row[8] for row in csv.reader(io.StringIO(render_responsibility_matrix(evaluated))) if row[0] == "AT-2"}
    assert cells == {'\'=HYPERLINK("https://x")'}
