"""Every file that the manifest names is an MCP resource, as it is in the package."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError


def test_the_listing_is_the_manifest(asking: Any, package: Path) -> None:
    files = json.loads((package / "manifest.json").read_text())["files"]
    listed = asking.talk(lambda client: client.list_resources()).resources
    assert [resource.uri for resource in listed] == [
        "evidence://documents",
        *(f"evidence://package/{path}" for path in [*files, "manifest.json"]),
    ]
    assert [resource for resource in listed if not resource.title or not resource.description] == []
    assert {resource.uri.rpartition("/")[2].rpartition(".")[2]: resource.mime_type for resource in listed[1:]} == {
        "json": "application/json",
        "md": "text/markdown",
        "lock": "text/plain",
        "Containerfile": "text/plain",
        "csv": "text/csv",
        "html": "text/html",
        "svg": "image/svg+xml",
    }


def test_every_document_is_served_as_it_is(asking: Any, package: Path) -> None:
    async def read(client: Any) -> dict[str, Any]:
        index = json.loads((await client.read_resource("evidence://documents")).contents[0].text)
        return {entry["path"]: (entry, (await client.read_resource(entry["uri"])).contents[0]) for entry in index["documents"]}

    for path, (entry, content) in asking.talk(read).items():
        assert content.text.encode() == (package / path).read_bytes()
        assert content.mime_type == entry["mime_type"]
        assert entry["sha256"] == hashlib.sha256(content.text.encode()).hexdigest()


def test_the_index_says_which_build_it_lists(asking: Any, package: Path) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    index = json.loads(asking.read("evidence://documents").text)
    assert {key: index[key] for key in manifest if key != "files"} == {key: manifest[key] for key in manifest if key != "files"}


@pytest.mark.parametrize(
    ("path", "mime_type"),
    [
        ("site/index.html", "text/html"),
        ("evidence/responsibility-matrix.csv", "text/csv"),
        ("image/Containerfile", "text/plain"),
        ("image/sbom.cdx.json", "application/json"),
        ("fedramp/grüße {a} 100%.json", "application/json"),
    ],
)
def test_a_document_of_a_later_version_needs_no_new_code(copy: Any, path: str, mime_type: str) -> None:
    copy.write(path, '"ä"'.encode())
    index = json.loads(copy.asking.read("evidence://documents").text)
    [uri] = [entry["uri"] for entry in index["documents"] if entry["path"] == path]
    content = copy.asking.read(uri)
    assert (content.text, content.mime_type) == ('"ä"', mime_type)


@pytest.mark.parametrize(("path", "mime_type"), [("site/logo.png", "image/png"), ("site/all.zip", "application/octet-stream")])
def test_what_is_no_text_is_served_as_bytes(copy: Any, path: str, mime_type: str) -> None:
    copy.write(path, b"\x89PNG\xff")
    content = copy.asking.read(f"evidence://package/{path}")
    assert (base64.b64decode(content.blob), content.mime_type) == (b"\x89PNG\xff", mime_type)


@pytest.mark.parametrize("uri", ["evidence://package/none.json", "evidence://package/../manifest.json", "evidence://package/%2e%2e/secret"])
def test_what_the_manifest_does_not_name_does_not_exist(copy: Any, uri: str) -> None:
    (copy.folder.parent / "secret").write_text("secret")
    with pytest.raises(MCPError, match="Unknown resource") as raised:
        copy.asking.read(uri)
    assert raised.value.code == -32602
