import asyncio

from tests.unit.market_data.kit import BTC, MemoryJournal, ToyVenue, minute

from perpmesh.kernel.time import ManualClock
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.application.follow import follow
from perpmesh.market_data.application.prices import Prices
from perpmesh.market_data.domain.candle import MINUTE


async def test_after_every_interruption_it_catches_up_with_what_it_did_not_hear(monkeypatch):
    monkeypatch.setattr("perpmesh.market_data.application.follow.PAUSE_SECONDS", 0)
    venue, journal, reasons = ToyVenue(100), MemoryJournal(), []
    prices = Prices([BTC], ManualClock(), lambda: 2_000)
    candles = Candles([BTC], venue, journal, prices.spread_fraction)

    async def once():
        async with asyncio.timeout(5):
            await follow([BTC], venue, prices, candles, interrupted=reasons.append)

    venue.messages.put_nowait(minute(99))  # it is in the history as well
    venue.messages.put_nowait(minute(100))
    venue.messages.put_nowait(None)
    await once()
    venue.now = 140
    venue.messages.put_nowait(minute(140))
    venue.messages.put_nowait(minute(141, closed=False))
    venue.messages.put_nowait(None)
    await once()
    assert journal.numbers() == list(range(100, 141))
    assert candles.listed(BTC, MINUTE, 1, include_open=True)[-1] == minute(141, closed=False)
    assert reasons == ["broken", "broken"]
    venue.away = True
    await once()
    assert reasons[-1] == "away"
