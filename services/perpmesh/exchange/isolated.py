"""The margin of an isolated position, moved between it and the cross wallet by the account itself."""

from decimal import Decimal

from perpmesh.exchange import margin
from perpmesh.exchange.commands import AdjustPositionMargin
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.state import HISTORY, Account, MarginMove, Position, place_of
from perpmesh.exchange.symbols import MONEY
from perpmesh.exchange.words import BalanceReason, MarginChange
from perpmesh.exchange.world import World, check_side


def adjust(world: World, command: AdjustPositionMargin) -> None:
    """Add to the margin what is available, or take from it what the position's initial margin does not need."""
    account = world.account(command.account)
    world.spec(command.symbol)
    side = check_side(account, command.position_side)
    amount = _units(command.amount)
    if not account.is_isolated(command.symbol):
        raise refusal(-4049)
    position = account.position(place_of(command.symbol, side))
    if not position.lots:
        raise refusal(-4054)
    adding = command.type is MarginChange.ADD
    if adding and amount > margin.totals(world.books, account).available:
        raise refusal(-4050)
    if not adding and amount > removable(world, account, position):
        raise refusal(-4051)
    position.isolated += amount if adding else -amount
    position.update_time = world.wall_ms
    account.margin_moves.append(MarginMove(command.symbol, side, command.type, amount, world.wall_ms))
    del account.margin_moves[:-HISTORY]
    world.report_account(account, BalanceReason.MARGIN_TRANSFER, position)


def _units(amount: Decimal) -> int:
    if not amount.is_finite() or amount <= 0:
        raise refusal(-4055)
    units = amount * MONEY
    if units != int(units):
        raise refusal(-1111)
    return int(units)


def removable(world: World, account: Account, position: Position) -> int:
    """Return how much margin may leave: profit stays with the position, a loss binds margin."""
    needed = abs(world.books.notional(position)) // account.leverage_of(position.symbol)
    return max(0, position.isolated + min(0, world.books.unrealized(position)) - needed)
