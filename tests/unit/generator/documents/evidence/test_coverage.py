"""Coverage: what is inherited names the authorization that it rests on, and each control parameter who decided it."""

from __future__ import annotations

from datetime import date

from tests.systems import example, judged, package_of

from claimstack.controls.catalog import load_catalog
from claimstack.generator.config import ControlParameter
from claimstack.generator.documents.evidence.coverage import parameters, render_coverage


def test_what_is_inherited_names_its_package() -> None:
    coverage = render_coverage(package_of("commercial").evaluated)
    assert coverage["leveraged"] == {
        "title": "EXAMPLE: authorization of the infrastructure provider, commercial regions",
        "package_id": "EXAMPLE-COMMERCIAL",
        "date_authorized": "2026-01-01",
    }
    packages: dict[str, set[str | None]] = {}
    for control in coverage["answers"].values():
        for point in control["points"].values():
            packages.setdefault(point["status"], set()).add(point.get("disposition", {}).get("package_id"))
    assert packages.pop("inherited") == {"EXAMPLE-COMMERCIAL"}
    assert set().union(*packages.values()) == {None}


def test_without_an_authorization_nothing_is_inherited() -> None:
    config = example("commercial").model_copy(update={"leveraged": None})
    coverage = render_coverage(judged(config))
    assert (coverage["leveraged"], coverage["points"]["inherited"]) == (None, 0)


def test_every_control_parameter_of_the_class_says_who_decided_it() -> None:
    evaluated = package_of("commercial").evaluated
    table = render_coverage(evaluated)["parameters"]
    of_class = {parameter for control in load_catalog().class_controls("C") for parameter in control.parameters}
    assert set(table) == of_class
    assert table["au-11_odp"] == {
        "control": "au-11",
        "claimed": True,
        "value": "1096 days",
        "reason": "Thirty months are asked for; CloudWatch Logs offers nothing between 731 and 1096 days.",
        "approver": "Example system owner",
        "date": "2026-11-01",
        "decided_by": "system.toml",
    }
    assert [id_ for id_, said in table.items() if said["decided_by"]] == ["au-11_odp"]
    claimed = {answer.point.control for answer in evaluated.answers.values() if answer.claims}
    assert {said["control"] for said in table.values() if said["claimed"]} == {
        control for control in claimed & set(load_catalog().classes["C"]) if load_catalog().controls[control].parameters
    }


def test_a_default_is_the_templates_and_approved_by_nobody() -> None:
    setting = ControlParameter(value="every quarter", reason="r", approver="a", date=date(2026, 1, 2))
    config = example("commercial").model_copy(update={"parameters": {"ac-01_odp.05": setting, "ia-09_odp": setting}})
    table = parameters(judged(config))
    retention = table["au-11_odp"]
    assert (retention["value"], retention["decided_by"]) == ("1096 days", "template")
    assert retention["approver"].startswith("Nobody yet")
    assert table["ia-09_odp"] == {"control": "ia-9", "claimed": True, **setting.model_dump(mode="json"), "decided_by": "system.toml"}
