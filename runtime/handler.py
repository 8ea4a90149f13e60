"""Handler: the server as a function `handler(event, context)`, for hosts that bring a runtime client of their own."""

from __future__ import annotations

import os
from typing import Final

from claimstack.runtime.app import create_app

APP: Final = create_app(os.environ)
APP.warm()
handler: Final = APP.handle_event
