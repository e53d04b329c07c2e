import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.market_data.kit import BTC, START, minute, series

from perpmesh.market_data.domain.book import CandleBook, CandleGap
from perpmesh.market_data.domain.candle import INTERVALS, MINUTE, in_order


def book_of(first, stop):
    book = CandleBook(BTC)
    book.begin({interval: series(interval, first, stop) for interval in INTERVALS})
    return book


def feed(book, numbers):
    told = []
    for number in numbers:
        closing = book.closing(minute(number))
        book.add(closing)
        told.extend(closing)
    return told


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 130), st.integers(1, 200))
def test_longer_candles_are_the_ones_the_exchange_would_serve(known, more):
    book = book_of(0, known)
    told = feed(book, range(known, known + more))
    for interval in INTERVALS:
        assert book.closed(interval) == series(interval, 0, known + more)
    assert told == in_order(told)
    assert len(told) == len({(each.interval, each.open_time_ms) for each in told})


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=60))
def test_a_repeated_minute_changes_nothing_and_a_missing_one_is_noticed(steps):
    book, at = book_of(0, 10), 9
    for step in steps:
        number = at + step
        if step <= 1:
            told = feed(book, [number])
            assert bool(told) == (step == 1)
            at = number
        else:
            with pytest.raises(CandleGap):
                book.closing(minute(number))
        assert book.newest(MINUTE).open_time_ms == START + at * 60_000


def test_a_closed_candle_never_changes():
    book = book_of(0, 10)
    before = book.closed(MINUTE)
    assert book.closing(minute(9, close="1")) == []
    book.add([minute(9, close="1")])
    assert book.closed(MINUTE) == before


def test_a_candle_of_which_a_part_was_never_seen_is_not_made_up():
    book = CandleBook(BTC)
    book.begin({MINUTE: series(MINUTE, 3, 5)})
    assert feed(book, range(5, 15))[0].interval == MINUTE
    assert [each.open_time_ms for each in book.closed("5m")] == [START + 300_000, START + 600_000]


def test_what_is_forming_holds_its_closed_minutes_and_the_open_one():
    book = book_of(0, 17)
    book.form(minute(17, closed=False))
    forming = book.forming("15m")
    minutes = [minute(15), minute(16), minute(17)]
    assert not forming.closed
    assert forming.open == minutes[0].open
    assert forming.close == minutes[2].close
    assert forming.high == max(each.high for each in minutes)
    assert forming.volume == sum(each.volume for each in minutes)
    assert forming.open_time_ms == START + 900_000


def test_an_old_forming_minute_is_not_shown():
    book = book_of(0, 17)
    book.form(minute(17, closed=False))
    feed(book, [17])
    assert book.forming("15m") is None


def test_only_the_newest_are_kept():
    book = CandleBook(BTC, capacity=70)
    book.begin({interval: series(interval, 0, 60) for interval in INTERVALS})
    feed(book, range(60, 180))
    assert len(book.closed(MINUTE)) == 70
    assert book.closed("1h") == series("1h", 0, 180)
