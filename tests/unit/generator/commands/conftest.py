"""The commercial reference system as a file and as a package, for every command."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.systems import package_of

from claimstack.generator import writing

ROOT = Path(__file__).parents[4]
COMMERCIAL = (ROOT / "examples" / "commercial.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
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
