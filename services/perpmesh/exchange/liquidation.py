"""Forced closing: an account (cross) or a position (isolated) whose equity no longer covers its maintenance margin.

The sequence is the likely one. Open orders expire. The positions close one after the other, the one that needs most
margin first, until what is left is covered: an immediate-or-cancel limit order at the bankruptcy price goes into the
book, as a taker. What it leaves is taken over at that price by the insurance fund, which gets rid of it at the mark
and keeps the difference; when the fund would go below zero by that, counterparties are deleveraged first. The
clearance fee goes to the fund as far as there is money, and the fund makes good what is below zero.
"""

from perpmesh.exchange import adl, fees, filters, forced, matching, present
from perpmesh.exchange.commands import Liquidate
from perpmesh.exchange.events import MarginCalled, PositionLiquidated
from perpmesh.exchange.margin import totals
from perpmesh.exchange.state import Account, Order, Position
from perpmesh.exchange.symbols import MONEY, PPM
from perpmesh.exchange.words import BalanceReason, Execution, ExpireReason, IncomeType, Side
from perpmesh.exchange.world import World

CALL_NUMERATOR, CALL_DENOMINATOR = 8, 10  # maintenance at 80 % of equity: a margin call


def watch(world: World) -> bool:
    """Liquidate whoever must be, of those for whom something changed; return whether anybody was."""
    acted = False
    for name, account in world.state.accounts.items():
        if world.everyone:
            world.everyone = False
            world.touched.update(world.state.accounts)
        if not world.touched:
            break
        if name in world.touched:
            world.touched.discard(name)
            acted = _watch_account(world, account) or acted
    return acted


def _watch_account(world: World, account: Account) -> bool:
    held = [p for p in account.positions.values() if p.lots and account.is_isolated(p.symbol)]
    acted = [_watch_isolated(world, account, position) for position in held]
    return _watch_cross(world, account) or any(acted)


def _watch_isolated(world: World, account: Account, position: Position) -> bool:
    equity, needed = position.isolated + world.books.unrealized(position), world.books.maintenance(position)
    if equity > needed:
        called = _is_called(equity, needed)
        if called and not position.margin_called:
            _call(world, account, [position], cross=False)
        position.margin_called = called
        return False
    forced.expire_orders(world, account, position.symbol, ExpireReason.LIQUIDATION)
    _close(world, account, position)
    return True


def _watch_cross(world: World, account: Account) -> bool:
    held = _cross_positions(account)
    if not held:
        account.margin_called = False
        _forgive(world, account)
        return False
    books, equity, needed = world.books, account.cross_wallet, 0
    for position in held:
        equity += books.unrealized(position)
        needed += books.maintenance(position)
    if equity > needed:
        called = _is_called(equity, needed)
        if called and not account.margin_called:
            _call(world, account, held, cross=True)
        account.margin_called = called
        return False
    for symbol in sorted({o.symbol for o in account.open_orders.values()}):
        forced.expire_orders(world, account, symbol, ExpireReason.LIQUIDATION)
    while held and not _is_covered(world, account):
        _close(world, account, max(held, key=world.books.maintenance))
        held = _cross_positions(account)
    return True


def _cross_positions(account: Account) -> list[Position]:
    return [p for p in account.positions.values() if p.lots and not account.is_isolated(p.symbol)]


def _is_covered(world: World, account: Account) -> bool:
    sums = totals(world.books, account)
    return sums.cross_wallet + sums.cross_unrealized > sums.cross_maintenance


def force(world: World, command: Liquidate) -> None:
    """Liquidate an account, or what it has in one symbol, although its margin would hold."""
    account = world.account(command.account)
    symbols = list(world.specs) if command.symbol is None else [world.spec(command.symbol).symbol]
    for position in [p for p in account.positions.values() if p.lots and p.symbol in symbols]:
        forced.expire_orders(world, account, position.symbol, ExpireReason.LIQUIDATION)
        _close(world, account, position)


def _forgive(world: World, account: Account) -> None:
    """A position closed at a price worse than bankruptcy leaves a debt: the insurance fund takes it over."""
    debt = -account.cross_wallet
    if debt > 0:
        world.book_income(account, IncomeType.INSURANCE_CLEAR, debt)
        world.state.insurance -= debt
        world.report_account(account, BalanceReason.INSURANCE_CLEAR, balance_change=debt)


def _is_called(equity: int, needed: int) -> bool:
    return equity * CALL_NUMERATOR <= needed * CALL_DENOMINATOR


def _call(world: World, account: Account, held: list[Position], *, cross: bool) -> None:
    """Call for margin, once each time the ratio passes the mark."""
    views = tuple(present.position_view(world.books, account, p) for p in held)
    wallet = present.money(account.cross_wallet) if cross else None
    world.events.append(MarginCalled(account.name, wallet, views, world.market_ms))


def _close(world: World, account: Account, position: Position) -> None:
    """Close one position by force: into the book, to counterparties, to the fund."""
    before, set_aside = account.wallet, position.isolated
    ticks = bankruptcy_ticks(world, account, position)
    order = forced.order_against(world, account, position, "autoclose", abs(position.lots), ticks)
    matching.take(world, order, ticks, execution=Execution.CALCULATED)
    loss = -_worth_to_fund(world, order)
    if loss > max(0, world.state.insurance):
        adl.deleverage(world, order)
    if order.remaining:
        _take_over(world, order)
    if account.is_isolated(position.symbol):
        left = set_aside + account.wallet - before
    else:
        sums = totals(world.books, account)
        left = sums.cross_wallet + sums.cross_unrealized
    _clear(world, account, position, order, left)
    world.events.append(
        PositionLiquidated(account.name, present.order_view(world.specs[order.symbol], order), world.market_ms)
    )


def _worth_to_fund(world: World, order: Order) -> int:
    """Return what the fund gains by taking over what is left of the order at its price and selling at the mark."""
    spec, mark = world.specs[order.symbol], world.books.mark(order.symbol)
    return spec.value(order.remaining, order.side.sign * (order.price * spec.tick_units - mark))


def _take_over(world: World, order: Order) -> None:
    gain = _worth_to_fund(world, order)
    forced.fill_by_exchange(world, order, order.remaining)
    world.state.insurance += gain
    world.state.background -= gain


def bankruptcy_ticks(world: World, account: Account, position: Position) -> int:
    """Return the price at which closing leaves nothing, commission paid; no further away than a market order reaches.

    What a cross account has is shared out to its positions by their notional.
    """
    spec, mark = world.specs[position.symbol], world.books.mark(position.symbol)
    worth, rate = abs(world.books.notional(position)), fees.commission_ppm(account, spec, maker=False)
    equity, value = _equity_behind(world, account, position), abs(position.lots) * spec.unit
    if position.lots > 0:
        ticks = -(-(worth - equity) * PPM // (value * (PPM - rate)))
        return max(ticks, filters.market_bound(spec, Side.SELL, mark))
    ticks = (worth + equity) * PPM // (value * (PPM + rate))
    return max(1, min(ticks, filters.market_bound(spec, Side.BUY, mark)))


def _equity_behind(world: World, account: Account, position: Position) -> int:
    if account.is_isolated(position.symbol):
        return position.isolated + world.books.unrealized(position)
    sums = totals(world.books, account)
    equity = sums.cross_wallet + sums.cross_unrealized
    whole = sum(abs(world.books.notional(p)) for p in _cross_positions(account))
    return equity * abs(world.books.notional(position)) // whole if whole else equity


def _clear(world: World, account: Account, position: Position, order: Order, left: int) -> None:
    """Take the clearance fee as far as there is money; make good what is below zero when nothing else is held."""
    spec = world.specs[position.symbol]
    fee = order.quote * int(spec.liquidation_fee * MONEY) // MONEY
    alone = account.is_isolated(position.symbol) or not _cross_positions(account)
    amount = -min(fee, left) if left > 0 else (-left if alone else 0)
    world.book_income(account, IncomeType.INSURANCE_CLEAR, amount, symbol=position.symbol)
    world.state.insurance -= amount
    world.report_account(account, BalanceReason.INSURANCE_CLEAR, position, balance_change=amount)
