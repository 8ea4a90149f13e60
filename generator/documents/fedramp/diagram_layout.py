"""Diagram layout: boxes on a grid of columns and rows, and right-angled lines between them that share no track.

Gutters lie between columns and carry vertical lines; corridors lie above and below rows and carry horizontal ones. Everything is worked out
from the grid alone, in a fixed order, so that the same system has the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["left", "right"]

BOX_WIDTH = 176
MARGIN = 42
"""Between a box and the nearest vertical line: room for the number of an edge and for the frames."""
TRACK = 10
PORT = 20
TOP = 64
"""Above the first corridor: room for the titles of the frames."""
ROW_GAP = 26


@dataclass(frozen=True, slots=True)
class Cell:
    column: int
    row: int
    height: float
    """What the content of the box needs."""


@dataclass(frozen=True, slots=True)
class Box:
    x: float
    y: float
    height: float
    width: float = BOX_WIDTH


@dataclass(frozen=True, slots=True)
class Line:
    points: tuple[tuple[float, float], ...]
    mark: tuple[float, float]
    """Where the number of the line stands, beside its source."""


@dataclass(frozen=True, slots=True)
class Layout:
    boxes: Mapping[str, Box]
    lines: Mapping[tuple[str, str], Line]
    lefts: Mapping[int, float]
    """Left edge of each column, one more than there are boxes in."""
    width: float
    height: float


@dataclass
class _Route:
    edge: tuple[str, str]
    out: Side
    into: Side
    gutter_out: int
    gutter_in: int
    corridor: int | None
    """Corridor k lies above row k; None where one gutter is enough."""
    lane: int = 0
    tracks: dict[str, int] = field(default_factory=dict)


def lay_out(cells: Mapping[str, Cell], edges: Sequence[tuple[str, str]]) -> Layout:
    """Positions of every box and line. Edges between the same two boxes are one, and no edge leads from a box to itself."""
    routes = [_route(cells, edge) for edge in edges]
    corridors = _corridor_lanes(routes)
    ports = _ports(cells, routes)
    heights = {
        id_: max(cell.height, PORT * max(len(ports.get((id_, side), ())) for side in ("left", "right")) + 12) for id_, cell in cells.items()
    }
    tops = _rows(cells, heights, corridors)
    port_y = _port_places(cells, heights, tops, ports)
    gutters = _gutter_tracks(routes, port_y, tops)
    lefts = _columns(cells, gutters)
    boxes = {id_: Box(lefts[cell.column], tops.row[cell.row], heights[id_]) for id_, cell in cells.items()}
    lines = {route.edge: _line(route, boxes, port_y, tops, lefts) for route in routes}
    width = max(box.x + box.width for box in boxes.values()) + MARGIN / 2
    return Layout(boxes, lines, lefts, width, tops.bottom)


def _route(cells: Mapping[str, Cell], edge: tuple[str, str]) -> _Route:
    source, target = cells[edge[0]], cells[edge[1]]
    if source.column == target.column:
        return _Route(edge, "right", "right", source.column, source.column, None)
    forward = source.column < target.column
    gutter_out = source.column if forward else source.column - 1
    gutter_in = target.column - 1 if forward else target.column
    corridor = None
    if gutter_out != gutter_in:
        corridor = source.row + 1 if target.row > source.row else source.row
    return _Route(edge, "right" if forward else "left", "left" if forward else "right", gutter_out, gutter_in, corridor)


def _corridor_lanes(routes: Iterable[_Route]) -> dict[int, int]:
    """Number of lanes of each corridor; lines that share no gutter share a lane."""
    taken: dict[int, list[list[tuple[int, int]]]] = {}
    for route in routes:
        if route.corridor is None:
            continue
        span = (min(route.gutter_out, route.gutter_in), max(route.gutter_out, route.gutter_in))
        lanes = taken.setdefault(route.corridor, [])
        route.lane = _first_free(lanes, span)
    return {corridor: len(lanes) for corridor, lanes in taken.items()}


def _first_free(lanes: list[list[tuple[int, int]]], span: tuple[int, int]) -> int:
    """The first lane in which nothing touches the span, which is entered there."""
    for index, lane in enumerate(lanes):
        if all(span[1] < low or high < span[0] for low, high in lane):
            lane.append(span)
            return index
    lanes.append([span])
    return len(lanes) - 1


def _ports(cells: Mapping[str, Cell], routes: Iterable[_Route]) -> dict[tuple[str, Side], list[tuple[tuple[str, str], str]]]:
    """(box, side) → (edge, which end of it) from top to bottom, by where the other end lies."""
    found: dict[tuple[str, Side], list[tuple[tuple[float, int, int], tuple[str, str], str]]] = {}
    for index, route in enumerate(routes):
        source, target = route.edge
        level = cells[target].row if route.corridor is None else route.corridor - 0.5
        found.setdefault((source, route.out), []).append(((level, cells[target].column, index), route.edge, "out"))
        level = cells[source].row if route.corridor is None else route.corridor - 0.5
        found.setdefault((target, route.into), []).append(((level, cells[source].column, index), route.edge, "in"))
    return {key: [(edge, end) for _, edge, end in sorted(entries)] for key, entries in found.items()}


@dataclass(frozen=True, slots=True)
class _Rows:
    row: Mapping[int, float]
    """Top of each row."""
    corridor: Mapping[int, float]
    """Top of each corridor."""
    bottom: float


def _rows(cells: Mapping[str, Cell], heights: Mapping[str, float], corridors: Mapping[int, int]) -> _Rows:
    last = max(cell.row for cell in cells.values())
    rows: dict[int, float] = {}
    lanes: dict[int, float] = {}
    y = float(TOP)
    for row in range(last + 2):
        lanes[row] = y + ROW_GAP / 2
        y += ROW_GAP + TRACK * corridors.get(row, 0)
        rows[row] = y
        y += max((heights[id_] for id_, cell in cells.items() if cell.row == row), default=0)
    return _Rows(rows, lanes, y)


def _port_places(
    cells: Mapping[str, Cell],
    heights: Mapping[str, float],
    tops: _Rows,
    ports: Mapping[tuple[str, Side], list[tuple[tuple[str, str], str]]],
) -> dict[tuple[tuple[str, str], str], float]:
    """Height at which each end of an edge meets its box; left and right ports are shifted, so that opposite lines do not fall together."""
    found: dict[tuple[tuple[str, str], str], float] = {}
    for (id_, side), entries in ports.items():
        middle = tops.row[cells[id_].row] + heights[id_] / 2
        shift = 3 if side == "left" else -3
        for index, (edge, end) in enumerate(entries):
            found[edge, end] = middle + shift + PORT * (index - (len(entries) - 1) / 2)
    return found


def _gutter_tracks(routes: Iterable[_Route], port_y: Mapping[tuple[tuple[str, str], str], float], tops: _Rows) -> dict[int, int]:
    """Number of tracks of each gutter; vertical lines that do not meet share one."""
    taken: dict[int, list[list[tuple[int, int]]]] = {}
    for route in routes:
        start, end = port_y[route.edge, "out"], port_y[route.edge, "in"]
        if route.corridor is None:
            spans = {"out": (route.gutter_out, start, end)}
        else:
            lane = tops.corridor[route.corridor] + TRACK * route.lane
            spans = {"out": (route.gutter_out, start, lane), "in": (route.gutter_in, lane, end)}
        for which, (gutter, low, high) in spans.items():
            span = (int(min(low, high)) - TRACK // 2, int(max(low, high)) + TRACK // 2)
            route.tracks[which] = _first_free(taken.setdefault(gutter, []), span)
    return {gutter: len(tracks) for gutter, tracks in taken.items()}


def _columns(cells: Mapping[str, Cell], gutters: Mapping[int, int]) -> dict[int, float]:
    lefts: dict[int, float] = {}
    x = MARGIN / 2
    for column in range(max(*(cell.column for cell in cells.values()), 3) + 2):
        lefts[column] = x
        x += BOX_WIDTH + 2 * MARGIN + TRACK * max(gutters.get(column, 0) - 1, 0)
    return lefts


def _line(
    route: _Route,
    boxes: Mapping[str, Box],
    port_y: Mapping[tuple[tuple[str, str], str], float],
    tops: _Rows,
    lefts: Mapping[int, float],
) -> Line:
    source, target = (boxes[end] for end in route.edge)
    start = (source.x + (source.width if route.out == "right" else 0), port_y[route.edge, "out"])
    end = (target.x + (target.width if route.into == "right" else 0), port_y[route.edge, "in"])

    def track(which: str, gutter: int) -> float:
        return lefts[gutter] + BOX_WIDTH + MARGIN + TRACK * route.tracks[which]

    first = track("out", route.gutter_out)
    points = [start, (first, start[1])]
    if route.corridor is None:
        points.append((first, end[1]))
    else:
        lane = tops.corridor[route.corridor] + TRACK * route.lane
        second = track("in", route.gutter_in)
        points += [(first, lane), (second, lane), (second, end[1])]
    points.append(end)
    mark = (start[0] + (15 if route.out == "right" else -15), start[1])
    return Line(tuple(points), mark)
