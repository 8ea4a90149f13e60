"""Schemas: what CloudFormation itself would refuse of a change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.coverage.blind.change import SECTIONS, Blind

from claimstack.generator.emitted import REMOVE, Emitted, Json, PathStep, Place, is_symbol, value_at
from claimstack.generator.questions.reading import references


@cache
def schema(type_: str) -> Mapping[str, Any]:
    """The provider schema of a type, as cfn-lint ships it; empty where there is none."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    return found


def subschema(type_: str, path: tuple[PathStep, ...]) -> Mapping[str, Any]:
    """The schema of a place below a resource; empty for free-form JSON and for attributes beside Properties."""
    if path[:1] != ("Properties",):
        return {}
    root = schema(type_)
    found: Mapping[str, Any] = root
    for step in path[1:]:
        found = _resolved(root, found)
        below = found.get("items", {}) if isinstance(step, int) else found.get("properties", {}).get(step, {})
        if not below and isinstance(step, str):
            below = next((s for p, s in found.get("patternProperties", {}).items() if _matches(p, step)), {})
        found = below if isinstance(below, dict) else {}
    return _resolved(root, found)


def _resolved(root: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in found:
        target = value_at(root, tuple(found["$ref"].removeprefix("#/").split("/")))
        found = target if isinstance(target, dict) else {}
    return found


def refused(emitted: Emitted, blind: Blind) -> bool:
    """Whether CloudFormation, or the schema of the resource, would not take the change."""
    if blind.type in SECTIONS:
        return False
    if blind.kind == "remove resource":
        template = emitted.edited(*blind.edits).stacks[blind.stack]
        return any(blind.logical_id in references(body) for body in template["Resources"].values())
    if not blind.path:
        return False
    if blind.value is REMOVE:
        return _is_needed(emitted, blind)
    if blind.path[:1] != ("Properties",):
        return blind.path[0] == "DependsOn"
    rules = subschema(blind.type, blind.path)
    return not _fits(blind.value, rules)


def _is_needed(emitted: Emitted, blind: Blind) -> bool:
    """Whether the schema asks for what was taken away."""
    parent, step = blind.path[:-1], blind.path[-1]
    rules = _resolved(schema(blind.type), schema(blind.type)) if parent == ("Properties",) else subschema(blind.type, parent)
    before = emitted.value(Place(blind.stack, ("Resources", blind.logical_id, *parent)))
    if isinstance(step, int):
        return isinstance(before, list) and len(before) - 1 < rules.get("minItems", 0)
    if not isinstance(before, dict):
        return False
    kept = {key for key in before if key != step}
    alternatives = [group for key in ("requiredXor", "requiredOr") for group in _groups(rules.get(key, [])) if step in group]
    dependent = [needed for key, needed in rules.get("dependentRequired", {}).items() if key in kept]
    return (
        step in rules.get("required", ())
        or any(not kept & set(group) for group in alternatives)
        or any(step in needed for needed in dependent)
        or _loses_branch(rules, set(before), kept)
    )


def _groups(stated: list[Any]) -> list[list[str]]:
    """Schemas write one group of alternatives, or a list of groups."""
    return stated if any(isinstance(item, list) for item in stated) else [stated]


def _loses_branch(rules: Mapping[str, Any], before: set[str], kept: set[str]) -> bool:
    for key in ("anyOf", "oneOf"):
        branches = [set(branch.get("required", ())) for branch in rules.get(key, []) if isinstance(branch, dict)]
        if branches and any(branch <= before for branch in branches) and not any(branch <= kept for branch in branches):
            return True
    return False


def _fits(value: Json, rules: Mapping[str, Any]) -> bool:
    """Whether a schema takes a literal; references fit everywhere."""
    if is_symbol(value):
        return True
    if "enum" in rules and value not in rules["enum"] and str(value) not in map(str, rules["enum"]):
        return False
    if isinstance(value, bool):
        return "type" not in rules or "boolean" in rules["type"]
    if isinstance(value, int | float):
        return bool(rules.get("minimum", value) <= value <= rules.get("maximum", value))
    if isinstance(value, str):
        pattern = rules.get("pattern")
        long_enough = rules.get("minLength", 0) <= len(value) <= rules.get("maxLength", len(value))
        typed = "type" not in rules or "string" in rules["type"] or rules["type"] not in ("array", "object", "boolean")
        return long_enough and typed and (pattern is None or _matches(pattern, value))
    if isinstance(value, list):
        unique = not rules.get("uniqueItems") or len({json.dumps(item, sort_keys=True) for item in value}) == len(value)
        return unique and rules.get("minItems", 0) <= len(value) <= rules.get("maxItems", len(value))
    return True


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True
