"""Key policy: what the policy of a supplied key has to say for the chosen features."""

from __future__ import annotations

from claimstack.generator.emitted import Json
from claimstack.generator.evaluation import Evaluated
from claimstack.generator.resources.key import filled, key_policy
from claimstack.generator.resources.placeholders import pseudo_parameters


def render_key_policy(evaluated: Evaluated) -> Json:
    """The statements of the key stack with partition and region filled in, and `<ACCOUNT_ID>` where the account's number belongs."""
    config = evaluated.system.config
    return filled(key_policy(config), pseudo_parameters(config))
