"""The closed vocabularies of the exchange, spelled as its wire spells them."""

from enum import IntEnum, StrEnum


class Side(StrEnum):
    sign: int
    other: "Side"

    BUY = "BUY"
    SELL = "SELL"


# Attributes, for they are read with every command: a property of an enum costs ten times as much.
Side.BUY.sign, Side.SELL.sign = 1, -1
Side.BUY.other, Side.SELL.other = Side.SELL, Side.BUY


class PositionSide(StrEnum):
    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class OrderType(StrEnum):
    is_conditional: bool

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"


for _type in OrderType:
    _type.is_conditional = _type not in (OrderType.LIMIT, OrderType.MARKET)


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"  # post only
    GTD = "GTD"
    GTE_GTC = "GTE_GTC"  # shown on closePosition orders: good while the position exists


class OrderStatus(StrEnum):
    is_open: bool

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


for _status in OrderStatus:
    _status.is_open = _status in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class Execution(StrEnum):
    """What happened to an order: field `x` of ORDER_TRADE_UPDATE."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    CALCULATED = "CALCULATED"  # a fill that the exchange forced: liquidation, deleveraging, delisting
    AMENDMENT = "AMENDMENT"


class AlgoStatus(StrEnum):
    NEW = "NEW"
    CANCELED = "CANCELED"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class WorkingType(StrEnum):
    CONTRACT_PRICE = "CONTRACT_PRICE"
    MARK_PRICE = "MARK_PRICE"


class MarginType(StrEnum):
    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


class SelfTrade(StrEnum):
    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class PriceMatch(StrEnum):
    """A price taken from the book: the n-th best of the other side (OPPONENT) or of the order's own (QUEUE)."""

    NONE = "NONE"
    OPPONENT = "OPPONENT"
    OPPONENT_5 = "OPPONENT_5"
    OPPONENT_10 = "OPPONENT_10"
    OPPONENT_20 = "OPPONENT_20"
    QUEUE = "QUEUE"
    QUEUE_5 = "QUEUE_5"
    QUEUE_10 = "QUEUE_10"
    QUEUE_20 = "QUEUE_20"

    @property
    def is_opponent(self) -> bool:
        return self.value.startswith("OPPONENT")

    @property
    def depth(self) -> int:
        """Return which price level from the best one is meant, counted from 1."""
        return int(self.value.partition("_")[2] or 1)


class MarginChange(IntEnum):
    """What is done to the margin of an isolated position: `type` of positionMargin."""

    ADD = 1
    REDUCE = 2


class SymbolStatus(StrEnum):
    """`status` of exchangeInfo, in the order of a contract's life."""

    PENDING_TRADING = "PENDING_TRADING"
    TRADING = "TRADING"
    PRE_SETTLE = "PRE_SETTLE"
    SETTLING = "SETTLING"
    CLOSE = "CLOSE"

    @property
    def is_matched(self) -> bool:
        """Return whether orders still meet."""
        return self in (SymbolStatus.TRADING, SymbolStatus.PRE_SETTLE)

    @property
    def is_over(self) -> bool:
        return self in (SymbolStatus.SETTLING, SymbolStatus.CLOSE)


class IncomeType(StrEnum):
    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


class BalanceReason(StrEnum):
    """Why a balance or position changed: field `m` of ACCOUNT_UPDATE."""

    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    ORDER = "ORDER"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"
    MARGIN_TRANSFER = "MARGIN_TRANSFER"


class ExpireReason:
    """Why an order expired: field `er` of ORDER_TRADE_UPDATE."""

    NONE = 0
    SELF_TRADE = 1
    IOC_REMAINDER = 2
    IOC_AND_SELF_TRADE = 3
    REDUCE_ONLY = 4
    LIQUIDATION = 5
    NO_POSITION = 6
    DELISTED = 7
    MARKET_REMAINDER = 9


# Until Python 3.12 a class finds its members through a descriptor written in Python, ten times slower than a plain
# attribute; the machine reads some twenty of them with each command.
for _kind in (
    Side,
    PositionSide,
    OrderType,
    TimeInForce,
    OrderStatus,
    Execution,
    AlgoStatus,
    WorkingType,
    SelfTrade,
    PriceMatch,
    SymbolStatus,
    IncomeType,
    BalanceReason,
):
    for _name, _member in _kind.__members__.items():
        type.__setattr__(_kind, _name, _member)
