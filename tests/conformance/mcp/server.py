"""Server: the runtime with the fixtures of these tests, under our Lambda runtime client (`lambda`) or on a local port (`local PORT`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from claimstack.runtime.app import App, create_app
from claimstack.runtime.lambda_client import run
from claimstack.runtime.local import listen, serve
from claimstack.runtime.store import MemoryStore, Store
from claimstack.runtime.tools.whoami import WHOAMI

from .everything import PACK, extend
from .gateway import HOST


def make_app(environ: Mapping[str, str], store: Store | None = None) -> App:
    return create_app(environ, (PACK, WHOAMI), extend=extend, store=store)


def main(mode: str, *arguments: str) -> None:
    if mode == "lambda":
        run(make_app)
    serve(make_app(os.environ, MemoryStore()), listen(HOST, int(arguments[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
