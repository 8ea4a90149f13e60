"""Official: the reference data of NIST and FedRAMP that tests compare with; none of it is part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

OFFICIAL = Path(os.environ.get("CLAIMSTACK_DATA") or Path(__file__).parents[2] / "shared" / "data")
CATALOG = OFFICIAL / "nist" / "NIST_SP-800-53_rev5.2.0_catalog.json"

needs_official = pytest.mark.skipif(
    not OFFICIAL.is_dir() and "CI" not in os.environ, reason="the official files are not here: set CLAIMSTACK_DATA to their folder"
)
"""Where they are absent a test is skipped, never in CI."""
