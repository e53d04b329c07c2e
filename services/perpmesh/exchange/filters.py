"""The symbol filters: is this price, this quantity, this notional one that the exchange takes?"""

import re
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final, NamedTuple

from perpmesh.exchange.errors import ExchangeError, refusal
from perpmesh.exchange.symbols import MONEY, PPM, SymbolSpec
from perpmesh.exchange.words import Side
from perpmesh.kernel.money import text

MAX_CLIENT_ID = 36
CLIENT_ID = re.compile(rf"[A-Za-z0-9.:/_-]{{1,{MAX_CLIENT_ID}}}")
EXACTLY = Context(prec=28, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


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
    ticks = _whole(price, spec.grains[0])
    low, high, stride = spec.ticks_allowed
    return ticks if low <= ticks <= high and (ticks - low) % stride == 0 else _refuse_price(spec, price, field)


def _whole(value: Decimal | None, grain: Decimal) -> int:
    """Return how many grains a value is, 0 when it is not a whole number of them."""
    if value is None:
        return 0
    try:
        count = EXACTLY.divide(value, grain)
        whole = int(count)
    except (ArithmeticError, ValueError):  # more digits than a number of grains has, or no number
        return 0
    return whole if whole == count else 0


def _refuse_price(spec: SymbolSpec, price: Decimal | None, field: str) -> int:
    """Refuse for the right reason; a price that is fine after all is told in ticks."""
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
    lots = _whole(quantity, spec.grains[1])
    low, high, market_high, stride = spec.lots_allowed
    allowed = low <= lots <= (market_high if market else high) and (lots - low) % stride == 0
    return lots if allowed else _refuse_quantity(spec, quantity, market=market)


def _refuse_quantity(spec: SymbolSpec, quantity: Decimal | None, *, market: bool) -> int:
    """Refuse for the right reason; a quantity that is fine after all is told in lots."""
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
    if CLIENT_ID.fullmatch(client_id):
        return
    if len(client_id) > MAX_CLIENT_ID:
        raise ExchangeError(-4015, "Client order id length should not be more than 36 chars")
    raise refusal(-4015)


def check_notional(spec: SymbolSpec, notional: int) -> None:
    """Refuse what is worth too little; reduce-only orders are not asked."""
    if notional < spec.min_notional_units:
        raise refusal(-4164, text(spec.min_notional))


def check_percent_price(spec: SymbolSpec, side: Side, ticks: int, mark: int) -> None:
    """Refuse a limit price too far on the wrong side of the mark: a buy far above it, a sell far below it."""
    if not mark:
        return
    price_units, (up, down) = ticks * spec.tick_units * PPM, spec.percent_ppm
    if mark * down <= price_units <= mark * up:
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
