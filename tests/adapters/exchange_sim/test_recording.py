"""A recorded market is shown again message by message, our orders rest in its book, and it goes on when it ends."""

import asyncio
import gzip
import itertools
import json
from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.exchange.commands import CreateAccount, PlaceOrder
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.words import OrderType, Side, TimeInForce
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.hub import Hub
from perpmesh.exchange_sim.adapters.journal import NoJournal
from perpmesh.exchange_sim.adapters.origin import seeds_of
from perpmesh.exchange_sim.adapters.recording_source import RecordingSource
from perpmesh.exchange_sim.adapters.stream_faults import StreamFaults
from perpmesh.exchange_sim.application.sequencer import Sequencer
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.fault_plan import FaultPlan
from perpmesh.exchange_sim.domain.klines import klines
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock
from perpmesh.kernel.errors import Invalid
from perpmesh.kernel.time import ManualClock

FOLDER = Path(__file__).parent / "raw_ws"
STREAMS = ("btcusdt@depth@0ms", "btcusdt@bookTicker", "btcusdt@trade")
NOW = 1_800_000_012_345


EXCERPT = FOLDER / "btcusdt_20240808.jsonl.gz"


def messages(path):
    """The recording as it lies there."""
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        message = json.loads(line.split(" ", 1)[1])
        yield message.get("data", message)


class Ear:
    """Hears streams, and calls back at each message."""

    def __init__(self, heard=lambda _stream, _message: None):
        self.heard, self._callback = {name: [] for name in STREAMS}, heard

    def offer(self, stream, payload, _event=""):
        message = json.loads(payload)
        self.heard[stream].append(message)
        self._callback(stream, message)


class Market:
    """A recorded market that stands still until it is moved."""

    def __init__(self, folder=FOLDER, heard=lambda _stream, _message: None):
        source, clock = RecordingSource.read(folder), ManualClock(NOW)
        self.origin = source.originate(1, None, NOW)
        feeds = source.feeds(self.origin, {})
        self.feed = feeds["BTCUSDT"]
        self.venue = Venue(Engine([self.feed.spec]), feeds, self.origin.first_ms - 5_000)
        self.venue.tick(self.origin.first_ms, NOW)
        self.board = Board(self.venue, NOW)
        self.hub = Hub(self.venue, self.board, clock, StreamFaults(FaultPlan(seeds_of(1)), clock))
        replay = ReplayClock(clock.boot_ms(), self.venue.market_ms, 1.0, paused=True)
        self.sequencer = Sequencer(self.venue, NoJournal(), self.hub, clock, replay)
        self.ear = Ear(heard)
        self.hub.subscribe(self.ear, STREAMS)

    async def until(self, market_ms):
        arrived = asyncio.create_task(self.sequencer.jump(market_ms))
        while not arrived.done():
            await asyncio.sleep(0)
            await self.sequencer.turn()
        await arrived

    async def to_its_end(self):
        await self.until(self.feed.recording.end_ms)
        return self.ear.heard


def recorded(path=EXCERPT):
    """What the recording holds from its first book on, by kind; and that book."""
    found = {"depthUpdate": [], "bookTicker": [], "trade": []}
    everything = list(messages(path))
    book = next(each for each in everything if "lastUpdateId" in each)
    number = {"depthUpdate": lambda each: each["u"] >= book["lastUpdateId"], "trade": lambda each: each["T"] > book["T"],
              "bookTicker": lambda each: each["u"] > book["lastUpdateId"]}  # fmt: skip
    for each in everything:
        if "e" in each and number[each["e"]](each):
            found[each["e"]].append(each)
    return book, found


def picked(rows, *names, shift=0):
    return [[row[name] + shift if name == "T" else row[name] for name in names] for row in rows]


async def test_what_is_streamed_is_what_was_recorded_frame_by_frame():
    market = Market()
    heard, (book, found) = await market.to_its_end(), recorded()
    shift = market.origin.shift_ms
    diffs = heard["btcusdt@depth@0ms"]
    assert len(diffs) == len(found["depthUpdate"]) > 200
    assert picked(diffs, "u", "b", "a") == picked(found["depthUpdate"], "u", "b", "a")
    assert picked(diffs[1:], "U", "pu", "T") == picked(found["depthUpdate"][1:], "U", "pu", "T", shift=shift)
    assert (diffs[0]["pu"], diffs[0]["U"]) == (book["lastUpdateId"], book["lastUpdateId"] + 1)
    tickers = picked(heard["btcusdt@bookTicker"], "u", "b", "B", "a", "A", "T")
    assert tickers == picked(found["bookTicker"], "u", "b", "B", "a", "A", "T", shift=shift)
    assert len(tickers) > 1_000
    trades = picked(heard["btcusdt@trade"], "p", "q", "m", "T")
    assert trades == picked(found["trade"], "p", "q", "m", "T", shift=shift)
    assert len(trades) > 200


async def test_the_machines_book_equals_the_recording_after_every_change():
    book, found = recorded()
    sides = {"b": dict(book["bids"]), "a": dict(book["asks"])}
    changes, compared = iter(found["depthUpdate"]), []

    def compare(stream, _message):
        if stream != "btcusdt@depth@0ms":
            return
        change = next(changes)
        for side, levels in sides.items():
            levels.update(change[side])
            sides[side] = {price: size for price, size in levels.items() if float(size)}
        seen = market.venue.engine.depth("BTCUSDT", 1_000_000)
        compared.append(change["u"])
        assert dict(seen.bids) == {Decimal(price): Decimal(size) for price, size in sides["b"].items()}
        assert dict(seen.asks) == {Decimal(price): Decimal(size) for price, size in sides["a"].items()}
        assert seen.bids[0][0] < seen.asks[0][0]
        assert market.board.update_id("BTCUSDT") == change["u"]

    market = Market(heard=compare)
    await market.to_its_end()
    assert len(compared) == len(found["depthUpdate"])


async def test_a_snapshot_can_be_joined_with_the_changes_that_follow_at_any_moment():
    numbers = []

    def remember(stream, message):
        if stream == "btcusdt@depth@0ms":
            joined.append((message["U"], message["u"]))
            numbers.append(market.board.snapshot_id("BTCUSDT"))

    joined = []
    market = Market(heard=remember)
    await market.to_its_end()
    for number, (first, last) in zip(numbers, joined[1:], strict=False):
        assert first <= number <= last


async def test_our_order_waits_behind_the_recorded_queue_and_is_filled_by_what_was_traded():
    market = Market()
    venue = market.venue
    await market.until(market.origin.first_ms + 500)
    venue.execute(CreateAccount("alice", Decimal(100_000)), NOW)
    shown = venue.engine.depth("BTCUSDT", 1).asks[0]
    order = PlaceOrder("alice", "BTCUSDT", Side.SELL, OrderType.LIMIT, Decimal("0.010"), shown[0], TimeInForce.GTC)
    venue.execute(order, NOW)
    assert venue.engine.depth("BTCUSDT", 1).asks[0] == (shown[0], shown[1] + Decimal("0.010"))
    placed_ms = venue.market_ms
    await market.to_its_end()
    fills = venue.engine.trades("alice")
    assert sum(fill.quantity for fill in fills) == Decimal("0.010")
    assert {fill.price for fill in fills} == {shown[0]}
    through = [
        each for each in recorded()[1]["trade"]
        if placed_ms < each["T"] + market.origin.shift_ms <= fills[0].time and Decimal(each["p"]) >= shown[0] and not each["m"]
    ]  # fmt: skip
    assert through
    assert fills[0].maker


async def test_a_life_told_again_from_a_snapshot_in_the_middle_comes_out_the_same():
    market = Market()
    await market.until(market.origin.first_ms + 3_000)
    restored = Venue.restore(market.venue.feeds, market.venue.snapshot())
    market.venue.take_records()
    for step in range(500):
        for venue in (market.venue, restored):
            venue.tick(venue.next_ms(fine=True), NOW + step)
    assert restored.snapshot() == market.venue.snapshot()


async def test_when_it_ends_the_market_goes_on_from_its_last_price_and_numbers_keep_rising():
    market = Market()
    await market.to_its_end()
    number, last = market.board.update_id("BTCUSDT"), market.venue.engine.market("BTCUSDT").last
    await market.until(market.feed.recording.end_ms + 3 * 3_600_000)
    assert market.board.update_id("BTCUSDT") > number
    assert 1 <= market.venue.engine.market("BTCUSDT").last / last * Decimal("1.2") <= Decimal("1.4")
    now = market.venue.second
    candles = klines(market.feed, 1, now // 60 - 7_000, now // 60, now)
    assert len(candles) == 7_001
    assert all(abs(after.open / before.close - 1) < 0.02 for before, after in itertools.pairwise(candles))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("{}", "there is no book"),
        ("nonsense", "line 1: not a message"),
        ('{"e":"trade","s":"BTCUSDT","T":1,"p":"1","q":"x","m":true}', "line 1: not a message"),
        ('{"lastUpdateId":1,"T":1,"bids":[],"asks":[]}', "there is no trade"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path, lines, message):
    (tmp_path / "btc.jsonl").write_text(lines + "\n")
    with pytest.raises(Invalid, match=message):
        RecordingSource.read(tmp_path)


def test_a_folder_without_a_recording_is_refused(tmp_path):
    with pytest.raises(Invalid, match="there is no"):
        RecordingSource.read(tmp_path)
