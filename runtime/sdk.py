"""SDK: the MCP SDK loaded faster, for processes whose start somebody waits for.

Most of its import builds validators for the messages of every protocol revision. Built at the first use instead, only those are paid for
that a server meets, and warming up builds them before the first request.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, TypeAdapter


def load_sdk() -> None:
    """Import what the server needs of the SDK. The garbage collector rests meanwhile, and leaves alone what has come for good."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        with _deferred_validators(), _without("uvicorn"):
            import mcp.server.mcpserver  # noqa: F401  # imported for its effect: everything of the SDK is loaded here
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def _without(module: str) -> Iterator[None]:
    """As if the module were not installed: sse-starlette, which the SDK imports, takes uvicorn along where it finds it."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # how Python says that there is no such module
    try:
        yield
    finally:
        del sys.modules[module]


@contextlib.contextmanager
def _deferred_validators() -> Iterator[None]:
    """Models and adapters that are defined meanwhile build their validators at first use (pydantic, `defer_build`).

    For adapters pydantic has no public default; where the private one is gone, they are built as they are defined.
    """
    config, adapter = BaseModel.model_config, getattr(TypeAdapter, "_defer_build", None)
    BaseModel.model_config = ConfigDict(defer_build=True)
    if isinstance(adapter, property):
        TypeAdapter._defer_build = property(lambda _: True)  # type: ignore[assignment,method-assign]  # noqa: SLF001  # private
    try:
        yield
    finally:
        BaseModel.model_config = config
        if isinstance(adapter, property):
            TypeAdapter._defer_build = adapter  # type: ignore[assignment,method-assign]  # noqa: SLF001
