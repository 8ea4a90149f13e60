"""Inventory: the names that every document uses for a deployment of a system and for its resources."""

from __future__ import annotations

from claimstack.generator.documents.oscal.common import stable_uuid
from claimstack.generator.evaluation import Evaluated


def inventory_uuid(evaluated: Evaluated, asset: str) -> str:
    """Uuid of the inventory item of an asset: of one environment, since each deployment has its own; the same in every document."""
    return stable_uuid("inventory-item", *deployment(evaluated), asset)


def deployment(evaluated: Evaluated) -> tuple[str, str]:
    """What tells the deployments of all systems apart: the system and its environment."""
    return evaluated.system.config.name, evaluated.emitted.environment or "no environment"
