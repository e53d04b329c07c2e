"""The symbol filters: is this price, this quantity, this notional one that the exchange takes?"""

from decimal import Decimal
from typing import Final, NamedTuple

from perpmesh.exchange.errors import ExchangeError, refusal
from perpmesh.exchange.symbols import MONEY, SymbolSpec
from perpmesh.exchange.words import Side
from perpmesh.kernel.money import text

MAX_CLIENT_ID = 36
CLIENT_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-")


class Bounds(NamedTuple):
    """The codes that refuse a price: not above zero, below the least, above the greatest."""

    zero: int
    low: int
    high: int


BOUNDS: Final = {
    "price": Bounds(-4001, -4013, -4002),
    "triggerPrice": Bounds(-4006, -4013, -4007),
    "activatePrice": Bounds(-4135, -4135, -4135),
}


def price_ticks(spec: SymbolSpec, price: Decimal | None, *, field: str = "price") -> int:
    """Return a price in ticks, or refuse it."""
    if price is None or not price.is_finite():
        raise refusal(-1102, field)
    bounds = BOUNDS[field]
    if price <= 0:
        raise refusal(bounds.zero)
    _check_precision(price, spec.price_precision)
    if price < spec.min_price:
        raise refusal(bounds.low)
    if price > spec.max_price:
        raise refusal(bounds.high)
    if (price - spec.min_price) % spec.tick:
        raise refusal(-4014)
    return spec.to_ticks(price)


def quantity_lots(spec: SymbolSpec, quantity: Decimal | None, *, market: bool) -> int:
    """Return a quantity in lots, or refuse it."""
    if quantity is None or not quantity.is_finite():
        raise refusal(-1102, "quantity")
    if quantity <= 0:
        raise refusal(-4003)
    _check_precision(quantity, spec.quantity_precision)
    if quantity < spec.min_quantity:
        raise refusal(-4004)
    if quantity > (spec.market_max_quantity if market else spec.max_quantity):
        raise refusal(-4005)
    if (quantity - spec.min_quantity) % spec.step:
        raise refusal(-4023)
    return spec.to_lots(quantity)


def _check_precision(value: Decimal, digits: int) -> None:
    if value != round(value, digits):
        raise refusal(-1111)


def check_client_id(client_id: str) -> None:
    if len(client_id) > MAX_CLIENT_ID:
        raise ExchangeError(-4015, "Client order id length should not be more than 36 chars")
    if not client_id or not CLIENT_ID_CHARACTERS.issuperset(client_id):
        raise refusal(-4015)


def check_notional(spec: SymbolSpec, notional: int) -> None:
    """Refuse what is worth too little; reduce-only orders are not asked."""
    if notional < int(spec.min_notional * MONEY):
        raise refusal(-4164, text(spec.min_notional))


def check_percent_price(spec: SymbolSpec, side: Side, ticks: int, mark: int) -> None:
    """Refuse a limit price too far on the wrong side of the mark: a buy far above it, a sell far below it."""
    if not mark:
        return
    price, reference = spec.price(ticks), Decimal(mark) / MONEY
    if side is Side.BUY and price > reference * spec.percent_up:
        raise refusal(-4016, text(_on_tick(spec, reference * spec.percent_up)))
    if side is Side.SELL and price < reference * spec.percent_down:
        raise refusal(-4024, text(_on_tick(spec, reference * spec.percent_down)))


def check_stop_price(spec: SymbolSpec, side: Side, ticks: int, trigger: int) -> None:
    """Refuse a limit price too far on the wrong side of the trigger: the same band as around the mark."""
    price, reference = spec.price(ticks), spec.price(trigger)
    if side is Side.BUY and price > reference * spec.percent_up:
        raise refusal(-4183, text(_on_tick(spec, reference * spec.percent_up)))
    if side is Side.SELL and price < reference * spec.percent_down:
        raise refusal(-4184, text(_on_tick(spec, reference * spec.percent_down)))


def _on_tick(spec: SymbolSpec, price: Decimal) -> Decimal:
    return spec.price(spec.to_ticks(price))


def market_bound(spec: SymbolSpec, side: Side, mark: int) -> int:
    """Return the worst price in ticks that a market order may reach."""
    reference = Decimal(mark) / MONEY
    if side is Side.BUY:
        return spec.to_ticks(reference * (1 + spec.market_take_bound)) if mark else spec.to_ticks(spec.max_price)
    return max(1, spec.to_ticks(reference * (1 - spec.market_take_bound))) if mark else 1
