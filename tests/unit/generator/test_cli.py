"""The command line: help that fits, exit codes, and no traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.generator.conftest import Run, widest

from claimstack.generator.partition import REGIONS


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
