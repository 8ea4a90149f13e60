"""Generator sources: what wrote the documents, by the content of its code, control facts and skeletons."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from claimstack.generator.passing import source_files

SOURCES: Final = (".py", ".json", ".toml", ".j2")


@cache
def release() -> str:
    """The version of claimstack that is installed."""
    return version("claimstack")


@cache
def sources_sha256() -> str:
    """Content hash of what generates: code, control facts and skeletons, in path order."""
    digest = hashlib.sha256()
    for package in ("claimstack.controls", "claimstack.generator", "claimstack.templates"):
        for path, content in sorted(source_files(files(package))):
            if path.endswith(SOURCES):
                digest.update(f"{package}/{path}\0".encode() + content)
    return digest.hexdigest()
