"""How orders meet: price, then time, then the queue; and what becomes of what is left."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import AccountUpdated, OrderUpdated, TradePrinted
from perpmesh.exchange.words import Execution, OrderStatus, SelfTrade, Side, TimeInForce

from .conftest import BTC, Bench, D


def order(bench: Bench, number: int = 1, account: str = "alice"):
    return bench.engine.order(account, BTC, order_id=number)


def executions(events: list) -> list[Execution]:
    return [e.execution for e in events if isinstance(e, OrderUpdated)]


def test_a_market_order_walks_down_the_depth_and_pays_for_it(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ((D(60010), D("0.05")), (D(60020), D("0.05")), (D(60030), D(1)))))
    events = bench.market(Side.BUY, "0.12")
    assert order(bench).status is OrderStatus.FILLED
    assert [t.price for t in bench.engine.trades("alice")] == [60010, 60020, 60030]
    assert order(bench).cum_quote == D("3000.5") + D(3001) + D("1200.6")
    assert executions(events) == [Execution.NEW, Execution.TRADE, Execution.TRADE, Execution.TRADE]
    assert bench.engine.depth(BTC).asks == ((D(60030), D("0.98")),)


def test_the_account_is_told_before_the_order(bench: Bench) -> None:
    events = bench.market(Side.BUY, "0.01")
    kinds = [type(e) for e in events if isinstance(e, OrderUpdated | AccountUpdated)]
    assert kinds == [OrderUpdated, AccountUpdated, OrderUpdated]


def test_what_a_market_order_does_not_find_expires(bench: Bench) -> None:
    bench.book("59990", "60010", "0.02")
    events = bench.market(Side.BUY, "0.05")
    assert order(bench).status is OrderStatus.EXPIRED
    assert order(bench).executed == D("0.02")
    assert events[-1].expire_reason == 9


def test_a_market_order_does_not_reach_beyond_its_bound(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ((D(60010), D("0.01")), (D(63001), D(1)))))
    bench.market(Side.BUY, "0.02")
    assert order(bench).executed == D("0.01")


def test_a_resting_order_is_not_filled_by_a_touch(bench: Bench) -> None:
    bench.book("59990", "60010", "2")
    bench.limit(Side.BUY, "0.5", "59990")
    bench.tape("59990", "1.5", Side.SELL)
    assert order(bench).executed == 0
    bench.tape("59990", "0.7", Side.SELL)
    assert order(bench).executed == D("0.2")
    bench.tape("59990", "9", Side.SELL)
    assert order(bench).status is OrderStatus.FILLED


def test_those_who_left_the_queue_no_longer_stand_before_us(bench: Bench) -> None:
    bench.book("59990", "60010", "2")
    bench.limit(Side.BUY, "0.5", "59990")
    bench.book("59990", "60010", "0.3")
    bench.tape("59990", "0.4", Side.SELL)
    assert order(bench).executed == D("0.1")


def test_a_trade_through_the_price_fills_at_the_price(bench: Bench) -> None:
    bench.book("59990", "60010", "2")
    bench.limit(Side.BUY, "0.5", "59990")
    events = bench.tape("59980", "0.6", Side.SELL)
    assert order(bench).status is OrderStatus.FILLED
    assert order(bench).avg_price == 59990
    prints = [(e.price, e.quantity) for e in events if isinstance(e, TradePrinted)]
    assert prints == [(D(59990), D("0.5")), (D(59980), D("0.1"))]


def test_a_book_that_crosses_a_resting_order_fills_it_and_is_not_shown_crossed(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.5", "59900")
    bench.do(c.SetBook(BTC, ((D(59800), D(1)),), ((D(59850), D("0.2")), (D(59950), D(1)))))
    assert order(bench).executed == D("0.2")
    depth = bench.engine.depth(BTC)
    assert depth.bids[0] == (D(59900), D("0.3"))
    assert depth.asks[0][0] == 59950


def test_two_accounts_trade_with_each_other_by_price_then_time(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ()))
    for name in ("bob", "carol", "dave"):
        bench.open(name)
    bench.limit(Side.SELL, "0.1", "60020", "bob")
    bench.limit(Side.SELL, "0.1", "60010", "carol")
    bench.limit(Side.SELL, "0.1", "60010", "dave")
    bench.market(Side.BUY, "0.25")
    assert [t.price for t in bench.engine.trades("alice")] == [60010, 60010, 60020]
    assert bench.amount("carol") == bench.amount("dave") == D("-0.1")
    assert bench.amount("bob") == D("-0.05")
    assert bench.engine.trades("bob")[0].maker


def test_the_background_that_was_there_first_goes_first(bench: Bench) -> None:
    bench.open("bob")
    bench.book("59990", "60010", "0.2")
    bench.limit(Side.SELL, "0.3", "60010", "bob")
    bench.market(Side.BUY, "0.3")
    assert bench.amount("bob") == D("-0.1")
    assert bench.engine.depth(BTC).asks == ((D(60010), D("0.2")),)


def test_immediate_or_cancel_keeps_nothing(bench: Bench) -> None:
    bench.book("59990", "60010", "0.1")
    bench.limit(Side.BUY, "0.3", "60010", tif=TimeInForce.IOC)
    assert order(bench).status is OrderStatus.EXPIRED
    assert order(bench).executed == D("0.1")
    assert bench.engine.open_orders("alice") == ()


def test_fill_or_kill_takes_all_or_leaves_no_trace(bench: Bench) -> None:
    bench.book("59990", "60010", "0.1")
    with pytest.raises(ExchangeError) as caught:
        bench.limit(Side.BUY, "0.3", "60010", tif=TimeInForce.FOK)
    assert caught.value.code == -5021
    assert bench.engine.all_orders("alice") == ()
    bench.limit(Side.BUY, "0.1", "60010", tif=TimeInForce.FOK)
    assert order(bench).status is OrderStatus.FILLED


def test_post_only_rests_or_is_refused(bench: Bench) -> None:
    bench.book("59990", "60010")
    with pytest.raises(ExchangeError) as caught:
        bench.limit(Side.BUY, "0.1", "60010", tif=TimeInForce.GTX)
    assert caught.value.code == -5022
    bench.limit(Side.BUY, "0.1", "60009.9", tif=TimeInForce.GTX)
    assert order(bench).status is OrderStatus.NEW


def test_good_till_date_ends_with_its_date(bench: Bench) -> None:
    until = bench.wall_ms + 700_000
    bench.limit(Side.BUY, "0.1", "59000", tif=TimeInForce.GTD, good_till_date=until)
    bench.do(c.AdvanceTime())
    assert order(bench).status is OrderStatus.NEW
    bench.wall_ms = until
    bench.do(c.AdvanceTime())
    assert order(bench).status is OrderStatus.EXPIRED


def test_the_countdown_cancels_unless_it_is_renewed(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000")
    bench.do(c.CountdownCancelAll("alice", BTC, 5_000))
    bench.wall_ms += 4_000
    bench.do(c.CountdownCancelAll("alice", BTC, 5_000))
    bench.wall_ms += 4_000
    bench.do(c.AdvanceTime())
    assert order(bench).status is OrderStatus.NEW
    bench.wall_ms += 1_000
    bench.do(c.AdvanceTime())
    assert order(bench).status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("mode", "maker", "taker"),
    [
        (SelfTrade.EXPIRE_MAKER, OrderStatus.EXPIRED_IN_MATCH, OrderStatus.NEW),
        (SelfTrade.EXPIRE_TAKER, OrderStatus.NEW, OrderStatus.EXPIRED_IN_MATCH),
        (SelfTrade.EXPIRE_BOTH, OrderStatus.EXPIRED_IN_MATCH, OrderStatus.EXPIRED_IN_MATCH),
        (SelfTrade.NONE, OrderStatus.FILLED, OrderStatus.FILLED),
    ],
)
def test_nobody_trades_with_himself_unless_he_says_so(bench: Bench, mode, maker, taker) -> None:
    bench.do(c.SetBook(BTC, (), ()))
    bench.limit(Side.SELL, "0.1", "60000")
    bench.limit(Side.BUY, "0.1", "60000", self_trade=mode)
    assert (order(bench, 1).status, order(bench, 2).status) == (maker, taker)


@pytest.mark.parametrize(
    ("mode", "reason"), [(SelfTrade.EXPIRE_MAKER, 3), (SelfTrade.EXPIRE_TAKER, 1), (SelfTrade.NONE, 2)]
)
def test_an_immediate_order_says_why_the_rest_of_it_expired(bench: Bench, mode: SelfTrade, reason: int) -> None:
    bench.do(c.SetBook(BTC, (), ()))
    bench.limit(Side.SELL, "0.1", "60000")
    events = bench.limit(Side.BUY, "0.3", "60000", tif=TimeInForce.IOC, self_trade=mode)
    assert [e.expire_reason for e in events if isinstance(e, OrderUpdated) and e.order.order_id == 2][-1] == reason


def test_fill_or_kill_does_not_count_on_exits_that_exceed_their_position(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, ((D(59_999), D(9)),), ((D(60_001), D(9)),)))
    bench.open("bob")
    bench.market(Side.BUY, "0.1", "bob")
    bench.do(c.SetBook(BTC, (), ()))
    for _ in range(2):
        bench.limit(Side.SELL, "0.1", "60000", "bob", reduce_only=True)
    with pytest.raises(ExchangeError) as caught:
        bench.limit(Side.BUY, "0.2", "60000", tif=TimeInForce.FOK)
    assert caught.value.code == -5021
    bench.limit(Side.BUY, "0.1", "60000", tif=TimeInForce.FOK)
    assert bench.amount() == D("0.1")


def test_a_date_counts_in_whole_seconds(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000", tif=TimeInForce.GTD, good_till_date=1_800_000_999_999)
    assert order(bench).good_till_date == 1_800_000_999_000


def test_a_finished_orders_client_id_is_taken_again(bench: Bench) -> None:
    bench.market(Side.BUY, "0.01", client_order_id="once")
    bench.market(Side.BUY, "0.01", client_order_id="once")
    assert bench.amount() == D("0.02")
    assert bench.engine.order("alice", BTC, client_order_id="once").order_id == 2


def test_a_reduce_only_order_never_opens(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.market(Side.SELL, "0.3", reduce_only=True)
    assert bench.amount() == 0
    assert order(bench, 2).status is OrderStatus.EXPIRED
    assert order(bench, 2).executed == D("0.1")


def test_a_resting_reduce_only_order_goes_with_its_position(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.limit(Side.SELL, "0.1", "61000", reduce_only=True)
    events = bench.market(Side.SELL, "0.1")
    assert order(bench, 2).status is OrderStatus.EXPIRED
    assert events[-1].expire_reason == 4


def test_two_reduce_only_orders_close_no_more_than_there_is(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.limit(Side.SELL, "0.08", "60100", reduce_only=True)
    bench.limit(Side.SELL, "0.08", "60200", reduce_only=True)
    bench.tape("60300", "9")
    assert bench.amount() == 0
    assert order(bench, 2).executed + order(bench, 3).executed == D("0.1")


def test_an_exit_needs_no_margin(bench: Bench) -> None:
    bench.market(Side.BUY, "3")
    bench.do(c.SetBook(BTC, ((D(57200), D(100)),), ((D(57201), D(100)),)))
    bench.mark("57200")
    assert bench.engine.account("alice").available == 0
    bench.market(Side.SELL, "3")
    assert bench.amount() == 0


def test_trades_have_market_time_and_orders_wall_time(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    (trade,) = bench.engine.trades("alice")
    assert (trade.time, trade.wall_time) == (bench.market_ms, bench.wall_ms)
    assert order(bench).time == order(bench).update_time == bench.wall_ms
    assert bench.engine.income("alice")[-1].time == bench.market_ms


def test_cancel_by_client_id_then_it_is_unknown(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000", client_order_id="mine")
    bench.do(c.CancelOrder("alice", BTC, client_order_id="mine"))
    assert order(bench).status is OrderStatus.CANCELED
    with pytest.raises(ExchangeError) as caught:
        bench.do(c.CancelOrder("alice", BTC, client_order_id="mine"))
    assert caught.value.code == -2011
