"""Diff: what a change does to resources, claims, parameters, boundary and documents."""

from __future__ import annotations

import json

import typer

from claimstack.generator import options
from claimstack.generator.console import FAILED_CHECK, out, progress, refuse_two_forms, tell


def diff(
    old: options.Old,
    new: options.New,
    package: options.ComparedPackage = None,
    as_json: options.AsJson = False,
    as_markdown: options.AsMarkdown = False,
    output: options.Outputs = None,
    scn: options.Notification = None,
    fail_on: options.FailOn = None,
) -> None:
    """Say what a change does: resources replaced, claims lost, facts that turned, parameters, boundary, and statements gone stale.

    OLD and NEW are package folders, folders that hold several packages (paired by name), or git revisions. An argument that is an existing
    folder is that folder; any other is a revision, in which the folder of --package is read, else that of the other argument, else `out`.
    Nothing is built and nothing is checked out.

    A FedRAMP significant-change class is proposed, with the reasons; a person decides. Exit codes: 1 where a --fail-on is met, else 0.

    Example: `claimstack diff HEAD~1 HEAD --package out/commercial`

    Example: `claimstack diff origin/main out --output change.md --fail-on lost-claim --fail-on stateful-replacement`
    """
    from claimstack.generator.comparison.comparing import as_data, compare_pair, met_gates, named_gates
    from claimstack.generator.comparison.notification import notifications
    from claimstack.generator.comparison.showing import markdown, terminal
    from claimstack.generator.comparison.sides import read_pairs
    from claimstack.generator.writing import write_texts

    refuse_two_forms(as_json=as_json, as_markdown=as_markdown)
    gates = named_gates(fail_on or ())
    with progress("Comparing"):
        comparisons = [compare_pair(pair) for pair in read_pairs(old, new, package)]
    met = {comparison.name: met_gates(comparison, gates) for comparison in comparisons}
    drafts = notifications(comparisons, scn) if scn is not None else {}
    document = {"comparisons": [as_data(comparison) for comparison in comparisons], "failed_on": met}
    write_texts(
        {
            **{path: json.dumps(draft.content, ensure_ascii=False, indent=2) + "\n" for path, draft in drafts.items()},
            **{
                path: json.dumps(document, ensure_ascii=False, indent=2) + "\n" if path.suffix == ".json" else markdown(comparisons)
                for path in output or ()
            },
        }
    )
    if as_json:
        out.print_json(json.dumps(document))
    elif as_markdown:
        typer.echo(markdown(comparisons), nl=False)
    else:
        for comparison in comparisons:
            out.print(terminal(comparison))
    for path, draft in drafts.items():
        tell(f"{path}: draft of a notification; people fill {', '.join(draft.open)}")
    for name, failed in met.items():
        for gate in failed:
            tell(f"fails on {gate}: {name}", "red")
    if any(met.values()):
        raise typer.Exit(FAILED_CHECK)
