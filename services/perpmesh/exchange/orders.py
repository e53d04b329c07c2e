"""Ordinary orders: what is asked before one is accepted, its way through the book, and its cancellation."""

from dataclasses import dataclass

from perpmesh.exchange import filters, listing, margin, matching, pegs
from perpmesh.exchange.commands import CancelAllOrders, CancelOrder, PlaceOrder
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.state import Account, Algo, Order, place_of
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import (
    Execution,
    ExpireReason,
    OrderStatus,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTrade,
    Side,
    SymbolStatus,
    TimeInForce,
    WorkingType,
)
from perpmesh.exchange.world import World, check_side

DATELESS = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTX)
GTD_MINIMUM_MS = 600_000
GTD_END_MS = 253_402_300_799_000
OPENING = {PositionSide.LONG: Side.BUY, PositionSide.SHORT: Side.SELL}


@dataclass(slots=True)
class Wish:
    """What an order should be, already in integers. Both doors (order and trigger) lead here."""

    account: Account
    symbol: str
    side: Side
    position_side: PositionSide
    type: OrderType
    time_in_force: TimeInForce
    lots: int
    ticks: int
    reduce_only: bool
    client_id: str
    self_trade: SelfTrade
    good_till: int
    price_match: PriceMatch = PriceMatch.NONE


def place(world: World, command: PlaceOrder) -> None:
    """Accept an order or refuse it whole; then let it meet the book."""
    execute(world, accept(world, command))


def accept(world: World, command: PlaceOrder) -> Order:
    """Accept an order or refuse it whole; nothing has been told of it yet."""
    wish = _wish(world, command)
    _check(world, wish)
    return admit(world, wish)


def place_triggered(world: World, wish: Wish, algo: Algo) -> Order:
    """Accept the order of a conditional order that triggered; the caller lets it meet the book."""
    _check(world, wish, triggered=True)
    order = admit(world, wish)
    order.algo_id, order.orig_type, order.stop_price = algo.algo_id, algo.type, algo.trigger
    order.working_type, order.price_protect = algo.working_type, algo.price_protect
    order.close_position = algo.close_position
    return order


def _wish(world: World, command: PlaceOrder) -> Wish:
    account, spec = world.account(command.account), world.spec(command.symbol)
    if command.type.is_conditional:
        raise refusal(-4120)
    if command.client_order_id is not None:
        filters.check_client_id(command.client_order_id)
    is_market = command.type is OrderType.MARKET
    side = check_side(account, command.position_side)
    return Wish(
        account,
        command.symbol,
        command.side,
        side,
        command.type,
        _time_in_force(world, command),
        filters.quantity_lots(spec, command.quantity, market=is_market),
        _limit_ticks(world, command),
        reduces(account, command.side, side, asked=command.reduce_only),
        command.client_order_id or "",
        command.self_trade,
        command.good_till_date // 1_000 * 1_000,
        command.price_match,
    )


def _limit_ticks(world: World, command: PlaceOrder) -> int:
    if command.type is OrderType.LIMIT and command.price_match is PriceMatch.NONE:
        return filters.price_ticks(world.specs[command.symbol], command.price)
    if command.type is OrderType.LIMIT:
        return pegs.limit_ticks(world, command.symbol, command.side, command.price, command.price_match)
    if command.price_match is not PriceMatch.NONE:
        raise refusal(-5038)
    if command.price is not None:
        raise refusal(-1106, "price")
    return 0


def _time_in_force(world: World, command: PlaceOrder) -> TimeInForce:
    """Return the time in force; a MARKET order has none and shows GTC."""
    if command.time_in_force in DATELESS and command.type is OrderType.LIMIT and not command.good_till_date:
        return command.time_in_force
    if command.type is OrderType.MARKET:
        if command.time_in_force is not None:
            raise refusal(-1106, "timeInForce")
        return TimeInForce.GTC
    if command.time_in_force is None:
        raise refusal(-1102, "timeInForce")
    if command.time_in_force is TimeInForce.GTE_GTC:
        raise refusal(-1115)
    is_gtd = command.time_in_force is TimeInForce.GTD
    if is_gtd and not command.good_till_date:
        raise refusal(-1102, "goodTillDate")
    if is_gtd and not world.wall_ms + GTD_MINIMUM_MS < command.good_till_date < GTD_END_MS:
        raise refusal(-5040)
    if not is_gtd and command.good_till_date:
        raise refusal(-1106, "goodTillDate")
    return command.time_in_force


def reduces(account: Account, side: Side, position_side: PositionSide, *, asked: bool | None) -> bool:
    """Return whether an order only reduces: as asked in one-way mode, by its direction in hedge mode."""
    if not account.dual_side:
        return bool(asked)
    if asked is not None:
        raise refusal(-1106, "reduceonly")
    return OPENING[position_side] is not side


def _check(world: World, wish: Wish, *, triggered: bool = False) -> None:
    """Ask everything that an order must satisfy. Nothing has changed when this refuses."""
    account, spec = wish.account, world.specs[wish.symbol]
    if spec.status is not SymbolStatus.TRADING:
        listing.check_open(spec, reduce_only=wish.reduce_only)
    if wish.client_id and not triggered:
        _check_unique(account, wish.client_id)
    if account.commitments.count(wish.symbol) >= spec.max_orders:
        raise refusal(-2025)
    mark = world.books.mark(wish.symbol)
    if wish.ticks:
        filters.check_percent_price(spec, wish.side, wish.ticks, mark)
    else:
        _check_counterparty(world, wish, mark)
    if wish.reduce_only:
        check_reducible(wish.account, wish.side, world, wish.symbol, wish.position_side, lots=wish.lots)
    else:
        worth = wish.lots * wish.ticks * spec.unit if wish.ticks else spec.value(wish.lots, mark)
        filters.check_notional(spec, worth)
        _check_margin(world, wish, mark)
    _check_immediacy(world, wish)


def _check_unique(account: Account, client_id: str) -> None:
    """A client id is unique among open orders only: that of a finished order is accepted again."""
    if client_id in account.commitments.named:
        raise refusal(-4116)


def check_reducible(
    account: Account, side: Side, world: World, symbol: str, position_side: PositionSide, *, lots: int
) -> None:
    """Refuse a reducing order with nothing to reduce, and in hedge mode one larger than its position."""
    position = account.position(f"{symbol}:{position_side.value}").lots
    if position * side.sign >= 0 or (account.dual_side and lots > abs(position)):
        raise refusal(-2022)
    world.spec(symbol)


def _check_counterparty(world: World, wish: Wish, mark: int) -> None:
    """A market order whose best counterparty is outside the price band is refused."""
    spec, price = world.specs[wish.symbol], matching.best(world, wish.symbol, wish.side.other)
    bound = filters.market_bound(spec, wish.side, mark)
    if price and not matching.acceptable(wish.side, bound, price):
        raise refusal(-4131)


def _check_margin(world: World, wish: Wish, mark: int) -> None:
    """Refuse what the account cannot carry. An order that makes the margin no larger is never asked for money.

    Open loss (the order's price against the mark) counts; the price assumed for a market order is the best ask
    plus 0.05 % or the best bid, for a limit sell at least the best bid. (Likely, not documented.)
    """
    account, spec = wish.account, world.specs[wish.symbol]
    price = _assumed_price(world, wish, mark)
    worth = spec.value(wish.lots, price)
    loss = wish.side.sign * (price - mark)
    open_loss = spec.value(wish.lots, loss) if loss > 0 else 0
    check_affordable(world, account, place_of(wish.symbol, wish.position_side), spec, wish.side, worth, open_loss)


def check_affordable(
    world: World, account: Account, place: str, spec: SymbolSpec, side: Side, worth: int, open_loss: int
) -> None:
    """Refuse to add orders of `worth` at a place when leverage or money does not allow it."""
    before, after = margin.step(world.books, account, place, side, worth)
    if after <= before:
        return
    leverage = account.leverage_of(spec.symbol)
    if after * leverage > spec.max_notional(leverage):
        raise refusal(-2027)
    if after - before + open_loss > margin.available(world.books, account):
        raise refusal(-2019)


def _assumed_price(world: World, wish: Wish, mark: int) -> int:
    tick = world.specs[wish.symbol].tick_units
    if wish.side is Side.BUY:
        if wish.ticks:
            return wish.ticks * tick
        return (matching.best(world, wish.symbol, Side.SELL) * tick or mark) * 10_005 // 10_000
    bid = matching.best(world, wish.symbol, Side.BUY) * tick or mark
    return max(wish.ticks * tick, bid)


def _check_immediacy(world: World, wish: Wish) -> None:
    """A post-only order must not take, a fill-or-kill must take all: else refused, and no order is recorded."""
    if wish.time_in_force is TimeInForce.GTX:
        price = matching.best(world, wish.symbol, wish.side.other)
        if price and matching.acceptable(wish.side, wish.ticks, price):
            raise refusal(-5022)
    if wish.time_in_force is TimeInForce.FOK:
        held = abs(wish.account.position(place_of(wish.symbol, wish.position_side)).lots)
        closes_all = not wish.reduce_only or wish.lots <= held
        if not closes_all or not matching.can_fill(world, wish.symbol, wish.side, wish.ticks, wish.lots):
            raise refusal(-5021)


def test(world: World, command: PlaceOrder) -> Order:
    """Return the order that would be accepted, without a number, or refuse it; nothing changes either way."""
    wish = _wish(world, command)
    _check(world, wish)
    return _order(world, wish, 0)


def admit(world: World, wish: Wish) -> Order:
    """Give the order its number. It is open from here on."""
    number = world.state.next_order_id
    world.state.next_order_id += 1
    return _order(world, wish, number)


def _order(world: World, wish: Wish, number: int) -> Order:
    return Order(
        order_id=number,
        account=wish.account.name,
        symbol=wish.symbol,
        client_id=wish.client_id or f"auto-{number}",
        side=wish.side,
        position_side=wish.position_side,
        type=wish.type,
        time_in_force=wish.time_in_force,
        price=wish.ticks,
        quantity=wish.lots,
        reduce_only=wish.reduce_only,
        self_trade=wish.self_trade,
        good_till=wish.good_till,
        time=world.wall_ms,
        update_time=world.wall_ms,
        market_time=world.market_ms,
        orig_type=wish.type,
        working_type=WorkingType.CONTRACT_PRICE,
        rank=number,
        price_match=wish.price_match,
    )


def execute(world: World, order: Order) -> None:
    """Let an accepted order meet the book."""
    world.report_order(order, Execution.NEW)
    limit = order.price or filters.market_bound(world.specs[order.symbol], order.side, world.books.mark(order.symbol))
    stopped = matching.take(world, order, limit)
    matching.settle_remainder(world, order, stopped)


def cancel(world: World, command: CancelOrder) -> None:
    account = world.account(command.account)
    world.spec(command.symbol)
    if command.order_id is None and command.client_order_id is None:
        raise refusal(-1102, "orderId")
    order = find_open(account, command.symbol, command.order_id, command.client_order_id)
    if order is None:
        raise refusal(-2011)
    world.take_down(order, OrderStatus.CANCELED, Execution.CANCELED)


def find_open(account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
    """Return the open order that is meant: the number wins when both are sent."""
    if order_id is None and client_id is not None:
        order_id = account.commitments.named.get(client_id)
    order = account.open_orders.get(order_id) if order_id is not None else None
    if order is not None and order.symbol != symbol:
        return _namesake(account, symbol, client_id) if client_id == order.client_id else None
    return order


def _namesake(account: Account, symbol: str, client_id: str) -> Order | None:
    """Return the open order of that name in another symbol than the oldest one's."""
    named = (o for o in account.open_orders.values() if o.symbol == symbol and o.client_id == client_id)
    return next(named, None)


def cancel_all(world: World, command: CancelAllOrders) -> None:
    world.spec(command.symbol)
    cancel_open(world, world.account(command.account), command.symbol)


def cancel_open(world: World, account: Account, symbol: str) -> None:
    for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
        world.take_down(order, OrderStatus.CANCELED, Execution.CANCELED)


def expire_due(world: World) -> None:
    """Good-till-date orders whose date has come expire; countdowns that ran out cancel."""
    for account in world.state.accounts.values():
        for order in [o for o in account.open_orders.values() if 0 < o.good_till <= world.wall_ms]:
            world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.NONE)
        for symbol in [s for s, due in account.countdowns.items() if due <= world.wall_ms]:
            del account.countdowns[symbol]
            cancel_open(world, account, symbol)


def expire_orphans(world: World, account: Account, place: str) -> None:
    """Reduce-only orders that have nothing left to reduce expire."""
    commitment = account.commitments.places.get(place)
    if commitment is None or not commitment.reducing:
        return
    lots = account.position(place).lots
    for order in list(account.open_orders.values()):
        if order.place == place and order.reduce_only and lots * order.side.sign >= 0:
            world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.REDUCE_ONLY)
