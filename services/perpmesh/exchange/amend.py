"""Amending an open LIMIT order: a new quantity and price, at the same place in the queue or at its end.

Less of the same keeps its place; more, or another price, goes to the back and may trade at once. (Likely: the
documents do not say what keeps priority.)
"""

from perpmesh.exchange import filters, matching, orders, pegs
from perpmesh.exchange.commands import AmendOrder
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.state import HISTORY, Account, Amendment, Order
from perpmesh.exchange.symbols import MONEY, SymbolSpec
from perpmesh.exchange.words import Execution, OrderStatus, OrderType, SymbolStatus, TimeInForce
from perpmesh.exchange.world import World
from perpmesh.kernel.money import text

MOST_AMENDMENTS = 10_000


def amend(world: World, command: AmendOrder) -> None:
    """Change an order, or cancel it as Binance does: when it has filled that far, when a post-only one would take."""
    account, spec = world.account(command.account), world.spec(command.symbol)
    order = _find(account, command)
    _check_amendable(spec, order, command)
    ticks = pegs.limit_ticks(world, command.symbol, command.side, command.price, command.price_match)
    lots = filters.quantity_lots(spec, command.quantity, market=False)
    if (ticks, lots) == (order.price, order.quantity):
        raise refusal(-5027)
    _check_filters(world, spec, order, ticks, lots, exempt=bool(command.reduce_only))
    if lots <= order.executed or _would_take(world, order, ticks):
        world.take_down(order, OrderStatus.CANCELED, Execution.CANCELED)
        return
    _check_margin(world, account, order, ticks, lots)
    _record(world, account, order, command, ticks, lots)
    _change(world, order, ticks, lots, command)


def _find(account: Account, command: AmendOrder) -> Order:
    """The number wins when both are sent."""
    if command.order_id is None and command.client_order_id is None:
        raise refusal(-1102, "orderId")
    order = orders.find_open(account, command.symbol, command.order_id, command.client_order_id)
    if order is None:
        raise refusal(-2013)
    return order


def _check_amendable(spec: SymbolSpec, order: Order, command: AmendOrder) -> None:
    if spec.status is not SymbolStatus.TRADING:
        raise refusal(-5024)
    if order.type is not OrderType.LIMIT:
        raise refusal(-5025)
    if order.side is not command.side:
        raise refusal(-1117)
    if command.reduce_only and not order.reduce_only:
        raise refusal(-5047)
    if order.amendments >= MOST_AMENDMENTS:
        raise refusal(-5026)


def _check_filters(world: World, spec: SymbolSpec, order: Order, ticks: int, lots: int, *, exempt: bool) -> None:
    filters.check_percent_price(spec, order.side, ticks, world.books.mark(spec.symbol))
    if not exempt and lots * ticks * spec.unit < int(spec.min_notional * MONEY):
        raise refusal(-5029, text(spec.min_notional))


def _would_take(world: World, order: Order, ticks: int) -> bool:
    if order.time_in_force is not TimeInForce.GTX:
        return False
    price = matching.best(world, order.symbol, order.side.other)
    return bool(price) and matching.acceptable(order.side, ticks, price)


def _check_margin(world: World, account: Account, order: Order, ticks: int, lots: int) -> None:
    """Ask for the margin that the order would hold beyond what it holds now."""
    if order.reduce_only:
        return
    spec = world.specs[order.symbol]
    growth = (lots - order.executed) * ticks * spec.unit - world.books.order_notional(order)
    open_loss = _open_loss(world, order, ticks, lots)
    orders.check_affordable(world, account, order.place, spec, order.side, growth, open_loss)


def _open_loss(world: World, order: Order, ticks: int, lots: int) -> int:
    spec, mark = world.specs[order.symbol], world.books.mark(order.symbol)
    left = lots - order.executed
    return max(0, spec.value(left, order.side.sign * (ticks * spec.tick_units - mark)))


def _record(world: World, account: Account, order: Order, command: AmendOrder, ticks: int, lots: int) -> None:
    order.amendments += 1
    account.amendments.append(
        Amendment(
            amendment_id=world.state.next_amendment_id,
            symbol=order.symbol,
            order_id=order.order_id,
            client_id=order.client_id,
            price_before=order.price,
            price_after=ticks,
            quantity_before=order.quantity,
            quantity_after=lots,
            count=order.amendments,
            modify_id=command.modify_id,
            time=world.wall_ms,
        )
    )
    world.state.next_amendment_id += 1
    del account.amendments[:-HISTORY]


def _change(world: World, order: Order, ticks: int, lots: int, command: AmendOrder) -> None:
    keeps_place = ticks == order.price and lots < order.quantity
    world.withdraw(order)
    order.price, order.quantity, order.price_match = ticks, lots, command.price_match
    world.touch(order)
    if keeps_place:
        world.put_back(order)
        world.report_order(order, Execution.AMENDMENT, modify_id=command.modify_id)
        return
    order.rank = world.state.next_order_id  # behind every order that has a number already
    world.state.next_order_id += 1
    world.report_order(order, Execution.AMENDMENT, modify_id=command.modify_id)
    matching.settle_remainder(world, order, matching.take(world, order, ticks))
