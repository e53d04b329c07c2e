from tests.unit.market_data.kit import BTC, START, series

from perpmesh.features import UNKNOWN, Liquidity, Trend
from perpmesh.market_data.domain.conditions import conditions, unbroken


def test_without_candles_nothing_is_claimed():
    found = conditions(BTC, [], 0.0001, None)
    assert (found.regime, found.adx, found.market_ms) == (UNKNOWN, 0.0, 0)


def test_few_candles_give_no_trend_and_no_not_a_number():
    found = conditions(BTC, series("15m", 0, 15 * 20), float("nan"), None)
    assert found.regime.trend is Trend.UNKNOWN
    assert (found.adx, found.atr_fraction, found.spread_fraction) == (0.0, 0.0, 0.0)
    assert found.market_ms == START + 20 * 900_000


def test_a_wide_spread_makes_it_thin():
    assert conditions(BTC, series("15m", 0, 15 * 20), 0.002, None).regime.liquidity is Liquidity.THIN


def test_only_what_came_after_the_newest_hole_counts():
    candles = series("15m", 0, 15 * 10)
    assert unbroken(candles) == candles
    assert unbroken(candles[:4] + candles[6:]) == candles[6:]
    assert conditions(BTC, candles[:4] + candles[6:], 0.0001, None).market_ms == candles[-1].next_open_ms
