"""T3: kill -9 at every step of a saga. After the restart: protected or flat, one entry at most, each event once."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from perpmesh.exchange.words import OrderStatus as Taken
from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Action, OrderStatus
from perpmesh.kernel.errors import Refused

from .bench import BTC, ME, Bench, Blade, Crash

D = Decimal
Story = Callable[[Bench], Awaitable[None]]


async def enter(bench: Bench) -> None:
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.01", stop="59500", target="61500"))


async def enter_and_exit(bench: Bench) -> None:
    await enter(bench)
    await bench.exit("x1", "SELL", "1")


async def reverse(bench: Bench) -> None:
    await enter(bench)
    bench.lend()
    await bench.cases.decide.act(bench.decision("d2", Action.SHORT, "0.01", stop="60500"))


async def amplify(bench: Bench) -> None:
    await enter(bench)
    bench.lend()
    more = bench.decision("d2", Action.LONG, "0.003", stop="59800", amplification=True)
    await bench.cases.decide.act(more)


async def enter_unanswered(bench: Bench) -> None:
    bench.venue.fault("send_entry", "unanswered")
    await enter(bench)


async def enter_lost(bench: Bench) -> None:
    bench.venue.fault("send_entry", "lost")
    await enter(bench)


async def enter_without_stop(bench: Bench) -> None:
    bench.venue.fault("place_conditional", *[-2021] * 3)
    await enter(bench)


async def follow_and_take(bench: Bench) -> None:
    """The stop goes to break-even and on, a rung is taken, and the rest is closed by age."""
    bench.policies.changed |= {
        "execution.take_profit_ladder": "0.5@1", "execution.break_even_r": "1", "execution.trail_activation_r": "2",
        "execution.time_stop_ms": "60000",
    }  # fmt: skip
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.01", stop="59500"))
    for price in ("60600", "61200"):
        bench.clock.advance(6_000)
        bench.price(price)
        await bench.cases.reconciler.everything()
    bench.clock.advance(60_000)
    bench.price("61200")
    await bench.cases.reconciler.everything()


STORIES: list[Story] = [
    follow_and_take,
    enter,
    enter_and_exit,
    reverse,
    amplify,
    enter_unanswered,
    enter_lost,
    enter_without_stop,
]


async def calls_of(story: Story) -> tuple[int, int]:
    """Return how many port calls start-up makes, and start-up and the story together."""
    bench, blade = Bench(), Blade()
    await bench.start(blade)
    before = blade.calls
    await story(bench)
    return before, blade.calls


async def crash_at(story: Story, cut: int) -> Bench:
    bench, blade = Bench(), Blade()
    await bench.start(blade)
    blade.at = cut
    with pytest.raises(Crash):
        await story(bench)
    bench.venue.faults.clear()
    return bench


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_t3_a_crash_at_any_step_ends_protected_or_flat(story: Story):
    first, last = await calls_of(story)
    for cut in [first * 2, *range(first * 2 + 1, last * 2, 2)]:  # before the first call, and after each
        bench = await crash_at(story, cut)
        bench.clock.advance(3_000)
        await bench.start()
        judge(bench, cut)
        bench.clock.advance(12_000)  # what is unknown must be known now
        await bench.cases.reconciler.everything()
        judge(bench, cut)
        settle(bench, cut)
        await flatten_and_balance(bench, cut)


def judge(bench: Bench, cut: int) -> None:
    assert bench.amount() == 0 or bench.covered(), f"cut {cut}: a position without a stop"
    names = [entry["client_id"] for entry in bench.venue.entries]
    assert len(names) == len(set(names)), f"cut {cut}: an entry was sent twice"


def settle(bench: Bench, cut: int) -> None:
    entries = [order for order in bench.log.orders.values() if order.leg.name == "ENTRY"]
    taken = {order.client_order_id for order in bench.engine.all_orders(ME, BTC) if order.status is Taken.FILLED}
    for order in entries:
        assert order.status.is_final, f"cut {cut}: {order.client_id} is {order.status}"
        assert (order.client_id in taken) == (order.status is OrderStatus.FILLED), f"cut {cut}: the log is wrong"


async def flatten_and_balance(bench: Bench, cut: int) -> None:
    bench.clock.advance(3_000)
    await bench.cases.flatten.flatten()
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    closed, opened = bench.told(events.TradeClosed), bench.told(events.TradeOpened)
    ids = [event.trade.trade_id for event in closed]
    assert len(ids) == len(set(ids)), f"cut {cut}: trade.closed twice"
    assert [event.trade.trade_id for event in opened] == ids, f"cut {cut}: opened and closed differ"
    booked = sum((event.trade.net_pnl for event in closed), D(0))
    assert booked == bench.engine.account(ME).wallet - 10_000, f"cut {cut}: the books are off"


@pytest.mark.parametrize("cut", range(0, 60, 3))
async def test_a_second_crash_during_the_recovery_changes_nothing(cut: int):
    first, last = await calls_of(enter)
    bench = await crash_at(enter, first * 2 + cut % ((last - first) * 2))
    blade = Blade(at=cut)
    try:
        await bench.start(blade)
    except Crash:
        await bench.start()
    blade.at = -1
    bench.clock.advance(15_000)
    await bench.cases.reconciler.everything()
    judge(bench, cut)
    settle(bench, cut)
    await flatten_and_balance(bench, cut)


async def test_the_same_decision_after_a_restart_is_not_executed_again():
    bench = Bench()
    await bench.start()
    decision = bench.decision("d1", Action.LONG)
    await bench.cases.decide.act(decision)
    await bench.start()
    await bench.cases.decide.act(decision)
    assert bench.amount() == D("0.01")


async def test_the_same_request_after_a_restart_returns_what_the_first_one_came_to():
    bench = Bench()
    await bench.start()
    first = await bench.buy("r1")
    await bench.start()
    again = await bench.buy("r1")
    assert again.order == first.order
    assert bench.amount() == D("0.01")


async def test_a_request_that_crashed_before_it_was_sent_is_refused_for_good():
    bench, blade = Bench(), Blade()
    await bench.start(blade)
    blade.at = blade.calls * 2 + 3  # the log was asked whether it is known, and has recorded it
    with pytest.raises(Crash):
        await bench.buy("r1")
    assert [order.status for order in bench.log.orders.values()] == [OrderStatus.RECORDED]
    await bench.start()
    with pytest.raises(Refused) as refused:
        await bench.buy("r1")
    assert refused.value.reason == "RESTARTED"
    assert bench.venue.entries == []
