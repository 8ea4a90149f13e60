"""Sources: where a package lies and how a file of it is read, from a folder or from S3.

A source is asked for files by name only. The manifest is the list of files, so reading from S3 needs `s3:GetObject` and no listing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from claimstack.runtime.tools.evidence.errors import PackageError

S3_LOCATION = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\x00-\x1f\x7f]*))?")
S3_CAUSES = {"AccessDenied": "access denied, or no such object", "NoSuchBucket": "no such bucket", "NoSuchKey": "no such object"}
OUTSIDE = re.compile(r"[\\:\x00-\x1f\x7f]")


class PackageSource(Protocol):
    """Where the files of one package are read from."""

    def read(self, path: str, most: int) -> bytes:
        """The bytes of a file by its path in the package. Raises PackageError, also when there are more than `most`."""
        ...


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A package in a folder, as `claimstack build` leaves it in `out/`."""

    folder: Path

    def read(self, path: str, most: int) -> bytes:
        root = self.folder.resolve()
        file = _inside(root, path)
        try:
            with file.open("rb") as opened:
                content = opened.read(most + 1)
        except OSError as error:
            raise PackageError(f"{path}: cannot be read ({error.strerror})") from error
        return _bounded(path, content, most)


@dataclass(frozen=True)
class S3Source:
    """A package below a prefix of a bucket, read with the credentials, region and endpoint that the environment gives."""

    bucket: str
    prefix: str

    @cached_property
    def client(self) -> Any:
        import botocore.session  # a package in a folder needs no AWS
        from botocore.config import Config

        config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
        return botocore.session.get_session().create_client("s3", config=config)

    def read(self, path: str, most: int) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        refuse_outside(path)
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=f"{self.prefix}{path}")
            with found["Body"] as body:
                content: bytes = body.read(most + 1)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise PackageError(f"{path}: cannot be read from S3 ({S3_CAUSES.get(code, code)})") from error
        except BotoCoreError as error:
            raise PackageError(f"{path}: cannot be read from S3 ({type(error).__name__})") from error
        return _bounded(path, content, most)


def open_source(location: str) -> PackageSource:
    """The source that a location names. Raises PackageError; whether a package lies there shows when its manifest is read."""
    if "://" not in location:
        return FolderSource(Path(location))
    if match := S3_LOCATION.fullmatch(location):
        prefix = (match["prefix"] or "").strip("/")
        return S3Source(match["bucket"], f"{prefix}/" if prefix else "")
    raise PackageError("is neither a folder nor of the form s3://bucket/prefix")


def _inside(root: Path, path: str) -> Path:
    """The file below the folder, links resolved: neither a name nor a link may lead out of the package."""
    refuse_outside(path)
    try:
        file = (root / path).resolve()
    except (OSError, RuntimeError) as error:
        raise PackageError(f"{path}: cannot be read (a loop of links)") from error
    if not file.is_relative_to(root):
        raise PackageError(f"{path}: leads out of the package")
    return file


def refuse_outside(path: str) -> None:
    """Raises PackageError for what is not a plain relative path below the package."""
    if len(path) > 500 or OUTSIDE.search(path) or any(part in {"", ".", ".."} for part in path.split("/")):
        raise PackageError(f"{path[:100]!r}: is not the path of a file in a package")


def _bounded(path: str, content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise PackageError(f"{path}: is larger than {most:,} bytes")
    return content
