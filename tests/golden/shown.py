"""Shown: the console blocks of the documents, and what their commands really print; and programs, with what they print.

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
PYTHON = REPOSITORY / ".venv" / "bin" / "python"
CLAIMSTACK = PYTHON.with_name("claimstack")

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PROGRAM = re.compile(r"^```python\n(?P<program>.*?)^```\n\n```text\n.*?^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)$", re.MULTILINE)


def as_printed(page: str) -> str:
    """The page with the output of every `$ claimstack …` command of its console blocks as it is printed now.

    A block runs in a folder of its own, where `out/` and `examples/` are those of the repository unless it makes its own system.
    Raises AssertionError for a command that is not ours or does not exit with 0.
    """
    page = _BLOCK.sub(lambda match: f"```console\n{_run_block(match[1])}```", page)
    return _PROGRAM.sub(lambda match: f"```python\n{match[1]}```\n\n```text\n{_run_program(match[1])}```", page)


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


def _run_program(program: str) -> str:
    """What the program prints while `claimstack serve out/commercial` runs; the port that it names stands for a free one."""
    with subprocess.Popen(
        [str(CLAIMSTACK), "serve", "out/commercial", "--port", "0"],
        cwd=REPOSITORY,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())
        assert found is not None, "claimstack serve did not start"
        shown = program.replace("http://127.0.0.1:8765", found[0])
        try:
            done = subprocess.run([str(PYTHON), "-c", shown], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    return done.stdout


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(as_printed(path.read_text(encoding="utf-8")), encoding="utf-8")
