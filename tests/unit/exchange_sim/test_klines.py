"""Candles of every interval come from the same minutes."""

import pytest
from tests.unit.exchange_sim.conftest import FIRST_MINUTE

from perpmesh.exchange_sim.domain.klines import INTERVALS, MONTH, klines, next_opening, opening_minute


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h", "4h", "1d"])
def test_an_interval_is_its_minutes_folded(feed, interval):
    minutes, now = INTERVALS[interval], (FIRST_MINUTE + 2_000) * 60 + 30
    found = klines(feed, minutes, FIRST_MINUTE, 10**9, now)
    ones = klines(feed, 1, FIRST_MINUTE, 10**9, now)
    assert found[0].open_minute == FIRST_MINUTE
    assert found[-1].open_minute == opening_minute(FIRST_MINUTE + 2_000, minutes)
    for candle in found:
        parts = [one for one in ones if candle.open_minute <= one.open_minute < candle.open_minute + minutes]
        assert candle.open == parts[0].open
        assert candle.close == parts[-1].close
        assert candle.high == max(part.high for part in parts)
        assert candle.low == min(part.low for part in parts)
        assert candle.volume == sum(part.volume for part in parts)
        assert candle.quote == sum(part.quote for part in parts)
        assert 0 <= candle.taker_buy <= candle.volume


def test_no_candle_is_returned_that_opens_before_the_start_asked_for(feed):
    now = (FIRST_MINUTE + 2_000) * 60
    found = klines(feed, 15, FIRST_MINUTE + 16, FIRST_MINUTE + 100, now)
    assert [candle.open_minute - FIRST_MINUTE for candle in found] == [30, 45, 60, 75, 90]


def test_the_newest_candle_is_the_unfinished_one(feed):
    minute = FIRST_MINUTE + 1_500
    whole = feed.series.candle(minute)
    early, late = (klines(feed, 1, minute, minute, minute * 60 + second)[-1] for second in (0, 59))
    assert (early.open, early.close, early.high) == (whole.open, whole.open, whole.open)
    assert (late.open, late.high, late.low, late.close, late.volume) == whole


def test_weeks_begin_on_mondays():
    monday = 4 * 1_440
    assert opening_minute(monday, INTERVALS["1w"]) == monday
    assert opening_minute(monday - 1, INTERVALS["1w"]) == monday - 7 * 1_440


def test_a_month_is_as_long_as_the_calendar_says(feed):
    assert opening_minute(59 * 1_440, MONTH) == 59 * 1_440  # 1970-03-01
    assert opening_minute(59 * 1_440 - 1, MONTH) == 31 * 1_440
    assert next_opening(31 * 1_440, MONTH) == 59 * 1_440
    month = klines(feed, MONTH, 0, FIRST_MINUTE + 2_000, (FIRST_MINUTE + 2_000) * 60)[0]
    days = klines(feed, INTERVALS["1d"], 0, FIRST_MINUTE + 2_000, (FIRST_MINUTE + 2_000) * 60)
    assert month.open_minute <= days[0].open_minute
    assert month.minutes in {days_long * 1_440 for days_long in (28, 29, 30, 31)}
    assert (month.open, month.high, month.close) == (days[0].open, max(day.high for day in days), days[-1].close)


@pytest.mark.parametrize("interval", ["1w", "1M"])
def test_not_even_a_first_candle_that_is_a_part_of_one_opens_before_the_start(feed, interval):
    start, now = FIRST_MINUTE - 60, (FIRST_MINUTE + 2_000) * 60
    opening = opening_minute(FIRST_MINUTE, INTERVALS[interval])
    found = klines(feed, INTERVALS[interval], start, FIRST_MINUTE + 2_000, now)
    assert all(candle.open_minute >= start for candle in found)
    assert [candle.open_minute for candle in klines(feed, INTERVALS[interval], opening, FIRST_MINUTE, now)] == [opening]


def test_nothing_is_found_before_the_data(feed):
    assert klines(feed, 1, 0, FIRST_MINUTE - 1, (FIRST_MINUTE + 10) * 60) == []
