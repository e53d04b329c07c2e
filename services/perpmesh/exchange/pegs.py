"""Prices that follow the book: what `priceMatch` stands for at the moment an order is taken."""

from decimal import Decimal

from perpmesh.exchange import filters, matching
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.words import PriceMatch, Side
from perpmesh.exchange.world import World


def limit_ticks(world: World, symbol: str, side: Side, price: Decimal | None, match: PriceMatch) -> int:
    """Return a limit price in ticks, as sent or taken from the book; both at once are refused."""
    spec = world.spec(symbol)
    if match is PriceMatch.NONE:
        return filters.price_ticks(spec, price)
    if price is not None:
        raise refusal(-1106, "price")
    return matched_ticks(world, symbol, side, match)


def matched_ticks(world: World, symbol: str, side: Side, match: PriceMatch) -> int:
    """Return the price in ticks that `match` names for an order on `side`; -5041 when the book is not that deep."""
    found = matching.price_level(world, symbol, side.other if match.is_opponent else side, match.depth)
    if not found:
        raise refusal(-5041)
    return found
