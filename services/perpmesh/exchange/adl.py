"""Auto-deleveraging: who has gained most with most leverage gives up his position when the insurance fund is empty.

Ranking (Binance): profit as a part of what the position cost, times its leverage when it is a profit, divided by it
when it is a loss. Leverage is the notional over what stands behind the position: the isolated margin with its
profit, or the account's cross equity.
"""

from fractions import Fraction

from perpmesh.exchange import fills, forced
from perpmesh.exchange.margin import totals
from perpmesh.exchange.state import Account, Order, Position
from perpmesh.exchange.words import Execution
from perpmesh.exchange.world import World

TOP_QUANTILE = 4
Held = tuple[Account, Position]


def quantile(world: World, account: Account, position: Position) -> int:
    """Return 0 (last in the queue) to 4 (first) among the accounts on the position's side; alone means 0."""
    if not position.lots:
        return 0
    mine = score(world, account, position)
    scores = [score(world, *held) for held in _held(world, position.symbol, position.lots)]
    others = len(scores) - 1
    return sum(each < mine for each in scores) * TOP_QUANTILE // others if others else 0


def score(world: World, account: Account, position: Position) -> Fraction:
    """Return the place of a position in the queue: a higher one is deleveraged earlier."""
    books = world.books
    gain = Fraction(books.unrealized(position), max(1, abs(position.cost)))
    if account.is_isolated(position.symbol):
        behind = position.isolated + books.unrealized(position)
    else:
        sums = totals(books, account)
        behind = sums.cross_wallet + sums.cross_unrealized
    leverage = Fraction(max(1, abs(books.notional(position))), max(1, behind))
    return gain * leverage if gain > 0 else gain / leverage


def _held(world: World, symbol: str, sign: int) -> list[Held]:
    """Return everybody's positions in the symbol that are on the side of `sign`."""
    return [
        (account, position)
        for account in world.state.accounts.values()
        for position in account.positions.values()
        if position.symbol == symbol and position.lots * sign > 0
    ]


def deleverage(world: World, order: Order) -> None:
    """Let counterparties, first in the queue first, take what is left of a liquidation at its bankruptcy price.

    Only those who have a profit are asked. Neither side pays commission.
    """
    queue = [held for held in _held(world, order.symbol, order.side.sign) if held[0].name != order.account]
    ranked = sorted(queue, key=lambda held: (-score(world, *held), held[0].name, held[1].side))
    for account, position in ranked:
        if not order.remaining or world.books.unrealized(position) <= 0:
            return
        lots = min(order.remaining, abs(position.lots))
        other = forced.order_against(world, account, position, "adl_autoclose", lots, order.price)
        trade = fills.print_trade(world, order.symbol, order.price, lots, order.side)
        for each in (other, order):
            fills.fill(world, each, trade, maker=False, execution=Execution.CALCULATED, free=True)
