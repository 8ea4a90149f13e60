"""`claimstack diff`: what is printed and written, and how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.systems import made, package_of
from tests.unit.generator.conftest import Run

from claimstack.generator import console, options, writing
from claimstack.generator.comparison.comparing import GATES
from claimstack.generator.loading import parse_config

from .conftest import COMMERCIAL


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`old` and `new` hold the commercial reference system, in `new` with a retention below the floor."""
    folder = tmp_path_factory.mktemp("packages")
    changed = parse_config(COMMERCIAL.replace("1096 days", "365 days"), "new.toml")
    writing.write_package(package_of("commercial").files, folder / "old" / "commercial")
    writing.write_package(made(changed).files, folder / "new" / "commercial")
    return folder


@pytest.fixture
def run(claimstack: Run, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`claimstack diff …` in a folder with `old` and `new`, on a terminal of 80 columns."""
    shutil.copytree(packages, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for stream in (console.out, console.err):
        monkeypatch.setattr(stream, "_width", 80)
    return partial(claimstack, "diff")


def test_a_built_package_does_not_differ_from_itself_in_any_document(run: Run) -> None:
    ended = run("old", "old", "--fail-on", "any")
    assert (ended.code, ended.out.splitlines(), ended.err) == (0, ["commercial: old/commercial → old/commercial", "no difference"], "")


def test_the_terminal_is_told_in_eighty_columns(run: Run) -> None:
    ended = run("old/commercial", "new/commercial")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "FAILED  system.AWS-Logs-LogGroup.RetentionInDays.at-least" in ended.out
    assert "WORSE  au-11_smt" in ended.out


def test_json_and_markdown_say_the_same(run: Run) -> None:
    document = json.loads(run("old", "new", "--json").out)
    (comparison,) = document["comparisons"]
    assert (comparison["name"], comparison["proposal"]["class"], document["failed_on"]) == (
        "commercial",
        "transformative",
        {"commercial": []},
    )
    assert comparison["boundary_sources"][0] == "the templates"
    text = run("old", "new", "--markdown").out
    assert "**Proposed significant-change class: transformative.**" in text
    assert "`resource server.AuditLog: RetentionInDays: 1096 → 365`" in text


def test_outputs_take_the_form_of_their_name(run: Run) -> None:
    ended = run("old", "new", "--output", "change.md", "--output", "change.json", "--fail-on", "worse-status")
    assert ended.code == 1
    assert Path("change.md").read_text() == run("old", "new", "--markdown").out
    assert json.loads(Path("change.json").read_text())["failed_on"] == {"commercial": ["worse-status"]}
    assert "fails on worse-status: commercial" in ended.err


def test_each_gate_fails_on_what_it_names_and_on_nothing_else(run: Run) -> None:
    every = [word for gate in GATES for word in ("--fail-on", gate)]
    assert run("old", "old", *every).code == 0
    failed = run("old", "new", *every)
    met = ("failed-fact", "worse-status", "significant", "any")
    assert (failed.code, failed.err.splitlines()) == (1, [f"fails on {gate}: commercial" for gate in met])
    assert run("old", "new", *(word for gate in GATES if gate not in met for word in ("--fail-on", gate))).code == 0


def test_the_help_names_every_gate() -> None:
    said: str = options.FailOn.__metadata__[0].help
    assert [gate for gate in GATES if gate not in said] == []


def test_an_edited_package_is_a_defect(run: Run) -> None:
    path = Path("new/commercial/cloudformation/server.json")
    path.write_text(path.read_text().replace('"RetentionInDays": 365', '"RetentionInDays": 30'))
    ended = run("old", "new", "--fail-on", "stale-statement")
    assert ended.code == 1
    assert "Statements that do not match the template" in ended.out
    assert run("new", "old", "--fail-on", "stale-statement").code == 0


def test_a_draft_of_a_notification_is_written_and_its_open_fields_are_named(run: Run) -> None:
    ended = run("old", "new", "--scn", "scn-{system}.json")
    content = json.loads(Path("scn-commercial.json").read_text())
    assert content["changeType"] == "Transformative"
    assert "AU-11" in content["impactedControls"]
    assert "scn-commercial.json: draft of a notification; people fill " in ended.err
    assert (ended.code, run("old", "old", "--scn", "none.json").code) == (0, 2)
    assert run("old", "old", "--scn", "none-{system}.json").code == 0
    assert list(Path().glob("none*")) == []


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown gate": (("old", "new", "--fail-on", "lost"), "error: --fail-on: 'lost' is none of lost-claim,"),
    "two forms": (("old", "new", "--json", "--markdown"), "error: --json and --markdown: the standard output takes one of them"),
    "no repository": (("HEAD~1", "HEAD"), "error: HEAD~1: is no folder, and here is no git repository"),
    "no package": (("old/commercial/oscal", "new"), "error: old/commercial/oscal: is no package and holds none"),
    "folders and package": (("old", "new", "--package", "out"), "error: --package: old and new are folders already"),
    "no folder to write to": (("old", "new", "--output", "no/x.md"), "error: no/x.md: cannot be written"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_input_ends_with_two_and_a_line_that_says_what_to_do(what: str, run: Run) -> None:
    arguments, said = WRONG[what]
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.err.startswith(said)


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_revisions_of_a_repository_are_compared(run: Run) -> None:
    git("init", "--initial-branch", "main")
    for name in ("old", "new"):
        shutil.rmtree("out", ignore_errors=True)
        shutil.copytree(name, "out")
        git("add", "out")
        git("commit", "-m", name)
    for arguments in (
        ("HEAD~1", "HEAD"),
        ("HEAD~1", "HEAD", "--package", "out/commercial"),
        ("HEAD~1", "out"),
        ("HEAD~1", "new/commercial", "-p", "out/commercial"),
    ):
        assert "WORSE  au-11_smt" in run(*arguments).out
    assert "no difference" in run("HEAD", "out/commercial").out


def test_a_damaged_package_is_named_file_by_file(run: Run) -> None:
    Path("new/commercial/evidence/facts.json").write_text("{")
    Path("new/commercial/manifest.json").unlink()
    ended = run("old", "new")
    lines: Any = ended.err.splitlines()
    assert ended.code == 2
    assert lines[0] == "error: new/commercial/manifest.json: missing; build the package again"
    assert lines[1].startswith("error: new/commercial/evidence/facts.json: is not JSON")
