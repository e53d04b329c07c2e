"""What the exchange says, in our words. The adapter fills these in; nothing else comes from there."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.words import OrderStatus, Side
from perpmesh.kernel.money import ZERO

ONE_WAY = "BOTH"  # the only position side of an account that is not hedged
STOP_TYPES = ("STOP_MARKET", "TRAILING_STOP_MARKET")
TAKE_PROFIT_TYPES = ("TAKE_PROFIT_MARKET",)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """One ordinary order. `average` is 0 while the exchange has not told it."""

    client_id: str
    exchange_id: str
    symbol: str
    side: Side
    status: OrderStatus
    executed: Decimal
    average: Decimal = ZERO
    reduce_only: bool = False
    time_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoReport:
    """One conditional order. `status` is the exchange's word: NEW, TRIGGERED, FINISHED, CANCELED."""

    client_id: str
    exchange_id: str
    symbol: str
    side: Side
    type: str
    status: str
    trigger_price: Decimal
    quantity: Decimal = ZERO
    close_position: bool = False
    reduce_only: bool = False
    actual_order_id: str = ""
    actual_quantity: Decimal = ZERO
    actual_price: Decimal = ZERO
    reject_reason: str = ""

    @property
    def stands(self) -> bool:
        return self.status == "NEW"

    @property
    def only_reduces(self) -> bool:
        return self.close_position or self.reduce_only


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFact:
    """One net position, or one leg of a hedged account: LONG or SHORT, which are never netted."""

    symbol: str
    signed: Decimal
    position_side: str = ONE_WAY
    entry: Decimal = ZERO
    mark: Decimal = ZERO
    unrealized: Decimal = ZERO
    liquidation: Decimal = ZERO
    notional: Decimal = ZERO

    @property
    def size(self) -> Decimal:
        return abs(self.signed)

    @property
    def is_hedge_leg(self) -> bool:
        return self.position_side != ONE_WAY

    @property
    def side(self) -> Side:
        """The side that opened it; meaningless when it is flat."""
        return Side.BUY if self.signed > 0 else Side.SELL


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of one of our orders. `time_ms` is market time; commission is positive when paid."""

    trade_id: int
    order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    realized: Decimal
    commission: Decimal
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeRow:
    """One change of the wallet, as the exchange booked it. `time_ms` is market time."""

    kind: str
    amount: Decimal
    time_ms: int
    trade_id: int = 0
    tran_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFact:
    """The account in USDT."""

    wallet: Decimal
    equity: Decimal  # with unrealised PnL at the marks of that moment
    available: Decimal
    positions: tuple["PositionFact", ...] = ()  # of the same moment: size and notional


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFact:
    """The newest price of a symbol, and when it reached us by the boot clock."""

    symbol: str
    last: Decimal
    mark: Decimal
    bid: Decimal
    ask: Decimal
    market_time_ms: int
    heard_boot_ms: int
    stale: bool = False
    funding_rate: Decimal = ZERO  # estimated, of the next payment; told together with the mark

    @property
    def fair(self) -> Decimal:
        """Return the mark, or the last trade while no mark is known."""
        return self.mark or self.last

    def pays(self, side: Side) -> Decimal:
        """Return what a market order would pay now: the far side of the spread, or the fair price without one."""
        return (self.ask if side is Side.BUY else self.bid) or self.fair
