"""A small market to trade on, and words for acting in it."""

from decimal import Decimal

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.events import Event
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import OrderType, Side, TimeInForce

BTC, ETH = "BTCUSDT", "ETHUSDT"
D = Decimal


class Bench:
    """An engine and its two clocks: each command takes a second of market time, a millisecond of wall time."""

    def __init__(self) -> None:
        self.engine = Engine(default_symbols())
        self.market_ms = 1_700_000_000_000
        self.wall_ms = 1_800_000_000_000

    def do(self, command: c.Command) -> list[Event]:
        self.market_ms += 1_000
        self.wall_ms += 1
        return self.engine.apply(command, market_ms=self.market_ms, wall_ms=self.wall_ms)

    def open(self, account: str = "alice", balance: str = "10000") -> None:
        self.do(c.CreateAccount(account, D(balance)))

    def mark(self, price: str, symbol: str = BTC) -> list[Event]:
        return self.do(c.SetMark(symbol, D(price), D(price)))

    def book(self, bid: str, ask: str, size: str = "10", symbol: str = BTC) -> list[Event]:
        return self.do(c.SetBook(symbol, ((D(bid), D(size)),), ((D(ask), D(size)),)))

    def tape(self, price: str, quantity: str = "1", taker: Side = Side.BUY, symbol: str = BTC) -> list[Event]:
        return self.do(c.MarketTrade(symbol, D(price), D(quantity), taker))

    def price(self, price: str, symbol: str = BTC) -> list[Event]:
        """Move everything to a price: the book around it, the mark and the tape on it."""
        around = D(price)
        tick = self.engine.specs[symbol].tick
        events = self.do(c.SetBook(symbol, ((around - tick, D(100)),), ((around + tick, D(100)),)))
        return events + self.mark(price, symbol) + self.tape(price, "0.001", symbol=symbol)

    def market(self, side: Side, quantity: str, account: str = "alice", **more) -> list[Event]:
        return self.do(c.PlaceOrder(account, more.pop("symbol", BTC), side, OrderType.MARKET, D(quantity), **more))

    def limit(self, side: Side, quantity: str, price: str, account: str = "alice", **more) -> list[Event]:
        tif = more.pop("tif", TimeInForce.GTC)
        symbol = more.pop("symbol", BTC)
        return self.do(c.PlaceOrder(account, symbol, side, OrderType.LIMIT, D(quantity), D(price), tif, **more))

    def stop(self, side: Side, trigger: str, account: str = "alice", **more) -> list[Event]:
        kind = more.pop("type", OrderType.STOP_MARKET)
        if "quantity" not in more:
            more.setdefault("close_position", True)
        return self.do(c.PlaceAlgoOrder(account, more.pop("symbol", BTC), side, kind, D(trigger), **more))

    def amount(self, account: str = "alice", symbol: str = BTC) -> Decimal:
        return sum((p.amount for p in self.engine.positions(account, symbol)), D(0))


@pytest.fixture
def bench() -> Bench:
    """Alice has 10,000 USDT; BTC trades at 60,000 and ETH at 3,000."""
    made = Bench()
    made.price("60000")
    made.price("3000", ETH)
    made.open()
    return made
