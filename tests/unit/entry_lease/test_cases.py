"""Single stories of the lease, both sides whole: a grant that was late, and a holder frozen where it hurts most."""

from collections.abc import AsyncIterator

import pytest

from perpmesh.execution.domain.lease import Lease
from perpmesh.risk_safety.domain.leases import FULL_LEASE_MS, MARGIN_MS
from perpmesh.testing.trip_world import LATE_MS, World

OVER_MS = FULL_LEASE_MS + MARGIN_MS


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.begin()
    yield made
    await made.end()


async def test_a_holder_frozen_between_check_and_send_is_waited_out_and_its_entry_refused(world: World):
    lease, look = world.holder.cases.lease, world.holder.cases.lease.still_holds

    def freeze(held: Lease) -> bool:
        world.holder.process.freeze()
        return look(held)

    lease.still_holds = freeze  # type: ignore[method-assign]
    world.want("r1", "BTCUSDT")
    await world.settle()
    trip = world.trip()
    await world.pass_ms(OVER_MS - 1)
    assert not trip.done()
    await world.pass_ms(1)
    assert trip.result().release.by == "expired"
    world.holder.process.thaw()
    await world.settle()
    [entry] = world.venue.net  # it was sent, after all
    assert world.leak() == ""
    world.arrive(entry, late_ms=LATE_MS)
    assert world.venue.entries == []


@pytest.mark.parametrize("late_ms", [500, 1_500, 1_900])
async def test_a_grant_that_comes_late_is_good_for_what_is_left_of_it(world: World, late_ms: int):
    await world.pass_ms(FULL_LEASE_MS)  # what was held is over
    await world.holder.ask()
    await world.hear(world.holder.stream)
    trip = world.trip()
    await world.settle()
    await world.pass_ms(late_ms)
    world.tell(world.holder)  # the grant; the revocation is lost
    world.want("r1", "BTCUSDT")
    await world.settle()
    [entry] = world.venue.net
    assert entry.entry.body["window_ms"] <= FULL_LEASE_MS - late_ms
    await world.pass_ms(OVER_MS - late_ms)
    assert trip.done()
    assert world.leak() == ""


async def test_trip_returns_as_soon_as_the_last_entry_is_answered_and_not_before(world: World):
    world.want("r1", "BTCUSDT")
    await world.settle()
    trip = world.trip()
    await world.settle()
    await world.exchange_words(world.holder)
    await world.renew()
    assert not trip.done()
    world.arrive(world.venue.net[0])
    await world.settle()
    await world.renew()
    await world.settle()
    assert trip.result().release.by == "acknowledged"
    assert len(world.venue.entries) == 1


async def test_a_trip_right_after_a_restart_waits_for_holders_nobody_knows(world: World):
    world.want("r1", "BTCUSDT")
    await world.settle()
    await world.start_core()
    trip = world.trip()
    await world.pass_ms(OVER_MS - 1)
    assert not trip.done()
    await world.pass_ms(1)
    assert trip.done()
    assert world.leak() == ""
