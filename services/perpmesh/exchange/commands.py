"""Everything that can be asked of the exchange or told to it. Prices and quantities are Decimals as sent."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.exchange.words import (
    MarginChange,
    MarginType,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTrade,
    Side,
    SymbolStatus,
    TimeInForce,
    WorkingType,
)


@dataclass(frozen=True, slots=True)
class CreateAccount:
    account: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Deposit:
    """A transfer in (positive) or out (negative)."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """POST /fapi/v1/order. Absent parameters are None; a conditional type is refused with -4120."""

    account: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool | None = None
    position_side: PositionSide | None = None
    client_order_id: str | None = None
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    good_till_date: int = 0
    price_match: PriceMatch = PriceMatch.NONE


@dataclass(frozen=True, slots=True)
class AmendOrder:
    """PUT /fapi/v1/order: another quantity and price for an open LIMIT order, by id or by client id.

    `reduce_only` only says which checks are meant; `modify_id` is the caller's own, kept in the history.
    """

    account: str
    symbol: str
    side: Side
    quantity: Decimal | None = None
    price: Decimal | None = None
    order_id: int | None = None
    client_order_id: str | None = None
    price_match: PriceMatch = PriceMatch.NONE
    reduce_only: bool | None = None
    modify_id: int = 0


@dataclass(frozen=True, slots=True)
class PlaceInParts:
    """An order that fills `parts` (per cent of its quantity) `delay_ms` of wall time after each other, by a script.

    What the parts leave goes on as any order's remainder does.
    """

    order: PlaceOrder
    parts: tuple[int, ...]
    delay_ms: int


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """By `order_id`, or by `client_order_id` among open orders; -2011 when there is none open."""

    account: str
    symbol: str
    order_id: int | None = None
    client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelAllOrders:
    """Cancel the open ordinary orders of one symbol; conditional orders stay."""

    account: str
    symbol: str


@dataclass(frozen=True, slots=True)
class PlaceAlgoOrder:
    """POST /fapi/v1/algoOrder with algoType=CONDITIONAL. `callback_rate` is in per cent, as sent."""

    account: str
    symbol: str
    side: Side
    type: OrderType
    trigger_price: Decimal | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool | None = None
    close_position: bool = False
    position_side: PositionSide | None = None
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None
    client_algo_id: str | None = None
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    good_till_date: int = 0
    price_match: PriceMatch = PriceMatch.NONE


@dataclass(frozen=True, slots=True)
class RejectWhenTriggered:
    """An open conditional order is to be REJECTED with `reason` when it triggers."""

    account: str
    algo_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class CancelAlgoOrder:
    account: str
    algo_id: int | None = None
    client_algo_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelAllAlgoOrders:
    account: str
    symbol: str


@dataclass(frozen=True, slots=True)
class SetLeverage:
    account: str
    symbol: str
    leverage: int


@dataclass(frozen=True, slots=True)
class SetMarginType:
    account: str
    symbol: str
    margin_type: MarginType


@dataclass(frozen=True, slots=True)
class AdjustPositionMargin:
    """POST /fapi/v1/positionMargin: move `amount` USDT to or from the margin of an isolated position."""

    account: str
    symbol: str
    amount: Decimal
    type: MarginChange
    position_side: PositionSide | None = None


@dataclass(frozen=True, slots=True)
class SetFeeTier:
    """Give the account the commission rates of a VIP tier, 0 to 9."""

    account: str
    tier: int


@dataclass(frozen=True, slots=True)
class SetCommission:
    """Give the account rates of its own for one symbol, as fractions (0.0002); they go before the tier's."""

    account: str
    symbol: str
    maker: Decimal
    taker: Decimal


@dataclass(frozen=True, slots=True)
class SetPositionMode:
    """Hedge mode (`dual_side`) or one-way."""

    account: str
    dual_side: bool


@dataclass(frozen=True, slots=True)
class CountdownCancelAll:
    """Cancel all orders of the symbol `countdown_ms` of wall time from now, unless asked again; 0 stops the timer."""

    account: str
    symbol: str
    countdown_ms: int


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A print of the background tape: somebody else took `quantity` at `price`. It may fill our resting orders."""

    symbol: str
    price: Decimal
    quantity: Decimal
    taker_side: Side


@dataclass(frozen=True, slots=True)
class SetBook:
    """The background's liquidity, replacing what it showed before: (price, quantity) levels, any order."""

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class SetDepth:
    """What SetBook does, in the machine's own units: levels of (ticks, lots), best first."""

    symbol: str
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ChangeBook:
    """Some levels of the background's liquidity as they are from now on; a quantity of 0 takes a level away.

    `first_id` and `last_id` are the numbers of the change on the recorded venue; they come back with BookChanged.
    """

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    first_id: int = 0
    last_id: int = 0


@dataclass(frozen=True, slots=True)
class QuoteBest:
    """What the recorded venue published as its best (price, quantity) between two changes of its book.

    It is told and changes nothing: orders meet the book.
    """

    symbol: str
    bid: tuple[Decimal, Decimal]
    ask: tuple[Decimal, Decimal]
    update_id: int


@dataclass(frozen=True, slots=True)
class SetMark:
    """The mark and index price, and the funding rate as estimated for the next settlement."""

    symbol: str
    mark: Decimal
    index: Decimal
    funding_rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class SettleFunding:
    """Charge funding on every open position of the symbol at the current mark."""

    symbol: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class ChangeSymbol:
    """A symbol gets another status or other filters while it trades; what is None stays.

    `tick` and `step` may become coarser, and as fine again as the symbol began with, not finer. A symbol that
    begins to settle ends its open orders and closes its positions at the mark.
    """

    symbol: str
    status: SymbolStatus | None = None
    tick: Decimal | None = None
    step: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_orders: int | None = None
    percent_up: Decimal | None = None
    percent_down: Decimal | None = None
    market_take_bound: Decimal | None = None
    trigger_protect: Decimal | None = None
    liquidation_fee: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Liquidate:
    """Close the account's positions by force, whatever its margin: those of one symbol, or all."""

    account: str
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class FundInsurance:
    """Put money into the insurance fund, or take it out: what it lacks is asked of counterparties (ADL)."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class AdvanceTime:
    """Nothing but time: GTD orders and countdowns whose wall time has come act."""


Command = (
    CreateAccount
    | Deposit
    | PlaceOrder
    | PlaceInParts
    | AmendOrder
    | CancelOrder
    | CancelAllOrders
    | PlaceAlgoOrder
    | RejectWhenTriggered
    | CancelAlgoOrder
    | CancelAllAlgoOrders
    | SetLeverage
    | SetMarginType
    | AdjustPositionMargin
    | SetFeeTier
    | SetCommission
    | SetPositionMode
    | CountdownCancelAll
    | MarketTrade
    | SetBook
    | SetDepth
    | ChangeBook
    | QuoteBest
    | SetMark
    | SettleFunding
    | ChangeSymbol
    | Liquidate
    | FundInsurance
    | AdvanceTime
)
