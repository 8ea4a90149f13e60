"""Pseudonyms: one value, one stand-in, of the same form; what identifies nobody stays."""

from __future__ import annotations

import pytest

from claimstack.generator.pseudonyms import Pseudonyms, addresses


def test_a_value_has_one_stand_in_and_a_stand_in_stays() -> None:
    pseudonyms = Pseudonyms()
    names = [pseudonyms.give("system-{}", name, "name") for name in ("desk", "mail", "desk", "system-1")]
    assert names == ["system-1", "system-2", "system-1", "system-1"]
    assert pseudonyms.origins == {"desk": "name", "mail": "name"}


def test_no_stand_in_is_an_original() -> None:
    pseudonyms = Pseudonyms(taken={"system-1"})
    assert [pseudonyms.give("system-{}", name, "name") for name in ("system-1", "desk")] == ["system-2", "system-3"]


def test_hosts_are_the_same_in_every_address() -> None:
    pseudonyms = Pseudonyms()
    assert pseudonyms.host("mcp.agency.gov", "x") == "host-1.example"
    assert pseudonyms.url("https://MCP.agency.gov:8443/tools/", "x") == "https://host-1.example:8443/path-1/"
    assert pseudonyms.email("desk@mcp.agency.gov", "x") == "mail-1@host-1.example"


@pytest.mark.parametrize(
    ("original", "stand_in"),
    [
        ("https://agency.gov", "https://host-1.example"),
        ("https://agency.gov/", "https://host-1.example/"),
        ("https://agency.gov/mark.svg?v=2", "https://host-1.example/path-1.svg"),
        ("http://localhost:8976/desk", "http://localhost:8976/path-1"),
        ("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab", "https://cognito-idp.us-east-1.amazonaws.com/path-1"),
    ],
)
def test_an_address_keeps_its_form_and_hosts_that_tell_nothing(original: str, stand_in: str) -> None:
    assert Pseudonyms().url(original, "x") == stand_in


KEY = "0f0e0d0c-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("original", "masked"),
    [
        ("arn:aws:iam::998877665544:role/desk/reader", "arn:aws:iam::000000000001:role/name-1"),
        (
            f"arn:aws-us-gov:kms:us-gov-west-1:998877665544:key/{KEY}",
            "arn:aws-us-gov:kms:us-gov-west-1:000000000001:key/00000000-0000-0000-0000-000000000001",
        ),
        (
            "arn:aws:cognito-idp:us-east-1:998877665544:userpool/us-east-1_Ab",
            "arn:aws:cognito-idp:us-east-1:000000000001:userpool/us-east-1_Redacted1",
        ),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        (
            "arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:38",
            "arn:aws:lambda:us-east-1:580247275435:layer:LambdaInsightsExtension:38",
        ),
        (
            "Write to desk@agency.gov, or see https://agency.gov/desk now",
            "Write to mail-1@host-1.example, or see https://host-1.example/path-1 now",
        ),
        (
            "998877665544.dkr.ecr.us-east-1.amazonaws.com/desk@sha256:00",
            "000000000001.dkr.ecr.us-east-1.amazonaws.com/repository-1@sha256:00",
        ),
        ("the account 998877665544", "the account 000000000001"),
        ("vpc-0a1b2c3d and subnet-0a1b2c3d4e5f60718", "vpc-00000001 and subnet-00000000000000001"),
        ("10.20.0.0/16, 52.1.2.3/32 and 0.0.0.0/0", "10.0.1.0/16, 203.0.113.1/32 and 0.0.0.0/0"),
        ("desk.agency.gov", "host-1.example"),
        ("https://${Api}.execute-api.${AWS::Region}.amazonaws.com/mcp", "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/mcp"),
        ("sha256 0123456789ab998877665544", "sha256 0123456789ab998877665544"),
    ],
)
def test_texts_lose_what_identifies_an_account_or_a_network(original: str, masked: str) -> None:
    pseudonyms = Pseudonyms()
    once = pseudonyms.text(original, "x")
    assert (once, pseudonyms.text(once, "x")) == (masked, masked)


def test_what_may_stay_stays() -> None:
    assert Pseudonyms().text("ask desk@agency.gov", "x", keep=lambda found: found == "desk@agency.gov") == "ask desk@agency.gov"


def test_addresses_are_found_by_what_is_around_them() -> None:
    text = (
        f"arn:aws:iam::998877665544:role/a, mail to:desk.one@mail.agency.gov, pypi/x@2.9.0, hash 998877665544, id {KEY}, (vpc-0a1b2c3d) "
        "998877665545.dkr.ecr.us-east-1.amazonaws.com, deployment-0a1b2c3d, sha:0123998877665544:"
    )
    assert list(addresses(text)) == [
        ("account id", "998877665544"),
        ("account id", "998877665545"),
        ("email address", "desk.one@mail.agency.gov"),
        ("id of a network resource", "vpc-0a1b2c3d"),
    ]
