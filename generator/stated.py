"""Stated: what only the provider knows of its system and its people, as system.toml says it; nothing here is built or checked on AWS.

What is left out stays visibly open in the documents. The words are those of the documents: OSCAL 1.2.1 (system-security-plan), NIST FIPS
199, NIST SP 800-63-3, and FedRAMP's schema of the Certification Package Overview.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from claimstack.generator.fields import (
    ASSESSOR_ID,
    CERTIFICATE,
    EMAIL,
    LOGO,
    PACKAGE_ID,
    PHONE,
    SP_800_60_ID,
    UEI,
    URL,
    WORD,
    Sentence,
    Table,
)

Impact = Literal["low", "moderate", "high"]
"""Potential impact of FIPS 199."""
IMPACTS: tuple[Impact, ...] = ("low", "moderate", "high")
"""From the least to the most."""
OBJECTIVES = ("confidentiality", "integrity", "availability")
"""Security objectives of FIPS 199."""

Role = Literal[
    "system-owner",
    "authorizing-official",
    "authorizing-official-poc",
    "information-system-security-officer",
    "system-poc-management",
    "system-poc-technical",
    "system-poc-other",
    "privacy-poc",
    "content-approver",
    "prepared-by",
    "asset-owner",
    "asset-administrator",
    "incident-response",
    "package-official",
]
ROLES: dict[Role, str] = {
    "system-owner": "Information System Owner",
    "authorizing-official": "Authorizing Official",
    "authorizing-official-poc": "Authorizing Official's Point of Contact",
    "information-system-security-officer": "Information System Security Officer",
    "system-poc-management": "Information System Management Point of Contact",
    "system-poc-technical": "Information System Technical Point of Contact",
    "system-poc-other": "General Point of Contact",
    "privacy-poc": "Privacy Official's Point of Contact",
    "content-approver": "System Security Plan Approval",
    "prepared-by": "Prepared By",
    "asset-owner": "Owner of an inventory item",
    "asset-administrator": "Administrator of an inventory item",
    "incident-response": "Incident Response",
    "package-official": "Official responsible and accountable for the FedRAMP Certification Package",
}
"""Role → its title. Ids as the FedRAMP example SSP (OSCAL Foundation) and OSCAL spell them; the last is that of rule CPO-CSO-MTD."""

BusinessCategory = Literal[
    "Accounting",
    "Analytics",
    "Artificial Intelligence (AI)",
    "Collaboration",
    "Communication",
    "Construction",
    "Contact Center",
    "Content Management System (CMS)",
    "Customer Relations Management (CRM)",
    "Customer Service",
    "Cybersecurity & Risk Management",
    "Data Management",
    "Design & Multimedia",
    "Development Tools",
    "Education & Training",
    "Finance",
    "Fleet Management",
    "Governance, Risk, and Compliance (GRC)",
    "Grant Management",
    "Health & Wellness",
    "Human Resources",
    "Law Enforcement",
    "Learning Management",
    "Legal & Policy",
    "Marketing & Sales",
    "Media",
    "Mobile Device Management (MDM)",
    "Network Management",
    "Operations Management",
    "Research",
    "Storage",
    "System Administration",
    "Talent Development",
    "Talent Management",
    "Travel Management",
    "Virtual Private Network (VPN)",
]
"""As the schema of the Certification Package Overview (0.1.2) lists them."""

Url = Annotated[str, StringConstraints(pattern=URL, max_length=1024)]


class InformationType(Table):
    """A kind of information that the system handles, with its categorization under FIPS 199."""

    title: Sentence
    description: Sentence
    sp800_60: tuple[Annotated[str, StringConstraints(pattern=SP_800_60_ID)], ...] = ()
    """Ids of NIST SP 800-60 volume 2."""
    confidentiality: Impact
    integrity: Impact
    availability: Impact


def high_water(information: Iterable[InformationType], objectives: Iterable[str]) -> Impact:
    """The highest impact of any information type in any of these objectives (FIPS 200, section 3)."""
    objectives = tuple(objectives)
    return max((getattr(each, objective) for each in information for objective in objectives), key=IMPACTS.index)


ServiceModel = Literal["SaaS", "PaaS", "IaaS"]
Deployment = Literal["Public Cloud", "Government-Only Cloud", "Hybrid Cloud", "Community Cloud", "Government Community Cloud"]
"""The words that the schema of the Certification Package Overview takes."""


class Service(Table):
    """The offering as agencies meet it."""

    acronym: Annotated[str, StringConstraints(pattern=WORD, max_length=20)] | None = None
    model: ServiceModel | None = None
    deployment: Deployment | None = None
    state: Literal["operational", "under-development", "under-major-modification", "disposition"] = "under-development"
    """OSCAL system status: no build can see that a system operates."""
    operational_since: date | None = None
    website: Url | None = None
    logo: Annotated[str, StringConstraints(pattern=LOGO, max_length=1024)] | None = None
    fedramp_id: Annotated[str, StringConstraints(pattern=PACKAGE_ID)] | None = None
    uei: Annotated[str, StringConstraints(pattern=UEI)] | None = None
    business_categories: Annotated[tuple[BusinessCategory, ...], Field(max_length=10)] = ()
    trust_center: Url | None = None
    package_url: Url | None = None
    """Where this package is published, without the name of a file; URIs in the FedRAMP documents begin with it."""
    next_report: date | None = None
    """The next Ongoing Certification Report."""


class Assurance(Table):
    """Levels of NIST SP 800-63-3."""

    identity: Annotated[int, Field(ge=1, le=3)] | None = None
    authenticator: Annotated[int, Field(ge=1, le=3)] | None = None
    federation: Annotated[int, Field(ge=1, le=3)] | None = None


class Person(Table):
    """Somebody who holds a role, or answers a kind of question; an office does as well as a name."""

    name: Sentence
    title: Sentence | None = None
    email: Annotated[str, StringConstraints(pattern=EMAIL, max_length=254)] | None = None
    phone: Annotated[str, StringConstraints(pattern=PHONE)] | None = None
    roles: tuple[Role, ...] = ()
    contact: tuple[Literal["Primary", "Security", "Sales"], ...] = ()
    """Contact types of the Certification Package Overview, which needs Security and Sales."""


class Plan(Table):
    """By whom and when an open control or point will be met."""

    owner: Role
    completion: date
    milestone: Sentence


class Statement(Table):
    """What the provider says of a FedRAMP rule or a Key Security Indicator in place of this package; nothing here is checked."""

    status: Literal["implemented", "partial", "planned", "not-applicable"]
    explanation: Sentence
    """How it is followed, or why it is not and at what risk to customers."""
    verification: Sentence | None = None
    """That the way is right for the rule, or who has accepted that it is not followed."""
    validation: Sentence | None = None
    """That it is in place and works."""


class Assessor(Table):
    """The independent assessor; that one is named says nothing about what was assessed."""

    name: Sentence
    id: Annotated[str, StringConstraints(pattern=ASSESSOR_ID)]


class CryptographicModule(Table):
    """A cryptographic module with its certificate of the CMVP, as the provider has looked it up."""

    module: Sentence
    certificate: Annotated[str, StringConstraints(pattern=CERTIFICATE)]
    standard: Literal["FIPS 140-2", "FIPS 140-3"]
    status: Literal["validated", "update-stream"] = "validated"
