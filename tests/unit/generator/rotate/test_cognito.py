"""Cognito: a client is rotated only where it is ours and can have a second secret."""

from __future__ import annotations

import pytest
from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import READ_BY_THE_DESK, Aws


@pytest.mark.parametrize("step", [(), ("--try",), ("--finish",)])
def test_where_a_second_secret_is_not_offered_the_other_way_is_named(aws: Aws, run: Run, step: tuple[str, ...]) -> None:
    aws.unknown = ("ListUserPoolClientSecrets", "AddUserPoolClientSecret", "DeleteUserPoolClientSecret")
    ended = run("client", "analyst-desk", *step)
    if step == ("--try",):
        assert ended.code == 0
    else:
        assert (ended.code, "add a consumer with another name to auth.consumers" in ended.err) == (2, True)
    assert (len(aws.client_secrets), len(aws.secrets[READ_BY_THE_DESK])) == (1, 1)


def test_clients_of_another_issuer_are_left_to_it(aws: Aws, run: Run) -> None:
    del aws.outputs["TokenUrl"]
    ended = run("client", "analyst-desk")
    assert (ended.code, "whoever issues its tokens rotates the secrets of its clients" in ended.err) == (2, True)
