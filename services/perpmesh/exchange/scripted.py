"""What is made to happen: an order that fills in parts by a script, a conditional order whose trigger is rejected.

A scripted order waits outside the book and trades against the background alone: each part at the best opposite price,
or at the order's own limit when that is worse. It is in the state, so a restart goes on with the script.
"""

from perpmesh.exchange import fills, matching, orders
from perpmesh.exchange.commands import PlaceInParts, RejectWhenTriggered
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.state import Order, Script
from perpmesh.exchange.words import Execution, ExpireReason, OrderStatus
from perpmesh.exchange.world import World

WHOLE = 100  # per cent


def place(world: World, command: PlaceInParts) -> None:
    """Accept an order as ever, and fill the parts that are due at once."""
    order = orders.accept(world, command.order)
    world.report_order(order, Execution.NEW)
    world.state.scripts[order.order_id] = Script(order.account, _steps(world, order, command))
    world.put_back(order)
    fill_due(world)


def _steps(world: World, order: Order, command: PlaceInParts) -> list[list[int]]:
    """Return [lots, due wall time] of each part; parts add up exactly, so rounding is never lost."""
    steps, share, given = [], 0, 0
    for number, part in enumerate(command.parts):
        share += part
        lots = order.quantity * min(share, WHOLE) // WHOLE - given
        given += lots
        if lots:
            steps.append([lots, world.wall_ms + number * command.delay_ms])
    return steps


def fill_due(world: World) -> None:
    """Fill the parts whose time has come; after the last one the order is on its own."""
    for order_id, script in tuple(world.state.scripts.items()):
        order = world.state.accounts[script.account].open_orders.get(order_id)
        while order is not None and order.status.is_open and script.steps and script.steps[0][1] <= world.wall_ms:
            _fill(world, order, script.steps.pop(0)[0])
        if order is None or not order.status.is_open:
            del world.state.scripts[order_id]
        elif not script.steps:
            world.withdraw(order)
            del world.state.scripts[order_id]
            matching.settle_remainder(world, order, ExpireReason.NONE)


def _fill(world: World, order: Order, lots: int) -> None:
    lots = min(lots, matching.closable(world, order))
    if not lots:
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.REDUCE_ONLY)
        return
    price = matching.best(world, order.symbol, order.side.other) or world.state.markets[order.symbol].last
    if order.price and not matching.acceptable(order.side, order.price, price):
        price = order.price
    trade = fills.print_trade(world, order.symbol, price, lots, order.side)
    matching.pay_background(world, order.symbol, order.side.other, trade)
    fills.fill(world, order, trade, maker=False)


def reject_when_triggered(world: World, command: RejectWhenTriggered) -> None:
    """Let an open conditional order fail when its price comes; -2011 when there is none open."""
    if command.algo_id not in world.account(command.account).open_algos:
        raise refusal(-2011)
    world.state.doomed[command.algo_id] = command.reason
