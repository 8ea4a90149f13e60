"""Sides: folders, revisions and their packages; every damage is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.comparison.reading import OPTIONAL
from claimstack.generator.comparison.sides import commit_of, package_roots, read_pairs, revision_files

from .conftest import Files, edited, retention


def save(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def repository(here: Path, files: Files) -> Path:
    """Two commits of out/commercial, the second with a longer retention; and a system that only the second has."""
    git("init", "--initial-branch", "main")
    save(files(), Path("out/commercial"))
    git("add", ".")
    git("commit", "-m", "one")
    save(files(parameters=retention("1827 days")), Path("out/commercial"))
    save(files("govcloud"), Path("out/govcloud"))
    git("add", ".")
    git("commit", "-m", "two")
    return here


def causes(old: str, new: str, package: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        read_pairs(old, new, package)
    return error.value.causes


def labels(*arguments: Any) -> list[tuple[str, str, str]]:
    return [(pair.name, pair.old.label, pair.new.label) for pair in read_pairs(*arguments)]


def test_two_package_folders_are_one_pair(files: Files) -> None:
    save(files(), Path("before"))
    save(files(), Path("after"))
    assert labels("before", "after", None) == [("grants-tools", "before", "after")]


def test_folders_of_packages_are_paired_by_name_and_what_is_alone_meets_nothing(files: Files) -> None:
    for name in ("before/one", "before/gone", "after/one", "after/new"):
        save(files(), Path(name))
    Path("after/notes").mkdir()
    assert labels("before", "after", None) == [
        ("gone", "before/gone", "nothing"),
        ("new", "nothing", "after/new"),
        ("one", "before/one", "after/one"),
    ]


def test_a_package_does_not_meet_a_folder_of_packages(files: Files) -> None:
    save(files(), Path("before"))
    save(files(), Path("after/one"))
    assert causes("before", "after") == ("before: is a package, and after holds 1 (one); name one of them",)


@pytest.mark.usefixtures("repository")
def test_revisions_are_read_below_out_when_nothing_else_is_said() -> None:
    assert labels("HEAD~1", "HEAD", None) == [
        ("commercial", "HEAD~1:out/commercial", "HEAD:out/commercial"),
        ("govcloud", "nothing", "HEAD:out/govcloud"),
    ]


def test_a_revision_is_read_where_package_says(repository: Path) -> None:
    (pair,) = read_pairs("HEAD~1", "HEAD", Path("out/commercial"))
    assert (pair.old.label, pair.new.label) == ("HEAD~1:out/commercial", "HEAD:out/commercial")
    assert pair.old.texts != pair.new.texts
    assert pair.new.texts["evidence/facts.json"] == (repository / "out/commercial/evidence/facts.json").read_text()


def test_a_revision_meets_the_folder_that_the_other_argument_names(repository: Path) -> None:
    assert labels("HEAD", "out/commercial", None) == [("grants-tools", "HEAD:out/commercial", "out/commercial")]
    assert labels("HEAD", str(repository / "out" / "commercial"), None)[0][1].startswith("HEAD:/")


@pytest.mark.usefixtures("repository")
def test_an_existing_folder_is_a_folder_even_where_a_revision_has_its_name(files: Files) -> None:
    save(files(), Path("main"))
    assert labels("main", "out/commercial", None) == [("grants-tools", "main", "out/commercial")]


def test_a_revision_is_found_from_a_folder_below(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "out")
    assert [pair.old.label for pair in read_pairs("HEAD~1", "HEAD", Path("commercial"))] == ["HEAD~1:commercial"]


def test_files_of_a_revision_are_those_that_git_has(repository: Path) -> None:
    (repository / "out/commercial/evidence/facts.json").write_text("changed since")
    assert revision_files("HEAD", Path("out/commercial"))["evidence/facts.json"].startswith(b"{")
    assert commit_of("HEAD") is not None
    assert commit_of("nothing") is None


@pytest.mark.usefixtures("repository")
def test_a_wrong_revision_is_named_with_what_to_do() -> None:
    assert causes("nothing", "HEAD") == (
        "nothing: is neither a folder nor a revision that git finds here; correct it, or in a shallow clone fetch it first "
        "(git fetch --unshallow)",
    )
    assert causes("--output=x", "HEAD")[0].startswith("--output=x: is neither a folder nor a revision")


@pytest.mark.usefixtures("repository")
def test_a_package_that_a_revision_does_not_have_is_named() -> None:
    assert causes("HEAD~1", "HEAD", Path("out/govcloud")) == ("HEAD~1: has no out/govcloud; name the folder that it has with --package",)
    assert "lies outside the repository" in causes("HEAD~1", "HEAD", Path("/usr"))[0]


def test_without_a_repository_there_is_no_revision() -> None:
    assert causes("HEAD~1", "HEAD") == (
        "HEAD~1: is no folder, and here is no git repository in which it could be a revision; name two package folders",
    )


def test_without_git_there_is_no_revision(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    assert causes("HEAD~1", "HEAD")[0].startswith("git: is not installed")


def test_two_folders_need_no_package(files: Files) -> None:
    save(files(), Path("before"))
    assert causes("before", "before", Path("before"))[0].startswith("--package: before and before are folders already")


def test_a_folder_without_a_package_is_none() -> None:
    Path("empty").mkdir()
    Path("empty/notes.md").write_text("")
    assert causes("empty", "empty") == ("empty: is no package and holds none: it has no manifest.json; claimstack build writes one",)


def without(files: dict[str, str], *paths: str) -> dict[str, str]:
    return {path: text for path, text in files.items() if path not in paths}


def test_every_missing_file_is_named(files: Files) -> None:
    save(without(files(), "manifest.json", "evidence/facts.json"), Path("damaged"))
    assert causes("damaged", "damaged") == (
        "damaged/manifest.json: missing; build the package again",
        "damaged/evidence/facts.json: missing; build the package again",
    )
    save(without(files(), "oscal/component-definition.json"), Path("other"))
    assert causes("other", "other") == (
        "other/oscal/component-definition.json: missing, and the manifest lists it; build the package again",
    )


def test_broken_files_of_both_packages_of_a_folder_are_named(files: Files) -> None:
    save({**files(), "evidence/facts.json": "{"}, Path("out/one"))
    save({**files(), "cloudformation/server.json": "no"}, Path("out/two"))
    Path("out/two/oscal/component-definition.json").write_bytes(b"\xff")
    found = causes("out", "out")
    assert [cause.partition(" (")[0] for cause in found] == [
        "out/one/evidence/facts.json: is not JSON",
        "out/two/cloudformation/server.json: is not JSON",
        "out/two/oscal/component-definition.json: is not UTF-8 text; build the package again",
    ]


def wrong_shape(path: str, files: dict[str, str]) -> dict[str, str]:
    edits: dict[str, Any] = {
        "manifest.json": lambda document: document.pop("partition"),
        "evidence/coverage.json": lambda document: document["answers"]["ac-1"]["points"]["ac-1_smt.a"].pop("status"),
        "evidence/facts.json": lambda document: document["facts"][0].update(check="unknown"),
    }
    return edited(files, path, edits[path])


@pytest.mark.parametrize("path", ["manifest.json", "evidence/coverage.json", "evidence/facts.json"])
def test_a_file_of_another_shape_is_named(path: str, files: Files) -> None:
    save(wrong_shape(path, files()), Path("damaged"))
    (cause,) = causes("damaged", "damaged")
    assert cause.startswith(f"damaged/{path}: is not what claimstack build writes (")


@pytest.mark.parametrize("text", ["[]", "null", '"text"', "3"])
@pytest.mark.parametrize("path", ["manifest.json", "evidence/coverage.json", "evidence/facts.json"])
def test_json_of_any_kind_in_place_of_a_file_is_refused(path: str, text: str, files: Files) -> None:
    save({**files(), path: text}, Path("damaged"))
    assert causes("damaged", "damaged")[0].startswith(f"damaged/{path}: is not what claimstack build writes (")


@pytest.mark.parametrize("text", ["[]", "null", "{}"])
@pytest.mark.parametrize("path", OPTIONAL)
def test_a_document_that_only_newer_packages_have_is_refused_where_it_is_no_such_document(path: str, text: str, files: Files) -> None:
    """A document without its content would read as if everything in it had gone."""
    save({**files(), path: text}, Path("damaged"))
    assert causes("damaged", "damaged")[0].startswith(f"damaged/{path}: is not what claimstack build writes (")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{}", "damaged/cloudformation/server.json: is no template: it has no Resources; build the package again"),
        ("[]", "damaged/cloudformation/server.json: is no template: it has no Resources; build the package again"),
        ('{"Resources": []}', "damaged/cloudformation/server.json: /Resources is not an object; build the package again"),
        ('{"Resources": {"A": {}}}', "damaged/cloudformation/server.json: /Resources/A has no Type; build the package again"),
    ],
)
def test_a_template_that_is_none_is_named(template: str, said: str, files: Files) -> None:
    save({**files(), "cloudformation/server.json": template}, Path("damaged"))
    assert causes("damaged", "damaged") == (said,)


def test_a_template_that_the_facts_speak_of_has_to_be_there(files: Files) -> None:
    damaged = without(files(), "cloudformation/server.json")
    save(edited(damaged, "manifest.json", lambda document: document["files"].pop("cloudformation/server.json")), Path("damaged"))
    assert causes("damaged", "damaged") == (
        "damaged/cloudformation/server.json: missing, and evidence/facts.json speaks of its resources; build the package again",
    )


def test_packages_are_told_by_their_files() -> None:
    assert package_roots(["manifest.json", "cloudformation/server.json", "a/manifest.json"]) == [""]
    assert package_roots(["b/manifest.json", "a/evidence/facts.json", "README.md", "c/d/manifest.json"]) == ["a", "b"]
    assert package_roots(["cloudformation", "evidence", "a/b/c"]) == []


def test_other_folders_of_a_repository_are_not_walked(files: Files) -> None:
    save(files(), Path("commercial"))
    deep = Path("node_modules/x/cloudformation")
    deep.mkdir(parents=True)
    (deep / "broken.json").write_text(json.dumps(None))
    assert labels(".", ".", None) == [("commercial", "./commercial", "./commercial")]
