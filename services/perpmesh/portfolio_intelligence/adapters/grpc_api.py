"""PortfolioService: the books to whoever asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from grpc.aio import Server

from perpmesh.platform.broadcast import Broadcast
from perpmesh.platform.grpc_server import require_operator
from perpmesh.platform.once import Once
from perpmesh.platform.settings import VenueKind
from perpmesh.portfolio_intelligence.adapters import wire
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.application.ports import Store
from perpmesh.portfolio_intelligence.application.propose_rebalance import ProposeRebalance
from perpmesh.portfolio_intelligence.domain.summary import Summary
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2 as pb
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2_grpc as rpc

SERVICE = pb.DESCRIPTOR.services_by_name["PortfolioService"].full_name
CURVE_DEFAULT = 500
WATCH_PAUSE_SECONDS = 0.5


class PortfolioApi(rpc.PortfolioServiceServicer):
    """See protos/perpmesh_api/portfolio_intelligence/v1/portfolio_service.proto."""

    def __init__(
        self, *, books: KeepBooks, propose: ProposeRebalance, store: Store, once: Once, environment: VenueKind
    ) -> None:
        self._books = books
        self._propose = propose
        self._store = store
        self._once = once
        self._environment = environment
        self._changes: Broadcast[Summary] = Broadcast(bound=1)
        books.on_change(self._changes.send)

    async def GetSummary(self, request: pb.GetSummaryRequest, context: Any) -> pb.GetSummaryResponse:
        return pb.GetSummaryResponse(summary=self._shown(self._books.summary()))

    async def Rebalance(self, request: pb.RebalanceRequest, context: Any) -> pb.RebalanceResponse:
        require_operator()

        async def act() -> pb.RebalanceResponse:
            targets, band = wire.targets_from(request), wire.band_from(request)
            return wire.proposal_to(*await self._propose(request.request_id, targets, band))

        return await self._once("Rebalance", request, pb.RebalanceResponse, act)

    async def GetEquityCurve(self, request: pb.GetEquityCurveRequest, context: Any) -> pb.GetEquityCurveResponse:
        points = await self._store.curve(request.from_market_time_ms, request.limit or CURVE_DEFAULT)
        return pb.GetEquityCurveResponse(points=[wire.point_to(point) for point in points])

    async def WatchSummary(
        self, request: pb.WatchSummaryRequest, context: Any
    ) -> AsyncIterator[pb.WatchSummaryResponse]:
        """Send the summary now and when it changed; what changes faster than twice a second is left out."""
        sent = pb.Summary()
        async with aclosing(self._changes.watch(lambda: [self._books.summary()])) as changes:
            async for summary in changes:
                shown = self._shown(summary)
                if not _same(sent, shown):
                    sent = shown
                    yield pb.WatchSummaryResponse(summary=shown)
                    await asyncio.sleep(WATCH_PAUSE_SECONDS)

    def _shown(self, summary: Summary) -> pb.Summary:
        return wire.summary_to(summary, age_ms=self._books.age_ms(summary), environment=self._environment)


def _same(one: pb.Summary, other: pb.Summary) -> bool:
    """Whether two summaries say the same, their age aside."""
    aged = pb.Summary()
    aged.CopyFrom(other)
    aged.age_ms = one.age_ms
    return aged == one


def register(server: Server, api: PortfolioApi) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_PortfolioServiceServicer_to_server(api, server)
    return SERVICE
