"""A position is managed to its end: profits in rungs, a stop that follows, an age, and the exchange is the referee."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpmesh.exchange.views import AlgoView
from perpmesh.exchange.words import OrderType
from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Action, TradeStatus
from perpmesh.testing.engine_venue import ME

from .bench import BTC, Bench

D = Decimal
LADDER = {"execution.take_profit_ladder": "0.5@1,0.3@2,0.2@4"}
EVEN = {"execution.break_even_r": "1"}
TRAIL = {"execution.trail_activation_r": "2", "execution.trail_distance_r": "1"}


def rungs(bench: Bench) -> dict[Decimal, Decimal]:
    """What stands on the exchange: price to quantity, nearest first."""
    found = [a for a in bench.engine.open_algos(ME, BTC) if a.type is OrderType.TAKE_PROFIT_MARKET]
    return {algo.trigger_price: algo.quantity for algo in sorted(found, key=lambda a: abs(a.trigger_price - 60_000))}


def watched(bench: Bench, look: Callable[[], object]) -> list[object]:
    """Look at the exchange after each thing that it is told to do."""
    seen: list[object] = []
    apply = bench.venue.apply

    def applied(command):
        answer = apply(command)
        seen.append(look())
        return answer

    bench.venue.apply = applied  # type: ignore[method-assign]
    return seen


async def managed(**policies: str) -> Bench:
    bench = Bench(**policies)
    await bench.start()
    return bench


async def look(bench: Bench) -> None:
    await bench.cases.reconciler.everything()


async def risen(bench: Bench, price: str, seconds: int = 10) -> None:
    """The market comes to a price, and execution looks at it some time after its last look."""
    bench.clock.advance(seconds * 1000)
    bench.price(price)
    await look(bench)


# The ladder.


async def test_a_ladder_stands_reduce_only_beside_the_stop_of_the_whole_position():
    bench = await managed(**LADDER)
    await bench.buy(quantity="0.010", stop="59500")
    entry = bench.cases.tools.ledger.trade(BTC).entry_price  # 60000.1: one R is 500.1
    assert rungs(bench) == {D("60500.2"): D("0.005"), D("61000.3"): D("0.003"), D("62000.5"): D("0.002")}
    assert entry == D("60000.1")
    assert all(a.reduce_only for a in bench.engine.open_algos(ME, BTC) if a.quantity)
    assert [stop.close_position for stop in bench.stops()] == [True]


async def test_rungs_are_taken_one_after_the_other_and_the_trade_ends_with_its_profit():
    bench = await managed(**LADDER)
    await bench.buy(quantity="0.010", stop="59500")
    for price, left in [("60501", "0.005"), ("61001", "0.002"), ("62001", "0")]:
        await risen(bench, price)
        assert bench.amount() == D(left)
        assert bench.covered() or not bench.amount()
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "TAKE_PROFIT"
    assert closed.trade.net_pnl == sum(row.amount for row in bench.engine.income(ME) if row.symbol == BTC)
    assert bench.engine.open_algos(ME) == ()


async def test_a_short_has_its_rungs_below():
    bench = await managed(**LADDER)
    await bench.sell(quantity="0.010", stop="60500")
    assert list(rungs(bench).values()) == [D("0.005"), D("0.003"), D("0.002")]
    assert all(price < 60_000 for price in rungs(bench))


async def test_looking_again_leaves_the_ladder_as_it_stands():
    bench = await managed(**LADDER)
    await bench.buy(quantity="0.013", stop="59500")
    before = bench.engine.open_algos(ME)
    for _ in range(3):
        await look(bench)
    assert bench.engine.open_algos(ME) == before
    await risen(bench, "60501")
    after = [algo.algo_id for algo in bench.engine.open_algos(ME)]
    assert after == [algo.algo_id for algo in before if algo.algo_id in after]  # nothing new: two rungs may stay


async def test_when_the_position_grows_the_ladder_grows_with_it_and_what_was_taken_is_not_taken_again():
    bench = await managed(**LADDER)
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.010", stop="59500"))
    await risen(bench, "60501")
    bench.lend()
    more = bench.decision("d2", Action.LONG, "0.010", stop="60100", reference="60501", amplification=True)
    await bench.cases.decide.act(more)
    assert bench.amount() == D("0.015")
    assert list(rungs(bench).values()) == [D("0.009"), D("0.006")]


async def test_a_ladder_shrinks_with_a_position_that_somebody_reduced():
    bench = await managed(**LADDER)
    await bench.buy(quantity="0.010", stop="59500")
    bench.by_hand("SELL", "0.005", reduce_only=True)
    await look(bench)
    assert sum(rungs(bench).values()) == D("0.005")
    assert bench.covered()


async def test_a_target_of_its_own_takes_whatever_the_nearer_rungs_leave():
    bench = await managed(**LADDER)
    await bench.buy(quantity="0.010", stop="59500", target="61500")
    assert rungs(bench) == {D("60500.2"): D("0.005"), D("61000.3"): D("0.003"), D(61500): D(0)}
    await risen(bench, "61501")
    assert bench.amount() == 0
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "TAKE_PROFIT"


async def test_a_rung_that_the_price_has_passed_is_taken_at_market_once():
    bench = await managed(**LADDER)
    bench.venue.fault("place_conditional", None, *[-1008] * 3)  # the stop stands, and the rungs do not
    await bench.buy(quantity="0.010", stop="59500")
    assert rungs(bench) == {}
    for _ in range(3):
        await risen(bench, "60600")
        assert bench.amount() == D("0.005")
    assert list(rungs(bench)) == [D("61000.3"), D("62000.5")]


async def test_a_ladder_that_the_exchange_will_not_have_leaves_the_stop_and_is_given_up():
    bench = await managed(**LADDER)
    bench.venue.fault("place_conditional", None, *[-4045] * 100)
    await bench.buy(quantity="0.010", stop="59500")
    for _ in range(8):
        await look(bench)
    assert bench.covered()
    assert bench.amount() == D("0.010")
    assert bench.venue.asked["place_conditional"] == 1 + 3 * 4


async def test_no_rung_outlives_its_position():
    bench = await managed(**LADDER)
    await bench.buy(quantity="0.010", stop="59500")
    await bench.exit("x", "SELL", "0.010")
    assert bench.engine.open_algos(ME) == ()


# Stops that follow.


async def test_at_one_r_the_stop_goes_to_the_entry_and_its_costs_and_nothing_is_uncovered_on_the_way():
    bench = await managed(**EVEN)
    await bench.buy(stop="59500")
    await risen(bench, "60499")
    assert [stop.trigger_price for stop in bench.stops()] == [D(59500)]
    covered = watched(bench, bench.covered)
    await risen(bench, "60501")
    assert all(covered)
    assert [(s.trigger_price, s.close_position) for s in bench.stops()] == [(D("60060.2"), True)]
    trade = bench.cases.tools.ledger.trade(BTC)
    assert (trade.stop_price, trade.status) == (D("60060.2"), TradeStatus.PROTECTED)


async def test_a_trade_stopped_at_break_even_has_cost_no_more_than_the_slippage_of_its_stop():
    bench = await managed(**EVEN)
    await bench.buy(stop="59500")
    await risen(bench, "60501")
    await risen(bench, "60060.1")
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "STOP"
    assert abs(closed.trade.net_pnl) <= 2 * D("0.1") * D("0.01")


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_trailing_stop_follows_the_mark_and_never_turns_back(side: str):
    bench = await managed(**TRAIL)
    sign = 1 if side == "BUY" else -1
    entry = bench.buy if side == "BUY" else bench.sell
    await entry(stop=str(60_000 - sign * 500))
    covered = watched(bench, bench.covered)
    levels = []
    for gain in (900, 1_100, 1_050, 1_500, 1_200, 2_000):
        await risen(bench, str(60_000 + sign * gain))
        levels.append(sign * (bench.stops()[0].trigger_price - 60_000))
    assert all(covered)
    assert all(before <= after for before, after in pairwise(levels))
    assert levels[0] == -500
    assert levels[-1] == D("1499.9")  # one R, 500.1, behind the highest mark it saw
    assert len(bench.stops()) == 1


async def test_a_trailing_stop_moves_no_more_often_than_policy_says():
    bench = await managed(**TRAIL)
    await bench.buy(stop="59500")
    await risen(bench, "61100")
    asked = bench.venue.asked["place_conditional"]
    for number in range(4):
        await risen(bench, str(61_200 + 100 * number), seconds=1)
    assert bench.venue.asked["place_conditional"] == asked
    assert bench.cases.follower.due() == []
    bench.clock.advance(1_000)
    assert bench.cases.follower.due() == [BTC]
    assert bench.cases.follower.due() == []  # it has been asked for
    await look(bench)
    assert bench.venue.asked["place_conditional"] == asked + 2


async def test_a_stop_does_not_follow_a_price_of_the_past():
    bench = await managed(**TRAIL)
    await bench.buy(stop="59500")
    bench.prices.age_ms = 2_001  # execution.price_stale_ms is 2000
    await risen(bench, "62000")
    assert [stop.trigger_price for stop in bench.stops()] == [D(59500)]
    bench.prices.age_ms = 0
    await look(bench)
    assert bench.stops()[0].trigger_price > 61_000


async def test_a_move_that_the_exchange_refuses_leaves_the_old_stop_and_is_tried_again_later():
    bench = await managed(**EVEN)
    await bench.buy(stop="59500")
    bench.venue.fault("place_conditional", *[-4045] * 100)
    covered = watched(bench, bench.covered)
    await risen(bench, "60600")
    asked = bench.venue.asked["place_conditional"]
    await look(bench)
    assert bench.venue.asked["place_conditional"] == asked
    assert bench.amount() == D("0.01")
    assert bench.cases.tools.desk.unprotected() == []
    bench.venue.faults.clear()
    await risen(bench, "60600")
    assert all(covered)
    assert [stop.trigger_price for stop in bench.stops()] == [D("60060.2")]


async def test_where_only_the_second_half_of_a_move_fails_the_stand_in_covers():
    bench = await managed(**EVEN)
    await bench.buy(stop="59500")
    bench.venue.fault("place_conditional", None, *[-4045] * 10)
    await risen(bench, "60600")
    assert [(s.close_position, s.quantity) for s in bench.stops()] == [(False, D("0.010"))]
    assert bench.covered()
    bench.venue.faults.clear()
    await risen(bench, "60600")
    assert [(s.close_position, s.trigger_price) for s in bench.stops()] == [(True, D("60060.2"))]


async def test_a_stop_that_the_market_passes_while_it_moves_closes_the_position():
    bench = await managed(**EVEN)
    await bench.buy(stop="59500")
    bench.venue.fault("place_conditional", -2021)
    await risen(bench, "60600")
    assert bench.amount() == 0


async def test_a_restart_in_the_middle_of_a_trailing_trade_follows_on_from_where_the_stop_stands():
    bench = await managed(**TRAIL)
    await bench.buy(stop="59500")
    await risen(bench, "61500")
    before = bench.stops()[0].trigger_price
    await bench.start()
    assert [stop.trigger_price for stop in bench.stops()] == [before]
    await risen(bench, "62000")
    assert bench.stops()[0].trigger_price == before + 500


async def test_by_default_nothing_follows_and_no_ladder_stands(bench: Bench):
    await bench.buy(stop="59500")
    await risen(bench, "64000")
    assert [algo.trigger_price for algo in bench.engine.open_algos(ME)] == [D(59500)]
    assert bench.cases.follower.due() == []


placing = st.lists(st.sampled_from([None, None, None, -4045, -1008, "lost", "unanswered"]), max_size=6)
cancelling = st.lists(st.sampled_from([None, -1008, "lost", "unanswered"]), max_size=4)
moves = st.lists(st.tuples(st.integers(-400, 3_000), placing, cancelling), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, -1]), moves)
def test_whatever_the_market_and_the_exchange_do_a_managed_position_is_covered_at_every_moment(sign: int, walk):
    """Looked at after each command the exchange takes. Stops get only tighter, rungs never exceed the position."""

    async def live() -> None:
        bench = await managed(**LADDER, **EVEN, **TRAIL)
        await (bench.buy if sign > 0 else bench.sell)(quantity="0.010", stop=str(60_000 - sign * 500))
        levels: list[Decimal] = [sign * bench.stops()[0].trigger_price]
        seen = watched(bench, lambda: not bench.amount() or bench.covered())
        for gain, places, cancels in walk:
            bench.venue.fault("place_conditional", *places)
            bench.venue.fault("cancel_conditional", *cancels)
            await risen(bench, str(60_000 + sign * gain))
            levels += [max(sign * stop.trigger_price for stop in bench.stops())] if bench.stops() else []
            assert not bench.amount() or sum(rungs(bench).values()) <= abs(bench.amount())
        assert all(seen)
        assert levels == sorted(levels)
        bench.venue.faults.clear()
        await risen(bench, str(60_000 - sign * 600))
        assert bench.amount() == 0
        assert bench.engine.open_algos(ME) == ()
        booked = sum(closed.trade.net_pnl for closed in bench.told(events.TradeClosed))
        assert booked == bench.engine.account(ME).wallet - 10_000

    asyncio.run(live())


# Age.


async def test_a_trade_that_is_too_old_is_closed_at_market_and_says_why():
    bench = await managed(**{"execution.time_stop_ms": "60000"})
    await bench.buy(stop="59500")
    await risen(bench, "60010", seconds=59)
    assert bench.amount() == D("0.01")
    bench.clock.advance(1_000)
    bench.price("60011")
    assert bench.cases.follower.due() == [BTC]
    await look(bench)
    assert bench.amount() == 0
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "TIME_STOP"
    assert bench.engine.open_algos(ME) == ()


async def test_a_time_stop_that_the_exchange_does_not_take_is_repeated_and_the_stop_stands_meanwhile():
    bench = await managed(**{"execution.time_stop_ms": "60000"})
    await bench.buy(stop="59500")
    bench.venue.fault("reduce", *[-1008] * 200)
    await risen(bench, "60010", seconds=61)
    assert bench.amount() == D("0.01")
    assert bench.covered()
    bench.venue.faults.clear()
    await look(bench)
    assert bench.amount() == 0


def kinds(algos: tuple[AlgoView, ...]) -> set[OrderType]:
    return {algo.type for algo in algos}


async def test_nothing_that_could_trigger_and_not_fill_is_ever_placed():
    """Freqtrade 12984: a stop-limit, triggered in a fast move and left behind. Ours become market orders."""
    bench = await managed(**LADDER, **EVEN, **TRAIL)
    seen = watched(bench, lambda: kinds(bench.engine.open_algos(ME)))
    await bench.buy(quantity="0.010", stop="59500", target="61900")
    for price in ("60600", "61100", "61500", "60000"):
        await risen(bench, price)
    assert bench.amount() == 0
    assert set().union(*seen) == {OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET}  # type: ignore[arg-type]
