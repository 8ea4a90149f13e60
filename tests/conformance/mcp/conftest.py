"""Fixtures: one AWS emulator for all tests, and each door opened once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ...e2e.emulator import HOST, running_emulator  # noqa: TID252  # the folder of the tests is on no import path
from .doors import DOORS, REGION, TABLE, Aws, Door


@dataclass(frozen=True)
class OpenDoor:
    door: Door
    url: str
    log: Path


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with running_emulator(tmp_path_factory.mktemp("aws")) as emulator:
        dynamodb = emulator.client("dynamodb", REGION)
        dynamodb.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
        secret = emulator.client("secretsmanager", REGION).create_secret(Name="state", SecretString=secrets.token_urlsafe(48))
        yield Aws(f"http://{HOST}:{emulator.port}", secret["ARN"])


@pytest.fixture(scope="session", params=DOORS, ids=lambda door: door.name)
def door(request: pytest.FixtureRequest, aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenDoor]:
    log = tmp_path_factory.mktemp("door") / "server.log"
    with request.param.open(aws, log) as url:
        yield OpenDoor(request.param, url, log)
