"""An order is changed in place: what keeps its turn, what loses it, what ends it."""

from perpmesh.exchange import commands as c
from perpmesh.exchange.events import Event, OrderUpdated
from perpmesh.exchange.words import Execution, OrderStatus, PriceMatch, Side, TimeInForce

from .conftest import BTC, Bench, D


def amend(
    bench: Bench, quantity: str, price: str | None, number: int = 1, account: str = "alice", **more
) -> list[Event]:
    order = bench.engine.order(account, BTC, order_id=number)
    asked = None if price is None else D(price)
    return bench.do(c.AmendOrder(account, BTC, order.side, D(quantity), asked, order_id=number, **more))


def executions(events: list[Event]) -> list[Execution]:
    return [e.execution for e in events if isinstance(e, OrderUpdated)]


def queue_of_two(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ()))
    bench.open("bob")
    bench.limit(Side.BUY, "0.5", "59990")
    bench.limit(Side.BUY, "0.5", "59990", "bob")


def test_less_at_the_same_price_keeps_its_turn(bench: Bench) -> None:
    queue_of_two(bench)
    events = amend(bench, "0.3", "59990")
    assert executions(events) == [Execution.AMENDMENT]
    bench.tape("59990", "0.4", Side.SELL)
    assert (bench.amount("alice"), bench.amount("bob")) == (D("0.3"), D("0.1"))


def test_more_at_the_same_price_goes_to_the_back(bench: Bench) -> None:
    queue_of_two(bench)
    amend(bench, "0.6", "59990")
    bench.tape("59990", "0.6", Side.SELL)
    assert (bench.amount("alice"), bench.amount("bob")) == (D("0.1"), D("0.5"))


def test_there_and_back_again_is_the_back_of_the_queue(bench: Bench) -> None:
    queue_of_two(bench)
    amend(bench, "0.5", "59980")
    amend(bench, "0.5", "59990")
    bench.tape("59990", "0.5", Side.SELL)
    assert (bench.amount("alice"), bench.amount("bob")) == (0, D("0.5"))


def test_the_place_in_the_queue_survives_a_restore(bench: Bench) -> None:
    queue_of_two(bench)
    amend(bench, "0.6", "59990")
    bench.engine = type(bench.engine).restore(tuple(bench.engine.specs.values()), bench.engine.snapshot())
    bench.tape("59990", "0.5", Side.SELL)
    assert (bench.amount("alice"), bench.amount("bob")) == (0, D("0.5"))


def test_the_background_ahead_of_a_reduced_order_stays_ahead_and_a_moved_one_queues_anew(bench: Bench) -> None:
    bench.book("59990", "60010", "2")
    bench.limit(Side.BUY, "0.5", "59990")
    bench.tape("59990", "1.5", Side.SELL)
    amend(bench, "0.4", "59990")
    bench.tape("59990", "0.6", Side.SELL)
    assert bench.amount() == D("0.1")


def test_a_price_through_the_market_trades_at_once(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000")
    events = amend(bench, "0.1", "60001")
    assert executions(events) == [Execution.AMENDMENT, Execution.TRADE]
    assert bench.engine.order("alice", BTC, order_id=1).status is OrderStatus.FILLED
    assert bench.engine.open_orders("alice") == ()


def test_a_partly_filled_order_keeps_what_it_filled(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ()))
    bench.limit(Side.BUY, "0.5", "59990")
    bench.tape("59990", "0.2", Side.SELL)
    amend(bench, "0.3", "59980")
    order = bench.engine.order("alice", BTC, order_id=1)
    assert (order.executed, order.quantity, order.status) == (D("0.2"), D("0.3"), OrderStatus.PARTIALLY_FILLED)
    bench.tape("59979", "9", Side.SELL)
    assert bench.amount() == D("0.3")


def test_no_more_than_has_filled_already_cancels_it(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ()))
    bench.limit(Side.BUY, "0.5", "59990")
    bench.tape("59990", "0.2", Side.SELL)
    assert executions(amend(bench, "0.2", "59990")) == [Execution.CANCELED]
    assert bench.engine.order("alice", BTC, order_id=1).executed == D("0.2")


def test_a_post_only_order_that_would_take_is_cancelled(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000", tif=TimeInForce.GTX)
    assert executions(amend(bench, "0.1", "60001")) == [Execution.CANCELED]
    assert bench.amount() == 0


def test_the_history_tells_before_and_after(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000", client_order_id="mine")
    bench.do(c.AmendOrder("alice", BTC, Side.BUY, D("0.2"), D(58000), client_order_id="mine", modify_id=7))
    amend(bench, "0.1", "58000")
    first, second = bench.engine.amendments("alice", BTC)
    assert (first.price_before, first.price_after, first.quantity_before, first.quantity_after) == (
        D(59000), D(58000), D("0.1"), D("0.2"),
    )  # fmt: skip
    assert (first.count, first.modify_id, first.client_order_id) == (1, 7, "mine")
    assert (second.count, second.quantity_after, second.time) == (2, D("0.1"), bench.wall_ms)


def test_a_smaller_order_holds_less_margin_a_bigger_one_more(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000")
    amend(bench, "0.2", "59000")
    assert bench.engine.account("alice").open_order_initial_margin == D("0.2") * 59000 / 20
    amend(bench, "0.05", "59000")
    assert bench.engine.account("alice").open_order_initial_margin == D("0.05") * 59000 / 20


def test_an_amended_price_can_follow_the_book(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.1", "59000")
    amend(bench, "0.1", None, price_match=PriceMatch.QUEUE)
    order = bench.engine.order("alice", BTC, order_id=1)
    assert (order.price, order.price_match) == (D("59999.9"), PriceMatch.QUEUE)


def test_a_small_exit_may_be_amended_when_the_caller_says_that_it_is_one(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.limit(Side.SELL, "0.001", "61000", reduce_only=True)
    bench.do(c.ChangeSymbol(BTC, min_notional=D(100)))
    amend(bench, "0.001", "61001", number=2, reduce_only=True)
    assert bench.engine.order("alice", BTC, order_id=2).price == 61001
