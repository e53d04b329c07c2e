"""Tells prices to the mesh: the newest only, never kept."""

from perpmesh.market_data.adapters import wire
from perpmesh.market_data.domain.price import PriceState
from perpmesh.platform.service import Parts


class KafkaPriceSink:
    """Publishes market.price.updated; a price that cannot be sent is followed by a newer one soon."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, state: PriceState, stale: bool, /) -> None:  # noqa: FBT001 - the port's shape
        if self._parts.watch is not None:
            await self._parts.outbox.publish_conflated(self._parts.watch, wire.price_updated(state, stale))
