"""Which regime a market is in: labels with hysteresis, so that a market on a threshold does not flicker."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from perpmesh.features import windows
from perpmesh.features.bars import Bars
from perpmesh.features.indicators import adx, atr, directional

PERIOD = 14
REGIME_BARS = 225  # ADX sees 112 bars of an average that sees 112 bars of differences
LIQUIDITY_BARS = 96

TREND_ENTER, TREND_LEAVE = 25.0, 20.0  # ADX
VOLATILITY_LIMITS = (0.0020, 0.0080, 0.0150)  # ATR14 of fifteen minutes over price: LOW | NORMAL | HIGH | EXTREME
VOLATILITY_MARGIN = 0.10  # how far beyond a limit the label changes, as a share of the limit
SPREAD_ENTER, SPREAD_LEAVE = 0.0010, 0.0007  # of price: THIN above, LIQUID again below
TURNOVER_ENTER, TURNOVER_LEAVE = 2e6, 3e6  # quote units a day: THIN under, LIQUID again over


class Trend(Enum):
    UP = "TREND_UP"
    DOWN = "TREND_DOWN"
    RANGE = "RANGE"
    UNKNOWN = "UNKNOWN"


class Volatility(Enum):
    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    EXTREME = "EXTREME"
    UNKNOWN = "UNKNOWN"


class Liquidity(Enum):
    LIQUID = "LIQUID"
    THIN = "THIN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Regime:
    """The three labels of one symbol."""

    trend: Trend = Trend.UNKNOWN
    volatility: Volatility = Volatility.UNKNOWN
    liquidity: Liquidity = Liquidity.UNKNOWN


UNKNOWN = Regime()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What the labels are made from; NaN where it is not known."""

    atr_fraction: float
    adx: float
    direction: float  # +DI − −DI
    turnover: float  # quote units over the last day
    spread_fraction: float


def measure(bars: Bars, spread_fraction: float = float("nan")) -> list[Measures]:
    """Return the measures of each bar of fifteen minutes; the spread belongs to the newest alone."""
    with np.errstate(invalid="ignore", divide="ignore"):
        plus, minus = directional(bars, PERIOD)
        fraction, strength = atr(bars, PERIOD) / bars.close, adx(bars, PERIOD)
    turnover = windows.weighted(bars.close * bars.volume, np.ones(LIQUIDITY_BARS))
    spread = np.full(len(bars), np.nan)
    spread[-1:] = spread_fraction
    columns = np.stack([fraction, strength, plus - minus, turnover, spread], axis=1).tolist()
    return [Measures(atr_fraction=a, adx=x, direction=d, turnover=t, spread_fraction=s) for a, x, d, t, s in columns]


def follow(bars: Bars, before: Regime = UNKNOWN) -> list[Regime]:
    """Return the regime of each bar, each following from the one before it."""
    found = []
    for measures in measure(bars):
        before = classify(before, measures)
        found.append(before)
    return found


def classify(before: Regime, now: Measures) -> Regime:
    """Return the regime that follows `before` under the measures `now`."""
    return Regime(_trend(before.trend, now), _volatility(before.volatility, now), _liquidity(before.liquidity, now))


def _trend(before: Trend, now: Measures) -> Trend:
    if np.isnan(now.adx):
        return Trend.UNKNOWN
    trending = before in {Trend.UP, Trend.DOWN}
    if now.adx < (TREND_LEAVE if trending else TREND_ENTER):
        return Trend.RANGE
    return Trend.UP if now.direction > 0.0 else Trend.DOWN


def _volatility(before: Volatility, now: Measures) -> Volatility:
    if np.isnan(now.atr_fraction):
        return Volatility.UNKNOWN
    labels = (Volatility.LOW, Volatility.NORMAL, Volatility.HIGH, Volatility.EXTREME)
    if before is Volatility.UNKNOWN:
        return labels[sum(now.atr_fraction >= limit for limit in VOLATILITY_LIMITS)]
    level = labels.index(before)
    while level < len(VOLATILITY_LIMITS) and now.atr_fraction > VOLATILITY_LIMITS[level] * (1 + VOLATILITY_MARGIN):
        level += 1
    while level > 0 and now.atr_fraction < VOLATILITY_LIMITS[level - 1] * (1 - VOLATILITY_MARGIN):
        level -= 1
    return labels[level]


def _liquidity(before: Liquidity, now: Measures) -> Liquidity:
    """One bad sign is enough to be THIN; what is not known is no sign, nothing known is UNKNOWN."""
    if np.isnan(now.spread_fraction) and np.isnan(now.turnover):
        return Liquidity.UNKNOWN
    was_thin = before is Liquidity.THIN
    wide = now.spread_fraction > (SPREAD_LEAVE if was_thin else SPREAD_ENTER)
    quiet = now.turnover < (TURNOVER_LEAVE if was_thin else TURNOVER_ENTER)
    return Liquidity.THIN if wide or quiet else Liquidity.LIQUID
