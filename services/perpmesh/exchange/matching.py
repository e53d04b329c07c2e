"""Orders meet: price first, then time; the background's liquidity and our accounts' orders in one book."""

from bisect import bisect_left
from collections.abc import Iterable

from perpmesh.exchange import fills
from perpmesh.exchange.state import Order
from perpmesh.exchange.words import Execution, ExpireReason, OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from perpmesh.exchange.world import World

Level = list[int]
BUY = Side.BUY


def best(world: World, symbol: str, side: Side) -> int:
    """Return the best price in ticks on `side` of the public book, 0 when that side is empty."""
    levels, own = world.state.markets[symbol].levels(side), world.resting[symbol, side].best
    shown = levels[0][0] if levels else 0
    if not own or not shown:
        return own or shown
    return max(own, shown) if side is BUY else min(own, shown)


def price_level(world: World, symbol: str, side: Side, number: int) -> int:
    """Return the `number`-th best price on `side` of the public book, in ticks; 0 when it has fewer."""
    prices = {price for price, _ in world.state.markets[symbol].levels(side)}
    prices.update(world.resting[symbol, side].prices)
    best_first = sorted(prices, reverse=side is Side.BUY)
    return best_first[number - 1] if len(best_first) >= number else 0


def acceptable(side: Side, limit: int, price: int) -> bool:
    """Return whether a taker on `side` with `limit` may trade at `price`."""
    return price <= limit if side is Side.BUY else price >= limit


def can_fill(world: World, symbol: str, side: Side, limit: int, lots: int) -> bool:
    """Return whether the whole of an order would find counterparties now: self-trade prevention spares fill-or-kill."""
    levels, makers = world.state.markets[symbol].levels(side.other), world.resting[symbol, side.other].within(limit)
    found = sum(size for price, size in levels if acceptable(side, limit, price))
    return found >= lots or found + _sure(world, makers) >= lots


def _sure(world: World, makers: list[Order]) -> int:
    """Return what resting orders will give: reduce-only ones what is left of their position beside the others."""
    free: dict[tuple[str, str], int] = {}
    reducing: dict[tuple[str, str], int] = {}
    for maker in makers:
        offered, key = (reducing if maker.reduce_only else free), (maker.account, maker.place)
        offered[key] = offered.get(key, 0) + maker.remaining
    lots = sum(free.values())
    for (name, place), wanted in reducing.items():
        held = abs(world.state.accounts[name].position(place).lots)
        lots += max(0, min(wanted, held - free.get((name, place), 0)))
    return lots


def closable(world: World, order: Order) -> int:
    """Return how much of the order may still fill: a reduce-only order no more than closes its position."""
    if not order.reduce_only:
        return order.remaining
    lots = world.account_of(order).position(order.place).lots
    return min(order.remaining, abs(lots)) if lots * order.side.sign < 0 else 0


def take(world: World, order: Order, limit: int, *, execution: Execution = Execution.TRADE) -> int:
    """Trade against the book up to `limit`; return the reason why it must stop early, or why less was found, or 0."""
    met, facing = ExpireReason.NONE, order.side.other
    while order.remaining:
        lots = closable(world, order)
        if lots == 0:
            return ExpireReason.REDUCE_ONLY
        price = best(world, order.symbol, facing)
        if price == 0 or not acceptable(order.side, limit, price):
            return met
        maker, level = _front(world, order, price)
        if maker is None and level is not None:
            _take_background(world, order, level, lots, execution)
        elif maker is not None and not _take_order(world, order, maker, lots, execution):
            return ExpireReason.SELF_TRADE
        elif maker is not None and maker.status is OrderStatus.EXPIRED_IN_MATCH:
            met = ExpireReason.IOC_AND_SELF_TRADE
    return met


def _front(world: World, order: Order, price: int) -> tuple[Order | None, Level | None]:
    """Return who is first at `price`: a resting order, or the background's level ahead of it or alone."""
    levels = world.state.markets[order.symbol].levels(order.side.other)
    level = levels[0] if levels and levels[0][0] == price else None
    maker = world.resting[order.symbol, order.side.other].first(price)
    return (None, level) if maker is None or (level is not None and maker.queue_ahead > 0) else (maker, level)


def _take_background(world: World, order: Order, level: Level, lots: int, execution: Execution) -> None:
    side, levels = order.side, world.state.markets[order.symbol].levels(order.side.other)
    queue = list(world.resting[order.symbol, side.other].at(level[0]))
    ahead = queue[0].queue_ahead if queue else level[1]
    lots = min(lots, level[1], ahead)
    level[1] -= lots
    if level[1] == 0:
        levels.pop(0)
    for waiting in queue:
        waiting.queue_ahead = max(0, waiting.queue_ahead - lots) if level[1] else 0
    trade = fills.print_trade(world, order.symbol, level[0], lots, side)
    pay_background(world, order.symbol, side.other, trade)
    fills.fill(world, order, trade, maker=False, execution=execution)


def pay_background(world: World, symbol: str, side: Side, trade: fills.Print) -> None:
    """Book the cash of the background for trading on `side`."""
    world.state.background -= side.sign * trade.price * trade.lots * world.specs[symbol].unit


def _take_order(world: World, order: Order, maker: Order, lots: int, execution: Execution) -> bool:
    """Trade with one of our accounts' orders; return False when the taker must stop."""
    prevented = order.self_trade is not SelfTrade.NONE and order.time_in_force is not TimeInForce.FOK
    if maker.account == order.account and prevented:
        if order.self_trade is not SelfTrade.EXPIRE_TAKER:
            _expire_self_trade(world, maker)
        return order.self_trade is SelfTrade.EXPIRE_MAKER
    lots = min(lots, closable(world, maker))
    if lots == 0:
        world.take_down(maker, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.REDUCE_ONLY)
        return True
    trade = fills.print_trade(world, order.symbol, maker.price, lots, order.side)
    fills.fill(world, maker, trade, maker=True)
    fills.fill(world, order, trade, maker=False, execution=execution)
    return True


def _expire_self_trade(world: World, order: Order) -> None:
    world.take_down(order, OrderStatus.EXPIRED_IN_MATCH, Execution.EXPIRED, reason=ExpireReason.SELF_TRADE)


def settle_remainder(world: World, order: Order, stopped: int) -> None:
    """What becomes of an order that met the book: it rests, or what is left of it expires."""
    if order.remaining == 0:
        return
    if stopped == ExpireReason.SELF_TRADE:
        _expire_self_trade(world, order)
    elif stopped == ExpireReason.REDUCE_ONLY:
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=stopped)
    elif order.type is OrderType.MARKET:
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.MARKET_REMAINDER)
    elif order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=stopped or ExpireReason.IOC_REMAINDER)
    else:
        order.queue_ahead = _background_at(world, order)
        world.put_back(order)


def _background_at(world: World, order: Order) -> int:
    """Return how much the background shows at the order's price."""
    levels, sign = world.state.markets[order.symbol].levels(order.side), -order.side.sign
    key = order.price * sign
    if not levels or levels[0][0] * sign > key:
        return 0
    at = bisect_left(levels, key, key=lambda level: level[0] * sign)
    return levels[at][1] if at < len(levels) and levels[at][0] == order.price else 0


def background_trade(world: World, symbol: str, price: int, lots: int, taker: Side) -> None:
    """Somebody else took `lots` at `price`: resting orders at better prices were hit first, then the queue at it."""
    left, passed = lots, 0
    makers = world.resting[symbol, taker.other]
    for maker in makers.within(price):
        if maker.price == price:
            step = min(left, max(0, maker.queue_ahead - passed))
            left, passed = left - step, passed + step
        left -= fill_maker(world, maker, left, taker)
        if left == 0:
            break
    passed += left
    for waiting in makers.at(price):
        waiting.queue_ahead = max(0, waiting.queue_ahead - passed)
    if passed:
        fills.print_trade(world, symbol, price, passed, taker)


def fill_maker(world: World, maker: Order, lots: int, taker: Side) -> int:
    """Let the background take up to `lots` from a resting order; return how much it took."""
    open_lots = closable(world, maker)
    if open_lots == 0:
        world.take_down(maker, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.REDUCE_ONLY)
    taken = min(lots, open_lots)
    if taken:
        trade = fills.print_trade(world, maker.symbol, maker.price, taken, taker)
        pay_background(world, maker.symbol, taker, trade)
        fills.fill(world, maker, trade, maker=True)
    return taken


def replace_background(world: World, symbol: str, bids: list[Level], asks: list[Level]) -> None:
    """Show the background's new book; where it crosses a resting order, the resting order is filled at its price."""
    market = world.state.markets[symbol]
    market.bids = sorted(bids, reverse=True)
    market.asks = sorted(asks)
    _meet_background(world, symbol)


def change_background(
    world: World, symbol: str, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
) -> None:
    """Show the background's book with some levels changed, (ticks, lots) each; no lots take a level away."""
    market = world.state.markets[symbol]
    for side, changes in ((Side.BUY, bids), (Side.SELL, asks)):
        levels, sign = market.levels(side), -side.sign
        for price, lots in changes:
            at = bisect_left(levels, price * sign, key=lambda level: level[0] * sign)
            known = at < len(levels) and levels[at][0] == price
            if known and lots:
                levels[at][1] = lots
            elif known:
                levels.pop(at)
            elif lots:
                levels.insert(at, [price, lots])
    _meet_background(world, symbol)


def _meet_background(world: World, symbol: str) -> None:
    """Fill the orders that the background's book crosses, and let nobody wait behind more than there is."""
    market = world.state.markets[symbol]
    for side in Side:
        levels, makers = market.levels(side.other), world.resting[symbol, side]
        for maker in makers.within(levels[0][0]) if levels else ():
            while levels and maker.status.is_open and acceptable(side, maker.price, levels[0][0]):
                levels[0][1] -= fill_maker(world, maker, levels[0][1], side.other)
                if levels[0][1] == 0:
                    levels.pop(0)
        shown = {level[0]: level[1] for level in market.levels(side)}
        for maker in makers:
            if maker.queue_ahead:
                maker.queue_ahead = min(maker.queue_ahead, shown.get(maker.price, 0))
