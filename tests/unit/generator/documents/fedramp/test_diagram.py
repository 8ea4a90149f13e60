"""Diagrams show every component and flow, legibly, in any configuration, and refer to nothing outside themselves."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from claimstack.generator.documents.fedramp.diagram import NOT_IN_THE_OVERVIEW, WORDS, architecture_svg, data_flow_svg
from claimstack.generator.emitted import REMOVE, Edit, Place
from claimstack.generator.evaluation import Evaluated, evaluate
from claimstack.generator.flows import DERIVATIONS, flow_map

SVG = "{http://www.w3.org/2000/svg}"
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "commercial": ("commercial", {}),
    "endpoints": ("commercial", {"network": {"endpoints": True, "endpoint_services": ["sqs", "kms", "bedrock-runtime"]}}),
    "govcloud": ("govcloud", {}),
    "no authentication": ("commercial", {"auth": {"type": "none"}}),
    "external issuer": ("commercial", {"auth": {"type": "external", "issuer": "https://login.example.gov", "audience": ["mcp"]}}),
    "landing zone": (
        "commercial",
        {
            "organisation": {"log_archive": True, "alarm_topic": "given"},
            "network": {"security_groups": "given"},
            "key": {"stack": False},
            "registry": {"stack": False},
        },
    ),
}
DRAWINGS = {"architecture": architecture_svg, "data flow": data_flow_svg}


def numbers(element: ET.Element, *names: str) -> tuple[float, ...]:
    return tuple(float(element.attrib[name]) for name in names)


def rectangles(root: ET.Element) -> dict[str, tuple[float, float, float, float]]:
    """End → (left, top, right, bottom)."""
    found = {}
    for group in root.iter(f"{SVG}g"):
        if "data-end" in group.attrib:
            x, y, width, height = numbers(group.find(f"{SVG}rect"), "x", "y", "width", "height")
            found[group.attrib["data-end"]] = (x, y, x + width, y + height)
    return found


def paths(root: ET.Element) -> dict[tuple[str, str], list[tuple[float, float]]]:
    found = {}
    for group in root.iter(f"{SVG}g"):
        if "data-source" in group.attrib:
            drawn = group.find(f"{SVG}path").attrib["d"]
            points = [tuple(map(float, pair.split())) for pair in drawn.removeprefix("M").split(" L")]
            found[group.attrib["data-source"], group.attrib["data-target"]] = points
    return found


@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_overlaps_and_every_line_leads_from_box_to_box(built: Callable[..., Evaluated], variant: str, drawing: str) -> None:
    like, tables = VARIANTS[variant]
    root = ET.fromstring(DRAWINGS[drawing](built(like, **tables)))
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    boxes = rectangles(root)
    for (one, first), (other, second) in itertools.combinations(boxes.items(), 2):
        apart = first[2] < second[0] or second[2] < first[0] or first[3] < second[1] or second[3] < first[1]
        assert apart, f"{one} and {other} overlap"
    for id_, (left, top, right, bottom) in boxes.items():
        assert min(left, top, width - right, height - bottom) >= 0, id_
    for (source, target), points in paths(root).items():
        assert points[0][0] in (boxes[source][0], boxes[source][2])
        assert points[-1][0] in (boxes[target][0], boxes[target][2])
        assert boxes[source][1] <= points[0][1] <= boxes[source][3]
        assert boxes[target][1] <= points[-1][1] <= boxes[target][3]
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            for id_, (left, top, right, bottom) in boxes.items():
                inside = max(x1, x2) > left and min(x1, x2) < right and max(y1, y2) > top and min(y1, y2) < bottom
                assert not inside, f"the line from {source} to {target} runs through {id_}"


@pytest.mark.parametrize("drawing", DRAWINGS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_texts_fit_their_boxes_and_marks_stand_apart(built: Callable[..., Evaluated], variant: str, drawing: str) -> None:
    like, tables = VARIANTS[variant]
    root = ET.fromstring(DRAWINGS[drawing](built(like, **tables)))
    for group in root.iter(f"{SVG}g"):
        if "data-end" not in group.attrib:
            continue
        left, top, right, bottom = rectangles(root)[group.attrib["data-end"]]
        lines = [numbers(text, "y")[0] for text in group.iter(f"{SVG}text")]
        assert all(later - earlier >= 11 for earlier, later in itertools.pairwise(lines))
        for text in group.iter(f"{SVG}text"):
            x, y = numbers(text, "x", "y")
            wide = 8.2 if "name" in text.attrib["class"] else 5.9
            assert left < x <= right + 8 - wide * len(text.text or ""), text.text
            assert top < y < bottom
    marks = [numbers(circle, "cx", "cy") for circle in root.iter(f"{SVG}circle")]
    assert all(abs(ax - bx) >= 16 or abs(ay - by) >= 16 for (ax, ay), (bx, by) in itertools.combinations(marks, 2))


@pytest.mark.parametrize("like", ["commercial", "govcloud"])
def test_every_component_has_its_box_with_the_controls_it_supports(built: Callable[..., Evaluated], like: str) -> None:
    evaluated = built(like)
    root = ET.fromstring(architecture_svg(evaluated))
    boxes = {group.attrib["id"]: group for group in root.iter(f"{SVG}g") if "box" in group.attrib.get("class", "").split()}
    for component in evaluated.system.components():
        box = boxes[f"box-{component.id}"]
        assert box.attrib["data-component"] == component.id
        assert box.attrib["tabindex"] == "0"
        assert box.find(f"{SVG}title").text.startswith(f"{component.title}: component of the system.")
    assert "AU-11" in boxes["box-audit-log"].find(f"{SVG}title").text


def test_every_flow_is_drawn_and_named_below(built: Callable[..., Evaluated]) -> None:
    evaluated = built("govcloud")
    flows = flow_map(evaluated).flows
    root = ET.fromstring(data_flow_svg(evaluated))
    assert set(paths(root)) == {(flow.source, flow.target) for flow in flows}
    overview = ET.fromstring(architecture_svg(evaluated))
    assert set(paths(overview)) == {(flow.source, flow.target) for flow in flows if flow.derived_by not in NOT_IN_THE_OVERVIEW}
    legend = " ".join(text.text or "" for text in root.findall(f"{SVG}text"))
    for number, group in enumerate((g for g in root.iter(f"{SVG}g") if "data-source" in g.attrib), start=1):
        assert re.search(rf"\b{number}\s+\S", legend)
        assert group.find(f"{SVG}text").text == str(number)
    assert set(WORDS) == set(DERIVATIONS)


def test_a_picture_refers_to_nothing_outside_itself(built: Callable[..., Evaluated]) -> None:
    for draw in DRAWINGS.values():
        text = draw(built())
        assert re.findall(r"https?://[^\"<\s]+", text) == ["http://www.w3.org/2000/svg"]
        assert not re.search(r"<script|href=|@import|url\((?!#)", text)


def test_two_pictures_can_stand_in_one_page(built: Callable[..., Evaluated]) -> None:
    ids = [re.findall(r'\bid="([^"]+)"', draw(built())) for draw in DRAWINGS.values()]
    assert not set(ids[0]) & set(ids[1])
    assert all(len(set(each)) == len(each) for each in ids)


def test_failed_facts_stand_in_the_box(built: Callable[..., Evaluated]) -> None:
    evaluated = built()
    weak = evaluated.emitted.edited(Edit(Place("server", ("Resources", "AuditLog", "Properties", "KmsKeyId")), REMOVE))
    judged = evaluate(evaluated.system, dataclasses.replace(weak))
    root = ET.fromstring(architecture_svg(judged))
    (box,) = [group for group in root.iter(f"{SVG}g") if group.attrib.get("id") == "box-audit-log"]
    assert "failed" in box.attrib["class"].split()
    assert any("failed facts" in (text.text or "") for text in box.iter(f"{SVG}text"))
    assert "failed facts" in (box.find(f"{SVG}title").text or "")


def test_the_same_system_has_the_same_picture(built: Callable[..., Evaluated]) -> None:
    assert architecture_svg(built()) == architecture_svg(built())
