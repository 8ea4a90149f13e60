"""What the tests of hostile input share."""

from __future__ import annotations

import pytest

from claimstack.runtime import asking


@pytest.fixture(autouse=True)
def _nobody_waits_long_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is asked for again without need ends at once."""
    monkeypatch.setattr(asking, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(asking, "POLL_STEPS", (0.01,))
