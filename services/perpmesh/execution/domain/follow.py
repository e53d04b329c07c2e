"""How a stop follows the price: to break-even, then along behind the mark; only ever tighter."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.protection import is_through
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Policy's figures. One R is the distance from the entry to the first stop; 0 R switches a rule off."""

    break_even_at: Decimal = ZERO  # R in favour
    costs: Decimal = ZERO  # of going in and out, as a fraction of the price
    trail_from: Decimal = ZERO  # R in favour
    trail_distance: Decimal = ZERO  # R behind the mark
    least_step: Decimal = ZERO  # a trailing stop moves by at least this fraction of the mark

    @property
    def is_off(self) -> bool:
        return not self.break_even_at and not self.trail_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A protected position: where it was entered, what one R is per unit, and where its stop is wished."""

    side: Side
    entry: Decimal
    risk: Decimal
    stop: Decimal


def tighter(one: Decimal, other: Decimal, side: Side) -> Decimal:
    """Return the stop that loses less."""
    return max(one, other) if side is Side.BUY else min(one, other)


def followed(stand: Stand, mark: Decimal, rules: Following, instrument: Instrument, *, may_trail: bool) -> Decimal:
    """Return where the stop belongs with the mark here: never looser than it is, and never through the mark.

    `may_trail` is False while the last move is too recent for another; the move to break-even does not wait.
    """
    if stand.risk <= 0 or mark <= 0:
        return stand.stop
    gained = (mark - stand.entry) * stand.side.sign / stand.risk
    best = stand.stop
    if rules.break_even_at and gained >= rules.break_even_at:
        best = _better(best, stand.entry * (1 + rules.costs * stand.side.sign), ZERO, stand, mark, instrument)
    if may_trail and rules.trail_from and gained >= rules.trail_from:
        behind = mark - stand.side.sign * rules.trail_distance * stand.risk
        best = _better(best, behind, rules.least_step * mark, stand, mark, instrument)
    return best


def _better(
    stop: Decimal, wished: Decimal, step: Decimal, stand: Stand, mark: Decimal, instrument: Instrument
) -> Decimal:
    """Return the wished stop when it is tighter by more than `step` and the market has not passed it; else the stop."""
    rounded = instrument.round_stop_tighter(wished, long=stand.side is Side.BUY)
    gain = (rounded - stop) * stand.side.sign
    return rounded if gain > 0 and gain >= step and not is_through(rounded, mark, stand.side) else stop


def is_overdue(opened_ms: int, market_ms: int, limit_ms: int) -> bool:
    """Whether a trade is older, in market time, than policy lets it get; a limit of 0 is none."""
    return 0 < limit_ms <= market_ms - opened_ms and opened_ms > 0
