"""Build --catalog: a file that is not the right one is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.commands.build import build

ROOT = Path(__file__).parents[4]


def test_a_wrong_catalog_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    wrong = tmp_path / "catalog.json"
    wrong.write_text('{"catalog": {"metadata": {"title": "Another", "version": "5.1.1"}}}')
    with pytest.raises(InputError, match=r"is 'Another', version 5\.1\.1; wanted is the NIST SP 800-53 catalog 5\.2\.0"):
        build([ROOT / "examples" / "commercial.toml"], tmp_path / "out", catalog=wrong)
    assert not (tmp_path / "out").exists()
