"""Audit: one record for every request, with what AU-3 asks for, and a metric for every tool call.

Control content: NIST SP 800-53 AU-3 (what, when, where, source, outcome, identity) and AU-3(1) (ids that lead to other records).
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import IO, Any, Final, Literal

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from mcp_types.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND
from pydantic_core import to_json

from claimstack.runtime.identity import Caller
from claimstack.runtime.jsonrpc import REQUEST_TIMEOUT, RESULT_TOO_LARGE, Json, dump, is_request_id
from claimstack.runtime.masking import masked
from claimstack.runtime.messages import Request
from claimstack.runtime.traces import stack_trace

EVENT: Final = "mcp.request"
NAMESPACE: Final = "claimstack"
TEXT_LIMIT: Final = 256
"""Characters kept of any text that the caller chooses, so that no caller can swell the log."""
CONTENT_LIMIT: Final = 16 * 1024
TRACE_LIMIT: Final = 16 * 1024
"""Characters kept of a stack trace: what an exception says of itself may repeat all that the caller sent."""

REASONS: Final = {
    METHOD_NOT_FOUND: "there is no such method",
    INVALID_PARAMS: "the parameters are not valid",
    INTERNAL_ERROR: "a handler failed",
    REQUEST_TIMEOUT: "the request took longer than the server may",
    RESULT_TOO_LARGE: "the result is too large to send",
}
"""JSON-RPC code → reason; messages of handlers may repeat arguments, which stay out of records."""
REPEATED: Final = ("message", "taskName")
"""Keys that logging adds: the name of the event once more, and since Python 3.12 that of an asyncio task."""

Outcome = Literal["success", "failure", "refused"]
"""`refused`: turned away before any handler ran. `failure`: a handler ran, or should have, and there is no result to use."""


@dataclass(slots=True)
class Record:
    """What is known of one request; filled in while it travels, written once."""

    request: Request
    started: float = field(default_factory=time.perf_counter)
    at: float = field(default_factory=time.time)
    caller: Caller | None = None
    protocol: str = ""
    rpc_method: str = ""
    rpc_id: Any = None
    target: str = ""
    """Name of the tool or prompt, or URI of the resource."""
    session: bool = False
    outcome: Outcome = "success"
    status: int = 0
    rpc_code: int | None = None
    reason: str = ""
    streamed: bool = False
    error: BaseException | None = None
    arguments: Any = None
    result: Any = None

    def child(self, message: Json) -> Record:
        """The record of one message of a batch."""
        record = replace(self)
        record.read(message)
        return record

    def start(self) -> None:
        """Its turn has come."""
        self.started, self.at = time.perf_counter(), time.time()

    def read(self, message: Json) -> None:
        """Take down what a JSON-RPC message asks for."""
        method, params = message.get("method"), message.get("params")
        self.rpc_method = _short(method) if isinstance(method, str) else ""
        rpc_id = message.get("id")
        self.rpc_id = _short(rpc_id) if isinstance(rpc_id, str) else rpc_id if is_request_id(rpc_id) else None
        if isinstance(params, dict):
            target = params.get("uri") if self.rpc_method.startswith("resources/") else params.get("name")
            self.target = _short(target) if isinstance(target, str) else ""
            self.arguments = params.get("arguments")

    def answered(self, message: Json) -> None:
        """Take down a JSON-RPC answer: an error, and a tool result that says it is one, are failures."""
        if "error" in message:
            code = self.rpc_code = message["error"]["code"]
            self.outcome, self.reason = "failure", REASONS.get(code, "the handler answered with an error of its own")
        else:
            self.result = message.get("result")
            if isinstance(self.result, dict) and self.result.get("isError") is True:
                self.outcome, self.reason = "failure", "the tool reported an error"

    def refuse(self, reason: str) -> None:
        self.outcome, self.reason = "refused", _short(reason)

    def fail(self, reason: str, code: int | None, problem: BaseException) -> None:
        self.outcome, self.reason, self.rpc_code, self.error = "failure", reason, code, problem


class Audit:
    """Where records go: the standard output of the process, as JSON lines in UTC."""

    def __init__(self, server: str, *, is_tool: Callable[[str], bool] = bool, content: bool = False, stream: IO[str] | None = None) -> None:
        """`is_tool`: whether a tool of this name exists; only those become metrics, since each name is one that is paid for."""
        self._is_tool = is_tool
        self._metrics: dict[str, dict[str, Any]] = {}
        self._server = server
        self._content = content
        self._stream = stream or sys.stdout
        # A logger that no name leads to: neither a variable of the environment nor a library can silence it or change where it writes.
        self._logger = logging.Logger(f"{NAMESPACE}.audit", logging.INFO)
        handler = _Sink(self._stream)
        handler.setFormatter(
            LambdaPowertoolsFormatter(
                utc=True,
                use_rfc3339=True,
                serialize_stacktrace=False,
                json_serializer=_line,
                log_record_order=["timestamp", "event", "level"],
                service=NAMESPACE,
                location=None,
            )
        )
        self._logger.addHandler(handler)

    def write(self, record: Record) -> None:
        """Write the record, with the stack trace of what failed, and the metric of a tool call. Never raises.

        Where the stream cannot be written, the record goes to the standard error and the request is answered all the same (AU-5): a
        server that falls silent with its log would let whoever fills a disk or closes a stream put it out of service.
        """
        try:
            self._write(record)
        except Exception:  # noqa: BLE001  # a defect in the record is told of, and costs the caller nothing
            _tell(f"{EVENT} could not be written: {traceback.format_exc()}")

    def _write(self, record: Record) -> None:
        error = record.error
        trace = {"exception": stack_trace(error, words=self._content)} if error is not None else {}
        self._logger.info(EVENT, extra={**self.fields(record), **trace})
        if record.rpc_method == "tools/call" and record.outcome != "refused" and self._is_tool(record.target):
            self._count(record)

    def fields(self, record: Record) -> dict[str, Any]:
        """The record as it is written, without what the logger adds (time stamp, level, service)."""
        request, caller = record.request, record.caller
        fields: dict[str, Any] = {
            "event": EVENT,
            # what
            "http_method": _short(request.method),
            "path": _short(request.path),
            "method": record.rpc_method,
            "target": record.target,
            "protocol": record.protocol,
            # when
            "at": datetime.fromtimestamp(record.at, UTC).isoformat(timespec="milliseconds"),
            "duration_ms": round((time.perf_counter() - record.started) * 1000, 3),
            # where
            "server": self._server,
            "host": _short(request.headers.get("host", "")),
            **request.where,
            # source
            "source_ip": _short(request.source_ip),
            "user_agent": _short(request.headers.get("user-agent", "")),
            # outcome
            "outcome": record.outcome,
            "status": record.status,
            # identity
            "client_id": caller.client_id if caller else "",
            "subject": caller.subject if caller else "",
            "issuer": caller.issuer if caller else "",
            "scopes": sorted(caller.scopes) if caller else [],
            # further ids
            "request_id": _short(request.request_id),
            "trace_id": _short(request.trace_id),
            "rpc_id": record.rpc_id,
        }
        if record.rpc_code is not None:
            fields["rpc_code"] = record.rpc_code
        if record.reason:
            fields["reason"] = record.reason
        if record.session:
            fields["session"] = True
        if record.streamed:
            fields["streamed"] = True
        traceparent = request.headers.get("traceparent")
        if traceparent:
            fields["traceparent"] = _short(traceparent)
        if self._content and record.outcome != "refused":
            fields["arguments"] = _content(record.arguments)
            fields["result"] = _content(record.result)
        return fields

    def _count(self, record: Record) -> None:
        shape = self._metrics.get(record.target)
        if shape is None:
            shape = self._metrics[record.target] = self._shape(record.target)
        shape["_aws"]["Timestamp"] = int(time.time() * 1000)
        shape["Failures"][0] = float(record.outcome == "failure")
        shape["Duration"][0] = round((time.perf_counter() - record.started) * 1000, 3)
        with contextlib.suppress(OSError, ValueError):  # a stream that fails has failed for the record too
            print(dump(shape), file=self._stream, flush=True)

    def _shape(self, tool: str) -> dict[str, Any]:
        """The metrics of one tool as they are written, with values to be filled in: making it takes a tenth of a call's time."""
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._server)
        metrics.add_dimension("tool", tool)
        metrics.add_metric("Calls", MetricUnit.Count, 1)
        metrics.add_metric("Failures", MetricUnit.Count, 0)
        metrics.add_metric("Duration", MetricUnit.Milliseconds, 0)
        return dict(metrics.serialize_metric_set())


class _Sink(logging.StreamHandler[IO[str]]):
    """The stream of records; one that cannot be written there goes to the standard error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # name of the standard library
        _tell(f"the stream of audit records fails: {sys.exc_info()[1]!r}")
        _tell(self.format(record))


def _tell(text: str) -> None:
    """To the standard error, as far as there is one."""
    with contextlib.suppress(Exception):
        print(text, file=sys.stderr, flush=True)


def _line(record: Any) -> str:
    """A log line; what JSON cannot carry is written as Python shows it, so that no record is lost over it."""
    for name in REPEATED:
        record.pop(name, None)
    trace = record.get("exception")
    if isinstance(trace, str) and len(trace) > TRACE_LIMIT:
        record["exception"] = f"{trace[: TRACE_LIMIT // 2]} … {trace[-TRACE_LIMIT // 2 :]}"
    try:
        return to_json(record, inf_nan_mode="null", fallback=repr).decode()
    except ValueError:  # half of a surrogate pair, which this writer escapes
        return json.dumps(record, default=repr)


def _short(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}…"


def _content(value: Any) -> Any:
    """What may go into a record of arguments or results: masked, and cut where it is long."""
    shown = masked(value)
    try:
        text = dump(shown)
    except ValueError:
        return "(not representable)"
    return shown if len(text) <= CONTENT_LIMIT else f"{text[:CONTENT_LIMIT]}…"
