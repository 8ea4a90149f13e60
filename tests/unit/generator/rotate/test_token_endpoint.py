"""Token endpoint: where a secret is not sent, and what an answer says about it."""

from __future__ import annotations

from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import Aws


def test_a_redirect_is_not_followed_with_the_secret(aws: Aws, run: Run) -> None:
    aws.outputs["TokenUrl"] = aws.outputs["TokenUrl"].replace("/token", "/elsewhere")
    ended = run("client", "analyst-desk", "--try")
    assert (ended.code, "answers 302" in ended.err, aws.called.count("token")) == (1, True, 1)


def test_an_answer_that_says_nothing_about_the_secret_is_told(aws: Aws, run: Run) -> None:
    assert run("client", "analyst-desk").code == 0
    aws.refuses = {"token": "before"}
    ended = run("client", "analyst-desk", "--finish")
    assert (ended.code, "answers 400 invalid_scope, so that it is not known" in ended.err) == (1, True)
    assert len(aws.client_secrets) == 2


def test_a_secret_goes_to_https_only(aws: Aws, run: Run) -> None:
    aws.outputs["TokenUrl"] = "http://tokens.example.gov/oauth2/token"
    ended = run("client", "analyst-desk", "--try")
    assert (ended.code, "is no https address; a secret is not sent there" in ended.err) == (2, True)
