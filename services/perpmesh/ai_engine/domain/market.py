"""What the engine looks at: one market at the close of one bar, in numbers without units.

The averages here see at most a day of bars, so that the engine can decide after a day of history; the feature vector
of the models sees four.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from perpmesh.features import Bars, Measures, Regime, classify, ema, realised_volatility, windows
from perpmesh.features.bars import Floats
from perpmesh.features.indicators import true_range

VERSION = "market-1"
VIEW_BARS = 96  # a day of fifteen-minute bars: EMA48 sees all of them
EMA_FAST, EMA_SLOW = 12, 48
RANGE_BARS, STRENGTH_BARS, OSCILLATOR_BARS = 24, 24, 14
ZSCORE_BARS, VOLATILITY_SPAN = 48, 32


def decimal(value: float) -> Decimal:
    """Return the shortest decimal that reads back as `value`; prices still pass `Instrument.round_*`."""
    return Decimal(repr(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """One market at the close of one bar. Turned upside down, everything but the regime changes its sign or stays."""

    symbol: str
    bar_open_ms: int
    bar_close_ms: int
    close: float
    atr: float  # average true range of a bar, in price units
    trend: float  # EMA12 − EMA48, in ATR; positive when rising
    strength: float  # directional index, averaged; 0 to 100
    direction: float  # +DI − −DI, −100 to 100
    zscore: float  # close against the mean of half a day, in its standard deviations
    oscillator: float  # relative strength, −1 (only losses) to 1 (only gains)
    volatility: float  # annualised
    regime: Regime

    def measures(self) -> dict[str, float]:
        """Return the numbers by name, as a decision records them."""
        return {
            "view.atr_fraction": self.atr / self.close,
            "view.trend": self.trend,
            "view.strength": self.strength,
            "view.direction": self.direction,
            "view.zscore": self.zscore,
            "view.oscillator": self.oscillator,
            "view.volatility": self.volatility,
        }

    @property
    def regime_label(self) -> str:
        return f"{self.regime.trend.value}/{self.regime.volatility.value}"


def views(symbol: str, bars: Bars) -> list[MarketView]:
    """Return the view at each bar from the VIEW_BARS-th on; none when there are fewer."""
    if len(bars) < VIEW_BARS:
        return []
    table = _table(bars)
    regime = Regime()
    found = []
    for row in range(len(bars)):
        regime = classify(regime, _measures(table, row))
        if row >= VIEW_BARS - 1:
            found.append(_view(symbol, bars, table, row, regime))
    return found


def view(symbol: str, bars: Bars) -> MarketView | None:
    """Return the view at the newest bar; None when there are too few bars."""
    return found[-1] if (found := views(symbol, bars)) else None


def _table(bars: Bars) -> dict[str, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        span = true_range(bars)
        atr = windows.mean(span, RANGE_BARS)
        plus, minus = _directional(bars, span)
        strength = windows.mean(100.0 * windows.ratio(np.abs(plus - minus), plus + minus), STRENGTH_BARS)
        return {
            "close": bars.close,
            "atr": atr,
            "trend": windows.ratio(ema(bars.close, EMA_FAST) - ema(bars.close, EMA_SLOW), atr),
            "strength": strength,
            "direction": 100.0 * windows.ratio(plus - minus, plus + minus),
            "zscore": _zscore(bars.close),
            "oscillator": _oscillator(bars.close),
            "volatility": realised_volatility(bars, VOLATILITY_SPAN),
            "turnover": windows.weighted(bars.close * bars.volume, np.ones(VIEW_BARS)),
        }


def _directional(bars: Bars, span: Floats) -> tuple[Floats, Floats]:
    up = bars.high - windows.lagged(bars.high, 1)
    down = windows.lagged(bars.low, 1) - bars.low
    plus = np.where((up > down) & (up > 0.0), up, 0.0)
    minus = np.where((down > up) & (down > 0.0), down, 0.0)
    total = windows.mean(span, STRENGTH_BARS)
    return (
        windows.ratio(windows.mean(plus, STRENGTH_BARS), total),
        windows.ratio(windows.mean(minus, STRENGTH_BARS), total),
    )


def _zscore(close: Floats) -> Floats:
    return windows.ratio(close - windows.mean(close, ZSCORE_BARS), windows.deviation(close, ZSCORE_BARS))


def _oscillator(close: Floats) -> Floats:
    change = close - windows.lagged(close, 1)
    gain = windows.mean(np.maximum(change, 0.0), OSCILLATOR_BARS)
    loss = windows.mean(np.maximum(-change, 0.0), OSCILLATOR_BARS)
    return windows.ratio(gain - loss, gain + loss)


def _measures(table: dict[str, Floats], row: int) -> Measures:
    return Measures(
        atr_fraction=float(table["atr"][row] / table["close"][row]),
        adx=float(table["strength"][row]),
        direction=float(table["direction"][row]),
        turnover=float(table["turnover"][row]),
        spread_fraction=float("nan"),
    )


def _view(symbol: str, bars: Bars, table: dict[str, Floats], row: int, regime: Regime) -> MarketView:
    opened = int(bars.open_time_ms[row])
    names = ("atr", "trend", "strength", "direction", "zscore", "oscillator", "volatility")
    return MarketView(
        symbol=symbol,
        bar_open_ms=opened,
        bar_close_ms=opened + bars.interval_ms,
        close=float(bars.close[row]),
        regime=regime,
        **{name: float(table[name][row]) for name in names},
    )
