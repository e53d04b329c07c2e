"""Facts the exchange reports. `market_ms` is market time; the server stamps wall time (E, T) when it sends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final, NamedTuple

from perpmesh.exchange import present
from perpmesh.exchange.state import Income
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import AlgoView, IncomeView, OrderView, PositionView
from perpmesh.exchange.words import BalanceReason, Execution, OrderStatus, Side, SymbolStatus


class Lazy:
    """A fact that copied a few integers when it happened and makes Decimals of them when it is read."""

    __slots__ = ()
    shown: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lazy) and type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        pairs = zip(self.shown, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.shown)


class Fill(NamedTuple):
    """What one order got of one trade: ticks, lots, money units."""

    price: int
    lots: int
    commission: int
    realized: int
    trade_id: int
    maker: bool


WORD_NUMBERS: Final[dict[str, int]] = {
    word: number for number, word in enumerate(dict.fromkeys([*OrderStatus, *Execution, *BalanceReason]))
}
NO_FILL: Final = Fill(0, 0, 0, 0, 0, maker=False)


class OrderUpdated(Lazy):
    """ORDER_TRADE_UPDATE. The fill fields are zero unless `execution` is TRADE or CALCULATED."""

    __slots__ = ("_fill", "_now", "_view", "account", "execution", "expire_reason", "market_ms", "modify_id")
    shown = (
        "account",
        "order",
        "execution",
        "market_ms",
        "last_price",
        "last_quantity",
        "commission",
        "realized",
        "trade_id",
        "maker",
        "expire_reason",
        "modify_id",
    )

    def __init__(
        self,
        account: str,
        now: present.OrderNow,
        execution: Execution,
        market_ms: int,
        expire_reason: int = 0,
        fill: Fill = NO_FILL,
        modify_id: int = 0,
    ) -> None:
        self.account = account
        self.execution = execution
        self.market_ms = market_ms
        self.expire_reason = expire_reason
        self.modify_id = modify_id  # the caller's own, of an amendment
        self._now = now
        self._fill = fill
        self._view: OrderView | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return what the fact says, as integers."""
        _, order, price, quantity, executed, quote, status, update_time, *_ = self._now
        said = (order.order_id, price, quantity, executed, quote, update_time, self.expire_reason)
        return *said, WORD_NUMBERS[status], WORD_NUMBERS[self.execution], *self._fill

    @property
    def now(self) -> present.OrderNow:
        """Return what may have changed since of the order, as it was then, and the order for the rest."""
        return self._now

    @property
    def fill(self) -> Fill:
        """Return what the order got, in integers; zeros when it got nothing."""
        return self._fill

    @property
    def order(self) -> OrderView:
        """Return the order as it was then."""
        if self._view is None:
            self._view = present.order_view_of(self._now)
        return self._view

    @property
    def last_price(self) -> Decimal:
        return self._now[0].price(self._fill.price)

    @property
    def last_quantity(self) -> Decimal:
        return self._now[0].quantity(self._fill.lots)

    @property
    def commission(self) -> Decimal:
        return present.money(self._fill.commission)

    @property
    def realized(self) -> Decimal:
        return present.money(self._fill.realized)

    @property
    def trade_id(self) -> int:
        return self._fill.trade_id

    @property
    def maker(self) -> bool:
        return self._fill.maker


class AccountUpdated(Lazy):
    """ACCOUNT_UPDATE: the balance as it is now, and the positions that changed."""

    __slots__ = (
        "_balance_change",
        "_cross_wallet",
        "_positions",
        "_views",
        "_wallet",
        "account",
        "market_ms",
        "reason",
        "symbol",
    )
    shown = ("account", "reason", "wallet", "cross_wallet", "balance_change", "positions", "market_ms", "symbol")

    def __init__(
        self,
        account: str,
        reason: BalanceReason,
        balances: tuple[int, int, int],
        positions: Sequence[present.PositionNow],
        market_ms: int,
        symbol: str = "",
    ) -> None:
        """Take `balances` in money units: wallet, cross wallet, and what changed except by PnL and commission."""
        self.account = account
        self.reason = reason
        self.market_ms = market_ms
        self.symbol = symbol  # whose funding was paid; "" for other reasons
        self._wallet, self._cross_wallet, self._balance_change = balances
        self._positions = positions
        self._views: tuple[PositionView, ...] | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return what the fact says, as integers; a position by its size and cost, from which the rest follows."""
        said = self._wallet, self._cross_wallet, self._balance_change, WORD_NUMBERS[self.reason]
        return *said, *(part for now in self._positions for part in (now.position.lots, now.position.cost))

    @property
    def wallet(self) -> Decimal:
        return present.money(self._wallet)

    @property
    def cross_wallet(self) -> Decimal:
        return present.money(self._cross_wallet)

    @property
    def balance_change(self) -> Decimal:
        """Return the change of the wallet except PnL and commission."""
        return present.money(self._balance_change)

    @property
    def positions(self) -> tuple[PositionView, ...]:
        """Return the positions as they were then."""
        if self._views is None:
            self._views = tuple(present.position_view_of(now) for now in self._positions)
        return self._views


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


class TradePrinted(Lazy):
    """One print on the public tape, background trades included. `taker_side` SELL means the buyer was the maker."""

    __slots__ = ("_lots", "_spec", "_ticks", "market_ms", "symbol", "taker_side", "trade_id")
    shown = ("symbol", "trade_id", "price", "quantity", "taker_side", "market_ms")

    def __init__(
        self, spec: SymbolSpec, trade_id: int, ticks: int, lots: int, taker_side: Side, market_ms: int
    ) -> None:
        self.symbol = spec.symbol
        self.trade_id = trade_id
        self.taker_side = taker_side
        self.market_ms = market_ms
        self._spec = spec
        self._ticks = ticks
        self._lots = lots

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return what the fact says, as integers."""
        spec = self._spec
        return self.trade_id, self._ticks * spec.tick_units, self._lots * spec.lot_size_units, len(self.taker_side)

    @property
    def price(self) -> Decimal:
        return self._spec.price(self._ticks)

    @property
    def quantity(self) -> Decimal:
        return self._spec.quantity(self._lots)


class IncomeBooked(Lazy):
    """A row was added to the account's income history."""

    __slots__ = ("account", "market_ms", "row")
    shown = ("account", "income", "market_ms")

    def __init__(self, account: str, row: Income, market_ms: int) -> None:
        self.account = account
        self.row = row  # in money units; nobody changes it any more
        self.market_ms = market_ms

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return what the fact says, as integers."""
        row = self.row
        return row.tran_id, row.amount, row.trade_id, row.time

    @property
    def income(self) -> IncomeView:
        return present.income_view(self.row)


@dataclass(frozen=True, slots=True)
class SymbolChanged:
    """The symbol has another status or other filters: `Engine.specs` has them."""

    symbol: str
    status: SymbolStatus
    market_ms: int


@dataclass(frozen=True, slots=True)
class BookChanged:
    """A recorded change of the background's book, as it was given."""

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    first_id: int
    last_id: int
    market_ms: int


@dataclass(frozen=True, slots=True)
class BestQuoted:
    """A recorded best bid and ask, as they were given."""

    symbol: str
    bid: tuple[Decimal, Decimal]
    ask: tuple[Decimal, Decimal]
    update_id: int
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
    | BookChanged
    | BestQuoted
)
