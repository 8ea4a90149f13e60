from __future__ import annotations

import textwrap

import pytest

from claimstack.generator.documents.markdown import WIDTH, reflow


@pytest.mark.parametrize("mark", ["", "- ", "  - ", "10. "])
@pytest.mark.parametrize("length", [1, 7, WIDTH - 1, WIDTH, WIDTH + 30])
def test_lines_are_as_full_as_the_width_allows(mark: str, length: int) -> None:
    words = " ".join(["word", "x" * length] * 40)
    expected = textwrap.fill(
        words, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark), break_long_words=False, break_on_hyphens=False
    )
    assert reflow(f"{mark}{words}\n") == f"{expected}\n"


@pytest.mark.parametrize(("word", "escaped"), [("-", "\\-"), ("#", "\\#"), ("12.", "12\\."), ("-x", "-x"), ("1.5", "1.5")])
def test_no_line_of_prose_becomes_an_item_or_a_heading(word: str, escaped: str) -> None:
    first = "x" * WIDTH
    assert reflow(f"{first} {word} more\n") == f"{first}\n{escaped} more\n"
    assert reflow(f"{first} {word}\n") == f"{first}\n{escaped}\n"
