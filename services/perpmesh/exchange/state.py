"""All that the exchange remembers, in integers: ticks, lots, and money in 1e-8 USDT."""

from dataclasses import dataclass, field

from perpmesh.exchange import codec
from perpmesh.exchange.commitments import Commitments
from perpmesh.exchange.words import (
    AlgoStatus,
    IncomeType,
    MarginChange,
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTrade,
    Side,
    TimeInForce,
    WorkingType,
)

HISTORY = 1_000  # finished orders, trades and income rows remembered per account; an archive keeps older ones
DEFAULT_LEVERAGE = 20
FIRST_ALGO_ID = 1_000_000_001  # far from the orders' ids, as on the venue: bots keep both kinds in one table


@dataclass(slots=True, eq=False)
class Order:
    order_id: int
    account: str
    symbol: str
    client_id: str
    side: Side
    position_side: PositionSide
    type: OrderType
    time_in_force: TimeInForce
    price: int  # ticks; 0 for MARKET
    quantity: int  # lots
    reduce_only: bool  # also true for the closing side in hedge mode
    self_trade: SelfTrade
    good_till: int
    time: int
    update_time: int
    market_time: int
    orig_type: OrderType
    stop_price: int = 0
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    close_position: bool = False
    price_protect: bool = False
    algo_id: int = 0  # the conditional order that created this one
    status: OrderStatus = OrderStatus.NEW
    executed: int = 0
    quote: int = 0  # money
    queue_ahead: int = 0  # background lots that must trade before this order at its price
    rank: int = 0  # its place among the orders at its price: its number, until an amendment sends it to the back
    amendments: int = 0
    price_match: PriceMatch = PriceMatch.NONE

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed

    @property
    def place(self) -> str:
        return place_of(self.symbol, self.position_side)


@dataclass(slots=True, eq=False)
class Algo:
    algo_id: int
    account: str
    symbol: str
    client_id: str
    side: Side
    position_side: PositionSide
    type: OrderType
    time_in_force: TimeInForce
    quantity: int
    price: int
    trigger: int  # ticks; 0 for a trailing stop
    working_type: WorkingType
    close_position: bool
    price_protect: bool
    reduce_only: bool
    activate: int  # ticks; 0: active at once
    callback_ppm: int
    self_trade: SelfTrade
    good_till: int
    create_time: int
    update_time: int
    status: AlgoStatus = AlgoStatus.NEW
    extreme: int = 0  # money units; the best price since a trailing stop became active, 0 before
    trigger_time: int = 0
    order_id: int = 0
    filled: int = 0
    quote: int = 0
    reason: str = ""
    price_match: PriceMatch = PriceMatch.NONE

    @property
    def place(self) -> str:
        return place_of(self.symbol, self.position_side)


@dataclass(slots=True)
class Position:
    symbol: str
    side: PositionSide
    lots: int = 0  # signed
    cost: int = 0  # money paid for it, signed like lots; entry price = cost / lots
    fees: int = 0  # commissions paid for what is still open
    isolated: int = 0  # margin set aside, part of the wallet
    margin_called: bool = False  # of an isolated one; the cross ones are called as an account
    realized: int = 0
    update_time: int = 0

    def copy(self) -> "Position":
        """Return one that stays as it is."""
        return Position(
            self.symbol,
            self.side,
            self.lots,
            self.cost,
            self.fees,
            self.isolated,
            self.margin_called,
            self.realized,
            self.update_time,
        )


@dataclass(slots=True)
class Trade:
    trade_id: int
    order_id: int
    symbol: str
    side: Side
    position_side: PositionSide
    price: int
    quantity: int
    quote: int
    realized: int
    commission: int
    maker: bool
    time: int
    wall_time: int


@dataclass(slots=True)
class Income:
    symbol: str
    type: IncomeType
    amount: int
    info: str
    time: int
    tran_id: int
    trade_id: int


@dataclass(slots=True)
class Amendment:
    amendment_id: int
    symbol: str
    order_id: int
    client_id: str
    price_before: int
    price_after: int
    quantity_before: int
    quantity_after: int
    count: int
    modify_id: int
    time: int  # wall


@dataclass(slots=True)
class MarginMove:
    """A change of an isolated position's margin that the account asked for."""

    symbol: str
    side: PositionSide
    type: MarginChange
    amount: int
    time: int  # wall


@dataclass(slots=True)
class Account:
    name: str
    wallet: int = 0
    dual_side: bool = False
    update_time: int = 0
    margin_called: bool = False
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: dict[str, bool] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    open_orders: dict[int, Order] = field(default_factory=dict)
    finished: dict[int, Order] = field(default_factory=dict)
    open_algos: dict[int, Algo] = field(default_factory=dict)
    past_algos: dict[int, Algo] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)
    countdowns: dict[str, int] = field(default_factory=dict)  # symbol: wall time at which all is cancelled
    amendments: list[Amendment] = field(default_factory=list)
    margin_moves: list[MarginMove] = field(default_factory=list)
    fee_tier: int = 0
    commissions: dict[str, list[int]] = field(default_factory=dict)  # symbol: maker and taker ppm of its own
    commitments: Commitments = field(default_factory=Commitments, metadata={codec.DERIVED: True}, compare=False)

    def leverage_of(self, symbol: str) -> int:
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def is_isolated(self, symbol: str) -> bool:
        return self.isolated.get(symbol, False)

    def position(self, place: str) -> Position:
        """Return the position at a place, an empty one when nothing was ever there."""
        found = self.positions.get(place)
        if found is None:
            symbol, side = place.split(":")
            found = Position(symbol, PositionSide(side))
        return found

    def sides(self) -> tuple[PositionSide, ...]:
        return (PositionSide.LONG, PositionSide.SHORT) if self.dual_side else (PositionSide.BOTH,)

    @property
    def cross_wallet(self) -> int:
        return self.wallet - sum(p.isolated for p in self.positions.values())


@dataclass(slots=True)
class Market:
    symbol: str
    last: int = 0  # ticks
    mark: int = 0  # money units
    index: int = 0
    funding_rate: int = 0  # 1e-8
    time: int = 0
    trade_id: int = 0
    bids: list[list[int]] = field(default_factory=list)  # background only: [ticks, lots], best first
    asks: list[list[int]] = field(default_factory=list)
    rules: dict[str, str] = field(default_factory=dict)  # what of the symbol's specification has changed

    def levels(self, side: Side) -> list[list[int]]:
        return self.bids if side is Side.BUY else self.asks


@dataclass(slots=True)
class Script:
    """What is still to be filled of an order that fills by a script."""

    account: str
    steps: list[list[int]]  # [lots, due wall time], in order


@dataclass(slots=True)
class State:
    markets: dict[str, Market]
    accounts: dict[str, Account] = field(default_factory=dict)
    next_order_id: int = 1
    next_algo_id: int = FIRST_ALGO_ID
    next_tran_id: int = 1
    next_amendment_id: int = 1
    deposits: int = 0
    fees: int = 0
    insurance: int = 0  # goes below zero only when there is nobody left to deleverage
    background: int = 0  # cash of everybody else
    digest: str = ""  # the rolling hash up to the last full block of facts, and what happened since, as integers
    noted: list[int] = field(default_factory=list)
    scripts: dict[int, Script] = field(default_factory=dict)  # by order id; such an order is open, but not in the book
    doomed: dict[int, str] = field(default_factory=dict)  # by algo id: why the order of its trigger will be rejected


def place_of(symbol: str, side: PositionSide) -> str:
    """Return the key under which an account keeps a position."""
    return symbol + ":" + side
