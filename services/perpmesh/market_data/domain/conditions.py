"""The regime of a symbol, from its quarter-hour candles and its spread."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from perpmesh.features import UNKNOWN, Bars, Regime, classify, follow, measure
from perpmesh.market_data.domain.candle import Candle


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The labels of one symbol and the measures behind them; a measure that is not known is 0."""

    symbol: str
    regime: Regime = UNKNOWN
    atr_fraction: float = 0.0
    adx: float = 0.0
    spread_fraction: float = 0.0
    market_ms: int = 0


def bars_of(candles: Sequence[Candle]) -> Bars:
    """Return candles as the columns that features are computed from."""
    return Bars.from_rows(
        (c.open_time_ms, float(c.open), float(c.high), float(c.low), float(c.close), float(c.volume)) for c in candles
    )


def unbroken(candles: Sequence[Candle]) -> Sequence[Candle]:
    """Return the newest candles that follow each other without a hole."""
    for place in range(len(candles) - 1, 0, -1):
        if candles[place - 1].next_open_ms != candles[place].open_time_ms:
            return candles[place:]
    return candles


def conditions(symbol: str, quarters: Sequence[Candle], spread: float, before: Regime | None) -> Conditions:
    """Return the conditions after the newest quarter hour.

    Args:
        symbol: whose.
        quarters: closed candles of fifteen minutes, oldest first.
        spread: as a fraction of price, NaN when not known.
        before: the regime until now; None to work it out from the candles before.
    """
    if not quarters:
        return Conditions(symbol=symbol)
    bars = bars_of(unbroken(quarters))
    measures = measure(bars, spread)[-1]
    if before is None:
        before = (follow(bars.slice(0, -1)) or [UNKNOWN])[-1]
    return Conditions(
        symbol=symbol,
        regime=classify(before, measures),
        atr_fraction=_known(measures.atr_fraction),
        adx=_known(measures.adx),
        spread_fraction=_known(spread),
        market_ms=quarters[-1].next_open_ms,
    )


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value
