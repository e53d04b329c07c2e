"""The books of one trade, from the exchange's own fills and income: to the cent, or not yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.facts import Fill, IncomeRow
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.money import ZERO

EIGHT = Decimal("0.00000001")
FUNDING = "FUNDING_FEE"
REALIZED = "REALIZED_PNL"
COMMISSION = "COMMISSION"
CLEARANCE = "INSURANCE_CLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a trade came to. Commission is negative when paid; it holds the liquidation's clearance too."""

    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    realized: Decimal
    commission: Decimal
    funding: Decimal
    first_fill_id: int
    opened_ms: int
    closed_ms: int
    last_order_id: str
    mismatch: str  # how the fills and the income differ; "" when they do not


def flat_to_flat(fills: Sequence[Fill]) -> list[Fill] | None:
    """Return the fills from the first one until the position is flat again; None while it is not."""
    signed, taken = ZERO, []
    for fill in sorted(fills, key=lambda one: one.trade_id):
        signed += fill.quantity * fill.side.sign
        taken.append(fill)
        if signed == 0:
            return taken
    return None


def turned_without_a_stop(fills: Sequence[Fill], signed: Decimal) -> bool:
    """Whether one fill took the position through flat to `signed`: no fill ends the one and begins the other."""
    return flat_to_flat(fills) is None and sum((fill.quantity * fill.side.sign for fill in fills), ZERO) == signed


def opening_of(fills: Sequence[Fill], signed: Decimal) -> list[Fill]:
    """Return the fills that made the position `signed`, walking back from now to the last time it was flat.

    None when the fills do not reach back to that time: what is left of them would begin in the middle.
    """
    made: list[Fill] = []
    for fill in sorted(fills, key=lambda one: one.trade_id, reverse=True):
        if signed == 0:
            break
        signed -= fill.quantity * fill.side.sign
        made.append(fill)
    return list(reversed(made)) if signed == 0 else []


def newest_run(fills: Sequence[Fill]) -> list[Fill]:
    """Return the newest fills that run from flat to flat, the position being flat now; none when they begin earlier."""
    signed, taken = ZERO, []
    for fill in sorted(fills, key=lambda one: one.trade_id, reverse=True):
        signed -= fill.quantity * fill.side.sign
        taken.append(fill)
        if signed == 0:
            return list(reversed(taken))
    return []


def average_price(fills: Iterable[Fill]) -> Decimal:
    """Return the price per unit, to the exchange's eight places; 0 without fills."""
    pairs = [(fill.price * fill.quantity, fill.quantity) for fill in fills]
    quantity = sum((size for _, size in pairs), ZERO)
    return (sum((worth for worth, _ in pairs), ZERO) / quantity).quantize(EIGHT) if quantity else ZERO


def is_complete(fills: Iterable[Fill], income: Iterable[IncomeRow]) -> bool:
    """Whether the income history has caught up with the fills: it is written after them."""
    booked = {(row.kind, row.trade_id) for row in income}
    return all(
        (not fill.commission or (COMMISSION, fill.trade_id) in booked)
        and (not fill.realized or (REALIZED, fill.trade_id) in booked)
        for fill in fills
    )


def books_of(side: Side, fills: Sequence[Fill], income: Sequence[IncomeRow]) -> Books:
    """Return the books of a trade whose fills run from flat to flat."""
    ids = {fill.trade_id for fill in fills}
    opened_ms, closed_ms = fills[0].time_ms, fills[-1].time_ms
    own = [row for row in income if row.kind in (REALIZED, COMMISSION) and row.trade_id in ids]
    within = [row for row in income if opened_ms <= row.time_ms <= closed_ms]
    realized = _sum(own, REALIZED)
    fees = _sum(own, COMMISSION)
    entries = [fill for fill in fills if fill.side is side]
    return Books(
        quantity=sum((fill.quantity for fill in entries), ZERO),
        entry_price=average_price(entries),
        exit_price=average_price(fill for fill in fills if fill.side is not side),
        realized=realized,
        commission=fees + _sum(within, CLEARANCE),
        funding=_sum(within, FUNDING),
        first_fill_id=fills[0].trade_id,
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        last_order_id=fills[-1].order_id,
        mismatch=_mismatch(fills, realized, fees),
    )


def _sum(rows: Iterable[IncomeRow], kind: str) -> Decimal:
    return sum((row.amount for row in rows if row.kind == kind), ZERO)


def _mismatch(fills: Sequence[Fill], realized: Decimal, fees: Decimal) -> str:
    gained = sum((fill.realized for fill in fills), ZERO)
    paid = -sum((fill.commission for fill in fills), ZERO)
    doubt = EIGHT * len(fills)  # each row is rounded by itself
    parts = []
    if abs(gained - realized) > doubt:
        parts.append(f"realised PnL of the fills {gained}, of the income {realized}")
    if abs(paid - fees) > doubt:
        parts.append(f"commission of the fills {paid}, of the income {fees}")
    return "; ".join(parts)
