"""Facts that execution tells the mesh, and the rule by which each is told exactly once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import OrderStatus, TradeStatus
from perpmesh.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    order: Order


@dataclass(frozen=True, slots=True)
class OrderFilled:
    order: Order


@dataclass(frozen=True, slots=True)
class OrderCanceled:
    order: Order


@dataclass(frozen=True, slots=True)
class OrderRejected:
    order: Order


@dataclass(frozen=True, slots=True)
class OrderRefused:
    order: Order


@dataclass(frozen=True, slots=True)
class TradeOpened:
    trade: Trade


@dataclass(frozen=True, slots=True)
class TradeClosed:
    trade: Trade
    equity: str


Event: TypeAlias = OrderPlaced | OrderFilled | OrderCanceled | OrderRejected | OrderRefused | TradeOpened | TradeClosed

_AT_EXCHANGE = (
    OrderStatus.WORKING,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.EXPIRED,
)
_ENDINGS: dict[OrderStatus, Callable[[Order], Event]] = {
    OrderStatus.FILLED: OrderFilled,
    OrderStatus.CANCELED: OrderCanceled,
    OrderStatus.EXPIRED: OrderCanceled,
    OrderStatus.LOST: OrderCanceled,
    OrderStatus.REJECTED: OrderRejected,
    OrderStatus.REFUSED: OrderRefused,
}


def told_order(order: Order) -> tuple[Order, list[Event]]:
    """Return the order with its marks set, and the events that are due. An executed order waits for its price."""
    events: list[Event] = []
    if order.executed > ZERO and order.average == ZERO:
        return order, events
    if order.status in _AT_EXCHANGE and not order.announced:
        order = replace(order, announced=True)
        events.append(OrderPlaced(order))
    if order.status in _ENDINGS and not order.concluded:
        order = replace(order, concluded=True)
        events.append(_ENDINGS[order.status](order))
    return order, events


def told_trade(trade: Trade, equity: str) -> tuple[Trade, list[Event]]:
    """The same for a trade: opened once its entry price is known, closed once it is booked."""
    events: list[Event] = []
    if not trade.announced and trade.entry_price > ZERO and trade.status is not TradeStatus.FAILED:
        trade = replace(trade, announced=True)
        events.append(TradeOpened(trade))
    if trade.status is TradeStatus.CLOSED:
        events.append(TradeClosed(trade, equity))
    return trade, events
