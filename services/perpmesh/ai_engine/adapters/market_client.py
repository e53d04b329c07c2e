"""market_data as the engine sees it: closed bars that arrive by a stream, and the newest prices when asked."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc

from perpmesh.ai_engine.adapters import wire
from perpmesh.ai_engine.config import INTERVAL
from perpmesh.ai_engine.domain.series import KEPT_BARS, Added, Series
from perpmesh.ai_engine.domain.standing import Quote
from perpmesh.features import WARMUP_BARS, Bars
from perpmesh.kernel.errors import Unavailable
from perpmesh_api.market_data.v1 import market_data_service_pb2 as pb
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as rpc

OVERLAP_BARS = 2  # what may close between listing the past and watching the present
TIMEOUT_SECONDS = 2.0
OnBar = Callable[[str], Awaitable[object]]


class MarketClient:
    """See ports.BarsKept and ports.Quotes."""

    def __init__(self, channel: grpc.aio.Channel, symbols: tuple[str, ...]) -> None:
        self._stub: Any = rpc.MarketDataServiceStub(channel)
        self._series: Mapping[str, Series] = {symbol: Series() for symbol in symbols}

    def bars(self, symbol: str) -> Bars:
        return self._series[symbol].bars()

    async def quote(self, symbol: str) -> Quote:
        try:
            answer = await self._stub.GetPrice(pb.GetPriceRequest(symbol=symbol), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            raise Unavailable(f"market_data does not tell the price of {symbol}: {_code(error)}") from error
        if (quote := wire.quote_of(answer.price)) is None:
            raise Unavailable(f"the book of {symbol} has no two sides")
        return quote

    async def follow(self, on_bar: OnBar) -> None:
        """Keep the series current and call `on_bar` with the symbol of each bar that closes; run it in `forever`.

        What closed before we looked is history: it is learned from, never decided on.
        """
        for symbol in self._series:
            await self._list(symbol)
        request = pb.WatchCandlesRequest(symbols=list(self._series), intervals=[INTERVAL], history=OVERLAP_BARS)
        async for answer in self._stub.WatchCandles(request):
            candle = answer.candle
            if not candle.closed or candle.interval != INTERVAL or candle.symbol not in self._series:
                continue
            if await self._take(candle):
                await on_bar(candle.symbol)

    async def _take(self, candle: Any) -> bool:
        """Keep a closed candle; return whether it is one more bar to decide on."""
        series = self._series[candle.symbol]
        before = series.newest_ms
        short = len(series) < WARMUP_BARS  # market_data may have been back-filling when we listed
        if series.add(wire.row_of(candle)) is Added.GAP or short:
            await self._list(candle.symbol)
            series.add(wire.row_of(candle))
        return before is not None and before < candle.open_time_ms == series.newest_ms

    async def _list(self, symbol: str) -> None:
        request = pb.ListCandlesRequest(symbol=symbol, interval=INTERVAL, limit=KEPT_BARS)
        answer = await self._stub.ListCandles(request, timeout=TIMEOUT_SECONDS)
        self._series[symbol].replace([wire.row_of(candle) for candle in answer.candles if candle.closed])


def _code(error: grpc.RpcError) -> str:
    return str(error.code().name) if isinstance(error, grpc.aio.AioRpcError) else repr(error)
