"""Tracing: OpenTelemetry spans, where the environment names a collector. The SDK makes the spans; this sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from claimstack.runtime.settings import SettingsError

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""OpenTelemetry specification, "OTLP Exporter Configuration"."""
FLUSH_MILLISECONDS: Final = 500


def start_tracing(environ: Mapping[str, str], service: str) -> Callable[[], None] | None:
    """Set the exporter up and return what sends the spans of a request before the process is frozen; None without a collector.

    Raises SettingsError where a collector is named and the exporter is not installed.
    """
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            (f"{ENDPOINTS[1]}: is set, but the exporter of spans is not installed; install claimstack[otel] ({error})",)
        ) from error

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=FLUSH_MILLISECONDS / 1000)))
    trace.set_tracer_provider(provider)

    def flush() -> None:
        provider.force_flush(FLUSH_MILLISECONDS)

    return flush
