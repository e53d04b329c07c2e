"""Closed candles as columns, without holes: what every feature is computed from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.int64]
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Closed bars of one series, oldest first, evenly spaced.

    Raises:
        ValueError: the columns differ in length, or a bar is missing, repeated or out of order.
    """

    open_time_ms: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats  # base units

    def __post_init__(self) -> None:
        object.__setattr__(self, "open_time_ms", np.ascontiguousarray(self.open_time_ms, dtype=np.int64))
        for name in ("open", "high", "low", "close", "volume"):
            column = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if column.shape != self.open_time_ms.shape:
                raise ValueError(f"{name} has {column.shape} values for {self.open_time_ms.shape} bars")
            object.__setattr__(self, name, column)
        steps = np.diff(self.open_time_ms)
        if steps.size and (steps[0] <= 0 or np.any(steps != steps[0])):
            raise ValueError("bars must be evenly spaced, oldest first")

    def __len__(self) -> int:
        return int(self.open_time_ms.size)

    @property
    def interval_ms(self) -> int:
        """Return the length of a bar; 0 when fewer than two say so."""
        return int(self.open_time_ms[1] - self.open_time_ms[0]) if len(self) > 1 else 0

    def slice(self, start: int | None = None, stop: int | None = None) -> "Bars":
        """Return the bars of a Python slice."""
        part = slice(start, stop)
        return Bars(
            self.open_time_ms[part], self.open[part], self.high[part],
            self.low[part], self.close[part], self.volume[part],
        )  # fmt: skip

    def tail(self, count: int) -> "Bars":
        """Return the newest `count` bars, or all when there are fewer."""
        return self.slice(max(len(self) - count, 0), None)

    @staticmethod
    def from_rows(rows: Iterable[Sequence[float]]) -> "Bars":
        """Return bars from rows (open_time_ms, open, high, low, close, volume)."""
        table = [tuple(row) for row in rows]
        columns = list(zip(*table, strict=True)) if table else [()] * 6
        return Bars(np.asarray(columns[0], dtype=np.int64), *(np.asarray(c, dtype=np.float64) for c in columns[1:6]))


def resample(bars: Bars, factor: int) -> Bars:
    """Return bars `factor` times as long, aligned to whole multiples of their length; incomplete ones are left out."""
    if factor == 1 or len(bars) < factor:
        return bars if factor == 1 else bars.slice(0, 0)
    interval = bars.interval_ms or MINUTE_MS
    long = interval * factor
    skip = int(-(bars.open_time_ms[0]) % long // interval)
    count = max(len(bars) - skip, 0) // factor
    whole = bars.slice(skip, skip + count * factor)
    shape = (count, factor)
    return Bars(
        whole.open_time_ms.reshape(shape)[:, 0],
        whole.open.reshape(shape)[:, 0],
        whole.high.reshape(shape).max(axis=1, initial=-np.inf),
        whole.low.reshape(shape).min(axis=1, initial=np.inf),
        whole.close.reshape(shape)[:, -1],
        whole.volume.reshape(shape).sum(axis=1),
    )
