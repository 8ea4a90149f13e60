"""Explain: every question is answered from the evidence of a package, word for word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.explain import Evidence, explain, load_evidence, select_points

CHECK = {"id": "server.Log.Days.at-least", "sentence": "Days is at least 914", "sha256": "ab" * 32, "scope": "server.Log", "expression": {}}
OTHER = {**CHECK, "id": "system.no-ingress", "sentence": "no ingress"}
FACT = {
    "check": CHECK["id"],
    "pointer": "cloudformation/server.json#/Resources/Log",
    "actual": 1096,
    "outcome": "passed",
    "environment": None,
}


def claim(resource: str, component: str, *checks: str) -> dict[str, Any]:
    return {"resource": resource, "component": component, "sentence": "Kept.", "outcome": "passed", "meets": [], "checks": list(checks)}


LOG, GROUP = claim("server.Log", "audit-log", CHECK["id"]), claim("server.Group", "network", OTHER["id"])
KEPT = {"status": "implemented", "why": "every objective is met and every fact passes", "claims": [LOG], "unmet_objectives": []}
SAID = {"status": "organisational", "why": "People do it."}
SERVICE = {"status": "partial", "why": "one of two", "claims": [GROUP, LOG], "unmet_objectives": ["ia-9_obj-1"]}

RESOURCE = {"type": "AWS::Logs::LogGroup", "component": "audit-log", "exempt": None, "resource_star": {}, "accepts": {}}
NETWORK = {**RESOURCE, "type": "AWS::EC2::SecurityGroup", "component": "network"}
ALIAS = {**RESOURCE, "type": "AWS::KMS::Alias", "component": "key", "exempt": "A name for people."}

EVIDENCE = Evidence(
    Path("demo"),
    {
        "system": "demo",
        "points": {"total": 2, "implemented": 1, "partial": 0, "organisational": 1},
        "controls": {"total": 2, "implemented": 1, "partial": 0, "organisational": 1},
        "answers": {
            "au-11": {"title": "Audit Record Retention", "status": "implemented", "points": {"au-11_smt": KEPT}},
            "sc-28.1": {"title": "Cryptographic Protection", "status": "organisational", "points": {"sc-28.1_smt": SAID}},
        },
        "supplemental": {"ia-9_smt": SERVICE},
    },
    {"resources": {"server.Log": RESOURCE, "server.Group": NETWORK, "server.Alias": ALIAS}, "checks": [CHECK, OTHER], "facts": [FACT]},
)

EXPLAINED = {"id": CHECK["id"], "sentence": CHECK["sentence"], "sha256": CHECK["sha256"], "facts": [FACT]}
UNSEEN = {"id": OTHER["id"], "sentence": OTHER["sentence"], "sha256": OTHER["sha256"], "facts": []}
AU_11 = {"control": "au-11", "title": "Audit Record Retention", "point": "au-11_smt", **KEPT, "claims": [{**LOG, "checks": [EXPLAINED]}]}
IA_9 = {"control": "ia-9", "title": "", "point": "ia-9_smt", **SERVICE, "supplemental": True}


@pytest.mark.parametrize("asked", ["au-11", "AU-11", "au-11_smt"])
def test_a_control_or_point_is_answered_with_its_chain(asked: str) -> None:
    assert explain(EVIDENCE, asked) == {"asked": asked, "points": [AU_11]}


def test_a_point_without_claims_is_answered_with_its_reason() -> None:
    expected = {"control": "sc-28.1", "title": "Cryptographic Protection", "point": "sc-28.1_smt", **SAID, "claims": []}
    assert explain(EVIDENCE, "SC-28(1)") == {"asked": "SC-28(1)", "points": [expected]}


def test_a_supplemental_point_says_that_it_is_one() -> None:
    expected = {**IA_9, "claims": [{**GROUP, "checks": [UNSEEN]}, {**LOG, "checks": [EXPLAINED]}]}
    assert explain(EVIDENCE, "ia-9") == {"asked": "ia-9", "points": [expected]}


@pytest.mark.parametrize("asked", ["Group", "server.Group", "network"])
def test_a_resource_or_component_is_answered_with_its_own_claims_only(asked: str) -> None:
    assert explain(EVIDENCE, asked) == {
        "asked": asked,
        "resources": [{"resource": "server.Group", **NETWORK}],
        "points": [{**IA_9, "claims": [{**GROUP, "checks": [UNSEEN]}]}],
    }


@pytest.mark.parametrize("asked", ["Alias", "server.Alias", "key"])
def test_a_resource_without_claims_is_answered_with_its_reason(asked: str) -> None:
    assert explain(EVIDENCE, asked) == {"asked": asked, "resources": [{"resource": "server.Alias", **ALIAS}], "points": []}


def test_a_check_is_answered_with_what_it_found_and_who_relies_on_it() -> None:
    relying = [AU_11, {**IA_9, "claims": [{**LOG, "checks": [EXPLAINED]}]}]
    assert explain(EVIDENCE, CHECK["id"]) == {"asked": CHECK["id"], "checks": [EXPLAINED], "points": relying}


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("au-12", "did you mean 'au-11'?"),
        ("server.Logs", "did you mean 'server.Log'?"),
        ("system.no-egress", "did you mean 'system.no-ingress'?"),
        ("???", "ask for a control (sc-28), a point (sc-28_smt), a resource, a component or a check"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(asked: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        explain(EVIDENCE, asked)
    assert refused.value.causes == (f"demo: knows no {asked!r}; {hint}",)


@pytest.mark.parametrize(
    ("family", "status", "points"),
    [
        ("au", None, ["au-11_smt"]),
        ("IA", None, ["ia-9_smt"]),
        (None, "organisational", ["sc-28.1_smt"]),
        ("au", "organisational", []),
        (None, None, ["au-11_smt", "sc-28.1_smt", "ia-9_smt"]),
    ],
)
def test_points_are_selected_by_family_and_status(family: str | None, status: str | None, points: list[str]) -> None:
    assert [point for _, point, _ in select_points(EVIDENCE, family, status)] == points


def test_a_family_or_status_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="--family: 'zz' is none of au, ia, sc"):
        list(select_points(EVIDENCE, "ZZ", None))
    with pytest.raises(InputError, match="--status: 'done' is none of implemented, partial, organisational"):
        list(select_points(EVIDENCE, None, "done"))


def write(folder: Path, coverage: str, facts: str) -> Path:
    (folder / "evidence").mkdir()
    (folder / "evidence" / "coverage.json").write_text(coverage, encoding="utf-8")
    (folder / "evidence" / "facts.json").write_text(facts, encoding="utf-8")
    return folder


def test_evidence_is_read_from_the_package(tmp_path: Path) -> None:
    folder = write(tmp_path, json.dumps(EVIDENCE.coverage), json.dumps(EVIDENCE.facts))
    assert load_evidence(folder) == Evidence(folder, EVIDENCE.coverage, EVIDENCE.facts)


@pytest.mark.parametrize(
    ("coverage", "facts", "cause"),
    [
        ("{", "{}", r"evidence/coverage\.json: is not JSON \(.*\); build the package again"),
        (json.dumps(EVIDENCE.coverage), "{", r"evidence/facts\.json: is not JSON \(.*\); build the package again"),
        ("[" * 100_000, "{}", r"evidence/coverage\.json: is not JSON \(.*\); build the package again"),
        (json.dumps({**EVIDENCE.coverage, "answers": 5}), "{}", r"evidence/coverage\.json: is not what claimstack build writes; .*"),
        ("{}", "{}", r"evidence/coverage\.json: is not what claimstack build writes; build the package again"),
        (json.dumps(EVIDENCE.coverage), "[]", r"evidence/facts\.json: is not what claimstack build writes; build the package again"),
    ],
)
def test_evidence_that_no_build_wrote_is_refused(tmp_path: Path, coverage: str, facts: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        load_evidence(write(tmp_path, coverage, facts))


def test_two_files_that_no_build_wrote_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load_evidence(write(tmp_path, "{", "[]"))
    assert [cause.partition(": ")[0] for cause in refused.value.causes] == [
        f"{tmp_path}/evidence/coverage.json",
        f"{tmp_path}/evidence/facts.json",
    ]


def test_a_folder_without_evidence_is_no_package(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"coverage\.json: cannot be read \(.*\); .* is not a package that claimstack build wrote"):
        load_evidence(tmp_path)
