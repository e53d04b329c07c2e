"""One side of the book of our accounts' orders: price levels, and at each the orders in the order of their rank."""

from bisect import bisect_left, insort
from collections.abc import Iterator, ValuesView

from perpmesh.exchange.state import Order
from perpmesh.exchange.words import Side

NOBODY: dict[int, Order] = {}


class Ladder:
    """Placing costs a search among the prices only where a price is new; cancelling never searches the orders."""

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, side: Side) -> None:
        self._sign = side.sign
        self._keys: list[int] = []  # price × sign, ascending: the best is last
        self._levels: dict[int, dict[int, Order]] = {}  # by price, then by order number

    def __iter__(self) -> Iterator[Order]:
        """Yield all orders, the best price first, then the lowest rank."""
        for key in reversed(self._keys):
            yield from self._levels[key * self._sign].values()

    @property
    def best(self) -> int:
        """Return the best price in ticks, 0 when nothing rests."""
        return self._keys[-1] * self._sign if self._keys else 0

    @property
    def prices(self) -> list[int]:
        """Return the prices at which something rests, the best first."""
        return [key * self._sign for key in reversed(self._keys)]

    def at(self, price: int) -> ValuesView[Order]:
        """Return the orders at a price, the lowest rank first."""
        return self._levels.get(price, NOBODY).values()

    def first(self, price: int) -> Order | None:
        """Return the order that is served first at a price."""
        level = self._levels.get(price)
        return next(iter(level.values())) if level else None

    def within(self, limit: int) -> list[Order]:
        """Return the orders that a taker with `limit` may trade with, in the order in which it does."""
        bound, found = limit * self._sign, list[Order]()
        for key in reversed(self._keys):
            if key < bound:
                break
            found += self._levels[key * self._sign].values()
        return found

    def add(self, order: Order) -> None:
        price = order.price
        level = self._levels.get(price)
        if level is None:
            insort(self._keys, price * self._sign)
            self._levels[price] = {order.order_id: order}
        elif next(reversed(level.values())).rank < order.rank:
            level[order.order_id] = order
        else:  # it keeps an earlier place
            among = sorted([*level.values(), order], key=lambda each: each.rank)
            self._levels[price] = {each.order_id: each for each in among}

    def discard(self, order: Order) -> None:
        """Remove an order, if it is here."""
        price = order.price
        level = self._levels.get(price)
        if level is None or level.pop(order.order_id, None) is None:
            return
        if not level:
            del self._levels[price]
            key = price * self._sign
            keys = self._keys
            if keys[-1] == key:
                keys.pop()
            else:
                del keys[bisect_left(keys, key)]
