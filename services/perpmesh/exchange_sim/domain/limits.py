"""Request weights per address and order counts per account, in the fixed windows the venue counts by."""

from dataclasses import dataclass, field

from perpmesh.exchange.errors import ExchangeError

MINUTE_MS, TEN_SECONDS_MS = 60_000, 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed; the venue's own figures by default."""

    weight_per_minute: int = 2_400
    orders_per_minute: int = 1_200
    orders_per_ten_seconds: int = 300


class TooMany(ExchangeError):
    """Refused with 429; `retry_after_s` says when the window ends."""

    def __init__(self, code: int, message: str, retry_after_s: int) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Window:
    """A counter that starts again with each fixed window of time."""

    length_ms: int
    number: int = -1
    used: int = 0

    def add(self, amount: int, now_ms: int) -> int:
        number = now_ms // self.length_ms
        if number != self.number:
            self.number, self.used = number, 0
        self.used += amount
        return self.used

    def seconds_left(self, now_ms: int) -> int:
        return -(-(self.length_ms - now_ms % self.length_ms) // 1_000)


@dataclass(slots=True)
class Meter:
    """All counters. Addresses and accounts are few: it is a private venue."""

    limits: Limits
    _weights: dict[str, Window] = field(default_factory=dict)
    _orders: dict[str, tuple[Window, Window]] = field(default_factory=dict)

    def weigh(self, address: str, weight: int, now_ms: int) -> int:
        """Count a request and return the weight used this minute; raise -1003 when it is over."""
        window = self._weights.setdefault(address, Window(MINUTE_MS))
        used = window.add(weight, now_ms)
        if used > self.limits.weight_per_minute:
            raise TooMany(
                -1003,
                f"Too many requests; current limit of IP({address}) is {self.limits.weight_per_minute} requests per "
                "minute. Please use the websocket for live updates to avoid polling the API.",
                window.seconds_left(now_ms),
            )
        return used

    def count_orders(self, account: str, count: int, now_ms: int) -> tuple[int, int]:
        """Count orders and return those used in (10 s, 1 m); raise -1015 when either is over."""
        short, long = self._orders.setdefault(account, (Window(TEN_SECONDS_MS), Window(MINUTE_MS)))
        used = short.add(count, now_ms), long.add(count, now_ms)
        if used[0] > self.limits.orders_per_ten_seconds:
            raise _too_many_orders(self.limits.orders_per_ten_seconds, "10 SECOND", short.seconds_left(now_ms))
        if used[1] > self.limits.orders_per_minute:
            raise _too_many_orders(self.limits.orders_per_minute, "1 MINUTE", long.seconds_left(now_ms))
        return used


def _too_many_orders(limit: int, interval: str, retry_after_s: int) -> TooMany:
    text = f"Too many new orders; current limit is {limit} orders per {interval}."
    return TooMany(-1015, text, retry_after_s)
