"""RiskService over gRPC: the entry lease as a stream, the limits, and the pause."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import protovalidate
from grpc.aio import Server

from perpmesh.platform import grpc_server, telemetry
from perpmesh.risk_safety.adapters import ess_wire as wire
from perpmesh.risk_safety.adapters.status_board import StatusBoard
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.domain.report import Answer
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2_grpc as rpc

log = telemetry.log(__name__)
SERVICE = pb.DESCRIPTOR.services_by_name["RiskService"].full_name
ANSWERS_WAITING_MAX = 32


class RiskApi(rpc.RiskServiceServicer):
    """See protos/perpmesh_api/risk_safety/v1/risk_service.proto."""

    def __init__(self, *, core: SafetyCore, board: StatusBoard) -> None:
        self._ess = core.ess
        self._desk = core.desk
        self._board = board

    async def HoldEntryLease(
        self, request_iterator: AsyncIterator[pb.HoldEntryLeaseRequest], context: Any
    ) -> AsyncIterator[pb.HoldEntryLeaseResponse]:
        grpc_server.require_operator()
        answers: asyncio.Queue[Answer | None] = asyncio.Queue(ANSWERS_WAITING_MAX)

        def link(answer: Answer | None) -> None:
            if answers.full():
                answers.get_nowait()  # the holder does not read; the newest word is the one that counts
            answers.put_nowait(answer)

        self._desk.attach(link)
        listening = asyncio.create_task(self._listen(request_iterator, link))
        listening.add_done_callback(lambda _: link(None))
        try:
            while (answer := await answers.get()) is not None:
                yield wire.lease_answer(answer)
            await listening  # raises what ended it
        finally:
            self._desk.detach(link)
            listening.cancel()

    async def _listen(self, requests: AsyncIterator[pb.HoldEntryLeaseRequest], link: Any) -> None:
        async for request in requests:
            protovalidate.validate(request)
            await self._desk.hear(wire.lease_report(request), link)

    async def GetLimits(self, request: pb.GetLimitsRequest, context: Any) -> pb.GetLimitsResponse:
        return pb.GetLimitsResponse(limits=wire.limits(self._desk.status()))

    async def PauseEntries(self, request: pb.PauseEntriesRequest, context: Any) -> pb.PauseEntriesResponse:
        await self._pause(paused=True, reason=request.reason)
        return pb.PauseEntriesResponse(status=self._board.now())

    async def ResumeEntries(self, request: pb.ResumeEntriesRequest, context: Any) -> pb.ResumeEntriesResponse:
        await self._pause(paused=False, reason=request.reason)
        return pb.ResumeEntriesResponse(status=self._board.now())

    async def _pause(self, *, paused: bool, reason: str) -> None:
        actor = grpc_server.require_operator().subject
        await self._ess.pause(paused=paused)
        log.warning("entries paused" if paused else "entries resumed", actor=actor, reason=reason)


def register(server: Server, api: RiskApi) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_RiskServiceServicer_to_server(api, server)
    return SERVICE
