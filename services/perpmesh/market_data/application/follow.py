"""Follows the exchange: listens, catches up, takes in messages, and begins again when the connection breaks."""

import asyncio
from collections.abc import Callable, Sequence

from perpmesh.kernel.errors import Unavailable
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.application.ports import Venue
from perpmesh.market_data.application.prices import Prices
from perpmesh.market_data.domain.candle import Candle

PAUSE_SECONDS = 0.5


async def follow(
    symbols: Sequence[str], venue: Venue, prices: Prices, candles: Candles, *, interrupted: Callable[[str], None]
) -> None:
    """Follow the symbols until the connection breaks, tell why, and return; run it inside `forever`.

    The streams are opened before history is fetched: what closes in between is in both, and taken once.
    """
    try:
        async with venue.listen(symbols) as messages:
            await candles.catch_up()
            async for message in messages:
                prices.receive(message)
                if isinstance(message, Candle):
                    await candles.receive(message)
    except Unavailable as error:
        interrupted(str(error))
        await asyncio.sleep(PAUSE_SECONDS)
