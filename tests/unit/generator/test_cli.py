"""The command line: exit codes, one line for each cause, tables fit for 80 columns, and nothing half-written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.systems import made, package_of
from tests.unit.generator.conftest import Ended, Run

from claimstack.generator import cli, console, package, writing
from claimstack.generator.loading import load_config
from claimstack.generator.partition import REGIONS

ROOT = Path(__file__).parents[3]
COMMERCIAL = (ROOT / "examples" / "commercial.toml").read_text(encoding="utf-8")


@pytest.fixture
def run(claimstack: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`claimstack …` in an empty folder, on a terminal of 80 columns. What is built is built once for each configuration."""
    monkeypatch.setattr(package, "make_package", made)
    monkeypatch.chdir(tmp_path)
    for stream in (console.out, console.err):
        monkeypatch.setattr(stream, "_width", 80)
    return claimstack


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the commercial reference system; to be read only."""
    folder = tmp_path_factory.mktemp("built") / "commercial"
    writing.write_package(package_of("commercial").files, folder)
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def system(text: str = COMMERCIAL, name: str = "system.toml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


# ---- build


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
    assert (ended.code, ended.errors) == (0, ["warning: auth = none: the server answers everyone. Nothing about access is claimed."])


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


# ---- build --redact


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


# ---- build --check


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


# ---- coverage, explain


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


def test_inherited_answers_name_the_package_they_rest_on(run: Run, built: Path) -> None:
    package_id = json.loads((built / "evidence/coverage.json").read_text())["leveraged"]["package_id"]
    assert f"(package {package_id}, authorized " in run("coverage", "-p", built).out
    assert f"inherited from package {package_id}" in run("explain", "pe-3", "-p", built).out


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


# ---- init


def test_init_writes_a_file_that_builds(run: Run) -> None:
    ended = run("init")
    assert (ended.code, ended.out) == (0, "system.toml written. Next: claimstack build system.toml\n")
    assert ended.errors[0] == "The http-api front door cannot have:"
    assert run("build").code == 0


def test_init_never_overwrites(run: Run) -> None:
    system("mine")
    assert run("init") == Ended(2, "", "error: system.toml: exists already; name another file, or move it away\n")
    assert Path("system.toml").read_text() == "mine"


def test_init_asks_nothing_for_a_file_that_is_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    system("mine")
    monkeypatch.setattr(cli.typer, "prompt", lambda *_, **__: pytest.fail("asked"))
    assert run("init", "-i") == Ended(2, "", "error: system.toml: exists already; name another file, or move it away\n")


def test_init_proposes_the_flags_when_it_asks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.typer, "prompt", lambda _, *, default: default)
    flags = ("--name", "desk", "--title", "Desk", "--front-door", "http-api", "--consumer", "one", "--consumer", "two", "--no-registry")
    assert run("init", "-i", *flags, "--key").code == 0
    config = load_config(Path("system.toml"))
    assert (config.name, config.front_door.type, config.auth.consumers) == ("desk", "http-api", ("one", "two"))
    assert (config.registry.stack, config.key.stack, config.runtime.sessions) == (False, True, False)


def test_init_tells_every_wrong_flag_by_its_name(run: Run) -> None:
    ended = run("init", "--front-door", "http", "--class", "E", "--auth", "extern", "--certification", "21x", "--region", "mars")
    assert (ended.code, [line.split(": ")[1] for line in sorted(ended.errors)], Path("system.toml").exists()) == (
        2,
        ["--auth", "--certification", "--class", "--front-door", "--region"],
        False,
    )


def test_init_takes_flags_and_refuses_what_cannot_be(run: Run) -> None:
    door = ("--front-door", "rest-api", "--domain", "mcp.example.gov", "--waf", "--streaming", "--region", "us-gov-west-1")
    assert run("init", "desk.toml", "--name", "desk", *door, "--certification", "rev5", "--sessions", "--key", "--no-registry").code == 0
    config = load_config(Path("desk.toml"))
    assert (config.name, config.front_door.waf, config.key.stack, config.registry.stack) == ("desk", True, True, False)
    ended = run("init", "bad.toml", "--waf", "--class", "D")
    assert (ended.code, Path("bad.toml").exists()) == (2, False)
    assert [line.partition(" AWS")[0].partition(" class D")[0] for line in sorted(ended.errors)] == [
        "error: --certification:",
        "error: --waf:",
    ]


def test_init_asks_and_asks_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            "My Desk",
            "desk",
            "The desk",
            "C",
            "20x",
            "us-east-9",
            "us-east-1",
            "http-api",
            "",
            "cognito",
            "reader",
            "",
            "no",
            "no",
            "no",
            "yes",
            "SaaS",
            "",
        ]
    )
    asked = []

    def prompt(text: str, *, default: str | None) -> str:  # noqa: ARG001 - as typer.prompt
        asked.append(text)
        return next(answers)

    monkeypatch.setattr(cli.typer, "prompt", prompt)
    assert run("init", "--interactive").code == 0
    assert (load_config(Path("system.toml")).name, load_config(Path("system.toml")).auth.consumers) == ("desk", ("reader",))
    assert [text.partition(":")[0] for text in asked if "\n" in text] == ["name", "region"]


def test_init_that_is_left_writes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.typer, "prompt", leave)
    assert (run("init", "-i").code, Path("system.toml").exists()) == (130, False)


@pytest.mark.parametrize(
    ("raised", "code", "said"), [(KeyboardInterrupt, 130, "interrupted"), (EOFError, 2, "error: --interactive: the input")]
)
def test_a_question_that_is_left_ends_as_a_build_does(
    run: Run, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], code: int, said: str
) -> None:
    """Below typer.prompt, which turns both into one exception."""

    def leave(*_: object) -> str:
        raise raised

    monkeypatch.setattr("builtins.input", leave)
    for module in ("typer._click.termui", "click.termui"):
        if module in sys.modules:
            monkeypatch.setattr(sys.modules[module], "visible_prompt_func", leave)
    ended = run("init", "-i")
    assert (ended.code, Path("system.toml").exists()) == (code, False)
    assert said in ended.err


# ---- lint, preflight, help


def test_lint_finds_what_cfn_lint_and_the_references_find(run: Run, built: Path) -> None:
    shutil.copytree(built, "out/commercial")
    assert run("lint", "out/commercial").out == "out/commercial: 0 findings\n"
    template = Path("out/commercial/cloudformation/registry.json")
    template.write_text(template.read_text().replace('"ImageTagMutability": "IMMUTABLE"', '"ImageTagMutability": "FIXED"'))
    ended = run("lint")
    assert ended.code == 1
    assert re.search(
        r"^  E3030 cloudformation/registry\.json#/Resources/Repository/Properties/ImageTagMutability: ", ended.out, re.MULTILINE
    )
    assert "\n  package cloudformation/registry.json: was changed after the build: " in ended.out


def test_lint_refuses_what_it_cannot_judge(run: Run) -> None:
    assert run("lint") == Ended(2, "", "error: out: holds no package; run claimstack build, or name a package folder\n")
    assert run("lint", "nowhere").err.startswith("error: nowhere: ")
    assert run("lint", "nowhere", "--region", "us-east-9").err == "error: unknown region 'us-east-9'; did you mean 'us-east-2'?\n"


def test_preflight_says_who_is_left_out(run: Run, built: Path) -> None:
    template = json.loads((built / "cloudformation/key-policy.json").read_text())
    policy = json.loads(json.dumps(template).replace("<ACCOUNT_ID>", "111122223333"))
    Path("whole.json").write_text(json.dumps(policy))
    Path("part.json").write_text(json.dumps({**policy, "Statement": policy["Statement"][:1]}))
    whole, part = (run("preflight", "--key-policy", name, system()) for name in ("whole.json", "part.json"))
    assert (whole.code, part.code) == (0, 1)
    assert "leaves it out" not in whole.out
    assert "leaves it out, silently" in part.out
    assert max(widest(whole.out), widest(part.out)) <= 80
    verdicts = json.loads(run("preflight", "--key-policy", "part.json", system(), "--json").out)
    assert {verdict["consumer"]["id"] for verdict in verdicts if not verdict["ok"]} != set()
    assert run("preflight", "--key-policy", "nowhere.json", system()).code == 2


def test_preflight_tells_what_the_policy_alone_does_not_tell(run: Run, built: Path) -> None:
    template = (built / "cloudformation/key-policy.json").read_text()
    role, function = (f"arn:aws:iam::111122223333:role/{name}" for name in ("deployer", "function"))
    named = json.loads(template.replace("<ACCOUNT_ID>", "111122223333"))
    for statement in named["Statement"]:
        if "AWS" in statement["Principal"]:
            statement["Principal"]["AWS"] = [role, function]
    Path("named.json").write_text(json.dumps(named))
    call = ("preflight", "--key-policy", "named.json", system())
    assert run(*call).err == (
        "error: named.json: it admits the root of no account; say with --account which account the system is deployed to\n"
    )
    unsure = run(*call, "--account", "111122223333")
    assert (unsure.code, "leaves it out" in unsure.out, "does not tell by itself" in unsure.out) == (1, False, True)
    assert unsure.err == "Say more about who calls with --account, --caller or --function-role.\n"
    told = json.loads(run(*call, "--account", "111122223333", "--json").out)
    assert {verdict["outcome"] for verdict in told} == {"undecided", "admitted"}
    caller = ("--account", "111122223333", "--caller", f"aws:PrincipalArn={role}", "--function-role", function)
    assert run(*call, *caller).code == 0
    assert run(*call, "--account", "1", "--caller", "x").errors[1].startswith("error: --caller: expected KEY=VALUE")


@pytest.mark.parametrize("command", ["", "build", "coverage", "explain", "init", "lint", "preflight"])
def test_help_teaches_within_80_columns(run: Run, command: str) -> None:
    ended = run(*([command] if command else []), "--help")
    assert (ended.code, ended.err) == (0, "")
    assert widest(ended.out) <= 80
    assert len(ended.out.split()) > 40
    assert ("Exit codes: 0 " if not command else f"Example: claimstack {command}") in ended.out


def test_help_names_the_choices(run: Run) -> None:
    told = re.sub(r"[\s│]+", " ", run("init", "--help").out)
    choices = ["B, C or D.", "20x or rev5;", "http-api or rest-api.", "cognito, external or none.", *REGIONS]
    assert [choice for choice in choices if choice not in told] == []


def test_an_interrupt_during_imports_ends_without_a_traceback() -> None:
    code = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from claimstack.generator import cli\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_unknown_commands_and_options_end_with_2(run: Run) -> None:
    assert [run("bild").code, run("build", "--chek").code, run("explain").code] == [2, 2, 2]


def test_version_is_the_installed_one(run: Run) -> None:
    assert re.fullmatch(r"claimstack \d+\.\d+\.\d+\n", run("--version").out)


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys\nfrom claimstack.generator import cli\nsys.argv = ['claimstack', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('troposphere', 'trestle', 'cfnlint', 'pydantic', 'jinja2') if name in sys.modules], file=sys.stderr)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr == "[]\n"


def test_the_installed_command_ends_with_the_same_codes(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("claimstack")
    ended = subprocess.run([command, "build", "nowhere.toml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: nowhere.toml: no such file; write one with `claimstack init`, or correct the path\n"
