"""The real one-minute candles that ship with the product; the replay, training and tests all read them from here."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

SYMBOLS: Sequence[str] = ("BTCUSDT", "ETHUSDT")
COLUMNS = "open_time,open,high,low,close,volume"
INTERVAL_MS = 60_000

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CandleArrays:
    """Candles as columns, oldest first, without gaps; `volume` is in the base asset. Read-only arrays."""

    symbol: str
    interval_ms: int
    open_time_ms: npt.NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.open_time_ms)


def load(symbol: str) -> CandleArrays:
    """Return the shipped candles of `symbol`; both symbols cover the same span. Raise KeyError for any other."""
    if symbol not in SYMBOLS:
        raise KeyError(symbol)
    source = files("perpmesh.platform") / "candles" / f"{symbol}_1m.csv.gz"
    return parse(symbol, gzip.decompress(source.read_bytes()).decode())


def parse(symbol: str, text: str) -> CandleArrays:
    """Read CSV text with a header line; raise ValueError when a candle is missing or is not a candle."""
    header, _, body = text.partition("\n")
    if header.strip() != COLUMNS:
        raise ValueError(f"{symbol}: the first line must be {COLUMNS!r}, not {header.strip()!r}")
    table = np.fromstring(body.strip().replace("\n", ","), dtype=np.float64, sep=",").reshape(
        -1, COLUMNS.count(",") + 1
    )
    times = table[:, 0].astype(np.int64)
    open_, high, low, close, volume = (np.ascontiguousarray(table[:, column]) for column in range(1, 6))
    if len(times) > 1 and not (np.diff(times) == INTERVAL_MS).all():
        raise ValueError(f"{symbol}: candles must follow each other minute by minute")
    if not ((low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close)) & (low > 0) & (volume >= 0)).all():
        raise ValueError(f"{symbol}: a candle's open and close must lie between its low and high")
    for column in (times, open_, high, low, close, volume):
        column.flags.writeable = False
    return CandleArrays(symbol, INTERVAL_MS, times, open_, high, low, close, volume)
