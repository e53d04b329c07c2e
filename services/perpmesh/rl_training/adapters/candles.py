"""The shipped candles as the market to learn on, with a hash that says exactly which bars those were."""

import hashlib
from collections.abc import Sequence

import numpy as np

from perpmesh.features import INTERVAL_MS, Bars, resample
from perpmesh.platform import shipped_candles


def shipped_series(symbols: Sequence[str]) -> list[Bars]:
    """Return bars of fifteen minutes, a series per symbol; raise KeyError for a symbol that is not shipped."""
    return [_series(symbol) for symbol in symbols]


def _series(symbol: str) -> Bars:
    candles = shipped_candles.load(symbol)
    minutes = Bars(candles.open_time_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    return resample(minutes, INTERVAL_MS // candles.interval_ms)


def hash_of(symbols: Sequence[str], series: Sequence[Bars]) -> str:
    """Return the SHA-256 of names and bars."""
    digest = hashlib.sha256()
    for symbol, bars in zip(symbols, series, strict=True):
        digest.update(symbol.encode())
        for column in (bars.open_time_ms, bars.open, bars.high, bars.low, bars.close, bars.volume):
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
