"""A market to learn sizing on: what was seen at each close, what a plain trend rule held, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perpmesh.features import FEATURE_NAMES, INTERVAL_MS, WARMUP_BARS, Bars, compute_all
from perpmesh.kernel.time import MS_PER_HOUR

Floats: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.int64]

TREND = FEATURE_NAMES.index("ema_fast_distance")
VOLATILITY = FEATURE_NAMES.index("volatility_long")
TREND_BAND = 0.25  # ATR; nearer to zero than this there is no trend to follow
VOLATILITY_FLOOR = 0.05  # a market quieter than this is measured badly, not safe
FUNDING_PERIOD_MS = 8 * MS_PER_HOUR
FUNDING_RATE = 0.0001  # what the exchange charges longs when the premium is near zero


class TooFewBars(ValueError):
    """Not enough bars to learn on some and judge on others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How large the base position is before a multiplier scales it down."""

    target_volatility: float = 0.30  # annual
    max_weight: float = 0.5  # of equity


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Row t is a decision at a bar's close; its return and funding are those of the bar that follows.

    Arrays have a row per symbol and a column per bar; observations have one more axis, the features.
    """

    time_ms: Times  # close of the deciding bar, [n]
    observations: Floats  # [symbols, n, features]
    returns: Floats  # simple returns of the bar after, [symbols, n]
    base: Floats  # signed weight of the base position, [symbols, n]
    funding: Floats  # what a long pays at the end of the bar after, a fraction of its value, [symbols, n]

    def __len__(self) -> int:
        return int(self.time_ms.size)

    def slice(self, start: int, stop: int | None = None) -> "Market":
        """Return the decisions of a Python slice."""
        part = slice(start, stop)
        return Market(
            self.time_ms[part], self.observations[:, part], self.returns[:, part],
            self.base[:, part], self.funding[:, part],
        )  # fmt: skip

    def mirrored(self) -> "Market":
        """Return the market in which everything that rose fell, and every long was a short."""
        return Market(self.time_ms, self.observations, -self.returns, -self.base, -self.funding)


def market_of(series: Sequence[Bars], sizing: Sizing, *, funding_rate: float = FUNDING_RATE) -> Market:
    """Return the market that bars of fifteen minutes make; every symbol must cover the same span.

    Raises:
        TooFewBars: no decision is left after the features have warmed up.
    """
    times = series[0].open_time_ms
    if any(not np.array_equal(bars.open_time_ms, times) for bars in series):
        raise ValueError("all symbols must cover the same span")
    first = WARMUP_BARS - 1
    if len(times) < WARMUP_BARS + 1:
        raise TooFewBars(f"{WARMUP_BARS + 1} bars are needed, {len(times)} are here")
    observations = np.stack([compute_all(bars)[first:-1] for bars in series])
    closes = np.stack([bars.close[first:] for bars in series])
    decided_ms = times[first:-1] + INTERVAL_MS
    settles = (decided_ms + INTERVAL_MS) % FUNDING_PERIOD_MS == 0
    return Market(
        time_ms=decided_ms,
        observations=observations,
        returns=closes[:, 1:] / closes[:, :-1] - 1.0,
        base=base_weights(observations, sizing),
        funding=np.broadcast_to(np.where(settles, funding_rate, 0.0), closes[:, 1:].shape).copy(),
    )


def base_weights(observations: Floats, sizing: Sizing) -> Floats:
    """Return the signed weights a plain trend rule holds: the trend's sign, scaled to the target volatility."""
    trend = observations[..., TREND]
    direction = np.where(np.abs(trend) < TREND_BAND, 0.0, np.sign(trend))
    size = sizing.target_volatility / np.maximum(observations[..., VOLATILITY], VOLATILITY_FLOOR)
    result: Floats = direction * np.minimum(size, sizing.max_weight)
    return result


def split(market: Market, *, share: float = 0.65, embargo: int = WARMUP_BARS) -> tuple[Market, Market]:
    """Return the earlier part to learn on and the later part to judge on.

    Between them lie `embargo` decisions that belong to neither: features look back that far, so without the gap the
    first judged bars would be described by bars that were learnt.

    Raises:
        TooFewBars: one of the parts would be empty.
    """
    usable = len(market) - embargo
    learnt = int(usable * share)
    if learnt < 1 or usable - learnt < 1:
        raise TooFewBars(f"{len(market)} decisions do not leave two parts with {embargo} between them")
    return market.slice(0, learnt), market.slice(learnt + embargo)
