"""The responsibility matrix says of every point whose it is."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import pytest
from tests.systems import edit, weakened
from tests.unit.generator.conftest import LEVERAGED

from claimstack.generator.documents.evidence.responsibility import guarded, render_responsibility_matrix, responsibility_rows
from claimstack.generator.emitted import REMOVE
from claimstack.generator.evaluation import Evaluated


@pytest.mark.parametrize("leveraged", [None, LEVERAGED])
def test_every_point_of_the_class_has_a_row_and_says_whose_it_is(built: Callable[..., Evaluated], leveraged: Any) -> None:
    evaluated = built(leveraged=leveraged) if leveraged else built()
    rows = responsibility_rows(evaluated)
    points = [answer.point.id for answer in evaluated.answers.values() if not answer.supplemental]
    assert list(dict.fromkeys(row.point for row in rows)) == points
    assert [row.point for row in rows if not row.who or not row.what or not row.source] == []
    assert all(row.status == evaluated.answers[row.point].status.value for row in rows)
    remains = {(answer.point.id, remainder.what) for answer in evaluated.answers.values() for remainder in answer.remains}
    assert {(row.point, row.what) for row in rows if row.part == "remains"} >= {each for each in remains if each[0] in points}
    inherited = [row for row in rows if row.part == "inherited"]
    if leveraged:
        assert {row.who for row in inherited} == {"AWS"}
        assert all(row.source.endswith("leveraged authorization EXAMPLE-1") for row in inherited)
    else:
        assert inherited == []
        assert {row.part for row in rows if row.status == "not-addressed"} == {"open", "remains"}


def test_what_failed_is_nobody_s_deed(built: Callable[..., Evaluated]) -> None:
    weak = weakened(built(), edit(REMOVE, "AuditLog", "Properties", "KmsKeyId"))
    failed = [row for row in responsibility_rows(weak) if row.what.startswith("Not true of the emitted templates")]
    assert failed
    assert {row.part for row in failed} == {"open"}
    assert [row for row in responsibility_rows(built()) if row.what.startswith("Not true")] == []


def test_the_matrix_is_a_csv_with_the_rows(built: Callable[..., Evaluated]) -> None:
    text = render_responsibility_matrix(built())
    read = list(csv.reader(io.StringIO(text)))
    assert read[0] == ["control", "point", "title", "status", "state", "origination", "who", "part", "what", "source"]
    assert [tuple(row) for row in read[1:]] == [dataclasses.astuple(row) for row in responsibility_rows(built())]
    assert "\r" not in text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"
    assert guarded(f"a{cell}") == f"a{cell}"


def test_a_disposition_that_reads_like_a_formula_is_guarded(built: Callable[..., Evaluated]) -> None:
    evaluated = built(dispositions={"at-2": {"status": "customer", "reason": '=HYPERLINK("https://x")'}})
    cells = {row[8] for row in csv.reader(io.StringIO(render_responsibility_matrix(evaluated))) if row[0] == "AT-2"}
    assert cells == {'\'=HYPERLINK("https://x")'}
