"""Candles of any interval out of minutes, the unfinished one included."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from perpmesh.exchange_sim.domain.candles import Columns
from perpmesh.exchange_sim.domain.feed import SymbolFeed

INTERVALS: Final[dict[str, int]] = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1_440,
    "3d": 4_320,
    "1w": 10_080,
}
MONDAY = 4 * 1_440  # the epoch began on a Thursday; weeks begin on Mondays
LOTS_PER_TRADE = 100  # typical size behind one trade, to estimate the number of them


@dataclass(frozen=True, slots=True)
class Kline:
    """One candle of an interval, in ticks and lots."""

    open_minute: int
    minutes: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote: int  # ticks × lots
    taker_buy: int  # lots
    trades: int

    @property
    def open_ms(self) -> int:
        return self.open_minute * 60_000

    @property
    def close_ms(self) -> int:
        return (self.open_minute + self.minutes) * 60_000 - 1

    @property
    def taker_quote(self) -> int:
        return self.quote * self.taker_buy // self.volume if self.volume else 0


def opening_minute(minute: int, minutes: int) -> int:
    """Return the first minute of the interval that contains `minute`."""
    offset = MONDAY if minutes == INTERVALS["1w"] else 0
    return (minute - offset) // minutes * minutes + offset


def klines(feed: SymbolFeed, minutes: int, first_minute: int, until_minute: int, now_second: int) -> list[Kline]:
    """Return the candles that open within [first_minute, until_minute], whole ones and the forming one."""
    now = now_second // 60
    first = opening_minute(max(first_minute, feed.series.first_minute) + minutes - 1, minutes)
    if first_minute <= feed.series.first_minute:  # the earliest candle may be a part of one, as on the venue
        first = opening_minute(feed.series.first_minute, minutes)
    last = opening_minute(min(until_minute, now), minutes)
    if last < first:
        return []
    rows = feed.series.rows(first, min(last + minutes, now))
    start = max(first, feed.series.first_minute)
    if last + minutes > now:
        forming = feed.forming(now_second).candle
        rows = np.concatenate([rows, np.array([forming], dtype=np.int64)]) if len(rows) else np.array([forming])
    return _group(rows, start, minutes)


def _group(rows: Columns, start: int, minutes: int) -> list[Kline]:
    """Fold consecutive minutes into intervals; `start` is the minute of the first row."""
    offset = MONDAY if minutes == INTERVALS["1w"] else 0
    keys = (np.arange(start, start + len(rows)) - offset) // minutes
    edges = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    lasts = np.append(edges[1:], len(rows)) - 1
    o, h, low, c, v = rows.T
    quote = v * (o + h + low + c) // 4
    span = np.maximum(h - low, 1)
    buys = v * (span + 2 * (c - o)) // (2 * span)
    buys = np.clip(buys, v // 5, v - v // 5)
    columns = (
        keys[edges] * minutes + offset,
        o[edges],
        np.maximum.reduceat(h, edges),
        np.minimum.reduceat(low, edges),
        c[lasts],
        np.add.reduceat(v, edges),
        np.add.reduceat(quote, edges),
        np.add.reduceat(buys, edges),
        np.add.reduceat(v // LOTS_PER_TRADE + 1, edges),
    )
    return [Kline(at, minutes, *rest) for at, *rest in zip(*(column.tolist() for column in columns), strict=True)]
