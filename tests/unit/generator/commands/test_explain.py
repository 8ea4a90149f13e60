"""`claimstack explain`: the chain from a control to what was found, fit for a terminal and for a pipe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.generator.conftest import Run, widest


@pytest.mark.parametrize(
    "what", ["sc-28", "AC-6(9)", "au-11_smt", "AuditLog", "endpoints.EndpointGroup", "identity", "system.no-ingress", "ia-9", "KeyAlias"]
)
def test_explain_fits_80_columns(run: Run, built: Path, what: str) -> None:
    ended = run("explain", what, "-p", built)
    assert (ended.code, ended.err) == (0, "")
    assert widest(ended.out) <= 80


def test_every_resource_is_explained(run: Run, built: Path) -> None:
    resources = json.loads((built / "evidence/facts.json").read_text())["resources"]
    ended = {resource: run("explain", resource, "-p", built) for resource in resources}
    assert {resource for resource, end in ended.items() if end.code or not end.out.startswith(resource)} == set()
    assert "└── makes no claim: A name for people" in ended["key.KeyAlias"].out


def test_a_resource_is_explained_in_short_unless_the_whole_is_asked_for(run: Run, built: Path) -> None:
    short, whole = run("explain", "AuditLog", "-p", built).out, run("explain", "AuditLog", "-p", built, "--full").out
    assert "passed  system.AWS-Logs-LogGroup.RetentionInDays.at-least" in short
    assert ("cloudformation/server.json" in short, "cloudformation/server.json" in whole) == (False, True)


def test_a_pipe_folds_neither_ids_nor_pointers(built: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [Path(sys.executable).with_name("claimstack"), "explain", "sc-28", "-p", built]
    lines = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    said = {line.lstrip("│├└─ ") for line in lines}
    facts = json.loads((built / "evidence/facts.json").read_text())["facts"]
    claims = json.loads((built / "evidence/coverage.json").read_text())["answers"]["sc-28"]["points"]["sc-28_smt"]["claims"]
    checks = {check for claim in claims for check in claim["checks"]}
    assert {*checks, *(fact["pointer"] for fact in facts if fact["check"] in checks)} - said == set()
    folded = subprocess.run(command, env={**environment, "COLUMNS": "80"}, capture_output=True, text=True, check=True).stdout
    assert widest(folded) <= 80 < widest("\n".join(lines))


def test_explain_shows_the_chain(run: Run, built: Path) -> None:
    ended = run("explain", "au-11", "-p", built)
    chain = ["au-11_smt", "server.AuditLog  Audit records stay available", "RetentionInDays is at least 914 days", "passed  found 1096"]
    places = [ended.out.find(part) for part in chain]
    assert -1 not in places
    assert places == sorted(places)
    assert "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays" in re.sub(r"\n[ │]*", "", ended.out)
    asked = json.loads(run("explain", "au-11", "-p", built, "--json").out)
    assert [point["point"] for point in asked["points"]] == ["au-11_smt"]


def test_unknown_words_are_answered_with_the_nearest(run: Run, built: Path) -> None:
    assert run("explain", "AuditLogs", "-p", built).err == f"error: {built}: knows no 'AuditLogs'; did you mean 'AuditLog'?\n"
    assert run("coverage", "--status", "done", "-p", built).errors[0].startswith("error: --status: 'done' is none of implemented, partial,")
    assert run("coverage", "--family", "zz", "-p", built).code == 2
