from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.documents.image_context import locked_packages
from claimstack.generator.requirements import Requirement, normal_name, parse_requirements

ROOT = Path(__file__).parents[3]
ONE, TWO = "1" * 64, "2" * 64
EXTRAS = ("runtime", "otel")


def causes(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_requirements(text, "team.lock")
    return caught.value.causes


def test_lock_is_read_as_uv_writes_it() -> None:
    text = f"""\
# Ours.
anyio==4.1 \\
    --hash=sha256:{ONE} \\
    --hash=sha256:{TWO}
    # via httpx2, mcp
Zope_Interface[test]==7.0.post1 \\
    --hash=sha256:{ONE}
"""
    assert parse_requirements(text, "team.lock") == (
        Requirement("anyio", "4.1", frozenset({ONE, TWO}), ("httpx2", "mcp")),
        Requirement("zope-interface", "7.0.post1", frozenset({ONE})),
    )


def test_lock_is_read_as_pip_compile_writes_it() -> None:
    text = f"""\
--index-url https://packages.example.gov/simple

anyio==4.1 \\
    --hash=sha256:{ONE}
    # via
    #   -r team.in
    #   httpx2
six==1.17.0 --hash=sha256:{TWO}  # via anyio
"""
    found = parse_requirements(text, "team.lock")
    assert [(package.name, package.sha256) for package in found] == [("anyio", {ONE}), ("six", {TWO})]
    assert "httpx2" in found[0].asked_by
    assert found[1].asked_by == ("anyio",)


def test_each_line_that_locks_nothing_is_named() -> None:
    text = f"anyio>=4\nsix==1.17.0\n./desk\nattrs==26.1 --hash=sha256:{ONE}\ncolorama==1 ; sys_platform == 'win32' --hash=sha256:{ONE}\n"
    assert causes(text) == (
        "team.lock: line 1: anyio>=4: names no exact version; lock it with uv pip compile --generate-hashes",
        "team.lock: line 2: six: has no hash; lock it with uv pip compile --generate-hashes",
        "team.lock: line 3: ./desk: names no exact version; lock it with uv pip compile --generate-hashes",
        "team.lock: line 5: colorama: has a condition; lock for the platform of the image alone, without --universal",
    )


def test_hash_of_another_kind_is_none() -> None:
    assert causes(f"six==1.17.0 --hash=md5:{'1' * 32}\n") == (
        "team.lock: line 1: six: has no hash; lock it with uv pip compile --generate-hashes",
    )


def test_package_urls_name_project_and_version() -> None:
    assert Requirement("anyio", "4.1", frozenset({ONE})).purl == "pkg:pypi/anyio@4.1"


def test_lock_of_the_image_answers_the_extras_of_the_runtime() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = {re.split(r"[<>=!~;\[ ]", each)[0]: each for extra in EXTRAS for each in extras[extra]}
    locked = {package.name: package for package in locked_packages()}
    direct = {package.name for package in locked.values() if "claimstack" in package.asked_by}
    assert direct == {normal_name(name) for name in asked}
    for name, requirement in asked.items():
        for operator, bound in re.findall(r"(>=|<)([\d.]+)", requirement):
            there = numbers(locked[normal_name(name)].version)
            assert there >= numbers(bound) if operator == ">=" else there < numbers(bound), requirement


def test_image_holds_the_versions_that_the_tests_ran_with() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = {normal_name(name): version for name, _, version in (line.partition("==") for line in lines if line[:1] not in ("#", ""))}
    locked = {package.name: package.version for package in locked_packages()}
    assert {name: version for name, version in locked.items() if tested.get(name) != version} == {}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
