"""Facts the exchange reports. `market_ms` is market time; the server stamps wall time (E, T) when it sends them."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.exchange.views import AlgoView, IncomeView, OrderView, PositionView
from perpmesh.exchange.words import BalanceReason, Execution, Side, SymbolStatus


@dataclass(frozen=True, slots=True)
class OrderUpdated:
    """ORDER_TRADE_UPDATE. The fill fields are zero unless `execution` is TRADE or CALCULATED."""

    account: str
    order: OrderView
    execution: Execution
    market_ms: int
    last_price: Decimal = Decimal(0)
    last_quantity: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    realized: Decimal = Decimal(0)
    trade_id: int = 0
    maker: bool = False
    expire_reason: int = 0


@dataclass(frozen=True, slots=True)
class AccountUpdated:
    """ACCOUNT_UPDATE: the balance as it is now, and the positions that changed."""

    account: str
    reason: BalanceReason
    wallet: Decimal
    cross_wallet: Decimal
    balance_change: Decimal  # except PnL and commission
    positions: tuple[PositionView, ...]
    market_ms: int


@dataclass(frozen=True, slots=True)
class AlgoUpdated:
    """ALGO_UPDATE: a conditional order took a step along NEW, TRIGGERING, TRIGGERED, FINISHED."""

    account: str
    algo: AlgoView
    market_ms: int


@dataclass(frozen=True, slots=True)
class LeverageChanged:
    """ACCOUNT_CONFIG_UPDATE."""

    account: str
    symbol: str
    leverage: int
    market_ms: int


@dataclass(frozen=True, slots=True)
class MarginCalled:
    """MARGIN_CALL: the margin ratio passed 80 % (maintenance / balance), of the account or of one isolated position."""

    account: str
    cross_wallet: Decimal | None  # None when the call is for an isolated position
    positions: tuple[PositionView, ...]
    market_ms: int


@dataclass(frozen=True, slots=True)
class PositionLiquidated:
    """forceOrder: the exchange closed a position by force with this order."""

    account: str
    order: OrderView
    market_ms: int


@dataclass(frozen=True, slots=True)
class TradePrinted:
    """One print on the public tape, background trades included. `taker_side` SELL means the buyer was the maker."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    market_ms: int


@dataclass(frozen=True, slots=True)
class IncomeBooked:
    """A row was added to the account's income history."""

    account: str
    income: IncomeView
    market_ms: int


@dataclass(frozen=True, slots=True)
class SymbolChanged:
    """The symbol has another status or other filters: `Engine.specs` has them."""

    symbol: str
    status: SymbolStatus
    market_ms: int


Event = (
    OrderUpdated
    | AccountUpdated
    | AlgoUpdated
    | LeverageChanged
    | MarginCalled
    | PositionLiquidated
    | TradePrinted
    | IncomeBooked
    | SymbolChanged
)
