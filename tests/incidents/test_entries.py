"""Entries whose end was misread elsewhere: filled and repeated, declared dead and filled, doubled after a time-out."""

from decimal import Decimal

import pytest
from tests.unit.execution.bench import BTC, ME, Bench

from perpmesh.exchange import commands as c
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.words import Side
from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import OrderStatus, TradeStatus
from perpmesh.kernel.errors import Refused, Unavailable

D = Decimal


def entries_taken(bench: Bench) -> int:
    """Return how many buying orders the exchange has filled."""
    return len({fill.order_id for fill in bench.engine.trades(ME, BTC) if fill.side is Side.BUY})


async def later(bench: Bench) -> None:
    """Three seconds on: a new lease, and a pass over everything."""
    bench.clock.advance(3_000)
    bench.lend()
    await bench.cases.reconciler.everything()


async def test_freqtrade_11461_an_order_that_filled_is_not_repeated_because_it_seemed_cancelled(bench: Bench):
    """It fills, its answer is lost, and asked about it the exchange does not know it at first."""
    bench.venue.fault("send_entry", "unanswered")
    bench.venue.fault("order", *[-2013] * 8)
    with pytest.raises(Unavailable):
        await bench.buy("r1")
    for _ in range(3):
        bench.lend()
        with pytest.raises((Unavailable, Refused)):
            await bench.buy("r1")
        bench.venue.fault("order", *[-2013] * 4)
    bench.venue.faults.clear()
    await later(bench)
    assert (await bench.buy("r1")).trade.status is TradeStatus.PROTECTED
    assert (entries_taken(bench), bench.amount()) == (1, D("0.01"))


async def test_freqtrade_4403_not_found_is_not_taken_for_never_arrived(bench: Bench):
    bench.venue.fault("send_entry", "unanswered")
    bench.venue.fault("order", *[-2013] * 50)
    with pytest.raises(Unavailable):
        await bench.buy("r1")
    [order] = [o for o in bench.log.orders.values() if o.leg.name == "ENTRY"]
    assert order.status is OrderStatus.UNKNOWN
    await later(bench)
    assert bench.log.orders[order.client_id].status is OrderStatus.UNKNOWN
    assert bench.covered()  # the position speaks for itself
    assert bench.log.trades[order.trade_id].status is TradeStatus.PROTECTED


async def test_nautilus_4958_an_order_in_flight_that_was_given_up_and_fills_later_is_protected(bench: Bench):
    bench.venue.fault("send_entry", "lost")
    with pytest.raises(Unavailable):
        await bench.buy("r1", stop="59000")
    bench.clock.advance(11_500)
    await bench.cases.reconciler.everything()
    [order] = bench.log.orders.values()
    assert order.status is OrderStatus.LOST
    bench.by_hand("BUY", "0.01", client_order_id=order.client_id)
    await bench.cases.reconciler.everything()
    assert bench.covered()
    [opened] = bench.told(events.TradeOpened)
    assert opened.trade.trade_id == order.trade_id  # as the trade it was meant to be
    await bench.exit("x1", "SELL", "1")
    assert len(bench.told(events.TradeClosed)) == 1


@pytest.mark.parametrize("code", [-1007, -1001, -1000, -1006])
async def test_nautilus_4215_what_was_accepted_and_answered_with_a_time_out_is_not_sent_again(code: int):
    bench = Bench()
    await bench.start()
    enter = bench.venue._enter

    def accepted_and_timed_out(fields):
        enter(fields)
        raise ExchangeError(code, "Timeout waiting for response from backend server.")

    bench.venue._enter = accepted_and_timed_out  # type: ignore[method-assign]
    outcome = await bench.buy("r1")
    await bench.buy("r1")
    assert outcome.trade.status is TradeStatus.PROTECTED
    assert (entries_taken(bench), bench.amount()) == (1, D("0.01"))


async def test_freqtrade_12598_no_entry_is_sent_whose_stop_a_price_filter_would_refuse(bench: Bench):
    for stop in ("59500.05", "100"):  # between the ticks; under the least price
        with pytest.raises(Refused) as refused:
            await bench.buy(f"r{stop}", stop=stop)
        assert refused.value.reason == "FILTER_PRICE"
    assert bench.venue.asked["send_entry"] == 0


async def test_freqtrade_12598_a_stop_refused_all_the_same_leaves_no_bare_position(bench: Bench):
    bench.venue.fault("place_conditional", *[-4014] * 50)
    began = bench.clock.boot_ms()
    await bench.buy()
    assert bench.amount() == 0
    assert bench.clock.boot_ms() - began <= 5_000


async def test_nautilus_3775_a_fill_before_its_instrument_is_known_is_protected_as_it_was_meant(bench: Bench):
    """The entry's answer is lost, the process dies, and after the restart exchangeInfo does not come."""
    bench.venue.fault("send_entry", "unanswered")
    bench.venue.fault("order", *[-2013] * 50)
    with pytest.raises(Unavailable):
        await bench.buy("r1", stop="59000")
    bench.venue.faults.clear()
    await bench.start()
    for stop in bench.stops():
        await bench.venue.cancel_conditional(stop.client_algo_id)
    bench.cases.tools.desk.instruments = {}
    await bench.cases.reconciler.everything()
    assert [stop.trigger_price for stop in bench.stops()] == [D(59000)]
    assert bench.amount() == D("0.01")


async def test_freqtrade_11570_liquidated_before_the_stop_was_posted_is_a_closed_trade(bench: Bench):
    place = bench.venue.place_conditional

    async def too_late(**fields):
        if bench.amount():
            bench.venue.apply(c.Liquidate(ME, BTC))
        return await place(**fields)

    bench.venue.place_conditional = too_late  # type: ignore[method-assign]
    await bench.buy()
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "LIQUIDATION"
    assert bench.cases.tools.ledger.trades() == []
    assert bench.engine.open_algos(ME) == ()
