"""What each stage of the safety core leaves of a size."""

from decimal import Decimal

from perpmesh.execution.domain.words import Stage
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO

SHARES = {
    Stage.SHADOW: ZERO,
    Stage.QUARTER: Decimal("0.25"),
    Stage.HALF: Decimal("0.5"),
    Stage.FULL: Decimal(1),
    Stage.PAPER: Decimal(1),
}


def smallest_quantity(instrument: Instrument, price: Decimal) -> Decimal:
    """Return the least that the exchange takes as an entry, with a little room for the price to move."""
    return instrument.least_quantity(instrument.min_notional * Decimal("1.02") / price)


def largest_quantity(stage: Stage, wanted: Decimal, instrument: Instrument, price: Decimal) -> Decimal:
    """Return how much of a wanted quantity a stage lets through, never more than wanted."""
    if stage is Stage.PAPER:
        return min(wanted, smallest_quantity(instrument, price))
    share = instrument.round_quantity_down(wanted * SHARES[stage])
    if share > ZERO and share * price < instrument.min_notional:
        return min(wanted, smallest_quantity(instrument, price))
    return share
