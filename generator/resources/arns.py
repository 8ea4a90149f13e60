"""ARN patterns: what a template parameter that takes an ARN accepts."""

from __future__ import annotations

from claimstack.generator.config import Config
from claimstack.generator.partition import PARTITIONS


def arn_pattern(service: str, resource: str) -> str:
    """A regular expression for ARNs of one service in an account of either partition; a region of the other partition does not match."""
    places = "|".join(f"{partition.name}:{service}:{partition.region_pattern}" for partition in PARTITIONS)
    return f"^arn:({places}):[0-9]{{12}}:{resource}$"


def example_arn(config: Config, service: str, resource: str, *, regional: bool = True) -> str:
    """An ARN for parameters.example.json, in AWS's account number for examples; IAM's ARNs name no region."""
    return f"arn:{config.partition.name}:{service}:{config.region if regional else ''}:111122223333:{resource}"


KEY_ARN = arn_pattern("kms", "key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""Key ARNs only: log groups refuse an alias, and whom an alias points to can change without a deployment."""
