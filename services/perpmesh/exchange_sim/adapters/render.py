"""What the exchange knows, as the venue's JSON spells it: numbers, and the rules of a symbol."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import OrderType

Json: TypeAlias = dict[str, Any]
V = TypeVar("V")
ZERO = Decimal(0)
NO_DELIVERY_MS = 4_133_404_800_000  # what a perpetual shows for the day on which it is delivered


def shape(table: Mapping[str, Callable[[SymbolSpec, V], Any]], names: str) -> Callable[[SymbolSpec, V], Json]:
    """Return what writes the named fields of a table, in the order in which the venue's documents list them."""
    chosen = tuple((name, table[name]) for name in names.split())
    return lambda spec, value: {name: read(spec, value) for name, read in chosen}


def money(value: Decimal) -> str:
    return f"{value:.8f}"


def price(spec: SymbolSpec, value: Decimal) -> str:
    return f"{value:.{spec.price_precision}f}"


def quantity(spec: SymbolSpec, value: Decimal) -> str:
    return f"{value:.{spec.quantity_precision}f}"


def precise(value: Decimal) -> str:
    """Write an average price: as many places as it needs, at least one."""
    text = f"{value:.12f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def symbol_info(spec: SymbolSpec) -> Json:
    """One symbol of exchangeInfo."""
    lots = {"minQty": f"{spec.min_quantity}", "stepSize": f"{spec.step}"}
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": NO_DELIVERY_MS,
        "onboardDate": spec.onboard_ms,
        "status": spec.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_precision,
        "quantityPrecision": spec.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [spec.sub_type],
        "settlePlan": 0,
        "triggerProtect": f"{spec.trigger_protect}",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "maxPrice": f"{spec.max_price}",
                "minPrice": f"{spec.min_price}",
                "tickSize": f"{spec.tick}",
            },
            {"filterType": "LOT_SIZE", "maxQty": f"{spec.max_quantity}", **lots},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": f"{spec.market_max_quantity}", **lots},
            {"filterType": "MAX_NUM_ORDERS", "limit": spec.max_orders},
            {"filterType": "MIN_NOTIONAL", "notional": f"{spec.min_notional}"},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{spec.percent_up}",
                "multiplierDown": f"{spec.percent_down}",
                "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
        ],
        "orderTypes": [str(kind) for kind in OrderType],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "liquidationFee": f"{spec.liquidation_fee}",
        "marketTakeBound": f"{spec.market_take_bound}",
        "maxMoveOrderLimit": 10_000,
    }
