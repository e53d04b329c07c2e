"""Resting entries are under the exchange's own timer: when execution dies, the exchange cancels them."""

from decimal import Decimal

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import OrderType, TimeInForce
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.testing.engine_venue import ME

from .bench import BTC, Bench

D = Decimal
OURS = "pm-e-resting"


def resting(bench: Bench) -> list[str]:
    return [order.client_order_id for order in bench.engine.open_orders(ME, BTC)]


def later(bench: Bench, seconds: int) -> None:
    bench.clock.advance(seconds * 1000)
    bench.venue.apply(c.AdvanceTime())


async def test_when_execution_dies_the_exchange_cancels_its_entry_and_keeps_its_stop(bench: Bench):
    await bench.buy(stop="59500", target="61000")
    bench.resting("BUY", "0.01", "59900", OURS)
    await bench.cases.countdown.once()
    later(bench, 29)
    assert resting(bench) == [OURS]
    later(bench, 1)  # nobody renewed it
    assert resting(bench) == []
    assert bench.covered()
    assert len(bench.engine.open_algos(ME)) == 2


async def test_while_execution_lives_the_entry_rests(bench: Bench):
    bench.resting("BUY", "0.01", "59900", OURS)
    for _ in range(6):
        await bench.cases.countdown.once()
        later(bench, 10)
    assert resting(bench) == [OURS]


async def test_one_renewal_that_does_not_arrive_costs_nothing(bench: Bench):
    bench.resting("BUY", "0.01", "59900", OURS)
    await bench.cases.countdown.once()
    bench.venue.fault("countdown", "lost")
    for _ in range(2):
        later(bench, 10)
        await bench.cases.countdown.once()
    later(bench, 25)
    assert resting(bench) == [OURS]


async def test_the_timer_is_stopped_when_nothing_of_ours_rests_any_more(bench: Bench):
    bench.resting("BUY", "0.01", "59900", OURS)
    await bench.cases.countdown.once()
    await bench.venue.cancel_order(BTC, OURS)
    await bench.cases.countdown.once()
    bench.resting("BUY", "0.01", "59900", "by-hand")
    later(bench, 60)
    assert resting(bench) == ["by-hand"]


async def test_the_orders_of_others_are_no_reason_for_a_timer(bench: Bench):
    bench.resting("BUY", "0.01", "59900", "by-hand")
    await bench.cases.countdown.once()
    assert bench.venue.asked["countdown"] == 0


async def test_no_timer_where_it_would_take_an_order_that_protects(bench: Bench):
    await bench.buy(stop="59500")
    bench.resting("BUY", "0.01", "59900", OURS)
    await bench.cases.countdown.once()
    bench.venue.apply(
        c.PlaceOrder(
            ME, BTC, ExchangeSide.SELL, OrderType.LIMIT, D("0.01"), D(61000), TimeInForce.GTC, reduce_only=True,
            client_order_id="human-target",
        )
    )  # fmt: skip
    await bench.cases.countdown.once()
    later(bench, 60)
    assert set(resting(bench)) == {OURS, "human-target"}


async def test_policy_may_do_without():
    bench = Bench(**{"execution.entry_countdown_ms": "0"})
    await bench.start()
    bench.resting("BUY", "0.01", "59900", OURS)
    await bench.cases.countdown.once()
    assert (bench.venue.asked["countdown"], bench.venue.asked["open_orders"]) == (0, 0)
