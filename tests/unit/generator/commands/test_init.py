"""`claimstack init`: a file that builds, from flags or from answers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.unit.generator.conftest import Ended, Run

from claimstack.generator import cli
from claimstack.generator.loading import load_config

from .conftest import system


def test_init_writes_a_file_that_builds(run: Run) -> None:
    ended = run("init")
    assert (ended.code, ended.out) == (0, "system.toml written. Next: claimstack build system.toml\n")
    assert ended.errors[0] == "The http-api front door cannot have:"
    assert run("build").code == 0


def test_init_never_overwrites(run: Run) -> None:
    system("mine")
    assert run("init") == Ended(2, "", "error: system.toml: exists already; name another file, or move it away\n")
    assert Path("system.toml").read_text() == "mine"


def test_init_asks_nothing_for_a_file_that_is_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    system("mine")
    monkeypatch.setattr(cli.typer, "prompt", lambda *_, **__: pytest.fail("asked"))
    assert run("init", "-i") == Ended(2, "", "error: system.toml: exists already; name another file, or move it away\n")


def test_init_proposes_the_flags_when_it_asks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.typer, "prompt", lambda _, *, default: default)
    flags = ("--name", "desk", "--title", "Desk", "--front-door", "http-api", "--consumer", "one", "--consumer", "two", "--no-registry")
    assert run("init", "-i", *flags, "--key").code == 0
    config = load_config(Path("system.toml"))
    assert (config.name, config.front_door.type, config.auth.consumers) == ("desk", "http-api", ("one", "two"))
    assert (config.registry.stack, config.key.stack, config.runtime.sessions) == (False, True, False)


def test_init_tells_every_wrong_flag_by_its_name(run: Run) -> None:
    ended = run("init", "--front-door", "http", "--class", "E", "--auth", "extern", "--certification", "21x", "--region", "mars")
    assert (ended.code, [line.split(": ")[1] for line in sorted(ended.errors)], Path("system.toml").exists()) == (
        2,
        ["--auth", "--certification", "--class", "--front-door", "--region"],
        False,
    )


def test_init_takes_flags_and_refuses_what_cannot_be(run: Run) -> None:
    door = ("--front-door", "rest-api", "--domain", "mcp.example.gov", "--waf", "--streaming", "--region", "us-gov-west-1")
    assert run("init", "desk.toml", "--name", "desk", *door, "--certification", "rev5", "--sessions", "--key", "--no-registry").code == 0
    config = load_config(Path("desk.toml"))
    assert (config.name, config.front_door.waf, config.key.stack, config.registry.stack) == ("desk", True, True, False)
    ended = run("init", "bad.toml", "--waf", "--class", "D")
    assert (ended.code, Path("bad.toml").exists()) == (2, False)
    assert [line.partition(" AWS")[0].partition(" class D")[0] for line in sorted(ended.errors)] == [
        "error: --certification:",
        "error: --waf:",
    ]


def test_init_asks_and_asks_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            "My Desk",
            "desk",
            "The desk",
            "C",
            "20x",
            "us-east-9",
            "us-east-1",
            "http-api",
            "",
            "cognito",
            "reader",
            "",
            "no",
            "no",
            "no",
            "yes",
            "SaaS",
            "",
        ]
    )
    asked = []

    def prompt(text: str, *, default: str | None) -> str:  # noqa: ARG001 - as typer.prompt
        asked.append(text)
        return next(answers)

    monkeypatch.setattr(cli.typer, "prompt", prompt)
    assert run("init", "--interactive").code == 0
    assert (load_config(Path("system.toml")).name, load_config(Path("system.toml")).auth.consumers) == ("desk", ("reader",))
    assert [text.partition(":")[0] for text in asked if "\n" in text] == ["name", "region"]


def test_init_that_is_left_writes_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.typer, "prompt", leave)
    assert (run("init", "-i").code, Path("system.toml").exists()) == (130, False)


@pytest.mark.parametrize(
    ("raised", "code", "said"), [(KeyboardInterrupt, 130, "interrupted"), (EOFError, 2, "error: --interactive: the input")]
)
def test_a_question_that_is_left_ends_as_a_build_does(
    run: Run, monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], code: int, said: str
) -> None:
    """Below typer.prompt, which turns both into one exception."""

    def leave(*_: object) -> str:
        raise raised

    monkeypatch.setattr("builtins.input", leave)
    for module in ("typer._click.termui", "click.termui"):
        if module in sys.modules:
            monkeypatch.setattr(sys.modules[module], "visible_prompt_func", leave)
    ended = run("init", "-i")
    assert (ended.code, Path("system.toml").exists()) == (code, False)
    assert said in ended.err
