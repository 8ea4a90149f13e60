"""Server: what the package knows is told before AWS is asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.unit.generator.conftest import Run

from claimstack.controls.errors import InputError
from claimstack.generator.rotate import aws
from claimstack.generator.rotate.server import Server, check_consumer

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("step", [(), ("--dry-run",), ("--try",), ("--finish",)])
def test_a_consumer_that_the_package_does_not_know_is_told_without_credentials(
    run: Run, monkeypatch: pytest.MonkeyPatch, step: tuple[str, ...]
) -> None:
    commercial = ROOT / "out" / "commercial"
    monkeypatch.setattr(aws, "connect_to", lambda _: pytest.fail("AWS was asked"))
    ended = run("client", "nope", "-p", str(commercial), *step)
    assert (ended.code, ended.err) == (
        2,
        f"error: {commercial}: has no client of a consumer 'nope' (consumers: analyst-desk, nightly-report); correct the name, "
        "or build the package as it is deployed\n",
    )


def test_every_consumer_of_a_package_passes_and_a_package_without_a_pool_says_so(tmp_path: Path) -> None:
    server = Server("commercial", "commercial-server", "us-east-1", ROOT / "out" / "commercial")
    for consumer in ("analyst-desk", "nightly-report"):
        check_consumer(server, consumer)
    (tmp_path / "cloudformation").mkdir()
    (tmp_path / "cloudformation" / "server.json").write_text('{"Outputs": {}, "Resources": {}}', encoding="utf-8")
    with pytest.raises(InputError, match="commercial: has no user pool of its own"):
        check_consumer(dataclasses.replace(server, package=tmp_path), "analyst-desk")
