"""Small functions: handlers and a runtime of a few lines, by which the emulators themselves are tested."""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPConnection
from typing import Any

CALLS: list[str] = []


def show(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The event itself, and how many this process had."""
    CALLS.append("")
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps([os.getpid(), len(CALLS), event])}


def act(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What the body says."""
    match event["body"]:
        case "raise":
            raise RuntimeError("as asked")
        case "exit":
            os._exit(3)
        case "sleep":
            time.sleep(context.get_remaining_time_in_millis() / 1000 + 5)
    return {"statusCode": 204, "headers": {"WWW-Authenticate": "Bearer"}}


def small_runtime() -> None:
    """A runtime that streams what the body of the event says, a word each."""
    api = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", "/2018-06-01/runtime/invocation/next")
        response = api.getresponse()
        identifier = response.headers["Lambda-Runtime-Aws-Request-Id"]
        words = json.loads(response.read())["body"].split()
        api.putrequest("POST", f"/2018-06-01/runtime/invocation/{identifier}/response")
        for name, value in {
            "Content-Type": "application/vnd.awslambda.http-integration-response",
            "Lambda-Runtime-Function-Response-Mode": "streaming",
            "Transfer-Encoding": "chunked",
            "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        }.items():
            api.putheader(name, value)
        api.endheaders()
        pieces = [b'{"statusCode": 201, "headers": {"x-kind": "stream"}}', b"\0" * 8, *(word.encode() for word in words if word != "fail")]
        for piece in pieces:
            api.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        failed = b"Lambda-Runtime-Function-Error-Type: Function.Failed\r\n" if "fail" in words else b""
        api.send(b"0\r\n" + failed + b"\r\n")
        api.getresponse().read()


if __name__ == "__main__":
    small_runtime()
