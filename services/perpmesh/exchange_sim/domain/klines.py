"""Candles of any interval out of minutes, the unfinished one included."""

from dataclasses import dataclass
from typing import Any, Final

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
    "1M": 43_200,
}
WEEK, MONTH = INTERVALS["1w"], INTERVALS["1M"]  # a month is named by thirty days and as long as the calendar's
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
    if minutes == MONTH:
        return int(np.datetime64(minute, "m").astype("datetime64[M]").astype("datetime64[m]").astype(np.int64))
    offset = MONDAY if minutes == WEEK else 0
    return (minute - offset) // minutes * minutes + offset


def next_opening(opening: int, minutes: int) -> int:
    """Return where the interval that opens at `opening` is over."""
    return opening_minute(opening + 32 * 1_440, MONTH) if minutes == MONTH else opening + minutes


def _opening_from(minute: int, minutes: int) -> int:
    """Return the first opening at or after `minute`."""
    opening = opening_minute(minute, minutes)
    return opening if opening == minute else next_opening(opening, minutes)


def klines(feed: SymbolFeed, minutes: int, first_minute: int, until_minute: int, now_second: int) -> list[Kline]:
    """Return the candles that open within [first_minute, until_minute], whole ones and the forming one."""
    now = now_second // 60
    earliest = opening_minute(feed.series.first_minute, minutes)  # it may be a part of one, as on the venue
    first = earliest if first_minute <= earliest else _opening_from(first_minute, minutes)
    last = opening_minute(min(until_minute, now), minutes)
    if last < first:
        return []
    end = next_opening(last, minutes)
    rows = feed.series.rows(first, min(end, now))
    start = max(first, feed.series.first_minute)
    if end > now:
        forming = feed.forming(now_second).candle
        rows = np.concatenate([rows, np.array([forming], dtype=np.int64)]) if len(rows) else np.array([forming])
    return _group(rows, start, minutes)


def _group(rows: Columns, start: int, minutes: int) -> list[Kline]:
    """Fold consecutive minutes into intervals; `start` is the minute of the first row."""
    keys = _openings(np.arange(start, start + len(rows)), minutes)
    edges = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    lasts = np.append(edges[1:], len(rows)) - 1
    o, h, low, c, v = rows.T
    quote = v * (o + h + low + c) // 4
    span = np.maximum(h - low, 1)
    buys = v * (span + 2 * (c - o)) // (2 * span)
    buys = np.clip(buys, v // 5, v - v // 5)
    columns = (
        keys[edges],
        o[edges],
        np.maximum.reduceat(h, edges),
        np.minimum.reduceat(low, edges),
        c[lasts],
        np.add.reduceat(v, edges),
        np.add.reduceat(quote, edges),
        np.add.reduceat(buys, edges),
        np.add.reduceat(v // LOTS_PER_TRADE + 1, edges),
    )
    found = zip(*(column.tolist() for column in columns), strict=True)
    return [Kline(at, next_opening(at, minutes) - at, *rest) for at, *rest in found]


def _openings(each: "np.ndarray[Any, np.dtype[np.int64]]", minutes: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return the opening of the interval of each minute."""
    if minutes == MONTH:
        return each.astype("datetime64[m]").astype("datetime64[M]").astype("datetime64[m]").astype(np.int64)
    offset = MONDAY if minutes == WEEK else 0
    return (each - offset) // minutes * minutes + offset
