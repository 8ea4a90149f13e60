"""What the minimum assessment scope says is true of the emitted templates, and what nobody stated stays visibly open."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from importlib.resources import files

import pytest
from tests.systems import edit, weakened
from tests.unit.generator.conftest import LEVERAGED

from claimstack.generator.documents.fedramp.mas import render_mas_flows, render_mas_resources
from claimstack.generator.documents.fedramp.mas_types import HANDLING
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import DERIVATIONS, flow_map

INFORMATION = [
    {"title": "Questions", "description": "What is asked.", "confidentiality": "moderate", "integrity": "low", "availability": "low"},
    {"title": "Answers", "description": "What is found.", "confidentiality": "low", "integrity": "moderate", "availability": "low"},
]


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
    stream = edit({"Type": "AWS::Kinesis::Stream", "Properties": {}}, "Stream")
    entries = render_mas_resources(weakened(built(), stream))["resources"]
    (entry,) = [entry for entry in entries if entry["asset_id"] == "server.Stream"]
    assert (entry["handles_federal_customer_data"], entry["in_scope"], entry["component"]) == ("unknown", True, None)


def test_audit_records_with_content_make_their_log_group_handle_data(built: Callable[..., Evaluated]) -> None:
    def handles(evaluated: Evaluated) -> str:
        entries = {entry["asset_id"]: entry for entry in render_mas_resources(evaluated)["resources"]}
        return str(entries["server.AuditLog"]["handles_federal_customer_data"])

    content = edit("true", "Function", "Properties", "Environment", "Variables", "CLAIMSTACK_AUDIT_CONTENT")
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
