"""The guard around every RPC, over a real socket: errors with details, validation, and work that outlives its caller."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from perpmesh.kernel.errors import Invalid, InvariantViolated, NotFound, PerpmeshError, Refused, Stale, Unavailable
from perpmesh.platform import database, grpc_client, grpc_server, telemetry
from perpmesh.platform.once import Once
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.ports import free_port
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as rpc


class Scripted(rpc.EmergencyStopServiceServicer):
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.done = asyncio.Event()
        self.trace = ""

    async def GetStatus(self, request, context):
        self.trace = telemetry.current_trace_id()
        if self.error:
            raise self.error
        return pb.GetStatusResponse()

    async def Trip(self, request, context):
        self.begun.set()
        await self.go_on.wait()
        self.done.set()
        return pb.TripResponse()

    async def WatchStatus(self, request, context):
        if self.error:
            raise self.error
        yield pb.WatchStatusResponse()


@asynccontextmanager
async def served(servicer: Scripted) -> AsyncIterator[rpc.EmergencyStopServiceStub]:
    address = f"127.0.0.1:{free_port()}"
    async with grpc_server.serving("risk_safety", address) as serving:
        rpc.add_EmergencyStopServiceServicer_to_server(servicer, serving.server)
        await serving.start(["perpmesh_api.risk_safety.v1.EmergencyStopService"])
        async with grpc_client.channel(address) as channel:
            yield rpc.EmergencyStopServiceStub(channel)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no", reason="NOT_NOW"), grpc.StatusCode.FAILED_PRECONDITION),
        (Invalid("no", field="mode"), grpc.StatusCode.INVALID_ARGUMENT),
        (NotFound("no"), grpc.StatusCode.NOT_FOUND),
        (Stale("no"), grpc.StatusCode.ABORTED),
        (Unavailable("later"), grpc.StatusCode.UNAVAILABLE),
        (InvariantViolated("broken"), grpc.StatusCode.INTERNAL),
        (PerpmeshError("broken"), grpc.StatusCode.INTERNAL),
        (ZeroDivisionError("a bug"), grpc.StatusCode.INTERNAL),
    ],
)
async def test_an_error_becomes_its_status(error: Exception, code: grpc.StatusCode) -> None:
    servicer = Scripted()
    servicer.error = error
    async with served(servicer) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetStatus(pb.GetStatusRequest())
    assert refused.value.code() is code


async def test_a_refusal_carries_reason_and_field() -> None:
    servicer = Scripted()
    servicer.error = Refused("too far", reason="STOP_TOO_FAR", field="stop_price", metadata={"limit": "0.1"})
    async with served(servicer) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetStatus(pb.GetStatusRequest())
    status = rpc_status.from_call(_SyncCall(refused.value))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) if detail.Is(info.DESCRIPTOR) else detail.Unpack(bad)
    assert info.reason == "STOP_TOO_FAR"
    assert info.metadata["limit"] == "0.1"
    assert bad.field_violations[0].field == "stop_price"


class _SyncCall:
    """grpc_status reads a synchronous call; this lends it the asynchronous one's words."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self._error = error

    def trailing_metadata(self):
        return tuple((key, value) for key, value in self._error.trailing_metadata())

    def code(self):
        return self._error.code()

    def details(self):
        return self._error.details()


async def test_a_request_against_the_contract_never_reaches_the_handler() -> None:
    servicer = Scripted()
    async with served(servicer) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Trip(pb.TripRequest(reason="x" * 501))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "reason" in refused.value.details()
    assert not servicer.begun.is_set()


async def test_a_caller_that_leaves_does_not_stop_the_work() -> None:
    servicer = Scripted()
    async with served(servicer) as stub:
        call = stub.Trip(pb.TripRequest())
        waiting = asyncio.ensure_future(call)
        await asyncio.wait_for(servicer.begun.wait(), 5)
        call.cancel()
        with pytest.raises((asyncio.CancelledError, grpc.aio.AioRpcError)):
            await waiting
        servicer.go_on.set()
        await asyncio.wait_for(servicer.done.wait(), 5)


async def test_a_streams_error_becomes_its_status_too() -> None:
    servicer = Scripted()
    servicer.error = NotFound("nobody")
    async with served(servicer) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            _ = [answer async for answer in stub.WatchStatus(pb.WatchStatusRequest())]
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_the_trace_goes_with_the_call() -> None:
    telemetry.set_up("test")
    servicer = Scripted()
    async with served(servicer) as stub:
        with telemetry.span("caller"):
            await stub.GetStatus(pb.GetStatusRequest())
            assert servicer.trace == telemetry.current_trace_id()


async def test_a_second_process_on_the_same_port_fails() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with grpc_server.serving("one", address) as serving:
        await serving.start([])
        with pytest.raises(OSError, match="cannot listen"):
            async with grpc_server.serving("two", address):
                pass


async def test_a_repeat_gets_the_first_answer_even_after_a_restart(tmp_path: Path) -> None:
    settings = MeshSettings(state_dir=tmp_path)
    acted = 0

    async def act() -> pb.TripResponse:
        nonlocal acted
        acted += 1
        return pb.TripResponse(released_by=f"time {acted}")

    request = pb.TripRequest(request_id="r-1", reason="a")
    for _ in range(2):
        async with database.opened(settings, "risk_safety", sa.MetaData()) as store:
            once = Once(store, SystemClock())
            answers = await asyncio.gather(*(once("Trip", request, pb.TripResponse, act) for _ in range(5)))
            assert {answer.released_by for answer in answers} == {"time 1"}
            with pytest.raises(Invalid, match="request_id"):
                await once("Trip", pb.TripRequest(request_id="r-1", reason="b"), pb.TripResponse, act)
    assert acted == 1
