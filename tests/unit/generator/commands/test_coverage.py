"""`claimstack coverage`: what is counted and listed, and of which package."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.unit.generator.conftest import Ended, Run, widest


def test_coverage_counts_the_whole_class_in_80_columns(run: Run, built: Path) -> None:
    ended = run("coverage", "--package", built)
    assert ended.code == 0
    assert re.search(r"of the class\s+│\s+686 │\s+322 │", ended.out)
    listed = run("coverage", "--package", built, "--family", "SC", "--status", "partial")
    assert max(widest(ended.out), widest(listed.out)) <= 80
    assert re.search(r"^sc-28_smt +partial ", listed.out, flags=re.MULTILINE)
    assert "au-" not in listed.out.partition("point ")[2]


def test_coverage_as_json_is_the_evidence(run: Run, built: Path) -> None:
    evidence = json.loads((built / "evidence/coverage.json").read_text())
    assert json.loads(run("coverage", "-p", built, "--json").out) == evidence
    chosen = json.loads(run("coverage", "-p", built, "--family", "au", "--json").out)
    assert chosen["au-11_smt"] == evidence["answers"]["au-11"]["points"]["au-11_smt"]


def test_coverage_lists_the_control_parameters_that_want_a_value(run: Run, built: Path) -> None:
    ended = run("coverage", "-p", built, "--parameters")
    assert (ended.code, ended.err, widest(ended.out) <= 80) == (0, "", True)
    told, _, given = ended.out.partition("1 has one")
    assert re.search(r"^│ sc-13_odp.01 +│ sc-13 +│ Cryptographic Protection +│$", told, flags=re.MULTILINE)
    assert ("au-11_odp" in told, "ac-01_odp.01" in told) == (False, False)
    assert re.search(r"au-11_odp .* 1096 days .* Example system", given)
    listed = json.loads(run("coverage", "-p", built, "--parameters", "--family", "AU", "--json").out)
    table = json.loads((built / "evidence/coverage.json").read_text())["parameters"]
    assert listed["set"] == {"au-11_odp": {"title": "Audit Record Retention", **table["au-11_odp"]}}
    unset = {id_ for id_, said in table.items() if said["claimed"] and said["value"] is None and said["control"].startswith("au-")}
    assert set(listed["unset"]) == unset != set()


def test_control_parameters_are_refused_what_they_do_not_have(run: Run, built: Path) -> None:
    wrong = run("coverage", "-p", built, "--parameters", "--status", "partial")
    assert (wrong.code, wrong.err.partition(";")[0]) == (2, "error: --status: is that of a point")
    assert run("coverage", "-p", built, "--parameters", "--family", "xx").err.startswith("error: --family: 'xx' is none of ac, ")
    shutil.copytree(built, "old")
    path = Path("old/evidence/coverage.json")
    path.write_text(json.dumps({key: said for key, said in json.loads(path.read_text()).items() if key != "parameters"}))
    assert run("coverage", "-p", "old", "--parameters") == Ended(
        2, "", "error: old/evidence/coverage.json: says nothing of control parameters; build the package again\n"
    )


def test_only_package_below_out_is_found(run: Run, built: Path) -> None:
    ended = run("coverage")
    assert ended == Ended(2, "", "error: out: name a package with --package (none found here); claimstack build writes one\n")
    shutil.copytree(built, "out/commercial")
    assert run("coverage").code == 0
    shutil.copytree(built, "out/other")
    assert run("coverage").err.startswith("error: out: name a package with --package (out/commercial, out/other found here)")


def test_inherited_answers_name_the_package_they_rest_on(run: Run, built: Path) -> None:
    package_id = json.loads((built / "evidence/coverage.json").read_text())["leveraged"]["package_id"]
    assert f"(package {package_id}, authorized " in run("coverage", "-p", built).out
    assert f"inherited from package {package_id}" in run("explain", "pe-3", "-p", built).out
