"""MarketDataService over gRPC."""

from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import Server

from perpmesh.market_data.adapters import wire
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.application.prices import Prices
from perpmesh.market_data.domain.candle import INTERVALS, QUARTER
from perpmesh_api.market_data.v1 import market_data_service_pb2 as pb
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as rpc

SERVICE = "perpmesh_api.market_data.v1.MarketDataService"
LIMIT_DEFAULT = 500


class MarketDataApi(rpc.MarketDataServiceServicer):
    """Answers from what was received; nothing here calls the exchange."""

    def __init__(self, prices: Prices, candles: Candles) -> None:
        self._prices = prices
        self._candles = candles

    async def GetPrice(self, request: pb.GetPriceRequest, context: Any) -> pb.GetPriceResponse:
        return pb.GetPriceResponse(price=wire.price(*self._prices.get(request.symbol)))

    async def ListCandles(self, request: pb.ListCandlesRequest, context: Any) -> pb.ListCandlesResponse:
        self._prices.check([request.symbol])
        found = self._candles.listed(
            request.symbol,
            request.interval or QUARTER,
            request.limit or LIMIT_DEFAULT,
            include_open=request.include_open,
        )
        return pb.ListCandlesResponse(candles=[wire.candle(each) for each in found])

    async def GetConditions(self, request: pb.GetConditionsRequest, context: Any) -> pb.GetConditionsResponse:
        self._prices.check([request.symbol])
        return pb.GetConditionsResponse(conditions=wire.conditions(self._candles.conditions(request.symbol)))

    async def WatchPrices(self, request: pb.WatchPricesRequest, context: Any) -> AsyncIterator[pb.WatchPricesResponse]:
        async for state, stale in self._prices.watch(list(request.symbols)):
            yield pb.WatchPricesResponse(price=wire.price(state, stale))

    async def WatchCandles(
        self, request: pb.WatchCandlesRequest, context: Any
    ) -> AsyncIterator[pb.WatchCandlesResponse]:
        symbols = self._prices.check(list(request.symbols), field="symbols")
        intervals = list(request.intervals) or list(INTERVALS)
        async for each in self._candles.watch(symbols, intervals, request.history):
            yield pb.WatchCandlesResponse(candle=wire.candle(each))


def register(server: Server, prices: Prices, candles: Candles) -> None:
    """Serve the API on `server`."""
    rpc.add_MarketDataServiceServicer_to_server(MarketDataApi(prices, candles), server)
