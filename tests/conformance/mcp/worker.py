"""Worker: one execution environment of a Python function that takes an event and returns a result, a line of JSON each.

Run as `python -m tests.conformance.mcp.worker MODULE:ATTRIBUTE`. Events come on standard input, results go to the descriptor that
RESULTS_FD names, since a function writes its log to standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

from .gateway import FUNCTION, FUNCTION_ARN

RESULTS_FD = "CONFORMANCE_RESULTS_FD"


@dataclass(frozen=True)
class LambdaContext:
    """What the managed runtime passes beside the event."""

    aws_request_id: str
    deadline: float
    function_name: str = FUNCTION
    function_version: str = "$LATEST"
    invoked_function_arn: str = FUNCTION_ARN
    memory_limit_in_mb: str = "512"
    log_group_name: str = f"/aws/lambda/{FUNCTION}"
    log_stream_name: str = "stream"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.time()) * 1000))


def main(target: str) -> None:
    module, _, attribute = target.partition(":")
    with os.fdopen(int(os.environ[RESULTS_FD]), "w", buffering=1) as results:
        handler = getattr(importlib.import_module(module), attribute)
        results.write('{"ready": true}\n')
        for line in sys.stdin:
            invocation = json.loads(line)
            context = LambdaContext(invocation["id"], invocation["deadline"])
            try:
                result: dict[str, Any] = {"result": handler(invocation["event"], context)}
            except Exception:  # noqa: BLE001  # whatever a function raises is its result
                traceback.print_exc()
                result = {"failed": True}
            results.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
