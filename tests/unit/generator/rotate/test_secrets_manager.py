"""Secrets Manager: what is not kept there is not rotated."""

from __future__ import annotations

from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import READ_BY_THE_DESK, Aws


def test_a_consumer_whose_secret_is_kept_nowhere_is_not_rotated(aws: Aws, run: Run) -> None:
    del aws.secrets[READ_BY_THE_DESK]
    ended = run("client", "analyst-desk")
    assert (ended.code, f"{READ_BY_THE_DESK}: no such secret in Secrets Manager; make it as deploy.md says" in ended.err) == (2, True)
    assert len(aws.client_secrets) == 1
