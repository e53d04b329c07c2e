"""One trade: flat to flat on one symbol, owned by one strategy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from perpmesh.execution.domain.words import CloseReason, Side, TradeStatus
from perpmesh.kernel.errors import InvariantViolated
from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.money import ZERO

T = TradeStatus
EXTERNAL = "external"  # the strategy of a trade whose position nobody here opened

# From each status, where a trade may go, and what takes it there.
MOVES: Mapping[TradeStatus, frozenset[TradeStatus]] = {
    T.OPENING: frozenset({T.OPEN, T.FAILED}),  # the first fill; the entry ended without one
    T.OPEN: frozenset({T.OPEN, T.PROTECTED, T.CLOSING, T.CLOSED}),  # a stop stands; an exit goes out; flat and booked
    T.PROTECTED: frozenset({T.PROTECTED, T.OPEN, T.CLOSING, T.CLOSED}),  # OPEN again: its stop is gone
    T.CLOSING: frozenset({T.CLOSING, T.OPEN, T.PROTECTED, T.CLOSED}),  # back: the exit did not close it all
    T.CLOSED: frozenset(),
    T.FAILED: frozenset({T.OPEN}),  # its lost entry surfaced
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade as the books have it. `stop_wish` and `take_profit_wish` are what it should be protected with."""

    trade_id: str
    symbol: str
    side: Side
    status: TradeStatus = TradeStatus.OPENING
    quantity: Decimal = ZERO  # entered, adds included
    entry_price: Decimal = ZERO
    exit_price: Decimal = ZERO
    stop_wish: Decimal = ZERO
    take_profit_wish: Decimal = ZERO
    stop_price: Decimal = ZERO  # of the stop that stands
    take_profit_price: Decimal = ZERO
    realized: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    initial_risk: Decimal = ZERO
    reference_price: Decimal = ZERO  # what the decision was made at
    entry_slippage: Decimal = ZERO
    strategy: str = ""
    decision_id: str = ""
    request_id: str = ""
    close_reason: str = ""
    first_fill_id: int = 0
    opened_ms: int = 0  # market time of the first fill
    closed_ms: int = 0
    filled_boot_ms: int = 0  # boot clock of the first fill; means nothing after a reboot
    unprotected_ms: int = 0
    announced: bool = False  # trade.opened was published
    created_ms: int = 0
    updated_ms: int = 0
    traceparent: str = ""

    @property
    def net_pnl(self) -> Decimal:
        return self.realized + self.commission + self.funding

    @property
    def is_open(self) -> bool:
        return not self.status.is_over


def trade_id_of(entry_client_id: str) -> str:
    """Return the id of the trade that an entry opens."""
    return derived_id("trade", entry_client_id)


def moved(trade: Trade, status: TradeStatus, now_ms: int, **changes: Any) -> Trade:
    """Return the trade in its next status; raise InvariantViolated when its life does not allow that."""
    if status not in MOVES[trade.status]:
        raise InvariantViolated(f"trade {trade.trade_id} cannot go from {trade.status.value} to {status.value}")
    return replace(trade, status=status, updated_ms=now_ms, **changes)


def opened(trade: Trade, quantity: Decimal, now_ms: int, boot_ms: int) -> Trade:
    """The entry was filled, or filled further: the position exists and is not yet protected."""
    return moved(trade, T.OPEN, now_ms, quantity=quantity, filled_boot_ms=trade.filled_boot_ms or boot_ms)


def protected(trade: Trade, stop: Decimal, now_ms: int, boot_ms: int) -> Trade:
    """A stop stands on the exchange. The first one tells what one R is, and how long the position was naked."""
    first = trade.initial_risk == ZERO and trade.entry_price > ZERO
    risk = risk_at(trade.entry_price, stop, trade.quantity, trade.side) if first else trade.initial_risk
    naked = trade.unprotected_ms or (max(1, boot_ms - trade.filled_boot_ms) if trade.filled_boot_ms else 0)
    return moved(trade, T.PROTECTED, now_ms, stop_price=stop, initial_risk=risk, unprotected_ms=naked)


def priced(trade: Trade, entry_price: Decimal, now_ms: int) -> Trade:
    """The price paid became known."""
    slippage = ZERO
    if trade.reference_price:
        slippage = (entry_price - trade.reference_price) * trade.side.sign / trade.reference_price
        slippage = slippage.quantize(Decimal("0.00000001"))
    risk = trade.initial_risk
    if not risk and trade.stop_price:
        risk = risk_at(entry_price, trade.stop_price, trade.quantity, trade.side)
    return replace(trade, entry_price=entry_price, entry_slippage=slippage, initial_risk=risk, updated_ms=now_ms)


def turned(trade: Trade, size: Decimal, entry: Decimal, now_ms: int) -> Trade:
    """Somebody else's order took the position through flat to the other side, which is theirs and needs a stop.

    No fill divides the two, so they stay one trade: booked as a whole when it is flat, to the cent.
    """
    return moved(
        trade, T.OPEN, now_ms, side=trade.side.other, strategy=EXTERNAL, quantity=size, entry_price=entry,
        stop_wish=ZERO, stop_price=ZERO, take_profit_wish=ZERO, take_profit_price=ZERO, initial_risk=ZERO,
    )  # fmt: skip


def risk_at(entry: Decimal, stop: Decimal, quantity: Decimal, side: Side) -> Decimal:
    """Return the loss at the stop before costs; never negative: a stop in profit risks nothing."""
    return max(ZERO, (entry - stop) * side.sign * quantity)


def closed(trade: Trade, reason: CloseReason, now_ms: int, **books: Any) -> Trade:
    """Flat and booked."""
    return moved(trade, T.CLOSED, now_ms, close_reason=reason.value, stop_price=ZERO, take_profit_price=ZERO, **books)
