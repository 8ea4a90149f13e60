"""Inventory: the names that every document uses for the resources of a system."""

from __future__ import annotations

from claimstack.generator.documents.oscal.common import stable_uuid
from claimstack.generator.evaluation import Evaluated


def inventory_uuid(evaluated: Evaluated, asset: str) -> str:
    """Uuid of the inventory item of an asset: of one environment, since each deployment has its own; the same in every document."""
    return stable_uuid("inventory-item", evaluated.system.config.name, evaluated.emitted.environment or "no environment", asset)
