"""A candle, and how minutes become longer ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.kernel.money import Price, Quantity

MINUTE_MS = 60_000
MINUTE = "1m"
QUARTER = "15m"  # what features and regimes are defined on
INTERVALS: dict[str, int] = {MINUTE: MINUTE_MS, "5m": 5 * MINUTE_MS, QUARTER: 15 * MINUTE_MS, "1h": 60 * MINUTE_MS}
LONGER = tuple(name for name in INTERVALS if name != MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One bar. A closed one never changes."""

    symbol: str
    interval: str
    open_time_ms: int  # market time
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    closed: bool = True

    @property
    def step_ms(self) -> int:
        return INTERVALS[self.interval]

    @property
    def next_open_ms(self) -> int:
        return self.open_time_ms + self.step_ms

    @property
    def close_time_ms(self) -> int:
        """Return the last millisecond of the bar, as the exchange does."""
        return self.next_open_ms - 1


def opening_of(interval: str, market_ms: int) -> int:
    """Return when the bar that contains `market_ms` opened."""
    return market_ms - market_ms % INTERVALS[interval]


def fold(interval: str, minutes: Sequence[Candle], *, closed: bool) -> Candle:
    """Return the longer candle that consecutive minutes of one bar make."""
    first = minutes[0]
    return Candle(
        symbol=first.symbol,
        interval=interval,
        open_time_ms=opening_of(interval, first.open_time_ms),
        open=first.open,
        high=max(each.high for each in minutes),
        low=min(each.low for each in minutes),
        close=minutes[-1].close,
        volume=Quantity(sum((each.volume for each in minutes), Decimal(0))),
        closed=closed,
    )


def in_order(candles: Sequence[Candle]) -> list[Candle]:
    """Return candles of several series as they closed; the shorter first when they close together."""
    return sorted(candles, key=lambda each: (each.next_open_ms, each.step_ms))
