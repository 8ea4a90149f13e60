"""Refresh: what newer official files change, and whom it touches."""

from __future__ import annotations

import json

import typer

from claimstack.controls.errors import InputError, raise_all
from claimstack.generator import options
from claimstack.generator.console import FAILED_CHECK, out, progress, refuse_two_forms, say, tell


def refresh(
    systems: options.TouchedSystems = None,
    check: options.OfficialFiles = None,
    as_json: options.AsJson = False,
    as_markdown: options.AsMarkdown = False,
) -> None:
    """Compare the facts of this package with official files of NIST and FedRAMP, and say which claims and answers a change touches.

    The folder is laid out like the one the facts came from; files may be newer and single ones may be missing, which is said. Nothing is
    written. Exit 1 when anything changed. Without a system file no claims are looked at.

    Example: `claimstack refresh --check ../official-files system.toml`
    """
    from claimstack.controls.changes import compare
    from claimstack.generator.build import build
    from claimstack.generator.extensions import load_extensions
    from claimstack.generator.loading import load_config
    from claimstack.generator.refreshing import as_data, impacts, summary
    from claimstack.generator.refreshing import as_markdown as markdown

    if check is None:
        raise InputError("--check: missing; name the folder of the official files, such as `claimstack refresh --check ../official-files`")
    refuse_two_forms(as_json=as_json, as_markdown=as_markdown)
    built = {}
    with progress("Comparing"):
        causes: list[str] = []
        for file in systems or ():
            try:
                config = load_config(file)
                built[str(file)] = build(config, load_extensions(config.extensions, file.parent))
            except InputError as error:
                causes += error.causes
        raise_all(causes)
        comparison = compare(check)
        found = impacts(comparison, built)
    if as_json:
        out.print_json(json.dumps(as_data(comparison, found)))
    elif as_markdown:
        typer.echo(markdown(comparison, found, built), nl=False)
    else:
        for impact in found:
            say(f"{impact.change.text} [{impact.change.kind}]")
            for line in summary(impact):
                say(f"  {line}")
        for note in comparison.notes:
            tell(f"note: {note}")
        if not built:
            tell("note: no system file is named: its claims and what it states were not looked at")
        files, changes = len(comparison.compared), len(found)
        said = f"{files} {'file' if files == 1 else 'files'} compared, {changes} {'change' if changes == 1 else 'changes'}"
        say(said)
    if found:
        raise typer.Exit(FAILED_CHECK)
