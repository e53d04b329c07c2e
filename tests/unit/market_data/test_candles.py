import asyncio
import math
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.market_data.kit import BTC, ETH, START, MemoryJournal, ToyVenue, minute, series

from perpmesh.kernel.errors import Unavailable
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.domain.candle import INTERVALS, MINUTE


def candles_of(venue, journal):
    return Candles(venue.symbols, venue, journal, lambda _: 0.0001)


async def closes(candles, numbers, symbol=BTC):
    for number in numbers:
        await candles.receive(minute(number, symbol=symbol))


async def take(iterator, count):
    async with asyncio.timeout(5):
        return [await anext(iterator) for _ in range(count)]


async def test_history_before_the_first_start_is_served_but_is_no_news():
    journal, venue = MemoryJournal(), ToyVenue(300)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    assert candles.listed(BTC, "15m", 500) == series("15m", 0, 300)
    assert journal.told == []
    await closes(candles, range(300, 316))
    assert journal.numbers() == list(range(300, 316))
    assert journal.numbers("15m") == [20]


async def test_a_gap_in_the_stream_is_filled_from_the_exchange():
    journal, venue = MemoryJournal(), ToyVenue(100)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    venue.now = 121
    await candles.receive(minute(120))
    assert journal.numbers() == list(range(100, 121))
    assert candles.listed(BTC, "5m", 500) == series("5m", 0, 121)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(0, 40), st.integers(0, 400), st.integers(0, 40))
async def test_a_restart_tells_no_candle_twice_and_leaves_none_out(first, before, missed, after):
    journal, venue = MemoryJournal(), ToyVenue(first)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    await closes(candles, range(first, first + before))
    venue.now = first + before + missed
    reborn = candles_of(venue, journal)
    await reborn.catch_up()
    await closes(reborn, range(max(venue.now - 2, 0), venue.now + after))
    for interval in INTERVALS:
        size = INTERVALS[interval] // INTERVALS[MINUTE]
        if first >= size:  # a series that had no past yet begins with the first that is found
            assert journal.numbers(interval) == list(range(first // size, (venue.now + after) // size))
        assert reborn.listed(BTC, interval, 1_500) == series(interval, 0, venue.now + after)[-1_500:]


async def test_a_long_absence_is_told_page_by_page():
    journal, venue = MemoryJournal(), ToyVenue(100)
    await candles_of(venue, journal).catch_up()
    venue.now = 100 + 3_700
    reborn = candles_of(venue, journal)
    await reborn.catch_up()
    assert journal.numbers() == list(range(100, 3_800))
    assert len(reborn.listed(BTC, MINUTE, 1_500)) == 1_500


async def test_nothing_is_shown_that_could_not_be_recorded():
    journal, venue = MemoryJournal(), ToyVenue(100)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    journal.broken = True
    with pytest.raises(OSError, match="disk full"):
        await candles.receive(minute(100))
    assert candles.listed(BTC, MINUTE, 1)[-1] == minute(99)
    journal.broken = False
    await candles.receive(minute(100))
    assert journal.numbers() == [100]


async def test_a_minute_the_exchange_itself_lacks_does_not_stop_the_rest():
    journal, venue = MemoryJournal(), ToyVenue(100)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    venue.missing, venue.now = {103}, 110
    await candles.receive(minute(109))
    assert journal.numbers() == [100, 101, 102, 104, 105, 106, 107, 108, 109]
    await candles.receive(minute(110))
    assert journal.numbers()[-1] == 110


async def test_an_exchange_that_is_away_is_an_error_and_nothing_is_lost():
    journal, venue = MemoryJournal(), ToyVenue(100)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    venue.away = True
    with pytest.raises(Unavailable):
        await candles.receive(minute(105))
    venue.away, venue.now = False, 107
    await candles.catch_up()
    assert journal.numbers() == list(range(100, 107))


async def test_a_watcher_gets_history_then_each_candle_once():
    journal, venue = MemoryJournal(), ToyVenue(100, symbols=(BTC, ETH))
    candles = candles_of(venue, journal)
    await candles.catch_up()
    async with aclosing(candles.watch([BTC], [MINUTE, "5m"], 2)) as watching:
        first = await take(watching, 4)
        assert [(each.interval, (each.open_time_ms - START) // 60_000) for each in first] == [
            ("5m", 90),
            (MINUTE, 98),
            (MINUTE, 99),
            ("5m", 95),
        ]
        venue.now = 105
        await closes(candles, range(100, 105))
        await closes(candles, range(100, 103), symbol=ETH)
        later = await take(watching, 6)
        assert [(each.open_time_ms - START) // 60_000 for each in later] == [100, 101, 102, 103, 104, 100]
        assert {each.symbol for each in later} == {BTC}


async def test_a_watcher_who_comes_before_the_history_still_gets_it():
    venue = ToyVenue(100)
    candles = candles_of(venue, MemoryJournal())
    async with aclosing(candles.watch([BTC], ["15m"], 3)) as watching:
        waiting = asyncio.create_task(anext(watching))
        await asyncio.sleep(0)
        await candles.catch_up()
        assert (await waiting).open_time_ms == START + 3 * 900_000


async def test_a_regime_is_told_when_it_changes_and_not_again_after_a_restart():
    journal, venue = MemoryJournal(), ToyVenue(15 * 260)
    candles = candles_of(venue, journal)
    await candles.catch_up()
    assert len(journal.conditions) == 1
    now = candles.conditions(BTC)
    assert now.regime == journal.conditions[0].regime
    assert now.adx > 0.0
    assert now.atr_fraction > 0.0
    assert not math.isnan(now.spread_fraction)
    assert now.market_ms == START + venue.now * 60_000
    await candles_of(venue, journal).catch_up()
    assert len(journal.conditions) == 1
