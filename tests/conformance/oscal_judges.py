"""OSCAL judges: what the packages `oscal` and `oscal-bindings` say of documents; runs in .venv-oscal, prints JSON, asks no network.

`oscal` unpacks its database into the current folder, hence start it in one that may go.
"""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path
from typing import Any


def offline(*_args: object, **_kwargs: object) -> None:
    raise OSError("no network for judges")


def by_oscal(file: Path) -> dict[str, Any]:
    """The phases that passed, and each error with its place, list positions left out."""
    from oscal import OSCAL

    document = OSCAL.load(str(file))
    errors = [
        [error["error-type"], re.sub(r"\[\d+\]", "", error.get("location", "")), error.get("field", ""), str(error.get("value"))]
        for error in document.validation_errors
    ]
    return {"phases": document.validation_status, "errors": sorted(map(list, {tuple(error) for error in errors}))}


def by_bindings(file: Path) -> dict[str, Any]:
    """What the other reader refuses, or the document as it writes it back."""
    from oscal_bindings import parse_oscal_file, serialize_oscal

    try:
        return {"written": json.loads(serialize_oscal(parse_oscal_file(str(file))))}
    except Exception as error:  # noqa: BLE001 -- whatever a reader raises is its judgement
        return {"refused": f"{type(error).__name__}: {error}"[:2000]}


if __name__ == "__main__":
    socket.socket.connect = offline
    judged = {name: {"oscal": by_oscal(Path(name)), "bindings": by_bindings(Path(name))} for name in sys.argv[1:]}
    print("\n" + json.dumps(judged))
