"""Conditional orders: accepted without margin, watched against a price, turned into ordinary orders when it comes.

Where Binance's documents are silent the likely behaviour was chosen: a closePosition order shows timeInForce
GTE_GTC and expires when the position it protects closes or turns; it may be placed before there is a position.
A trigger that priceProtect holds back is rejected, not delayed.
"""

from decimal import Decimal

from perpmesh.exchange import filters, listing, orders, pegs
from perpmesh.exchange.commands import CancelAlgoOrder, CancelAllAlgoOrders, PlaceAlgoOrder
from perpmesh.exchange.errors import ExchangeError, refusal
from perpmesh.exchange.state import Account, Algo, Order
from perpmesh.exchange.symbols import PPM, SymbolSpec
from perpmesh.exchange.words import AlgoStatus, OrderType, PositionSide, PriceMatch, Side, TimeInForce, WorkingType
from perpmesh.exchange.world import World, check_side, remember

LIMIT_TYPES = (OrderType.STOP, OrderType.TAKE_PROFIT)
CLOSING_TYPES = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
STOPS = (OrderType.STOP, OrderType.STOP_MARKET)
MIN_CALLBACK, MAX_CALLBACK = Decimal("0.1"), Decimal(20)  # per cent


def place(world: World, command: PlaceAlgoOrder) -> None:
    account, spec = world.account(command.account), world.spec(command.symbol)
    if not command.type.is_conditional:
        raise refusal(-1116)
    side = check_side(account, command.position_side)
    _check_close_position(account, command, side)
    reducing = command.close_position or bool(command.reduce_only) or account.dual_side
    listing.check_open(spec, reduce_only=reducing)
    _check_client_id(account, command.client_algo_id)
    if len(account.open_algos) >= spec.max_algos:
        raise refusal(-4045)
    algo = _algo(world, account, spec, command, side)
    _check_prices(world, spec, algo)
    world.state.next_algo_id += 1
    world.watch(algo)
    world.report_algo(algo)


def _check_close_position(account: Account, command: PlaceAlgoOrder, side: PositionSide) -> None:
    if not command.close_position:
        return
    if command.type not in CLOSING_TYPES:
        raise refusal(-4136, command.type.value, "true")
    if command.quantity:
        raise refusal(-4137)
    if command.reduce_only:
        raise refusal(-4138)
    if account.dual_side and orders.OPENING[side] is command.side:
        raise refusal(-2022)
    if any(_same_duty(algo, command, side) for algo in account.open_algos.values()):
        raise refusal(-4130)


def _same_duty(algo: Algo, command: PlaceAlgoOrder, side: PositionSide) -> bool:
    """One closing stop and one closing take-profit per direction: a stop does not stand in a take-profit's way."""
    return (
        algo.close_position
        and (algo.symbol, algo.side, algo.position_side) == (command.symbol, command.side, side)
        and algo.type is command.type
    )


def _check_client_id(account: Account, client_id: str | None) -> None:
    if client_id is None:
        return
    filters.check_client_id(client_id)
    if any(algo.client_id == client_id for algo in account.open_algos.values()):
        raise refusal(-4116)


def _algo(world: World, account: Account, spec: SymbolSpec, command: PlaceAlgoOrder, side: PositionSide) -> Algo:
    number = world.state.next_algo_id
    trailing = command.type is OrderType.TRAILING_STOP_MARKET
    return Algo(
        algo_id=number,
        account=account.name,
        symbol=command.symbol,
        client_id=command.client_algo_id or f"auto-algo-{number}",
        side=command.side,
        position_side=side,
        type=command.type,
        time_in_force=_time_in_force(command),
        quantity=_lots(spec, command),
        price=_limit_price(spec, command),
        trigger=0 if trailing else filters.price_ticks(spec, command.trigger_price, field="triggerPrice"),
        working_type=command.working_type,
        close_position=command.close_position,
        price_protect=command.price_protect,
        reduce_only=_reduces(account, command, side),
        activate=_activation(spec, command),
        callback_ppm=_callback(command) if trailing else 0,
        self_trade=command.self_trade,
        good_till=command.good_till_date // 1_000 * 1_000,
        price_match=command.price_match,
        create_time=world.wall_ms,
        update_time=world.wall_ms,
    )


def _time_in_force(command: PlaceAlgoOrder) -> TimeInForce:
    return TimeInForce.GTE_GTC if command.close_position else command.time_in_force or TimeInForce.GTC


def _lots(spec: SymbolSpec, command: PlaceAlgoOrder) -> int:
    if command.close_position:
        return 0
    return filters.quantity_lots(spec, command.quantity, market=command.type not in LIMIT_TYPES)


def _limit_price(spec: SymbolSpec, command: PlaceAlgoOrder) -> int:
    if command.type in LIMIT_TYPES and command.price_match is PriceMatch.NONE:
        return filters.price_ticks(spec, command.price)
    if command.type not in LIMIT_TYPES and command.price_match is not PriceMatch.NONE:
        raise refusal(-5038)
    if command.price:
        raise refusal(-1106, "price")
    return 0


def _reduces(account: Account, command: PlaceAlgoOrder, side: PositionSide) -> bool:
    if command.close_position:
        return True
    return orders.reduces(account, command.side, side, asked=command.reduce_only)


def _activation(spec: SymbolSpec, command: PlaceAlgoOrder) -> int:
    if command.activate_price is None or command.type is not OrderType.TRAILING_STOP_MARKET:
        return 0
    return filters.price_ticks(spec, command.activate_price, field="activatePrice")


def _callback(command: PlaceAlgoOrder) -> int:
    if command.callback_rate is None:
        raise refusal(-1102, "callbackRate")
    if not MIN_CALLBACK <= command.callback_rate <= MAX_CALLBACK:
        raise refusal(-2007)
    return int(command.callback_rate * 10_000)


def _check_prices(world: World, spec: SymbolSpec, algo: Algo) -> None:
    if algo.price and algo.trigger:
        filters.check_stop_price(spec, algo.side, algo.price, algo.trigger)
    _check_not_crossed(world, algo)


def _check_not_crossed(world: World, algo: Algo) -> None:
    """What would trigger at once is refused; a trailing stop when its activation price is already behind."""
    price = working_price(world, algo)
    if not price:
        return
    spec = world.specs[algo.symbol]
    if algo.type is OrderType.TRAILING_STOP_MARKET:
        crossed = algo.activate and _reached(algo.activate * spec.tick_units, price, upward=algo.side is Side.SELL)
    else:
        crossed = _is_crossed(spec, algo, price)
    if crossed:
        raise refusal(-2021)


def working_price(world: World, algo: Algo) -> int:
    """Return the price that the order watches, in money units; 0 when there is none yet."""
    market = world.state.markets[algo.symbol]
    if algo.working_type is WorkingType.MARK_PRICE:
        return market.mark
    return market.last * world.specs[algo.symbol].tick_units


def _reached(level: int, price: int, *, upward: bool) -> bool:
    return price >= level if upward else price <= level


def _is_crossed(spec: SymbolSpec, algo: Algo, price: int) -> bool:
    """A stop triggers with the order's direction (buy at or above), a take-profit against it."""
    upward = (algo.side is Side.BUY) == (algo.type in STOPS)
    return _reached(algo.trigger * spec.tick_units, price, upward=upward)


def _trail(spec: SymbolSpec, algo: Algo, price: int) -> bool:
    """Follow the price; return whether it has turned back by the callback rate."""
    selling = algo.side is Side.SELL
    if not algo.extreme:
        if algo.activate and not _reached(algo.activate * spec.tick_units, price, upward=selling):
            return False
        algo.extreme = price
    algo.extreme = max(algo.extreme, price) if selling else min(algo.extreme, price)
    sign = -1 if selling else 1
    return _reached(algo.extreme * (PPM + sign * algo.callback_ppm) // PPM, price, upward=not selling)


def trigger_due(world: World, symbol: str) -> bool:
    """Trigger what the symbol's prices have reached, oldest first; return whether anything was."""
    due = _due(world, symbol)
    for algo in sorted(due, key=lambda a: a.algo_id):
        if algo.status is AlgoStatus.NEW:  # an earlier one may have closed the position and expired it
            _trigger(world, algo)
    return bool(due)


def _due(world: World, symbol: str) -> list[Algo]:
    spec = world.specs[symbol]
    found = []
    for algo in world.watched[symbol].values():
        price = working_price(world, algo)
        if not price:
            continue
        followed, trailing = algo.extreme, algo.type is OrderType.TRAILING_STOP_MARKET
        if _trail(spec, algo, price) if trailing else _is_crossed(spec, algo, price):
            found.append(algo)
        if algo.activate and algo.extreme and not followed:
            world.report_algo(algo)  # it is told of twice as NEW: when placed, and when it begins to follow
    return found


def _trigger(world: World, algo: Algo) -> None:
    algo.status, algo.trigger_time = AlgoStatus.TRIGGERING, world.wall_ms
    world.report_algo(algo)
    try:
        _check_doom(world, algo)
        order = _make_order(world, algo)
    except ExchangeError as error:
        end(world, algo, AlgoStatus.REJECTED, error.message)
        return
    algo.order_id = order.order_id
    end(world, algo, AlgoStatus.TRIGGERED)
    orders.execute(world, order)
    tidy(world)


def _check_doom(world: World, algo: Algo) -> None:
    """Refuse what was to be refused on demand."""
    reason = world.state.doomed.get(algo.algo_id)
    if reason is not None:
        raise ExchangeError(-1000, reason)


def _make_order(world: World, algo: Algo) -> Order:
    account, spec = world.account_of(algo), world.specs[algo.symbol]
    _check_price_protection(world, spec, algo)
    limit = algo.type in LIMIT_TYPES
    lots = abs(account.position(algo.place).lots) if algo.close_position else algo.quantity
    wish = orders.Wish(
        account=account,
        symbol=algo.symbol,
        side=algo.side,
        position_side=algo.position_side,
        type=OrderType.LIMIT if limit else OrderType.MARKET,
        time_in_force=algo.time_in_force if limit else TimeInForce.GTC,
        lots=lots,
        ticks=_triggered_ticks(world, algo),
        reduce_only=algo.reduce_only,
        client_id=algo.client_id,
        self_trade=algo.self_trade,
        good_till=algo.good_till,
        price_match=algo.price_match,
    )
    return orders.place_triggered(world, wish, algo)


def _triggered_ticks(world: World, algo: Algo) -> int:
    """A price that follows the book is taken from it when the order triggers."""
    if algo.price_match is PriceMatch.NONE:
        return algo.price
    return pegs.matched_ticks(world, algo.symbol, algo.side, algo.price_match)


def _check_price_protection(world: World, spec: SymbolSpec, algo: Algo) -> None:
    market = world.state.markets[algo.symbol]
    last = market.last * spec.tick_units
    if algo.price_protect and market.mark and abs(market.mark - last) > market.mark * spec.trigger_protect:
        raise ExchangeError(-4192, "Order not triggered due to price protection.")


def end(world: World, algo: Algo, status: AlgoStatus, reason: str = "") -> None:
    """Take a conditional order off the watch."""
    account = world.account_of(algo)
    world.state.doomed.pop(algo.algo_id, None)
    world.unwatch(algo)
    algo.status, algo.reason = status, reason
    remember(account.past_algos, algo.algo_id, algo)
    world.report_algo(algo)


def cancel(world: World, command: CancelAlgoOrder) -> None:
    account = world.account(command.account)
    if command.algo_id is None and command.client_algo_id is None:
        raise refusal(-1102, "algoId")
    for algo in account.open_algos.values():
        if algo.algo_id == command.algo_id or (command.algo_id is None and algo.client_id == command.client_algo_id):
            end(world, algo, AlgoStatus.CANCELED)
            return
    raise refusal(-2011)


def cancel_all(world: World, command: CancelAllAlgoOrders) -> None:
    world.spec(command.symbol)
    account = world.account(command.account)
    for algo in [a for a in account.open_algos.values() if a.symbol == command.symbol]:
        end(world, algo, AlgoStatus.CANCELED)


def tidy(world: World) -> None:
    """Where a position closed or turned, what only served it goes: reduce-only orders, closePosition orders."""
    while world.went_flat:
        account, place = world.went_flat.pop(0)
        lots = account.position(place).lots
        orders.expire_orphans(world, account, place)
        for algo in list(account.open_algos.values()):
            if algo.place == place and algo.close_position and lots * algo.side.sign >= 0:
                end(world, algo, AlgoStatus.EXPIRED, "The position was closed.")


def expire_due(world: World) -> None:
    """Good-till-date orders of both kinds whose date has come expire; countdowns that ran out cancel."""
    orders.expire_due(world)
    for account in world.state.accounts.values():
        for algo in [a for a in account.open_algos.values() if 0 < a.good_till <= world.wall_ms]:
            end(world, algo, AlgoStatus.EXPIRED, "The order's date has come.")
