"""Logs as JSON lines without secrets, and one trace context that follows a decision through every service."""

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SECRET_NAMES = re.compile(r"secret|token|password|signature|api_?key|authorization|listen_?key", re.IGNORECASE)
SECRET_TEXT = re.compile(r"(signature=|listenKey=|Bearer )[A-Za-z0-9._~+/=-]+")
_propagator = TraceContextTextMapPropagator()


def _without_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = SECRET_TEXT.sub(r"\1***", value)
    return event


def _with_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if trace_id := current_trace_id():
        event["trace_id"] = trace_id
    return event


def set_up(service: str, *, log_level: str = "INFO", otlp_endpoint: str = "") -> None:
    """Configure logging and tracing for this process; spans leave it only when an OTLP endpoint is set."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _with_trace,
            _without_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[log_level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
    # A broker that is away is reported by our own watch, once; the client library would say it ten times a second.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=Resource.create({"service.name": f"perpmesh.{service}"}))
    if otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 15 MB
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - only when exporting

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp_endpoint, insecure=True)))
    trace.set_tracer_provider(provider)


def log(name: str) -> Any:
    """Return a structured logger."""
    return structlog.get_logger(name)


@contextmanager
def span(name: str, *, traceparent: str = "", **attributes: str | float | bool) -> Iterator[None]:
    """Run a block as one span: a child of `traceparent` when given, else of the current span."""
    context = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    with trace.get_tracer("perpmesh").start_as_current_span(name, context=context, attributes=attributes):
        yield


def traceparent() -> str:
    """Return the current W3C trace context, or "" outside of any span."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent", "")


def current_trace_id() -> str:
    """Return the current trace id as 32 hexadecimal digits, or ""."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def trace_id_of(parent: str) -> str:
    """Return the trace id inside a traceparent, or ""."""
    parts = parent.split("-")
    return parts[1] if len(parts) == 4 else ""  # noqa: PLR2004 - version, trace, span, flags
