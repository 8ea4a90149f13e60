"""Catalog texts: the right file is read with its parameters inserted, every other file is refused by what it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.catalog import Catalog, load_catalog
from claimstack.controls.errors import InputError
from claimstack.generator.catalog_texts import Line, Piece, load_catalog_texts

SMALL: dict[str, Any] = {
    "catalog": {
        "metadata": {"title": "A catalog", "version": "5.2.0"},
        "groups": [
            {
                "id": "xx",
                "controls": [
                    {
                        "id": "xx-1",
                        "params": [
                            {"id": "xx-01_odp.01", "label": "time period"},
                            {"id": "xx-01_odp.02", "select": {"choice": ["soon", "after {{ insert: param, xx-01_odp.01 }}"]}},
                            {"id": "xx-1_prm_1", "label": "both", "props": [{"name": "aggregates", "value": "xx-01_odp.01"}]},
                        ],
                        "parts": [
                            {
                                "id": "xx-1_smt",
                                "name": "statement",
                                "parts": [
                                    {
                                        "id": "xx-1_smt.a",
                                        "name": "item",
                                        "props": [{"name": "label", "value": "a."}],
                                        "prose": "Do it within {{ insert: param, xx-01_odp.01 }}:",
                                        "parts": [
                                            {
                                                "id": "xx-1_smt.a.1",
                                                "name": "item",
                                                "props": [{"name": "label", "value": "1."}],
                                                "prose": "{{ insert: param, xx-01_odp.02 }}; {{ insert: param, xx-1_prm_1 }}",
                                            }
                                        ],
                                    }
                                ],
                            },
                            {"id": "xx-1_obj", "name": "assessment-objective", "prose": "it is done."},
                        ],
                    }
                ],
            }
        ],
    }
}


def written(folder: Path, document: Any) -> tuple[Path, Catalog]:
    """A file, and facts that were taken from it."""
    file = folder / "catalog.json"
    file.write_text(json.dumps(document))
    catalog = load_catalog()
    sources = tuple(
        replace(source, sha256=hashlib.sha256(file.read_bytes()).hexdigest()) if source.file.startswith("nist/") else source
        for source in catalog.sources
    )
    return file, replace(catalog, sources=sources)


def refusal(file: Path, catalog: Catalog) -> str:
    with pytest.raises(InputError) as refused:
        load_catalog_texts(file, catalog)
    return str(refused.value)


def test_statements_carry_labels_depth_and_values(tmp_path: Path) -> None:
    texts = load_catalog_texts(*written(tmp_path, SMALL))
    values = {"xx-01_odp.01": "one day"}
    assert texts.statement("xx-1_smt", values.get) == (
        Line("a.", 1, (Piece("Do it within "), Piece("one day", "set"), Piece(":"))),
        Line("1.", 2, (Piece("[soon or after time period: not set]", "open"), Piece("; "), Piece("one day", "set"))),
    )


def test_what_is_not_set_is_named_by_what_it_asks_for(tmp_path: Path) -> None:
    texts = load_catalog_texts(*written(tmp_path, SMALL))
    assert texts.statement("xx-1_smt.a", lambda _: None)[0].pieces[1] == Piece("[time period: not set]", "open")
    assert texts.parameter("xx-01_odp.02") == "soon or after time period"


def test_objectives_are_found(tmp_path: Path) -> None:
    texts = load_catalog_texts(*written(tmp_path, SMALL))
    assert texts.objective("xx-1_obj", lambda _: None) == (Piece("it is done."),)
    assert texts.statement("yy-1_smt", lambda _: None) == ()


def test_another_version_is_refused_with_what_it_is_and_what_is_wanted(tmp_path: Path) -> None:
    older = {"catalog": {**SMALL["catalog"], "metadata": {"title": "NIST SP 800-53", "version": "5.1.1"}}}
    said = refusal(*written(tmp_path, older))
    assert "is 'NIST SP 800-53', version 5.1.1" in said
    assert "wanted is the NIST SP 800-53 catalog 5.2.0" in said


def test_other_bytes_of_the_same_version_are_refused(tmp_path: Path) -> None:
    file, catalog = written(tmp_path, SMALL)
    file.write_text(file.read_text() + " ")
    assert "it was changed or is another edition" in refusal(file, catalog)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"profile": {}}', "is no OSCAL catalog (it holds 'profile')"),
        ("[1]", "is no OSCAL catalog (it holds a list)"),
        ("{}", "is no OSCAL catalog (it holds an empty object)"),
        ("catalog:\n  uuid: x\n", "is not JSON"),
        ("<catalog/>", "is not JSON"),
    ],
)
def test_what_is_no_catalog_is_refused_by_what_it_is(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    assert said in refusal(file, load_catalog())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'no.json'}: cannot be read (No such file or directory)" in refusal(tmp_path / "no.json", load_catalog())
