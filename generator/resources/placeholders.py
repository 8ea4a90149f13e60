"""Placeholders: what the emitted policies say where only the account that deploys knows the value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from claimstack.generator.config import Config

ACCOUNT_PLACEHOLDER: Final = "<ACCOUNT_ID>"
KEY_PLACEHOLDER: Final = "<KEY_ARN>"
BOUNDARY_PLACEHOLDER: Final = "<PERMISSIONS_BOUNDARY_ARN>"
"""What the reader replaces; deploy.md says how."""


def pseudo_parameters(config: Config, account: str = ACCOUNT_PLACEHOLDER) -> Mapping[str, str]:
    """CloudFormation's pseudo parameters, as they stand in texts, with their values for this system."""
    return {
        "${AWS::Partition}": config.partition.name,
        "${AWS::Region}": config.region,
        "${AWS::URLSuffix}": config.partition.url_suffix,
        "${AWS::AccountId}": account,
    }
