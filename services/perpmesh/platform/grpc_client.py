"""Channels to the other services. Every call has a deadline and carries the trace; nothing is retried blindly."""

from typing import Any

import grpc
from grpc.aio import (
    Channel,
    ClientCallDetails,
    StreamStreamClientInterceptor,
    UnaryStreamClientInterceptor,
    UnaryUnaryClientInterceptor,
    insecure_channel,
)

from perpmesh.platform import telemetry

DEADLINE_SECONDS = 5.0
OPTIONS = [
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 3_000),  # how long one attempt may take: on a busy machine 100 ms is not enough
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.use_local_subchannel_pool", 1),
]


def _traced(details: ClientCallDetails, *, default_deadline: float | None) -> ClientCallDetails:
    metadata = list(details.metadata or ())
    if parent := telemetry.traceparent():
        metadata.append(("traceparent", parent))
    return ClientCallDetails(
        method=details.method,
        timeout=details.timeout or default_deadline,
        metadata=grpc.aio.Metadata(*metadata),
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
    )


class _Unary(UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_traced(client_call_details, default_deadline=DEADLINE_SECONDS), request)


class _Watch(UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_traced(client_call_details, default_deadline=None), request)


class _Talk(StreamStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(_traced(client_call_details, default_deadline=None), request_iterator)


def channel(address: str) -> Channel:
    """Return a channel to `address` (host:port). It connects when used, and again by itself. Close it."""
    interceptors: Any = [_Unary(), _Watch(), _Talk()]
    return insecure_channel(address, options=OPTIONS, interceptors=interceptors)
