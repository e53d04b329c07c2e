"""execution as the engine sees it: equity, and the trade that is open on a symbol."""

import asyncio
from typing import Any

import grpc

from perpmesh.ai_engine.adapters import wire
from perpmesh.ai_engine.domain.standing import Standing
from perpmesh.kernel.errors import Unavailable
from perpmesh_api.execution.v1 import order_service_pb2 as pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as rpc

TIMEOUT_SECONDS = 2.0


class ExecutionClient:
    """See ports.Accounts. Asked anew for each decision: no copy of it can go stale."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = rpc.OrderServiceStub(channel)

    async def standing(self, symbol: str) -> Standing:
        trades_request = pb.ListTradesRequest(symbol=symbol, open_only=True)
        try:
            state, trades, positions = await asyncio.gather(
                self._stub.GetTradability(pb.GetTradabilityRequest(), timeout=TIMEOUT_SECONDS),
                self._stub.ListTrades(trades_request, timeout=TIMEOUT_SECONDS),
                self._stub.ListPositions(pb.ListPositionsRequest(), timeout=TIMEOUT_SECONDS),
            )
        except grpc.RpcError as error:
            raise Unavailable("execution does not answer") from error
        if state.reconciled_age_ms < 0:
            raise Unavailable("execution has not yet compared its books with the exchange's")
        return wire.standing_of(symbol, equity=state.equity, trades=trades.trades, positions=positions.positions)
