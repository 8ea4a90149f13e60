"""Reading: what `evidence/coverage.json` answers, for whoever has a package on disk and no system to evaluate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def answered(coverage: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Control, point and answer; supplemental points last."""
    for control, answer in coverage["answers"].items():
        for point, said in answer["points"].items():
            yield control, point, said
    for point, said in coverage["supplemental"].items():
        yield point.partition("_")[0], point, said
