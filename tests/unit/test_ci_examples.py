"""CI examples: their commands exist, are complete, and are those that our own CI runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
import yaml

from claimstack.generator import cli

ROOT = Path(__file__).parents[2]
GITHUB = yaml.safe_load((ROOT / "examples" / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((ROOT / "examples" / "ci" / "gitlab-ci.yml").read_text(encoding="utf-8"))
EXAMPLES = ("github", "gitlab")


def scripts(example: str) -> list[str]:
    """The shell texts of an example, in the order in which they run."""
    if example == "github":
        return [step["run"] for step in GITHUB["jobs"]["package"]["steps"] if "run" in step]
    job = GITLAB["claimstack"]
    return [*job["before_script"], *job["script"], *job["after_script"]]


def commands(text: str) -> Iterator[list[str]]:
    """The words of every claimstack and make command of a shell text."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        found = re.search(r"(?:^|[;&|]|\bthen)\s*(?:\S*/)?((?:claimstack|make)\s[^;]*)", line.strip().removeprefix("@"))
        if found:
            yield shlex.split(found[1])


def of_example(example: str) -> list[list[str]]:
    return [command for text in scripts(example) for command in commands(text)]


def named(command: list[str]) -> str:
    """`build`, `build --check`, `lint` …"""
    return " ".join([command[1], *(["--check"] if "--check" in command else [])])


@pytest.mark.parametrize("example", EXAMPLES)
def test_build_lint_check_and_diff_are_all_there_in_this_order(example: str) -> None:
    assert [named(command) for command in of_example(example)] == ["build", "lint", "build --check", "diff"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_command_line_takes_every_command(example: str) -> None:
    group: Any = typer.main.get_command(cli.app)
    context = click.Context(group, info_name="claimstack")
    for program, *arguments in of_example(example):
        assert program == "claimstack"
        name, command, rest = group.resolve_command(context, arguments)
        assert command.make_context(name, list(rest), parent=context).params


def test_a_command_that_does_not_exist_would_be_refused() -> None:
    group: Any = typer.main.get_command(cli.app)
    context = click.Context(group, info_name="claimstack")
    _, command, rest = group.resolve_command(context, ["diff", "a", "b", "--fail-of", "any"])
    with pytest.raises(Exception, match="--fail-of"):
        command.make_context("diff", list(rest), parent=context)


def test_they_are_the_commands_that_our_own_ci_runs() -> None:
    own = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", ".ci/run"))
    ours = {named(command) for command in commands(own) if command[0] == "claimstack"}
    assert {named(command) for example in EXAMPLES for command in of_example(example)} <= ours


def test_both_examples_run_the_same_commands() -> None:
    assert of_example("github") == of_example("gitlab")


def test_actions_are_pinned_by_commit_with_their_version_beside_it() -> None:
    uses = re.findall(r"uses: (.+)", (ROOT / "examples" / "ci" / "github-actions.yml").read_text(encoding="utf-8"))
    assert [line for line in uses if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    assert len(uses) == 3


def test_the_workflow_may_do_no_more_than_read_and_comment() -> None:
    assert GITHUB["permissions"] == {}
    assert GITHUB["jobs"]["package"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    checkout = GITHUB["jobs"]["package"]["steps"][0]["with"]
    assert (checkout["fetch-depth"], checkout["persist-credentials"]) == (0, False)
    assert [text for text in scripts("github") if "${{" in text] == []
