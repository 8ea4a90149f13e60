"""Systems: packages that tests of several folders look at, each made once in a process; whoever changes one copies it first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.documents.cloudformation.template_text import template_text
from claimstack.generator.emitted import REMOVE, Edit, Json, Place
from claimstack.generator.evaluation import Evaluated, evaluate, read_back
from claimstack.generator.extensions import Extension, load_extensions
from claimstack.generator.loading import load_config
from claimstack.generator.package import Package, emit, judge, make_package, render
from claimstack.generator.passing import cited, recorded_results

EXAMPLES = Path(__file__).parents[1] / "examples"
REFERENCES = ("commercial", "govcloud")

_made: dict[str, Package] = {}


def example(name: str) -> Config:
    return load_config(EXAMPLES / f"{name}.toml")


def judged(config: Config, extensions: tuple[Extension, ...] = (), environment: Path | None = None) -> Evaluated:
    """A system without its documents, which take ten times as long as everything before them."""
    system = build(config, extensions)
    return judge(system, emit(system), environment)


def made(config: Config, extensions: tuple[Extension, ...] = (), **asked: Any) -> Package:
    """`make_package`, once for each configuration; anew where anything else is asked for."""
    if extensions or any(value is not None for value in asked.values()):
        return make_package(config, extensions, **asked)
    key = config.model_dump_json(by_alias=True)
    if key not in _made:
        _made[key] = make_package(config)
    return _made[key]


def edit(value: Json, *path: str | int, stack: str = "server") -> Edit:
    return Edit(Place(stack, ("Resources", *path)), value)


def edited(config: Config, *edits: Edit, results: Json = None) -> Package:
    """The package of a system whose templates somebody changed by hand."""
    system = build(config)
    results = results if results is not None else recorded_results()
    emitted = read_back(emit(system), results=results).edited(*edits)
    templates = {stack: template_text(template) for stack, template in emitted.stacks.items()}
    evaluated = evaluate(system, read_back(templates, results=results))
    return Package(evaluated, render(evaluated, templates))


def weakened(evaluated: Evaluated, *edits: Edit) -> Evaluated:
    return evaluate(evaluated.system, evaluated.emitted.edited(*edits))


def stating_nothing() -> Package:
    """Only what `system.toml` cannot do without; no test of the runtime has run."""
    tables = {"name": "bare", "title": "Bare", "class": "C", "certification": "20x", "region": "us-east-1", "as_of": date(2026, 11, 1)}
    return edited(Config.model_validate({**tables, "auth": {"consumers": ("reporting",)}}), results={})


WEAKENED = (
    Edit(Place("server", ("Parameters", "Retention")), {"Type": "Number"}),
    edit(30, "AuditLog", "Properties", "RetentionInDays"),
    edit({"Ref": "Retention"}, "AccessLog", "Properties", "RetentionInDays"),
    edit({"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "by\nhand"}}, "ByHand"),
    edit(REMOVE, "AuditLog", "Properties", "KmsKeyId"),
)
"""A retention below the floor and one that nobody knows yet, a resource of nobody, and one without encryption."""


def failing() -> Package:
    """The commercial system with templates that somebody weakened, and with tests that failed or did not run."""
    config = example("commercial")
    failed, _, *passed = cited(declared.check for declared in build(config).checks.values())
    tests = {**dict.fromkeys(passed, "passed"), failed: "failed"}
    return edited(
        config, *WEAKENED, edit(REMOVE, "Sessions"), results={"tested_sha256": "a" * 64, "runtime_sha256": "a" * 64, "tests": tests}
    )


SYSTEMS: Mapping[str, Callable[[], Package]] = {
    **{name: lambda name=name: made(example(name)) for name in REFERENCES},
    "stating nothing": stating_nothing,
    "failing": failing,
}


@cache
def package_of(name: str) -> Package:
    return SYSTEMS[name]()


@cache
def overlay() -> Package:
    """The worked example of a team that adds its own."""
    folder = EXAMPLES / "overlay"
    config = load_config(folder / "system.toml")
    return make_package(config, load_extensions(config.extensions, folder))


def oscal_documents(package: Package) -> dict[str, Any]:
    return {path: json.loads(text) for path, text in package.files.items() if path.startswith("oscal/")}
