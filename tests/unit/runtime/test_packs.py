"""Packs of teams: what does not fit stops the start, by the name of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimstack.runtime.app import create_app
from claimstack.runtime.packs import installed_packs
from claimstack.runtime.settings import SettingsError
from claimstack.runtime.tools import Pack, Tool

URL = "https://mcp.example.gov/mcp"


class Plain:
    """A class that has no schema."""


def odd(value: Plain) -> str:
    """Take what no client can send."""
    return str(value)


def test_a_tool_that_has_no_schema_stops_the_start_by_its_name() -> None:
    with pytest.raises(SettingsError) as raised:
        create_app({"CLAIMSTACK_PUBLIC_URL": URL}, (Pack("reports", tools=(Tool(odd),)),))
    (cause,) = raised.value.causes
    assert cause.startswith("tool odd of pack reports: ")
    assert len(cause) < 400


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("REPORTS = 3", "expected a Pack or a function that returns one"),
        ("REPORTS = Pack('r', tools=Tool(len))", "pack r: tools has to be a tuple of Tool"),
        ("REPORTS = Pack('r', prompts=(Tool(len),))", "pack r: prompts has to be a tuple of Prompt"),
        ("def REPORTS(): return None", "expected a Pack or a function that returns one"),
        ("def REPORTS(): raise OSError('no file')", "OSError: no file"),
        ("raise ImportError('half installed')", "ImportError: half installed"),
    ],
)
def test_an_entry_point_that_is_no_pack_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, cause: str) -> None:
    folder = tmp_path / "odd_tools-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-tools\nVersion: 1.0\n")
    name = f"odd_tools_{abs(hash(source))}"
    (folder / "entry_points.txt").write_text(f"[claimstack.tools]\nreports = {name}:REPORTS\n")
    (tmp_path / f"{name}.py").write_text(f"from claimstack.runtime.tools import Pack, Tool\n{source}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsError) as raised:
        installed_packs()
    assert raised.value.causes == (f"entry point reports = {name}:REPORTS: {cause}",)
