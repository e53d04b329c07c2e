"""The venue remembers: a life can be told again and comes out the same."""

import asyncio
import json
import random
from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.unit.exchange_sim.conftest import make_venue

from perpmesh.exchange import codec
from perpmesh.exchange.commands import CancelAllOrders, CreateAccount, PlaceOrder
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.words import OrderType, Side, TimeInForce
from perpmesh.exchange_sim.application.sequencer import Sequencer
from perpmesh.exchange_sim.application.venue import LISTEN_KEY_MS, Venue
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock
from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.kernel.time import ManualClock

OPEN = CreateAccount("alice", Decimal(10_000))
BUY = PlaceOrder("alice", "BTCUSDT", Side.BUY, OrderType.MARKET, quantity=Decimal("0.010"))


def live(venue, seed, steps=300):
    """Live for a while: ticks, and orders that rest, fill or are refused."""
    chance = random.Random(seed)
    venue.add_account("key", "secret", OPEN, 1_000)
    for step in range(steps):
        venue.tick(venue.next_ms(fine=False), 1_000 + step)
        if chance.random() < 0.3:
            price = venue.engine.market("BTCUSDT").mark.quantize(Decimal("0.1")) + chance.randrange(-50, 50)
            side = chance.choice([Side.BUY, Side.SELL])
            limit = PlaceOrder("alice", "BTCUSDT", side, OrderType.LIMIT, Decimal("0.005"), price, TimeInForce.GTC)
            try:
                venue.execute(chance.choice([limit, BUY, CancelAllOrders("alice", "BTCUSDT")]), 1_000 + step)
            except ExchangeError:
                continue
        if step == steps // 2:
            venue.open_listen_key("alice", 1_000 + step)


@pytest.mark.parametrize("seed", range(3))
def test_told_again_from_its_records_a_life_comes_out_the_same(seed):
    lived, told = make_venue(), make_venue()
    live(lived, seed)
    records = lived.take_records()
    for record in records:
        told.redo(record)
    assert told.snapshot() == lived.snapshot()
    assert len(lived.engine.trades("alice")) > 5


def test_a_snapshot_and_what_came_after_is_the_whole_life():
    lived = make_venue()
    live(lived, 1)
    lived.take_records()
    restored = Venue.restore(lived.feeds, lived.snapshot())
    for step in range(50):
        lived.tick(lived.next_ms(fine=False), 5_000 + step)
    for record in lived.take_records():
        restored.redo(record)
    assert restored.snapshot() == lived.snapshot()


def test_a_snapshot_of_another_version_is_refused_with_what_to_do(venue):
    kept = json.loads(venue.snapshot()) | {"shape": "of a year ago"}
    with pytest.raises(Refused, match="another version of perpmesh: run that version, or move the folder away"):
        Venue.restore(venue.feeds, json.dumps(kept).encode())


def test_the_shape_follows_every_field_of_what_is_kept():
    @dataclass
    class Row:
        name: str

    before = codec.shape(Row)
    Row.__annotations__["name"] = "int"
    assert codec.shape(Row) != before


def test_what_is_refused_is_not_remembered(venue):
    venue.add_account("key", "secret", OPEN, 1_000)
    venue.take_records()
    with pytest.raises(ExchangeError):
        venue.execute(PlaceOrder("alice", "BTCUSDT", Side.BUY, OrderType.MARKET, quantity=Decimal(100)), 2_000)
    assert venue.take_records() == []


def test_a_known_account_keeps_its_money_when_it_is_named_again(venue):
    venue.add_account("key", "secret", OPEN, 1_000)
    venue.add_account("key", "changed", CreateAccount("alice", Decimal(5)), 2_000)
    assert venue.engine.account("alice").wallet == 10_000
    assert venue.api_keys["key"].secret == "changed"


def test_a_listen_key_lives_an_hour_from_its_last_renewal(venue):
    venue.add_account("key", "secret", OPEN, 1_000)
    key = venue.open_listen_key("alice", 1_000)
    assert venue.keep_listen_key("alice", 2_000) == key
    assert venue.lapsed_listen_keys(1_000 + LISTEN_KEY_MS) == []
    assert venue.lapsed_listen_keys(2_000 + LISTEN_KEY_MS) == [("alice", key)]
    assert venue.listener(key) is None
    with pytest.raises(ExchangeError) as refused:
        venue.keep_listen_key("alice", 3_000)
    assert refused.value.code == -1125


class MemoryJournal:
    """Remembers in memory, and how often it was asked to be sure."""

    def __init__(self):
        self.records, self.synced, self.snapshots = [], 0, []

    def append(self, records):
        self.records += records

    async def sync(self):
        self.synced = len(self.records)

    def replace(self, snapshot):
        self.snapshots.append(snapshot)


class Crowd:
    """Hears what is told."""

    def __init__(self):
        self.batches, self.ended = [], []

    def tell(self, batch):
        self.batches.append(batch)

    def end_user_stream(self, account, *_):
        self.ended.append(account)


def sequencer_of(venue, speed=60.0):
    clock, journal, crowd = ManualClock(), MemoryJournal(), Crowd()
    replay = ReplayClock(clock.boot_ms(), venue.market_ms, speed)
    return Sequencer(venue, journal, crowd, clock, replay), clock, journal, crowd


async def ask(sequencer, job):
    """Submit a job and give it its turn."""
    asked = asyncio.create_task(sequencer.submit(job))
    await asyncio.sleep(0)
    await sequencer.turn()
    return await asked


async def test_an_answer_leaves_after_all_that_led_to_it_is_durable(venue):
    sequencer, _, journal, crowd = sequencer_of(venue)
    await ask(sequencer, lambda turn: turn.venue.add_account("key", "secret", OPEN, turn.wall_ms))
    order = await ask(sequencer, lambda turn: (turn.execute(BUY), journal.synced)[0])
    assert journal.synced == len(journal.records) == 3
    assert order
    assert [each.event for each in crowd.batches[-1].happenings] == order


async def test_when_the_memory_fails_nobody_is_told_that_anything_was_done(venue, monkeypatch):
    sequencer, _, journal, crowd = sequencer_of(venue)

    async def fail():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "sync", fail)
    running = asyncio.create_task(sequencer.run())
    for _ in range(2):  # in the turn that failed, and after it
        with pytest.raises(Unavailable):
            await sequencer.submit(lambda turn: turn.execute(OPEN))
    with pytest.raises(OSError, match="No space"):
        await running
    assert not crowd.batches


async def test_the_market_moves_as_far_as_its_clock_says(venue):
    sequencer, clock, _, crowd = sequencer_of(venue)
    before = venue.market_ms
    clock.advance(1_000)
    await sequencer.turn()
    assert venue.market_ms == before + 60_000
    assert (crowd.batches[-1].before_ms, crowd.batches[-1].market_ms) == (before, before + 60_000)


async def test_a_refusal_reaches_only_the_one_who_asked(venue):
    sequencer, *_ = sequencer_of(venue)
    with pytest.raises(ExchangeError):
        await ask(sequencer, lambda turn: turn.execute(BUY))
    assert await ask(sequencer, lambda turn: turn.venue.second) == venue.second


async def test_a_stalled_machine_slips_behind_at_sixty_times_but_catches_up_at_real_time(venue):
    sequencer, clock, *_ = sequencer_of(venue, speed=1.0)
    clock.advance(3_600_000)
    while sequencer.market_lag_ms >= 1_000:
        await sequencer.turn()
    assert sequencer.market_lag_ms < 1_000
    fast, clock, *_ = sequencer_of(make_venue())
    clock.advance(3_600_000)
    await fast.turn()
    assert fast.market_lag_ms == 0


async def arrive(sequencer, leap):
    """Let a leap be asked for and run its turns."""
    asked = asyncio.create_task(leap)
    while not asked.done():
        await asyncio.sleep(0)
        await sequencer.turn()
    return await asked


async def test_a_paused_market_steps_through_every_tick_and_stands_still_again(venue):
    sequencer, clock, *_ = sequencer_of(venue, speed=1.0)
    sequencer.replay = sequencer.replay.pause(clock.boot_ms())
    start, twin = venue.market_ms, make_venue()
    assert await arrive(sequencer, sequencer.step(7_500)) == start + 7_500
    assert venue.market_ms == start + 7_000  # the last tick before it
    for second in range(1, 8):
        twin.tick(start + second * 1_000, sequencer._clock.now_ms())
    assert twin.snapshot() == venue.snapshot()
    clock.advance(60_000)
    await sequencer.turn()
    assert venue.market_ms == start + 7_000
    assert await arrive(sequencer, sequencer.step(500)) == start + 8_000
    assert venue.market_ms == start + 8_000


async def test_a_jump_pays_funding_on_its_way_and_clients_wait_until_it_has_arrived(venue):
    sequencer, *_ = sequencer_of(venue, speed=1.0)
    await ask(sequencer, lambda turn: turn.venue.add_account("key", "secret", OPEN, turn.wall_ms))
    await ask(sequencer, lambda turn: turn.execute(BUY))
    target = venue.market_ms + 9 * 3_600_000
    jump = asyncio.create_task(sequencer.jump(target))
    await asyncio.sleep(0)
    await sequencer.turn()
    seen = asyncio.create_task(sequencer.submit(lambda turn: turn.venue.market_ms))
    while not seen.done():
        await asyncio.sleep(0)
        await sequencer.turn()
    assert await jump == await seen == venue.market_ms == target
    assert [row.type for row in venue.engine.income("alice")].count("FUNDING_FEE") == 1


async def test_market_time_does_not_jump_back(venue):
    sequencer, *_ = sequencer_of(venue)
    with pytest.raises(Refused, match="forward"):
        await arrive(sequencer, sequencer.jump(venue.market_ms - 1))


async def test_without_a_bound_on_its_speed_the_market_moves_with_every_turn_and_serves_everybody(venue):
    sequencer, *_ = sequencer_of(venue, speed=0)
    start = venue.market_ms
    await sequencer.turn()
    moved = venue.market_ms - start
    assert moved > 60_000
    assert await ask(sequencer, lambda turn: turn.venue.market_ms) > start + moved
    paused = sequencer.replay = sequencer.replay.pause(0)
    before = venue.market_ms
    await sequencer.turn()
    assert venue.market_ms == before == paused.anchor_market_ms
