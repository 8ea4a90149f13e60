"""Ports and protocols are those of the flows."""

from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema_rs
import pytest
from tests.official import OFFICIAL, needs_official
from tests.systems import edit, weakened

from claimstack.generator.documents.fedramp.ports import component_protocols, ports_and_protocols
from claimstack.generator.evaluation import Evaluated

SDR_SCHEMA = OFFICIAL / "fedramp-2026" / "schemas-2026-10" / "fedramp-security-decision-record-schema-2026-06-24.json"


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
    weak = weakened(built(), edit(rule, "FunctionGroup", "Properties", "SecurityGroupEgress", 1))
    assert ("5432-5440", "TCP") in {(row["portNumber"], row["transportProtocol"]) for row in ports_and_protocols(weak)}


def test_components_take_connections_at_known_ports(built: Callable[..., Evaluated]) -> None:
    protocols = component_protocols(built())
    assert protocols["front-door"] == [
        {"name": "https", "title": "HTTP over TLS", "port-ranges": [{"start": 443, "end": 443, "transport": "TCP"}]}
    ]
    assert "mcp-server" not in protocols
