"""Exits never fail on our side, and never become entries."""

from decimal import Decimal

import pytest

from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Action, Leg, OrderStatus, TradeStatus
from perpmesh.kernel.errors import Refused

from .bench import ETH, Bench

D = Decimal


async def test_an_exit_larger_than_the_position_closes_it_and_books_it(bench: Bench):
    await bench.buy(quantity="0.01")
    outcome = await bench.exit("x1", "SELL", "5")
    assert bench.amount() == 0
    assert outcome.trade.status is TradeStatus.CLOSED
    assert outcome.trade.close_reason == "EXIT"
    assert bench.stops() == []


async def test_a_smaller_exit_reduces_and_leaves_the_rest_protected(bench: Bench):
    await bench.buy(quantity="0.01")
    outcome = await bench.exit("x1", "SELL", "0.004")
    assert bench.amount() == D("0.006")
    assert outcome.trade.status is TradeStatus.PROTECTED
    assert bench.covered()


async def test_an_exit_asked_twice_reduces_once(bench: Bench):
    await bench.buy(quantity="0.01")
    await bench.exit("x1", "SELL", "0.004")
    await bench.exit("x1", "SELL", "0.004")
    assert bench.amount() == D("0.006")


async def test_a_mistyped_exit_cannot_become_an_entry(bench: Bench):
    with pytest.raises(Refused) as flat:
        await bench.exit("x1", "SELL", "0.01")
    assert flat.value.reason == "NO_POSITION"
    await bench.buy()
    with pytest.raises(Refused) as adding:
        await bench.exit("x2", "BUY", "0.01")
    assert adding.value.reason == "NOT_REDUCING"
    assert bench.amount() == D("0.01")


async def test_an_exit_goes_out_with_stale_prices_a_full_store_and_no_budget(bench: Bench):
    await bench.buy()
    bench.prices.age_ms = 60_000
    bench.venue.budget = False
    bench.log.full = True
    await bench.exit("x1", "SELL", "1")
    assert bench.amount() == 0


async def test_what_the_full_store_missed_is_booked_afterwards(bench: Bench):
    await bench.buy()
    bench.log.full = True
    await bench.exit("x1", "SELL", "1")
    bench.log.full = False
    await bench.cases.reconciler.everything()
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.status is TradeStatus.CLOSED


async def test_an_exit_whose_answer_is_lost_is_not_repeated_beyond_the_position(bench: Bench):
    await bench.buy()
    bench.venue.fault("reduce", "unanswered")
    outcome = await bench.exit("x1", "SELL", "1")
    assert bench.amount() == 0
    assert outcome.order.status is OrderStatus.FILLED
    assert outcome.trade.status is TradeStatus.CLOSED


@pytest.mark.parametrize("fault", [-1008, -1001, -1015, "lost", 0])
async def test_a_closing_order_that_fails_is_sent_again_until_flat(bench: Bench, fault: object):
    await bench.buy()
    bench.venue.fault("reduce", fault, fault)
    await bench.cases.flatten.flatten()
    assert bench.amount() == 0


async def test_an_exit_whose_first_try_is_lost_tells_of_the_try_that_closed_also_when_asked_again(bench: Bench):
    await bench.buy()
    bench.venue.fault("reduce", "lost")
    first = await bench.exit("x1", "SELL", "1")
    again = await bench.exit("x1", "SELL", "1")
    assert first.order.status is OrderStatus.FILLED
    assert first.trade.status is TradeStatus.CLOSED
    assert again.order == first.order


async def test_flatten_closes_every_position_and_says_what_it_sent(bench: Bench):
    await bench.buy()
    await bench.sell("r2", "0.1", symbol=ETH)
    done = await bench.cases.flatten.flatten()
    assert {order.symbol for order in done.orders} == {"BTCUSDT", "ETHUSDT"}
    assert all(order.leg is Leg.FLATTEN for order in done.orders)
    assert done.remaining == []
    assert {event.trade.close_reason for event in bench.told(events.TradeClosed)} == {"FLATTEN"}


async def test_flatten_says_what_is_still_open(bench: Bench):
    await bench.buy()
    bench.venue.fault("reduce", *[-1008] * 200)
    done = await bench.cases.flatten.flatten("BTCUSDT")
    assert [position.symbol for position in done.remaining] == ["BTCUSDT"]
    assert bench.covered()


async def test_an_opposite_decision_closes_first_and_then_enters(bench: Bench):
    await bench.cases.decide.act(bench.decision("d1", Action.LONG))
    await bench.cases.decide.act(bench.decision("d2", Action.SHORT))
    assert bench.amount() == D("-0.01")
    assert bench.covered()
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.decision_id == "d1"
    assert [event.trade.decision_id for event in bench.told(events.TradeOpened)] == ["d1", "d2"]


async def test_a_decision_for_the_side_that_is_held_does_nothing_and_says_nothing(bench: Bench):
    await bench.cases.decide.act(bench.decision("d1", Action.LONG))
    await bench.cases.decide.act(bench.decision("d2", Action.LONG))
    assert bench.amount() == D("0.01")
    assert bench.told(events.OrderRefused) == []


async def test_a_decision_to_close_closes(bench: Bench):
    await bench.cases.decide.act(bench.decision("d1", Action.LONG))
    await bench.cases.decide.act(bench.decision("d2", Action.CLOSE))
    assert bench.amount() == 0
    assert len(bench.told(events.TradeClosed)) == 1


async def test_t2_a_decision_delivered_ten_times_orders_once_and_a_late_one_not_at_all(bench: Bench):
    decision = bench.decision("d1", Action.LONG)
    for _ in range(10):
        await bench.cases.decide.act(decision)
    assert bench.amount() == D("0.01")
    late = bench.decision("d2", Action.SHORT, ttl_ms=0)
    await bench.cases.decide.act(late)
    assert bench.amount() == D("0.01")
    assert bench.told(events.OrderRefused)[0].order.reasons.startswith("DECISION_EXPIRED")


async def test_t19_a_backlog_of_old_decisions_executes_nothing(bench: Bench):
    old = [bench.decision(f"d{n}", action) for n, action in enumerate([Action.LONG, Action.SHORT, Action.CLOSE] * 50)]
    bench.clock.advance(60_000)
    await bench.cases.upkeep.once()
    await bench.cases.reconciler.everything()
    bench.lend()
    for decision in old:
        await bench.cases.decide.act(decision)
    assert bench.venue.entries == []
    assert bench.venue.asked["reduce"] == 0
