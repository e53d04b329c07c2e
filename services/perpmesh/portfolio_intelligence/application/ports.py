"""What the use cases need of the world."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

from perpmesh.kernel.instrument import Instrument
from perpmesh.portfolio_intelligence.domain.account import Account
from perpmesh.portfolio_intelligence.domain.books import Income, Trade
from perpmesh.portfolio_intelligence.domain.equity import EquityPoint, Peak
from perpmesh.portfolio_intelligence.domain.rebalance import Proposal

Transaction: TypeAlias = Any  # the store's own; use cases only hand it on


class Exchange(Protocol):
    """The exchange's account endpoints. Every method raises Unavailable when it does not answer."""

    async def account(self) -> Account: ...

    async def income(self, since_ms: int | None) -> Sequence[Income]:
        """Return every row from market time `since_ms` on, oldest first; all that is kept for None."""
        ...

    async def instrument(self, symbol: str) -> Instrument:
        """Raise NotFound for a symbol that is not traded there."""
        ...

    async def taker_rate(self, symbol: str) -> Decimal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The newest prices of a symbol."""

    bid_price: Decimal
    ask_price: Decimal
    mark_price: Decimal
    stale: bool


class Prices(Protocol):
    """market_data."""

    async def market_time_ms(self) -> int:
        """Return the newest market time heard of; 0 when nothing was."""
        ...

    async def quote(self, symbol: str) -> Quote:
        """Raise NotFound for a symbol that is not watched, Unavailable when there is no answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the store remembers of an earlier life."""

    trades: Sequence[Trade]
    income: Sequence[Income]
    peak: Peak
    newest_point: EquityPoint | None


class Store(Protocol):
    """The service's memory."""

    async def load(self) -> Kept: ...

    async def put_trade(self, tx: Transaction, trade: Trade) -> None:
        """Keep a trade; a closed one is never opened again."""
        ...

    async def add_income(self, rows: Sequence[Income]) -> Sequence[Income]:
        """Keep the rows that are not kept yet, and return those."""
        ...

    async def mark(self, peak: Peak, point: EquityPoint | None) -> None:
        """Keep the peak, and the point when there is one."""
        ...

    async def curve(self, from_market_time_ms: int, limit: int) -> Sequence[EquityPoint]:
        """Return the newest `limit` points from a market time on, oldest first."""
        ...


class Announcer(Protocol):
    """Makes a proposal known, durably."""

    async def proposed(self, proposal_id: str, proposal: Proposal) -> None: ...
