"""Conditional orders wait for a price, then become ordinary ones."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import AlgoUpdated, OrderUpdated
from perpmesh.exchange.state import FIRST_ALGO_ID, HISTORY
from perpmesh.exchange.words import AlgoStatus, Execution, OrderStatus, OrderType, PositionSide, Side, WorkingType

from .conftest import BTC, Bench, D


def steps(events: list) -> list[AlgoStatus]:
    return [e.algo.status for e in events if isinstance(e, AlgoUpdated)]


def algo(bench: Bench, number: int = 1):
    return bench.engine.algo("alice", algo_id=FIRST_ALGO_ID + number - 1)


def test_a_stop_runs_its_course_and_its_order_bears_its_name(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000", client_algo_id="guard")
    bench.book("58990", "59010")
    events = bench.tape("59000")
    assert steps(events) == [AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED, AlgoStatus.FINISHED]
    assert bench.amount() == 0
    made = bench.engine.order("alice", BTC, client_order_id="guard")
    assert (made.type, made.orig_type, made.status) == (OrderType.MARKET, OrderType.STOP_MARKET, OrderStatus.FILLED)
    assert made.close_position
    assert (algo(bench).actual_order_id, algo(bench).actual_price) == (made.order_id, D(58990))
    assert bench.engine.open_algos("alice") == ()


def test_the_ids_of_the_two_kinds_of_order_do_not_meet(bench: Bench) -> None:
    placed = bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000")
    order = next(event.order for event in placed if isinstance(event, OrderUpdated))
    assert abs(algo(bench).algo_id - order.order_id) >= 1_000_000_000


def test_a_stop_covers_what_fills_after_it_was_placed(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000")
    bench.market(Side.BUY, "0.4")
    bench.book("58990", "59010")
    bench.tape("58995")
    assert bench.amount() == 0


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "quiet", "hit"),
    [
        (OrderType.STOP_MARKET, Side.SELL, "59000", "59000.1", "59000"),
        (OrderType.STOP_MARKET, Side.BUY, "61000", "60999.9", "61000"),
        (OrderType.TAKE_PROFIT_MARKET, Side.SELL, "61000", "60999.9", "61000"),
        (OrderType.TAKE_PROFIT_MARKET, Side.BUY, "59000", "59000.1", "59000"),
    ],
)
@pytest.mark.parametrize("working", list(WorkingType))
def test_each_kind_triggers_on_its_side_of_its_price(bench: Bench, kind, side, trigger, quiet, hit, working) -> None:
    bench.market(side.other, "0.1")
    bench.stop(side, trigger, type=kind, working_type=working)
    move = bench.mark if working is WorkingType.MARK_PRICE else bench.tape
    assert steps(move(quiet)) == []
    assert steps(move(hit))[0] is AlgoStatus.TRIGGERING
    assert bench.amount() == 0


def test_the_other_price_does_not_trigger_it(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000", working_type=WorkingType.MARK_PRICE)
    assert steps(bench.tape("58000")) == []
    bench.stop(Side.SELL, "57500", type=OrderType.STOP_MARKET, quantity=D("0.1"))
    assert steps(bench.mark("59500")) == []


def test_a_stop_limit_rests_when_its_price_is_not_there(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000", type=OrderType.STOP, quantity=D("0.1"), price=D(59100), reduce_only=True)
    bench.book("58990", "59010")
    assert steps(bench.tape("59000")) == [AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED]
    (resting,) = bench.engine.open_orders("alice")
    assert (resting.type, resting.orig_type, resting.price) == (OrderType.LIMIT, OrderType.STOP, D(59100))
    assert steps(bench.tape("59200", "99")) == [AlgoStatus.FINISHED]


def test_a_trailing_stop_follows_up_and_sells_on_the_way_back(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.do(
        c.PlaceAlgoOrder(
            "alice", BTC, Side.SELL, OrderType.TRAILING_STOP_MARKET,
            quantity=D("0.1"), reduce_only=True, activate_price=D(60500), callback_rate=D(1),
        )
    )  # fmt: skip
    assert steps(bench.tape("60400")) == []
    assert steps(bench.tape("59700")) == []  # not active yet: a fall means nothing
    assert steps(bench.tape("62000")) == [AlgoStatus.NEW]  # told of once more: now it follows
    assert steps(bench.tape("61380.1")) == []
    assert steps(bench.tape("61380"))[0] is AlgoStatus.TRIGGERING
    assert bench.amount() == 0


def test_what_would_trigger_at_once_is_refused(bench: Bench) -> None:
    for side, trigger in ((Side.SELL, "60000"), (Side.BUY, "59999")):
        with pytest.raises(ExchangeError) as caught:
            bench.stop(side, trigger)
        assert caught.value.code == -2021


def test_a_closing_order_goes_when_its_position_is_gone(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000")
    bench.stop(Side.SELL, "61000", type=OrderType.TAKE_PROFIT_MARKET)
    events = bench.market(Side.SELL, "0.1")
    assert steps(events) == [AlgoStatus.EXPIRED, AlgoStatus.EXPIRED]
    assert bench.engine.open_algos("alice") == ()


def test_a_closing_order_does_not_close_the_next_position_the_other_way(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000")
    bench.market(Side.SELL, "0.3")
    assert algo(bench).status is AlgoStatus.EXPIRED
    bench.price("58000")
    assert bench.amount() == D("-0.2")


def test_the_take_profit_takes_the_stop_with_it(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000")
    bench.stop(Side.SELL, "61000", type=OrderType.TAKE_PROFIT_MARKET)
    bench.price("61000")
    assert [algo(bench, n).status for n in (1, 2)] == [AlgoStatus.EXPIRED, AlgoStatus.FINISHED]


def test_a_stop_with_nothing_to_reduce_is_rejected_with_the_reason(bench: Bench) -> None:
    bench.stop(Side.SELL, "59000", quantity=D("0.1"), reduce_only=True)
    assert steps(bench.tape("59000")) == [AlgoStatus.TRIGGERING, AlgoStatus.REJECTED]
    assert algo(bench).reject_reason == "ReduceOnly Order is rejected."


def test_margin_is_asked_at_the_trigger_not_before(bench: Bench) -> None:
    bench.stop(Side.BUY, "61000", quantity=D(100))
    assert steps(bench.tape("61000")) == [AlgoStatus.TRIGGERING, AlgoStatus.REJECTED]
    assert algo(bench).reject_reason == "Margin is insufficient."


def test_price_protection_holds_back_a_trigger_far_from_the_mark(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "56000", price_protect=True)
    assert steps(bench.tape("56000"))[-1] is AlgoStatus.REJECTED
    assert bench.amount() == D("0.1")


def test_one_trigger_may_set_off_the_next(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, ((D(59990), D("0.1")), (D(58000), D(5))), ((D(60010), D(5)),)))
    bench.market(Side.BUY, "0.2")
    bench.stop(Side.SELL, "59900", quantity=D("0.15"), reduce_only=True)
    bench.stop(Side.SELL, "58500", quantity=D("0.05"), reduce_only=True)
    bench.tape("59900", "0.001", Side.SELL)
    assert bench.amount() == 0


def test_cancelling_everything_ordinary_leaves_the_stops(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.limit(Side.SELL, "0.1", "61000", reduce_only=True)
    bench.stop(Side.SELL, "59000")
    bench.do(c.CancelAllOrders("alice", BTC))
    assert len(bench.engine.open_algos("alice")) == 1
    bench.do(c.CancelAllAlgoOrders("alice", BTC))
    assert bench.engine.open_algos("alice") == ()
    assert algo(bench).status is AlgoStatus.CANCELED


def test_a_hedged_stop_closes_its_own_side_only(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))
    bench.market(Side.BUY, "0.2", position_side=PositionSide.LONG)
    bench.market(Side.SELL, "0.1", position_side=PositionSide.SHORT)
    bench.stop(Side.SELL, "59000", position_side=PositionSide.LONG)
    bench.price("59000")
    assert [p.amount for p in bench.engine.positions("alice", BTC)] == [D(0), D("-0.1")]


def test_a_stop_gapped_through_fills_where_the_market_is(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.stop(Side.SELL, "59000")
    bench.mark("57000")
    bench.book("56990", "57010")
    events = bench.tape("57000")
    (fill,) = [e for e in events if isinstance(e, OrderUpdated) and e.execution is Execution.TRADE]
    assert fill.last_price == 56990


def test_a_triggered_order_is_concluded_however_many_others_came_and_went_since(bench):
    bench.stop(Side.BUY, "60100", type=OrderType.STOP, quantity=D("0.01"), price=D(60_050))
    bench.price("60101")
    (resting,) = bench.engine.open_orders("alice")
    for _ in range(HISTORY + 1):
        (told,) = bench.stop(Side.SELL, "50000", quantity=D("0.01"))
        bench.do(c.CancelAlgoOrder("alice", told.algo.algo_id))
    facts = bench.tape("60000", "500", Side.SELL)
    assert [fact.algo.status for fact in facts if isinstance(fact, AlgoUpdated)] == [AlgoStatus.FINISHED]
    assert algo(bench).actual_order_id == resting.order_id
