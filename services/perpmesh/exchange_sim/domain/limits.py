"""Request weights and connections per address, order counts per account, in the fixed windows the venue counts by."""

from dataclasses import dataclass, field

from perpmesh.exchange.errors import ExchangeError

MINUTE_MS, TEN_SECONDS_MS, FIVE_MINUTES_MS = 60_000, 10_000, 300_000
SHORTEST_BAN_MS, LONGEST_BAN_MS = 2 * MINUTE_MS, 3 * 24 * 60 * MINUTE_MS
FUNDING = "funding"  # the pool that fundingRate and fundingInfo share, apart from all other weight


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed; the venue's own figures by default."""

    weight_per_minute: int = 2_400
    orders_per_minute: int = 1_200
    orders_per_ten_seconds: int = 300
    funding_per_five_minutes: int = 500
    refusals_before_ban: int = 10  # answers of 429 in a minute after which an address is banned; 0: never
    connections_per_five_minutes: int = 300
    messages_per_second: int = 10  # that a listener may send
    streams_per_connection: int = 1_024


class TooMany(ExchangeError):
    """Refused with 429; `retry_after_s` says when the window ends."""

    def __init__(self, code: int, message: str, retry_after_s: int) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


class Banned(TooMany):
    """Refused with 418: the address went on after 429."""

    def __init__(self, address: str, until_ms: int, now_ms: int) -> None:
        super().__init__(
            -1003,
            f"Way too many requests; IP({address}) banned until {until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            seconds(until_ms - now_ms),
        )


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
        return seconds(self.length_ms - now_ms % self.length_ms)


@dataclass(slots=True)
class Address:
    """What one address has used, and whether it is banned. Each ban is twice as long as the one before."""

    weight: Window = field(default_factory=lambda: Window(MINUTE_MS))
    funding: Window = field(default_factory=lambda: Window(FIVE_MINUTES_MS))
    connections: Window = field(default_factory=lambda: Window(FIVE_MINUTES_MS))
    refusals: Window = field(default_factory=lambda: Window(MINUTE_MS))
    banned_until_ms: int = 0
    ban_ms: int = 0

    def ban(self, now_ms: int) -> None:
        forgiven = now_ms - self.banned_until_ms > LONGEST_BAN_MS
        self.ban_ms = SHORTEST_BAN_MS if forgiven or not self.ban_ms else min(self.ban_ms * 2, LONGEST_BAN_MS)
        self.banned_until_ms = now_ms + self.ban_ms


@dataclass(slots=True)
class Meter:
    """All counters. Addresses and accounts are few: it is a private venue."""

    limits: Limits
    _addresses: dict[str, Address] = field(default_factory=dict)
    _orders: dict[str, tuple[Window, Window]] = field(default_factory=dict)

    def weigh(self, address: str, weight: int, now_ms: int, pool: str = "") -> int:
        """Count a request and return the weight used this minute; raise -1003 when it is over, or the ban is not."""
        held = self._admitted(address, now_ms)
        if pool == FUNDING:
            self._within(address, held.funding, weight, self.limits.funding_per_five_minutes, "5 minutes", now_ms)
            return self.used(address, now_ms)
        return self._within(address, held.weight, weight, self.limits.weight_per_minute, "minute", now_ms)

    def used(self, address: str, now_ms: int) -> int:
        """Return the weight that an address has used this minute."""
        return self._address(address).weight.add(0, now_ms)

    def connect(self, address: str, now_ms: int) -> None:
        """Count a new connection; raise -1003 when there were too many in five minutes."""
        held = self._admitted(address, now_ms)
        if held.connections.add(1, now_ms) > self.limits.connections_per_five_minutes:
            raise _too_much(address, self.limits.connections_per_five_minutes, "5 minutes", held.connections, now_ms)

    def count_orders(self, account: str, counts: tuple[int, int], now_ms: int) -> tuple[int, int]:
        """Count what a request is worth in (10 s, 1 m) and return what is used; raise -1015 when either is over."""
        windows = self._orders.get(account)
        if windows is None:
            windows = self._orders[account] = Window(TEN_SECONDS_MS), Window(MINUTE_MS)
        short, long = windows
        used = short.add(counts[0], now_ms), long.add(counts[1], now_ms)
        if used[0] > self.limits.orders_per_ten_seconds:
            raise _too_many_orders(self.limits.orders_per_ten_seconds, "10 SECOND", short.seconds_left(now_ms))
        if used[1] > self.limits.orders_per_minute:
            raise _too_many_orders(self.limits.orders_per_minute, "1 MINUTE", long.seconds_left(now_ms))
        return used

    def _address(self, address: str) -> Address:
        held = self._addresses.get(address)
        if held is None:
            held = self._addresses[address] = Address()
        return held

    def _admitted(self, address: str, now_ms: int) -> Address:
        held = self._address(address)
        if now_ms < held.banned_until_ms:
            raise Banned(address, held.banned_until_ms, now_ms)
        return held

    def _within(self, address: str, window: Window, weight: int, limit: int, span: str, now_ms: int) -> int:
        used = window.add(weight, now_ms)
        if used > limit:
            self._refuse(address, now_ms)
            raise _too_much(address, limit, span, window, now_ms)
        return used

    def _refuse(self, address: str, now_ms: int) -> None:
        """Ban an address that does not stop although it was told to."""
        held, most = self._addresses[address], self.limits.refusals_before_ban
        if most and held.refusals.add(1, now_ms) > most:
            held.ban(now_ms)
            raise Banned(address, held.banned_until_ms, now_ms)


def seconds(ms: int) -> int:
    """Return whole seconds, rounded up."""
    return -(-ms // 1_000)


def _too_much(address: str, limit: int, span: str, window: Window, now_ms: int) -> TooMany:
    return TooMany(
        -1003,
        f"Too many requests; current limit of IP({address}) is {limit} requests per {span}. "
        "Please use the websocket for live updates to avoid polling the API.",
        window.seconds_left(now_ms),
    )


def _too_many_orders(limit: int, interval: str, retry_after_s: int) -> TooMany:
    text = f"Too many new orders; current limit is {limit} orders per {interval}."
    return TooMany(-1015, text, retry_after_s)
