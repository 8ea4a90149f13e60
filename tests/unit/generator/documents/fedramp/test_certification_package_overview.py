"""Certification Package Overview: what the provider states, nothing that it does not, and the same in both forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from claimstack.generator.documents.fedramp.certification_package_overview import (
    render_certification_package_overview,
    render_overview_page,
)
from claimstack.generator.documents.generator_sources import sources_sha256
from claimstack.generator.evaluation import Evaluated

from .conftest import strings

Built = Callable[..., Evaluated]
STATED: dict[str, Any] = {
    "description": "Answers questions about grants.",
    "organisation": {"name": "Grants Agency"},
    "service": {
        "acronym": "GT",
        "model": "SaaS",
        "deployment": "Government-Only Cloud",
        "operational_since": "2026-05-01",
        "website": "https://grants.example.gov",
        "logo": "https://grants.example.gov/logo.svg",
        "uei": "ABCDEFGHIJK1",
        "business_categories": ["Grant Management"],
        "trust_center": "https://trust.example.gov/grants",
        "package_url": "https://grants.example.gov/package",
        "next_report": "2027-02-01",
    },
    "people": [
        {"name": "Official", "title": "Director", "email": "official@example.gov", "roles": ["package-official"], "contact": ["Primary"]},
        {"name": "Security office", "email": "security@example.gov", "phone": "202-555-0123", "contact": ["Security", "Sales"]},
    ],
    "information": [
        {
            "title": "Grants",
            "description": "Applications | decisions",
            "sp800_60": ["C.3.5.8"],
            "confidentiality": "moderate",
            "integrity": "high",
            "availability": "low",
        }
    ],
    "leveraged": {"title": "Cloud", "package_id": "FR0000000001", "date_authorized": "2026-01-01"},
    "assessor": {"name": "Assessors", "id": "123456"},
    "providers": {
        "siem": {"title": "SIEM", "description": "Reads the audit log.", "operator": "Log Inc.", "website": "https://log.example.com"},
        "mail": {"title": "Mail", "description": "Carries alarms.", "operator": "Mail Inc.", "fedramp_id": "FR0000000002"},
        "idp": {"title": "Identity provider", "description": "Signs people in."},
    },
}


def test_a_stated_system_leaves_nothing_open_but_its_fedramp_id(built: Built) -> None:
    overview = render_certification_package_overview(built(**STATED))
    assert overview["notStated"] == ["Not stated in system.toml: [service] fedramp_id (assigned by FedRAMP)"]
    assert "fedRampId" not in overview
    assert overview["serviceIdentification"] == {
        "fedRampPackageId": "Grants Agency GT",
        "ueiNumber": "ABCDEFGHIJK1",
        "providerName": "Grants Agency",
        "serviceName": "Grants tools",
        "serviceAcronym": "GT",
        "serviceDescription": "Answers questions about grants.",
        "certificationType": "20x",
        "certificationClass": "C",
        "website": "https://grants.example.gov",
        "logo": "https://grants.example.gov/logo.svg",
    }
    properties = overview["serviceProperties"]
    assert (properties["serviceType"], properties["deploymentModel"]) == (["SaaS"], "Government-Only Cloud")
    assert properties["nextOngoingCertificationReportDate"] == "2027-02-01"
    assert properties["trustCenter"]["accessRequestInstructions"].endswith("ask Security office (security@example.gov).")
    assert overview["contactInformation"] == [
        {"contactType": "Primary", "contactName": "Official", "contactEmail": "official@example.gov"},
        *(
            {
                "contactType": kind,
                "contactName": "Security office",
                "contactEmail": "security@example.gov",
                "contactPhone": "202-555-0123",
            }
            for kind in ("Security", "Sales")
        ),
    ]
    assert overview["certifiedServices"] == [
        {"serviceName": "Grants tools", "serviceDescription": "Answers questions about grants.", "dateAvailable": "2026-05-01"}
    ]


def test_metadata_says_who_answers_for_the_package_and_what_wrote_it(built: Built) -> None:
    metadata = render_certification_package_overview(built(**STATED))["metadata"]
    assert metadata["responsibleOfficial"] == {"name": "Official", "title": "Director", "email": "official@example.gov"}
    assert (metadata["version"], metadata["lastUpdated"]) == ("2026-11-01", "2026-11-01T00:00:00+00:00")
    assert metadata["updateSource"].startswith("claimstack ")
    assert metadata["updateSource"].endswith(sources_sha256())


def test_third_parties_are_those_that_others_run_and_certified_ones_have_an_id(built: Built) -> None:
    found = render_certification_package_overview(built(**STATED))["thirdPartyInformationResources"]
    assert [each["fedRampCertifiedThirdPartyInformationResource"] for each in found["certified"]] == ["FR0000000001", "FR0000000002"]
    assert "was not checked" in found["certified"][0]["useCase"]
    assert "AWS Lambda" in found["certified"][0]["useCase"]
    assert found["nonCertified"] == [
        {"name": "SIEM", "provider": "Log Inc.", "website": "https://log.example.com", "useCase": "Reads the audit log."}
    ]


def test_the_infrastructure_is_listed_once_also_where_system_toml_says_more_of_it(built: Built) -> None:
    aws = {"title": "AWS", "description": "Carries it.", "operator": "Amazon Web Services"}
    leveraged = {"title": "Infrastructure", "package_id": "EXAMPLE-1", "date_authorized": "2026-01-01"}
    overview = render_certification_package_overview(built(leveraged=leveraged, providers={"aws": aws}))
    listed = overview["thirdPartyInformationResources"]
    assert (len(listed["certified"]), listed["nonCertified"]) == (1, [])
    assert {"MAS-CSO-TPR", "MAS-CSO-MDI"} <= {each["ruleId"] for each in overview["ruleInformation"] if "location" in each}


def test_an_assigned_id_takes_the_place_of_names(built: Built) -> None:
    overview = render_certification_package_overview(built(service={"fedramp_id": "FR0000000009"}))
    assert (overview["fedRampId"], overview["serviceIdentification"]["fedRampPackageId"]) == ("FR0000000009", "FR0000000009")


def test_what_is_not_stated_is_open_and_never_invented(built: Built) -> None:
    overview = render_certification_package_overview(built())
    identification = overview["serviceIdentification"]
    assert identification["website"] == "https://not-stated.invalid/website"
    assert identification["logo"] == "https://not-stated.invalid/logo.png"
    assert identification["providerName"] == "Not stated in system.toml: [organisation] name"
    assert overview["serviceProperties"]["serviceType"] == ["Not stated in system.toml: [service] model"]
    assert overview["contactInformation"] == [
        {"contactType": kind, "contactName": f'Not stated in system.toml: [[people]] with contact = ["{kind}"]'}
        for kind in ("Security", "Sales")
    ]
    assert overview["thirdPartyInformationResources"] == {"certified": [], "nonCertified": []}
    assert overview["independentAssessment"].endswith("no independent assessor engaged.")
    assert {"assessor", "certifiedServices"} & set(overview) == set()
    assert len(overview["notStated"]) == 20
    assert 'Not stated in system.toml: [[people]] with contact = ["Sales"] (whom agencies reach about sales)' in overview["notStated"]


def test_an_address_has_only_the_characters_of_an_address(built: Built) -> None:
    service = {"website": "https://grants.example.gov/préface [1]".replace(" ", "_"), "package_url": "https://example.gov/a/"}
    overview = render_certification_package_overview(built(service=service))
    assert overview["serviceIdentification"]["website"] == "https://grants.example.gov/pr%C3%A9face_%5B1%5D"
    assert overview["serviceProperties"]["additionalRepositories"][0]["url"] == "https://example.gov/a"
    assert overview["ruleInformation"][0]["location"] == "https://example.gov/a/fedramp/mas-resources.json"


@pytest.mark.parametrize("tables", [STATED, {}, {**STATED, "service": {**STATED["service"], "fedramp_id": "FR0000000009"}}])
def test_every_word_of_the_overview_stands_on_the_page(built: Built, tables: dict[str, Any]) -> None:
    evaluated = built("govcloud", **tables)
    page = "".join(render_overview_page(evaluated).split()).replace("\\", "")
    for text in strings(render_certification_package_overview(evaluated)):
        assert "".join(text.split()) in page, text
