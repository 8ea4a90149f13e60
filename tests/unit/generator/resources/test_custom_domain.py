"""The certificate of the custom domain."""

from __future__ import annotations

import re

import pytest

from claimstack.generator.resources.custom_domain import CERTIFICATE_ARN

ID = "12345678-90ab-cdef-1234-567890abcdef"


@pytest.mark.parametrize(
    ("arn", "taken"),
    [
        (f"arn:aws:acm:us-east-1:111122223333:certificate/{ID}", True),
        (f"arn:aws-us-gov:acm:us-gov-west-1:111122223333:certificate/{ID}", True),
        (f"arn:aws:acm:us-gov-west-1:111122223333:certificate/{ID}", False),
        (f"arn:aws-cn:acm:cn-north-1:111122223333:certificate/{ID}", False),
        (f"arn:aws:iam:us-east-1:111122223333:certificate/{ID}", False),
        (f"arn:aws:acm:us-east-1:111122223333:certificate/{'-' * 36}", False),
    ],
)
def test_only_certificates_of_acm_in_either_partition_are_taken(arn: str, taken: bool) -> None:  # noqa: FBT001 - a column of the table
    assert bool(re.search(CERTIFICATE_ARN, arn)) is taken
