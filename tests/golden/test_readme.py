"""The README and the documents show commands that run, and output that they print."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("shown", Path(__file__).with_name("shown.py"))
assert _spec is not None
assert _spec.loader is not None
shown = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shown)


@pytest.mark.parametrize("page", shown.PAGES, ids=lambda page: page.name)
def test_commands_print_what_is_shown(page: Path) -> None:
    """`python tests/golden/shown.py` brings the pages up to date."""
    text = page.read_text(encoding="utf-8")
    assert shown.as_printed(text) == text


def test_the_readme_shows_something() -> None:
    assert shown.PAGES[0].read_text(encoding="utf-8").count("$ claimstack") >= 4


def test_make_targets_that_are_shown_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (shown.REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))
    named = {
        target for page in shown.PAGES for target in re.findall(r"(?:`|^)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named - targets == set()


@pytest.mark.parametrize("page", shown.PAGES, ids=lambda page: page.name)
def test_links_and_paths_that_are_shown_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:generator|controls|templates|tests|examples|docs)/[\w./-]*)`", text)
    missing = [link for link in links if not (page.parent / link).exists()] + [
        path for path in paths if not (shown.REPOSITORY / path).exists()
    ]
    assert missing == []
