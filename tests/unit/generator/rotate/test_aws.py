"""AWS: what a run needs before it asks anything."""

from __future__ import annotations

import sys

import pytest
from tests.unit.generator.conftest import Run
from tests.unit.generator.rotate.account import Aws


def test_without_credentials_nothing_is_asked(aws: Aws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    ended = run("state", "desk-tools")
    assert (ended.code, "no AWS credentials found" in ended.err, aws.called) == (2, True, [])


def test_without_botocore_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    ended = run("state", "desk-tools")
    assert (ended.code, "install 'claimstack[runtime]'" in ended.err) == (2, True)
