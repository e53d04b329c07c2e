"""Candles of prices nobody traded at: mark, index and premium, derived from the contract's candles and its premium."""

from collections.abc import Callable
from typing import NamedTuple

POINTS = 12  # how often the premium is looked at within a candle, and told as its number of basic data


class PriceCandle(NamedTuple):
    """Open, high, low, close, in whatever unit went in."""

    open: float
    high: float
    low: float
    close: float


def premium_candle(premium: Callable[[int], float], first: int, last: int) -> PriceCandle:
    """Return the candle of the premium between two market seconds."""
    seen = [premium(first + (last - first) * step // POINTS) for step in range(POINTS + 1)]
    return PriceCandle(seen[0], max(seen), min(seen), seen[-1])


def index_candle(mark: PriceCandle, premium: PriceCandle) -> PriceCandle:
    """Return the index: each mark price less the premium of its moment, the extremes' moment being unknown."""
    middle = 1 + (premium.open + premium.close) / 2
    open_, close = mark.open / (1 + premium.open), mark.close / (1 + premium.close)
    return PriceCandle(open_, max(mark.high / middle, open_, close), min(mark.low / middle, open_, close), close)
