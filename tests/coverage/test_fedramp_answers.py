"""FedRAMP answers: what is said to rules and indicators leads to claims and files that the reference systems really have."""

from __future__ import annotations

import json

from tests.systems import REFERENCES, example, made, package_of

from claimstack.controls.ksis import load_ksi_answers
from claimstack.controls.rules import load_rule_answers
from claimstack.generator.package import Package


def packages() -> tuple[Package, ...]:
    return tuple(map(package_of, REFERENCES))


def test_every_point_of_an_indicator_is_claimed_by_a_reference_system() -> None:
    claimed = {claim.point for package in packages() for _, claim in package.system.claims()}
    named = {(id_, point) for id_, answer in load_ksi_answers().items() for point in answer.points}
    assert {(id_, point) for id_, point in named if point not in claimed} == set()


def test_every_point_that_a_rule_rests_on_is_claimed_by_both_reference_systems() -> None:
    named = {(id_, point) for id_, answer in load_rule_answers().items() for point in answer.points}
    for package in packages():
        claimed = {claim.point for _, claim in package.system.claims()}
        assert {(id_, point) for id_, point in named if point not in claimed} == set()


def test_every_file_that_an_answer_names_is_in_every_package() -> None:
    named = {(id_, artifact) for id_, answer in load_rule_answers().items() for artifact in answer.artifacts}
    for package in packages():
        assert {(id_, artifact) for id_, artifact in named if artifact not in package.files} == set()


def test_the_fedramp_id_stands_where_the_answer_says() -> None:
    config = example("govcloud")
    config = config.model_copy(update={"service": config.service.model_copy(update={"fedramp_id": "FR2600000001"})})
    carrying = {path for path, text in made(config).files.items() if "FR2600000001" in text}
    asked = {path for path in made(config).files if path.startswith(("fedramp/", "site/")) and not path.endswith(".svg")}
    assert carrying == {*asked, "oscal/system-security-plan.json"}
    said = load_rule_answers()["CDS-CSO-FID"].how
    assert "every document and page in fedramp/, every page of the site and the security plan in oscal/ carry it" in said


def test_the_metadata_that_is_called_implemented_is_in_the_record() -> None:
    assert load_rule_answers()["SDR-CSO-MTD"].status == "implemented"
    for package in packages():
        metadata = json.loads(package.files["fedramp/security-decision-record.json"])["metadata"]
        assert metadata["version"] == "2026-11-01"
        assert metadata["lastUpdated"] == "2026-11-01T00:00:00+00:00"
        assert metadata["updateSource"].startswith("claimstack ")
