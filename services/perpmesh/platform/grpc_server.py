"""One way to serve gRPC, so that eight processes cannot differ in the boring parts."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import protovalidate
from google.rpc import code_pb2, status_pb2
from grpc.aio import Server, ServerInterceptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_status import rpc_status
from prometheus_client import Counter, Histogram

from perpmesh.kernel.errors import Forbidden, Overloaded, PerpmeshError
from perpmesh.platform import grpc_errors, identity, telemetry
from perpmesh.platform.identity import Identity, Role
from perpmesh.platform.process import Unhurried

log = telemetry.log(__name__)
DRAIN_SECONDS = 3.0
UNARY_IN_FLIGHT_MAX = 512
SHORTEST_WAIT_SECONDS = (
    0.01  # gRPC rounds a deadline up on its way: one already past can arrive with a few milliseconds left
)
REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"
OPTIONS = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    ("grpc.so_reuseport", 0),  # a second process on the same port must fail, not share
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
]
_caller: contextvars.ContextVar[Identity] = contextvars.ContextVar("caller", default=identity.LOCAL_OPERATOR)
_calls = Counter("perpmesh_rpc_total", "RPCs served", ["method", "code"])
_seconds = Histogram("perpmesh_rpc_seconds", "Duration of unary RPCs", ["method"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One unary call and what came of it: an answer or an error."""

    method: str
    caller: Identity
    request: Any
    answer: Any = None
    error: Exception | None = None


Witness = Callable[[Served], Awaitable[None]]


def caller() -> Identity:
    """Return who is calling the RPC that runs now."""
    return _caller.get()


def require_operator() -> Identity:
    """Return the caller; raise Forbidden unless it is an operator."""
    who = caller()
    if who.role is not Role.OPERATOR:
        raise Forbidden(f"{who.subject or 'this caller'} is a {who.role.value}; an operator is needed", reason="ROLE")
    return who


async def _still_awaited(context: Any) -> None:
    """End the call when its deadline has passed, or as good as: work that nobody waits for is not begun."""
    remaining = context.time_remaining()
    if remaining is not None and remaining < SHORTEST_WAIT_SECONDS:
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline had passed before the work began")


class Guard(ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Around every RPC: trace, identity, validation, overload, errors to statuses, work that outlives its caller."""

    def __init__(self) -> None:
        self._unhurried = Unhurried()
        self._in_flight = 0
        self.witness: Witness | None = None

    async def drain(self) -> None:
        """Wait for work whose callers have left."""
        await self._unhurried.drain()

    # grpc.aio's handler types are too loose to check; `Any` stops at this class.
    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/perpmesh_api."):
            return handler
        metadata = handler_call_details.invocation_metadata
        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._unary(handler.unary_unary, method, metadata), *codec)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._stream(handler.unary_stream, method, metadata), *codec)
        return grpc.stream_stream_rpc_method_handler(self._stream(handler.stream_stream, method, metadata), *codec)

    def _unary(self, behavior: Any, method: str, metadata: Any) -> Any:
        async def guarded(request: Any, context: Any) -> Any:
            try:
                self._admit()
                await _still_awaited(context)
                self._in_flight += 1
                try:
                    with _seconds.labels(method).time():
                        answer = await self._unhurried(self._inside(behavior, request, context, method, metadata))
                finally:
                    self._in_flight -= 1
                _calls.labels(method, "OK").inc()
            except PerpmeshError as error:
                await _abort(context, method, grpc_errors.to_status(error))
            except protovalidate.ValidationError as error:
                await _abort(context, method, grpc_errors.invalid_argument(violations(error)))
            return answer

        return guarded

    def _stream(self, behavior: Any, method: str, metadata: Any) -> Any:
        async def guarded(request: Any, context: Any) -> AsyncIterator[Any]:
            try:
                _caller.set(identity.of_metadata(metadata))
                if not hasattr(request, "__aiter__"):
                    protovalidate.validate(request)
                async for answer in behavior(request, context):
                    yield answer
            except PerpmeshError as error:
                await _abort(context, method, grpc_errors.to_status(error))
            except protovalidate.ValidationError as error:
                await _abort(context, method, grpc_errors.invalid_argument(violations(error)))
            except (asyncio.CancelledError, GeneratorExit, grpc.aio.AbortError):
                raise
            except Exception as error:
                log.exception("stream failed", method=method)
                await _abort(
                    context, method, grpc_errors.to_status(PerpmeshError(f"{type(error).__name__} in {method}"))
                )

        return guarded

    def _admit(self) -> None:
        if self._in_flight >= UNARY_IN_FLIGHT_MAX:
            raise Overloaded(f"{UNARY_IN_FLIGHT_MAX} calls are in flight already", reason="OVERLOADED")

    async def _inside(self, behavior: Any, request: Any, context: Any, method: str, metadata: Any) -> Any:
        parent = next((value for key, value in metadata or () if key == "traceparent"), "")
        with telemetry.span(method.lstrip("/"), traceparent=parent):
            _caller.set(identity.of_metadata(metadata))
            try:
                answer = await self._answered(behavior, request, context, method)
            except (PerpmeshError, protovalidate.ValidationError) as error:
                await self._seen(Served(method=method, caller=caller(), request=request, error=error))
                raise
            await self._seen(Served(method=method, caller=caller(), request=request, answer=answer))
            return answer

    async def _answered(self, behavior: Any, request: Any, context: Any, method: str) -> Any:
        protovalidate.validate(request)
        try:
            return await behavior(request, context)
        except (PerpmeshError, protovalidate.ValidationError, asyncio.CancelledError):
            raise
        except Exception as error:
            log.exception("rpc failed", method=method)
            raise PerpmeshError(f"{type(error).__name__} in {method}") from error

    async def _seen(self, served: Served) -> None:
        """Tell the witness; what was done is done, and answered, even if it cannot be remembered."""
        if self.witness is None:
            return
        try:
            await self.witness(served)
        except Exception:
            log.exception("a call was not remembered", method=served.method)


def violations(error: protovalidate.ValidationError) -> list[tuple[str, str]]:
    """Return the fields of a request that break its contract, each with the rule."""
    return [
        (
            ".".join(element.field_name for element in violation.proto.field.elements) or "request",
            violation.proto.message,
        )
        for violation in error.violations
    ]


async def _abort(context: Any, method: str, status: status_pb2.Status) -> None:
    _calls.labels(method, code_pb2.Code.Name(status.code)).inc()
    whole = rpc_status.to_status(status)
    context.set_trailing_metadata(whole.trailing_metadata)
    await context.abort(whole.code, whole.details)


class Serving:
    """A gRPC server that is up: register services on `server`, then `start`."""

    def __init__(self, server: Server, process: str, guard: Guard) -> None:
        self.server = server
        self._guard = guard
        self.health: Any = getattr(health, "aio").HealthServicer()  # noqa: B009 - untyped upstream
        self._process = process
        self._mesh: Sequence[str] = ()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)

    def witnessed_by(self, witness: Witness) -> None:
        """Let `witness` see every unary call when it is over, before its caller is answered."""
        self._guard.witness = witness

    def speak_for_mesh(self, services: Sequence[str]) -> None:
        """Let reflection list `services`, wherever they run; health of "" is then for the caller to set."""
        self._mesh = services

    async def start(self, services: Sequence[str]) -> None:
        """Begin to serve `services` (full names), with reflection; health says NOT_SERVING until `ready`."""
        names = sorted({*services, *self._mesh, health.SERVICE_NAME, reflection.SERVICE_NAME, REFLECTION_V1})
        self._services = services
        _enable_reflection(names, self.server)
        await self._set(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self.server.start()

    async def ready(self, serving: bool = True) -> None:  # noqa: FBT001, FBT002 - a switch
        """Say whether this process does its work."""
        state = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._set(state)

    async def _set(self, state: int) -> None:
        for name in (*(() if self._mesh else ("",)), self._process, *self._services):
            await self.health.set(name, state)


def _enable_reflection(names: Sequence[str], server: Server) -> None:
    """Serve reflection as v1alpha and as v1; the messages of the two are the same on the wire."""
    reflection.enable_server_reflection(names, server)
    servicer = reflection.aio.ReflectionServicer(names) if hasattr(reflection, "aio") else None
    servicer = servicer or reflection.ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    generic = grpc.method_handlers_generic_handler(REFLECTION_V1, {"ServerReflectionInfo": handler})
    server.add_generic_rpc_handlers((generic,))


@asynccontextmanager
async def serving(process: str, listen: str) -> AsyncGenerator[Serving, None]:
    """Bind on the way in, drain on the way out. Raises OSError when the port is taken."""
    guard = Guard()
    server = grpc.aio.server(interceptors=[guard], options=OPTIONS)
    try:
        bound = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise OSError(f"{process} cannot listen on {listen}: {error}") from error
    if not bound:
        raise OSError(f"{process} cannot listen on {listen}: the port is taken")
    try:
        yield Serving(server, process, guard)
    finally:
        await server.stop(DRAIN_SECONDS)
        await guard.drain()
