"""Forced closing: an account (cross) or a position (isolated) whose equity no longer covers its maintenance margin.

The sequence is the likely one: open orders expire, an immediate-or-cancel limit order at the bankruptcy price goes
into the book, what it leaves is taken over at that price, the liquidation fee goes to the insurance fund as far as
there is money, and the fund makes good what is below zero.
"""

from perpmesh.exchange import fills, filters, matching, orders, present
from perpmesh.exchange.commands import Liquidate
from perpmesh.exchange.events import MarginCalled, PositionLiquidated
from perpmesh.exchange.margin import totals
from perpmesh.exchange.state import Account, Order, Position
from perpmesh.exchange.symbols import MONEY
from perpmesh.exchange.words import (
    BalanceReason,
    Execution,
    ExpireReason,
    IncomeType,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)
from perpmesh.exchange.world import World

CALL_NUMERATOR, CALL_DENOMINATOR = 8, 10  # maintenance at 80 % of equity: a margin call


def watch(world: World) -> bool:
    """Liquidate whoever must be; return whether anybody was."""
    acted = [_watch_account(world, account) for account in world.state.accounts.values()]  # everybody, not the first
    return any(acted)


def _watch_account(world: World, account: Account) -> bool:
    held = [p for p in account.positions.values() if p.lots]
    isolated = [p for p in held if account.is_isolated(p.symbol)]
    doomed = [p for p in isolated if p.isolated + world.books.unrealized(p) <= world.books.maintenance(p)]
    for position in doomed:
        _expire_orders(world, account, position.symbol)
        _close(world, account, position)
    return _watch_cross(world, account) or bool(doomed)


def _watch_cross(world: World, account: Account) -> bool:
    held = [p for p in account.positions.values() if p.lots and not account.is_isolated(p.symbol)]
    if not held:
        account.margin_called = False
        _forgive(world, account)
        return False
    sums = totals(world.books, account)
    equity = sums.cross_wallet + sums.cross_unrealized
    if equity > sums.cross_maintenance:
        _warn(world, account, held, called=equity * CALL_NUMERATOR <= sums.cross_maintenance * CALL_DENOMINATOR)
        return False
    for symbol in sorted({o.symbol for o in account.open_orders.values()}):
        _expire_orders(world, account, symbol)
    for position in held:
        _close(world, account, position)
    return True


def force(world: World, command: Liquidate) -> None:
    """Liquidate an account, or what it has in one symbol, although its margin would hold."""
    account = world.account(command.account)
    symbols = list(world.specs) if command.symbol is None else [world.spec(command.symbol).symbol]
    for symbol in symbols:
        held = [p for p in account.positions.values() if p.symbol == symbol and p.lots]
        if held:
            _expire_orders(world, account, symbol)
        for position in held:
            _close(world, account, position)


def _forgive(world: World, account: Account) -> None:
    """A position closed at a price worse than bankruptcy leaves a debt: the insurance fund takes it over."""
    debt = -account.cross_wallet
    if debt > 0:
        world.book_income(account, IncomeType.INSURANCE_CLEAR, debt)
        world.state.insurance -= debt
        world.report_account(account, BalanceReason.INSURANCE_CLEAR, balance_change=debt)


def _warn(world: World, account: Account, held: list[Position], *, called: bool) -> None:
    """Call for margin once each time the ratio passes the mark."""
    if called and not account.margin_called:
        views = tuple(present.position_view(world.books, account, p) for p in held)
        world.events.append(MarginCalled(account.name, present.money(account.cross_wallet), views, world.market_ms))
    account.margin_called = called


def _expire_orders(world: World, account: Account, symbol: str) -> None:
    for order in [o for o in account.open_orders.values() if o.symbol == symbol]:
        world.take_down(order, OrderStatus.EXPIRED, Execution.EXPIRED, reason=ExpireReason.LIQUIDATION)


def _close(world: World, account: Account, position: Position) -> None:
    order = _order(world, account, position)
    before, set_aside = account.wallet, position.isolated
    world.report_order(order, Execution.NEW)
    matching.take(world, order, order.price, execution=Execution.CALCULATED)
    if order.remaining:
        trade = fills.print_trade(world, order.symbol, order.price, order.remaining, order.side)
        matching.pay_background(world, order.symbol, order.side.other, trade)
        fills.fill(world, order, trade, maker=False, execution=Execution.CALCULATED)
    if account.is_isolated(position.symbol):
        left = set_aside + account.wallet - before
    else:
        sums = totals(world.books, account)
        left = sums.cross_wallet + sums.cross_unrealized
    _clear(world, account, position, order, left)
    world.events.append(
        PositionLiquidated(account.name, present.order_view(world.specs[order.symbol], order), world.market_ms)
    )


def _order(world: World, account: Account, position: Position) -> Order:
    """Make the order that takes a position over; nobody asks whether it may."""
    wish = orders.Wish(
        account=account,
        symbol=position.symbol,
        side=Side.SELL if position.lots > 0 else Side.BUY,
        position_side=position.side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.IOC,
        lots=abs(position.lots),
        ticks=_bankruptcy_ticks(world, account, position),
        reduce_only=True,
        client_id=f"autoclose-{world.state.next_order_id}",
        self_trade=SelfTrade.EXPIRE_MAKER,
        good_till=0,
    )
    return orders.admit(world, wish)


def _bankruptcy_ticks(world: World, account: Account, position: Position) -> int:
    """Return the price at which closing leaves nothing: the mark, moved by the equity per coin."""
    spec, mark = world.specs[position.symbol], world.books.mark(position.symbol)
    if account.is_isolated(position.symbol):
        equity = position.isolated + world.books.unrealized(position)
    else:
        sums = totals(world.books, account)
        equity = sums.cross_wallet + sums.cross_unrealized
    price = mark - max(0, equity) * spec.lot_units // position.lots
    ticks = -(-price // spec.tick_units) if position.lots > 0 else price // spec.tick_units
    bound = filters.market_bound(spec, Side.SELL if position.lots > 0 else Side.BUY, mark)
    return max(ticks, bound) if position.lots > 0 else min(ticks, bound)


def _clear(world: World, account: Account, position: Position, order: Order, left: int) -> None:
    """Take the liquidation fee as far as there is money; make good what is below zero."""
    spec = world.specs[position.symbol]
    fee = order.quote * int(spec.liquidation_fee * MONEY) // MONEY
    amount = -min(fee, left) if left > 0 else -left
    world.book_income(account, IncomeType.INSURANCE_CLEAR, amount, symbol=position.symbol)
    world.state.insurance -= amount
    world.report_account(account, BalanceReason.INSURANCE_CLEAR, position, balance_change=amount)
