"""Cognito: the client of a consumer, and the secrets that it has there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from claimstack.controls.errors import InputError
from claimstack.generator.resources.identity import USER_POOL, client_logical_id
from claimstack.generator.rotate.aws import Connect, failing, outputs_of
from claimstack.generator.rotate.server import Server, without_pool

NOT_OFFERED: Final = ("InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation")
"""Error codes by which an endpoint says that it does not know an operation."""


@dataclass(frozen=True, slots=True)
class Client:
    """A consumer's client: where Cognito keeps it, and where the consumer reads its secret."""

    consumer: str
    pool: str
    id: str
    secret_name: str
    token_url: str
    scope: str


def client_of(server: Server, consumer: str, connect: Connect) -> tuple[Client, Any, Any]:
    """The client of a consumer, with the AWS clients of Cognito and Secrets Manager."""
    outputs = outputs_of(server, connect)
    if "TokenUrl" not in outputs:
        raise without_pool(server)
    output = f"{client_logical_id(consumer)}Id"
    if output not in outputs:
        there = ", ".join(sorted(key for key in outputs if key.endswith("ClientId"))) or "none"
        raise InputError(f"{server.stack}: has no client of a consumer {consumer!r} (outputs of clients: {there}); correct the name")
    with failing(f"reading {USER_POOL} of {server.stack}", "Nothing was changed."):
        found = connect("cloudformation").describe_stack_resource(StackName=server.stack, LogicalResourceId=USER_POOL)
    client = Client(
        consumer=consumer,
        pool=found["StackResourceDetail"]["PhysicalResourceId"],
        id=outputs[output],
        secret_name=f"{server.system}/{consumer}/client-secret",
        token_url=outputs["TokenUrl"],
        scope=outputs.get("Scope", ""),
    )
    return client, connect("cognito-idp"), connect("secretsmanager")


def secrets_of(cognito: Any, client: Client) -> list[tuple[str, datetime]]:
    """Id and date of each secret of a client, oldest first. Raises InputError where clients cannot have a second one."""
    from botocore.exceptions import ClientError

    not_offered = InputError(
        f"{client.consumer}: this region, or the botocore installed here, does not offer a second secret of a client; nothing was changed. "
        "Let CloudFormation make a second client: add a consumer with another name to auth.consumers, update, move the consumer to its id "
        "and secret, then remove the old name and update again (operations.md)"
    )
    if not hasattr(cognito, "list_user_pool_client_secrets"):
        raise not_offered
    with failing(f"listing the secrets of the client of {client.consumer}", "Nothing was changed."):
        try:
            found = cognito.list_user_pool_client_secrets(UserPoolId=client.pool, ClientId=client.id)["ClientSecrets"]
        except ClientError as error:
            if error.response["Error"]["Code"] in NOT_OFFERED:
                raise not_offered from error
            raise
    if not found:
        raise InputError(f"{client.consumer}: its client has no secret, hence none to rotate")
    return sorted(((each["ClientSecretId"], each["ClientSecretCreateDate"]) for each in found), key=lambda each: each[1])
