"""State: a new state secret, while states that the one before has sealed stay readable."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from claimstack.controls.errors import InputError
from claimstack.generator.resources.secrets import SECRET_LENGTH
from claimstack.generator.rotate.aws import Connect, failing, outputs_of
from claimstack.generator.rotate.secrets_manager import CURRENT, PREVIOUS, random_value, versions_of
from claimstack.generator.rotate.server import Server
from claimstack.generator.rotate.telling import Tell, clock, minutes

STATE_LIFE: Final = timedelta(minutes=10)
"""How long a sealed state is accepted: the default of the MCP SDK."""
STALE: Final = timedelta(minutes=5)
"""How long an instance of the function may go on sealing with the version that it has read."""
OVERLAP: Final = STATE_LIFE + STALE
"""After a rotation, states that the version before has sealed live for so long; the next rotation makes that version unreadable."""


def rotate_state(server: Server, connect: Connect, tell: Tell, now: datetime, *, force: bool = False, dry_run: bool = False) -> None:
    """Put a new value as AWSCURRENT, by which the one before becomes AWSPREVIOUS.

    Raises InputError while states that AWSPREVIOUS has sealed may be alive, unless it is forced; RotationError when a call fails.
    """
    arn = outputs_of(server, connect).get("StateSecretArn")
    if arn is None:
        raise InputError(f"{server.stack}: has no output StateSecretArn; name the server stack of {server.system} with --stack")
    secrets_manager = connect("secretsmanager")
    versions = versions_of(secrets_manager, arn)
    current = versions[CURRENT]
    end = current.created + OVERLAP
    early = PREVIOUS in versions and now < end
    if early and not force:
        raise InputError(
            f"{server.system}: the state secret was rotated at {clock(current.created)}; until {clock(end)} there may be states that the "
            "version before has sealed, and a second rotation would make them unreadable. Wait until then; or, where those calls may "
            "fail and be started again, say --force"
        )
    if early:
        tell(f"Forced: calls whose state was sealed before {clock(current.created + STALE)} may have to be started again.")
    if dry_run:
        tell(f"Would put a new random value into {arn} as {CURRENT}.")
        tell(f"Version {current.id}, current since {clock(current.created)}, would become {PREVIOUS}.")
        return
    value = random_value(secrets_manager, SECRET_LENGTH)
    with failing(
        f"putting the new value into {arn}",
        f"Unless only the answer was lost, version {current.id} is still {CURRENT}: see with --dry-run, then run the command again.",
        value,
    ):
        new = secrets_manager.put_secret_value(SecretId=arn, SecretString=value)["VersionId"]
    tell(f"State secret of {server.system}: version {new} is {CURRENT}, version {current.id} is {PREVIOUS}.")
    tell(f"Instances that run take the new one within {minutes(STALE)}. The next rotation is possible in {minutes(OVERLAP)}.")
