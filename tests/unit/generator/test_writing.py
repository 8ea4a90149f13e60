"""A package reaches the disk whole, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator import writing
from claimstack.generator.writing import differences, foreign_files, refuse_existing, sha256, write_new, write_package, write_texts


def package(**files: str) -> dict[str, str]:
    named = {name.replace("__", "/"): text for name, text in files.items()}
    return {**named, "manifest.json": json.dumps({"files": {path: sha256(text) for path, text in named.items()}})}


def test_a_second_build_replaces_the_first_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_package(package(a="1", sub__b="2"), tmp_path / "out" / "demo")
    write_package(package(a="3"), tmp_path / "out" / "demo")
    assert sorted(path.name for path in (tmp_path / "out" / "demo").iterdir()) == ["a", "manifest.json"]
    assert (tmp_path / "out" / "demo" / "a").read_text() == "3"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["demo"]


def test_a_file_that_no_build_wrote_is_never_lost(tmp_path: Path) -> None:
    write_package(package(a="1"), tmp_path / "demo")
    (tmp_path / "demo" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"demo: holds notes\.txt that no build has written"):
        write_package(package(a="2"), tmp_path / "demo")
    assert (tmp_path / "demo" / "a").read_text() == "1"


def test_a_folder_without_a_manifest_is_not_ours_to_replace(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_text("")
    (tmp_path / "photos" / "two.png").write_text("")
    with pytest.raises(InputError, match=r"holds one\.png and 1 more files"):
        write_package(package(a="1"), tmp_path / "photos")


@pytest.mark.parametrize("manifest", ["{", "[]", "5", '{"files": 5}', '{"files": ["a"]}', '{"files": null}', "{}", "[" * 100_000])
def test_a_manifest_that_lists_no_files_is_named_and_nothing_is_lost(tmp_path: Path, manifest: str) -> None:
    write_package(package(a="1"), tmp_path / "demo")
    (tmp_path / "demo" / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match=r"demo/manifest\.json: does not list the files that a build has written; restore it"):
        write_package(package(a="2"), tmp_path / "demo")
    assert (tmp_path / "demo" / "a").read_text() == "1"


def test_a_file_in_the_place_of_a_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(InputError, match="is a file; a package is a folder"):
        foreign_files(tmp_path / "demo")


def test_an_interrupted_build_leaves_the_old_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(package(a="old"), tmp_path / "demo")
    real = Path.rename

    def interrupt(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(writing.Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_package(package(a="new"), tmp_path / "demo")
    assert (tmp_path / "demo" / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"demo: cannot be written \(.+\); choose another --out"):
        write_package(package(a="1"), tmp_path / "file" / "demo")


def test_differences_name_what_is_missing_foreign_and_changed(tmp_path: Path) -> None:
    files = package(a="1", b="2", c="3")
    write_package(files, tmp_path / "demo")
    (tmp_path / "demo" / "a").unlink()
    (tmp_path / "demo" / "b").write_text("changed")
    (tmp_path / "demo" / "d").write_text("new")
    assert [line.removeprefix(str(tmp_path) + os.sep) for line in differences(files, tmp_path / "demo")] == [
        "demo/a: missing",
        "demo/d: not written by a build",
        "demo/b: line 1 is 'changed', the system file gives '2'",
    ]
    assert list(differences(files, tmp_path / "nowhere")) == [f"{tmp_path / 'nowhere'}: does not exist; run claimstack build"]


def test_a_file_that_cannot_be_read_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("1")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert list(differences({"a": "1"}, tmp_path)) == [f"{tmp_path / 'a'}: cannot be read (Permission denied)"]


@pytest.mark.parametrize(
    ("there", "given", "said"),
    [
        ("a\n  b\n", "a\nb\n", "line 2 differs from what the system file gives in white space only"),
        ("a b\n", "a  b\n", "line 1 differs from what the system file gives in white space only"),
        ("  a\nb\n", "a\nc\n", "line 2 is 'b', the system file gives 'c'"),
        ("a\r\nb\r\n", "a\nb\n", "differs from what the system file gives in its line endings"),
        ("a\n", "a\nb\n", "line 2 is missing, the system file gives 'b'"),
        ("a\n\n", "a\n", "line 2 is '', the system file gives missing"),
        (
            "x" * 200 + "1" + "y" * 200,
            "x" * 200 + "2" + "y" * 200,
            f"line 1 is …'{'x' * 50}1{'y' * 49}'…, the system file gives …'{'x' * 50}2{'y' * 49}'…",
        ),
    ],
)
def test_the_first_difference_is_shown_where_it_is(tmp_path: Path, there: str, given: str, said: str) -> None:
    (tmp_path / "a").write_bytes(there.encode())
    assert list(differences({"a": given}, tmp_path)) == [f"{tmp_path / 'a'}: {said}"]


@pytest.mark.parametrize(
    ("there", "given", "said"),
    [
        ('{"a": {"b": [1, 2]}}', '{\n "a": {\n  "b": [1, 3]\n }\n}\n', "/a/b/1 is 2, the system file gives 3"),
        ('{"a": {"b": [1, 2]}}', '{\n "a": {\n  "b": [1, 2]\n }\n}\n', "differs from what the system file gives in white space only"),
        ('{"a": 1, "c": 2}', '{"a": 1}', "/c is 2, the system file gives missing"),
        ('{"a": [1]}', '{"a": [1, null]}', "/a/1 is missing, the system file gives null"),
        ('{"a": 1}', '{"a": true}', "/a is 1, the system file gives true"),
        ('{"a/b": {"~": 1}}', '{"a/b": {"~": 2}}', "/a~1b/~0 is 1, the system file gives 2"),
        ("[]", '{"a": 1}', 'the document is [], the system file gives {"a": 1}'),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "holds what the system file gives, in another order of keys or otherwise written"),
        ('{"a": 1}\r\n', '{"a": 1}\n', "differs from what the system file gives in its line endings"),
        ("{", '{"a": 1}', "line 1 is '{', the system file gives '{\"a\": 1}'"),
    ],
)
def test_the_first_difference_of_documents_is_a_pointer(tmp_path: Path, there: str, given: str, said: str) -> None:
    (tmp_path / "a.json").write_bytes(there.encode())
    assert list(differences({"a.json": given}, tmp_path)) == [f"{tmp_path / 'a.json'}: {said}"]


def test_a_file_that_would_be_refused_is_refused_before_any_question(tmp_path: Path) -> None:
    (tmp_path / "system.toml").write_text("a")
    refuse_existing(tmp_path / "new.toml")
    with pytest.raises(InputError, match="exists already"):
        refuse_existing(tmp_path / "system.toml")
    with pytest.raises(InputError, match="there is no folder"):
        refuse_existing(tmp_path / "missing" / "system.toml")


def test_a_new_file_never_overwrites_an_old_one(tmp_path: Path) -> None:
    write_new(tmp_path / "system.toml", "a")
    with pytest.raises(InputError, match="exists already"):
        write_new(tmp_path / "system.toml", "b")
    with pytest.raises(InputError, match="cannot be written"):
        write_new(tmp_path / "missing" / "system.toml", "b")
    assert (tmp_path / "system.toml").read_text() == "a"


def test_files_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        write_texts({tmp_path / "no" / "a.md": "", tmp_path / "b.md": "text"})
    assert error.value.causes == (
        f"{tmp_path / 'no' / 'a.md'}: cannot be written (No such file or directory); name another file, or mend the permissions",
    )
    assert (tmp_path / "b.md").read_text() == "text"
