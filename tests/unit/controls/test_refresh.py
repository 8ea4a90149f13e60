"""The refresh: committed facts are what the official files say, its rules on a small catalog, and its refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.official import OFFICIAL, needs_official

from claimstack.controls import extraction, officials, refresh
from claimstack.controls.errors import InputError

REPOSITORY = Path(__file__).parents[3]


@needs_official
def test_the_committed_facts_are_what_the_official_files_say() -> None:
    assert refresh.differences(refresh.extract(OFFICIAL), REPOSITORY / "controls" / "facts") == []


def part(id_: str, name: str, *parts: dict[str, Any], to: str = "", point: bool = False) -> dict[str, Any]:
    props = [{"name": "response-point", "ns": extraction.FEDRAMP_NS, "value": "x"}] if point else []
    links = [{"rel": "assessment-for", "href": f"#{to}"}] if to else []
    return {"id": id_, "name": name, "prose": "text", "props": props, "links": links, "parts": list(parts)}


def control(id_: str, label: str, *parts: dict[str, Any], **more: object) -> dict[str, Any]:
    props = [{"name": "label", "class": "zero-padded", "value": "?"}, {"name": "label", "value": label}]
    return {"id": id_, "title": f"Title of {label} ", "props": props, "parts": list(parts), **more}


def catalog(version: str, *controls: dict[str, Any]) -> dict[str, Any]:
    return {"catalog": {"metadata": {"version": version}, "groups": [{"id": "ac", "controls": list(controls)}]}}


def statement(id_: str, *items: str, point: bool = False) -> dict[str, Any]:
    return part(f"{id_}_smt", "statement", *(part(f"{id_}_smt.{item}", "item", point=point) for item in items), point=point and not items)


SCHEMA_URL = "https://fedramp.gov/schemas/fedramp-package-schema.json"


def subset(*classes: str, types: Sequence[str] = ("20x", "Rev5"), affects: Sequence[str] = ("Providers",)) -> dict[str, Any]:
    return {"applicability": {"types": list(types), "paths": ["Program"], "classes": list(classes), "affects": list(affects)}}


def rule(name: str, statement: str = "", affects: Sequence[str] = ("Providers",), **more: object) -> dict[str, Any]:
    return {"name": name, "affects": list(affects), **({"statement": statement} if statement else {}), **more}


def methods(number: int) -> dict[str, Any]:
    words = f"Implement at least {number} automated method{'s' * (number > 1)} every {number} days."
    return {"force": "MUST", "statement": words, "timeframe_num": number, "timeframe_type": "days"}


def extract(id_: str, title: str, description: str, force: str, applies: str, *variants: str, schema: str = "") -> dict[str, Any]:
    more = [*variants, *([f"Machine-readable schema: {schema}"] if schema else [])]
    guidance = "\n\n".join([f"Force: {force}.", f"Applies to {applies} authorizations.", *more])
    return {"id": id_, "title": title, "description": description, "family": "FedRAMP Certification", "guidance": guidance}


def small() -> dict[str, Any]:
    """Every official file, about four controls: one withdrawn, one in no FedRAMP catalog."""
    marked = control("ac-1", "AC-1", statement("ac-1", "a", "b", point=True))
    objectives = part(
        "ac-1_obj",
        "assessment-objective",
        part("ac-1_obj-1", "assessment-objective", to="ac-1_smt"),
        part("ac-1_obj.a", "assessment-objective", part("ac-1_obj.a-1", "assessment-objective"), to="ac-1_smt.a"),
        part("ac-1_obj.b", "assessment-objective", to="zz-9_smt.b"),
    )
    parameters = [{"id": "ac-01_odp.01"}, {"id": "ac-1_prm_1", "props": [{"name": "aggregates", "value": "ac-01_odp.01"}]}]
    enhancement = control(
        "ac-1.1",
        "AC-1(1)",
        statement("ac-1.1"),
        part("ac-1.1_obj", "assessment-objective", to="ac-1.1_smt"),
        params=[{"id": "ac-01.01_odp"}],
    )
    withdrawn = {"id": "ac-1.2", "props": [{"name": "status", "value": "withdrawn"}]}
    outside = control("ac-10", "AC-10", statement("ac-10", "a"), part("ac-10_obj", "assessment-objective", to="ac-10_smt.a"))
    resolved = catalog("fedramp-3.0.0rc1-oscal-1.1.2", marked)
    ids = {"AC": ["AC-01"]}
    return {
        officials.CATALOG.file: catalog(
            "5.2.0",
            control("ac-1", "AC-1", statement("ac-1", "a", "b"), objectives, params=parameters, controls=[enhancement, withdrawn]),
            outside,
        ),
        **{official.file: resolved for official in officials.RESOLVED.values()},
        officials.RULES.file: {
            "info": {"version": "2026.07.14.01"},
            "FRR": {
                "FRC": {
                    "info": {
                        "name": "FedRAMP Certification",
                        "subsets": {"CSO": subset("A", "B", "C", "D")},
                        "20x": {"subsets": {"CSX": subset("B", "C", "D", types=["20x"])}},
                        "rev5": {"subsets": {"CSF": subset("B", "C", "D", types=["Rev5"])}},
                    },
                    "data": {
                        "all": {"CSO": {"FRC-CSO-PKG": rule("Package", "Supply a package.", force="MUST", schema={"url": SCHEMA_URL})}},
                        "20x": {
                            "CSX": {
                                "FRC-CSX-VVK": rule("Methods", varies_by_class={c: methods(n) for c, n in (("b", 1), ("c", 2), ("d", 4))}),
                                "FRC-CSX-OLD": rule("Old", "Do as before.", force="MAY"),
                            }
                        },
                        "rev5": {
                            "CSF": {
                                "FRC-CSF-BSL": rule(
                                    "Baselines",
                                    varies_by_class={
                                        c: {"force": "MUST", "statement": "Include.", "rev5_controls_list": ids} for c in "bcd"
                                    },
                                )
                            }
                        },
                    },
                },
                "AGU": {
                    "info": {"name": "Agency Use", "subsets": {"AGC": subset("B", affects=["Agencies"])}},
                    "data": {"all": {"AGC": {"AGU-AGC-GRC": rule("Tools", "Use tools.", force="MUST", affects=["Agencies"])}}},
                },
            },
            "KSI": {
                "A": {"name": "Theme", "indicators": {"KSI-A-A": {"name": "First", "statement": "x", "controls": ["ac-10", "ac-1.1"]}}},
                "B": {
                    "name": "Theme",
                    "indicators": {"KSI-B-B": {"name": "Second", "varies_by_class": {"b": {"statement": "**Optional:** x"}}}},
                },
            },
        },
        officials.PROVIDER_RULES.file: {
            "version": "2026.10.13.01 (CR26)",
            "controls": [
                extract("FRC-CSO-PKG", "Package", "Supply a package.", "MUST", "all FedRAMP", schema=SCHEMA_URL),
                extract(
                    "FRC-CSX-VVK",
                    "Methods",
                    "Vary.",
                    "MUST",
                    "FedRAMP 20x",
                    *(f"Class-{c} variant (verbatim; force MUST): {methods(n)['statement']}" for c, n in (("B", 1), ("C", 2), ("D", 4))),
                ),
                extract(
                    "FRC-CSF-BSL",
                    "Baselines",
                    "Vary.",
                    "MUST",
                    "FedRAMP Rev 5",
                    *(f"Class-{c} variant (verbatim; force {f}): Include." for c, f in (("B", "SHOULD"), ("C", "MUST"), ("D", "MUST"))),
                ),
            ],
        },
        officials.KSIS.file: {
            "version": "2026.10.13.01 (CR26)",
            "controls": [
                {
                    "id": "KSI-B-B",
                    "title": "Second",
                    "family": "Theme",
                    "description": "Vary.",
                    "guidance": "No mapping.\n\nClass-B variant statement (verbatim): **Optional:** x",
                },
                {
                    "id": "KSI-A-A",
                    "title": "First",
                    "description": "x",
                    "family": "Theme",
                    "guidance": "Mapping (verbatim): ac-10, ac-1.1.\n\nMore.",
                },
            ],
        },
        officials.KSI_PAIRS.file: {
            "version": "Rules 2026.10.13.01 / NIST",
            "mappings": [
                {"source_control_id": "KSI-A-A", "notes": "Citation (verbatim): ac-10"},
                {"source_control_id": "KSI-A-A", "notes": "Citation (verbatim): ac-1.1"},
            ],
        },
        **{
            official.file: {
                official.version_at[0]: f"https://example.gov/{official.version}/x" if "id" in official.version_at[0] else official.version
            }
            for official in officials.SCHEMAS
        },
    }


def save(contents: dict[str, Any], folder: Path) -> Path:
    for file, content in contents.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(json.dumps(content))
    return folder


def refusal(folder: Path) -> tuple[str, ...]:
    with pytest.raises(InputError) as raised:
        refresh.extract(folder)
    return raised.value.causes


def test_ids_titles_points_and_objectives_follow_the_stated_rules(tmp_path: Path) -> None:
    texts = refresh.extract(save(small(), tmp_path))
    assert texts["catalog.json"] == (
        "{\n"
        '  "ac-1": {"label": "AC-1", "title": "Title of AC-1", '
        '"points": {"ac-1_smt.a": ["ac-1_obj-1", "ac-1_obj.a-1"], "ac-1_smt.b": ["ac-1_obj-1", "ac-1_obj.b"]}, '
        '"parameters": ["ac-01_odp.01"], "statements": ["ac-1_smt", "ac-1_smt.a", "ac-1_smt.b"]},\n'
        '  "ac-1.1": {"label": "AC-1(1)", "title": "Title of AC-1(1)", "points": {"ac-1.1_smt": ["ac-1.1_obj"]}, '
        '"parameters": ["ac-01.01_odp"], "statements": ["ac-1.1_smt"]},\n'
        '  "ac-10": {"label": "AC-10", "title": "Title of AC-10", "points": {"ac-10_smt.a": ["ac-10_obj"]}, '
        '"parameters": [], "statements": ["ac-10_smt", "ac-10_smt.a"]}\n'
        "}\n"
    )
    baseline = {"ac": ["ac-1"]}
    assert json.loads(texts["classes.json"]) == {
        "classes": dict.fromkeys(extraction.CLASSES, baseline),
        "rev5": dict.fromkeys(officials.REV5, baseline),
    }
    assert texts["ksis.json"] == (
        "{\n"
        '  "KSI-A-A": {"title": "First", "theme": "Theme", "controls": ["ac-1.1", "ac-10"]},\n'
        '  "KSI-B-B": {"title": "Second", "theme": "Theme", "controls": []}\n'
        "}\n"
    )
    assert json.loads(texts["rules.json"]) == {
        "rulesets": {"FRC": "FedRAMP Certification"},
        "rules": {
            "FRC-CSF-BSL": {
                "title": "Baselines",
                "force": {"B": "SHOULD", "C": "MUST", "D": "MUST"},
                "types": ["Rev5"],
                "paths": ["Program"],
                "classes": ["B", "C", "D"],
            },
            "FRC-CSO-PKG": {
                "title": "Package",
                "force": dict.fromkeys("ABCD", "MUST"),
                "types": ["20x", "Rev5"],
                "paths": ["Program"],
                "classes": ["A", "B", "C", "D"],
                "schema": "fedramp-package-schema.json",
            },
            "FRC-CSX-VVK": {
                "title": "Methods",
                "force": dict.fromkeys("BCD", "MUST"),
                "types": ["20x"],
                "paths": ["Program"],
                "classes": ["B", "C", "D"],
                "timeframes": {"B": [1, "days"], "C": [2, "days"], "D": [4, "days"]},
            },
        },
        "only_in": {"2026.07.14.01": ["FRC-CSX-OLD"], "2026.10.13.01": []},
        "methods": {"B": 1, "C": 2, "D": 4},
        "optional_ksis": {"B": ["KSI-B-B"]},
    }
    wordings = json.loads(texts["wordings.json"])
    assert {part: list(hashes) for part, hashes in wordings.items()} == {
        "points": ["ac-1_smt.a", "ac-1_smt.b", "ac-1.1_smt", "ac-10_smt.a"],
        "parameters": ["ac-01_odp.01", "ac-01.01_odp"],
        "additions": [],
        "ksis": ["KSI-A-A", "KSI-B-B"],
        "rules": ["FRC-CSF-BSL", "FRC-CSO-PKG", "FRC-CSX-VVK"],
        "listed": [],
    }
    assert wordings["ksis"]["KSI-A-A"] == {"all": hashlib.sha256(b"x").hexdigest()[:16]}
    assert wordings["points"]["ac-10_smt.a"]["statement"] == hashlib.sha256(b"text\ntext").hexdigest()[:16]
    assert list(json.loads(texts["sources.json"])) == [official.file for official in officials.OFFICIALS]
    assert list(json.loads(texts["schemas.json"])) == [official.file for official in officials.SCHEMAS]


def test_all_missing_files_are_named_at_once(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == tuple(
        f"{tmp_path / 'none' / official.file}: cannot be read (No such file or directory): "
        "name the folder of the official files by --data or CLAIMSTACK_DATA"
        for official in (*officials.OFFICIALS, *officials.SCHEMAS)
    )


def other_version(contents: dict[str, Any]) -> None:
    contents[officials.CATALOG.file]["catalog"]["metadata"]["version"] = "15.2.0"


def no_version(contents: dict[str, Any]) -> None:
    contents[officials.CATALOG.file] = []


def no_rule(contents: dict[str, Any]) -> None:
    del contents[officials.RULES.file]["FRR"]["FRC"]


def unreadable_control(contents: dict[str, Any]) -> None:
    rule = contents[officials.RULES.file]["FRR"]["FRC"]["data"]["rev5"]["CSF"]["FRC-CSF-BSL"]
    rule["varies_by_class"]["c"] = {"rev5_controls_list": {"AC": ["AC-1 and AC-2"]}}


def withdrawn_control(contents: dict[str, Any]) -> None:
    rule = contents[officials.RULES.file]["FRR"]["FRC"]["data"]["rev5"]["CSF"]["FRC-CSF-BSL"]
    rule["varies_by_class"]["c"] = {"rev5_controls_list": {"AC": ["AC-01 (02)", "AC-99"]}}


def other_points(contents: dict[str, Any]) -> None:
    marked = control("ac-1", "AC-1", statement("ac-1", point=True))
    contents[officials.RESOLVED["HIGH"].file] = catalog("fedramp-3.0.0rc1-oscal-1.1.2", marked)


def no_points(contents: dict[str, Any]) -> None:
    unmarked = control("ac-1", "AC-1", statement("ac-1", "a"))
    contents[officials.RESOLVED["LOW"].file] = catalog("fedramp-3.0.0rc1-oscal-1.1.2", unmarked)


def no_objective(contents: dict[str, Any]) -> None:
    contents[officials.CATALOG.file]["catalog"]["groups"][0]["controls"][1]["parts"].pop()


def objective_of_nothing(contents: dict[str, Any]) -> None:
    contents[officials.CATALOG.file]["catalog"]["groups"][0]["controls"][1]["parts"].append(
        part("ac-10_obj-2", "assessment-objective", to="ac-10_smt.z")
    )


def other_pairs(contents: dict[str, Any]) -> None:
    contents[officials.KSI_PAIRS.file]["mappings"].pop()


def other_words(contents: dict[str, Any]) -> None:
    vvk = contents[officials.PROVIDER_RULES.file]["controls"][1]
    vvk["guidance"] = vvk["guidance"].replace("every 2 days", "every 3 days")


def other_certification(contents: dict[str, Any]) -> None:
    package = contents[officials.PROVIDER_RULES.file]["controls"][0]
    package["guidance"] = package["guidance"].replace("all FedRAMP", "FedRAMP 20x")


def no_force(contents: dict[str, Any]) -> None:
    contents[officials.PROVIDER_RULES.file]["controls"][0]["guidance"] = "Applies to all FedRAMP authorizations."


def other_schema_version(contents: dict[str, Any]) -> None:
    contents[officials.SCHEMAS[0].file]["$schemaVersion"] = "1.2.0"


@pytest.mark.parametrize(
    ("spoil", "causes"),
    [
        (
            other_version,
            (
                f"{officials.CATALOG.file}: version 15.2.0: give {officials.CATALOG.title} 5.2.0, "
                "or pin the new version in controls/officials.py",
            ),
        ),
        (
            no_version,
            (
                f"{officials.CATALOG.file}: no version at catalog/metadata/version: give {officials.CATALOG.title} 5.2.0, "
                "or pin the new version in controls/officials.py",
            ),
        ),
        (no_rule, (f"{officials.RULES.file}: not built as expected ('FRC' is missing): give the official file unchanged",)),
        (
            unreadable_control,
            (f"{officials.RULES.file}: 'AC-1 and AC-2' does not have the form of a control id: write it like ac-2 or ac-2.1",),
        ),
        (
            withdrawn_control,
            tuple(
                f"{officials.RULES.file}: C lists {id_}, which is not in {officials.CATALOG.file}: give files of the same revision"
                for id_ in ("ac-1.2", "ac-99")
            ),
        ),
        (
            other_points,
            (
                f"{officials.RESOLVED['HIGH'].file}: ac-1 has response points other than in a lower baseline: "
                "give files of the same release",
            ),
        ),
        (no_points, (f"{officials.RESOLVED['LOW'].file}: ac-1 has no response point: give the official file unchanged",)),
        (no_objective, (f"{officials.CATALOG.file}: point ac-10_smt.a has no assessment objective: correct the file",)),
        (
            objective_of_nothing,
            (f"{officials.CATALOG.file}: objective ac-10_obj-2 is for ac-10_smt.z, which is no part of its control: correct the file",),
        ),
        (
            other_pairs,
            (f"{officials.KSI_PAIRS.file}: KSI-A-A has other controls than in {officials.KSIS.file}: give files of the same release",),
        ),
        (
            other_words,
            (
                f"{officials.PROVIDER_RULES.file}: FRC-CSX-VVK: class C: other words than in the dataset that states its timeframe; "
                "compare both, and pin files that agree",
            ),
        ),
        (
            other_certification,
            (f"{officials.PROVIDER_RULES.file}: FRC-CSO-PKG applies to 20x, in the consolidated rules to all: give files that agree",),
        ),
        (
            no_force,
            (
                f"{officials.PROVIDER_RULES.file}: FRC-CSO-PKG does not say its force or to whom it applies: "
                "give the official file unchanged",
            ),
        ),
        (
            other_schema_version,
            (
                f"{officials.SCHEMAS[0].file}: version 1.2.0: give {officials.SCHEMAS[0].title} 1.1.1, "
                "or pin the new version in controls/officials.py",
            ),
        ),
    ],
)
def test_a_wrong_official_file_is_named_with_what_is_wrong(
    spoil: Callable[[dict[str, Any]], None], causes: tuple[str, ...], tmp_path: Path
) -> None:
    contents = small()
    spoil(contents)
    assert refusal(save(contents, tmp_path)) == tuple(f"{tmp_path}/{cause}" for cause in causes)


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    save(small(), tmp_path)
    (tmp_path / officials.RULES.file).write_text("{")
    (cause,) = refusal(tmp_path)
    assert cause.startswith(f"{tmp_path / officials.RULES.file}: not JSON (")
    assert cause.endswith(f"): give {officials.RULES.title} 2026.07.14.01")


def test_check_tells_of_a_difference_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = str(save(small(), tmp_path / "data")), tmp_path / "facts"
    assert refresh.main(["--data", data, "--out", str(out), "--check"]) == 1
    assert not out.exists()
    assert refresh.main(["--data", data, "--out", str(out)]) == 0
    assert refresh.main(["--data", data, "--out", str(out), "--check"]) == 0
    capsys.readouterr()
    (out / "ksis.json").write_text("{}\n")
    assert refresh.main(["--data", data, "--out", str(out), "--check"]) == 1
    assert capsys.readouterr().err == f"{out / 'ksis.json'}: differs from {data}: run python -m claimstack.controls.refresh\n"
    assert (out / "ksis.json").read_text() == "{}\n"


def test_the_data_folder_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIMSTACK_DATA", str(save(small(), tmp_path / "data")))
    assert refresh.main(["--out", str(tmp_path / "facts")]) == 0
    assert sorted(path.name for path in (tmp_path / "facts").iterdir()) == [
        "catalog.json",
        "classes.json",
        "ksis.json",
        "rules.json",
        "schemas.json",
        "sources.json",
        "wordings.json",
    ]


def test_wrong_input_exits_with_2_and_one_line_for_each_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh.main(["--data", str(tmp_path), "--out", str(tmp_path / "facts")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == len((*officials.OFFICIALS, *officials.SCHEMAS))
    assert not (tmp_path / "facts").exists()


def test_a_failed_write_leaves_the_old_files_and_no_unfinished_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refresh.write({"a.json": "1\n", "b.json": "1\n"}, tmp_path)
    write_text = Path.write_text

    def full_disk(path: Path, text: str, **options: Any) -> int:
        if "b.json" in path.name:
            raise OSError(28, "No space left on device")
        return write_text(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        refresh.write({"a.json": "2\n", "b.json": "2\n"}, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.json": "1\n", "b.json": "1\n"}


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "facts").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        refresh.write({"a.json": "1\n"}, tmp_path / "facts")
