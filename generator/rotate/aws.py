"""AWS: clients of its services, the outputs of the server stack, and how a call that failed is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from claimstack.controls.errors import InputError
from claimstack.generator.rotate.server import Server

Connect: TypeAlias = Callable[[str], Any]
"""A client of the AWS service with this name."""


class RotationError(Exception):
    """A call that failed. Says what state things are in and what to do next."""


def connect_to(region: str) -> Connect:
    """Clients in a region, by the AWS settings of the environment. Raises InputError without botocore or without credentials."""
    try:
        from botocore.config import Config
        from botocore.session import Session
    except ImportError as error:
        raise InputError("rotate calls AWS by botocore, which is not installed; install 'claimstack[runtime]'") from error
    from botocore.exceptions import BotoCoreError

    session = Session()
    try:
        found = session.get_credentials()
    except BotoCoreError as error:
        raise InputError(f"AWS credentials: {error}") from error
    if found is None:
        raise InputError("no AWS credentials found; set AWS_PROFILE, or sign in as for the AWS CLI")
    config = Config(region_name=region, retries={"mode": "standard", "total_max_attempts": 5})
    return lambda service: session.create_client(service, config=config)


@contextmanager
def failing(what: str, otherwise: str, hidden: str = "") -> Iterator[None]:
    """Tell an error of AWS by what was being done and how things stand; `hidden` is kept out of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        said = str(error).replace(hidden, "…") if hidden else str(error)
        raise RotationError(f"{what} failed: {said.rstrip('.')}. {otherwise}") from None


def outputs_of(server: Server, connect: Connect) -> dict[str, str]:
    """Outputs of the server stack. Raises InputError where there is no such stack."""
    from botocore.exceptions import ClientError

    with failing(f"reading the outputs of {server.stack} in {server.region}", "Nothing was changed."):
        try:
            (stack,) = connect("cloudformation").describe_stacks(StackName=server.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError" or "does not exist" not in str(error):
                raise
            raise InputError(
                f"{server.stack}: no such stack in {server.region} of this account; correct the name, --region or the credentials"
            ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
