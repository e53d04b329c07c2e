"""Stops that are refused, expire, vanish, or are rejected when they trigger: covered again, or flat within 5 s."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import AlgoStatus
from perpmesh.execution.domain import events
from perpmesh.testing.engine_venue import ME

from .bench import Bench

D = Decimal
PASS_MS = 3_000  # execution.reconcile_interval_ms: so long it may take to be seen when no event tells of it


async def vanished(bench: Bench) -> None:
    for stop in bench.stops():
        await bench.venue.cancel_conditional(stop.client_algo_id)


async def expired(bench: Bench) -> None:
    """The exchange takes it off by itself, as it does when a symbol's conditional orders are swept away."""
    for algo in list(bench.engine._world.account(ME).open_algos.values()):
        algo.good_till = bench.clock.now_ms()
    bench.venue.apply(c.AdvanceTime())


async def doomed(bench: Bench) -> None:
    """It triggers, and the order that it becomes is refused."""
    for stop in bench.stops():
        bench.venue.apply(c.RejectWhenTriggered(ME, stop.algo_id, "Margin is insufficient."))
    bench.price("59400")


def rejected(code: int | str) -> Callable[[Bench], None]:
    return lambda bench: bench.venue.fault("place_conditional", *[code] * 100)


@pytest.mark.parametrize("loss", [vanished, expired])
async def test_a_stop_that_is_gone_is_put_back_where_it_was(bench: Bench, loss):
    await bench.buy(stop="59500")
    before = bench.stops()[0].client_algo_id
    await loss(bench)
    assert not bench.covered()
    await bench.cases.reconciler.everything()
    assert bench.covered()
    assert bench.stops()[0].trigger_price == D(59500)
    ended = bench.engine.algo(ME, client_algo_id=before).status
    assert ended in (AlgoStatus.CANCELED, AlgoStatus.EXPIRED)


@pytest.mark.parametrize("loss", [vanished, expired])
@pytest.mark.parametrize("fault", [-2021, -4045, -4120, -1008, "lost"])
async def test_where_it_cannot_be_put_back_the_position_is_gone_within_five_seconds(bench: Bench, loss, fault):
    await bench.buy(stop="59500")
    await loss(bench)
    lost = bench.clock.boot_ms()
    rejected(fault)(bench)
    bench.clock.advance(PASS_MS)
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    assert bench.clock.boot_ms() - lost <= 5_000
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "FLATTEN"


async def test_a_stop_rejected_as_it_triggered_closes_the_position_within_five_seconds(bench: Bench):
    await bench.buy(stop="59500")
    stop = bench.stops()[0].client_algo_id
    await doomed(bench)
    lost = bench.clock.boot_ms()
    assert bench.engine.algo(ME, client_algo_id=stop).status is AlgoStatus.REJECTED
    assert bench.amount() == D("0.01")
    bench.clock.advance(PASS_MS)
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    assert bench.clock.boot_ms() - lost <= 5_000
    assert bench.log.orders[stop].status.value == "REJECTED"


async def test_a_stop_rejected_as_it_triggered_is_placed_anew_where_the_price_came_back(bench: Bench):
    await bench.buy(stop="59500")
    await doomed(bench)
    bench.price("60000")
    await bench.cases.reconciler.everything()
    assert bench.amount() == D("0.01")
    assert bench.covered()


async def test_a_stop_that_covers_only_a_part_is_not_taken_for_cover(bench: Bench):
    await bench.buy(quantity="0.010", stop="59500")
    await vanished(bench)
    await bench.venue.place_conditional(
        symbol="BTCUSDT", side=bench.request("x", "SELL", "1").side, kind="STOP_MARKET", trigger=D(59000),
        client_id="part", quantity=D("0.004"),
    )  # fmt: skip
    await bench.cases.reconciler.everything()
    assert any(stop.close_position and stop.trigger_price == D(59500) for stop in bench.stops())
