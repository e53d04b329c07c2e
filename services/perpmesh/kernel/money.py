"""Money words. All are Decimals; the NewTypes keep a price from being passed where a quantity is meant."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import NewType

Price = NewType("Price", Decimal)  # quote units per base unit
Quantity = NewType("Quantity", Decimal)  # base units, never negative unless a name says `signed`
Money = NewType("Money", Decimal)  # quote units (USDT)
Fraction = NewType("Fraction", Decimal)  # 0.01 is one per cent: never a percentage

ZERO = Decimal(0)
CENT_OF_A_MICRO = Decimal("0.00000001")  # the exchange books money to eight places


def text(value: Decimal) -> str:
    """Write a decimal as a person would: no exponent, no trailing zeros."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def to_eight_places(value: Decimal) -> Decimal:
    """Round to the exchange's booking precision, halves to even."""
    return value.quantize(CENT_OF_A_MICRO, rounding=ROUND_HALF_EVEN)
