"""The catalog of the committed facts: its numbers, its rules on a few known controls, and its answers to unknown ids."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from claimstack.controls.catalog import FILES, Control, Ksi, Point, control_id, label, load_catalog, read_catalog, tag_id
from claimstack.controls.errors import InputError

CATALOG = load_catalog()
FACTS = Path(__file__).parents[3] / "controls" / "facts"


def refusal(call: object, *arguments: object) -> tuple[str, ...]:
    assert callable(call)
    with pytest.raises(InputError) as raised:
        call(*arguments)
    return raised.value.causes


def natural(id_: str) -> tuple[str, int, int]:
    family, number, enhancement = re.fullmatch(r"([a-z]{2})-(\d+)(?:\.(\d+))?", id_).groups(default="0")  # type: ignore[union-attr]  # every id matches, or the test fails here
    return family, int(number), int(enhancement)


def test_classes_have_the_official_numbers_of_controls_and_points() -> None:
    assert {c: (len(CATALOG.class_controls(c)), len(CATALOG.class_points(c))) for c in CATALOG.classes} == {
        "B": (155, 422),
        "C": (322, 686),
        "D": (409, 789),
    }


def test_rev5_baselines_are_the_classes_and_ca_5() -> None:
    assert {name: len(ids) for name, ids in CATALOG.rev5.items()} == {"LOW": 156, "MODERATE": 323, "HIGH": 410}
    assert {c: tuple(i for i in CATALOG.rev5[name] if i != "ca-5") for c, name in zip("BCD", CATALOG.rev5, strict=True)} == CATALOG.classes


def test_withdrawn_controls_are_left_out() -> None:
    assert len(CATALOG.controls) == 1014
    assert "ac-2.10" not in CATALOG.controls


def test_everything_is_in_catalog_order() -> None:
    for ids in (CATALOG.controls, *CATALOG.classes.values(), *CATALOG.rev5.values(), *(ksi.controls for ksi in CATALOG.ksis.values())):
        assert list(ids) == sorted(ids, key=natural)


def test_a_control_and_its_points_are_known_wholly() -> None:
    assert CATALOG.control("sc-12") == Control(
        id="sc-12",
        label="SC-12",
        title="Cryptographic Key Establishment and Management",
        family="sc",
        points=("sc-12_smt",),
        parameters=("sc-12_odp",),
        statements=("sc-12_smt",),
    )
    assert CATALOG.point("sc-12_smt") == Point("sc-12_smt", "sc-12", ("sc-12_obj-1", "sc-12_obj-2"))
    assert CATALOG.control("ac-3.3").points == ("ac-3.3_smt.a", "ac-3.3_smt.b", "ac-3.3_smt.c")


def test_deeper_items_are_statements_and_their_objectives_count_at_the_point_above() -> None:
    assert CATALOG.control("au-10.4").points == ("au-10.4_smt.a", "au-10.4_smt.b")
    assert "ac-2_smt.d.1" in CATALOG.control("ac-2").statements
    assert CATALOG.point("ac-2_smt.d") == Point("ac-2_smt.d", "ac-2", ("ac-2_obj.d.1", "ac-2_obj.d.2", "ac-2_obj.d.3-1", "ac-2_obj.d.3-2"))


def test_an_objective_of_the_whole_statement_counts_at_each_of_its_points() -> None:
    for control in ("ca-7", "cm-9"):
        assert all(
            {f"{control}_obj-1", f"{control}_obj-2"} < set(CATALOG.point(point).objectives) for point in CATALOG.control(control).points
        )
    shared = Counter(objective for point in CATALOG.class_points("D") for objective in point.objectives)
    assert {objective for objective, points in shared.items() if points > 1} == {"ca-7_obj-1", "ca-7_obj-2", "cm-9_obj-1", "cm-9_obj-2"}


def test_objectives_that_the_catalog_links_to_another_control_stay_with_their_own() -> None:
    assert CATALOG.control("sa-24").points == ("sa-24_smt.a", "sa-24_smt.b")
    assert CATALOG.point("sa-24_smt.b").objectives == tuple(f"sa-24_obj.b-{n}" for n in range(1, 6))


def test_every_point_has_objectives_of_its_own_control() -> None:
    for point in CATALOG.points.values():
        assert point.objectives
        assert all(objective.startswith(f"{point.control}_obj") for objective in point.objectives)
        assert point.id in CATALOG.control(point.control).statements
        assert point.id in CATALOG.control(point.control).points


def test_every_parameter_leads_to_its_control() -> None:
    owners = [(parameter, control.id) for control in CATALOG.controls.values() for parameter in control.parameters]
    assert len(owners) == len(dict(owners)) == 1458
    assert [CATALOG.parameter(parameter) for parameter, _ in owners] == [owner for _, owner in owners]


def test_ksis_carry_the_october_pairs() -> None:
    assert (len(CATALOG.ksis), sum(len(ksi.controls) for ksi in CATALOG.ksis.values())) == (46, 558)
    assert CATALOG.ksis["KSI-PIY-RES"] == Ksi("KSI-PIY-RES", "Reviewing Executive Support", "Policy and Inventory", ())
    assert CATALOG.ksis["KSI-CMT-RMV"] == Ksi(
        id="KSI-CMT-RMV",
        title="Redeploying vs Modifying",
        theme="Change Management",
        controls=("cm-2", "cm-3", "cm-5", "cm-6", "cm-7", "cm-8.1", "si-3"),
    )
    assert {control for ksi in CATALOG.ksis.values() for control in ksi.controls} <= set(CATALOG.controls)


def test_every_source_is_pinned() -> None:
    assert {source.version for source in CATALOG.sources} == {"5.2.0", "fedramp-3.0.0rc1-oscal-1.1.2", "2026.07.14.01", "2026.10.13.01"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", source.sha256) and source.source for source in CATALOG.sources)


def test_facts_hold_ids_and_short_titles_but_no_standards_text() -> None:
    def strings(value: object) -> list[str]:
        if isinstance(value, dict):
            return [s for key, entry in value.items() if key not in ("title", "theme") for s in (key, *strings(entry))]
        return [s for entry in value for s in strings(entry)] if isinstance(value, list) else [str(value)]

    named = {*(control.title for control in CATALOG.controls.values()), *(ksi.title for ksi in CATALOG.ksis.values())}
    assert [title for title in named if title.endswith((".", ";")) or len(title) > 120 or title != title.strip()] == []
    for name in set(FILES) - {"sources.json"}:
        assert [s for s in strings(json.loads((FACTS / name).read_text())) if not re.fullmatch(r"[\w.()-]+", s)] == []


@pytest.mark.parametrize("spelling", ["AC-02 (01)", "AC-2(1)", "AC-02-01", "ac-02.01", "AC-2.1", "ac-2.1"])
def test_every_official_spelling_is_the_same_control(spelling: str) -> None:
    assert control_id(spelling) == "ac-2.1"


def test_ids_are_spelled_for_tags_and_for_people() -> None:
    assert [(control_id(c.label), tag_id(c.id).lower(), label(c.id)) for c in CATALOG.controls.values()] == [
        (c.id, c.id, c.label) for c in CATALOG.controls.values()
    ]
    assert (tag_id("sc-28.1"), label("sc-28.1"), label("sc-28")) == ("SC-28.1", "SC-28(1)", "SC-28")


def test_text_that_is_no_control_id_is_refused() -> None:
    assert refusal(control_id, "audit") == ("'audit' does not have the form of a control id: write it like ac-2 or ac-2.1",)


@pytest.mark.parametrize(
    ("id_", "remedy"),
    [
        ("AC-02 (01)", "did you mean ac-2.1?"),
        ("sc-28.9", "did you mean sc-28.3?"),
        ("audit", "copy the id from the NIST OSCAL catalog"),
    ],
)
def test_an_unknown_control_names_its_nearest_neighbour(id_: str, remedy: str) -> None:
    assert refusal(CATALOG.control, id_) == (f"control {id_!r} is not in the catalog: {remedy}",)


@pytest.mark.parametrize(
    ("id_", "cause"),
    [
        ("au-3_smt.z", "point 'au-3_smt.z' is not in the catalog: did you mean au-3_smt.f?"),
        ("AU-3_smt.a", "point 'AU-3_smt.a' is not in the catalog: did you mean au-3_smt.a?"),
        ("ac-14", "point 'ac-14' is not in the catalog: AC-14 has ac-14_smt.a, ac-14_smt.b"),
        ("?", "point '?' is not in the catalog: copy the id from the NIST OSCAL catalog"),
        ("ac-14_smt", "'ac-14_smt' is a part of the statement of AC-14 but not a response point: name ac-14_smt.a or ac-14_smt.b"),
        ("si-4_smt.a.1", "'si-4_smt.a.1' is a part of the statement of SI-4 but not a response point: name si-4_smt.a"),
    ],
)
def test_an_unknown_point_names_what_was_meant(id_: str, cause: str) -> None:
    assert refusal(CATALOG.point, id_) == (cause,)


@pytest.mark.parametrize(
    ("id_", "cause"),
    [
        ("au-11_prm_1", "control parameter 'au-11_prm_1' is not in the catalog: AU-11 has au-11_odp"),
        ("sc-39_odp", "control parameter 'sc-39_odp' is not in the catalog: SC-39 has none"),
        ("aux-11_odp", "control parameter 'aux-11_odp' is not in the catalog: did you mean au-11_odp?"),
    ],
)
def test_an_unknown_parameter_names_those_of_its_control(id_: str, cause: str) -> None:
    assert refusal(CATALOG.parameter, id_) == (cause,)


def test_a_class_without_control_list_is_refused() -> None:
    assert refusal(CATALOG.class_points, "A") == ("class 'A' has no control list: choose one of B, C, D",)


def test_a_damaged_facts_folder_says_how_to_renew_it(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text((FACTS / name).read_text())
    assert read_catalog(tmp_path) == CATALOG
    (tmp_path / "ksis.json").write_text('{"KSI-X": {}}')
    assert refusal(read_catalog, tmp_path) == (
        f"{tmp_path}: not as it should be, 'title' is missing: run python -m claimstack.controls.refresh",
    )
    (tmp_path / "ksis.json").write_text("[]")
    assert refusal(read_catalog, tmp_path) == (f"{tmp_path / 'ksis.json'}: not a JSON object: run python -m claimstack.controls.refresh",)
    (tmp_path / "ksis.json").unlink()
    assert refusal(read_catalog, tmp_path)[0].startswith(f"{tmp_path / 'ksis.json'}: cannot be read (")
