"""Sources: a module of the generator as documents name it, by path and hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Source:
    module: str
    path: str
    """Path in the source distribution."""
    sha256: str


@cache
def source_of(path: str) -> Source:
    """A module of the generator by its path in the source distribution, such as `generator/flows/model.py`."""
    content = files("claimstack.generator").joinpath(path.removeprefix("generator/")).read_bytes()
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return Source(f"claimstack.{module}", path, hashlib.sha256(content).hexdigest())
