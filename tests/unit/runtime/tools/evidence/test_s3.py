"""A package in a bucket says what the same package says in a folder, and is only ever read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from claimstack.runtime.tools import AwsAccess
from claimstack.runtime.tools.evidence import PackageError, evidence_pack


@dataclass
class Bucket:
    """An S3 that knows GetObject and nothing else, for one bucket that is a folder."""

    folder: Path
    requests: list[str] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        self.requests.append(f"{request.command} {path}")
        file = self.folder / path.removeprefix("/packages/")
        if not path.startswith("/packages/"):
            status, body = 403, b"<Error><Code>AccessDenied</Code><Message>secret detail</Message></Error>"
        elif not file.is_file():
            status, body = 404, b"<Error><Code>NoSuchKey</Code></Error>"
        else:
            status, body = 200, file.read_bytes()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def bucket(copy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    bucket = Bucket(copy.folder.parent)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bucket.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-gov-west-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}",
    }.items():
        monkeypatch.setenv(name, value)
    yield bucket
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def in_s3(bucket: Bucket, copy: Any) -> Any:
    """Asks the package in the bucket."""
    assert bucket.folder == copy.folder.parent
    return type(copy.asking)("s3://packages/package")


def test_a_bucket_and_a_folder_say_the_same(copy: Any, in_s3: Any) -> None:
    for tool, asked in {"coverage": {}, "explain_control": {"control": "sc-28"}, "get_evidence": {"resource": "AuditLog"}}.items():
        assert in_s3.call(tool, **asked) == copy.asking.call(tool, **asked)
    uri = "evidence://package/oscal/profile.json"
    assert in_s3.read(uri) == copy.asking.read(uri)


def test_only_files_of_the_manifest_are_asked_for_and_evidence_once(bucket: Bucket, in_s3: Any) -> None:
    async def three(client: Any) -> None:
        results = await asyncio.gather(*(client.call_tool("coverage", {}) for _ in range(3)))
        assert [result.is_error for result in results] == [False] * 3

    in_s3.talk(three)
    stacks = ["endpoints", "key", "registry", "server"]
    paths = ["manifest.json", "evidence/coverage.json", "evidence/facts.json", *(f"cloudformation/{stack}.json" for stack in stacks)]
    asked = [request for request in bucket.requests if request.rpartition("/")[2] != "test-results.json"]
    assert sorted(asked) == sorted(f"GET /packages/package/{path}" for path in paths)


@pytest.mark.parametrize("location", ["s3://packages/package", "s3://packages/package/"])
@pytest.mark.usefixtures("bucket")
def test_a_prefix_may_end_in_a_slash(location: str) -> None:
    assert evidence_pack(location).resources


def test_a_package_may_fill_its_bucket(bucket: Bucket, copy: Any) -> None:
    bucket.folder = copy.folder
    assert evidence_pack("s3://packages").resources


def test_a_changed_object_says_nothing(copy: Any, in_s3: Any) -> None:
    path = copy.folder / "evidence/coverage.json"
    path.write_bytes(path.read_bytes().replace(b"organisational", b"implemented", 1))
    assert "evidence/coverage.json: differs from the sha256 in manifest.json" in in_s3.refusal("coverage")
    assert in_s3.read("evidence://package/oscal/profile.json").text


def test_a_missing_object_is_named(copy: Any, in_s3: Any) -> None:
    (copy.folder / "evidence/coverage.json").unlink()
    text = in_s3.refusal("coverage")
    assert text.endswith("evidence/coverage.json: cannot be read from S3 (no such object)")
    assert "127.0.0.1" not in text


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_refuses_stops_the_start_without_its_details() -> None:
    with pytest.raises(PackageError) as raised:
        evidence_pack("s3://other/package")
    assert str(raised.value) == "s3://other/package: manifest.json: cannot be read from S3 (access denied, or no such object)"


@pytest.mark.usefixtures("bucket")
def test_no_answer_and_no_credentials_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(PackageError, match=r"cannot be read from S3 \(NoCredentialsError\)"):
        evidence_pack("s3://packages/package")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(PackageError, match=r"cannot be read from S3 \(EndpointConnectionError\)"):
        evidence_pack("s3://packages/package")


@pytest.mark.usefixtures("bucket")
def test_every_tool_says_what_it_needs_of_aws() -> None:
    pack = evidence_pack("s3://packages/package")
    assert {tool.needs for tool in pack.tools} == {(AwsAccess("s3", ("s3:GetObject",), ("evidence-package",)),)}
