"""State: a rotated state secret keeps what its last value has sealed readable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from mcp.server.request_state import RequestStateSecurity
from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import STATE, Aws

from claimstack.generator.rotate.state import STALE, STATE_LIFE
from claimstack.runtime.state_keys import FRESH_SECONDS


def test_a_rotated_state_secret_keeps_its_last_value(aws: Aws, run: Run) -> None:
    before = aws.stage(STATE, "AWSCURRENT").value
    ended = run("state", "desk-tools")
    assert (ended.code, ended.err) == (0, "")
    current, previous = aws.stage(STATE, "AWSCURRENT").value, aws.stage(STATE, "AWSPREVIOUS").value
    assert (previous, current != before, len(current), current.isalnum()) == (before, True, 64, True)
    assert "State secret of desk-tools: version " in ended.out


def test_states_stay_readable_between_rotations(aws: Aws, run: Run) -> None:
    assert run("state", "desk-tools").code == 0
    before = aws.stage(STATE, "AWSCURRENT").value
    refused = run("state", "desk-tools")
    assert refused.code == 2
    assert "would make them unreadable. Wait until then; or, where those calls may fail and be started again, say --force" in refused.err
    aws.stage(STATE, "AWSCURRENT").created -= timedelta(minutes=14)
    assert run("state", "desk-tools").code == 2
    assert aws.stage(STATE, "AWSCURRENT").value == before
    aws.stage(STATE, "AWSCURRENT").created -= timedelta(minutes=1)
    assert run("state", "desk-tools").code == 0
    assert aws.stage(STATE, "AWSPREVIOUS").value == before


def test_force_gives_states_up(aws: Aws, run: Run) -> None:
    first = aws.stage(STATE, "AWSCURRENT").value
    assert run("state", "desk-tools").code == 0
    ended = run("state", "desk-tools", "--force")
    assert (ended.code, ended.out.startswith("Forced: calls whose state was sealed before ")) == (0, True)
    assert first not in {version.value for version in aws.secrets[STATE].values() if version.stages}


def test_the_first_rotation_may_follow_the_deployment_at_once(aws: Aws, run: Run) -> None:
    aws.stage(STATE, "AWSCURRENT").created = datetime.now(UTC)  # noqa: TID251  # times as AWS gives them
    assert run("state", "desk-tools").code == 0


def test_the_wait_is_that_of_the_runtime() -> None:
    assert timedelta(seconds=FRESH_SECONDS) == STALE
    assert timedelta(seconds=RequestStateSecurity.ephemeral().ttl) == STATE_LIFE


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failed_rotation_says_how_to_find_out(aws: Aws, run: Run, when: str) -> None:
    first = next(iter(aws.secrets[STATE]))
    aws.refuses = {"PutSecretValue": when}
    ended = run("state", "desk-tools")
    assert ended.code == 1
    assert f"Unless only the answer was lost, version {first} is still AWSCURRENT: see with --dry-run" in ended.err
    again = run("state", "desk-tools", "--dry-run")
    assert again.code == (2 if when == "after" else 0)
