"""Coverage: what is inherited names the authorization that it rests on."""

from __future__ import annotations

from pathlib import Path

from claimstack.generator.documents.coverage import render_coverage
from claimstack.generator.loading import load_config
from claimstack.generator.package import make_package

COMMERCIAL = Path(__file__).parents[4] / "examples" / "commercial.toml"


def test_what_is_inherited_names_its_package() -> None:
    coverage = render_coverage(make_package(load_config(COMMERCIAL)).evaluated)
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
    config = load_config(COMMERCIAL).model_copy(update={"leveraged": None})
    coverage = render_coverage(make_package(config).evaluated)
    assert (coverage["leveraged"], coverage["points"]["inherited"]) == (None, 0)
