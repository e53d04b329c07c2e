"""Reads an Instrument from one symbol of exchangeInfo."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO

NEEDED = frozenset({"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE"})
Filters = Mapping[str, Mapping[str, Any]]


def instrument_of(told: Mapping[str, Any]) -> Instrument | None:
    """Return one entry of exchangeInfo's symbols; None when filters are missing or do not fit together."""
    filters = {each["filterType"]: each for each in told["filters"]}
    if not filters.keys() >= NEEDED:
        return None
    price, percent, lots = filters["PRICE_FILTER"], filters["PERCENT_PRICE"], _lots(filters)
    if lots is None or _number(price["tickSize"]) <= ZERO:
        return None
    step, least = lots
    return Instrument(
        symbol=told["symbol"],
        tick=_number(price["tickSize"]),
        step=step,
        min_quantity=least,
        max_quantity=_number(filters["LOT_SIZE"]["maxQty"]),
        market_max_quantity=_number(filters["MARKET_LOT_SIZE"]["maxQty"]),
        min_notional=_number(filters["MIN_NOTIONAL"]["notional"]),
        min_price=_number(price["minPrice"]),
        max_price=_number(price["maxPrice"]),
        multiplier_up=_number(percent["multiplierUp"]),
        multiplier_down=_number(percent["multiplierDown"]),
    )


def _lots(filters: Filters) -> tuple[Decimal, Decimal] | None:
    """Return step and minimum of the quantities that LOT_SIZE and MARKET_LOT_SIZE both take.

    A market step of 0 means that LOT_SIZE rules alone; one must be a multiple of the other, and the minima apart by
    whole steps, or the symbol is not traded.
    """
    lot, market = filters["LOT_SIZE"], filters["MARKET_LOT_SIZE"]
    fine, coarse = sorted((_number(lot["stepSize"]), _number(market["stepSize"]) or _number(lot["stepSize"])))
    low, high = sorted((_number(lot["minQty"]), _number(market["minQty"])))
    if fine <= ZERO or coarse % fine or (high - low) % coarse:
        return None
    return coarse, high or coarse


def _number(value: Any) -> Decimal:
    return Decimal(str(value))
