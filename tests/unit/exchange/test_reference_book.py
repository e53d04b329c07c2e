"""The book gives the same trades as one that is too simple to be wrong."""

from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.events import TradePrinted
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import OrderType, SelfTrade, Side, TimeInForce

from .conftest import BTC, D

RICH = D(1_000_000_000)


@dataclass
class Resting:
    number: int
    side: Side
    price: int
    size: int


class NaiveBook:
    """A list of orders, searched from end to end for the best one each time."""

    def __init__(self) -> None:
        self.orders: list[Resting] = []

    def place(self, number: int, side: Side, price: int, size: int) -> list[tuple[int, int]]:
        trades = []
        while size:
            facing = [o for o in self.orders if o.side is not side and (price - o.price) * side.sign >= 0]
            if not facing:
                self.orders.append(Resting(number, side, price, size))
                break
            best = min(facing, key=lambda o: (o.price * side.sign, o.number))
            lots = min(size, best.size)
            trades.append((best.price, lots))
            size, best.size = size - lots, best.size - lots
            if best.size == 0:
                self.orders.remove(best)
        return trades

    def cancel(self, number: int) -> bool:
        before = len(self.orders)
        self.orders = [o for o in self.orders if o.number != number]
        return len(self.orders) < before


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_the_book_equals_a_naive_one_over_random_commands(seed: int) -> None:
    chance, naive = Random(seed), NaiveBook()
    spec = replace(default_symbols()[0], max_orders=10_000)
    engine = Engine([spec])
    names = ["alice", "bob", "carol"]
    for name in names:
        engine.apply(c.CreateAccount(name, RICH), market_ms=0, wall_ms=0)
    engine.apply(c.SetMark(BTC, D(60_000), D(60_000)), market_ms=0, wall_ms=0)
    owners: dict[int, str] = {}
    for n in range(150):
        if owners and chance.random() < 0.25:
            number = chance.choice(list(owners))
            if naive.cancel(number):
                engine.apply(c.CancelOrder(owners[number], BTC, order_id=number), market_ms=n, wall_ms=n)
            continue
        number, side = len(owners) + 1, chance.choice(list(Side))
        ticks, lots = 600_000 + chance.randint(-8, 8), chance.randint(2, 30)
        owners[number] = chance.choice(names)
        order = c.PlaceOrder(
            owners[number], BTC, side, OrderType.LIMIT, spec.quantity(lots), spec.price(ticks), TimeInForce.GTC,
            self_trade=SelfTrade.NONE,
        )  # fmt: skip
        events = engine.apply(order, market_ms=n, wall_ms=n)
        printed = [(spec.to_ticks(e.price), spec.to_lots(e.quantity)) for e in events if isinstance(e, TradePrinted)]
        assert printed == naive.place(number, side, ticks, lots)
    resting = sorted((o.order_id, spec.to_lots(o.quantity - o.executed)) for a in names for o in engine.open_orders(a))
    assert resting == sorted((o.number, o.size) for o in naive.orders)
