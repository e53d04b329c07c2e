"""The classical indicators over fixed windows: causal, one value per bar, NaN until the window is full."""

import numpy as np

from perpmesh.features import windows
from perpmesh.features.bars import Bars, Floats

MS_PER_YEAR = 365 * 86_400_000
WILDER_WINDOWS = 8  # Wilder's averages see 8 periods: what is cut off weighs 0.02 %
EMA_SPANS = 2  # exponential averages see 2 spans; the weights of what is seen add up to one


def ema(values: Floats, span: int) -> Floats:
    """Return the exponential average with α = 2 / (span + 1) over the last 2 × span bars."""
    return windows.exponential(values, 2.0 / (span + 1.0), EMA_SPANS * span)


def wilder(values: Floats, period: int) -> Floats:
    """Return Wilder's average, α = 1 / period, over the last 8 × period bars."""
    return windows.exponential(values, 1.0 / period, WILDER_WINDOWS * period)


def log_return(close: Floats, lag: int = 1) -> Floats:
    return np.log(close / windows.lagged(close, lag))


def realised_volatility(bars: Bars, span: int, interval_ms: int = 0) -> Floats:
    """Return the annualised exponential volatility of log returns over the last 2 × span returns."""
    squares = log_return(bars.close) ** 2
    return np.sqrt(ema(squares, span) * (MS_PER_YEAR / (interval_ms or bars.interval_ms or 1)))


def true_range(bars: Bars) -> Floats:
    before = windows.lagged(bars.close, 1)
    return np.maximum(bars.high, before) - np.minimum(bars.low, before)


def atr(bars: Bars, period: int = 14) -> Floats:
    """Return the average true range, in price units."""
    return wilder(true_range(bars), period)


def rsi(bars: Bars, period: int = 14) -> Floats:
    """Return the relative strength index, 0 to 100; 50 when nothing moved."""
    change = bars.close - windows.lagged(bars.close, 1)
    gain, loss = wilder(np.maximum(change, 0.0), period), wilder(np.maximum(-change, 0.0), period)
    return 50.0 + 50.0 * windows.ratio(gain - loss, gain + loss)


def directional(bars: Bars, period: int = 14) -> tuple[Floats, Floats]:
    """Return +DI and −DI, 0 to 100."""
    up = bars.high - windows.lagged(bars.high, 1)
    down = windows.lagged(bars.low, 1) - bars.low
    plus = np.where(np.isnan(up), np.nan, np.where((up > down) & (up > 0.0), up, 0.0))
    minus = np.where(np.isnan(down), np.nan, np.where((down > up) & (down > 0.0), down, 0.0))
    span = wilder(true_range(bars), period)
    return 100.0 * windows.ratio(wilder(plus, period), span), 100.0 * windows.ratio(wilder(minus, period), span)


def adx(bars: Bars, period: int = 14) -> Floats:
    """Return the average directional index, 0 to 100."""
    plus, minus = directional(bars, period)
    return wilder(100.0 * windows.ratio(np.abs(plus - minus), plus + minus), period)
