"""AWS: clients that give up before a caller does."""

from __future__ import annotations

from typing import Any, Final

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
ATTEMPTS: Final = 3


def make_client(service: str) -> Any:
    """A client that gives up well before the front door does: three attempts of at most three seconds."""
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"mode": "standard", "total_max_attempts": ATTEMPTS}
    )
    return get_session().create_client(service, config=config)
