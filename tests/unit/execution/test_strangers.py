"""Positions that nobody here opened, and those that somebody else ended: seen, and dealt with as policy says."""

from decimal import Decimal

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import OrderType
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Side, TradeStatus
from perpmesh.kernel.errors import Refused
from perpmesh.testing.engine_venue import ME

from .bench import BTC, Bench

D = Decimal


async def with_policy(policy: str) -> Bench:
    bench = Bench(**{"execution.external_positions": policy})
    await bench.start()
    return bench


async def stop_of_a_human(bench: Bench, trigger: str) -> None:
    await bench.venue.place_conditional(
        symbol=BTC, side=Side.SELL, kind="STOP_MARKET", trigger=D(trigger), client_id="human-stop"
    )


@pytest.mark.parametrize("policy", ["protect", "hand_over", "flatten"])
async def test_a_stranger_is_told_of_whatever_policy_says(policy: str):
    bench = await with_policy(policy)
    bench.by_hand("BUY", "0.02")
    await bench.cases.reconciler.everything()
    [opened] = bench.told(events.TradeOpened)
    assert (opened.trade.strategy, opened.trade.quantity) == ("external", D("0.02"))
    assert "position that nobody here opened" in [said for said, _ in bench.notes.said]


async def test_what_is_handed_over_is_left_alone_and_trips_nothing_and_nothing_enters_beside_it():
    bench = await with_policy("hand_over")
    bench.by_hand("BUY", "0.02")
    for _ in range(3):
        await bench.cases.reconciler.everything()
    assert bench.engine.open_algos(ME) == ()
    assert bench.amount() == D("0.02")
    assert bench.cases.tools.desk.unprotected() == []
    with pytest.raises(Refused, match="position"):
        await bench.buy()
    bench.by_hand("SELL", "0.02", reduce_only=True)
    await bench.cases.reconciler.everything()
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "EXTERNAL"
    assert bench.cases.tools.desk.handed_over == set()


async def test_the_stop_of_whoever_it_was_handed_over_to_is_seen():
    bench = await with_policy("hand_over")
    bench.by_hand("BUY", "0.02")
    await stop_of_a_human(bench, "58000")
    await bench.cases.reconciler.everything()
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.status, trade.stop_price) == (TradeStatus.PROTECTED, D(58000))
    await bench.venue.cancel_conditional("human-stop")
    await bench.cases.reconciler.everything()
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.status, trade.stop_price) == (TradeStatus.OPEN, D(0))


async def test_what_was_handed_over_is_protected_as_soon_as_policy_says_so():
    bench = await with_policy("hand_over")
    bench.by_hand("BUY", "0.02")
    await bench.cases.reconciler.everything()
    bench.policies.changed["execution.external_positions"] = "protect"
    await bench.cases.reconciler.everything()
    assert bench.covered()
    bench.policies.changed["execution.external_positions"] = "hand_over"
    await bench.cases.reconciler.everything()
    assert bench.covered()  # a stop that stands is not taken away


async def test_under_flatten_a_stranger_goes_and_counts_as_no_error_of_ours():
    bench = await with_policy("flatten")
    bench.by_hand("SELL", "0.02")
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "FLATTEN"
    assert bench.cases.tools.desk.recent_errors() == 0


async def test_under_flatten_what_we_opened_ourselves_stays():
    bench = await with_policy("flatten")
    await bench.buy(stop="59500")
    await bench.start()
    assert bench.amount() == D("0.01")
    assert bench.covered()


async def test_a_stranger_is_protected_but_not_managed():
    bench = Bench(**{
        "execution.take_profit_ladder": "1@1", "execution.break_even_r": "1", "execution.time_stop_ms": "60000",
    })  # fmt: skip
    await bench.start()
    bench.by_hand("BUY", "0.02")
    await bench.cases.reconciler.everything()
    stop = bench.stops()[0].trigger_price
    bench.clock.advance(600_000)
    bench.price("61000")
    await bench.cases.reconciler.everything()
    assert bench.amount() == D("0.02")
    assert [algo.trigger_price for algo in bench.engine.open_algos(ME)] == [stop]


@pytest.mark.parametrize("orders", [["0.03"], ["0.01", "0.02"]], ids=["through flat", "by way of flat"])
async def test_a_position_that_somebody_turned_around_gets_a_stop_on_its_side_and_the_books_agree(orders: list[str]):
    bench = Bench(**{"execution.take_profit_ladder": "0.5@1,0.5@2"})
    await bench.start()
    await bench.buy(stop="59500")
    for quantity in orders:
        bench.by_hand("SELL", quantity)
    bench.clock.advance(3_000)
    await bench.cases.reconciler.everything()
    assert bench.amount() == D("-0.02")
    [stop] = bench.engine.open_algos(ME)
    assert (stop.side.value, stop.close_position) == ("BUY", True)
    assert stop.trigger_price > 60_000
    assert bench.cases.tools.ledger.trade(BTC).strategy == "external"
    bench.by_hand("BUY", "0.02", reduce_only=True)
    await bench.cases.reconciler.everything()
    booked = [closed.trade.net_pnl for closed in bench.told(events.TradeClosed)]
    assert len(booked) == len(orders)
    assert sum(booked) == sum(row.amount for row in bench.engine.income(ME) if row.symbol == BTC)
    assert bench.cases.tools.desk.mismatch == ""


async def test_a_position_that_the_exchange_deleveraged_is_booked_as_that():
    bench = Bench()
    await bench.start()
    await bench.sell(stop="60500")
    for command in (
        c.CreateAccount("other", D(400)), c.SetLeverage("other", BTC, 20),
        c.PlaceOrder("other", BTC, ExchangeSide.BUY, OrderType.MARKET, D("0.1")), c.SetBook(BTC, (), ()),
        c.SetMark(BTC, D(55_000), D(55_000)),
    ):  # fmt: skip
        bench.venue.apply(command)
    assert bench.amount() == 0
    bench.price("55000")
    await bench.cases.reconciler.everything()
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "ADL"
    assert bench.engine.open_algos(ME) == ()


async def test_a_position_deleveraged_in_part_keeps_its_stop_and_its_ladder_shrinks():
    bench = Bench(**{"execution.take_profit_ladder": "0.5@1,0.5@2"})
    await bench.start()
    await bench.buy(quantity="0.010", stop="59500")
    bench.by_hand("SELL", "0.004", reduce_only=True)
    await bench.cases.reconciler.everything()
    assert bench.covered()
    targets = [algo for algo in bench.engine.open_algos(ME) if algo.quantity]
    assert sum(algo.quantity for algo in targets) == D("0.006")


async def test_a_forced_close_by_the_exchange_is_booked_as_a_liquidation():
    bench = Bench()
    await bench.start()
    await bench.buy(stop="59500")
    bench.venue.apply(c.Liquidate(ME, BTC))
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "LIQUIDATION"
    assert bench.engine.open_algos(ME) == ()
