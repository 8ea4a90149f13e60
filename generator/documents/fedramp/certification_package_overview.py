"""Certification Package Overview: the offering, its people and its package at a glance, in FedRAMP's schema and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from claimstack.controls.rules import ROUTES
from claimstack.generator.config import Config, Provider
from claimstack.generator.documents.fedramp.common import address, cell, fedramp_id, independent, metadata, not_stated, package_uri
from claimstack.generator.documents.fedramp.mas import AWS
from claimstack.generator.documents.markdown import fill_skeleton
from claimstack.generator.documents.outside import aws_services
from claimstack.generator.documents.rendered import content_of
from claimstack.generator.documents.unstated import NEEDED_CONTACTS, unstated
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.paths import CONFIGURATION, CONFIGURATION_PAGE, CRYPTOGRAPHIC_MODULES, MAS_FLOWS, MAS_RESOURCES, OCR_EXAMPLE, SDR
from claimstack.generator.stated import Person

LOCATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "MAS-CSO-IIR": (MAS_RESOURCES, "Information resources of the Minimum Assessment Scope, as the templates declare them."),
    "MAS-CSO-FLO": (MAS_FLOWS, "Information flows between them, with how each was derived."),
    "MAS-CSO-TPR": (
        MAS_RESOURCES,
        "Third-party information resources with use, justification, mitigation and compensating controls, as far as stated.",
    ),
    "MAS-CSO-MDI": (MAS_RESOURCES, "Metadata that the stacks collect or keep."),
    "CMU-CSO-CMD": (CRYPTOGRAPHIC_MODULES, "Cryptographic modules of each service, with what is known of their validation."),
    "SCG-CSO-RSC": (CONFIGURATION_PAGE, "Secure configuration guide: settings of the service and what they mean for security."),
    "SDR-CSO-FRR": (SDR, "Security Decision Record: how each rule, control and Key Security Indicator is met."),
    "CCM-OCR-AVL": (OCR_EXAMPLE, "Example of an Ongoing Certification Report."),
}
"""Rule that the overview must serve (CPO-CSO-OVR, FRC-CSO-PKG) → the file that does, and what it holds."""


def render_certification_package_overview(evaluated: Evaluated) -> dict[str, Any]:
    """Schema 0.1.2, with what the rules ask for and the schema has no key for under keys of our own: the schema takes them."""
    system = evaluated.system
    config = system.config
    service = config.service
    return {
        **fedramp_id(config),
        "metadata": {**metadata(system), "responsibleOfficial": _official(config)},
        "serviceIdentification": {
            "fedRampPackageId": _package_id(config),
            **({"ueiNumber": service.uei} if service.uei is not None else {}),
            "providerName": config.organisation.name or not_stated("[organisation] name"),
            "serviceName": config.title,
            "serviceAcronym": service.acronym or not_stated("[service] acronym"),
            "serviceDescription": config.description or not_stated("description"),
            "certificationType": ROUTES[config.certification],
            "certificationClass": config.class_,
            "website": address(service.website, "website"),
            "logo": address(service.logo, "logo.png"),
        },
        "serviceProperties": _properties(config),
        "contactInformation": _contacts(config.people),
        **({"assessor": {"name": config.assessor.name, "assessorID": config.assessor.id}} if config.assessor is not None else {}),
        "independentAssessment": f"Independent verification and validation: {independent(config)}.",
        **({"certifiedServices": services} if (services := list(_services(config))) else {}),
        "securityCategories": _categories(config),
        "thirdPartyInformationResources": _third_parties(evaluated),
        "ruleInformation": list(_rule_information(config)),
        "notStated": [not_stated(f"{each.key} ({each.what})") for each in unstated(config) if each.overview],
    }


def render_overview_page(evaluated: Evaluated) -> str:
    """The same overview for people: filled from the same content, so that the two cannot differ (rule CDS-CSO-CBF)."""
    overview = content_of(evaluated, render_certification_package_overview)
    return fill_skeleton("certification-package-overview.md.j2", overview=overview, cell=cell)


def _package_id(config: Config) -> str:
    """Provider name and acronym stand in until FedRAMP assigns an id, as the schema asks."""
    if config.service.fedramp_id is not None:
        return config.service.fedramp_id
    if config.organisation.name is None or config.service.acronym is None:
        return not_stated("[service] fedramp_id", "or [organisation] name and [service] acronym")
    return f"{config.organisation.name} {config.service.acronym}"


def _official_of(config: Config) -> Person | None:
    return next((person for person in config.people if "package-official" in person.roles), None)


def _official(config: Config) -> dict[str, str]:
    """Who is responsible and accountable for the package (rule CPO-CSO-MTD)."""
    person = _official_of(config)
    if person is None:
        return {"name": not_stated("[[people]] with the role package-official")}
    found = {"name": person.name, "title": person.title, "email": person.email, "phone": person.phone}
    return {key: value for key, value in found.items() if value is not None}


def _properties(config: Config) -> dict[str, Any]:
    """Service model and deployment are closed lists without a word for `unknown`: an open value stays, and the schema refuses it."""
    service = config.service
    found: dict[str, Any] = {
        "serviceType": [service.model or not_stated("[service] model")],
        "deploymentModel": service.deployment or not_stated("[service] deployment"),
    }
    if service.business_categories:
        found["businessCategory"] = list(service.business_categories)
    if service.trust_center is not None:
        found["trustCenter"] = _repository(
            config, ["Trust Center"], address(service.trust_center, "trust-center"), "Trust center of the provider."
        )
    found["secureConfigurationGuidance"] = _repository(
        config,
        ["Secure Configuration Guidance"],
        package_uri(config, CONFIGURATION_PAGE),
        f"Secure configuration guide; the same for machines is {package_uri(config, CONFIGURATION)}.",
    )
    found["additionalRepositories"] = [
        _repository(
            config,
            ["Certification Package"],
            package_uri(config),
            "This package: templates, OSCAL documents, FedRAMP documents, evidence and guides; manifest.json has the sha256 of every file.",
        )
    ]
    if service.next_report is not None:
        found["nextOngoingCertificationReportDate"] = service.next_report.isoformat()
    return found


def _repository(config: Config, types: list[str], url: str, description: str) -> dict[str, Any]:
    """`authenticationRequired` has to be answered and nobody has said it: the answer that promises less stands, and says so."""
    return {
        "repositoryType": types,
        "url": url,
        "repositoryDescription": description,
        "authenticationRequired": True,
        "accessRequestInstructions": f"Whether access needs authentication is not stated; expect that it does, and ask {_ask(config)}.",
    }


def _ask(config: Config) -> str:
    for person in _holders(config.people, "Security"):
        if reachable := person.email or person.phone:
            return f"{person.name} ({reachable})"
    return "the security contact"


def _holders(people: tuple[Person, ...], kind: str) -> list[Person]:
    return [person for person in people if kind in person.contact]


def _contacts(people: tuple[Person, ...]) -> list[dict[str, str]]:
    found = []
    for kind in ("Primary", *NEEDED_CONTACTS):
        for person in _holders(people, kind):
            stated = {"contactType": kind, "contactName": person.name, "contactEmail": person.email, "contactPhone": person.phone}
            found.append({key: value for key, value in stated.items() if value is not None})
        if kind in NEEDED_CONTACTS and not _holders(people, kind):
            found.append({"contactType": kind, "contactName": not_stated(f'[[people]] with contact = ["{kind}"]')})
    return found


def _services(config: Config) -> Iterator[dict[str, str]]:
    """The one service of this system, once the day is known since when it is available: the schema takes no service without a date."""
    if config.service.operational_since is not None:
        yield {
            "serviceName": config.title,
            "serviceDescription": config.description or not_stated("description"),
            "dateAvailable": config.service.operational_since.isoformat(),
        }


def _categories(config: Config) -> list[dict[str, Any]]:
    """Security categories under FIPS 199 (rule CDS-CSO-SVC)."""
    return [
        {
            "informationType": kind.title,
            "description": kind.description,
            "sp80060": list(kind.sp800_60),
            "confidentiality": kind.confidentiality,
            "integrity": kind.integrity,
            "availability": kind.availability,
        }
        for kind in config.information
    ]


def _third_parties(evaluated: Evaluated) -> dict[str, Any]:
    """The infrastructure and every provider that another organisation runs; certified ones by the FedRAMP id that was given."""
    config = evaluated.system.config
    certified = []
    if config.leveraged is not None:
        names = ", ".join(service.title for service in aws_services(evaluated))
        certified.append(
            _certified(
                config.leveraged.package_id,
                f"{config.leveraged.title} (authorized {config.leveraged.date_authorized.isoformat()}, as system.toml states): carries the "
                f"resources of this system in {config.region}, with the services {names}. "
                "That the authorization covers these services in this region was not checked.",
            )
        )
    others = [
        provider
        for key, provider in config.providers.items()
        if key != AWS and (provider.operator is not None or provider.fedramp_id is not None)
    ]
    certified += [_certified(each.fedramp_id, f"{each.title}: {each.description}") for each in others if each.fedramp_id is not None]
    return {"certified": certified, "nonCertified": [_not_certified(each) for each in others if each.fedramp_id is None]}


def _certified(identifier: str, use: str) -> dict[str, str]:
    return {"fedRampCertifiedThirdPartyInformationResource": identifier, "useCase": use}


def _not_certified(provider: Provider) -> dict[str, str]:
    found = {"name": provider.title, "provider": str(provider.operator)}
    if provider.website is not None:
        found["website"] = address(provider.website, "website")
    return {**found, "useCase": provider.description}


def _rule_information(config: Config) -> Iterator[dict[str, str]]:
    """Where the rest of what rule CPO-CSO-OVR lists stands, or that it stands nowhere."""
    for rule, (path, holds) in LOCATIONS.items():
        yield {"ruleId": rule, "location": package_uri(config, path), "description": holds}
    yield {
        "ruleId": "CDS-CSO-IRP",
        "description": "Policies and procedures are the provider's own; this package has none, and does not list them.",
    }
    yield {"ruleId": "IVV-CSO-ICP", "description": f"Results of independent assessments: {independent(config)}."}
