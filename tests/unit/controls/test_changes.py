"""Changes: an edited copy of the official files is told apart from the facts, thing by thing; the same files are the same."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.official import OFFICIAL, needs_official

from claimstack.controls.changes import Change, compare
from claimstack.controls.errors import InputError
from claimstack.controls.officials import CATALOG, KSI_PAIRS, KSIS, OFFICIALS, PROVIDER_RULES, RESOLVED, RULES, SCHEMAS

SDR = SCHEMAS[0]
COMMON = SCHEMAS[1]

pytestmark = needs_official
Edit = Callable[[str, Callable[[Any], None]], None]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the official files that may be edited; links, since they are large."""
    copy = tmp_path / "data"
    shutil.copytree(OFFICIAL, copy, copy_function=os.symlink)
    return copy


@pytest.fixture
def edit(data: Path) -> Edit:
    def apply(file: str, change: Callable[[Any], None]) -> None:
        value = json.loads((data / file).read_bytes())
        change(value)
        (data / file).unlink()
        (data / file).write_text(json.dumps(value))

    return apply


def found(data: Path) -> list[Change]:
    """The changes, without the notice that a file is another edition."""
    return [change for change in compare(data).changes if change.kind != "edition"]


def control(catalog: Any, id_: str) -> Any:
    family = next(group for group in catalog["catalog"]["groups"] if group["id"] == id_.partition("-")[0])
    return next(each for each in family["controls"] if each["id"] == id_)


def guidance(rules: Any, id_: str, old: str, new: str) -> None:
    rule = next(each for each in rules["controls"] if each["id"] == id_)
    assert old in rule["guidance"]
    rule["guidance"] = rule["guidance"].replace(old, new)


def test_the_files_that_the_facts_came_from_are_the_same() -> None:
    comparison = compare(OFFICIAL)
    assert comparison.changes == ()
    assert len(comparison.compared) == len(OFFICIALS) + len(SCHEMAS)


def test_a_withdrawn_control_is_named_with_its_points(data: Path, edit: Edit) -> None:
    def withdraw(catalog: Any) -> None:
        control(catalog, "au-11")["props"].append({"name": "status", "value": "withdrawn"})

    edit(CATALOG.file, withdraw)
    comparison = compare(data)
    assert [change for change in comparison.changes if change.kind != "edition"] == [
        Change(
            "control-withdrawn",
            "au-11",
            "AU-11 Audit Record Retention: withdrawn, or no longer in the catalog",
            points=("au-11_smt",),
            controls=("au-11",),
            parameters=("au-11_odp",),
        )
    ]
    assert any("au-11 is not in" in note for note in comparison.notes), "the Rev5 catalogs still have it"


def test_a_new_title_objective_and_parameter_are_told_apart(data: Path, edit: Edit) -> None:
    def rewrite(catalog: Any) -> None:
        au11 = control(catalog, "au-11")
        au11["title"] = "Retention of Audit Records"
        au11["params"].append({"id": "au-11_odp.02"})
        objective = next(part for part in au11["parts"] if part["name"] == "assessment-objective")
        objective["id"] = "au-11_obj-new"

    edit(CATALOG.file, rewrite)
    assert [(change.kind, change.subject) for change in found(data)] == [
        ("control-title", "au-11"),
        ("objective-removed", "au-11_obj"),
        ("objective-added", "au-11_obj-new"),
        ("parameter-added", "au-11_odp.02"),
    ]


def parts(control: Any, *names: str) -> Iterator[Any]:
    """Its parts of these names, at every depth."""
    for part in control.get("parts", []):
        if part["name"] in names:
            yield part
        yield from parts(part, *names)


def test_other_words_of_a_control_are_named_by_point_and_parameter(data: Path, edit: Edit) -> None:
    def reword(catalog: Any) -> None:
        (statement,) = parts(control(catalog, "sc-28"), "statement")
        statement["prose"] = "Nothing has to be protected."
        item = next(part for part in parts(control(catalog, "au-2"), "item") if part["id"] == "au-2_smt.c")
        item["prose"] += " Or not."
        for objective in parts(control(catalog, "au-2"), "assessment-objective"):
            if objective["id"].startswith(("au-2_obj.a", "au-2_obj.c")):
                objective["prose"] = "nobody asks."
        control(catalog, "au-11")["params"][0]["label"] = "time of day"

    edit(CATALOG.file, reword)
    assert found(data) == [
        Change(
            "control-wording",
            "au-2",
            "AU-2 Event Logging: other words at au-2_smt.a (objectives); au-2_smt.c (statement and objectives)",
            points=("au-2_smt.a", "au-2_smt.c"),
            controls=("au-2",),
        ),
        Change(
            "control-wording",
            "sc-28",
            "SC-28 Protection of Information at Rest: other words at sc-28_smt (statement)",
            points=("sc-28_smt",),
            controls=("sc-28",),
        ),
        Change(
            "parameter-wording",
            "au-11_odp",
            "au-11_odp: other words for this control parameter of AU-11 Audit Record Retention",
            points=("au-11_smt",),
            parameters=("au-11_odp",),
        ),
    ]


def test_words_above_points_concern_each_of_them_and_words_below_the_one(data: Path, edit: Edit) -> None:
    def reword(catalog: Any) -> None:
        (statement,) = parts(control(catalog, "ac-7"), "statement")
        statement["prose"] = "Where it suits:"
        below = next(part for part in parts(control(catalog, "ac-2"), "item") if part["id"] == "ac-2_smt.h.2")
        below["prose"] = "never"

    edit(CATALOG.file, reword)
    assert [change.points for change in found(data)] == [("ac-2_smt.h",), ("ac-7_smt.a", "ac-7_smt.b")]


def test_other_white_space_and_other_discussions_are_no_other_words(data: Path, edit: Edit) -> None:
    def respace(catalog: Any) -> None:
        for part in parts(control(catalog, "sc-28"), "statement", "assessment-objective"):
            part["prose"] = " " + part.get("prose", "").replace(" ", "\n  ")
        for part in parts(control(catalog, "sc-28"), "guidance", "assessment-objects"):
            part["prose"] = "See elsewhere."

    edit(CATALOG.file, respace)
    assert found(data) == []


def test_what_fedramp_adds_to_a_control_is_compared_by_its_source(data: Path, edit: Edit) -> None:
    def constrain(catalog: Any) -> None:
        control(catalog, "au-11")["params"][0]["constraints"][0]["description"] = "a day"

    def advise(rules: Any) -> None:
        rules["CTL"]["AC"]["AC-20"]["guidance"].append("Anything goes.")

    edit(RESOLVED["MODERATE"].file, constrain)
    edit(RESOLVED["HIGH"].file, constrain)
    edit(RULES.file, advise)
    fedramp = "other words of FedRAMP for its parameters, requirements or guidance"
    assert [(change.kind, change.text) for change in found(data)] == [
        ("fedramp-wording", f"AC-20 Use of External Systems: {fedramp} (Consolidated Rules)"),
        ("fedramp-wording", f"AU-11 Audit Record Retention: {fedramp} (Rev5 MODERATE, Rev5 HIGH)"),
    ]
    assert found(data)[1].points == ("au-11_smt",)
    assert found(data)[1].parameters == ("au-11_odp",)


def test_other_words_of_indicators_and_rules_are_named_by_class(data: Path, edit: Edit) -> None:
    def reword(entries: Any) -> None:
        by_id = {each["id"]: each for each in entries["controls"]}
        for id_ in ("KSI-SVC-SIN", "AFC-CSO-INB"):
            if id_ in by_id:
                by_id[id_]["description"] = "Nothing has to be done, by telephone."

    def require(rules: Any) -> None:
        reword(rules)
        guidance(rules, "CDS-CSO-PUB", "- UEI Number", "- DUNS Number")
        guidance(rules, "CMU-CSO-UVM", "Providers with Class C Certifications", "All who have Class C Certifications")

    def reword_variant(ksis: Any) -> None:
        reword(ksis)
        guidance(ksis, "KSI-SVC-RUD", "verbatim): Unwanted federal customer data is removed", "verbatim): Such data is kept")

    edit(KSIS.file, reword_variant)
    edit(PROVIDER_RULES.file, require)
    assert [(change.kind, change.subject, change.ksis, change.rules, change.class_) for change in found(data)] == [
        ("ksi-wording", "KSI-SVC-RUD", ("KSI-SVC-RUD",), (), "C"),
        ("ksi-wording", "KSI-SVC-SIN", ("KSI-SVC-SIN",), (), None),
        ("rule-wording", "AFC-CSO-INB", (), ("AFC-CSO-INB",), None),
        ("rule-wording", "CDS-CSO-PUB", (), ("CDS-CSO-PUB",), None),
        ("rule-wording", "CMU-CSO-UVM", (), ("CMU-CSO-UVM",), "C"),
    ]
    assert found(data)[2].text == "AFC-CSO-INB Maintain a FedRAMP Security Inbox: other words"


def test_what_a_rule_lists_by_class_is_compared(data: Path, edit: Edit) -> None:
    def shorten(rules: Any) -> None:
        report = rules["FRR"]["IEC"]["data"]["all"]["CSO"]["IEC-CSO-IIR"]
        report["varies_by_class"]["d"]["following_information"].pop()

    edit(RULES.file, shorten)
    (change,) = found(data)
    assert (change.kind, change.subject, change.class_) == ("rule-wording", "IEC-CSO-IIR", "D")
    assert change.text.endswith(": other information or timeframes listed at class D")


def test_a_control_that_joins_a_class_concerns_that_class(data: Path, edit: Edit) -> None:
    def join(rules: Any) -> None:
        baselines = rules["FRR"]["FRC"]["data"]["rev5"]["CSF"]["FRC-CSF-BSL"]["varies_by_class"]
        baselines["c"]["rev5_controls_list"]["IA"].append("IA-09")

    edit(RULES.file, join)
    (change,) = found(data)
    assert (change.kind, change.subject, change.class_, change.points) == ("class-joined", "ia-9", "C", ("ia-9_smt",))
    assert change.text == "class C newly lists IA-9 Service Identification and Authentication"


def test_a_ksi_pair_that_was_added_is_named(data: Path, edit: Edit) -> None:
    def cite(ksis: Any) -> None:
        ksi = next(each for each in ksis["controls"] if each["id"] == "KSI-CNA-RNT")
        ksi["guidance"] = ksi["guidance"].replace("verbatim): ", "verbatim): au-11, ", 1)

    def pair(pairs: Any) -> None:
        pairs["mappings"].append({"source_control_id": "KSI-CNA-RNT", "notes": "Citation (verbatim): au-11"})

    edit(KSIS.file, cite)
    edit(KSI_PAIRS.file, pair)
    assert found(data) == [
        Change("ksi-pair-added", "KSI-CNA-RNT", "KSI-CNA-RNT: newly paired with AU-11", controls=("au-11",), ksis=("KSI-CNA-RNT",))
    ]


def test_a_rules_other_force_is_named_by_class(data: Path, edit: Edit) -> None:
    edit(PROVIDER_RULES.file, lambda rules: guidance(rules, "CMU-CSO-UVM", "force SHOULD)", "force MUST)"))
    assert found(data) == [
        Change(
            "rule-force",
            "CMU-CSO-UVM",
            "CMU-CSO-UVM Using Validated Cryptographic Modules: SHOULD becomes MUST at class C",
            rules=("CMU-CSO-UVM",),
            class_="C",
        )
    ]


def test_rules_that_came_or_went_are_named(data: Path, edit: Edit) -> None:
    def swap(rules: Any) -> None:
        rules["controls"][0]["id"] = "AFC-CSO-NEW"

    edit(PROVIDER_RULES.file, swap)
    assert [(change.kind, change.subject) for change in found(data)] == [("rule-removed", "AFC-CSO-ACK"), ("rule-added", "AFC-CSO-NEW")]


def test_the_number_of_methods_is_compared(data: Path, edit: Edit) -> None:
    edit(PROVIDER_RULES.file, lambda rules: guidance(rules, "FRC-CSX-VVK", "at least 2 automated", "at least 3 automated"))
    assert [change.text for change in found(data)] == [
        "automated methods for each KSI at class C: 2 becomes 3",
        "FRC-CSX-VVK Automated Verification and Validation of Key Security Indicators: other words at class C",
    ]


def test_a_schema_that_moved_names_what_it_judges(data: Path, edit: Edit) -> None:
    edit(SDR.file, lambda schema: schema.update({"$schemaVersion": "1.2.0"}))
    edit(COMMON.file, lambda schema: schema.update({"description": "rewritten"}))
    assert [(change.kind, change.text) for change in found(data)] == [
        ("schema-version", "FedRAMP schema: Security Decision Record: version 1.1.1 becomes 1.2.0"),
        ("schema-content", "FedRAMP schema: common definitions: other content under version 0.4.1"),
    ]
    assert found(data)[0].documents == ("fedramp/security-decision-record.json",)


def test_a_later_edition_in_a_folder_of_its_own_is_found(data: Path) -> None:
    later = data / "fedramp-2026" / "schemas-2026-12" / SDR.file.rpartition("/")[2]
    later.parent.mkdir()
    later.write_text(json.dumps(json.loads((data / SDR.file).read_bytes()) | {"$schemaVersion": "1.10.0"}))
    assert [change.text for change in found(data)] == ["FedRAMP schema: Security Decision Record: version 1.1.1 becomes 1.10.0"]


def test_newer_consolidated_rules_alone_are_enough_for_rules_and_ksis(tmp_path: Path) -> None:
    rules = json.loads((OFFICIAL / RULES.file).read_bytes())
    rules["info"]["version"] = "2027.01.01.01"
    rules["FRR"]["AFC"]["data"]["all"]["CSO"]["AFC-CSO-ACK"]["force"] = "MUST"
    (tmp_path / RULES.file).parent.mkdir()
    rules["KSI"]["SVC"]["indicators"]["KSI-SVC-SIN"]["statement"] = "Nothing has to be encrypted."
    rules["FRR"]["AFC"]["data"]["all"]["CSO"]["AFC-CSO-INB"]["statement"] = "Providers MUST have a telephone."
    (tmp_path / RULES.file).write_text(json.dumps(rules))
    comparison = compare(tmp_path)
    reworded = [change.subject for change in comparison.changes if change.kind in ("ksi-wording", "rule-wording")]
    assert [id_ for id_ in reworded if id_.startswith(("KSI", "AFC"))] == ["KSI-SVC-SIN", "AFC-CSO-INB"]
    forces = [change for change in comparison.changes if change.subject == "AFC-CSO-ACK"]
    assert [(change.kind, change.class_) for change in forces] == [("rule-force", class_) for class_ in "BCD"]
    assert [change.subject for change in comparison.changes if change.kind == "rule-added"] == ["FRC-CSX-MOT"]
    assert f"{CATALOG.title}: not compared, {CATALOG.file} is missing" in comparison.notes


def test_older_consolidated_rules_do_not_stand_in_for_missing_extracts(data: Path) -> None:
    for official in (PROVIDER_RULES, KSIS):
        (data / official.file).unlink()
    comparison = compare(data)
    assert comparison.changes == ()
    assert comparison.notes[:2] == (
        "KSIs and their controls: not compared, both extracts are needed, or newer consolidated rules",
        f"{PROVIDER_RULES.title}: not compared, {PROVIDER_RULES.file} is missing",
    )


def test_without_consolidated_rules_the_force_of_rules_is_compared_and_the_rest_is_said(data: Path) -> None:
    (data / RULES.file).unlink()
    comparison = compare(data)
    assert comparison.changes == ()
    assert f"types, paths, classes, timeframes and lists of rules: not compared, {RULES.file} is missing" in comparison.notes


def test_another_edition_with_the_same_facts_is_a_change(data: Path, edit: Edit) -> None:
    edit(RESOLVED["LOW"].file, lambda catalog: catalog["catalog"]["metadata"].update({"version": "fedramp-4.0.0"}))
    (change,) = compare(data).changes
    assert (change.kind, change.subject) == ("edition", RESOLVED["LOW"].file)
    assert "version fedramp-4.0.0, pinned is fedramp-3.0.0rc1-oscal-1.1.2" in change.text


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda path: path.write_text("{"), "cannot be read as JSON"),
        (lambda path: path.write_text("{}"), "no version at info/version"),
        (lambda path: path.write_text('{"info": {"version": "2027.01.01.01"}}'), "not built as expected"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(data: Path, spoil: Callable[[Path], None], cause: str) -> None:
    (data / RULES.file).unlink()
    spoil(data / RULES.file)
    with pytest.raises(InputError, match=cause) as raised:
        compare(data)
    assert str(data / RULES.file) in str(raised.value)


def test_a_folder_in_place_of_a_file_is_refused(data: Path) -> None:
    (data / CATALOG.file).unlink()
    (data / CATALOG.file).mkdir()
    with pytest.raises(InputError, match=r"cannot be read as JSON \(.*Is a directory.*\): give NIST SP 800-53"):
        compare(data)


def test_an_entry_that_is_not_built_as_expected_is_named_with_its_file(data: Path, edit: Edit) -> None:
    edit(CATALOG.file, lambda catalog: control(catalog, "sc-28").pop("parts"))
    with pytest.raises(InputError) as raised:
        compare(data)
    assert raised.value.causes == (
        f"{data / CATALOG.file}: sc-28: not built as expected ('parts' is missing): "
        "compare the entry with the pinned edition, or give the official file unchanged",
    )


def test_a_folder_without_official_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds none of the official files"):
        compare(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        compare(tmp_path / "none")
