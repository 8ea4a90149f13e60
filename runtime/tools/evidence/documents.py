"""Documents: every file of a package as an MCP resource, and an index of them all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from claimstack.runtime.tools import Resource
from claimstack.runtime.tools.evidence.desk import Desk, resource_errors
from claimstack.runtime.tools.evidence.package import MANIFEST

INDEX = "evidence://documents"
BINARY = "application/octet-stream"

MIME_TYPES: Mapping[str, str] = {
    "": "text/plain",
    ".css": "text/css",
    ".csv": "text/csv",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
"""By suffix; a file of any other one is served as bytes."""

FOLDERS: Mapping[str, str] = {
    "cloudformation": "what is deployed, and how",
    "evidence": "what was claimed, checked and found",
    "fedramp": "FedRAMP 2026",
    "image": "what the image of the server is built from",
    "oscal": "OSCAL",
    "site": "the audit site",
}


def make_resources(desk: Desk) -> tuple[Resource, ...]:
    package = desk.package
    system = package.manifest.get("system", "")
    index = Resource(
        INDEX,
        _index(desk),
        name="documents",
        title="Documents of the package",
        description=f"Every file of the package of {system} with its address, media type and sha256. Read this to see what there is.",
        mime_type="application/json",
    )
    documents = [
        Resource(
            uri(path),
            _reader(desk, path),
            name=path,
            title=path,
            description=_description(path, digest, system),
            mime_type=mime_type(path),
        )
        for path, digest in {**package.files, MANIFEST: package.manifest_sha256}.items()
    ]
    return (index, *documents)


def uri(path: str) -> str:
    return f"evidence://package/{quote(path)}"


def mime_type(path: str) -> str:
    return MIME_TYPES.get(PurePosixPath(path).suffix.lower(), BINARY)


def _description(path: str, digest: str, system: str) -> str:
    folder = FOLDERS.get(path.partition("/")[0], "")
    return f"{path} of the package of {system}{f' ({folder})' if folder else ''}, sha256 {digest}."


def _index(desk: Desk) -> Callable[[], Awaitable[str]]:
    package = desk.package
    about = {key: value for key, value in package.manifest.items() if key != "files"}

    async def documents() -> str:
        listed = [
            {"uri": uri(path), "path": path, "mime_type": mime_type(path), "sha256": digest}
            for path, digest in {**package.files, MANIFEST: package.manifest_sha256}.items()
        ]
        return json.dumps({**about, "documents": listed}, indent=2, ensure_ascii=False)

    return documents


def _reader(desk: Desk, path: str) -> Callable[[], Awaitable[str | bytes]]:
    async def document() -> str | bytes:
        with resource_errors():
            content = await desk.read(path)
        if mime_type(path).startswith(("text/", "application/", "image/svg")) and mime_type(path) != BINARY:
            try:
                return content.decode()
            except UnicodeDecodeError:
                return content
        return content

    return document
