"""Lock: writes `runtime/requirements.lock` from the extras of the runtime, in agreement with constraints.txt; run by `make lock`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "runtime" / "requirements.lock"
EXTRAS = ("runtime", "otel")
"""What the image holds: the server, and the exporter of spans, which it loads when an endpoint is configured."""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
HEADER = """\
# Every package of the runtime image, by exact version and by the hashes of its files; the same for each Python and each architecture
# that Lambda has. `make lock` refreshes it.
"""


def requirements() -> list[str]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return [requirement for extra in EXTRAS for requirement in extras[extra]]


def resolve(python: str, platform: str) -> str:
    """What uv finds for one target, with the packages that ask for each package behind it; ours are asked for by `claimstack`."""
    options = ("--only-binary", ":all:", "--generate-hashes", "--no-header", "--no-emit-index-url", "--annotation-style", "line")
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "claimstack"
        asked.write_text("\n".join(requirements()) + "\n", encoding="utf-8")
        command = [
            sys.executable, "-m", "uv", "pip", "compile", "--quiet", *options,
            "--python-version", python, "--python-platform", platform, "--constraint", ROOT / "constraints.txt", asked,
        ]  # fmt: skip
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r"# via (.+)", lambda via: _asking(via[1]), found)


def _asking(via: str) -> str:
    names = ("claimstack" if name.startswith("-r ") else name for name in via.split(", ") if not name.startswith("-c "))
    return f"# via {', '.join(sorted(names))}"


def main() -> None:
    found = {target: resolve(*target) for target in product(PYTHONS, PLATFORMS)}
    first, *others = found.items()
    for target, text in others:
        if without_comments(text) != without_comments(first[1]):
            sys.exit(f"{' on '.join(target)} needs other packages than {' on '.join(first[0])}: one lock cannot serve both")
    LOCK.write_text(HEADER + first[1], encoding="utf-8")


def without_comments(text: str) -> str:
    """Older Pythons need some packages for more reasons, which is all that may differ."""
    return re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
