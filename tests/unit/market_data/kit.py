"""A market that is made up minute by minute, an exchange that serves it, and a journal that remembers what was told."""

import asyncio
import random
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache

from perpmesh.kernel.errors import Unavailable
from perpmesh.kernel.money import Price, Quantity
from perpmesh.market_data.domain.candle import INTERVALS, MINUTE, MINUTE_MS, Candle, fold, in_order

BTC, ETH = "BTCUSDT", "ETHUSDT"
START = 1_750_032_000_000  # midnight


@cache
def minute(number, *, symbol=BTC, closed=True, close=None):
    """Return the minute `number` of the made-up market; always the same."""
    chance = random.Random(f"{symbol}:{number}")
    opened = Decimal(100_000 + chance.randrange(2_000)) / 10
    last = Decimal(close) if close is not None else opened + chance.randrange(-50, 50)
    return Candle(
        symbol=symbol,
        interval=MINUTE,
        open_time_ms=START + number * MINUTE_MS,
        open=Price(opened),
        high=Price(max(opened, last) + chance.randrange(20)),
        low=Price(min(opened, last) - chance.randrange(20)),
        close=Price(last),
        volume=Quantity(Decimal(chance.randrange(1_000)) / 100),
        closed=closed,
    )


def series(interval, first, stop, symbol=BTC):
    """Return the whole candles of an interval that the minutes [first, stop) make."""
    size = INTERVALS[interval] // MINUTE_MS
    return [whole(interval, place, symbol) for place in range(-(-first // size), stop // size)]


@cache
def whole(interval, place, symbol):
    """Return one closed candle, folded from its minutes; always the same."""
    size = INTERVALS[interval] // MINUTE_MS
    return fold(
        interval, [minute(number, symbol=symbol) for number in range(place * size, place * size + size)], closed=True
    )


class ToyVenue:
    """An exchange whose minutes [first, now) have closed, and which can be away."""

    def __init__(self, now, first=0, symbols=(BTC,)):
        self.first, self.now, self.symbols = first, now, symbols
        self.away = False
        self.missing = set()
        self.asked = []
        self.messages = asyncio.Queue()

    @asynccontextmanager
    async def listen(self, symbols):  # noqa: ARG002 - the port's shape
        if self.away:
            raise Unavailable("away")
        yield self._messages()

    async def _messages(self):
        while True:
            item = await self.messages.get()
            if item is None:
                raise Unavailable("broken")
            yield item

    async def closed_candles(self, symbol, interval, *, since_ms=None, limit=1_500):
        if self.away:
            raise Unavailable("away")
        self.asked.append((symbol, interval, since_ms))
        found = series(interval, self.first, self.now, symbol)
        found = [each for each in found if (each.open_time_ms - START) // MINUTE_MS not in self.missing]
        if since_ms is not None:
            return [each for each in found if each.open_time_ms >= since_ms][:limit]
        return found[-limit:]


class MemoryJournal:
    """Remembers what was told; it outlives the service, as a store does."""

    def __init__(self):
        self.told = []
        self.conditions = []
        self._marks = {}
        self.broken = False

    async def marks(self):
        return dict(self._marks)

    async def regimes(self):
        return {each.symbol: each.regime for each in self.conditions}

    async def record(self, candles, changed=None):
        if self.broken:
            raise OSError("disk full")
        self.told.extend(candles)
        await self.set_marks(candles)
        if changed is not None:
            self.conditions.append(changed)

    async def set_marks(self, candles):
        for each in candles:
            key = (each.symbol, each.interval)
            self._marks[key] = max(self._marks.get(key, 0), each.open_time_ms)

    def numbers(self, interval=MINUTE, symbol=BTC):
        """Return which candles of a series were told, as places since the start."""
        found = [each for each in self.told if (each.symbol, each.interval) == (symbol, interval)]
        return [(each.open_time_ms - START) // INTERVALS[interval] for each in found]


__all__ = ["BTC", "ETH", "START", "MemoryJournal", "ToyVenue", "in_order", "minute", "series"]
