"""Restarts that lost, netted, doubled or mixed up what was open."""

from decimal import Decimal

import pytest
from tests.unit.execution.bench import BTC, ME, Bench

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import PositionSide
from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import TradeStatus
from perpmesh.kernel.errors import Refused
from perpmesh.testing.memory_log import MemoryLog

D = Decimal
DAY_MS = 86_400_000


def net(bench: Bench) -> Decimal:
    """Return what the exchange's income says was earned."""
    return sum((row.amount for row in bench.engine.income(ME) if row.type.value != "TRANSFER"), D(0))


def forget_fills_older_than(bench: Bench, days: int) -> None:
    """Without a trade id to begin from, Binance's userTrades reach back seven days."""
    fills = bench.venue.fills

    async def windowed(symbol, *, order_id="", from_id=0):
        found = await fills(symbol, order_id=order_id, from_id=from_id)
        since = bench.clock.now_ms() - days * DAY_MS
        return found if order_id or from_id else [fill for fill in found if fill.time_ms >= since]

    bench.venue.fills = windowed  # type: ignore[method-assign]


async def test_nautilus_3104_a_position_open_for_thirty_days_is_what_it_was_after_a_restart(bench: Bench):
    before = (await bench.buy(quantity="0.02", stop="58000")).trade
    await bench.exit("part", "SELL", "0.005")
    bench.clock.advance(30 * DAY_MS)
    bench.price("61000")
    forget_fills_older_than(bench, 7)
    await bench.start()
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.trade_id, trade.entry_price, trade.status) == (
        before.trade_id, before.entry_price, TradeStatus.PROTECTED,
    )  # fmt: skip
    assert bench.cases.tools.desk.positions[BTC].signed == D("0.015")
    assert bench.covered()
    await bench.exit("rest", "SELL", "1")
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.net_pnl == net(bench)


async def test_nautilus_3104_with_the_log_lost_too_size_and_price_are_the_exchanges(bench: Bench):
    """The only fill that the window shows is not the one that opened the position."""
    await bench.buy(quantity="0.02", stop="58000")
    bench.clock.advance(30 * DAY_MS)
    bench.price("61000")
    bench.by_hand("SELL", "0.005")
    forget_fills_older_than(bench, 7)
    bench.log = MemoryLog()
    await bench.start()
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.quantity, trade.entry_price) == (D("0.015"), D("60000.1"))
    assert bench.cases.tools.desk.positions[BTC].signed == D("0.015")
    assert [stop.trigger_price for stop in bench.stops()] == [D(58000)]
    await bench.exit("rest", "SELL", "1")
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.net_pnl == net(bench)


async def hedged() -> Bench:
    """Return execution started on an account with both legs open."""
    bench = Bench()
    bench.venue.apply(c.SetPositionMode(ME, dual_side=True))
    bench.by_hand("BUY", "0.01", position_side=PositionSide.LONG)
    bench.by_hand("SELL", "0.01", position_side=PositionSide.SHORT)
    bench.venue.trouble = "HEDGE_MODE"
    await bench.start()
    return bench


async def test_nautilus_3067_the_legs_of_a_hedged_account_are_neither_netted_nor_closed():
    bench = await hedged()
    with pytest.raises(Refused) as refused:
        await bench.buy()
    assert "HEDGE_MODE" in refused.value.metadata["reasons"]
    legs = {(p.position_side.value, p.amount) for p in bench.engine.positions(ME, BTC) if p.amount}
    assert legs == {("LONG", D("0.01")), ("SHORT", D("-0.01"))}
    assert bench.venue.asked["reduce"] + bench.venue.asked["place_conditional"] == 0


async def test_nautilus_3067_flattening_a_hedged_account_closes_each_leg():
    bench = await hedged()
    done = await bench.cases.flatten.flatten()
    assert [order.executed for order in done.orders] == [D("0.01"), D("0.01")]
    assert [p.amount for p in bench.engine.positions(ME, BTC) if p.amount] == []
    assert done.remaining == []


async def test_quantdinger_231_a_fill_is_booked_once_however_often_one_restarts(bench: Bench):
    await bench.buy()
    await bench.start()
    bench.price("60500")
    await bench.exit("x1", "SELL", "1")
    for _ in range(3):
        await bench.start()
        await bench.cases.reconciler.everything()
    [closed] = bench.told(events.TradeClosed)
    assert len(bench.told(events.TradeOpened)) == 1
    assert closed.trade.net_pnl == net(bench)


async def test_ccxt_18028_a_fill_told_ten_times_is_one(bench: Bench):
    await bench.buy()
    for _ in range(10):
        bench.cases.reconciler.moved([BTC])
        await bench.cases.attendant.attend(BTC)
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.quantity, bench.amount()) == (D("0.01"), D("0.01"))
    await bench.exit("x1", "SELL", "1")
    [closed] = bench.told(events.TradeClosed)
    assert (closed.trade.quantity, closed.trade.net_pnl) == (D("0.01"), net(bench))


async def test_nautilus_4737_a_stop_for_the_whole_position_stands_through_a_restart(bench: Bench):
    await bench.buy(stop="59000")
    [before] = bench.stops()
    placed = bench.venue.asked["place_conditional"]
    await bench.start()
    assert [stop.client_algo_id for stop in bench.stops()] == [before.client_algo_id]
    assert bench.venue.asked["place_conditional"] == placed
    assert bench.cases.tools.ledger.trade(BTC).status is TradeStatus.PROTECTED


async def test_nautilus_3287_stops_that_cannot_be_seen_are_not_taken_for_gone(bench: Bench):
    """The endpoint that lists them answers no more: nothing is placed twice, nothing cancelled, nothing enters."""
    await bench.buy(stop="59000")
    [before] = bench.stops()
    await bench.start()
    bench.venue.fault("open_conditionals", *[-4120] * 50)
    for _ in range(5):
        bench.clock.advance(3_000)
        await bench.cases.reconciler.everything()
    bench.lend()
    with pytest.raises(Refused) as refused:
        await bench.sell("r2", "0.1", symbol="ETHUSDT")
    assert "NOT_RECONCILED" in refused.value.metadata["reasons"]
    assert [stop.client_algo_id for stop in bench.stops()] == [before.client_algo_id]
    assert bench.amount() == D("0.01")
    bench.venue.faults.clear()
    await bench.cases.reconciler.everything()
    assert [stop.client_algo_id for stop in bench.stops()] == [before.client_algo_id]


async def test_freqtrade_13399_the_old_stops_fill_is_not_the_reversed_trades(bench: Bench):
    """While nobody runs, the stop fills and somebody turns the position around."""
    await bench.buy("r1", stop="59500")
    bench.price("59400")
    assert bench.amount() == 0
    bench.by_hand("SELL", "0.02")
    await bench.start()
    bench.clock.advance(3_000)
    await bench.cases.reconciler.everything()
    [closed] = bench.told(events.TradeClosed)
    assert (closed.trade.request_id, closed.trade.close_reason) == ("r1", "STOP")
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.side.value, trade.quantity, trade.entry_price) == ("SELL", D("0.02"), D("59399.9"))
    assert trade.first_fill_id > closed.trade.first_fill_id
    assert bench.covered()


async def test_nautilus_4043_a_restart_between_a_fill_and_its_siblings_cancel_leaves_no_orphan(bench: Bench):
    await bench.buy(stop="59500", target="61000")
    bench.price("61010")
    assert bench.amount() == 0
    bench.cases = None  # nobody is there to cancel the stop
    await bench.start()
    assert bench.engine.open_algos(ME) == ()
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "TAKE_PROFIT"


async def test_freqtrade_12984_a_stop_that_triggers_and_is_rejected_does_not_leave_the_position_bare(bench: Bench):
    await bench.buy(stop="59500")
    [stop] = bench.stops()
    assert stop.type.value == "STOP_MARKET"  # never a stop-limit, which may trigger and not fill
    bench.venue.apply(c.RejectWhenTriggered(ME, stop.algo_id, "Margin is insufficient."))
    bench.price("59400")
    assert bench.amount() == D("0.01")
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "FLATTEN"


@pytest.mark.parametrize("fault", ["lost", "unanswered", -1001, -1016])
async def test_hummingbot_5801_a_closing_leg_that_gets_no_answer_is_closed_all_the_same(bench: Bench, fault: object):
    await bench.buy()
    bench.venue.fault("reduce", fault, fault, fault)
    done = await bench.cases.flatten.flatten()
    assert done.remaining == []
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    assert len(bench.told(events.TradeClosed)) == 1


async def test_hummingbot_8075_nothing_enters_once_the_process_is_stopping(bench: Bench):
    """Whatever lease comes in late; exits still go."""
    await bench.buy("r1")
    bench.cases.lease.close("the process is stopping")
    bench.lend(epoch=10**9)
    with pytest.raises(Refused) as refused:
        await bench.sell("r2", "0.1", symbol="ETHUSDT")
    assert "LEASE_MISSING" in refused.value.metadata["reasons"]
    assert bench.venue.asked["send_entry"] == 1
    await bench.exit("x1", "SELL", "1")
    assert bench.amount() == 0
