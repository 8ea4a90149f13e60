"""Rotate: `claimstack rotate` against a deployed system on the emulator, whose Cognito knows no second secret of a client."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .deployment import Deployment
from .emulator import HOST

pytestmark = pytest.mark.e2e


def rotate(deployment: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("claimstack")
    place = ("--stack", f"{deployment.config.name}-server", "--region", deployment.config.region)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AWS_ENDPOINT_URL": f"http://{HOST}:{deployment.emulator.port}",
        "AWS_ACCESS_KEY_ID": "emulator",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "NO_PROXY": HOST,
    }
    return subprocess.run([command, "rotate", *arguments, *place], env=environment, capture_output=True, text=True, check=False)


def test_the_state_secret_of_a_deployed_system_is_rotated_once(commercial: Deployment) -> None:
    secrets_manager = commercial.emulator.client("secretsmanager", commercial.config.region)
    arn = commercial.server.outputs["StateSecretArn"]
    before = secrets_manager.get_secret_value(SecretId=arn)["SecretString"]
    done = rotate(commercial, "state", "commercial")
    assert (done.returncode, done.stderr) == (0, "")
    after = {
        stage: secrets_manager.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"] for stage in ("AWSCURRENT", "AWSPREVIOUS")
    }
    assert (after["AWSPREVIOUS"], len(after["AWSCURRENT"]), after["AWSCURRENT"] != before) == (before, 64, True)
    assert [value for value in after.values() if value in done.stdout] == []
    again = rotate(commercial, "state", "commercial")
    assert (again.returncode, "the state secret was rotated at " in again.stderr) == (2, True)


def test_a_client_is_not_rotated_where_cognito_cannot(commercial: Deployment) -> None:
    consumer = commercial.config.auth.consumers[0]
    done = rotate(commercial, "client", consumer)
    assert (done.returncode, "does not offer a second secret of a client; nothing was changed" in done.stderr) == (2, True), done.stderr
