"""Clients: a new secret for a consumer's client, in three steps, while the consumer goes on getting tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from claimstack.controls.errors import InputError
from claimstack.generator.rotate.aws import Connect, RotationError, failing
from claimstack.generator.rotate.cognito import Client, client_of, secrets_of
from claimstack.generator.rotate.secrets_manager import CURRENT, PENDING, PREVIOUS, pending_of, random_value, value_of, versions_of
from claimstack.generator.rotate.server import Server
from claimstack.generator.rotate.telling import Tell, clock
from claimstack.generator.rotate.token_endpoint import token_seconds

CLIENT_SECRET_LENGTH: Final = 52
"""As long as those that Cognito generates; it takes 24 to 64 letters and digits."""
SECRETS_OF_A_CLIENT: Final = 2
CLOCKS: Final = timedelta(minutes=5)
"""How far the times of a value in Secrets Manager and of the same value in Cognito may lie apart."""


def begin_client(server: Server, consumer: str, connect: Connect, tell: Tell, *, dry_run: bool = False) -> None:
    """Give a consumer's client a second secret, and put it where the consumer reads its own; the first stays valid.

    The value goes into Secrets Manager as AWSPENDING first, so that a run that ends before the last call loses nothing: the next one
    finds the value, sees that it gets a token, and makes it current. Raises InputError where two secrets stand or a second one is not
    offered, RotationError when a call fails.
    """
    client, cognito, secrets_manager = client_of(server, consumer, connect)
    known = secrets_of(cognito, client)
    versions = versions_of(secrets_manager, client.secret_name)
    pending = pending_of(versions)
    if len(known) < SECRETS_OF_A_CLIENT:
        if dry_run:
            tell(f"Would put a new random value into {client.secret_name} as {PENDING}, add it to the client {client.id} as its second")
            tell(f"secret, and make it {CURRENT}. The secret that {consumer} uses now would stay valid.")
            return
        version = _add_secret(client, cognito, secrets_manager)
    elif pending is None:
        raise InputError(
            f"{consumer}: its client has two secrets, so that an earlier rotation is not finished; try the current one with --try, "
            "have the owner confirm, then run with --finish"
        )
    else:
        if dry_run:
            tell(f"Would resume: ask for a token with the value that is {PENDING} in {client.secret_name}, and make it {CURRENT}.")
            return
        _recognise_secret(client, secrets_manager)
        tell(f"Resumed: the second secret of {consumer} is the one that is {PENDING} in {client.secret_name}.")
        version = pending.id
    with failing(
        f"making the new value {CURRENT} in {client.secret_name}",
        f"The client of {consumer} has both secrets; {consumer} still reads the old one. Run the command again, which resumes here.",
    ):
        secrets_manager.update_secret_version_stage(
            SecretId=client.secret_name, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=versions[CURRENT].id
        )
    tell(f"The client of {consumer} has a second secret, which is {CURRENT} in {client.secret_name}. Both get tokens.")
    tell(f"Next: --try; then have the owner of {consumer} confirm that every instance has read it; then --finish.")


def _add_secret(client: Client, cognito: Any, secrets_manager: Any) -> str:
    """A second secret, known to Secrets Manager before Cognito has it; the id of its version."""
    value = random_value(secrets_manager, CLIENT_SECRET_LENGTH)
    with failing(
        f"putting the new value into {client.secret_name}",
        f"{client.consumer} has its one secret as before; run the command again.",
        value,
    ):
        put = secrets_manager.put_secret_value(SecretId=client.secret_name, SecretString=value, VersionStages=[PENDING])
    with failing(
        f"adding the second secret to the client of {client.consumer}",
        f"{client.consumer} goes on with the secret that it has; the new value is {PENDING} in {client.secret_name}. Run the command "
        "again: it resumes here where the second secret was made after all.",
        value,
    ):
        cognito.add_user_pool_client_secret(UserPoolId=client.pool, ClientId=client.id, ClientSecret=value)
    return str(put["VersionId"])


def _recognise_secret(client: Client, secrets_manager: Any) -> None:
    """Raise InputError unless the value that is pending is one of the two secrets."""
    if token_seconds(client, value_of(secrets_manager, client.secret_name, PENDING)) is None:
        raise InputError(
            f"{client.consumer}: its client has two secrets, and what is {PENDING} in {client.secret_name} is neither; nothing was "
            "changed. Find out who made the second one; the client secrets part of operations.md says how to list and delete them"
        )


def try_client(server: Server, consumer: str, connect: Connect, tell: Tell, *, dry_run: bool = False) -> None:
    """See that the secret that a consumer reads gets a token; the token is thrown away."""
    client, _, secrets_manager = client_of(server, consumer, connect)
    if pending_of(versions_of(secrets_manager, client.secret_name)) is not None:
        raise InputError(f"{consumer}: its second secret is not in place yet; run the command without --try first")
    if dry_run:
        tell(f"Would ask {client.token_url} for a token of {consumer}, with the value that is {CURRENT} in {client.secret_name}.")
        return
    seconds = token_seconds(client, value_of(secrets_manager, client.secret_name, CURRENT))
    if seconds is None:
        raise RotationError(
            f"What is {CURRENT} in {client.secret_name} gets no token: it is no secret of the client {client.id}. Nothing was changed. "
            f"{consumer} cannot sign in with it: put back what is {PREVIOUS} there, then find out who has changed it."
        )
    tell(f"What is {CURRENT} in {client.secret_name} gets a token, valid for {seconds} seconds.")


def finish_client(server: Server, consumer: str, connect: Connect, tell: Tell, *, dry_run: bool = False) -> None:
    """Delete every secret of a consumer's client but the newest, which has to be the one that the consumer reads."""
    client, cognito, secrets_manager = client_of(server, consumer, connect)
    *old, (newest, made) = secrets_of(cognito, client)
    if not old:
        tell(f"The client of {consumer} has one secret, {newest}: nothing is left to finish.")
        return
    versions = versions_of(secrets_manager, client.secret_name)
    if pending_of(versions) is not None:
        raise InputError(f"{consumer}: its second secret is not in place yet; run the command without --finish first")
    if versions[CURRENT].created < made - CLOCKS:
        raise InputError(
            f"{consumer}: what is {CURRENT} in {client.secret_name} is from {clock(versions[CURRENT].created)}, and the newest secret of "
            f"the client from {clock(made)}: {consumer} does not read the newest, and would be locked out. Put that value there, or "
            f"delete the secret {newest}, as the client secrets part of operations.md says; nothing was changed"
        )
    if dry_run:
        tell(f"Would see that what is {CURRENT} in {client.secret_name} gets a token, and delete {', '.join(id_ for id_, _ in old)}.")
        return
    if token_seconds(client, value_of(secrets_manager, client.secret_name, CURRENT)) is None:
        raise InputError(f"{consumer}: what is {CURRENT} in {client.secret_name} gets no token; nothing was deleted. See --try")
    for id_, _ in old:
        with failing(f"deleting the secret {id_}", f"It is still valid beside the newest one, {newest}; run the command again."):
            cognito.delete_user_pool_client_secret(UserPoolId=client.pool, ClientId=client.id, ClientSecretId=id_)
        tell(f"Deleted {id_}, an old secret of {consumer}.")
    tell(f"The client of {consumer} has one secret, {newest}.")
