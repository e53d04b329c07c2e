"""What can be read from the exchange: frozen, in Decimals. Each time field says which clock it is on."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.exchange.words import (
    AlgoStatus,
    IncomeType,
    MarginChange,
    MarginType,
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTrade,
    Side,
    TimeInForce,
    WorkingType,
)


@dataclass(frozen=True, slots=True)
class OrderView:
    """An ordinary order. `time` and `update_time` are wall clock: clients compare them with serverTime."""

    account: str
    symbol: str
    order_id: int
    client_order_id: str
    side: Side
    position_side: PositionSide
    type: OrderType
    orig_type: OrderType  # the conditional type, for an order that a trigger created
    time_in_force: TimeInForce
    price: Decimal
    quantity: Decimal
    executed: Decimal
    cum_quote: Decimal
    avg_price: Decimal
    status: OrderStatus
    reduce_only: bool
    close_position: bool
    stop_price: Decimal
    working_type: WorkingType
    price_protect: bool
    self_trade: SelfTrade
    good_till_date: int
    time: int
    update_time: int
    market_time: int  # market time of the last change
    price_match: PriceMatch = PriceMatch.NONE


@dataclass(frozen=True, slots=True)
class AlgoView:
    """A conditional order. The times are wall clock."""

    account: str
    symbol: str
    algo_id: int
    client_algo_id: str
    side: Side
    position_side: PositionSide
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    status: AlgoStatus
    actual_order_id: int  # 0 until triggered
    actual_price: Decimal
    actual_quantity: Decimal
    actual_type: OrderType | None
    working_type: WorkingType
    close_position: bool
    price_protect: bool
    reduce_only: bool
    activate_price: Decimal
    callback_rate: Decimal
    self_trade: SelfTrade
    good_till_date: int
    create_time: int
    update_time: int
    trigger_time: int
    reject_reason: str
    price_match: PriceMatch = PriceMatch.NONE
    activated: bool = False  # a trailing stop follows the price


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position, or the empty place of one. `update_time` is wall clock."""

    symbol: str
    position_side: PositionSide
    amount: Decimal  # signed
    entry_price: Decimal
    break_even_price: Decimal
    mark_price: Decimal
    unrealized: Decimal
    realized: Decimal  # accumulated, before fees: field `cr` of ACCOUNT_UPDATE
    liquidation_price: Decimal  # 0 when there is none
    margin_type: MarginType
    isolated_wallet: Decimal
    isolated_margin: Decimal  # isolated wallet + unrealised
    notional: Decimal  # signed
    leverage: int
    max_notional: Decimal
    initial_margin: Decimal
    maint_margin: Decimal
    position_initial_margin: Decimal
    open_order_initial_margin: Decimal
    bid_notional: Decimal
    ask_notional: Decimal
    adl: int  # 0 (last to be deleveraged) to 4; always 0 in facts
    update_time: int

    @property
    def is_isolated(self) -> bool:
        return self.margin_type is MarginType.ISOLATED


@dataclass(frozen=True, slots=True)
class AccountView:
    """The whole account in USDT. `positions` has every symbol (and both sides in hedge mode)."""

    account: str
    dual_side: bool
    wallet: Decimal
    unrealized: Decimal
    margin_balance: Decimal
    maint_margin: Decimal
    initial_margin: Decimal
    position_initial_margin: Decimal
    open_order_initial_margin: Decimal
    cross_wallet: Decimal
    cross_unrealized: Decimal
    available: Decimal
    max_withdraw: Decimal
    update_time: int  # wall clock
    positions: tuple[PositionView, ...]
    fee_tier: int = 0


@dataclass(frozen=True, slots=True)
class TradeView:
    """A fill of one of the account's orders. `time` is market time."""

    account: str
    symbol: str
    trade_id: int
    order_id: int
    side: Side
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    quote: Decimal
    realized: Decimal
    commission: Decimal  # positive: paid
    maker: bool
    time: int
    wall_time: int


@dataclass(frozen=True, slots=True)
class IncomeView:
    """One change of the wallet. The sum of all of them is the wallet. `time` is market time."""

    symbol: str  # "" for transfers
    type: IncomeType
    amount: Decimal
    info: str
    time: int
    tran_id: int
    trade_id: int  # 0 when no trade caused it


@dataclass(frozen=True, slots=True)
class AmendmentView:
    """One row of orderAmendment. `time` is wall clock, as all times of orders are."""

    amendment_id: int
    symbol: str
    order_id: int
    client_order_id: str
    price_before: Decimal
    price_after: Decimal
    quantity_before: Decimal
    quantity_after: Decimal
    count: int  # how often the order has been changed, this time included
    modify_id: int  # the caller's own; 0 when there was none
    time: int


@dataclass(frozen=True, slots=True)
class MarginChangeView:
    """One row of positionMargin/history. `time` is wall clock."""

    symbol: str
    position_side: PositionSide
    type: MarginChange
    amount: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class CommissionView:
    """What the account pays of a trade's value in a symbol, as fractions."""

    symbol: str
    maker: Decimal
    taker: Decimal


@dataclass(frozen=True, slots=True)
class Counters:
    """The numbers that the next order, conditional order and income will have, and each symbol's last trade has."""

    order_id: int
    algo_id: int
    tran_id: int
    trade_ids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SettingsView:
    """A symbol's settings for an account."""

    symbol: str
    leverage: int
    margin_type: MarginType
    max_notional: Decimal


@dataclass(frozen=True, slots=True)
class DepthView:
    """The public book, best levels first: the background's liquidity and our accounts' orders together."""

    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class MarketView:
    """What is known of a symbol's prices; 0 when not yet known. `time` is market time."""

    symbol: str
    last: Decimal
    mark: Decimal
    index: Decimal
    funding_rate: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class LedgerView:
    """Where all the money is. wallets − cost of holdings + fees + insurance + background = deposits, exactly."""

    deposits: Decimal
    wallets: Decimal
    holdings_cost: Decimal  # signed cost of all open positions
    fees: Decimal
    insurance: Decimal
    background: Decimal  # cash of the counterparty that is not one of our accounts
