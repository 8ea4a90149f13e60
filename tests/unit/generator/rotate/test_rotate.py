"""Rotate: both commands read only when dry, and tell wrong input in one line."""

from __future__ import annotations

import pytest
from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import Aws

READS = {
    "DescribeStacks",
    "DescribeStackResource",
    "ListSecretVersionIds",
    "ListUserPoolClientSecrets",
    "GetSecretValue",
    "GetRandomPassword",
    "token",
}


def test_steps_are_not_taken_together(run: Run) -> None:
    ended = run("client", "analyst-desk", "--try", "--finish")
    assert (ended.code, ended.err) == (2, "error: --try, --finish: are steps of their own; run them one after the other\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("state", "desk-tools"),
        ("client", "analyst-desk"),
        ("client", "analyst-desk", "--try"),
        ("client", "analyst-desk", "--finish"),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_dry_run_reads_only(aws: Aws, run: Run, arguments: tuple[str, ...], begun: bool) -> None:  # noqa: FBT001  # a parameter
    if begun:
        aws.refuses = {} if "--finish" in arguments or "--try" in arguments else {"UpdateSecretVersionStage": "before"}
        run("client", "analyst-desk")
    aws.called.clear()
    ended = run(*arguments, "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert "Would " in ended.out or "nothing is left to finish" in ended.out
    assert set(aws.called) <= READS - {"GetSecretValue", "GetRandomPassword", "token"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("state", "desk"), "no package of desk below out/ (desk-tools found); name it with --package, or --stack and --region"),
        (
            ("client", "analyst-desk", "--stack", "desk-server"),
            "no package of desk below out/ (desk-tools found); name it with --package, or --stack and --region",
        ),
        (
            ("state", "desk", "-p", "out/desk-tools"),
            "out/desk-tools: is the package of desk-tools, not of desk; correct the name or --package",
        ),
        (("state", "desk", "--region", "us-east-1"), "desk-server: no such stack in us-east-1 of this account; "),
        (("state", "desk-tools", "-p", "elsewhere"), "elsewhere: is not a package that claimstack build wrote; name one with --package"),
        (("state", "desk-tools", "--region", "us-gov-west-1"), "--region us-gov-west-1: out/desk-tools was built for the partition aws; "),
        (("state", "desk-tools", "--region", "cn-north-1"), "region 'cn-north-1' is refused: "),
        (("client", "desk"), "desk-tools-server: has no client of a consumer 'desk' (outputs of clients: AnalystDeskClientId); "),
        (("client", "analyst-desk", "--stack", "mine"), "--stack mine: does not name its system as <system>-server does; "),
    ],
)
def test_wrong_input_is_told_in_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    ended = run(*arguments)
    (line,) = ended.err.splitlines()
    assert (ended.code, line.startswith(f"error: {told}")) == (2, True), line
