"""The newest prices, as market_data streams them."""

from typing import Any

from perpmesh.execution.adapters import wire
from perpmesh.execution.domain.facts import PriceFact
from perpmesh.kernel.time import Clock
from perpmesh.platform import grpc_client
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.market_data.v1 import market_data_service_pb2 as pb
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as rpc


class PriceBoard:
    """Prices port. What is not streamed any more grows old by the boot clock."""

    def __init__(self, settings: MeshSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._prices: dict[str, PriceFact] = {}
        self._newest: PriceFact | None = None

    def price(self, symbol: str) -> PriceFact | None:
        return self._prices.get(symbol)

    def newest(self) -> PriceFact | None:
        return self._newest

    async def watch(self) -> None:
        """Listen until the stream breaks; run it inside `forever`."""
        async with grpc_client.channel(self._settings.address("market_data")) as channel:
            market: Any = rpc.MarketDataServiceStub(channel)
            async for answer in market.WatchPrices(pb.WatchPricesRequest(), wait_for_ready=True):
                self.heard(answer.price)

    def heard(self, tick: Any) -> None:
        fact = PriceFact(
            symbol=tick.symbol,
            last=wire.decimal(tick.last_price),
            mark=wire.decimal(tick.mark_price),
            bid=wire.decimal(tick.bid_price),
            ask=wire.decimal(tick.ask_price),
            market_time_ms=tick.market_time_ms,
            heard_boot_ms=self._clock.boot_ms(),
            stale=tick.stale,
            funding_rate=wire.decimal(tick.funding_rate),
        )
        self._prices[tick.symbol] = fact
        if not tick.stale:
            self._newest = fact
