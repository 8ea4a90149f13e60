"""A whole workload: function, role, network, secret, sessions and endpoints of one configuration; and what a stack emits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from troposphere import Ref

from claimstack.controls.catalog import load_catalog
from claimstack.controls.families import load_families
from claimstack.generator.config import Config
from claimstack.generator.emitted import Edit, Emitted, Json, Place
from claimstack.generator.evaluation import Evaluated, check_facts, evaluate, read_back
from claimstack.generator.passing import cited
from claimstack.generator.predicates import Outcome
from claimstack.generator.resources.endpoints import add_endpoints
from claimstack.generator.resources.function import add_function
from claimstack.generator.resources.key import key_parameter
from claimstack.generator.resources.logs import add_audit_log
from claimstack.generator.resources.network import add_network
from claimstack.generator.resources.role import add_role
from claimstack.generator.resources.secrets import add_state_secret
from claimstack.generator.resources.sessions import add_sessions
from claimstack.generator.system import Stack, System

BASE = {"name": "grants-tools", "title": "Grants tools", "class": "C", "certification": "20x", "region": "us-east-1"}


@dataclass(frozen=True)
class Workload:
    system: System
    evaluated: Evaluated

    @property
    def emitted(self) -> Emitted:
        return self.evaluated.emitted

    def properties(self, logical_id: str, stack: str = "server") -> Json:
        resource = self.emitted.resource(stack, logical_id)
        assert resource is not None, f"{stack} has no {logical_id}"
        return resource.properties

    def failed_by(self, *edits: Edit) -> list[str]:
        """Ids of the checks that fail on the templates with these edits, each once, in the order of the system."""
        edited = self.emitted.edited(*edits)
        facts = [fact for declared in self.system.checks.values() for fact in check_facts(declared, edited)]
        return list(dict.fromkeys(fact.check for fact in facts if fact.outcome is Outcome.FAILED))

    def set(self, logical_id: str, *path: str | int, to: Json, stack: str = "server") -> list[str]:
        """Ids of the checks that fail when a property of a resource has this value."""
        resource = self.emitted.resource(stack, logical_id)
        assert resource is not None
        return self.failed_by(Edit(resource.property_place(*path), to))


def make(environment: Mapping[str, Any] | None = None, **tables: Any) -> Workload:
    config = Config.model_validate({**BASE, "as_of": date(2026, 11, 1), **tables})
    system = System(config, load_catalog(), load_families())
    if config.network.endpoints:
        add_endpoints(system.stack("endpoints", "VPC endpoints"))
    stack = system.stack("server", "MCP server")
    key_arn = key_parameter(stack)
    log_group = add_audit_log(stack, key_arn)
    secret = add_state_secret(stack, key_arn)
    table = add_sessions(stack, key_arn) if config.runtime.sessions else None
    role = add_role(stack, log_group=log_group, key_arn=key_arn, secret=secret, table=table)
    variables = {
        "CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp",
        "CLAIMSTACK_STATE_SECRET_ARN": Ref(secret),
        "CLAIMSTACK_ALLOWED_ORIGINS": "",
        **({"CLAIMSTACK_TABLE": Ref(table)} if table is not None else {}),
        **(environment or {}),
    }
    add_function(stack, role, add_network(stack), key_arn, log_group, variables)
    texts = {name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()}
    tests = dict.fromkeys(cited(declared.check for declared in system.checks.values()), "passed")
    return Workload(system, evaluate(system, read_back(texts, results={"tested_sha256": "a", "runtime_sha256": "a", "tests": tests})))


@pytest.fixture
def workload() -> Callable[..., Workload]:
    return make


def emitted(stack: Stack) -> Emitted:
    return read_back({stack.name: json.dumps(stack.to_dict())})


def properties(stack: Stack, logical_id: str) -> Any:
    resource = emitted(stack).resource("server", logical_id)
    assert resource is not None
    return resource.properties


def at(resource: str, *path: str | int) -> Place:
    return Place("server", ("Resources", resource, *(("Properties", *path) if path else ())))


def not_passed(evaluated: Evaluated, *edits: Edit) -> set[str]:
    """Ids of the checks that do not pass once the templates are edited."""
    edited = evaluated.emitted.edited(*edits)
    facts = [fact for declared in evaluated.system.checks.values() for fact in check_facts(declared, edited)]
    return {fact.check for fact in facts if fact.outcome is not Outcome.PASSED}
