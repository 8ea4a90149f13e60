"""Key policy: what the policy of a supplied key has to say for the chosen features."""

from __future__ import annotations

from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.resources.key import filled, key_policy

ACCOUNT_PLACEHOLDER = "<ACCOUNT_ID>"
"""What the reader replaces; deploy.md says how."""


def render_key_policy(evaluated: Evaluated) -> Json:
    """The statements of the key stack with partition and region filled in, and `<ACCOUNT_ID>` where the account's number belongs."""
    config = evaluated.system.config
    places = {
        "${AWS::Partition}": config.partition.name,
        "${AWS::Region}": config.region,
        "${AWS::URLSuffix}": "amazonaws.com",
        "${AWS::AccountId}": ACCOUNT_PLACEHOLDER,
    }
    return filled(key_policy(config), places)
