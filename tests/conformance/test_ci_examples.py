"""CI examples, run: the scripts of both examples do their work in a repository of two commits with a real change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "commercial.toml").read_text(encoding="utf-8")
CHANGES = {
    "a longer retention": ('value = "1096 days"', 'value = "1827 days"'),
    "no sessions": ("sessions = true", "sessions = false"),
}

pytestmark = pytest.mark.conformance


def scripts(example: str) -> str:
    """The script of an example from the first claimstack command to the last, as its CI would run it: each step ends the job."""
    text = (ROOT / "examples" / "ci" / f"{example}.yml").read_text(encoding="utf-8")
    document: Any = yaml.safe_load(text)
    if example == "github-actions":
        runs = [step["run"] for step in document["jobs"]["package"]["steps"] if "run" in step]
    else:
        runs = document["claimstack"]["script"]
    first, last = (
        next(index for index in order if "claimstack " in runs[index] and "pip" not in runs[index])
        for order in (range(len(runs)), reversed(range(len(runs))))
    )
    return "\n".join(runs[first : last + 1])


def shell(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CEILING_DIRECTORIES": str(folder.parent),
        **variables,
    }
    return subprocess.run(["bash", "-eo", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", params=CHANGES)
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """system.toml and out/, committed before and after a change; the folder is named after it."""
    before, after = CHANGES[request.param]
    folder = tmp_path_factory.mktemp("repository") / request.param
    folder.mkdir()
    commit = "git -c user.name=Test -c user.email=test@example.com -c commit.gpgsign=false commit --quiet"
    for number, text in enumerate((EXAMPLE, EXAMPLE.replace(before, after))):
        (folder / "system.toml").write_text(text, encoding="utf-8")
        done = shell(f"git init --quiet && claimstack build system.toml && git add . && {commit} -m 'Build {number}'", folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("example", ["github-actions", "gitlab-ci"])
def test_the_script_of_an_example_tells_the_change_and_fails_where_it_should(example: str, repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    shutil.copytree(repository, folder)
    base = shell("git rev-parse HEAD~1", folder).stdout.strip()
    done = shell(scripts(example), folder, BASE=base)
    change = (folder / "change.md").read_text(encoding="utf-8")
    (compared,) = json.loads((folder / "change.json").read_text(encoding="utf-8"))["comparisons"]
    notification = json.loads((folder / "scn-commercial.json").read_text(encoding="utf-8"))
    if repository.name == "a longer retention":
        assert (done.returncode, compared["proposal"]["class"], notification["changeType"]) == (0, "adaptive", "Adaptive")
        assert "`resource server.AuditLog: RetentionInDays: 1096 → 1827`" in change
    else:
        assert (done.returncode, compared["proposal"]["class"], notification["changeType"]) == (1, "transformative", "Transformative")
        assert "**STATEFUL REMOVED** `server.Sessions (AWS::DynamoDB::Table)`" in change
        assert "fails on lost-claim: commercial" in done.stderr


def test_an_uncommitted_package_stops_the_script(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    shutil.copytree(repository, folder)
    (folder / "out" / "commercial" / "evidence" / "facts.json").write_text("{}")
    shell("git -c user.name=Test -c user.email=test@example.com commit --quiet -am 'By hand'", folder)
    done = shell(scripts("gitlab-ci"), folder, BASE="HEAD~1")
    assert done.returncode == 1
    assert "out/commercial/evidence/facts.json" in done.stdout
    assert not (folder / "change.md").exists()
