"""A book that a client keeps by the documents' rule is the exchange's own after every diff, whenever it joins."""

import asyncio
import json
import random
from decimal import Decimal

import pytest
from tests.adapters.exchange_sim.conftest import ACCOUNT, KEY
from tests.adapters.exchange_sim.standing import standing

from perpmesh.exchange.commands import CancelAllOrders, PlaceOrder
from perpmesh.exchange.words import OrderType, Side, TimeInForce
from perpmesh.exchange_sim.adapters.rest_market import levels

BTC = "BTCUSDT"


class Client:
    """Joins a snapshot to diffs, and complains where the documents say that something was lost."""

    def __init__(self):
        self.buffered, self.book, self.last, self.joined = [], None, 0, False

    def offer(self, _, payload, event=""):
        diff = json.loads(payload)
        if self.book is None:
            self.buffered.append(diff)
        else:
            self.apply(diff)

    def take_snapshot(self, last_id, bids, asks):
        self.last, self.joined = last_id, False
        self.book = {"b": dict(bids), "a": dict(asks)}
        for diff in self.buffered:
            self.apply(diff)
        self.buffered.clear()

    def apply(self, diff):
        if not self.joined and diff["u"] < self.last:
            return
        if self.joined:
            assert diff["pu"] == self.last, "a diff was lost"
        else:
            assert diff["U"] <= self.last <= diff["u"], "the snapshot cannot be joined"
        self.last, self.joined = diff["u"], True
        for side in "ba":
            self.book[side].update(diff[side])
            self.book[side] = {at: size for at, size in self.book[side].items() if Decimal(size)}


class Market:
    """A venue that ticks by hand; now and then somebody of ours trades, too."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.parts, _ = standing(accounts=(ACCOUNT,), speed=60.0)
        self.account = self.parts.venue.api_keys[KEY].account

    async def go_on(self):
        """Let a second of market pass, with or without an order of ours."""
        self.parts.clock.advance(17)
        asked = []
        if self.chance.random() < 0.5:
            asked.append(asyncio.create_task(self.parts.sequencer.submit(self.trade)))
            await asyncio.sleep(0)
        await self.parts.sequencer.turn()
        await asyncio.gather(*asked)

    def trade(self, turn):
        if self.chance.random() < 0.2:
            return turn.execute(CancelAllOrders(self.account, BTC))
        side = self.chance.choice(list(Side))
        if self.chance.random() < 0.3:
            return turn.execute(PlaceOrder(self.account, BTC, side, OrderType.MARKET, Decimal("0.002")))
        spec = turn.venue.engine.specs[BTC]
        away = Decimal(self.chance.randint(0, 40)) * side.sign / 10_000
        price = spec.price(int(turn.venue.engine.market(BTC).last * (1 - away) * 10))
        order = PlaceOrder(self.account, BTC, side, OrderType.LIMIT, Decimal("0.002"), price, TimeInForce.GTC)
        return turn.execute(order)

    def snapshot(self):
        """Return (id, bids, asks), as GET depth does."""
        spec, (number, book) = self.parts.venue.engine.specs[BTC], self.parts.board.snapshot(BTC, 1_000)
        return number, levels(spec, book.bids), levels(spec, book.asks)

    def book(self):
        """Return the book as it is, unseen by anybody."""
        spec, book = self.parts.venue.engine.specs[BTC], self.parts.board.depth(BTC)
        return {"b": dict(levels(spec, book.bids)), "a": dict(levels(spec, book.asks))}


@pytest.mark.parametrize(("cadence", "every"), [("@100ms", 6), ("@0ms", 1), ("@500ms", 30)])
async def test_a_local_book_is_the_exchanges_after_every_diff_and_across_leaving_and_coming_back(cadence, every):
    market, name, client = Market(seed=every), f"btcusdt@depth{cadence}", Client()
    hub, joined = market.parts.hub, 0
    hub.subscribe(client, [name])
    for step in range(1, 601):
        await market.go_on()
        if every > 1 and step % every == 0:
            hub.send_due(int(cadence.strip("@ms")))
        if client.book is None and market.chance.random() < 0.2:
            client.take_snapshot(*market.snapshot())
        told = every == 1 or step % every == 0
        if client.joined and told:
            joined += 1
            assert client.book == market.book()
            assert max(map(Decimal, client.book["b"])) < min(map(Decimal, client.book["a"]))
        if step % 120 == 0:  # leave, miss something, come back
            hub.unsubscribe(client, [name])
            for _ in range(market.chance.randint(0, 3)):
                await market.go_on()
            client = Client()
            hub.subscribe(client, [name])
    assert joined > 600 / every / 2
