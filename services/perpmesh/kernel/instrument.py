"""One tradable symbol and its exchange filters: the only place where ticks and lots become Decimals and back."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from perpmesh.kernel.errors import Refused
from perpmesh.kernel.money import ZERO, Price, Quantity, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol as its exchangeInfo filters describe it. Rounding never raises quantity, and never raises risk."""

    symbol: str
    tick: Decimal  # PRICE_FILTER.tickSize
    step: Decimal  # LOT_SIZE.stepSize
    min_quantity: Decimal  # LOT_SIZE.minQty
    max_quantity: Decimal  # LOT_SIZE.maxQty
    market_max_quantity: Decimal  # MARKET_LOT_SIZE.maxQty
    min_notional: Decimal  # MIN_NOTIONAL.notional; reduce-only orders are exempt
    min_price: Decimal = ZERO  # PRICE_FILTER.minPrice
    max_price: Decimal = Decimal("1e12")  # PRICE_FILTER.maxPrice
    multiplier_up: Decimal = Decimal("1.05")  # PERCENT_PRICE: a buy limit may not be above mark × this
    multiplier_down: Decimal = Decimal("0.95")  # PERCENT_PRICE: a sell limit may not be below mark × this

    def round_quantity_down(self, quantity: Decimal) -> Quantity:
        """Return the largest whole number of steps not above `quantity`; 0 when under one step or the minimum."""
        rounded = (quantity / self.step).to_integral_value(ROUND_FLOOR) * self.step
        return Quantity(rounded if rounded >= self.min_quantity else ZERO)

    def round_price_down(self, price: Decimal) -> Price:
        return Price((price / self.tick).to_integral_value(ROUND_FLOOR) * self.tick)

    def round_price_up(self, price: Decimal) -> Price:
        return Price((price / self.tick).to_integral_value(ROUND_CEILING) * self.tick)

    def round_price_nearest(self, price: Decimal) -> Price:
        return Price((price / self.tick).to_integral_value(ROUND_HALF_EVEN) * self.tick)

    def round_stop_tighter(self, stop: Decimal, *, long: bool) -> Price:
        """Round a stop towards the entry, so that rounding never widens the loss."""
        return self.round_price_up(stop) if long else self.round_price_down(stop)

    def check_quantity(self, quantity: Decimal, *, field: str = "quantity", market: bool = True) -> None:
        """Raise Refused (reason QUANTITY_*) when the exchange's lot filters would refuse `quantity`."""
        if quantity % self.step != 0:
            raise Refused(
                f"{field} {text(quantity)} is not a multiple of the step {text(self.step)} of {self.symbol}",
                reason="QUANTITY_STEP",
                field=field,
            )
        if quantity < self.min_quantity:
            raise Refused(
                f"{field} {text(quantity)} is under the minimum {text(self.min_quantity)} of {self.symbol}",
                reason="QUANTITY_TOO_SMALL",
                field=field,
            )
        ceiling = self.market_max_quantity if market else self.max_quantity
        if quantity > ceiling:
            raise Refused(
                f"{field} {text(quantity)} is over the maximum {text(ceiling)} of {self.symbol}",
                reason="QUANTITY_TOO_LARGE",
                field=field,
            )

    def check_notional(self, quantity: Decimal, price: Decimal, *, field: str = "quantity") -> None:
        """Raise Refused (reason NOTIONAL_TOO_SMALL) when quantity × price is under MIN_NOTIONAL."""
        if quantity * price < self.min_notional:
            raise Refused(
                f"{field} {text(quantity)} × {text(price)} is under the minimum notional "
                f"{text(self.min_notional)} of {self.symbol}",
                reason="NOTIONAL_TOO_SMALL",
                field=field,
            )

    def to_ticks(self, price: Decimal) -> int:
        """Return `price` in ticks; raise ValueError when it is not a whole number of them."""
        return _whole(price / self.tick, price)

    def to_lots(self, quantity: Decimal) -> int:
        """Return `quantity` in steps; raise ValueError when it is not a whole number of them."""
        return _whole(quantity / self.step, quantity)

    def from_ticks(self, ticks: int) -> Price:
        return Price(ticks * self.tick)

    def from_lots(self, lots: int) -> Quantity:
        return Quantity(lots * self.step)


def _whole(ratio: Decimal, value: Decimal) -> int:
    whole = ratio.to_integral_value(ROUND_FLOOR)
    if whole != ratio:
        raise ValueError(f"{value} is not a whole number of increments")
    return int(whole)
