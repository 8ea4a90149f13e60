"""Secrets Manager: the versions of a secret, their values, and a new random one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claimstack.controls.errors import InputError
from claimstack.generator.rotate.aws import failing

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a secret in Secrets Manager."""

    id: str
    created: datetime


def versions_of(secrets_manager: Any, secret: str) -> dict[str, Version]:
    """The versions of a secret by staging label."""
    from botocore.exceptions import ClientError

    with failing(f"reading the versions of {secret}", "Nothing was changed."):
        try:
            listed = secrets_manager.list_secret_version_ids(SecretId=secret, MaxResults=100)["Versions"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise InputError(f"{secret}: no such secret in Secrets Manager; make it as deploy.md says, then rotate it") from error
    found = {stage: Version(each["VersionId"], each["CreatedDate"]) for each in listed for stage in each.get("VersionStages", ())}
    if CURRENT not in found:
        raise InputError(f"{secret}: has no version {CURRENT}; put the value that is in use there first")
    return found


def pending_of(versions: Mapping[str, Version]) -> Version | None:
    """The version that waits to become current. The label stays where it is once that has happened, and after later rotations by hand."""
    pending = versions.get(PENDING)
    return pending if pending is not None and pending.created > versions[CURRENT].created else None


def value_of(secrets_manager: Any, secret: str, stage: str) -> str:
    with failing(f"reading what is {stage} in {secret}", "Nothing was changed by this run."):
        return str(secrets_manager.get_secret_value(SecretId=secret, VersionStage=stage)["SecretString"])


def random_value(secrets_manager: Any, length: int) -> str:
    with failing("asking Secrets Manager for a random value", "Nothing was changed."):
        return str(secrets_manager.get_random_password(PasswordLength=length, ExcludePunctuation=True)["RandomPassword"])
