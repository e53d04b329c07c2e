"""EmergencyStopService over gRPC."""

from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import Server

from perpmesh.platform import grpc_server
from perpmesh.platform.once import Once
from perpmesh.risk_safety.adapters import attempts_wire
from perpmesh.risk_safety.adapters import ess_wire as wire
from perpmesh.risk_safety.adapters.status_board import StatusBoard
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.application.reset import ResetOrder
from perpmesh.risk_safety.domain.ess import Trigger, TripOrder
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as rpc

SERVICE = pb.DESCRIPTOR.services_by_name["EmergencyStopService"].full_name
NO_REASON = "asked for"


class EssApi(rpc.EmergencyStopServiceServicer):
    """See protos/perpmesh_api/risk_safety/v1/emergency_stop_service.proto."""

    def __init__(self, *, core: SafetyCore, board: StatusBoard, once: Once) -> None:
        self._core = core
        self._board = board
        self._once = once

    async def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> pb.GetStatusResponse:
        return pb.GetStatusResponse(status=self._board.now())

    async def WatchStatus(self, request: pb.WatchStatusRequest, context: Any) -> AsyncIterator[pb.WatchStatusResponse]:
        async for status in self._board.watch():
            yield pb.WatchStatusResponse(status=status)

    async def Trip(self, request: pb.TripRequest, context: Any) -> pb.TripResponse:
        actor = grpc_server.require_operator().subject
        return await self._once("Trip", request, pb.TripResponse, lambda: self._trip(request, actor))

    async def _trip(self, request: pb.TripRequest, actor: str) -> pb.TripResponse:
        order = TripOrder(
            trigger=Trigger.MANUAL, reason=request.reason or NO_REASON, actor=actor, mode=wire.trip_mode(request.mode),
            market_time_ms=self._core.losses.equity.market_time_ms, request_id=request.request_id,
            evidence=self._core.losses.figures(),
        )  # fmt: skip
        return wire.trip_response(await self._core.ess.trip(order))

    async def Reset(self, request: pb.ResetRequest, context: Any) -> pb.ResetResponse:
        grpc_server.require_operator()
        return await self._once("Reset", request, pb.ResetResponse, lambda: self._do_reset(request))

    async def _do_reset(self, request: pb.ResetRequest) -> pb.ResetResponse:
        order = ResetOrder(
            reason=request.reason, stage=wire.stage(request.stage), operator_token=request.operator_token,
            approver_token=request.approver_token,
        )  # fmt: skip
        done = await self._core.reset(order)
        return pb.ResetResponse(status=self._board.now(), operator=done.operator, approver=done.approver)

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: Any) -> pb.HeartbeatResponse:
        grpc_server.require_operator()
        await self._core.operators.heard()
        return pb.HeartbeatResponse(status=self._board.now(), good_for_ms=self._core.operators.good_for_ms)

    async def ListAttempts(self, request: pb.ListAttemptsRequest, context: Any) -> pb.ListAttemptsResponse:
        found = await self._core.operators.attempts(request.action, request.limit)
        return pb.ListAttemptsResponse(attempts=[attempts_wire.attempt(each) for each in found])


def register(server: Server, api: EssApi) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_EmergencyStopServiceServicer_to_server(api, server)
    return SERVICE
