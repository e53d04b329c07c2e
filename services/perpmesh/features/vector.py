"""The feature vector: what the models see of a market, the same bits in serving, backtest and training."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpmesh.features import windows
from perpmesh.features.bars import Bars, Floats
from perpmesh.features.indicators import adx, atr, ema, log_return, realised_volatility, rsi

VERSION = 1
INTERVAL_MS = 900_000
DAY_MS = 86_400_000
RETURN_BARS = (1, 4, 16, 96)
SHORT_SPAN, LONG_SPAN = 16, 96
PERIOD = 14
EMA_FAST, EMA_MIDDLE, EMA_SLOW = 12, 48, 192
DAY_BARS = 96
LIMIT = 8.0  # nothing a model sees is further from zero
WARMUP_BARS = 400  # the slowest average sees 384 bars; with fewer bars than this there is no vector

FEATURE_NAMES: tuple[str, ...] = (
    "return_1",  # log returns, in standard deviations of that many bars
    "return_4",
    "return_16",
    "return_96",
    "volatility_short",  # annualised
    "volatility_long",
    "volatility_ratio",  # log of short over long
    "atr_percent",  # ATR14 in hundredths of the price
    "rsi",  # RSI14 scaled to −1 … 1
    "ema_fast_distance",  # EMA12 − EMA48, in ATR
    "ema_slow_distance",  # EMA48 − EMA192, in ATR
    "adx",  # ADX14 scaled to 0 … 1
    "zscore_96",  # close against the mean of a day, in its standard deviations
    "range_position_96",  # close between the day's low (−1) and high (1)
    "volume_zscore",  # log volume against the day's
    "hour_sin",  # time of day at the bar's close
    "hour_cos",
)
PARAMETERS = (
    VERSION, INTERVAL_MS, RETURN_BARS, SHORT_SPAN, LONG_SPAN, PERIOD,
    EMA_FAST, EMA_MIDDLE, EMA_SLOW, DAY_BARS, LIMIT, WARMUP_BARS,
)  # fmt: skip
SCHEMA_HASH = hashlib.sha256(repr((FEATURE_NAMES, PARAMETERS)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureVector:
    """What one bar looked like."""

    values: Floats
    names: tuple[str, ...]
    schema_hash: str
    hash: str  # of the schema and the values' bits: equal hashes mean equal inputs to the model
    open_time_ms: int

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])


def compute(bars: Bars) -> FeatureVector:
    """Return the vector of the newest bar.

    Raises:
        ValueError: fewer than WARMUP_BARS bars, or bars that are not of fifteen minutes.
    """
    if len(bars) < WARMUP_BARS:
        raise ValueError(f"{WARMUP_BARS} bars are needed, {len(bars)} are here")
    values = compute_all(bars.tail(WARMUP_BARS))[-1]
    digest = hashlib.sha256(SCHEMA_HASH.encode() + values.tobytes()).hexdigest()[:16]
    return FeatureVector(values, FEATURE_NAMES, SCHEMA_HASH, digest, int(bars.open_time_ms[-1]))


def compute_all(bars: Bars) -> NDArray[np.float64]:
    """Return the vectors of all bars, [n, k]; rows before WARMUP_BARS − 1 are NaN."""
    if bars.interval_ms not in {0, INTERVAL_MS}:
        raise ValueError(f"features are defined on bars of {INTERVAL_MS} ms, these have {bars.interval_ms} ms")
    with np.errstate(invalid="ignore", divide="ignore"):
        table = np.stack(_columns(bars), axis=1)
    np.clip(table, -LIMIT, LIMIT, out=table)
    table[: WARMUP_BARS - 1] = np.nan
    return table


def _columns(bars: Bars) -> list[Floats]:
    short = realised_volatility(bars, SHORT_SPAN, INTERVAL_MS)
    long = realised_volatility(bars, LONG_SPAN, INTERVAL_MS)
    span = atr(bars, PERIOD)
    middle = ema(bars.close, EMA_MIDDLE)
    return [
        *_scaled_returns(bars, long),
        short,
        long,
        np.log(np.maximum(windows.ratio(short, long), 1e-3)),
        100.0 * span / bars.close,
        rsi(bars, PERIOD) / 50.0 - 1.0,
        windows.ratio(ema(bars.close, EMA_FAST) - middle, span),
        windows.ratio(middle - ema(bars.close, EMA_SLOW), span),
        adx(bars, PERIOD) / 100.0,
        _zscore(bars.close),
        _range_position(bars),
        _zscore(np.log(bars.volume + 1.0)),
        *_time_of_day(bars),
    ]


def _scaled_returns(bars: Bars, annual: Floats) -> list[Floats]:
    a_bar = annual * math.sqrt(INTERVAL_MS / (365 * DAY_MS))
    return [windows.ratio(log_return(bars.close, lag), a_bar * math.sqrt(lag)) for lag in RETURN_BARS]


def _zscore(values: Floats) -> Floats:
    return windows.ratio(values - windows.mean(values, DAY_BARS), windows.deviation(values, DAY_BARS))


def _range_position(bars: Bars) -> Floats:
    top, bottom = windows.highest(bars.high, DAY_BARS), windows.lowest(bars.low, DAY_BARS)
    return windows.ratio(2.0 * bars.close - top - bottom, top - bottom)


def _time_of_day(bars: Bars) -> tuple[Floats, Floats]:
    angle = ((bars.open_time_ms + INTERVAL_MS) % DAY_MS).astype(np.float64) * (2.0 * math.pi / DAY_MS)
    return np.sin(angle), np.cos(angle)
