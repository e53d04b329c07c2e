"""Orders that fill by a script, and conditional orders that are doomed, in the pure machine."""

from decimal import Decimal

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.state import FIRST_ALGO_ID
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import AlgoStatus, OrderStatus, OrderType, Side

BTC = "BTCUSDT"
BOOK = c.SetBook(BTC, bids=((Decimal(99_999), Decimal(5)),), asks=((Decimal(100_001), Decimal(5)),))


class Bench:
    def __init__(self):
        self.engine, self.now = Engine(default_symbols()), 1_000_000
        self.do(c.CreateAccount("me", Decimal(100_000)))
        self.do(c.SetMark(BTC, Decimal(100_000), Decimal(100_000)))
        self.do(BOOK)
        self.do(c.MarketTrade(BTC, Decimal(100_001), Decimal("0.001"), Side.BUY))

    def do(self, command, after_ms=0):
        self.now += after_ms
        return self.engine.apply(command, market_ms=self.now, wall_ms=self.now)

    def in_parts(self, *parts, delay_ms=100, **more):
        wish = {"side": Side.BUY, "type": OrderType.MARKET, "quantity": Decimal("0.010"), "client_order_id": "mine"}
        self.do(c.PlaceInParts(c.PlaceOrder("me", BTC, **{**wish, **more}), parts, delay_ms))

    @property
    def order(self):
        return self.engine.order("me", BTC, client_order_id="mine")

    def is_balanced(self):
        books = self.engine.ledger()
        return books.wallets - books.holdings_cost + books.fees + books.insurance + books.background == books.deposits


@pytest.fixture
def bench():
    return Bench()


def test_parts_add_up_to_the_quantity_whatever_their_rounding(bench):
    bench.in_parts(33, 33, 34, quantity=Decimal("0.010"))
    filled = [bench.order.executed]
    for _ in range(2):
        bench.do(c.AdvanceTime(), after_ms=100)
        filled.append(bench.order.executed)
    assert filled == [Decimal("0.003"), Decimal("0.006"), Decimal("0.010")]
    assert bench.order.status is OrderStatus.FILLED
    assert bench.is_balanced()


def test_the_book_does_not_fill_what_waits_for_its_script(bench):
    bench.in_parts(40, 60, type=OrderType.LIMIT, price=Decimal(101_000), time_in_force=c.TimeInForce.GTC)
    bench.do(BOOK)
    bench.do(c.MarketTrade(BTC, Decimal(99_000), Decimal(50), Side.SELL))
    assert bench.order.executed == Decimal("0.004")


def test_a_restored_machine_goes_on_with_the_script_as_the_other_does(bench):
    bench.in_parts(40, 60)
    other = Engine.restore(default_symbols(), bench.engine.snapshot())
    at = {"market_ms": bench.now + 100, "wall_ms": bench.now + 100}
    assert other.apply(c.AdvanceTime(), **at) == bench.engine.apply(c.AdvanceTime(), **at)
    assert other.state_hash() == bench.engine.state_hash()
    assert other.order("me", BTC, client_order_id="mine").status is OrderStatus.FILLED


def test_a_closing_order_fills_no_further_than_its_position(bench):
    bench.in_parts(100, quantity=Decimal("0.010"))
    bench.in_parts(50, 50, side=Side.SELL, reduce_only=True)
    bench.do(c.PlaceOrder("me", BTC, Side.SELL, OrderType.MARKET, quantity=Decimal("0.004"), reduce_only=True))
    bench.do(c.AdvanceTime(), after_ms=100)
    (position,) = bench.engine.positions("me", BTC)
    assert position.amount == 0
    assert bench.order.status is OrderStatus.EXPIRED
    assert bench.is_balanced()


def test_a_refused_order_leaves_no_script(bench):
    before = bench.engine.state_hash()
    with pytest.raises(ExchangeError):
        bench.in_parts(50, 50, quantity=Decimal(0))
    assert bench.engine.state_hash() == before


def test_a_doomed_order_is_rejected_when_it_triggers_and_forgotten_when_it_is_canceled(bench):
    bench.in_parts(100)
    stop = c.PlaceAlgoOrder(
        "me", BTC, Side.SELL, OrderType.STOP_MARKET, trigger_price=Decimal(99_500), close_position=True
    )
    for _ in range(2):
        bench.do(stop)
        (open_stop,) = bench.engine.open_algos("me")
        bench.do(c.RejectWhenTriggered("me", open_stop.algo_id, "Margin is insufficient."))
        if open_stop.algo_id == FIRST_ALGO_ID:
            bench.do(c.CancelAlgoOrder("me", open_stop.algo_id))
    bench.do(c.MarketTrade(BTC, Decimal(99_400), Decimal("0.01"), Side.SELL))
    found = bench.engine.algo("me", algo_id=FIRST_ALGO_ID + 1)
    assert (found.status, found.reject_reason) == (AlgoStatus.REJECTED, "Margin is insufficient.")
    assert bench.order.executed == Decimal("0.010")
    with pytest.raises(ExchangeError, match="-2011"):
        bench.do(c.RejectWhenTriggered("me", FIRST_ALGO_ID + 1, "too late"))
