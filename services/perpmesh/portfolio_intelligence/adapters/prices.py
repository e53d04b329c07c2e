"""Prices and the market's clock, asked of market_data."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import grpc

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.portfolio_intelligence.application.ports import Quote
from perpmesh_api.market_data.v1 import market_data_service_pb2 as pb
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as rpc

DEADLINE_SECONDS = 1.0


class MarketDataPrices:
    """Implements `ports.Prices`. A unary call a second costs less than a stream of twenty ticks a second."""

    def __init__(self, channel: grpc.aio.Channel, symbols: Sequence[str]) -> None:
        self._service: Any = rpc.MarketDataServiceStub(channel)
        self._symbols = symbols
        self._newest_ms = 0

    async def market_time_ms(self) -> int:
        """Return the newest market time heard of. While market_data is away, that is the last one it told."""
        for symbol in self._symbols:
            try:
                price = await self._price(symbol)
            except (NotFound, Unavailable):
                continue
            self._newest_ms = max(self._newest_ms, price.market_time_ms)
        return self._newest_ms

    async def quote(self, symbol: str) -> Quote:
        price = await self._price(symbol)
        if not (price.bid_price and price.ask_price and price.mark_price):
            raise Unavailable(f"market_data has no complete price of {symbol} yet")
        return Quote(
            bid_price=Decimal(price.bid_price),
            ask_price=Decimal(price.ask_price),
            mark_price=Decimal(price.mark_price),
            stale=price.stale,
        )

    async def _price(self, symbol: str) -> pb.PriceTick:
        try:
            answer = await self._service.GetPrice(pb.GetPriceRequest(symbol=symbol), timeout=DEADLINE_SECONDS)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise NotFound(
                    f"market_data does not know {symbol}", reason="UNKNOWN_SYMBOL", field="symbol"
                ) from error
            raise Unavailable(f"market_data does not tell the price of {symbol}") from error
        price: pb.PriceTick = answer.price
        return price
