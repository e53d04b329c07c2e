"""OrderService: reads requests, calls the use cases, writes answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from google.protobuf.struct_pb2 import Value

from perpmesh.execution.adapters import wire
from perpmesh.execution.adapters.store import SqlLog
from perpmesh.execution.application.assembly import UseCases
from perpmesh.execution.application.enter import Outcome
from perpmesh.kernel.money import text
from perpmesh.platform import grpc_server, telemetry
from perpmesh.platform.once import Once
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.execution.v1 import order_service_pb2 as pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as rpc

SERVICE = "perpmesh_api.execution.v1.OrderService"
DEFAULT_LIMIT = 50
Accepted = Callable[[str, Value], str]


class OrderService(rpc.OrderServiceServicer):
    """The RPCs of execution."""

    def __init__(self, cases: UseCases, store: SqlLog, once: Once, settings: MeshSettings, accepted: Accepted) -> None:
        self._cases = cases
        self._store = store
        self._once = once
        self._settings = settings
        self._accepted = accepted

    async def SubmitOrder(self, request: Any, context: Any) -> Any:
        grpc_server.require_operator()
        return await self._once("SubmitOrder", request, pb.SubmitOrderResponse, lambda: self._submit(request))

    async def _submit(self, request: Any) -> Any:
        wish = wire.request(request, telemetry.traceparent())
        act = self._cases.submit.entry if request.intent == words.INTENT_ENTRY else self._cases.submit.exit
        return _outcome(await act(wish))

    async def Flatten(self, request: Any, context: Any) -> Any:
        grpc_server.require_operator()
        return await self._once("Flatten", request, pb.FlattenResponse, lambda: self._flatten(request))

    async def _flatten(self, request: Any) -> Any:
        if request.symbol:
            self._cases.submit.instrument(request.symbol)
        marks = {
            "request_id": request.request_id,
            "reason": request.reason or "flatten was asked for",
            "traceparent": telemetry.traceparent(),
        }
        done = await self._cases.flatten.flatten(request.symbol, **marks)
        return pb.FlattenResponse(
            orders=[wire.order(order) for order in done.orders],
            remaining=[self._position(position) for position in done.remaining],
        )

    def _position(self, fact: Any) -> Any:
        tools = self._cases.tools
        return wire.position(fact, tools.desk.mark(fact.symbol) or fact.mark, tools.ledger.trade(fact.symbol))

    async def ListOrders(self, request: Any, context: Any) -> Any:
        found = await self._store.list_orders(
            symbol=request.symbol, open_only=request.open_only, limit=request.limit or DEFAULT_LIMIT
        )
        return pb.ListOrdersResponse(orders=[wire.order(order) for order in found])

    async def ListTrades(self, request: Any, context: Any) -> Any:
        found = await self._store.list_trades(
            symbol=request.symbol, open_only=request.open_only, limit=request.limit or DEFAULT_LIMIT
        )
        return pb.ListTradesResponse(trades=[wire.trade(trade) for trade in found])

    async def ListPositions(self, request: Any, context: Any) -> Any:
        positions = sorted(self._cases.tools.desk.positions.values(), key=lambda fact: fact.symbol)
        return pb.ListPositionsResponse(
            positions=[self._position(fact) for fact in positions],
            reconciled_age_ms=self._cases.reporter.reconciled_age_ms(),
        )

    async def GetTradability(self, request: Any, context: Any) -> Any:
        state = self._cases.reporter.tradability()
        return pb.GetTradabilityResponse(
            can_enter=not state.blockers,
            blockers=state.blockers,
            lease_remaining_ms=state.lease_remaining_ms,
            stage=wire.STAGES[state.stage] if state.stage else words.STAGE_UNSPECIFIED,
            policy_revision=state.policy_revision,
            clock_offset_ms=state.clock_offset_ms,
            reconciled_age_ms=state.reconciled_age_ms,
            equity=text(state.equity) if state.equity is not None else "",
            exchange_url=self._settings.exchange_url,
            environment=wire.ENVIRONMENTS[self._settings.environment],
            limits=[wire.limit(reading) for reading in state.limits],
        )

    async def DryRunPolicy(self, request: Any, context: Any) -> Any:
        values = {key: self._accepted(key, value) for key, value in sorted(request.values.items())}
        return wire.dry_run(await self._cases.try_policies.run(values, request.limit))

    async def WatchOrders(self, request: Any, context: Any) -> AsyncIterator[Any]:
        async for order in self._store.order_changes.watch():
            yield pb.WatchOrdersResponse(order=wire.order(order))

    async def WatchTrades(self, request: Any, context: Any) -> AsyncIterator[Any]:
        changes = self._store.trade_changes.watch()
        first = asyncio.ensure_future(anext(changes))  # listen before looking, so that nothing falls between
        try:
            await asyncio.sleep(0)
            for trade in self._cases.tools.ledger.trades():
                yield pb.WatchTradesResponse(trade=wire.trade(trade))
            yield pb.WatchTradesResponse(trade=wire.trade(await first))
            async for trade in changes:
                yield pb.WatchTradesResponse(trade=wire.trade(trade))
        finally:
            first.cancel()


def _outcome(outcome: Outcome) -> Any:
    response = pb.SubmitOrderResponse(order=wire.order(outcome.order))
    if outcome.trade is not None:
        response.trade.CopyFrom(wire.trade(outcome.trade))
    if outcome.stop is not None:
        response.stop.CopyFrom(wire.order(outcome.stop))
    return response


def register(
    server: Any, cases: UseCases, store: SqlLog, once: Once, settings: MeshSettings, *, accepted: Accepted
) -> None:
    """Serve OrderService on `server`; `accepted` reads a proposed policy, or refuses it."""
    rpc.add_OrderServiceServicer_to_server(OrderService(cases, store, once, settings, accepted), server)
