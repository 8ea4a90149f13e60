"""Clients: the three steps, interrupted anywhere, leave the consumer with a secret that gets a token."""

from __future__ import annotations

import pytest
from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import READ_BY_THE_DESK, Aws, random_text, read_by_the_desk_is_good


def test_a_client_secret_is_rotated_in_three_steps(aws: Aws, run: Run) -> None:
    (first,) = aws.client_secrets
    ended = run("client", "analyst-desk")
    assert (ended.code, ended.err) == (0, "")
    assert [value for _, _, value in aws.client_secrets] == [first[2], aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value]
    assert aws.stage(READ_BY_THE_DESK, "AWSPREVIOUS").value == first[2]
    tried = run("client", "analyst-desk", "--try", "-p", "out/desk-tools")
    assert (tried.code, tried.out) == (0, f"What is AWSCURRENT in {READ_BY_THE_DESK} gets a token, valid for 900 seconds.\n")
    assert len(aws.client_secrets) == 2
    finished = run("client", "analyst-desk", "--finish", "--stack", "desk-tools-server", "--region", "us-east-1")
    assert (finished.code, f"Deleted {first[0]}" in finished.out) == (0, True)
    assert [value for _, _, value in aws.client_secrets] == [aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value]
    again = run("client", "analyst-desk", "--finish")
    assert (again.code, "nothing is left to finish" in again.out) == (0, True)
    assert run("client", "analyst-desk").code == 0


def test_a_third_secret_is_refused(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    before = list(aws.client_secrets)
    ended = run("client", "analyst-desk")
    assert (ended.code, "has two secrets, so that an earlier rotation is not finished" in ended.err) == (2, True)
    assert aws.client_secrets == before


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["GetRandomPassword", "PutSecretValue", "AddUserPoolClientSecret", "UpdateSecretVersionStage"])
def test_an_interrupted_first_step_is_resumed(aws: Aws, run: Run, operation: str, when: str) -> None:
    aws.refuses = {operation: when}
    ended = run("client", "analyst-desk")
    assert (ended.code, read_by_the_desk_is_good(aws)) == (1, True)
    done = (operation, when) == ("UpdateSecretVersionStage", "after")
    if not done and operation != "GetRandomPassword":
        assert "un the command again" in " ".join(ended.err.split())
    again = run("client", "analyst-desk")
    assert again.code == (2 if done else 0)
    assert (len(aws.client_secrets), read_by_the_desk_is_good(aws)) == (2, True)
    assert aws.stage(READ_BY_THE_DESK, "AWSCURRENT").value == aws.client_secrets[-1][2]
    assert run("client", "analyst-desk", "--finish").code == 0
    assert (len(aws.client_secrets), read_by_the_desk_is_good(aws)) == (1, True)


@pytest.mark.parametrize("step", ["--try", "--finish"])
def test_an_interrupted_first_step_comes_before_the_others(aws: Aws, run: Run, step: str) -> None:
    aws.refuses = {"UpdateSecretVersionStage": "before"}
    assert run("client", "analyst-desk").code == 1
    ended = run("client", "analyst-desk", step)
    assert (ended.code, "its second secret is not in place yet" in ended.err) == (2, True)
    assert len(aws.client_secrets) == 2


def test_a_second_secret_of_somebody_else_is_not_taken_for_ours(aws: Aws, run: Run) -> None:
    aws.refuses = {"AddUserPoolClientSecret": "before"}
    assert run("client", "analyst-desk").code == 1
    aws.add(random_text(52))
    ended = run("client", "analyst-desk")
    assert (ended.code, "is neither; nothing was changed" in ended.err) == (2, True)
    assert read_by_the_desk_is_good(aws)


def test_a_rotation_by_hand_is_not_taken_back(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    assert run("client", "analyst-desk", "--finish").code == 0
    by_hand = random_text(52)
    aws.add(by_hand)
    aws.put(READ_BY_THE_DESK, by_hand, ["AWSCURRENT"])
    assert run("client", "analyst-desk").code == 2
    assert run("client", "analyst-desk", "--finish").code == 0
    assert [value for _, _, value in aws.client_secrets] == [by_hand]


def test_a_consumer_that_does_not_read_the_newest_secret_is_not_locked_out(aws: Aws, run: Run) -> None:
    aws.add(random_text(52))
    ended = run("client", "analyst-desk", "--finish")
    assert (ended.code, "analyst-desk does not read the newest, and would be locked out" in ended.err) == (2, True)
    assert len(aws.client_secrets) == 2


def test_nothing_is_deleted_while_the_secret_that_is_read_gets_no_token(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    aws.put(READ_BY_THE_DESK, random_text(52), ["AWSCURRENT"])
    for step, code in (("--finish", 2), ("--try", 1)):
        ended = run("client", "analyst-desk", step)
        assert (ended.code, "gets no token" in ended.err) == (code, True)
    assert len(aws.client_secrets) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_last_step_is_resumed(aws: Aws, run: Run, when: str) -> None:
    assert run("client", "analyst-desk").code == 0
    aws.refuses = {"DeleteUserPoolClientSecret": when}
    ended = run("client", "analyst-desk", "--finish")
    assert (ended.code, "run the command again" in ended.err) == (1, True)
    assert run("client", "analyst-desk", "--finish").code == 0
    assert (len(aws.client_secrets), read_by_the_desk_is_good(aws)) == (1, True)
