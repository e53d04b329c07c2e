"""Orders that the exchange writes itself: liquidation, deleveraging, settlement. Nobody asks whether they may."""

from perpmesh.exchange import fills, matching, orders
from perpmesh.exchange.state import Account, Order, Position
from perpmesh.exchange.words import Execution, OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from perpmesh.exchange.world import World


def order_against(world: World, account: Account, position: Position, name: str, lots: int, ticks: int) -> Order:
    """Write the order that closes `lots` of a position and tell of it; its client id is `name` and its number."""
    wish = orders.Wish(
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
    order = orders.admit(world, wish)
    world.report_order(order, Execution.NEW)
    return order


def fill_by_exchange(world: World, order: Order, lots: int) -> None:
    """Fill `lots` of a forced order at its price, without commission and with the exchange as the other side."""
    trade = fills.print_trade(world, order.symbol, order.price, lots, order.side)
    matching.pay_background(world, order.symbol, order.side.other, trade)
    fills.fill(world, order, trade, maker=False, execution=Execution.CALCULATED, free=True)


def expire_orders(world: World, account: Account, symbol: str, reason: int) -> None:
    """End the account's open orders in a symbol."""
    for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=reason)
