"""`claimstack build`: the package, what is said of it, how it ends, and nothing half-written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.unit.generator.conftest import Ended, Run

from claimstack.controls.errors import InputError
from claimstack.generator.commands.build import build

from .conftest import COMMERCIAL, ROOT, snapshot, system


def test_build_writes_the_package_and_says_what_was_counted(run: Run, built: Path) -> None:
    system()
    ended = run("build")
    assert (ended.code, ended.errors) == (0, [])
    assert snapshot(Path("out/commercial")) == snapshot(built)
    assert re.match(
        r"commercial  \d+ files written in out/commercial\n  \d+ facts, 0 failed, \d+ conditional\n  of 686 points: ", ended.out
    )


def test_build_prints_json_for_a_pipeline(run: Run) -> None:
    system()
    (summary,) = json.loads(run("build", "--json", "--out", "elsewhere").out)
    assert summary["folder"] == "elsewhere/commercial"
    assert summary["points"]["total"] == 686
    assert (summary["failed_facts"], summary["problems"], summary["warnings"]) == ([], [], [])


def test_thirty_days_fail_au_11_in_every_output(run: Run) -> None:
    system(COMMERCIAL.replace("1096 days", "30 days"))
    ended = run("build")
    assert ended.code == 1
    assert [re.sub(r"Resources/\w+", "Resources/…", line) for line in ended.errors] == [
        "failed: cloudformation/server.json#/Resources/…/Properties/RetentionInDays: RetentionInDays is at least 914 days"
        " (OMB M-21-31: 12 months active and 18 months cold storage); found 30 (system.AWS-Logs-LogGroup.RetentionInDays.at-least)"
    ] * 2
    package = Path("out/commercial")
    coverage = json.loads((package / "evidence/coverage.json").read_text())
    assert coverage["answers"]["au-11"]["status"] == "failed"
    assert coverage["answers"]["au-11"]["points"]["au-11_smt"]["why"] == "failed: system.AWS-Logs-LogGroup.RetentionInDays.at-least"
    facts = json.loads((package / "evidence/facts.json").read_text())
    assert {(fact["check"], fact["actual"]) for fact in facts["facts"] if fact["outcome"] == "failed"} == {
        ("system.AWS-Logs-LogGroup.RetentionInDays.at-least", 30)
    }
    components = json.loads((package / "oscal/component-definition.json").read_text())["component-definition"]["components"]
    said = [
        {prop["value"] for prop in statement["props"] if prop["name"] == "implementation-status"}
        for component in components
        for implementation in component.get("control-implementations", ())
        for requirement in implementation["implemented-requirements"]
        if requirement["control-id"] == "au-11"
        for statement in requirement["statements"]
    ]
    assert said == [{"planned"}]


def test_loudly_unauthenticated_system_is_built_with_a_warning(run: Run) -> None:
    text = re.sub(r"\[auth\].*?\n\[runtime\]", '[auth]\ntype = "none"\n\n[runtime]', COMMERCIAL, flags=re.DOTALL)
    system(text)
    ended = run("build")
    assert ended.code == 0
    assert ended.errors == [
        "warning: auth = none: the server answers everyone. Nothing is claimed of who calls; identification is planned."
    ]


BAD_INPUT = {
    "unknown key": (COMMERCIAL.replace("sessions = true", "session = true"), ["runtime.session: unknown key; did you mean 'sessions'\\?"]),
    "wrong type": (COMMERCIAL.replace("sessions = true", "sessions = 'yes'"), ["runtime.sessions: expected true or false, found 'yes'"]),
    "impossible combination": (
        COMMERCIAL.replace('domain = "mcp.example.com"', "waf = true"),
        ["front_door.waf: AWS WAF cannot be attached to an http-api; .*"],
    ),
    "not TOML": ("name = \n", [r"not valid TOML: .*line 1.*"]),
    "three mistakes": (
        COMMERCIAL.replace("sessions = true", "session = true").replace('"C"', '"E"').replace("us-east-1", "us-east-9"),
        [
            "class: expected 'B', 'C' or 'D', found 'E'",
            "runtime.session: unknown key; did you mean 'sessions'\\?",
            "region: unknown region 'us-east-9'; did you mean 'us-east-2'\\?",
        ],
    ),
    "disposition beside a claim": (
        COMMERCIAL + '[dispositions."sc-28_smt"]\nstatus = "planned"\nreason = "Later."\n',
        None,
    ),
    "extension that is missing": (COMMERCIAL.replace("[front_door]", 'extensions = ["ours.py"]\n[front_door]'), None),
}


@pytest.mark.parametrize("name", sorted(BAD_INPUT))
def test_bad_input_ends_with_2_one_line_for_each_cause_and_no_output(run: Run, name: str) -> None:
    text, causes = BAD_INPUT[name]
    system(text)
    ended = run("build")
    assert (ended.code, ended.out, Path("out").exists()) == (2, "", False)
    if causes is None:
        (line,) = ended.errors
        assert re.match(r"error: \S+\.(toml|py): ", line), line
    else:
        assert len(ended.errors) == len(causes)
        assert [
            line
            for line, cause in zip(sorted(ended.errors), sorted(causes), strict=True)
            if not re.fullmatch(f"error: system\\.toml: {cause}", line)
        ] == []


def test_a_file_that_cannot_be_read_is_told_by_its_name(run: Run) -> None:
    Path("latin.toml").write_bytes(b'name = "caf\xe9"\n')
    Path("folder.toml").mkdir()
    ended = run("build", "missing.toml", "folder.toml", "latin.toml")
    assert ended == Ended(
        2,
        "",
        "error: missing.toml: no such file; write one with `claimstack init`, or correct the path\n"
        "error: folder.toml: is a directory; name the system.toml in it\n"
        "error: latin.toml: is not UTF-8 text (line 1, byte 0xe9); save it as UTF-8\n",
    )


def test_one_wrong_system_file_of_two_stops_both(run: Run) -> None:
    ended = run("build", system(), system("name = 1\n", "other.toml"))
    assert (ended.code, Path("out").exists()) == (2, False)


def test_two_systems_of_one_name_are_refused(run: Run) -> None:
    ended = run("build", system(), system(name="other.toml"))
    assert ended.errors == ["error: other.toml: name: system.toml has the name 'commercial' too; rename one, for it names the folder"]
    assert ended.code == 2


def test_a_folder_that_cannot_be_written_is_told(run: Run) -> None:
    Path("out").write_text("a file")
    ended = run("build", system())
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(r"error: out/commercial: cannot be written \(.+\); choose another --out or mend its permissions\n", ended.err)


def test_brackets_in_a_path_are_no_markup(run: Run) -> None:
    assert run("build", system(), "--out", "out[bold]").out.startswith("commercial  ")
    assert "written in out[bold]/commercial\n" in run("build", system(), "--out", "out[bold]").out


def test_files_of_others_are_never_replaced(run: Run) -> None:
    Path("out/commercial").mkdir(parents=True)
    Path("out/commercial/notes.md").write_text("mine")
    ended = run("build", system())
    assert (ended.code, snapshot(Path("out"))) == (2, {"commercial/notes.md": b"mine"})
    assert ended.errors == ["error: out/commercial: holds notes.md that no build has written; move them away or choose another --out"]


def test_an_interrupted_build_leaves_the_old_package(run: Run, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(built, "out/commercial")
    written = 0
    real = Path.write_text

    def interrupt(self: Path, *arguments: Any, **named: Any) -> int:
        nonlocal written
        written += 1
        if written > 5:
            raise KeyboardInterrupt
        return real(self, *arguments, **named)

    path = system(COMMERCIAL.replace("1096 days", "1827 days"))
    monkeypatch.setattr(Path, "write_text", interrupt)
    ended = run("build", path)
    assert (ended.code, ended.errors) == (130, ["interrupted; no package was left half-written"])
    assert snapshot(Path("out")) == {f"commercial/{name}": content for name, content in snapshot(built).items()}
    assert [path.name for path in Path("out").iterdir()] == ["commercial"]


def test_time_stamps_follow_source_date_epoch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    assert run("build", system()).code == 0
    assert json.loads(Path("out/commercial/manifest.json").read_text())["timestamp"] == "2027-01-15T08:00:00+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    assert run("build", system()) == Ended(2, "", "error: SOURCE_DATE_EPOCH: 'today' is not a number of seconds since 1970\n")


def test_an_environment_is_held_against_the_templates(run: Run, built: Path) -> None:
    example = json.loads((built / "cloudformation/parameters.example.json").read_text())
    Path("prod.json").write_text(json.dumps(example))
    assert run("build", system(), "--environment", "prod.json").code == 0
    assert json.loads(Path("out/commercial/evidence/facts.json").read_text())["environment"] == "prod"
    example["server"].append({"ParameterKey": "ImageUrl", "ParameterValue": "x"})
    Path("prod.json").write_text(json.dumps(example))
    ended = run("build", system(), "-e", "prod.json")
    assert ended == Ended(2, "", "error: prod.json: server.ImageUrl: no such template parameter; did you mean 'ImageUri'?\n")
    assert run("build", system(), "-e", "nowhere.json").errors[0].startswith("error: nowhere.json: cannot be read")


OVERLAYS = {
    "exits on import": ("import sys\nsys.exit(3)\n", r"cannot be imported: it calls sys\.exit\(3\) \(ours\.py:2\)"),
    "exits in extend": ("def extend(system):\n    raise SystemExit\n", r"extend\(\) failed: it calls sys\.exit\(None\) \(ours\.py:2\)"),
    "no Python": ("def extend(system)\n", r"cannot be imported: SyntaxError: expected ':' \(ours\.py, line 1\)"),
    "fails in a library": (
        "import json\ndef extend(system):\n    json.loads('{')\n",
        r"extend\(\) failed: JSONDecodeError: .* \(ours\.py:3\)",
    ),
    "imports nothing": ("import nowhere\n", r"cannot be imported: ModuleNotFoundError: No module named 'nowhere' \(ours\.py:1\)"),
}


@pytest.mark.parametrize("name", sorted(OVERLAYS))
def test_a_broken_overlay_is_told_by_its_own_line(run: Run, name: str) -> None:
    source, expected = OVERLAYS[name]
    Path("ours.py").write_text(source)
    ended = run("build", system(COMMERCIAL.replace("[front_door]", 'extensions = ["ours.py"]\n[front_door]')))
    assert (ended.code, ended.out, Path("out").exists()) == (2, "", False)
    (line,) = ended.errors
    assert re.fullmatch(f"error: ours\\.py: {expected}", line), line


def test_a_redacted_package_has_another_name_and_says_so(run: Run) -> None:
    ended = run("build", system(), "--redact")
    assert (ended.code, ended.err, [path.name for path in Path("out").iterdir()]) == (0, "", ["system-1"])
    assert re.match(r"system-1  \d+ files written in out/system-1\n  \d+ facts, 0 failed, ", ended.out)
    assert re.search(r"^redacted: \d+ values are replaced, each by one stand-in everywhere$", ended.out, flags=re.MULTILINE)
    assert json.loads(Path("out/system-1/manifest.json").read_text())["redacted"] is True
    assert run("build", system(), "--redact", "--check").code == 0


def test_a_redacted_package_and_a_whole_one_never_replace_each_other(run: Run) -> None:
    named = COMMERCIAL.replace('name = "commercial"', 'name = "system-2"')
    assert run("build", system(named)).code == 0
    before = snapshot(Path("out"))
    both = (system(), system(COMMERCIAL.replace('name = "commercial"', 'name = "other"'), "other.toml"))
    ended = run("build", *both, "--redact")
    assert ended.errors == ["error: out/system-2: holds a package that is not redacted, and is left as it is; choose another --out"]
    assert (ended.code, {path: text for path, text in snapshot(Path("out")).items() if path in before}) == (2, before)
    assert run("build", *both, "--redact", "--out", "outside").code == 0
    back = run("build", system(named), "--out", "outside")
    assert (back.code, back.errors) == (
        2,
        ["error: outside/system-2: holds a redacted package, and is left as it is; choose another --out"],
    )


def test_redaction_is_counted_in_json(run: Run) -> None:
    (summary,) = json.loads(run("build", system(), "--redact", "--json").out)
    assert (summary["system"], summary["folder"]) == ("system-1", "out/system-1")
    assert summary["redacted"]["replaced"] > 10
    assert "name" in summary["redacted"]["not_looked_for"]
    assert "redacted" not in json.loads(run("build", system(), "--json").out)[0]


def test_check_is_silent_about_a_current_package(run: Run, built: Path) -> None:
    shutil.copytree(built, "out/commercial")
    ended = run("build", "--check", system())
    assert (ended.code, ended.errors) == (0, [])
    assert snapshot(Path("out/commercial")) == snapshot(built)


def test_check_judges_a_template_that_somebody_edited(run: Run, built: Path) -> None:
    shutil.copytree(built, "out/commercial")
    template = Path("out/commercial/cloudformation/server.json")
    template.write_text(template.read_text().replace('"RetentionInDays": 1096', '"RetentionInDays": 30', 1))
    before = snapshot(Path("out"))
    ended = run("build", "--check", system())
    assert ended.code == 1
    assert ended.errors == [
        "differs: out/commercial/cloudformation/server.json: /Resources/AuditLog/Properties/RetentionInDays is 30, "
        "the system file gives 1096",
        "failed: out/commercial/cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays: RetentionInDays is at least 914"
        " days (OMB M-21-31: 12 months active and 18 months cold storage); found 30 (system.AWS-Logs-LogGroup.RetentionInDays.at-least)",
    ]
    assert snapshot(Path("out")) == before
    assert re.match(
        r"commercial  \d+ files checked in out/commercial\n  \d+ facts, 1 failed, \d+ conditional\n  of 686 points: .* \d+ failed",
        ended.out,
    )
    (said,) = json.loads(run("build", "--check", "--json", system()).out)
    assert (said["judged"], said["built"]["failed_facts"]) == (True, [])
    assert said["failed_facts"] == [
        {
            "check": "system.AWS-Logs-LogGroup.RetentionInDays.at-least",
            "pointer": "cloudformation/server.json#/Resources/AuditLog/Properties/RetentionInDays",
            "expected": "RetentionInDays is at least 914 days (OMB M-21-31: 12 months active and 18 months cold storage)",
            "actual": 30,
        }
    ]
    assert said["points"]["failed"] > said["built"]["points"]["failed"] == 0


def test_check_notices_what_is_missing_foreign_or_no_package(run: Run, built: Path) -> None:
    assert run("build", "--check", system()).errors == ["out/commercial: does not exist; run claimstack build"]
    shutil.copytree(built, "out/commercial")
    Path("out/commercial/evidence/facts.json").unlink()
    Path("out/commercial/notes.md").write_text("mine")
    given = json.dumps(json.loads(Path("out/commercial/cloudformation/key.json").read_text()), ensure_ascii=False)
    Path("out/commercial/cloudformation/key.json").write_text("[]\n")
    ended = run("build", "--check", system())
    assert (ended.code, ended.errors) == (
        1,
        [
            "differs: out/commercial/evidence/facts.json: missing",
            "differs: out/commercial/notes.md: not written by a build",
            f"differs: out/commercial/cloudformation/key.json: the document is [], the system file gives {given[:100]}…",
            "not judged: out/commercial/cloudformation/key.json: is not a JSON object",
        ],
    )


def test_a_wrong_catalog_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    wrong = tmp_path / "catalog.json"
    wrong.write_text('{"catalog": {"metadata": {"title": "Another", "version": "5.1.1"}}}')
    with pytest.raises(InputError, match=r"is 'Another', version 5\.1\.1; wanted is the NIST SP 800-53 catalog 5\.2\.0"):
        build([ROOT / "examples" / "commercial.toml"], tmp_path / "out", catalog=wrong)
    assert not (tmp_path / "out").exists()
