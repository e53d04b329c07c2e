"""What the engine looks at: one market at the close of one bar, in numbers without units."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from perpmesh.features import Bars, Regime, adx, atr, ema, follow, realised_volatility, rsi, windows
from perpmesh.features.bars import Floats
from perpmesh.features.indicators import directional
from perpmesh.features.regime import REGIME_BARS

VERSION = "market-1"
VIEW_BARS = REGIME_BARS  # the directional index sees the most
EMA_FAST, EMA_SLOW = 12, 48
ZSCORE_BARS, VOLATILITY_SPAN = 48, 48


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
    stretch: float  # the same distance, in ATR
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
            "view.stretch": self.stretch,
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
    table, regimes = _table(bars), follow(bars)
    return [_view(symbol, bars, table, row, regimes[row]) for row in range(VIEW_BARS - 1, len(bars))]


def view(symbol: str, bars: Bars) -> MarketView | None:
    """Return the view at the newest bar; None when there are too few bars."""
    return found[-1] if (found := views(symbol, bars)) else None


def _table(bars: Bars) -> dict[str, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        span = atr(bars)
        plus, minus = directional(bars)
        centre, spread = windows.mean(bars.close, ZSCORE_BARS), windows.deviation(bars.close, ZSCORE_BARS)
        return {
            "atr": span,
            "trend": windows.ratio(ema(bars.close, EMA_FAST) - ema(bars.close, EMA_SLOW), span),
            "strength": adx(bars),
            "direction": plus - minus,
            "zscore": windows.ratio(bars.close - centre, spread),
            "stretch": windows.ratio(bars.close - centre, span),
            "oscillator": rsi(bars) / 50.0 - 1.0,
            "volatility": realised_volatility(bars, VOLATILITY_SPAN),
        }


def _view(symbol: str, bars: Bars, table: dict[str, Floats], row: int, regime: Regime) -> MarketView:
    opened = int(bars.open_time_ms[row])
    return MarketView(
        symbol=symbol,
        bar_open_ms=opened,
        bar_close_ms=opened + bars.interval_ms,
        close=float(bars.close[row]),
        regime=regime,
        **{name: float(column[row]) for name, column in table.items()},
    )
