"""The take-profit ladder: shares of a position at multiples of R, and what they leave can always be traded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from perpmesh.execution.domain.words import Side
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rung:
    """A share of the position as it was entered, to be taken at so many R."""

    share: Decimal
    multiple: Decimal

    @property
    def name(self) -> str:
        """Its identity within a trade: it outlives a change of the other rungs."""
        return f"{self.multiple.normalize():f}R"


def rungs_of(written: str) -> tuple[Rung, ...]:
    """Read `share@multiple,…`, nearest first; what goes beyond the whole position is cut off."""
    pairs = (part.split("@") for part in written.split(",") if part)
    wished = sorted((Rung(Decimal(share), Decimal(multiple)) for share, multiple in pairs), key=lambda r: r.multiple)
    left, rungs = ONE, []
    for rung in wished:
        share = min(rung.share, left)
        left -= share
        if share > 0 and rung.multiple > 0:
            rungs.append(Rung(share, rung.multiple))
    return tuple(rungs)


def trigger_of(rung: Rung, entry: Decimal, risk: Decimal, side: Side, instrument: Instrument) -> Decimal:
    """Return the rung's price: entry and so many times the distance to the first stop, to the nearest tick."""
    return instrument.round_price_nearest(entry + side.sign * rung.multiple * risk)


def least_quantity(instrument: Instrument, price: Decimal) -> Decimal:
    """Return the smallest quantity that the exchange trades at `price`: MIN_NOTIONAL counts for what remains, too."""
    if price <= 0:
        return instrument.min_quantity
    steps = (instrument.min_notional / price / instrument.step).to_integral_value(ROUND_CEILING)
    return max(instrument.min_quantity, steps * instrument.step)


def quantities(
    size: Decimal, rungs: Sequence[Rung], runner: Decimal, instrument: Instrument, price: Decimal
) -> dict[Rung, Decimal]:
    """Divide a position of `size` among the rungs not yet taken; `runner` is the share that no rung takes.

    After each rung nothing remains, or enough to be traded at `price`, the lowest one it may come to. A share that is
    too small by itself goes to the next rung; a remainder that would be too small goes with the rung before it.
    """
    least, total = least_quantity(instrument, price), sum((rung.share for rung in rungs), runner)
    taken: dict[Rung, Decimal] = {}
    left, wanted = size, ZERO
    for rung in rungs:
        wanted += size * rung.share / total
        goes_whole = not runner and rung is rungs[-1]
        quantity = _leaving_enough(left if goes_whole else instrument.round_quantity_down(wanted), left, least)
        quantity = min(quantity, _most(left, least, instrument))
        if not least <= quantity <= left:
            continue
        taken[rung] = quantity
        left, wanted = left - quantity, wanted - quantity
        if not left:
            break
    return taken


def _leaving_enough(quantity: Decimal, left: Decimal, least: Decimal) -> Decimal:
    return left if quantity >= least > left - quantity else quantity


def _most(left: Decimal, least: Decimal, instrument: Instrument) -> Decimal:
    """What one market order takes at most, with enough remaining where it cannot take everything."""
    ceiling = instrument.market_max_quantity
    return left if left <= ceiling else instrument.round_quantity_down(min(ceiling, left - least))


def is_settled(
    standing: Mapping[Rung, Decimal], planned: Mapping[Rung, Decimal], size: Decimal, least: Decimal, step: Decimal
) -> bool:
    """Whether what stands may stay: the same rungs, each within a step of the plan, and the remainder can be traded."""
    rest = size - sum(standing.values(), ZERO)
    near = all(abs(standing[rung] - planned[rung]) <= step for rung in planned if rung in standing)
    return standing.keys() == planned.keys() and near and (rest == 0 or rest >= least)
