"""Ports: which ports and protocols the flows of a system use, for the Security Decision Record and for OSCAL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import Flow, flow_map
from claimstack.generator.flows.landscape import NOT_IN_TEMPLATE, WITHIN_AWS

TRANSPORTS: Mapping[str, str] = {"HTTPS": "TCP", "HTTP": "TCP", "SMTP": "TCP", "tcp": "TCP", "udp": "UDP"}
"""Protocol of a flow → its transport; whatever else there is stands under its own name."""
NAMES: Mapping[str, str] = {"HTTPS": "HTTP over TLS", "HTTP": "HTTP", "SMTP": "Mail", "tcp": "TCP", "udp": "UDP", "any": "Any protocol"}


def ports_and_protocols(evaluated: Evaluated) -> list[dict[str, str]]:
    """Rows in the form of the Security Decision Record (schema 1.1.1, portsAndProtocols), by service, port and encryption.

    Calls between services of AWS have no port that the system opens or chooses, and no row.
    """
    flows = flow_map(evaluated)
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for flow in flows.flows:
        if flow.protocol == WITHIN_AWS:
            continue
        transport, ports = _transport(flow)
        service = f"{flows.end(flow.target).title} ({_name(flow)})"
        said = f"From {flows.end(flow.source).title}: {flow.purpose}"
        rows.setdefault((service, _written(ports), transport, flow.encryption), []).append(said)
    return [
        {
            "serviceName": service,
            "portNumber": port,
            "transportProtocol": transport,
            "encryption": encryption,
            "purpose": ". ".join(dict.fromkeys(purposes)) + ".",
        }
        for (service, port, transport, encryption), purposes in rows.items()
    ]


def component_protocols(evaluated: Evaluated) -> Mapping[str, list[dict[str, Any]]]:
    """Component id → what connections it takes: name, title and port ranges as OSCAL has them (`protocol`, without its uuid).

    A protocol whose port the templates do not tell has no port range.
    """
    flows = flow_map(evaluated)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for flow in flows.flows:
        end = flows.end(flow.target)
        if end.component is None or flow.protocol in (WITHIN_AWS, NOT_IN_TEMPLATE):
            continue
        transport, ports = _transport(flow)
        protocol = found.setdefault(end.component, {}).setdefault(
            flow.protocol.split()[0].lower(), {"name": flow.protocol.split()[0].lower(), "title": _name(flow)}
        )
        if ports is not None and transport in ("TCP", "UDP"):
            span = {"start": ports[0], "end": ports[1], "transport": transport}
            ranges: list[dict[str, Json]] = protocol.setdefault("port-ranges", [])
            if span not in ranges:
                ranges.append(span)
    return {component: list(protocols.values()) for component, protocols in found.items()}


def _transport(flow: Flow) -> tuple[str, tuple[int, int] | None]:
    """Transport, and the first and last port where they are known."""
    protocol, _, span = flow.protocol.partition(" ")
    if flow.protocol == NOT_IN_TEMPLATE:
        return NOT_IN_TEMPLATE, None
    transport = TRANSPORTS.get(protocol, protocol)
    if flow.port is not None:
        return transport, (flow.port, flow.port)
    known = re.fullmatch(r"(\d{1,5})-(\d{1,5})", span)
    if known:
        return transport, (int(known[1]), int(known[2]))
    return transport, (0, 65535) if protocol == "any" else None


def _written(ports: tuple[int, int] | None) -> str:
    if ports is None:
        return NOT_IN_TEMPLATE
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _name(flow: Flow) -> str:
    protocol = flow.protocol.split()[0]
    return NOT_IN_TEMPLATE if flow.protocol == NOT_IN_TEMPLATE else NAMES.get(protocol, protocol)
