"""Nothing is said from a file that is not what the manifest says, and nothing outside the package is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from claimstack.runtime.app import create_app
from claimstack.runtime.settings import SettingsError
from claimstack.runtime.tools.evidence import PackageError, evidence_pack, package

DIFFERS = "differs from the sha256 in manifest.json"


def test_a_package_whose_files_differ_or_are_missing_is_refused_at_the_start(copy: Any) -> None:
    tampered = copy.folder / "oscal/profile.json"
    tampered.write_bytes(tampered.read_bytes() + b"\n")
    (copy.folder / "cloudformation/key.json").unlink()
    with pytest.raises(PackageError) as raised:
        evidence_pack(str(copy.folder))
    location, _, causes = str(raised.value).partition(": ")
    assert location == str(copy.folder)
    assert set(causes.split("; ")) == {
        "cloudformation/key.json: cannot be read (No such file or directory)",
        f"oscal/profile.json: {DIFFERS}",
        "build the package again, and start the server again after a build",
    }


def test_a_package_without_most_of_its_files_names_some_and_counts_the_others(copy: Any) -> None:
    for number in range(50):
        copy.declare(f"evidence/{number}.txt", "0" * 64)
    with pytest.raises(PackageError, match="; and 30 more; build the package again") as raised:
        evidence_pack(str(copy.folder))
    assert str(raised.value).count("cannot be read") == package.MOST_NAMED


def test_a_server_of_a_tampered_package_does_not_start(copy: Any) -> None:
    path = copy.folder / "evidence/facts.json"
    path.write_bytes(path.read_bytes() + b"\n")
    environ = {"CLAIMSTACK_PUBLIC_URL": "http://127.0.0.1/mcp", "CLAIMSTACK_EVIDENCE": str(copy.folder)}
    with pytest.raises(SettingsError, match=f"CLAIMSTACK_EVIDENCE: .*evidence/facts.json: {DIFFERS}"):
        create_app(environ)


def test_a_file_that_is_tampered_with_after_the_start_says_nothing(copy: Any) -> None:
    asking = copy.asking.started()
    path = copy.folder / "evidence/facts.json"
    path.write_text(path.read_text().replace('"passed"', '"failed"', 1))
    text = asking.refusal("get_evidence")
    assert "evidence/facts.json: " + DIFFERS in text
    assert str(copy.folder) not in text
    with pytest.raises(MCPError, match=DIFFERS) as raised:
        asking.read("evidence://package/evidence/facts.json")
    assert str(copy.folder) not in str(raised.value)
    with pytest.raises(MCPError, match=DIFFERS):
        asking.prompt("au-11")


def test_a_tampered_template_stops_every_answer_but_not_the_other_documents(copy: Any) -> None:
    asking = copy.asking.started()
    path = copy.folder / "cloudformation/server.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert DIFFERS in asking.refusal("find_resources")
    assert asking.read("evidence://package/evidence/coverage.json").text


def test_a_missing_file_is_named(copy: Any) -> None:
    asking = copy.asking.started()
    (copy.folder / "evidence/coverage.json").unlink()
    text = asking.refusal("coverage")
    assert text.endswith("evidence/coverage.json: cannot be read (No such file or directory)")


def test_a_file_that_comes_back_is_read(copy: Any) -> None:
    asking = copy.asking.started()
    path = copy.folder / "evidence/coverage.json"
    content = path.read_bytes()
    path.unlink()

    async def twice(client: Any) -> list[bool]:
        first = await client.call_tool("coverage", {})
        path.write_bytes(content)
        return [first.is_error, (await client.call_tool("coverage", {})).is_error]

    assert asking.talk(twice) == [True, False]


def test_evidence_is_read_once(copy: Any) -> None:
    async def twice(client: Any) -> list[Any]:
        first = await client.call_tool("coverage", {})
        (copy.folder / "evidence/facts.json").unlink()
        return [first.structured_content, (await client.call_tool("coverage", {})).structured_content]

    first, second = copy.asking.talk(twice)
    assert first == second != {}


@pytest.mark.parametrize(
    ("path", "document", "cause"),
    [
        ("evidence/facts.json", b"[]", "is not a JSON object"),
        ("evidence/facts.json", b'{"facts": 1}', "is not what this version reads (level, note, counts, resources, checks, facts)"),
        ("evidence/coverage.json", b"\xff", "is not JSON"),
        ("evidence/coverage.json", b"[" * 100_000, "is not JSON"),
        ("cloudformation/server.json", b'{"Resources": {"A": []}}', "is not a CloudFormation template"),
    ],
    ids=["array", "other shape", "no text", "deep", "no template"],
)
def test_a_file_of_another_shape_is_named(copy: Any, path: str, document: bytes, cause: str) -> None:
    copy.write(path, document)
    assert f"{path}: {cause}" in copy.asking.refusal("coverage")


@pytest.mark.parametrize(
    "path",
    ["../secret", "evidence/../../secret", "/etc/hostname", "a//b", "./a", "a\\..\\b", "C:/secret", "a\0b", "a\nb", "", "a" * 501, "a/"],
    ids=repr,
)
def test_a_manifest_that_leads_out_of_the_package_is_refused(copy: Any, path: str) -> None:
    copy.declare(path, "0" * 64)
    with pytest.raises(PackageError, match="is not the path of a file in a package"):
        evidence_pack(str(copy.folder))


def test_a_link_that_leads_out_of_the_package_is_not_followed(copy: Any) -> None:
    secret = copy.folder.parent / "secret.txt"
    secret.write_text("secret")
    copy.write("evidence/notes.txt", b"secret")
    asking = copy.asking.started()
    (copy.folder / "evidence/notes.txt").unlink()
    (copy.folder / "evidence/notes.txt").symlink_to(secret)
    with pytest.raises(MCPError, match=r"evidence/notes\.txt: leads out of the package"):
        asking.read("evidence://package/evidence/notes.txt")
    with pytest.raises(PackageError, match=r"evidence/notes\.txt: leads out of the package"):
        evidence_pack(str(copy.folder))


def test_a_file_larger_than_any_document_is_not_read(copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = copy.asking.started()
    monkeypatch.setattr(package, "FILE_BYTES", 1000)
    assert "evidence/coverage.json: is larger than 1,000 bytes" in asking.refusal("coverage")


@pytest.mark.parametrize(
    ("manifest", "cause"),
    [
        (b"", "is not JSON"),
        (b"{}", "has no table of files"),
        (b'{"files": {"a": 1}}', "has no table of files"),
        (b'{"files": {"a": "abc"}}', "has no table of files"),
        (b'{"files": {}}', r"does not name evidence/coverage\.json and evidence/facts\.json"),
        (json.dumps({"files": {f"f{n}": "0" * 64 for n in range(1001)}}).encode(), "names 1,001 files"),
        (b" " * (1024 * 1024 + 1), "is larger than"),
    ],
    ids=["empty", "no table", "number", "no hash", "no evidence", "many", "large"],
)
def test_a_manifest_of_another_shape_is_refused_at_the_start(copy: Any, manifest: bytes, cause: str) -> None:
    (copy.folder / "manifest.json").write_bytes(manifest)
    with pytest.raises(PackageError, match=f"manifest.json: {cause}"):
        evidence_pack(str(copy.folder))


@pytest.mark.parametrize(
    "location", ["nowhere", "", "https://example.com/package", "s3://", "s3:///prefix", "s3://UPPER/prefix", "file:///x"]
)
def test_a_location_without_a_package_is_refused_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PackageError, match=f"^{location}: "):
        evidence_pack(location)


def test_the_pack_has_a_scope_of_its_own_and_a_folder_needs_nothing_of_aws(copy: Any) -> None:
    pack = evidence_pack(str(copy.folder))
    assert (pack.name, pack.scope) == ("evidence", "evidence")
    assert {tool.needs for tool in pack.tools} == {()}
    assert {tool.scope for tool in pack.tools} == {""}
    assert evidence_pack(str(copy.folder), scope="audit").scope == "audit"


def test_importing_the_pack_and_making_it_load_neither_the_sdk_nor_botocore(copy: Any) -> None:
    script = (
        "import sys; from claimstack.runtime.tools.evidence import evidence_pack\n"
        "heavy = lambda *names: sorted(name for name in names if name in sys.modules)\n"
        "print(heavy('mcp', 'botocore', 'pydantic', 'anyio'))\n"
        f"evidence_pack({str(copy.folder)!r}); print(heavy('mcp', 'botocore'))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]
