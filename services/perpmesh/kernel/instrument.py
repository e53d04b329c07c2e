"""One tradable symbol and its exchange filters: the only place where ticks and lots become Decimals and back."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal

from perpmesh.kernel.errors import Refused
from perpmesh.kernel.money import ZERO, Price, Quantity, text

EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol as its exchangeInfo filters describe it. Rounding never raises quantity, and never raises risk.

    The exchange counts ticks and steps from the least price and quantity, which need not be multiples of them.
    """

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
        """Return the largest quantity on the step that is not above `quantity`; 0 when that is under the minimum."""
        steps = _increments(quantity, self.min_quantity, self.step)[0]
        return Quantity(self.min_quantity + steps * self.step if steps >= 0 else ZERO)

    def least_quantity(self, least: Decimal) -> Quantity:
        """Return the smallest quantity the exchange takes that is not under `least`: only for stating a minimum."""
        steps = _increments(least, self.min_quantity, self.step)[1]
        return Quantity(self.min_quantity + max(steps, 0) * self.step)

    def round_price_down(self, price: Decimal) -> Price:
        return Price(self.min_price + _increments(price, self.min_price, self.tick)[0] * self.tick)

    def round_price_up(self, price: Decimal) -> Price:
        return Price(self.min_price + _increments(price, self.min_price, self.tick)[1] * self.tick)

    def round_price_nearest(self, price: Decimal) -> Price:
        """Return the nearest price on the tick; half-way goes to the even one."""
        down, up = _increments(price, self.min_price, self.tick)
        low, high = (EXACT.add(self.min_price, steps * self.tick) for steps in (down, up))
        below, above = EXACT.subtract(price, low), EXACT.subtract(high, price)
        return Price(low if below < above or (below == above and down % 2 == 0) else high)

    def takes_price(self, price: Decimal) -> bool:
        """Whether PRICE_FILTER lets `price` pass: within its bounds, and on the tick counted from the least price."""
        return self.min_price <= price <= self.max_price and self.round_price_down(price) == price

    def round_stop_tighter(self, stop: Decimal, *, long: bool) -> Price:
        """Round a stop towards the entry, so that rounding never widens the loss."""
        return self.round_price_up(stop) if long else self.round_price_down(stop)

    def check_quantity(self, quantity: Decimal, *, field: str = "quantity", market: bool = True) -> None:
        """Raise Refused (reason QUANTITY_*) when the exchange's lot filters would refuse `quantity`."""
        down, up = _increments(quantity, self.min_quantity, self.step)
        if down != up:
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


def _increments(value: Decimal, base: Decimal, size: Decimal) -> tuple[int, int]:
    """Return how many increments `value` is above `base`, rounded down and rounded up; exact for 100 digits."""
    offset = EXACT.subtract(value, base)
    whole, rest = int(EXACT.divide_int(offset, size)), EXACT.remainder(offset, size)
    return (whole - 1, whole) if rest < 0 else (whole, whole + 1) if rest > 0 else (whole, whole)


def _whole(ratio: Decimal, value: Decimal) -> int:
    whole = ratio.to_integral_value(ROUND_FLOOR)
    if whole != ratio:
        raise ValueError(f"{value} is not a whole number of increments")
    return int(whole)
