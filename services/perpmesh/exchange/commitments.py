"""What an account's open orders commit it to: kept as they come and go, so that nobody has to count them again."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol


class Open(Protocol):
    """What is asked of an order."""

    order_id: int
    symbol: str
    client_id: str
    reduce_only: bool

    @property
    def place(self) -> str: ...


@dataclass(slots=True)
class Commitment:
    """The open orders at one position place. Their worth is in money units; reduce-only orders are worth nothing."""

    symbol: str
    buys: int = 0
    sells: int = 0
    orders: int = 0
    reducing: int = 0
    notional: int = 0  # of the position there, when `Commitments.available` was last reckoned; so the next three
    leverage: int = 1
    held: int = 0
    margin: int = 0


@dataclass(slots=True)
class Commitments:
    """Derived from the open orders, and never kept."""

    places: dict[str, Commitment] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)  # client id: the oldest open order's number
    namesakes: int = 0  # open orders whose client id an older one has: only triggers make such
    by_symbol: dict[str, int] = field(default_factory=dict)
    available: int = 0  # what margin is left, reckoned at `epoch` and kept in step with orders since
    epoch: int = -1

    def count(self, symbol: str) -> int:
        return self.by_symbol.get(symbol, 0)

    def at(self, place: str, symbol: str) -> Commitment:
        found = self.places.get(place)
        if found is None:
            found = self.places[place] = Commitment(symbol)
            self.epoch = -1
        return found

    def enter(self, order: Open) -> Commitment:
        """Count an order in, all but its worth."""
        self.by_symbol[order.symbol] = self.by_symbol.get(order.symbol, 0) + 1
        if self.named.setdefault(order.client_id, order.order_id) != order.order_id:
            self.namesakes += 1
        commitment = self.at(order.place, order.symbol)
        commitment.orders += 1
        commitment.reducing += order.reduce_only
        return commitment

    def leave(self, order: Open, rest: Iterable[Open]) -> Commitment:
        """Count an order out, all but its worth; `rest` are those that stay."""
        self.by_symbol[order.symbol] -= 1
        if self.named[order.client_id] != order.order_id:
            self.namesakes -= 1
        else:
            del self.named[order.client_id]
            if self.namesakes:
                self._find_namesake(order.client_id, rest)
        commitment = self.places[order.place]
        commitment.orders -= 1
        commitment.reducing -= order.reduce_only
        return commitment

    def _find_namesake(self, client_id: str, rest: Iterable[Open]) -> None:
        for other in rest:
            if other.client_id == client_id:
                self.named[client_id] = other.order_id
                self.namesakes -= 1
                return
