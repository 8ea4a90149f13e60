"""Fixtures of the emulator: one MiniStack process and one deployment of each reference system for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from claimstack.generator.loading import load_config

from .deployment import Deployment, deploy
from .emulator import Emulator, running_emulator

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="session")
def commercial(emulator: Emulator) -> Deployment:
    return deploy(emulator, load_config(EXAMPLES / "commercial.toml"))


@pytest.fixture(scope="session")
def govcloud(emulator: Emulator) -> Deployment:
    return deploy(emulator, load_config(EXAMPLES / "govcloud.toml"))
