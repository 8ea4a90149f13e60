"""Cryptographic modules: nothing is validated that nobody stated."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.systems import edit, weakened

from claimstack.controls.errors import InputError
from claimstack.generator.cryptographic_services import CRYPTOGRAPHIC_SERVICES
from claimstack.generator.documents.fedramp.cryptographic_modules import SERVICES, render_cryptographic_modules
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.loading import parse_config


def test_nothing_is_validated_that_system_toml_does_not_state(built: Callable[..., Evaluated]) -> None:
    document = render_cryptographic_modules(built())
    assert {service["validation"]["status"] for service in document["services"]} == {"not known"}
    assert "certificate" not in json.dumps([service["validation"] for service in document["services"]])
    module = {"module": "Example HSM", "certificate": "4523", "standard": "FIPS 140-3", "status": "validated"}
    stated = render_cryptographic_modules(built(cryptographic_modules={"kms": module, "sqs": module}))
    validations = {service["key"]: service["validation"] for service in stated["services"]}
    assert (validations["kms"]["status"], validations["kms"]["certificate"]) == ("validated", "4523")
    assert validations["dynamodb"]["status"] == "not known"
    assert (stated["stated_but_not_used"], stated["counts"]["stated"]) == (["sqs"], 1)


def test_a_module_that_system_toml_states_is_that_of_the_image_or_of_the_store_of_keys(built: Callable[..., Evaluated]) -> None:
    module = {"module": "Example FIPS provider", "certificate": "4985", "standard": "FIPS 140-3", "status": "validated"}
    services = render_cryptographic_modules(built(cryptographic_modules={"image-openssl": module, "kms": module}))["services"]
    known = {service["key"]: service["in_transit"]["module"] for service in services}
    assert (known["image-openssl"], known["lambda"]) == ("Example FIPS provider", "not known")
    (kms,) = (service for service in services if service["key"] == "kms")
    assert (kms["at_rest"]["module"], kms["in_transit"]["module"]) == ("AWS Key Management Service HSM", "not known")
    given = render_cryptographic_modules(built(key={"stack": False}, cryptographic_modules={"kms": module}))["services"]
    assert {service["at_rest"]["module"] for service in given if service["key"] == "kms"} == {"Example FIPS provider"}


def test_the_rule_level_is_that_of_the_class(built: Callable[..., Evaluated]) -> None:
    forces = {class_: render_cryptographic_modules(built(**{"class": class_}))["rule_level"]["force"] for class_ in ("B", "C", "D")}
    assert forces == {"B": "MAY", "C": "SHOULD", "D": "MUST"}


def test_the_module_of_the_front_door_follows_its_policy(built: Callable[..., Evaluated]) -> None:
    def door(evaluated: Evaluated) -> Any:
        return next(each for each in render_cryptographic_modules(evaluated)["services"] if each["key"] == "api-gateway")["in_transit"]

    rest = {"type": "rest-api", "domain": "mcp.example.gov"}
    assert door(built())["module"] == "not known"
    assert door(built(front_door=rest))["module"] == "AWS-LC FIPS module"
    assert "GovCloud" in door(built("govcloud"))["note"]
    weak = weakened(built(front_door=rest), edit("TLS_1_0", "CustomDomain", "Properties", "SecurityPolicy"))
    assert door(weak)["module"] == "not known"


def test_a_supplied_key_says_that_its_store_is_not_seen(built: Callable[..., Evaluated]) -> None:
    def kms(evaluated: Evaluated) -> Any:
        return next(each for each in render_cryptographic_modules(evaluated)["services"] if each["key"] == "kms")["at_rest"]

    assert kms(built())["module"] == "AWS Key Management Service HSM"
    assert (kms(built("govcloud"))["module"], "not seen" in kms(built("govcloud"))["note"]) == ("not known", True)


def test_every_known_service_can_be_stated_and_no_other() -> None:
    assert {service.key for service in SERVICES} | {"image-openssl", "image-cryptography"} == set(CRYPTOGRAPHIC_SERVICES)
    toml = """
name = "x1"
title = "X"
class = "C"
certification = "20x"
region = "us-east-1"
as_of = 2026-11-01
[auth]
consumers = ["reporting"]
[cryptographic_modules.{key}]
module = "M"
certificate = "4523"
standard = "FIPS 140-3"
"""
    assert parse_config(toml.format(key="kms"), "system.toml").cryptographic_modules["kms"].module == "M"
    with pytest.raises(InputError) as refused:
        parse_config(toml.format(key="dynamo-db"), "system.toml")
    (cause,) = refused.value.causes
    assert cause.startswith("system.toml: cryptographic_modules.dynamo-db: no such service; did you mean 'dynamodb'? known are kms, ")
