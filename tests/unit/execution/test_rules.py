"""The tables and rules by themselves."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.execution.domain import order as orders
from perpmesh.execution.domain import trade as trades
from perpmesh.execution.domain.events import told_order
from perpmesh.execution.domain.facts import AlgoReport, OrderReport, PositionFact
from perpmesh.execution.domain.order import Order, moved, reported
from perpmesh.execution.domain.protection import align, covers, default_stop
from perpmesh.execution.domain.stages import largest_quantity
from perpmesh.execution.domain.words import Leg, OrderStatus, Side, Stage, TradeStatus
from perpmesh.kernel.errors import InvariantViolated
from perpmesh.kernel.instrument import Instrument

D = Decimal
S = OrderStatus
ORDER = Order(client_id="pm-e-1", symbol="BTCUSDT", side=Side.BUY, leg=Leg.ENTRY, type="MARKET", quantity=D(1))
INSTRUMENT = Instrument(
    symbol="BTCUSDT", tick=D("0.1"), step=D("0.001"), min_quantity=D("0.001"), max_quantity=D(1000),
    market_max_quantity=D(120), min_notional=D(50),
)  # fmt: skip


def report(status: OrderStatus, executed: str = "0", average: str = "0") -> OrderReport:
    return OrderReport(
        client_id="pm-e-1", exchange_id="9", symbol="BTCUSDT", side=Side.BUY, status=status, executed=D(executed),
        average=D(average),
    )  # fmt: skip


# Orders and trades.


def test_every_status_has_a_row_and_can_be_reached():
    assert set(orders.MOVES) == set(OrderStatus)
    assert set(trades.MOVES) == set(TradeStatus)
    assert {to for moves in orders.MOVES.values() for to in moves} | {S.RECORDED} == set(OrderStatus)
    assert {to for moves in trades.MOVES.values() for to in moves} | {TradeStatus.OPENING} == set(TradeStatus)


@pytest.mark.parametrize("status", [status for status in OrderStatus if status.is_final and status is not S.LOST])
def test_what_has_ended_does_not_begin_again(status: OrderStatus):
    assert orders.MOVES[status] <= {status}


def test_an_order_is_never_sent_from_any_state_but_recorded():
    assert [status for status, moves in orders.MOVES.items() if S.SENT in moves] == [S.RECORDED]


def test_a_move_that_life_does_not_allow_is_an_invariant_violated():
    with pytest.raises(InvariantViolated):
        moved(replace(ORDER, status=S.FILLED), S.WORKING, 1)
    with pytest.raises(InvariantViolated):
        trades.moved(trades.Trade(trade_id="t", symbol="BTCUSDT", side=Side.BUY), TradeStatus.CLOSED, 1)


@given(st.lists(st.sampled_from([S.WORKING, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED]), max_size=8))
def test_reports_repeated_late_or_out_of_order_never_undo_an_end(news: list[OrderStatus]):
    order, ends = replace(ORDER, status=S.SENT), None
    for number, status in enumerate(news):
        order = reported(order, report(status, str(number)), number)
        if ends is not None:
            assert order.status is ends
        elif order.status.is_final:
            ends = order.status


@given(
    st.lists(st.sampled_from([S.WORKING, S.FILLED, S.CANCELED]), min_size=1, max_size=6), st.sampled_from(["0", "5"])
)
def test_an_order_is_placed_once_and_ends_once_however_often_it_is_written(news: list[OrderStatus], average: str):
    order, told = replace(ORDER, status=S.SENT), []
    for status in news:
        order = reported(order, report(status, "1", average), 1)
        order, events = told_order(order)
        order, again = told_order(order)
        assert again == []
        told += events
    names = [type(event).__name__ for event in told]
    assert len(names) == len(set(names))
    assert (average == "0") == (names == [])  # nothing is told of an execution without its price


# Sizes and stops.

sizes = st.decimals("0.001", "50", places=3)
prices = st.decimals("600", "200000", places=1)


@given(sizes, prices, st.sampled_from(list(Stage)))
def test_a_stage_never_raises_a_size_and_keeps_it_whole(quantity: Decimal, price: Decimal, stage: Stage):
    allowed = largest_quantity(stage, quantity, INSTRUMENT, price)
    assert 0 <= allowed <= quantity
    assert allowed % INSTRUMENT.step == 0


@given(prices, st.sampled_from(list(Side)), st.decimals("0.001", "0.1", places=4))
def test_i6_rounding_never_widens_the_default_stop(price: Decimal, side: Side, distance: Decimal):
    stop = default_stop(INSTRUMENT, price, side, distance)
    assert stop % INSTRUMENT.tick == 0
    assert (price - stop) * side.sign <= price * distance


def stop_at(name: str, trigger: str, quantity: str) -> AlgoReport:
    return AlgoReport(
        client_id=name, exchange_id=name, symbol="BTCUSDT", side=Side.SELL, type="STOP_MARKET", status="NEW",
        trigger_price=D(trigger), quantity=D(quantity), close_position=quantity == "0", reduce_only=quantity != "0",
    )  # fmt: skip


@given(
    closing=st.lists(st.sampled_from(["90", "95"]), max_size=1),
    partial=st.lists(st.tuples(st.sampled_from(["90", "95"]), st.sampled_from(["1", "2"])), max_size=3),
)
def test_moving_a_stop_uncovers_nothing_that_was_covered_and_ends_with_one(closing, partial):
    position = PositionFact(symbol="BTCUSDT", signed=D(2))
    standing = [stop_at(f"c{n}", trigger, "0") for n, trigger in enumerate(closing)]
    standing += [stop_at(f"q{n}", trigger, quantity) for n, (trigger, quantity) in enumerate(partial)]
    was_covered, plan = covers(standing, position), align(standing, D(95), position)

    def without(names):
        return [stop for stop in standing if stop.client_id not in names]

    if plan.interim:
        standing = [*standing, stop_at("interim", "95", "2")]
    standing = without(plan.cancel_closing)
    assert covers(standing, position) or not was_covered
    if plan.closing:
        assert not any(stop.close_position for stop in standing)  # a second one would be refused: -4130
        standing = [*standing, stop_at("new", "95", "0")]
    standing = without([*plan.cancel_rest, "interim"])
    assert [(stop.trigger_price, stop.close_position) for stop in standing] == [(D(95), True)]
