"""Whole systems, built once for each configuration, and the command line, run in this process."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.systems import made

from claimstack.generator import cli, console, package
from claimstack.generator.build import build
from claimstack.generator.config import Config
from claimstack.generator.evaluation import Evaluated, evaluate, read_back
from claimstack.generator.passing import cited

COMMERCIAL = {
    "name": "grants-tools",
    "title": "Grants tools",
    "class": "C",
    "certification": "20x",
    "region": "us-east-1",
    "front_door": {"domain": "mcp.example.gov"},
    "auth": {"consumers": ["reporting"]},
    "runtime": {"sessions": True},
    "key": {"stack": True},
}
GOVCLOUD = {
    **COMMERCIAL,
    "certification": "rev5",
    "region": "us-gov-west-1",
    "front_door": {"type": "rest-api", "domain": "mcp.example.gov", "waf": True, "streaming": True},
    "key": {"stack": False},
}
LEVERAGED = {"title": "Infrastructure", "package_id": "EXAMPLE-1", "date_authorized": "2026-01-01"}


@cache
def _evaluated(tables: str) -> Evaluated:
    config = Config.model_validate_json(tables)
    system = build(config)
    tests = dict.fromkeys(cited(declared.check for declared in system.checks.values()), "passed")
    results = {"tested_sha256": "a", "runtime_sha256": "a", "tests": tests}
    return evaluate(system, read_back({name: json.dumps(stack.to_dict()) for name, stack in system.stacks.items()}, results=results))


@pytest.fixture(scope="session")
def built() -> Callable[..., Evaluated]:
    """`built()` is the commercial system, `built("govcloud")` the other; keywords replace whole tables of system.toml."""

    def make(like: str = "commercial", **tables: Any) -> Evaluated:
        base = COMMERCIAL if like == "commercial" else GOVCLOUD
        return _evaluated(json.dumps({**base, "as_of": date(2026, 11, 1).isoformat(), **tables}))

    return make


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        return self.err.splitlines()


Run = Callable[..., Ended]


@pytest.fixture
def claimstack(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`claimstack …`: how it ends and what it prints, which is never a traceback."""

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["claimstack", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Ended(end.value.code if isinstance(end.value.code, int) else 0, printed.out, printed.err)

    return call


@pytest.fixture
def run(claimstack: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`claimstack …` in an empty folder, on a terminal of 80 columns. What is built is built once for each configuration."""
    monkeypatch.setattr(package, "make_package", made)
    monkeypatch.chdir(tmp_path)
    for stream in (console.out, console.err):
        monkeypatch.setattr(stream, "_width", 80)
    return claimstack


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))
