"""Funding: what longs pay to shorts (or get from them) at each settlement, on the mark price."""

from decimal import Decimal

from perpmesh.exchange.commands import SettleFunding
from perpmesh.exchange.state import Account, Position
from perpmesh.exchange.symbols import MONEY
from perpmesh.exchange.words import BalanceReason, IncomeType
from perpmesh.exchange.world import World


def payment(notional: int, rate: Decimal) -> int:
    """Return what a position of signed `notional` receives: a long pays when the rate is positive."""
    rate_units = int(rate * MONEY)
    product = -notional * rate_units
    half = MONEY // 2
    return (product + half) // MONEY if product >= 0 else -((-product + half) // MONEY)


def settle(world: World, command: SettleFunding) -> None:
    """Pay and charge every position of the symbol; the background is the other side of what does not cancel out."""
    world.spec(command.symbol)
    for account in world.state.accounts.values():
        for position in list(account.positions.values()):
            if position.symbol == command.symbol and position.lots:
                _pay(world, account, position, command.rate)


def _pay(world: World, account: Account, position: Position, rate: Decimal) -> None:
    amount = payment(world.books.notional(position), rate)
    if amount == 0:
        return
    isolated = account.is_isolated(position.symbol)
    if isolated:
        position.isolated += amount
    world.state.background -= amount
    world.book_income(account, IncomeType.FUNDING_FEE, amount, symbol=position.symbol)
    shown = (position,) if isolated else ()
    world.report_account(account, BalanceReason.FUNDING_FEE, *shown, balance_change=amount, symbol=position.symbol)
