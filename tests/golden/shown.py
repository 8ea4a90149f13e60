"""Shown: the console blocks of the documents, and what their commands really print.

`python tests/golden/shown.py` writes the present output into the pages; the test beside it compares.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CLAIMSTACK = REPOSITORY / ".venv" / "bin" / "claimstack"

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)


def as_printed(page: str) -> str:
    """The page with the output of every `$ claimstack …` command of its console blocks as it is printed now.

    A block runs in a folder of its own, where `out/` and `examples/` are those of the repository unless it makes its own system.
    Raises AssertionError for a command that is not ours or does not exit with 0.
    """
    return _BLOCK.sub(lambda match: f"```console\n{_run_block(match[1])}```", page)


def _run_block(block: str) -> str:
    commands = _COMMAND.findall(block)
    if not commands:
        return block
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not any("claimstack init" in command for command in commands):
            (folder / "out").symlink_to(REPOSITORY / "out")
            (folder / "examples").symlink_to(REPOSITORY / "examples")
        return "".join(f"$ {command}\n{_run(command, folder)}" for command in commands)


def _run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    assert words[0] == "claimstack", f"only claimstack is run here: {command}"
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run([str(CLAIMSTACK), *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(as_printed(path.read_text(encoding="utf-8")), encoding="utf-8")
