"""Partition: regions map to what they can and cannot do."""

import re

import pytest

from claimstack.controls.errors import InputError
from claimstack.generator.partition import COMMERCIAL, GOVCLOUD, PARTITIONS, REGIONS, partition_named, partition_of


def test_every_region_belongs_to_exactly_one_partition() -> None:
    assert {region: partition_of(region).name for region in REGIONS} == {
        "us-east-1": "aws",
        "us-east-2": "aws",
        "us-west-1": "aws",
        "us-west-2": "aws",
        "us-gov-west-1": "aws-us-gov",
        "us-gov-east-1": "aws-us-gov",
    }
    assert len(set(REGIONS)) == sum(len(partition.regions) for partition in PARTITIONS)


def test_govcloud_has_fips_token_domains_and_no_enhanced_tls_policy() -> None:
    assert GOVCLOUD.token_domain_prefix == "auth-fips"
    assert (GOVCLOUD.rest_security_policy, GOVCLOUD.rest_endpoint_access_mode, GOVCLOUD.lambda_json_log_format) == ("TLS_1_2", None, False)


def test_commercial_rest_policy_is_a_validated_module_with_strict_access() -> None:
    assert "FIPS" in COMMERCIAL.rest_security_policy
    assert COMMERCIAL.rest_endpoint_access_mode == "STRICT"


def test_a_partition_is_linted_in_regions_of_its_own() -> None:
    forms = {partition.name: re.compile(partition.region_pattern) for partition in PARTITIONS}
    for partition in PARTITIONS:
        assert set(partition.lint_regions) <= set(partition.regions)
        for region in partition.regions:
            assert [name for name, form in forms.items() if form.fullmatch(region)] == [partition.name]


def test_a_package_names_its_partition() -> None:
    assert [partition_named(name) for name in ("aws", "aws-us-gov", "aws-cn", None)] == [COMMERCIAL, GOVCLOUD, None, None]


@pytest.mark.parametrize(
    ("region", "part"),
    [
        ("us-east1", "did you mean 'us-east-1'?"),
        ("us-gov-west", "did you mean 'us-gov-west-1'?"),
        ("eu-central-1", "choose one of us-east-1, us-east-2"),
        ("", "choose one of us-east-1, us-east-2"),
        ("cn-north-1", "China regions have no Cognito"),
        ("us-isob-east-1", "isolated regions"),
        ("eu-isoe-west-1", "isolated regions"),
        ("eusc-de-east-1", "partition of its own"),
    ],
)
def test_other_regions_are_refused_with_the_reason(region: str, part: str) -> None:
    with pytest.raises(InputError) as refused:
        partition_of(region)
    assert [part in cause for cause in refused.value.causes] == [True]
