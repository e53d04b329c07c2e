"""PAL in its simplest safe form: lean once into a winning, protected trade, never risking more than at first."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.ai_engine.domain.limits import TAKER_FEE, Limits
from perpmesh.ai_engine.domain.market import MarketView, decimal
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.sizing import HEADROOM, loss_per_unit
from perpmesh.ai_engine.domain.standing import Holding
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import Price, Quantity

VERSION = "pal-1"
SHARE = Decimal("0.3")  # of the quantity held
MIN_REWARD = Decimal(1)  # R
MIN_STRENGTH = 25.0  # directional index
MIN_TREND = 1.0  # ATR between the averages


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplification:
    """How much to add, and where the stop of the whole must stand."""

    quantity: Quantity
    stop_price: Price
    reasons: tuple[str, ...]


def amplify(
    holding: Holding, view: MarketView, equity: Decimal, instrument: Instrument, limits: Limits
) -> Amplification | str:
    """Return the addition, or why there is none.

    The new stop stands at break-even of the first entry or better, never worse than the one that stands; the whole
    position then loses at most one R there, fees and a gap included.
    """
    price = instrument.round_price_nearest(decimal(view.close))
    if why := _unfit(holding, view, price, limits):
        return why
    stop = _stop(holding, price, instrument)
    if (price - stop) * holding.direction.value <= 0:
        return "the break-even stop would be through the price"
    quantity = instrument.round_quantity_down(holding.quantity * SHARE)
    try:
        instrument.check_notional(quantity, price)
    except Refused:
        return "the addition would be under the smallest order"
    added = quantity * loss_per_unit(price, stop)
    banked = (stop - holding.entry_price) * holding.direction.value * holding.quantity
    fees = holding.quantity * (holding.entry_price + stop) * TAKER_FEE
    if added - banked + fees > holding.initial_risk:
        return f"the whole would lose {added - banked + fees:.2f} at its stop, over one R of {holding.initial_risk:.2f}"
    if added > limits.max_risk_per_trade * HEADROOM * equity:
        return f"the addition alone would lose {added:.2f} at its stop"
    return Amplification(
        quantity=quantity,
        stop_price=stop,
        reasons=(
            f"{holding.reward_at(price):.2f} R ahead, protected, trend {view.trend:+.2f} ATR confirms",
            f"add {SHARE:.0%} once; the stop of all moves to {stop}, at most one R is lost there",
        ),
    )


def _unfit(holding: Holding, view: MarketView, price: Decimal, limits: Limits) -> str:
    towards = holding.direction.value
    if not limits.amplification_enabled:
        return "amplification is switched off"
    if holding.amplified:
        return "amplified once already"
    if not (holding.protected and holding.settled and holding.stop_price is not None):
        return "the trade is not settled and protected"
    if holding.reward_at(price) < MIN_REWARD:
        return f"{holding.reward_at(price):.2f} R ahead, not {MIN_REWARD}"
    if view.trend * towards < MIN_TREND or view.strength < MIN_STRENGTH or view.direction * towards <= 0.0:
        return f"trend {view.trend:+.2f} ATR at strength {view.strength:.0f} does not confirm"
    return ""


def _stop(holding: Holding, price: Decimal, instrument: Instrument) -> Price:
    """Return break-even with fees, or the standing stop where that is better."""
    long = holding.direction is Direction.LONG
    even = holding.entry_price + holding.direction.value * 2 * TAKER_FEE * price
    best = max if long else min
    return instrument.round_stop_tighter(best(even, holding.stop_price or even), long=long)
