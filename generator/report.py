"""Report: evidence as tables and trees for a terminal of 80 columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from claimstack.generator.documents.parties import name_of
from claimstack.generator.predicates import Outcome, worst

STYLE = {
    "implemented": "green",
    "passed": "green",
    "partial": "yellow",
    "conditional": "yellow",
    "not-evaluated": "yellow",
    "planned": "yellow",
    "failed": "bold red",
    "not-addressed": "red",
}
LONGEST_VALUE = 160
"""Characters of a found value that are shown; the evidence file has the whole."""


def coverage_table(coverage: dict[str, Any]) -> RenderableType:
    """Points and controls per status, against the whole class."""
    head = f"{coverage['system']}: class {coverage['class']}, {coverage['certification']}, {coverage['level']}"
    table = Table(title=head, title_justify="left")
    table.add_column("status")
    table.add_column("points", justify="right")
    table.add_column("controls", justify="right")
    for status, points in coverage["points"].items():
        if status != "total":
            table.add_row(Text(status, STYLE.get(status, "")), str(points), str(coverage["controls"][status]))
    table.add_section()
    table.add_row("of the class", str(coverage["points"]["total"]), str(coverage["controls"]["total"]))
    leveraged = coverage.get("leveraged")
    if leveraged is None:
        return table
    authorized = f"package {leveraged['package_id']}, authorized {leveraged['date_authorized']}"
    return Group(table, Text(f"inherited answers rest on {leveraged['title']} ({authorized}), where none names another provider"))


def points_table(rows: Iterable[tuple[str, str, dict[str, Any]]]) -> RenderableType:
    """One line a point: id, status and what the status rests on."""
    table = Table(box=None, pad_edge=False)
    table.add_column("point", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("why")
    for _, point, said in rows:
        table.add_row(point, Text(said["status"], STYLE.get(said["status"], "")), Text(said["why"]))
    return table


def parameters_table(parameters: dict[str, dict[str, dict[str, Any]]]) -> RenderableType:
    """Control parameters that want a value, then those that have one."""
    unset = Table(title=f"{_number(len(parameters['unset']), 'has', 'have')} no value", title_justify="left")
    for column in ("parameter", "control"):
        unset.add_column(column, no_wrap=True)
    unset.add_column("title of the control")
    for id_, said in parameters["unset"].items():
        unset.add_row(id_, said["control"], Text(said["title"]))
    given = Table(title=f"{len(parameters['set'])} {'has' if len(parameters['set']) == 1 else 'have'} one", title_justify="left")
    given.add_column("parameter", no_wrap=True)
    for column in ("value", "approver", "reason"):
        given.add_column(column)
    given.add_column("date", no_wrap=True)
    for id_, said in parameters["set"].items():
        by = "" if said["decided_by"] == "system.toml" else f" (decided by the {said['decided_by']})"
        given.add_row(id_, Text(said["value"] + by), Text(said["approver"]), Text(said["reason"]), said["date"])
    first = next(iter(parameters["unset"]), None)
    how = f'Give one a value in system.toml: [parameters."{first}"] with value, reason, approver and date.'
    return Group(unset, given, *([Text(how)] if first is not None else []))


def _number(count: int, one: str, many: str) -> str:
    return f"1 control parameter of claimed controls {one}" if count == 1 else f"{count} control parameters of claimed controls {many}"


def explanation_tree(explanation: dict[str, Any], *, full: bool = True) -> RenderableType:
    """The chain from a point down to the values found; without `full` it ends at the outcome of each check."""
    trees: list[RenderableType] = [_resource_tree(resource) for resource in explanation.get("resources", ())]
    trees += [_check_tree(Tree(""), check) for check in explanation.get("checks", ())]
    for point in explanation["points"]:
        head = Text.assemble((point["point"], "bold"), "  ", (point["status"], STYLE.get(point["status"], "")))
        if point["title"]:
            head.append(f"  {point['title']}", "dim")
        tree = Tree(head)
        if point.get("supplemental"):
            tree.add(Text("supplemental: outside the class, shown but not counted", "dim"))
        tree.add(Text(point["why"]))
        overridden = point.get("ceiling_overridden")
        if overridden:
            tree.add(Text.assemble((f"ceiling overridden by {overridden['by']}: ", "yellow"), overridden["because"]))
        package_id = point.get("disposition", {}).get("package_id")
        if package_id:
            tree.add(Text(f"inherited from package {package_id}", "dim"))
        for claim in point["claims"]:
            branch = tree.add(Text.assemble((claim["resource"], "cyan"), "  ", claim["sentence"]))
            for check in claim["checks"]:
                if full:
                    _check_tree(branch, check)
                else:
                    branch.add(Text.assemble((_outcome(check), STYLE.get(_outcome(check), "")), "  ", check["id"]))
        for remainder in point.get("remains", ()):
            tree.add(Text.assemble((f"remains for {name_of(remainder['who'])}: ", "dim"), remainder["what"]))
        for objective in point.get("unmet_objectives", ()):
            tree.add(Text(f"no passing claim speaks to objective {objective}", "dim"))
        trees.append(tree)
    return Group(*trees)


def _resource_tree(resource: dict[str, Any]) -> Tree:
    tree = Tree(Text.assemble((resource["resource"], "bold cyan"), f"  {resource['type']}  component {resource['component']}"))
    if resource["exempt"] is not None:
        tree.add(Text.assemble(("makes no claim: ", "dim"), resource["exempt"]))
    for sid, reason in resource["resource_star"].items():
        tree.add(Text.assemble((f"Resource * in statement {sid}: ", "dim"), reason))
    for rule, reason in resource["accepts"].items():
        tree.add(Text.assemble((f"accepts {rule}: ", "dim"), reason))
    return tree


def _outcome(check: dict[str, Any]) -> str:
    """The worst outcome of a check; one that found nothing has failed."""
    return worst(fact["outcome"] for fact in check["facts"]) or Outcome.FAILED


def _check_tree(parent: Tree, check: dict[str, Any]) -> Tree:
    """Id and pointers stand on lines of their own, to be copied."""
    branch = parent.add(Text(check["sentence"]))
    branch.add(Group(Text(check["id"], "dim"), Text(f"sha256 {check['sha256'][:12]}", "dim")))
    for fact in check["facts"]:
        found = "absent" if fact["actual"] is None else _short(fact["actual"])
        # Of a check that was not evaluated the evidence says why, and nothing was found.
        said = found if fact["outcome"] == "not-evaluated" else f"found {found}"
        outcome = Text.assemble((fact["outcome"], STYLE.get(fact["outcome"], "")), f"  {said}")
        if fact["environment"]:
            outcome.append(f" (environment {fact['environment']})")
        branch.add(Group(outcome, Text(fact["pointer"], "dim")))
    return branch


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " …"


def preflight_table(verdicts: list[dict[str, Any]]) -> RenderableType:
    """One line a consumer of the key; below those that the policy does not surely admit, what is missing and what follows."""
    table = Table(box=None, pad_edge=False)
    table.add_column("consumer")
    table.add_column("key policy")
    for verdict in verdicts:
        table.add_row(Text(verdict["consumer"]["title"]), _verdict(verdict))
    return Group(table, *(_not_admitted(verdict) for verdict in verdicts if not verdict["ok"]))


def _verdict(verdict: dict[str, Any]) -> Text:
    if verdict["outcome"] == "admitted":
        return Text("admits it", "green")
    if verdict["outcome"] == "undecided":
        return Text("does not tell by itself", "yellow")
    return Text(f"leaves it out{', silently' if verdict['silent'] else ''}", "bold red")


def _not_admitted(verdict: dict[str, Any]) -> Tree:
    tree = Tree(Text(verdict["consumer"]["title"], "bold"))
    if verdict["missing"]:
        tree.add(Text(f"missing: {', '.join(verdict['missing'])}"))
    if verdict["undecided"]:
        tree.add(Text(f"cannot be told from the policy alone: {', '.join(verdict['undecided'])}"))
    for reason in verdict["because"]:
        tree.add(Text(reason, "dim"))
    tree.add(Text(verdict["consequence"] if verdict["missing"] else f"if it is not admitted: {verdict['consequence']}"))
    return tree
