"""A symbol takes another status or other filters in mid-flight; the one that settles closes everything at the mark.

The likely sequence: open orders of both kinds expire (er 7), positions close at the mark price on the nearest tick,
against the exchange, without commission, by orders named `settlement_autoclose-`.
"""

from perpmesh.exchange import conditional, forced, listing
from perpmesh.exchange.commands import ChangeSymbol
from perpmesh.exchange.events import SymbolChanged
from perpmesh.exchange.state import Account
from perpmesh.exchange.words import AlgoStatus, ExpireReason
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
    forced.expire_orders(world, account, symbol, ExpireReason.DELISTED)
    for algo in [a for a in account.open_algos.values() if a.symbol == symbol]:
        conditional.end(world, algo, AlgoStatus.EXPIRED, "The symbol was delisted.")
    for position in [p for p in account.positions.values() if p.symbol == symbol and p.lots]:
        lots, ticks = abs(position.lots), settlement_ticks(world, symbol)
        order = forced.order_against(world, account, position, "settlement_autoclose", lots, ticks)
        forced.fill_by_exchange(world, order, lots)


def settlement_ticks(world: World, symbol: str) -> int:
    """Return the mark price on the nearest tick."""
    tick = world.specs[symbol].tick_units
    return max(1, (world.books.mark(symbol) + tick // 2) // tick)
