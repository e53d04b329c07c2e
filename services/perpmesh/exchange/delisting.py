"""A symbol takes another status or other filters in mid-flight; the one that settles closes everything at the mark.

The likely sequence: open orders of both kinds expire (er 7), positions close at the mark price on the nearest tick,
against the exchange, without commission, by orders named `settlement_autoclose-`.
"""

from perpmesh.exchange import conditional, fills, listing, matching, orders
from perpmesh.exchange.commands import ChangeSymbol
from perpmesh.exchange.events import SymbolChanged
from perpmesh.exchange.state import Account, Position
from perpmesh.exchange.words import (
    AlgoStatus,
    Execution,
    ExpireReason,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)
from perpmesh.exchange.world import World


def change(world: World, command: ChangeSymbol) -> None:
    """Let new rules hold from here on; orders that rest already keep their prices and sizes."""
    spec, market = world.spec(command.symbol), world.market(command.symbol)
    wanted = listing.changes(spec, command)
    was_over = spec.status.is_over
    market.rules |= wanted
    world.specs[spec.symbol] = listing.with_rules(spec, wanted)
    status = world.specs[spec.symbol].status
    world.events.append(SymbolChanged(spec.symbol, status, world.market_ms))
    if not status.is_matched:
        market.bids, market.asks = [], []
    if status.is_over and not was_over:
        for account in world.state.accounts.values():
            _settle(world, account, spec.symbol)


def _settle(world: World, account: Account, symbol: str) -> None:
    for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.DELISTED)
    for algo in [a for a in account.open_algos.values() if a.symbol == symbol]:
        conditional.end(world, algo, AlgoStatus.EXPIRED, "The symbol was delisted.")
    for position in [p for p in account.positions.values() if p.symbol == symbol and p.lots]:
        close_at(world, account, position, settlement_ticks(world, symbol), "settlement_autoclose")


def settlement_ticks(world: World, symbol: str) -> int:
    """Return the mark price on the nearest tick."""
    tick = world.specs[symbol].tick_units
    return max(1, (world.books.mark(symbol) + tick // 2) // tick)


def close_at(world: World, account: Account, position: Position, ticks: int, name: str) -> None:
    """Close a position at a price that the exchange sets, with the exchange as the other side."""
    order = orders.admit(world, forced(world, account, position, ticks, name, abs(position.lots)))
    world.report_order(order, Execution.NEW)
    trade = fills.print_trade(world, order.symbol, ticks, order.remaining, order.side)
    matching.pay_background(world, order.symbol, order.side.other, trade)
    fills.fill(world, order, trade, maker=False, execution=Execution.CALCULATED)


def forced(world: World, account: Account, position: Position, ticks: int, name: str, lots: int) -> orders.Wish:
    """Return the order that closes `lots` of a position by force; nobody asks whether it may."""
    return orders.Wish(
        account=account,
        symbol=position.symbol,
        side=Side.SELL if position.lots > 0 else Side.BUY,
        position_side=position.side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.IOC,
        lots=lots,
        ticks=ticks,
        reduce_only=True,
        client_id=f"{name}-{world.state.next_order_id}",
        self_trade=SelfTrade.EXPIRE_MAKER,
        good_till=0,
    )
