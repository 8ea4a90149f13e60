"""The README and the documents show commands that run, and output that they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CLAIMSTACK = REPOSITORY / ".venv" / "bin" / "claimstack"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """Command and expected output, in turn; a line that starts with `$ ` is a command."""
    found = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    return list(zip(found[1::2], found[2::2], strict=True))


def console_blocks() -> list[tuple[str, str]]:
    return [(page.name, match.group(1)) for page in PAGES for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[0] == "claimstack", f"only claimstack is run here: {command}"
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    return subprocess.run([str(CLAIMSTACK), *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False)


SHOWN = [(page, block) for page, block in console_blocks() if commands(block)]


@pytest.mark.parametrize(("page", "block"), SHOWN, ids=[f"{page}-{index}" for index, (page, _) in enumerate(SHOWN)])
def test_commands_print_what_is_shown(page: str, block: str, tmp_path: Path) -> None:
    """A block runs in a folder where `out/` and `examples/` are those of the repository, unless it makes its own."""
    if "claimstack init" not in block:
        (tmp_path / "out").symlink_to(REPOSITORY / "out")
        (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    for command, shown in commands(block):
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{page}: {command}: {done.stderr}"
        assert [line.rstrip() for line in done.stdout.splitlines()] == [line.rstrip() for line in shown.splitlines()], f"{page}: {command}"


def test_make_targets_that_are_shown_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))
    shown = {target for page in PAGES for target in re.findall(r"(?:`|^)make ([a-z0-9]+)", page.read_text(encoding="utf-8"), re.MULTILINE)}
    assert shown - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_that_are_shown_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:generator|controls|templates|tests|examples|docs)/[\w./-]*)`", text)
    missing = [link for link in links if not (page.parent / link).exists()] + [path for path in paths if not (REPOSITORY / path).exists()]
    assert missing == []
