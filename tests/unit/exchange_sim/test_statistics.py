"""Mark, index and premium candles, and what a market's crowd does, all follow from the contract's candles."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.exchange_sim.domain.klines import Kline
from perpmesh.exchange_sim.domain.price_candles import POINTS, PriceCandle, index_candle, premium_candle
from perpmesh.exchange_sim.domain.sentiment import DAY_MINUTES, LEAST, MOST, Crowd, open_interest_lots, shares

premiums = st.floats(-0.01, 0.01)


def kline(open_, close, volume=1_000):
    return Kline(0, 5, open_, max(open_, close), min(open_, close), close, volume, volume * close, volume // 2, 10)


def test_a_premium_candle_sees_the_premium_at_its_ends_and_between():
    seen = []
    candle = premium_candle(lambda second: seen.append(second) or (second - 30) ** 2 / 1e6, 0, 60)
    assert (seen[0], seen[-1], len(seen)) == (0, 60, POINTS + 1)
    assert (candle.open, candle.low, candle.close) == (9e-4, 0.0, 9e-4)


@given(st.floats(1, 1e6), st.floats(0, 0.1), premiums, premiums)
def test_an_index_candle_holds_its_own_ends_and_is_the_mark_without_a_premium(price, swing, early, late):
    mark = PriceCandle(price, price * (1 + swing), price * (1 - swing), price)
    index = index_candle(mark, PriceCandle(early, max(early, late), min(early, late), late))
    assert index.low <= min(index.open, index.close) <= max(index.open, index.close) <= index.high
    assert index.close * (1 + late) == pytest.approx(mark.close)
    assert index_candle(mark, PriceCandle(0, 0, 0, 0)) == mark


@given(st.integers(1_000, 10**7), st.integers(1_000, 10**7), st.sampled_from(Crowd))
def test_long_and_short_are_the_whole_crowd(open_, close, crowd):
    held = shares(crowd, kline(open_, close))
    assert held.long + held.short == 1
    assert LEAST <= held.long <= MOST
    assert held.ratio == (held.long / held.short).quantize(Decimal("0.0001"))


def test_the_many_lean_against_a_move_and_large_positions_with_it():
    rising, falling = kline(100_000, 102_000), kline(100_000, 98_000)
    assert shares(Crowd.EVERYBODY, rising).long < shares(Crowd.EVERYBODY, falling).long
    assert shares(Crowd.TOP_POSITIONS, rising).long > shares(Crowd.TOP_POSITIONS, falling).long


def test_open_interest_is_a_share_of_a_days_volume_however_much_of_the_day_is_known():
    day = [kline(100, 100)] * (DAY_MINUTES // 5)
    assert open_interest_lots(5, day) == open_interest_lots(5, day[:10]) == 1_000 * len(day) * 4 // 10
    assert open_interest_lots(5, []) == 0
