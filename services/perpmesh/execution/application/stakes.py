"""Everything at stake right now, from what the exchange shows and from what is on its way to it."""

from decimal import Decimal

from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.domain.exposure import Exposure, Stake
from perpmesh.execution.domain.facts import PositionFact
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade, risk_at
from perpmesh.execution.domain.words import Leg


def exposure_of(desk: Desk, ledger: Ledger) -> Exposure:
    """Return every position and every entry in flight.

    In flight is what a saga has reserved and, beside it, every entry in the log whose end is not known: so neither a
    restart nor an answer that does not come frees anything. While an entry's fill is taken in it counts twice.
    """
    held = [_held(position, desk.mark(position.symbol), ledger) for position in desk.positions.values()]
    unsettled = [
        _in_flight(order, desk.mark(order.symbol))
        for order in ledger.unsettled_anywhere()
        if order.leg is Leg.ENTRY and order.client_id not in desk.reservations and order.quantity > order.executed
    ]
    return Exposure((*held, *desk.reservations.values(), *unsettled))


def _held(position: PositionFact, mark: Decimal, ledger: Ledger) -> Stake:
    notional = position.size * (mark or position.entry)
    trade = ledger.trade(position.symbol)
    risk = notional if trade is None else _risk(trade, position, notional)
    return Stake(position.symbol, position.side, position.size, notional, risk)


def _risk(trade: Trade, position: PositionFact, notional: Decimal) -> Decimal:
    """Return the loss at the stop; all of a position's worth when no stop is known."""
    stop, entry = trade.stop_price or trade.stop_wish, trade.entry_price or position.entry
    return risk_at(entry, stop, position.size, trade.side) if stop and entry else notional


def _in_flight(order: Order, mark: Decimal) -> Stake:
    left = order.quantity - order.executed
    price = mark or order.trigger_price
    return Stake(
        order.symbol, order.side, left, left * price, risk_at(price, order.trigger_price, left, order.side)
    )  # fmt: skip
