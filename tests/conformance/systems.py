"""Systems: what other people's judges are shown: both reference systems, one that states nothing, and one in which checks fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.evaluation import evaluate, read_back
from claimstack.generator.loading import load_config
from claimstack.generator.package import Package, emit, make_package, render
from claimstack.generator.passing import cited

EXAMPLES = Path(__file__).parents[2] / "examples"


def stating_nothing() -> Package:
    """Only what `system.toml` cannot do without; no test of the runtime has run."""
    tables = {"name": "bare", "title": "Bare", "class": "C", "certification": "20x", "region": "us-east-1", "as_of": date(2026, 11, 1)}
    system = build(Config.model_validate({**tables, "auth": {"consumers": ("reporting",)}}))
    templates = emit(system)
    return Package(evaluated := evaluate(system, read_back(templates)), render(evaluated, templates))


def failing() -> Package:
    """The commercial system with templates that somebody weakened by hand, and with tests that failed or did not run."""
    system = build(load_config(EXAMPLES / "commercial.toml"))
    templates = emit(system)
    server = json.loads(templates["server"])
    server["Parameters"]["Retention"] = {"Type": "Number"}
    server["Resources"]["AuditLog"]["Properties"]["RetentionInDays"] = 30
    server["Resources"]["AccessLog"]["Properties"]["RetentionInDays"] = {"Ref": "Retention"}
    server["Resources"]["ByHand"] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "by\nhand"}}
    del server["Resources"]["Sessions"]
    templates["server"] = json.dumps(server, indent=1) + "\n"
    failed, missing, *passed = cited(declared.check for declared in system.checks.values())
    tests = {**dict.fromkeys(passed, "passed"), failed: "failed"}
    assert missing not in tests
    results = {"tested_sha256": "a" * 64, "runtime_sha256": "a" * 64, "tests": tests}
    return Package(evaluated := evaluate(system, read_back(templates, results=results)), render(evaluated, templates))


SYSTEMS: Mapping[str, Callable[[], Package]] = {
    "commercial": lambda: make_package(load_config(EXAMPLES / "commercial.toml")),
    "govcloud": lambda: make_package(load_config(EXAMPLES / "govcloud.toml")),
    "stating nothing": stating_nothing,
    "failing": failing,
}


@cache
def package_of(name: str) -> Package:
    return SYSTEMS[name]()


def oscal_documents(package: Package) -> dict[str, dict[str, Any]]:
    return {path: json.loads(text) for path, text in package.files.items() if path.startswith("oscal/")}
