"""Diagram: the architecture of a system as SVG, drawn from its components and flows; no picture is kept by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from claimstack.controls.catalog import label
from claimstack.generator.documents.fedramp.diagram_layout import MARGIN, Box, Cell, Layout, lay_out
from claimstack.generator.documents.markdown import render_skeleton
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.flows import End, Flow, FlowMap, flow_map
from claimstack.generator.flows.landscape import WITHIN_AWS
from claimstack.generator.predicates import Outcome

INSIDE_FIRST, INSIDE_LAST, GIVEN = 1, 3, 4
"""Columns: who calls, the system in three, what is given."""

PLACES: Mapping[str, tuple[int, int]] = {
    "outside-person": (0, 2),
    "outside-mcp-client": (0, 1),
    "outside-internet": (0, 3),
    "outside-identity-provider": (0, 2),
    "outside-account": (0, 4),
    "web-acl": (1, 0),
    "front-door": (1, 1),
    "identity": (1, 2),
    "workload-role": (2, 0),
    "mcp-server": (2, 1),
    "network": (2, 2),
    "vpc-endpoints": (2, 3),
    "image-registry": (3, 0),
    "audit-log": (3, 1),
    "state-secret": (3, 2),
    "session-table": (3, 3),
    "encryption-key": (3, 4),
    "alarming": (3, 5),
    "given-ImageUri": (4, 0),
    "given-LogDestinationArn": (4, 1),
    "given-EgressCidr": (4, 2),
    "given-SecurityGroupIds": (4, 2),
    "given-KeyArn": (4, 3),
    "given-AlarmEmail": (4, 5),
    "given-AlarmTopicArn": (4, 5),
}
"""End → column and row. Whatever is not here takes the first free place of its kind."""
SERVICE_COLUMNS: Mapping[str, int] = {"aws-cloudwatch": 3, "aws-xray": 2, "aws-ec2": 1}
IN_THE_VPC = ("mcp-server", "network", "vpc-endpoints")

WORDS: Mapping[str, str] = {
    "entrance": "public entrance",
    "route": "requests and answers",
    "integration": "admitted requests",
    "lambda-permission": "right to invoke",
    "event-source": "events",
    "authorizer": "keys that tokens are checked with",
    "user-pool-client": "tokens, sign-in",
    "egress-rule": "connections by security group",
    "ingress-rule": "admission by security group",
    "placement": "connections by placement",
    "vpc-endpoint": "calls that the endpoint policy admits",
    "iam-statement": "calls that the role may make",
    "resource-policy": "calls that the policy of the target admits",
    "encryption-key": "use of the key",
    "access-log": "access log",
    "execution-log": "execution log",
    "function-log": "audit records",
    "waf-log": "log of the web ACL",
    "web-acl": "requests to inspect",
    "subscription-filter": "records sent on",
    "tracing": "traces",
    "alarm-metric": "metrics",
    "alarm-action": "alarms",
    "subscription": "alarms to people",
    "image-pull": "image",
}
"""Rule of derivation → what passes, in few words."""
NOT_IN_THE_OVERVIEW = ("encryption-key", "resource-policy", "lambda-permission", "ingress-rule")
"""Rules whose flows the architecture leaves to the data flow diagram; use of the key is a mark in the box there."""

TITLE_CHARS, CONTROL_CHARS, CONTROL_LINES = 20, 27, 6
LINE, SMALL_LINE = 16, 13
LEGEND_LINE = 17


@dataclass(frozen=True, slots=True)
class Edge:
    """All flows from one end to another."""

    number: int
    source: End
    target: End
    flows: tuple[Flow, ...]

    @property
    def carries(self) -> str:
        ports = dict.fromkeys(_port(flow) for flow in self.flows if flow.protocol != WITHIN_AWS)
        what = ", ".join(dict.fromkeys(WORDS[flow.derived_by] for flow in self.flows))
        return f"{what} ({', '.join(ports)})" if ports else what

    @property
    def name(self) -> str:
        return f"{self.source.title} → {self.target.title}: {self.carries}"


def architecture_svg(evaluated: Evaluated) -> str:
    """Components, their controls and the main flows. Boxes carry the id `box-<end>` and `data-component`."""
    flows = flow_map(evaluated)
    return _svg(evaluated, flows, _Kind("architecture", "box", NOT_IN_THE_OVERVIEW))


def data_flow_svg(evaluated: Evaluated) -> str:
    """Every flow that was derived. Boxes carry the id `flow-box-<end>`."""
    return _svg(evaluated, flow_map(evaluated), _Kind("data-flow", "flow-box", ()))


@dataclass(frozen=True, slots=True)
class _Kind:
    id: str
    box: str
    without: tuple[str, ...]
    """Rules whose flows are not drawn."""

    @property
    def overview(self) -> bool:
        return bool(self.without)


@dataclass(frozen=True, slots=True)
class _Content:
    """What stands in a box."""

    title: tuple[str, ...]
    small: tuple[str, ...]
    failed: int
    controls: tuple[str, ...]

    @property
    def height(self) -> float:
        return 16 + LINE * len(self.title) + SMALL_LINE * len(self.small) + (LINE if self.failed else 0)


def _svg(evaluated: Evaluated, flows: FlowMap, kind: _Kind) -> str:
    edges = _edges(flows, kind)
    drawn = {end.id for edge in edges for end in (edge.source, edge.target)} | {end.id for end in flows.ends if end.component}
    ends = [end for end in flows.ends if end.id in drawn]
    contents = {end.id: _content(evaluated, flows, end, kind) for end in ends}
    cells = {id_: Cell(*place, contents[id_].height) for id_, place in _places(ends).items()}
    layout = lay_out(cells, [(edge.source.id, edge.target.id) for edge in edges])
    frames = _frames(ends, cells, layout)
    legend = _legend(edges, layout.width)
    bottom = max((box.y + box.height for box in layout.boxes.values()), default=0) + 46
    height = bottom + LEGEND_LINE * (len(legend) + 2)
    title = f"{evaluated.system.config.title}: {'architecture' if kind.overview else 'data flow'}"
    about = "Drawn from the emitted templates: what is declared, not what is deployed. Numbers lead to the list below the picture." + (
        " A key in a box: what it stores is encrypted with the customer managed key." if kind.overview else ""
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram-{kind.id}" role="group" viewBox="0 0 {layout.width:.0f} {height:.0f}" '
        f'aria-labelledby="{kind.id}-title {kind.id}-about">',
        f'<title id="{kind.id}-title">{escape(title)}</title>',
        f'<desc id="{kind.id}-about">{escape(about)}</desc>',
        f"<style>\n{render_skeleton('diagram.css.j2', diagram=f'diagram-{kind.id}')}</style>",
        f'<defs><marker id="{kind.id}-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect class="paper" width="{layout.width:.0f}" height="{height:.0f}"/>',
        *frames,
        *(_box(end, layout.boxes[end.id], contents[end.id], kind) for end in ends),
        *(_edge(edge, layout, kind) for edge in edges),
        f'<text class="small" x="{MARGIN / 2:.0f}" y="{bottom:.0f}">{escape(about)}</text>',
        *(
            f'<text class="small" x="{x:.0f}" y="{bottom + LEGEND_LINE * (line + 1.5):.0f}">{escape(text)}</text>'
            for line, row in enumerate(legend)
            for x, text in row
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _edges(flows: FlowMap, kind: _Kind) -> list[Edge]:
    grouped: dict[tuple[str, str], list[Flow]] = {}
    for flow in flows.flows:
        if flow.derived_by not in kind.without and flow.source != flow.target:
            grouped.setdefault((flow.source, flow.target), []).append(flow)
    return [
        Edge(number, flows.end(source), flows.end(target), tuple(found))
        for number, ((source, target), found) in enumerate(grouped.items(), start=1)
    ]


def _port(flow: Flow) -> str:
    return flow.protocol if flow.port is None else f"{flow.protocol} {flow.port}"


def _content(evaluated: Evaluated, flows: FlowMap, end: End, kind: _Kind) -> _Content:
    controls, failed = _supported(evaluated, end.component) if end.component else ((), 0)
    title = tuple(textwrap.wrap(end.title, TITLE_CHARS)) or (end.id,)
    if not kind.overview:
        return _Content(title, (), failed, controls)
    small: list[str] = []
    keyed = [flow.target for flow in flows.flows if flow.derived_by == "encryption-key" and flow.source == end.id]
    if keyed and not any(target.startswith("aws-") for target in keyed):
        small.append("⚷ encrypted with the key")
    lines = textwrap.wrap(", ".join(controls), CONTROL_CHARS, break_on_hyphens=False, break_long_words=False)
    if len(lines) > CONTROL_LINES:
        shown = sum(line.count("-") for line in lines[: CONTROL_LINES - 1])
        lines = [*lines[: CONTROL_LINES - 1], f"and {len(controls) - shown} more"]
    return _Content(title, (*small, *lines), failed, controls)


def _supported(evaluated: Evaluated, component: str) -> tuple[tuple[str, ...], int]:
    """Controls of which a claim of the component holds, and the number of its failed facts."""
    controls: dict[str, None] = {}
    failed: set[tuple[str, str]] = set()
    for answer in evaluated.answers.values():
        for result in answer.claims:
            if result.declared.component.id == component:
                failed |= {(fact.check, fact.pointer) for fact in result.facts if fact.outcome is Outcome.FAILED}
                if result.outcome is Outcome.PASSED:
                    controls[label(answer.point.control)] = None
    return tuple(controls), len(failed)


def _places(ends: Iterable[End]) -> dict[str, tuple[int, int]]:
    """Each end on the grid: by the table, else in the first free place of its kind, services of AWS below the system."""
    ends = list(ends)
    places: dict[str, tuple[int, int]] = {}
    for end in ends:
        wanted = PLACES.get(end.id)
        if wanted is not None and wanted not in places.values():
            places[end.id] = wanted
    for end in ends:
        if end.id not in places and end.kind != "aws-service":
            places[end.id] = _free(places, GIVEN if end.kind == "outside" else INSIDE_LAST)
    below = max((row for id_, (column, row) in places.items() if INSIDE_FIRST <= column <= INSIDE_LAST), default=0) + 1
    services = [end.id for end in ends if end.kind == "aws-service"]
    for id_ in sorted(services, key=lambda id_: id_ not in SERVICE_COLUMNS):
        column, row = SERVICE_COLUMNS.get(id_, INSIDE_FIRST), below
        while (column, row) in places.values():
            column, row = (column + 1, row) if column < INSIDE_LAST else (INSIDE_FIRST, row + 1)
        places[id_] = column, row
    return places


def _free(places: Mapping[str, tuple[int, int]], column: int) -> tuple[int, int]:
    row = 0
    while (column, row) in places.values():
        row += 1
    return column, row


def _frames(ends: Iterable[End], cells: Mapping[str, Cell], layout: Layout) -> Iterator[str]:
    ends = list(ends)
    own = [layout.boxes[end.id] for end in ends if end.inside]
    aws = [layout.boxes[end.id] for end in ends if end.inside or end.kind == "aws-service"]
    vpc = [layout.boxes[id_] for id_ in IN_THE_VPC if id_ in cells]
    if aws:
        right = layout.lefts[GIVEN] - 28
        yield _frame(aws, "aws", "AWS, leveraged: services that the authorization of the infrastructure has to cover", 34, 52, right)
    if own:
        yield _frame(own, "own", "Authorization boundary: resources of the stacks", 28, 30, layout.lefts[GIVEN] - 34)
    if vpc and "network" in cells:
        yield _frame(vpc, "vpc", "Supplied VPC", 5, 15, max(box.x + box.width for box in vpc) + 5)


def _frame(boxes: list[Box], kind: str, title: str, pad: float, head: float, right: float) -> str:
    """Around boxes, as far to the right as lines between them go."""
    x, y = min(box.x for box in boxes) - pad, min(box.y for box in boxes) - head
    bottom = max(box.y + box.height for box in boxes) + min(pad, 14)
    size = "small" if kind == "vpc" else "frame-title"
    return (
        f'<rect class="frame {kind}" x="{x:.1f}" y="{y:.1f}" width="{right - x:.1f}" height="{bottom - y:.1f}" rx="6"/>'
        f'<text class="{size} {kind}" x="{x + 8:.1f}" y="{y + (11 if kind == "vpc" else 15):.1f}">{escape(title)}</text>'
    )


def _box(end: End, box: Box, content: _Content, kind: _Kind) -> str:
    classes = " ".join(["box", "own" if end.inside else end.kind, *(["failed"] if content.failed else [])])
    controls = f" Supports {', '.join(content.controls)}." if content.controls else ""
    failed = f" {content.failed} failed facts." if content.failed else ""
    about = f"{end.title}: {_KINDS[end.kind]}.{controls}{failed}"
    lines: list[str] = []
    y = box.y + (box.height - content.height) / 2 + 8
    for line in content.title:
        y += LINE
        lines.append(f'<text class="name" x="{box.x + 10:.1f}" y="{y - 4:.1f}">{escape(line)}</text>')
    if content.failed:
        y += LINE
        lines.append(f'<text class="alarm" x="{box.x + 10:.1f}" y="{y - 4:.1f}">{content.failed} failed facts</text>')
    for line in content.small:
        y += SMALL_LINE
        lines.append(f'<text class="small" x="{box.x + 10:.1f}" y="{y - 3:.1f}">{escape(line)}</text>')
    component = f" data-component={quoteattr(end.component)}" if end.component else ""
    return (
        f'<g id={quoteattr(f"{kind.box}-{end.id}")} class="{classes}"{component} data-end={quoteattr(end.id)} tabindex="0" role="img">'
        f"<title>{escape(about)}</title>"
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>{"".join(lines)}</g>'
    )


_KINDS: Mapping[str, str] = {
    "component": "component of the system",
    "aws-service": "service of AWS",
    "outside": "outside the system",
}


def _edge(edge: Edge, layout: Layout, kind: _Kind) -> str:
    line = layout.lines[edge.source.id, edge.target.id]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in line.points)
    x, y = line.mark
    return (
        f'<g class="edge" data-source={quoteattr(edge.source.id)} data-target={quoteattr(edge.target.id)}>'
        f"<title>{escape(edge.name)}</title>"
        f'<path d="{path}" marker-end="url(#{kind.id}-arrow)"/><circle cx="{x:.1f}" cy="{y:.1f}" r="8"/>'
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}">{edge.number}</text></g>'
    )


def _legend(edges: list[Edge], width: float) -> list[list[tuple[float, str]]]:
    """Lines of the list below the picture, in two columns: (x, text) of each."""
    column = (width - MARGIN) / 2
    chars = int(column / 5.7)
    wrapped = [textwrap.wrap(f"{edge.number}  {edge.name}", chars, subsequent_indent="\u2003\u2002") for edge in edges]
    total, half, left = sum(map(len, wrapped)), 0, 0
    while left < len(wrapped) and half < total / 2:
        half += len(wrapped[left])
        left += 1
    columns = [[line for entry in part for line in entry] for part in (wrapped[:left], wrapped[left:])]
    return [
        [(MARGIN / 2 + column * index, lines[row]) for index, lines in enumerate(columns) if row < len(lines)]
        for row in range(max(map(len, columns), default=0))
    ]
