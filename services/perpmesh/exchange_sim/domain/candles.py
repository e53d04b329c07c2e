"""One symbol's minutes in ticks and lots: the recorded ones, then a seeded continuation without end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from perpmesh.kernel.chance import Chance

MINUTES_PER_DAY = 1_440
BLOCK_MINUTES = 120  # long enough to keep a move's shape, short enough that no day comes back whole
PULL_PER_MINUTE = 1 / 30_000  # towards the recorded span's middle price, so that no continuation runs away

Seeds: TypeAlias = Callable[[str], Chance]
Columns: TypeAlias = npt.NDArray[np.int64]


class Candle(NamedTuple):
    """Open, high, low, close in ticks; volume in lots."""

    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recorded minutes as rows of (open, high, low, close, volume), ticks and lots."""

    rows: Columns
    first_minute: int  # since the epoch, market time


class Continuation(Protocol):
    """What a market does after its recorded minutes. It is asked for one day after the other, each once."""

    def next_day(self, close: int) -> Columns:
        """Return a day of rows that follow a close; 0 when nothing came before."""
        ...


class CandleSeries:
    """Every minute from the first recorded one on; minutes after the last are made when first asked for."""

    def __init__(self, recorded: Recorded, after: Continuation) -> None:
        self._rows = recorded.rows
        self._after = after
        self.first_minute = recorded.first_minute
        self.recorded_minutes = len(recorded.rows)

    def candle(self, minute: int) -> Candle:
        """Return the candle that opens at `minute`; raise KeyError before the first."""
        index = minute - self.first_minute
        if index < 0:
            raise KeyError(minute)
        while index >= len(self._rows):
            close = int(self._rows[-1, 3]) if len(self._rows) else 0
            self._rows = np.concatenate([self._rows, self._after.next_day(close)])
        return Candle(*self._rows[index].tolist())

    def rows(self, first: int, stop: int) -> Columns:
        """Return the rows of minutes [first, stop) as far as they are known, without making new ones."""
        low = max(first - self.first_minute, 0)
        return self._rows[low : max(stop - self.first_minute, low)]


class Stitched:
    """A continuation from blocks of the recorded minutes, without their drift; the same seed stitches the same days."""

    def __init__(self, recorded: Recorded, seeds: Seeds) -> None:
        self._source = recorded.rows
        self._seeds = seeds
        self._day = 0
        closes = np.log(recorded.rows[:, 3].astype(np.float64))
        self._drift = float(closes[-1] - closes[0]) / max(len(closes) - 1, 1)
        self._middle = float(np.median(closes))

    def next_day(self, close: int) -> Columns:
        chance, minutes = self._seeds(f"continuation:{self._day}"), len(self._source)
        self._day += 1
        span = max(minutes - BLOCK_MINUTES - 1, 1)
        starts = [1 + chance.randrange(span) for _ in range(MINUTES_PER_DAY // BLOCK_MINUTES)]
        picks = np.concatenate([np.arange(start, start + BLOCK_MINUTES) for start in starts]) % minutes
        return self._stitch(np.maximum(picks, 1), close)

    def _stitch(self, picks: npt.NDArray[np.int64], after: int) -> Columns:
        source = self._source.astype(np.float64)
        before, here = source[picks - 1, 3], source[picks]
        last = float(np.log(after))
        lean = -self._drift + PULL_PER_MINUTE * (self._middle - last)
        close = np.exp(last + np.cumsum(np.log(here[:, 3] / before) + lean))
        previous = np.concatenate([[np.exp(last)], close[:-1]])
        open_ = previous * here[:, 0] / before
        high = np.maximum.reduce([close * here[:, 1] / here[:, 3], open_, close])
        low = np.minimum.reduce([close * here[:, 2] / here[:, 3], open_, close])
        ticks = np.maximum(np.rint(np.stack([open_, high, low, close], axis=1)), 1).astype(np.int64)
        return np.column_stack([ticks, self._source[picks, 4]])
