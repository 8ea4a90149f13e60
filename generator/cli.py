"""Command line: the commands by name, and how a run ends."""

from __future__ import annotations

import sys

INTERRUPTED = 130

try:
    from collections.abc import Callable, Mapping
    from importlib.metadata import version as installed_version
    from typing import Annotated

    import typer

    from claimstack.controls.errors import InputError
    from claimstack.generator.commands.build import build
    from claimstack.generator.commands.coverage import coverage
    from claimstack.generator.commands.diff import diff
    from claimstack.generator.commands.explain import explain
    from claimstack.generator.commands.image import image
    from claimstack.generator.commands.init import init
    from claimstack.generator.commands.lint import lint
    from claimstack.generator.commands.preflight import preflight
    from claimstack.generator.commands.refresh import refresh
    from claimstack.generator.commands.rotate import rotate_client, rotate_state
    from claimstack.generator.commands.serve import serve
    from claimstack.generator.console import WRONG_INPUT, err, out, tell
except KeyboardInterrupt:  # these take a tenth of a second, in which main() is not there yet to answer
    sys.exit(INTERRUPTED)

COMMANDS: Mapping[str, Callable[..., None]] = {
    "build": build,
    "coverage": coverage,
    "diff": diff,
    "explain": explain,
    "init": init,
    "lint": lint,
    "preflight": preflight,
    "refresh": refresh,
    "serve": serve,
    "image": image,
}
ROTATIONS: Mapping[str, Callable[..., None]] = {"state": rotate_state, "client": rotate_client}

app = typer.Typer(
    name="claimstack",
    help="""Turn one system file into a FedRAMP-aligned remote MCP server on AWS, with the evidence that follows from it.

    Begin with `claimstack init`, then `claimstack build`.

    Exit codes: 0 all is well; 1 a fact failed, a package differs, a linter found something, a key policy does not surely admit a
    consumer or a call of AWS failed; 2 wrong input, told with one line for each cause; 130 interrupted, and nothing is left half-written.
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

rotating = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(
    rotating,
    name="rotate",
    help="""Rotate the state secret of a system, or the secret of one of its clients, in the AWS account of the credentials in use.

    Both overlap: what the old value has given out stays valid. An interrupted run is resumed by the same command. Exit codes: 2 wrong
    input, or refused and nothing done; 1 a call of AWS failed, and how things stand is said.
    """,
)

for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
for _name, _command in ROTATIONS.items():
    rotating.command(_name)(_command)


@app.callback(invoke_without_command=True)
def _version(show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if show_version:
        out.print(f"claimstack {installed_version('claimstack')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; wrong input ends with one line for each cause and exit code 2, an interrupt with 130."""
    try:
        app()
    except InputError as error:
        for cause in error.causes:
            tell(f"error: {cause}", "red")
        sys.exit(WRONG_INPUT)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer has turned the KeyboardInterrupt into it
            err.print("interrupted; no package was left half-written")
        raise
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
