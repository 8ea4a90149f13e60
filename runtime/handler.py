"""Handler: the server as a function `handler(event, context)`, for hosts that bring a runtime client of their own."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from claimstack.runtime.sdk import load_sdk

if TYPE_CHECKING:
    from claimstack.runtime.app import App

ON_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME"
"""A variable that Lambda sets (Lambda developer guide, "Defined runtime environment variables")."""


@cache
def _app() -> App:
    load_sdk()
    from claimstack.runtime.app import create_app
    from claimstack.runtime.settings import SettingsError

    app = create_app(os.environ)
    if app.settings.response_mode == "stream":
        raise SettingsError(("CLAIMSTACK_RESPONSE_MODE: only the entry point of the image streams (python -m claimstack.runtime)",))
    app.warm()
    return app


def handler(event: Any, context: Any) -> dict[str, Any]:
    return _app().handle_event(event, context)


if ON_LAMBDA in os.environ:
    _app()  # while the environment is initialised, so that the first request does not wait for it
