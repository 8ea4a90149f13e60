"""Report: evidence as tables and trees for a terminal of 80 columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

STYLE = {
    "implemented": "green",
    "passed": "green",
    "partial": "yellow",
    "conditional": "yellow",
    "planned": "yellow",
    "failed": "bold red",
    "not-addressed": "red",
}
LONGEST_VALUE = 160
"""Characters of a found value that are shown; the evidence file has the whole."""


def coverage_table(coverage: dict[str, Any]) -> RenderableType:
    """Points and controls per status, against the whole class."""
    table = Table(title=f"{coverage['system']}: class {coverage['class']}, {coverage['certification']}, declared", title_justify="left")
    table.add_column("status")
    table.add_column("points", justify="right")
    table.add_column("controls", justify="right")
    for status, points in coverage["points"].items():
        if status != "total":
            table.add_row(Text(status, STYLE.get(status, "")), str(points), str(coverage["controls"][status]))
    table.add_section()
    table.add_row("of the class", str(coverage["points"]["total"]), str(coverage["controls"]["total"]))
    return table


def points_table(rows: Iterable[tuple[str, str, dict[str, Any]]]) -> RenderableType:
    """One line a point: id, status and what the status rests on."""
    table = Table(box=None, pad_edge=False)
    table.add_column("point", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("why")
    for _, point, said in rows:
        table.add_row(point, Text(said["status"], STYLE.get(said["status"], "")), Text(said["why"]))
    return table


def explanation_tree(explanation: dict[str, Any]) -> RenderableType:
    """The chain from a point down to the values found."""
    trees: list[RenderableType] = [_check_tree(Tree(""), check) for check in explanation.get("checks", ())]
    for point in explanation["points"]:
        head = Text.assemble((point["point"], "bold"), "  ", (point["status"], STYLE.get(point["status"], "")))
        if point["title"]:
            head.append(f"  {point['title']}", "dim")
        tree = Tree(head)
        if point.get("supplemental"):
            tree.add(Text("supplemental: outside the class, shown but not counted", "dim"))
        tree.add(Text(point["why"]))
        for claim in point["claims"]:
            branch = tree.add(Text.assemble((claim["resource"], "cyan"), "  ", claim["sentence"]))
            for check in claim["checks"]:
                _check_tree(branch, check)
        for remainder in point.get("remains", ()):
            tree.add(Text.assemble((f"remains for {remainder['who']}: ", "dim"), remainder["what"]))
        for objective in point.get("unmet_objectives", ()):
            tree.add(Text(f"objective {objective} is not met by any claim", "dim"))
        trees.append(tree)
    return Group(*trees)


def _check_tree(parent: Tree, check: dict[str, Any]) -> Tree:
    branch = parent.add(Text(check["sentence"]))
    branch.add(Text(f"{check['id']}  sha256 {check['sha256'][:12]}", "dim"))
    for fact in check["facts"]:
        found = "absent" if fact["actual"] is None else _short(fact["actual"])
        outcome = Text.assemble((fact["outcome"], STYLE.get(fact["outcome"], "")), f"  found {found}")
        if fact["environment"]:
            outcome.append(f" (environment {fact['environment']})")
        branch.add(Group(outcome, Text(fact["pointer"], "dim", overflow="fold")))
    return branch


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + " …"


def preflight_table(verdicts: list[dict[str, Any]]) -> RenderableType:
    """One line a consumer of the key; below those that the policy leaves out, what is missing and what follows."""
    table = Table(box=None, pad_edge=False)
    table.add_column("consumer")
    table.add_column("key policy")
    for verdict in verdicts:
        table.add_row(Text(verdict["consumer"]["title"]), _verdict(verdict))
    return Group(table, *(_left_out(verdict) for verdict in verdicts if not verdict["ok"]))


def _verdict(verdict: dict[str, Any]) -> Text:
    if verdict["ok"]:
        return Text("admits it", "green")
    silently = ", silently" if verdict["consumer"]["failure"] == "silent" else ""
    return Text(f"leaves it out{silently}", "bold red")


def _left_out(verdict: dict[str, Any]) -> Tree:
    tree = Tree(Text(verdict["consumer"]["title"], "bold"))
    tree.add(Text(f"missing: {', '.join(verdict['missing'])}"))
    for reason in verdict["because"]:
        tree.add(Text(reason, "dim"))
    tree.add(Text(verdict["consequence"]))
    return tree
