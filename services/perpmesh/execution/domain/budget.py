"""How much we may still ask of the exchange, learnt from its answers, with a reserve that only exits may use."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

MINUTE_MS, TEN_SECONDS_MS = 60_000, 10_000


class Lane(Enum):
    """Who asks. Each lane may go as far as the ones before it, and further."""

    ENTRY = "entry"
    QUERY = "query"
    BOOKS = "books"  # books a closed trade, which loss limits wait for: may use half of the reserve
    CARE = "care"  # looks after positions: may use the reserve, but obeys a ban
    EXIT = "exit"  # exits and protection: may use the reserve, and go out even when it is spent


RESERVE_KEPT: Mapping[Lane, Decimal] = {  # the part of the reserve that a lane leaves alone
    Lane.ENTRY: Decimal(1),
    Lane.QUERY: Decimal(1),
    Lane.BOOKS: Decimal("0.5"),
    Lane.CARE: Decimal(0),
}


@dataclass(slots=True)
class Limits:
    """What the exchange allows; exchangeInfo may say otherwise."""

    weight_per_minute: int = 2_400
    orders_per_minute: int = 1_200
    orders_per_ten_seconds: int = 300


class RateBudget:
    """Counts by the exchange's own headers, in its fixed windows, and what is on its way besides."""

    def __init__(self, limits: Limits | None = None, reserve: Decimal = Decimal("0.25")) -> None:
        self.limits = limits or Limits()
        self.reserve = reserve
        self._weight = (0, 0)  # (window, used)
        self._minute = (0, 0)
        self._ten_seconds = (0, 0)
        self._weight_on_way = 0  # asked, and not answered: no header tells of it yet
        self._orders_on_way = 0
        self._banned_until_ms = 0

    def heard(self, now_ms: int, *, weight: int | None, minute: int | None, ten_seconds: int | None) -> None:
        """Take in the counters of one answer."""
        if weight is not None:
            self._weight = (now_ms // MINUTE_MS, weight)
        if minute is not None:
            self._minute = (now_ms // MINUTE_MS, minute)
        if ten_seconds is not None:
            self._ten_seconds = (now_ms // TEN_SECONDS_MS, ten_seconds)

    @contextmanager
    def on_way(self, *, weight: int = 0, orders: int = 0) -> Iterator[None]:
        """Count what is asked until it is answered, so that questions at the same time do not overdraw together."""
        self._weight_on_way += weight
        self._orders_on_way += orders
        try:
            yield
        finally:
            self._weight_on_way -= weight
            self._orders_on_way -= orders

    def banned(self, now_ms: int, for_ms: int) -> None:
        """The exchange said 429 or 418: nothing but exits until it is over."""
        self._banned_until_ms = max(self._banned_until_ms, now_ms + for_ms)

    def allows(self, lane: Lane, now_ms: int, *, weight: int = 0, orders: int = 0) -> bool:
        if lane is Lane.EXIT:
            return True
        if now_ms < self._banned_until_ms:
            return False
        share = 1 - self.reserve * RESERVE_KEPT[lane]
        weight, orders = weight + self._weight_on_way, orders + self._orders_on_way
        minute, ten_seconds = now_ms // MINUTE_MS, now_ms // TEN_SECONDS_MS
        return (
            _used(self._weight, minute) + weight <= self.limits.weight_per_minute * share
            and _used(self._minute, minute) + orders <= self.limits.orders_per_minute * share
            and _used(self._ten_seconds, ten_seconds) + orders <= self.limits.orders_per_ten_seconds * share
        )


def _used(counted: tuple[int, int], window: int) -> int:
    """A count is good for the window it was heard in."""
    return counted[1] if counted[0] == window else 0
