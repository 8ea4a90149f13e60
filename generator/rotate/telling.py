"""Telling: how a run says what it does, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Tell: TypeAlias = Callable[[str], None]


def clock(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def minutes(time: timedelta) -> str:
    return f"{int(time.total_seconds() // 60)} minutes"
