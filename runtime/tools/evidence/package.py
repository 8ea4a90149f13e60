"""Packages: a manifest and the files it names, each of which is what the manifest says or is refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claimstack.runtime.tools.evidence.errors import PackageError
from claimstack.runtime.tools.evidence.source import PackageSource, refuse_outside

MANIFEST = "manifest.json"
COVERAGE = "evidence/coverage.json"
FACTS = "evidence/facts.json"

MANIFEST_BYTES = 1024 * 1024
FILE_BYTES = 16 * 1024 * 1024
"""Several times the largest document of a class D system; what is larger is not a package."""
MOST_FILES = 1000
MOST_NAMED = 20
_REBUILD = "build the package with claimstack build"
_BUILD_AGAIN = "build the package again, and start the server again after a build"
_DIFFERS = f"differs from the sha256 in {MANIFEST}"
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Package:
    """One package as its manifest described it when the server started."""

    source: PackageSource
    manifest: Mapping[str, Any]
    manifest_bytes: bytes

    @property
    def files(self) -> Mapping[str, str]:
        """Path → sha256 of every file but the manifest, in its order."""
        files: Mapping[str, str] = self.manifest["files"]
        return files

    @property
    def manifest_sha256(self) -> str:
        return _sha256(self.manifest_bytes)

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises PackageError where they differ from what the manifest says."""
        if path == MANIFEST:
            return self.manifest_bytes
        if path not in self.files:
            raise PackageError(f"{path}: is not a file of this package")
        content = self.source.read(path, FILE_BYTES)
        if _sha256(content) != self.files[path]:
            raise PackageError(f"{path}: {_DIFFERS}, so nothing is said from it; {_BUILD_AGAIN}")
        return content

    def check_files(self) -> None:
        """Read every file once. Raises PackageError that names those that are missing or differ from what the manifest says."""
        if causes := [cause for path, digest in self.files.items() if (cause := self._cause(path, digest))]:
            more = f"; and {len(causes) - MOST_NAMED:,} more" if len(causes) > MOST_NAMED else ""
            raise PackageError(f"{'; '.join(causes[:MOST_NAMED])}{more}; {_BUILD_AGAIN}")

    def _cause(self, path: str, digest: str) -> str:
        """Why nothing would be said from a file; empty where it is what the manifest says."""
        try:
            content = self.source.read(path, FILE_BYTES)
        except PackageError as error:
            return str(error)
        return "" if _sha256(content) == digest else f"{path}: {_DIFFERS}"

    def document(self, path: str) -> dict[str, Any]:
        """A file as JSON. Raises PackageError."""
        return _object(path, self.read(path))


def open_package(source: PackageSource) -> Package:
    """Read and check the manifest. Raises PackageError."""
    content = source.read(MANIFEST, MANIFEST_BYTES)
    manifest = _object(MANIFEST, content)
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(digest, str) and SHA256.fullmatch(digest) for digest in files.values()):
        raise PackageError(f"{MANIFEST}: has no table of files with their sha256; {_REBUILD}")
    if len(files) > MOST_FILES:
        raise PackageError(f"{MANIFEST}: names {len(files):,} files, more than {MOST_FILES:,}")
    for path in files:
        refuse_outside(path)
    if missing := [path for path in (COVERAGE, FACTS) if path not in files]:
        raise PackageError(f"{MANIFEST}: does not name {' and '.join(missing)}; {_REBUILD}")
    return Package(source, manifest, content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _object(path: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PackageError(f"{path}: is not JSON; {_REBUILD}") from error
    if not isinstance(document, dict):
        raise PackageError(f"{path}: is not a JSON object; {_REBUILD}")
    return document
