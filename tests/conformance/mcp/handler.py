"""Handler: the server of these tests as a function of events."""

from __future__ import annotations

import os

from .server import make_app

_APP = make_app(os.environ)
_APP.warm()
handler = _APP.handle_event
