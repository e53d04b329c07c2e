"""The book gives the same trades as one that is too simple to be wrong."""

from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.events import Event, OrderUpdated, TradePrinted
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
    rank: int


class NaiveBook:
    """A list of orders, searched from end to end for the best one each time."""

    def __init__(self) -> None:
        self.orders: list[Resting] = []
        self.turns = 0

    def place(self, number: int, side: Side, price: int, size: int) -> list[tuple[int, int]]:
        trades = []
        self.turns += 1
        while size:
            facing = [o for o in self.orders if o.side is not side and (price - o.price) * side.sign >= 0]
            if not facing:
                self.orders.append(Resting(number, side, price, size, self.turns))
                break
            best = min(facing, key=lambda o: (o.price * side.sign, o.rank))
            lots = min(size, best.size)
            trades.append((best.price, lots))
            size, best.size = size - lots, best.size - lots
            if best.size == 0:
                self.orders.remove(best)
        return trades

    def amend(self, number: int, price: int, size: int) -> list[tuple[int, int]]:
        """Less at the same price stays where it is; anything else is a new order in all but its number."""
        (order,) = [o for o in self.orders if o.number == number]
        if price == order.price and size < order.size:
            order.size = size
            return []
        self.cancel(number)
        return self.place(number, order.side, price, size)

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
    for n in range(200):
        resting = {o.number: o for o in naive.orders}
        ticks, lots = 600_000 + chance.randint(-8, 8), chance.randint(2, 30)
        deed = chance.random() if resting else 1.0
        number = chance.choice(list(resting)) if resting else 0
        if deed < 0.2:
            naive.cancel(number)
            engine.apply(c.CancelOrder(owners[number], BTC, order_id=number), market_ms=n, wall_ms=n)
            continue
        if deed < 0.5:
            order = resting[number]
            ticks = order.price if chance.random() < 0.5 else ticks
            before = engine.order(owners[number], BTC, order_id=number)
            executed = spec.to_lots(before.executed)
            if (ticks, lots) == (order.price, order.size):
                continue
            command = c.AmendOrder(
                owners[number], BTC, order.side, spec.quantity(executed + lots), spec.price(ticks), order_id=number
            )
            assert printed(engine.apply(command, market_ms=n, wall_ms=n)) == naive.amend(number, ticks, lots)
            continue
        side, owner = chance.choice(list(Side)), chance.choice(names)
        place = c.PlaceOrder(
            owner, BTC, side, OrderType.LIMIT, spec.quantity(lots), spec.price(ticks), TimeInForce.GTC,
            self_trade=SelfTrade.NONE,
        )  # fmt: skip
        events = engine.apply(place, market_ms=n, wall_ms=n)
        number = next(e.order.order_id for e in events if isinstance(e, OrderUpdated))
        owners[number] = owner
        assert printed(events) == naive.place(number, side, ticks, lots)
    left = sorted((o.order_id, spec.to_lots(o.quantity - o.executed)) for a in names for o in engine.open_orders(a))
    assert left == sorted((o.number, o.size) for o in naive.orders)


def printed(events: list[Event]) -> list[tuple[int, int]]:
    spec = default_symbols()[0]
    return [(spec.to_ticks(e.price), spec.to_lots(e.quantity)) for e in events if isinstance(e, TradePrinted)]
