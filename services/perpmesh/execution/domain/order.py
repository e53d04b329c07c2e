"""One order of the command log, and the table of the moves that its life allows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from perpmesh.execution.domain.facts import OrderReport
from perpmesh.execution.domain.words import Leg, OrderStatus, Side
from perpmesh.kernel.errors import InvariantViolated
from perpmesh.kernel.money import ZERO

S = OrderStatus
_ENDS = frozenset({S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED})
_ANSWERS = frozenset({S.WORKING, S.PARTIALLY_FILLED}) | _ENDS

# From each status, where an order may go, and what takes it there.
MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    S.RECORDED: frozenset({S.SENT, S.REFUSED}),  # it goes out, or our own gate (or a restart) stops it first
    S.SENT: _ANSWERS | {S.UNKNOWN, S.REFUSED, S.LOST},  # answered; not answered; the lease had ended before the send
    S.UNKNOWN: _ANSWERS | {S.UNKNOWN, S.LOST},  # found by its client id; proved never to have arrived
    S.WORKING: _ANSWERS | {S.UNKNOWN},
    S.PARTIALLY_FILLED: _ANSWERS | {S.UNKNOWN},
    S.LOST: _ANSWERS,  # it surfaced after all
    S.FILLED: frozenset({S.FILLED}),  # its price became known
    S.CANCELED: frozenset({S.CANCELED}),
    S.EXPIRED: frozenset({S.EXPIRED}),
    S.REJECTED: frozenset(),
    S.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the log has it. `quantity` 0 means: whatever the position is when it triggers."""

    client_id: str
    symbol: str
    side: Side
    leg: Leg
    type: str
    quantity: Decimal = ZERO
    trigger_price: Decimal = ZERO
    status: OrderStatus = OrderStatus.RECORDED
    executed: Decimal = ZERO
    average: Decimal = ZERO
    reason: str = ""
    reasons: str = ""  # machine words of a refusal, comma-separated
    error_code: int = 0
    exchange_id: str = ""
    decision_id: str = ""
    request_id: str = ""
    trade_id: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    sent_ms: int = 0  # its timestamp, exchange time
    window_ms: int = 0  # its recvWindow
    announced: bool = False  # order.placed was published
    concluded: bool = False  # how it ended was published
    traceparent: str = ""

    @property
    def remaining_unknown_until_ms(self) -> int:
        """Exchange time before which "not found" proves nothing."""
        return self.sent_ms + self.window_ms + NOT_FOUND_GRACE_MS


NOT_FOUND_GRACE_MS = 10_000


def moved(order: Order, status: OrderStatus, now_ms: int, **changes: Any) -> Order:
    """Return the order in its next status; raise InvariantViolated when its life does not allow that."""
    if status not in MOVES[order.status]:
        raise InvariantViolated(f"order {order.client_id} cannot go from {order.status.value} to {status.value}")
    return replace(order, status=status, updated_ms=now_ms, **changes)


def reported(order: Order, report: OrderReport, now_ms: int) -> Order:
    """Return the order as the exchange says it is; what is known is never forgotten."""
    if order.status.is_final and order.status not in (S.LOST, report.status):
        return order  # old news
    return moved(
        order,
        report.status,
        now_ms,
        executed=max(order.executed, report.executed),
        average=report.average or order.average,
        exchange_id=report.exchange_id or order.exchange_id,
        sent_ms=order.sent_ms or report.time_ms,
    )
