"""The workload as a whole: what it claims holds, and what it claims can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claimstack.generator.emitted import REMOVE, Edit
from claimstack.generator.evaluation import check_facts
from claimstack.generator.predicates import Outcome
from claimstack.generator.questions import NoLiteralPlace

SYSTEMS: dict[str, dict[str, Any]] = {
    "behind a proxy": {},
    "given groups": {"network": {"security_groups": "given"}},
    "sessions": {"runtime": {"sessions": True}, "organisation": {"permissions_boundary": True, "role_path": "/mcp/"}},
    "endpoints": {"network": {"endpoints": True}},
    "endpoints and sessions": {"network": {"endpoints": True, "endpoint_services": ("sqs-fips",)}, "runtime": {"sessions": True}},
    "govcloud": {"region": "us-gov-west-1", "network": {"endpoints": True}, "runtime": {"sessions": True}},
    "standard endpoints": {"runtime": {"fips_endpoints": False}, "network": {"endpoints": True}},
}

UNANSWERED = {"declared": (), "effective": (Outcome.NOT_EVALUATED,)}
"""Level → outcomes beside failure that keep a claim from counting: a test that did not run shows nothing."""

EVERY_SYSTEM = pytest.mark.parametrize("tables", SYSTEMS.values(), ids=SYSTEMS)


@EVERY_SYSTEM
def test_every_check_passes_on_our_own_output(workload: Callable[..., Any], tables: dict[str, Any]) -> None:
    facts = workload(**tables).evaluated.facts
    assert [(fact.check, fact.pointer) for fact in facts if fact.outcome is not Outcome.PASSED] == []


@EVERY_SYSTEM
def test_every_check_has_a_mutant_that_flips_it(workload: Callable[..., Any], tables: dict[str, Any]) -> None:
    built = workload(**tables)
    blind = []
    for declared in built.system.checks.values():
        mutants = list(declared.check.mutants(built.emitted, declared.scope))
        if not mutants:
            blind.append((declared.id, "has no mutant"))
        for mutant in mutants:
            outcomes = {fact.outcome for fact in check_facts(declared, built.emitted.edited(*mutant.edits))}
            if not outcomes & {Outcome.FAILED, *UNANSWERED[declared.check.level]}:
                blind.append((declared.id, mutant.what))
    assert blind == []


@EVERY_SYSTEM
def test_no_template_fixes_a_place(workload: Callable[..., Any], tables: dict[str, Any]) -> None:
    built = workload(**tables)
    check = NoLiteralPlace()
    scope = next(iter(built.system.checks.values())).scope
    assert {finding.actual for finding in check.evaluate(built.emitted, scope)} == {"none"}


HARMLESS = (
    "Description",  # words for people
    "GroupDescription",
    "Version",  # of the policy language; the older one knows no more than we use
    "Sid",  # a name inside a policy, noticed where a reason hangs on it
    "Path",  # a folder; noticed on the role
    "Tags",  # derived from the claims
    "MemorySize",  # more or less speed
    "LogFormat",  # the runtime writes JSON itself
    "ExcludePunctuation",  # more kinds of characters in a random value
    "AttributeDefinitions",  # the runtime finds its records by them; nobody else may read the table
    "KeySchema",
)
"""Properties whose change no check notices, since it does not weaken what is claimed."""


@EVERY_SYSTEM
def test_removing_anything_else_is_noticed(workload: Callable[..., Any], tables: dict[str, Any]) -> None:
    built = workload(**tables)
    unnoticed = []
    for resource in built.emitted.resources():
        for path, value in _below(resource.properties):
            harmless = any(step in HARMLESS for step in path)
            # Fewer actions, services or conditions to choose from let the function do less.
            narrower = "Roles" not in path and isinstance(path[-1], int) and ("Action" in path or "kms:ViaService" in path)
            # A statement without a Resource is refused by IAM.
            refused = resource.type == "AWS::IAM::ManagedPolicy" and path[-1] == "Resource"
            if value is None or harmless or narrower or refused:
                continue
            if not built.failed_by(Edit(resource.property_place(*path), REMOVE)):
                unnoticed.append(f"{resource.logical_id}.{'.'.join(map(str, path))}")
    assert unnoticed == []


def _below(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _below(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, (*path, index))


@EVERY_SYSTEM
def test_removing_a_resource_is_noticed(workload: Callable[..., Any], tables: dict[str, Any]) -> None:
    built = workload(**tables)
    unnoticed = [resource.logical_id for resource in built.emitted.resources() if not built.failed_by(Edit(resource.place, REMOVE))]
    assert unnoticed == []
