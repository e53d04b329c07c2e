"""How large: volatility targeting, scaled by a trained policy, capped by policy and by the loss at the stop."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from perpmesh.ai_engine.domain.limits import TAKER_FEE, Limits
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.features import FeatureVector
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO, Money, Price, Quantity, text

VERSION = "sizing-1"
BASELINE = "volatility-target"
SLIPPAGE = Decimal("0.001")  # of price, at the stop: a gap the budget must survive
HEADROOM = Decimal("0.9")  # of the risk budget: prices move between the decision and the gate


class SizingPolicy(Protocol):
    """Scales a position down. A trained model is one; none at all is one too."""

    name: str

    def multiplier(self, features: FeatureVector) -> float:
        """Return a number in [0, 1]."""
        ...


class FullSize:
    """The place where a trained policy takes over, when none has."""

    name = BASELINE

    def multiplier(self, features: FeatureVector) -> float:
        """Return 1: the volatility target alone decides."""
        del features
        return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size and how it came about; quantity 0 when nothing sensible fits."""

    quantity: Quantity
    stop_price: Price
    take_profit_price: Price
    notional: Money
    risk_at_stop: Money
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRequest:
    """What is to be sized."""

    direction: Direction
    price: Decimal
    stop_distance: Decimal  # in price units
    target_distance: Decimal
    equity: Decimal
    volatility: Decimal  # annualised
    multiplier: Decimal = Decimal(1)
    multiplier_of: str = BASELINE


def brackets(request: SizeRequest, instrument: Instrument) -> tuple[Price, Price]:
    """Return stop and take-profit: the stop rounded towards the entry, the target to the nearest tick."""
    long = request.direction is Direction.LONG
    sign = request.direction.value
    stop = instrument.round_stop_tighter(request.price - sign * request.stop_distance, long=long)
    return stop, instrument.round_price_nearest(request.price + sign * request.target_distance)


def loss_per_unit(price: Decimal, stop: Decimal) -> Decimal:
    """Return what one unit loses at the stop, with both fees and a gap."""
    return abs(price - stop) + price * TAKER_FEE + stop * (TAKER_FEE + SLIPPAGE)


def size(request: SizeRequest, instrument: Instrument, limits: Limits) -> Size:
    """Return the largest size that volatility target, weight cap and risk budget all allow."""
    stop, target = brackets(request, instrument)
    weight = limits.target_volatility / request.volatility if request.volatility > 0 else limits.max_position_weight
    capped = min(weight, limits.max_position_weight)
    wanted = capped * request.multiplier * request.equity / request.price
    per_unit = loss_per_unit(request.price, stop)
    budget = limits.max_risk_per_trade * HEADROOM * request.equity
    affordable = budget / per_unit
    quantity = _placeable(min(wanted, affordable, instrument.market_max_quantity), request.price, instrument)
    reasons = [
        f"target volatility {limits.target_volatility:.2f} over realised {request.volatility:.2f}: weight {weight:.3f}",
        f"weight capped at {limits.max_position_weight:.2f}: {capped:.3f}",
        f"scaled by {request.multiplier:.3f} ({request.multiplier_of})",
    ]
    if affordable < wanted:
        reasons.append(f"cut to {affordable / wanted:.2f} of that by the risk budget of {budget:.2f} USDT at the stop")
    if quantity == 0:
        reasons.append(f"{wanted:.6f} is under the smallest order of {instrument.symbol}")
    return Size(
        quantity=quantity,
        stop_price=stop,
        take_profit_price=target,
        notional=Money(quantity * request.price),
        risk_at_stop=Money(quantity * per_unit),
        reasons=(*reasons, f"quantity {text(quantity)} risks {quantity * per_unit:.2f} USDT at {text(stop)}"),
    )


def _placeable(quantity: Decimal, price: Decimal, instrument: Instrument) -> Quantity:
    rounded = instrument.round_quantity_down(quantity)
    try:
        instrument.check_notional(rounded, price)
    except Refused:
        return Quantity(ZERO)
    return rounded
