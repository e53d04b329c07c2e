"""What execution needs from the world, in its own words. Adapters provide it; tests provide the exchange itself."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from perpmesh.execution.domain.dry_run import Judgement
from perpmesh.execution.domain.events import Event
from perpmesh.execution.domain.exchange_clock import Sample
from perpmesh.execution.domain.facts import (
    ONE_WAY,
    AccountFact,
    AlgoReport,
    Fill,
    IncomeRow,
    OrderReport,
    PositionFact,
    PriceFact,
)
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.remedies import Remedy, remedy_of
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Action, Side
from perpmesh.kernel.errors import Unavailable
from perpmesh.kernel.instrument import Instrument

Sleep = Callable[[float], Awaitable[None]]


class VenueRefused(Unavailable):
    """The exchange said no: nothing was done. Whoever asked us hears that it cannot be done now."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.remedy: Remedy = remedy_of(code, status)


class VenueSilent(Unavailable):
    """No answer, or one that says nothing: it may have been done."""


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry as it will go out: signed, with its timestamp and recvWindow inside. Only its venue can read it."""

    client_id: str
    body: Any


class Venue(Protocol):
    """The exchange. Everything may raise VenueRefused or VenueSilent."""

    def sign_entry(
        self, *, symbol: str, side: Side, quantity: Decimal, client_id: str, timestamp_ms: int, window_ms: int
    ) -> SignedEntry:
        """Return a market order, ready to go out and good only within its window."""
        ...

    async def send_entry(self, entry: SignedEntry) -> OrderReport: ...

    async def reduce(
        self, *, symbol: str, side: Side, quantity: Decimal, client_id: str, position_side: str = ONE_WAY
    ) -> OrderReport:
        """Place a market order that can only reduce: reduce-only, or in hedge mode against the leg it names."""
        ...

    async def place_conditional(
        self, *, symbol: str, side: Side, kind: str, trigger: Decimal, client_id: str, quantity: Decimal | None = None
    ) -> AlgoReport:
        """Place a conditional order on the mark price: for the whole position, or reduce-only for a quantity."""
        ...

    async def cancel_order(self, symbol: str, client_id: str) -> None: ...
    async def cancel_conditional(self, client_id: str) -> None: ...

    async def order(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> OrderReport | None:
        """Return one order, or None when the exchange does not know it (which may prove nothing)."""
        ...

    async def conditional(self, client_id: str) -> AlgoReport | None: ...
    async def open_orders(self, symbol: str) -> Sequence[OrderReport]: ...
    async def open_conditionals(self, symbol: str) -> Sequence[AlgoReport]: ...

    async def positions(self, symbol: str = "") -> Sequence[PositionFact]:
        """Return the positions that are not flat."""
        ...

    async def account(self) -> AccountFact: ...

    async def fills(self, symbol: str, *, order_id: str = "", from_id: int = 0) -> Sequence[Fill]:
        """Return fills, oldest first: of one order, or from one fill on, or else the newest ones."""
        ...

    async def income(self, symbol: str, start_ms: int) -> Sequence[IncomeRow]: ...
    async def instruments(self) -> Mapping[str, Instrument]: ...
    async def clock_sample(self) -> Sample: ...

    async def account_trouble(self) -> str:
        """Return "" or why the account may not be traded: HEDGE_MODE, MULTI_ASSETS_MODE, BNB_FEE_BURN."""
        ...

    async def prepare_symbol(self, symbol: str, leverage: int) -> int:
        """Set leverage and margin type; fine when they are so already. Return the leverage that stands then."""
        ...

    async def brackets(self) -> Mapping[str, Sequence[Bracket]]:
        """Return the maintenance margin tiers of every symbol, lowest first."""
        ...

    async def countdown(self, symbol: str, wait_ms: int) -> None:
        """Let the exchange cancel all ordinary orders of a symbol after `wait_ms`, unless asked again; 0: not."""
        ...

    def budget_left(self) -> bool:
        """Whether an entry would leave the exits' reserve untouched."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWork:
    """A decision that waits to be acted on."""

    decision_id: str
    symbol: str
    action: Action
    quantity: Decimal
    reference_price: Decimal
    stop_price: Decimal
    take_profit_price: Decimal
    strategy: str
    amplification: bool
    expires_at_ms: int
    traceparent: str


class Log(Protocol):
    """The durable record: orders, trades, decisions, and the events that go out with them."""

    async def commit(
        self,
        *,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        events: Sequence[Event] = (),
        judgements: Sequence[Judgement] = (),
    ) -> None:
        """Write all of it or nothing; durable when it returns."""
        ...

    async def judgements(self, *, before: int, limit: int) -> Sequence[tuple[int, Judgement | None]]:
        """Return what the gate judged last, newest first, each with its number; None: it cannot be read any more.

        `before` is the number to go on below; 0 begins with the newest. Only the newest few thousand are kept.
        """
        ...

    async def order(self, client_id: str) -> Order | None: ...
    async def orders_of(self, trade_id: str) -> Sequence[Order]: ...
    async def unsettled_orders(self) -> Sequence[Order]: ...
    async def trade(self, trade_id: str) -> Trade | None: ...
    async def open_trades(self) -> Sequence[Trade]: ...

    async def closed_trades(self, limit: int) -> Sequence[Trade]:
        """Return the newest closed trades, newest first."""
        ...

    async def trim(self, before_ms: int, limit: int) -> int:
        """Forget at most `limit` each of the orders, trades and decisions that ended before then; say how many.

        Kept are lost orders, which may still surface, and everything of a trade of which something is kept.
        """
        ...

    async def pending_decisions(self) -> Sequence[DecisionWork]: ...
    async def finish_decision(self, decision_id: str) -> None: ...


class Prices(Protocol):
    """The newest prices, held in memory."""

    def price(self, symbol: str) -> PriceFact | None: ...
    def newest(self) -> PriceFact | None: ...


class Policies(Protocol):
    """The policies this service has adopted."""

    @property
    def revision(self) -> int: ...

    def decimal(self, key: str) -> Decimal: ...
    def integer(self, key: str) -> int: ...
    def text(self, key: str) -> str: ...


class Diary(Protocol):
    """Where the service says what it does, for people."""

    def info(self, event: str, **facts: Any) -> Any: ...
    def warning(self, event: str, **facts: Any) -> Any: ...
    def error(self, event: str, **facts: Any) -> Any: ...
