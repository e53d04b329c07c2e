import asyncio
from contextlib import aclosing
from decimal import Decimal

import pytest
from tests.unit.market_data.kit import BTC, ETH, minute

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.kernel.money import Fraction, Price
from perpmesh.kernel.time import ManualClock
from perpmesh.market_data.application.prices import Prices
from perpmesh.market_data.domain.price import BookMoved, MarkMoved


def book(bid, symbol=BTC, at=1):
    return BookMoved(symbol=symbol, bid=Price(Decimal(bid)), ask=Price(Decimal(bid) + 1), market_ms=at)


def mark(price, symbol=BTC):
    rate = Fraction(Decimal("0.0001"))
    return MarkMoved(
        symbol=symbol, mark=Price(Decimal(price)), index=Price(Decimal(price)), funding_rate=rate, next_funding_ms=9
    )


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def prices(clock):
    made = Prices([BTC, ETH], clock, lambda: 2_000)
    for symbol in (BTC, ETH):
        made.receive(book(100, symbol))
        made.receive(mark(100, symbol))
        made.receive(minute(0, symbol=symbol, closed=False))
    return made


def test_a_symbol_we_do_not_follow_is_not_found(prices):
    with pytest.raises(NotFound) as refusal:
        prices.get("DOGEUSDT")
    assert (refusal.value.reason, refusal.value.field) == ("UNKNOWN_SYMBOL", "symbol")


def test_a_price_of_which_a_part_has_not_come_is_not_given(clock):
    made = Prices([BTC], clock, lambda: 2_000)
    made.receive(book(100))
    made.receive(mark(100))
    with pytest.raises(Unavailable):
        made.get(BTC)


def test_a_price_goes_stale_when_its_book_or_its_mark_stops(prices, clock):
    assert prices.get(BTC)[1] is False
    clock.advance(2_001)
    assert prices.get(BTC)[1] is True
    prices.receive(book(101))
    assert prices.get(BTC)[1] is False
    clock.advance(3_000)
    prices.receive(book(101))
    assert prices.get(BTC)[1] is True  # the mark is 5,001 ms old
    assert prices.get(BTC)[0].book_at_ms == clock.now_ms()


def test_market_time_never_goes_back(prices):
    prices.receive(book(101, at=500))
    prices.receive(book(102, at=400))
    assert prices.get(BTC)[0].market_ms == 500


async def test_a_watcher_gets_the_newest_and_not_every_price(prices):
    async with asyncio.timeout(5), aclosing(prices.watch([BTC])) as watching:
        assert (await anext(watching))[0].bid == 100
        for bid in range(200, 300):
            prices.receive(book(bid))
        prices.receive(book(7, ETH))
        assert (await anext(watching))[0].bid == 299


async def test_watching_nothing_in_particular_is_watching_everything(prices):
    async with asyncio.timeout(5), aclosing(prices.watch([])) as watching:
        assert {(await anext(watching))[0].symbol for _ in range(2)} == {BTC, ETH}


async def test_the_mesh_is_told_of_changes_and_of_staleness_and_watchers_are_woken(prices, clock):
    told = asyncio.Queue()

    async def sink(state, stale):
        told.put_nowait((state.symbol, stale))

    task = asyncio.create_task(prices.publish(sink))
    try:
        async with asyncio.timeout(5), aclosing(prices.watch([BTC])) as watching:
            assert {await told.get(), await told.get()} == {(BTC, False), (ETH, False)}
            assert (await anext(watching))[1] is False
            clock.advance(10_000)
            assert {await told.get(), await told.get()} == {(BTC, True), (ETH, True)}
            assert (await anext(watching))[1] is True
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
