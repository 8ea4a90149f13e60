"""Lint: what other judges say of a package."""

from __future__ import annotations

import dataclasses
import json

import typer

from claimstack.controls.errors import InputError
from claimstack.generator import options
from claimstack.generator.console import FAILED_CHECK, out, progress, say


def lint(packages: options.Packages = None, region: options.LintRegions = None, as_json: options.AsJson = False) -> None:
    """Hold the templates against cfn-lint, the documents against our own rules and every file against the manifest; exit 1 on any finding.

    Example: `claimstack lint out/commercial --region us-east-1 --region us-west-2`
    """
    from claimstack.generator.lint import lint_package, partition_of_package
    from claimstack.generator.partition import partition_of
    from claimstack.generator.writing import built_packages

    for asked in region or ():
        partition_of(asked)
    folders = packages or built_packages()
    if not folders:
        raise InputError("out: holds no package; run claimstack build, or name a package folder")
    found: dict[str, list[dict[str, str]]] = {}
    for folder in folders:
        with progress(f"Linting {folder}"):
            findings = lint_package(folder, tuple(region or partition_of_package(folder).lint_regions))
        found[str(folder)] = [dataclasses.asdict(finding) for finding in findings]
    if as_json:
        out.print_json(json.dumps(found))
    else:
        for package, rows in found.items():
            say(f"{package}: {len(rows)} {'finding' if len(rows) == 1 else 'findings'}")
            for row in rows:
                place = f"{row['file']}#/{row['where']}" if row["where"] else row["file"]
                say(f"  {row['rule']} {place}: {row['message']}")
    if any(found.values()):
        raise typer.Exit(FAILED_CHECK)
