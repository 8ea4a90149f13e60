"""Rotate: new values for the secrets of a deployed system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import typer

from claimstack.controls.errors import InputError
from claimstack.generator import options
from claimstack.generator.console import FAILED_CHECK, err, say, tell


def rotate_state(
    name: options.SystemName,
    package: options.RotatedPackage = None,
    stack: options.ServerStack = None,
    region: options.StackRegion = None,
    force: options.Force = False,
    dry_run: options.DryRun = False,
) -> None:
    """Put a new value into the state secret; the one before goes on opening what it has sealed.

    Refused for fifteen minutes after the last rotation, in which such states may be alive: a second one makes them unreadable.

    Example: `claimstack rotate state commercial`
    """
    from claimstack.generator.rotate import state
    from claimstack.generator.rotate.aws import connect_to
    from claimstack.generator.rotate.server import server_of

    server = server_of(name, package, stack, region)
    now = datetime.now(UTC)  # noqa: TID251  # a rotation is an act, and writes no package
    with _told_failures():
        state.rotate_state(server, connect_to(server.region), say, now, force=force, dry_run=dry_run)


def rotate_client(
    name: options.ConsumerName,
    try_current: options.Try = False,
    finish: options.Finish = False,
    package: options.RotatedPackage = None,
    stack: options.ServerStack = None,
    region: options.StackRegion = None,
    dry_run: options.DryRun = False,
) -> None:
    """Rotate the secret of a consumer's client in three steps, each a run of its own.

    Without a flag it gives the client a second secret and puts it where the consumer reads its own; both get tokens. With `--try` it sees
    that what the consumer reads gets a token. With `--finish`, once the consumer's owner has confirmed that every instance reads the new
    secret, it deletes the old one.

    Example: `claimstack rotate client analyst-desk -p out/commercial`

    Example: `claimstack rotate client analyst-desk --finish --stack commercial-server --region us-east-1`
    """
    from claimstack.generator.rotate.aws import connect_to
    from claimstack.generator.rotate.clients import begin_client, finish_client, try_client
    from claimstack.generator.rotate.server import check_consumer, server_of

    if try_current and finish:
        raise InputError("--try, --finish: are steps of their own; run them one after the other")
    step = finish_client if finish else try_client if try_current else begin_client
    server = server_of(None, package, stack, region)
    check_consumer(server, name)
    with _told_failures():
        step(server, name, connect_to(server.region), say, dry_run=dry_run)


@contextmanager
def _told_failures() -> Iterator[None]:
    """A call of AWS that failed ends with how things stand and exit code 1; an interrupt is told how to go on."""
    from claimstack.generator.rotate.aws import RotationError

    try:
        yield
    except RotationError as error:
        tell(f"error: {error}", "red")
        raise typer.Exit(FAILED_CHECK) from error
    except KeyboardInterrupt:
        err.print("Stopped in between; the same command goes on from where things stand.")
        raise
