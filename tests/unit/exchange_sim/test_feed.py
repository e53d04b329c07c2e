"""The replayed market: a function of candles, seed and second, true to every candle."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exchange_sim.conftest import FIRST_MINUTE, make_feed, recorded_days, seeds

from perpmesh.exchange.commands import MarketTrade, SetDepth, SetMark, SettleFunding
from perpmesh.exchange_sim.domain.background import background
from perpmesh.exchange_sim.domain.candles import Candle, CandleSeries, Stitched
from perpmesh.exchange_sim.domain.path import walk
from perpmesh.exchange_sim.domain.premium import Premium


@st.composite
def candles(draw):
    low = draw(st.integers(1, 10**6))
    high = low + draw(st.integers(0, 10**4))
    inside = st.integers(low, high)
    return Candle(draw(inside), high, low, draw(inside), draw(st.integers(0, 10**7)))


@given(candles(), st.integers(0, 10**6))
def test_a_path_opens_tops_bottoms_closes_and_trades_exactly_as_its_candle(candle, seed):
    path = walk(candle, seeds(seed))
    prices = [path.price_at(second) for second in range(60)]
    assert (prices[0], max(prices), min(prices), prices[-1]) == candle[:4]
    traded = [path.traded_until(second) for second in range(60)]
    assert traded == sorted(traded)
    assert traded[-1] == candle.volume


@pytest.mark.parametrize("fine", [True, False])
def test_the_prints_of_a_minute_add_up_to_its_candle(feed, fine):
    minute = FIRST_MINUTE + 100
    before_ms, prints = minute * 60_000 - 1_000, []
    while (now_ms := feed.next_ms(before_ms, fine=fine)) < (minute + 1) * 60_000:
        prints += [each for each in feed.commands(now_ms, before_ms) if isinstance(each, MarketTrade)]
        before_ms = now_ms
    candle, spec = feed.series.candle(minute), feed.spec
    prices = [each.price for each in prints]
    assert (prices[0], max(prices), min(prices), prices[-1]) == tuple(spec.price(ticks) for ticks in candle[:4])
    assert sum(each.quantity for each in prints) == spec.quantity(candle.volume)


@given(st.integers(100, 10**7), st.booleans(), st.integers(0, 10**10))
def test_the_background_book_never_crosses_and_is_sorted(price, buying, salt):
    book = background(price, buying=buying, salt=salt, touch_lots=600)
    bids, asks = [at for at, _ in book.bids], [at for at, _ in book.asks]
    assert bids[0] < asks[0]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert all(size > 0 for _, size in book.bids + book.asks)
    assert price in (bids[0], asks[0])


def test_the_same_second_is_the_same_market_for_everyone(feed):
    now_ms = (FIRST_MINUTE + 500) * 60_000 + 25_000
    assert list(feed.commands(now_ms, now_ms - 5_000)) == list(make_feed().commands(now_ms, now_ms - 5_000))


def test_every_second_brings_a_book_and_a_mark_and_every_eighth_hour_a_settlement(feed):
    settles = (FIRST_MINUTE + 480) * 60_000
    assert settles % 28_800_000 == 0
    kinds = [kind for kind, _ in itertools.groupby(type(each) for each in feed.commands(settles, settles - 1_000))]
    assert kinds == [SettleFunding, MarketTrade, SetDepth, SetMark]
    assert SettleFunding not in [type(each) for each in feed.commands(settles + 1_000, settles)]


def test_the_mark_stays_inside_the_last_moves_and_the_index_differs_by_the_premium(feed):
    second = (FIRST_MINUTE + 700) * 60 + 30
    mark = feed.mark(second)
    seen = [feed.spec.price(feed.price(second - back)) for back in (0, 5, 10)]
    assert min(seen) <= mark.mark <= max(seen)
    premium = float(mark.mark / mark.index - 1)
    assert premium == pytest.approx(feed.premium.at(second), abs=1e-9)


def test_after_the_recorded_candles_the_market_goes_on_and_the_same_seed_goes_on_alike():
    recorded = recorded_days()
    first, again = (CandleSeries(recorded, Stitched(recorded, seeds)) for _ in range(2))
    last = recorded.first_minute + len(recorded.rows) - 1
    made = [first.candle(last + minute) for minute in range(5_000)]
    assert made == [again.candle(last + minute) for minute in range(5_000)]
    for before, here in itertools.pairwise(made):
        assert here.low <= min(here.open, here.close) <= max(here.open, here.close) <= here.high
        assert abs(here.open - before.close) < before.close * 0.01
    closes = [each.close for each in made]
    assert len(set(closes)) > 2_000
    assert max(closes) < 4 * min(closes)


def test_funding_rates_are_spread_as_the_real_ones_are():
    premium = Premium(seeds, "BTCUSDT")
    rates = sorted(float(premium.funding_rate(each * 28_800)) for each in range(60_000, 61_000))
    quartiles = [rates[len(rates) * part // 4] for part in (1, 2, 3)]
    assert quartiles == pytest.approx([0.000029, 0.000077, 0.0001], abs=0.00004)


def test_given_funding_rates_are_used_and_start_again_at_their_end():
    start = (FIRST_MINUTE * 60 // 28_800) * 28_800
    real = {start + index * 28_800: Decimal(index) / 10_000 for index in range(6)}
    premium = Premium(seeds, "BTCUSDT", real)
    assert [premium.funding_rate(start + index * 28_800) for index in range(8)] == [
        Decimal(index % 6) / 10_000 for index in range(8)
    ]
