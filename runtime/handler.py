"""Handler: the server as a function `handler(event, context)`, for hosts that bring a runtime client of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from claimstack.runtime.sdk import load_sdk

if TYPE_CHECKING:
    from claimstack.runtime.app import App


def _start() -> App:
    load_sdk()
    from claimstack.runtime.app import create_app

    app = create_app(os.environ)
    app.warm()
    return app


handler: Final = _start().handle_event
