"""Partition: every difference between commercial AWS and GovCloud that this system has to respect.

No other module asks which partition it is: a new difference is a new field here, and the module that needs it reads the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from claimstack.controls.errors import InputError


@dataclass(frozen=True, slots=True)
class Partition:
    name: Literal["aws", "aws-us-gov"]
    title: str
    """As people call it."""
    regions: tuple[str, ...]
    """The regions that are built, linted and stood behind; a partition has others."""
    lint_regions: tuple[str, ...]
    """The regions whose resource schemas the partition's templates are held against, the first where one is enough."""
    region_pattern: str
    """The form of the names of all its regions, as a regular expression; no region of the other partition matches."""
    url_suffix: Literal["amazonaws.com"]
    """The value of `AWS::URLSuffix`: the same in these two partitions, another one in the others."""
    token_domain_prefix: Literal["auth", "auth-fips"]
    """Between the domain prefix of the user pool and the region; GovCloud has FIPS endpoints only."""
    token_domain_suffix: Literal["amazoncognito.com"]
    """The same in both partitions; never `AWS::URLSuffix`."""
    rest_security_policy: str
    """TLS policy of a REST API and its custom domain.

    Commercial: of the policies AWS offers, the one with FIPS in its name ends TLS in a validated module; it takes TLS 1.3 only, so
    that a client that stops at 1.2 is refused. GovCloud knows no enhanced policy, and all its APIs are FIPS by default.
    Source: API Gateway developer guide, "Supported security policies"; GovCloud user guide, "Amazon API Gateway".
    """
    rest_endpoint_access_mode: Literal["STRICT"] | None
    """Goes with an enhanced policy only; None leaves the property out."""
    http_security_policy: Literal["TLS_1_2"]
    """The most that the custom domain of an HTTP API can have, in both partitions."""
    fips_endpoints_only: bool
    """Whether API Gateway and Cognito have no endpoints but FIPS ones, as AWS documents it."""
    lambda_json_log_format: bool
    """Whether `LoggingConfig.LogFormat: JSON` exists; without it the code writes JSON itself. cfn-lint does not notice."""
    absent_types: tuple[str, ...]
    """Resource types that no stood-behind region of the partition has; a stack refuses them."""


COMMERCIAL = Partition(
    name="aws",
    title="AWS commercial",
    url_suffix="amazonaws.com",
    regions=("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    lint_regions=("us-east-1",),
    region_pattern="[a-z]{2}-[a-z]+-[0-9]",
    token_domain_prefix="auth",  # noqa: S106 - a host name label, not a secret
    token_domain_suffix="amazoncognito.com",  # noqa: S106 - as above
    rest_security_policy="SecurityPolicy_TLS13_1_3_FIPS_2025_09",
    rest_endpoint_access_mode="STRICT",
    http_security_policy="TLS_1_2",
    fips_endpoints_only=False,
    lambda_json_log_format=True,
    absent_types=(),
)

GOVCLOUD = Partition(
    name="aws-us-gov",
    title="AWS GovCloud (US)",
    url_suffix="amazonaws.com",
    regions=("us-gov-west-1", "us-gov-east-1"),
    lint_regions=("us-gov-west-1", "us-gov-east-1"),
    region_pattern="us-gov-[a-z]+-[0-9]",
    token_domain_prefix="auth-fips",  # noqa: S106 - as above
    token_domain_suffix="amazoncognito.com",  # noqa: S106 - as above
    rest_security_policy="TLS_1_2",
    rest_endpoint_access_mode=None,
    http_security_policy="TLS_1_2",
    fips_endpoints_only=True,
    lambda_json_log_format=False,
    absent_types=("AWS::CloudFront::Distribution", "AWS::Lambda::CapacityProvider", "AWS::Lambda::ResourcePolicy", "AWS::Lambda::Url"),
)

PARTITIONS = (COMMERCIAL, GOVCLOUD)
REGIONS = tuple(region for partition in PARTITIONS for region in partition.regions)

REFUSED = {
    "cn-": "the China regions have no Cognito resource types and no FedRAMP authorization; nothing is built for them",
    "us-iso": "the isolated regions publish no resource schemas to check a template with; nothing is built for them",
    "eu-iso": "the isolated regions publish no resource schemas to check a template with; nothing is built for them",
    "eusc-": "the European Sovereign Cloud is a partition of its own that this tool does not know; nothing is built for it",
}
"""Prefix of a region's name → why no system is built there."""


def partition_named(name: object) -> Partition | None:
    """The partition of the name that a package gives; None for one that is not known here."""
    return next((partition for partition in PARTITIONS if partition.name == name), None)


def partition_of(region: str) -> Partition:
    """Raise InputError for a region that is not stood behind."""
    for partition in PARTITIONS:
        if region in partition.regions:
            return partition
    for prefix, reason in REFUSED.items():
        if region.startswith(prefix):
            raise InputError(f"region '{region}' is refused: {reason}; choose one of {', '.join(REGIONS)}")
    near = get_close_matches(region, REGIONS, n=1, cutoff=0.8)
    raise InputError(
        f"unknown region '{region}'; did you mean '{near[0]}'?"
        if near
        else f"region '{region}' is not one that this tool builds and checks for; choose one of {', '.join(REGIONS)}"
    )
