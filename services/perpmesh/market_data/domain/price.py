"""The state of one symbol's market, put together from its streams, each part with the moment it came."""

from dataclasses import dataclass, replace

from perpmesh.kernel.money import ZERO, Fraction, Price

NO_PRICE, NO_RATE = Price(ZERO), Fraction(ZERO)
MARK_ALLOWANCE_MS = 3_000  # the mark price comes every one or three seconds, however busy the book is


@dataclass(frozen=True, slots=True, kw_only=True)
class BookMoved:
    """The best bid or ask changed."""

    symbol: str
    bid: Price
    ask: Price
    market_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkMoved:
    """A new mark price, with what belongs to it."""

    symbol: str
    mark: Price
    index: Price
    funding_rate: Fraction
    next_funding_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceState:
    """Everything known of a symbol's price. Zero is not known yet."""

    symbol: str
    last: Price = NO_PRICE
    bid: Price = NO_PRICE
    ask: Price = NO_PRICE
    mark: Price = NO_PRICE
    index: Price = NO_PRICE
    funding_rate: Fraction = NO_RATE
    next_funding_ms: int = 0
    market_ms: int = 0
    book_at_ms: int = 0  # wall time of the book's newest message
    mark_at_ms: int = 0
    version: int = 0

    @property
    def known(self) -> bool:
        """Whether every part has come at least once."""
        return bool(self.last and self.bid and self.ask and self.mark)

    @property
    def spread_fraction(self) -> float:
        return float((self.ask - self.bid) / self.bid) if self.bid and self.ask else float("nan")

    def stale(self, now_ms: int, limit_ms: int) -> bool:
        """Whether the book or the mark price is older than it may be, by the wall clock."""
        return now_ms - self.book_at_ms > limit_ms or now_ms - self.mark_at_ms > limit_ms + MARK_ALLOWANCE_MS

    def with_book(self, moved: BookMoved, now_ms: int) -> "PriceState":
        return replace(
            self,
            bid=moved.bid,
            ask=moved.ask,
            market_ms=max(self.market_ms, moved.market_ms),
            book_at_ms=now_ms,
            version=self.version + 1,
        )

    def with_mark(self, moved: MarkMoved, now_ms: int) -> "PriceState":
        return replace(
            self,
            mark=moved.mark,
            index=moved.index,
            funding_rate=moved.funding_rate,
            next_funding_ms=moved.next_funding_ms,
            mark_at_ms=now_ms,
            version=self.version + 1,
        )

    def with_last(self, last: Price) -> "PriceState":
        return self if last == self.last else replace(self, last=last, version=self.version + 1)
