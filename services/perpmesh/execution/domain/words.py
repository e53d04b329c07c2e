"""The closed vocabularies of execution."""

from enum import Enum

from perpmesh.kernel.ids import Leg

__all__ = ["Action", "CloseReason", "Leg", "OrderStatus", "Side", "Stage", "TradeStatus"]


class Side(Enum):
    """The direction of an order, and of the trade it opens."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def other(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Action(Enum):
    """What a decision asks for."""

    HOLD = "HOLD"
    LONG = "LONG"
    SHORT = "SHORT"
    CLOSE = "CLOSE"


class OrderStatus(Enum):
    """Where an order is in its life."""

    RECORDED = "RECORDED"
    SENT = "SENT"
    WORKING = "WORKING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"
    LOST = "LOST"
    REFUSED = "REFUSED"

    @property
    def is_final(self) -> bool:
        """Nothing more is expected of it; a LOST one may still surface, and is then taken up."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.REJECTED,
        OrderStatus.EXPIRED,
        OrderStatus.LOST,
        OrderStatus.REFUSED,
    }
)


class TradeStatus(Enum):
    """Where a trade is in its life."""

    OPENING = "OPENING"
    OPEN = "OPEN"
    PROTECTED = "PROTECTED"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"
    FAILED = "FAILED"

    @property
    def is_over(self) -> bool:
        return self in (TradeStatus.CLOSED, TradeStatus.FAILED)


class CloseReason(Enum):
    """How a trade ended."""

    STOP = "STOP"
    TAKE_PROFIT = "TAKE_PROFIT"
    EXIT = "EXIT"
    FLATTEN = "FLATTEN"
    TIME_STOP = "TIME_STOP"
    LIQUIDATION = "LIQUIDATION"
    ADL = "ADL"
    EXTERNAL = "EXTERNAL"


class Stage(Enum):
    """How much risk the safety core allows, from nothing to the policy's size."""

    SHADOW = 1
    PAPER = 2
    QUARTER = 3
    HALF = 4
    FULL = 5
