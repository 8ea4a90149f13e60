"""Custom domain: its certificate, and what both front doors say of the name that callers use."""

from __future__ import annotations

from typing import Final

from troposphere import GetAtt, Ref

from claimstack.generator.claims import Claim
from claimstack.generator.expressions import Check
from claimstack.generator.resources.arns import arn_pattern, example_arn
from claimstack.generator.system import Stack

DOMAIN: Final = "CustomDomain"
"""Logical id; that of the mapping starts with it."""

CERTIFICATE_ARN: Final = arn_pattern("acm", "certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def certificate_parameter(stack: Stack, domain: str) -> Ref:
    return stack.parameter(
        "CertificateArn",
        f"ARN of the ACM certificate for {domain}, in the region of this stack.",
        example=example_arn(stack.config, "acm", "certificate/12345678-90ab-cdef-1234-567890abcdef"),
        AllowedPattern=CERTIFICATE_ARN,
        ConstraintDescription="must be the ARN of an ACM certificate, such as arn:…:acm:…:certificate/12345678-…",
    )


def domain_claims(tls: tuple[Check, ...], certified: tuple[Check, ...]) -> tuple[Claim, ...]:
    """What a custom domain claims: `tls` asks for the protocol, `certified` for certificate, name and place."""
    return (
        Claim("ac-17.2_smt", "Sessions of remote callers are encrypted by TLS 1.2 or later.", *tls),
        Claim("sc-8_smt", "What callers and the front door exchange is protected by TLS 1.2 or later.", *tls),
        Claim("sc-8.1_smt", "The front door takes calls under TLS 1.2 or later only.", *tls),
        Claim("sc-23_smt", "The custom domain proves to callers by its certificate that they reach the server.", *certified),
    )


def mapping_claim(*checks: Check) -> Claim:
    return Claim("ac-17.3_smt", "The custom domain leads to this API, at its root, and to no other.", *checks)


def add_outputs(stack: Stack, domain: str) -> None:
    """What the DNS record of the domain needs."""
    stack.output("CustomDomainTarget", GetAtt(DOMAIN, "RegionalDomainName"), f"Point the DNS record of {domain} here.")
    stack.output("CustomDomainHostedZoneId", GetAtt(DOMAIN, "RegionalHostedZoneId"), "Hosted zone of the target, for an alias record.")
