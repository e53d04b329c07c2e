"""The tables and rules by themselves."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.exchange.errors import TEXTS
from perpmesh.execution.domain import order as orders
from perpmesh.execution.domain import trade as trades
from perpmesh.execution.domain.budget import Lane, Limits, RateBudget
from perpmesh.execution.domain.events import told_order
from perpmesh.execution.domain.facts import AlgoReport, OrderReport, PositionFact
from perpmesh.execution.domain.order import Order, moved, reported
from perpmesh.execution.domain.protection import align, covers, default_stop
from perpmesh.execution.domain.remedies import REMEDIES, Remedy, remedy_of
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


# What the exchange answers.

DOCUMENTED = """
-1000 -1001 -1002 -1003 -1004 -1005 -1006 -1007 -1008 -1010 -1011 -1013 -1014 -1015 -1016 -1020 -1021 -1022 -1023 -1099
-1100 -1101 -1102 -1103 -1104 -1105 -1106 -1108 -1109 -1110 -1111 -1112 -1113 -1114 -1115 -1116 -1117 -1118 -1119 -1120
-1121 -1122 -1125 -1126 -1127 -1128 -1130 -1136 -2007 -2010 -2011 -2012 -2013 -2014 -2015 -2016 -2017 -2018 -2019 -2020
-2021 -2022 -2023 -2024 -2025 -2026 -2027 -2028 -2038 -2039 -4000 -4001 -4002 -4003 -4004 -4005 -4006 -4007 -4008 -4009
-4010 -4011 -4012 -4013 -4014 -4015 -4016 -4017 -4018 -4019 -4020 -4021 -4022 -4023 -4024 -4025 -4026 -4027 -4028 -4029
-4030 -4031 -4032 -4033 -4044 -4045 -4046 -4047 -4048 -4049 -4050 -4051 -4052 -4053 -4054 -4055 -4056 -4057 -4058 -4059
-4060 -4061 -4062 -4063 -4064 -4065 -4066 -4067 -4068 -4069 -4070 -4071 -4072 -4073 -4074 -4075 -4076 -4077 -4078 -4079
-4080 -4081 -4082 -4083 -4084 -4085 -4086 -4087 -4088 -4104 -4114 -4115 -4116 -4117 -4118 -4120 -4131 -4135 -4136 -4137
-4138 -4139 -4140 -4141 -4142 -4144 -4161 -4164 -4165 -4167 -4168 -4169 -4170 -4171 -4172 -4183 -4184 -4192 -4202 -4203
-4205 -4206 -4208 -4209 -4210 -4211 -4400 -4401 -4402 -4403 -4531 -5021 -5022 -5024 -5025 -5026 -5027 -5028 -5037 -5038
-5039 -5040 -5041 -5047
"""


def test_every_documented_code_has_a_row():
    assert {int(code) for code in DOCUMENTED.split()} | set(TEXTS) <= set(REMEDIES)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007])
def test_what_may_have_been_done_is_asked_for(code: int):
    assert remedy_of(code) is Remedy.QUERY


@pytest.mark.parametrize(("status", "remedy"), [(500, Remedy.QUERY), (503, Remedy.QUERY), (408, Remedy.QUERY),
                                                (429, Remedy.RETRY), (418, Remedy.RETRY), (400, Remedy.REFUSED)])  # fmt: skip
def test_a_code_nobody_knows_is_judged_by_its_status(status: int, remedy: Remedy):
    assert remedy_of(-99_999, status) is remedy


# Rate limits.


def test_t8_entries_and_queries_leave_the_reserve_to_care_and_exits():
    budget = RateBudget(Limits(weight_per_minute=100, orders_per_minute=100, orders_per_ten_seconds=100))
    budget.heard(0, weight=74, minute=0, ten_seconds=0)
    assert budget.allows(Lane.QUERY, 0, weight=1)
    assert not budget.allows(Lane.QUERY, 0, weight=2)
    assert budget.allows(Lane.CARE, 0, weight=26)
    assert not budget.allows(Lane.CARE, 0, weight=27)
    assert budget.allows(Lane.EXIT, 0, weight=1_000)


def test_t8_a_ban_stops_all_but_exits_until_it_is_over():
    budget = RateBudget()
    budget.banned(1_000, 5_000)
    assert [budget.allows(lane, 5_999) for lane in Lane] == [False, False, False, True]
    assert all(budget.allows(lane, 6_000) for lane in Lane)


def test_a_count_dies_with_its_window():
    budget = RateBudget()
    budget.heard(59_999, weight=2_400, minute=1_200, ten_seconds=300)
    assert not budget.allows(Lane.ENTRY, 59_999, orders=1)
    assert budget.allows(Lane.ENTRY, 60_000, orders=1)


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
