"""Where a stop stands, whether it covers, and what has to change for the position to stay covered all the way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from perpmesh.execution.domain.facts import STOP_TYPES, TAKE_PROFIT_TYPES, AlgoReport, PositionFact
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.ids import CLIENT_ORDER_PREFIX
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO


def default_stop(instrument: Instrument, price: Decimal, side: Side, distance: Decimal) -> Decimal:
    """Return the stop at policy's default distance, rounded so that the loss is never wider."""
    return instrument.round_stop_tighter(price * (1 - distance * side.sign), long=side is Side.BUY)


def is_through(stop: Decimal, mark: Decimal, side: Side) -> bool:
    """Whether the market has passed the stop already: it would trigger at once."""
    return mark > 0 and (mark - stop) * side.sign <= 0


def stops_of(algos: Iterable[AlgoReport], position: PositionFact) -> list[AlgoReport]:
    """Return the standing stops that would reduce the position."""
    away = position.side.other
    return [a for a in algos if a.stands and a.side is away and a.only_reduces and a.type in STOP_TYPES]


def targets_of(algos: Iterable[AlgoReport], position: PositionFact) -> list[AlgoReport]:
    """Return the standing take-profits but our own by quantity: those are rungs of a ladder."""
    away = position.side.other
    found = [a for a in algos if a.stands and a.side is away and a.only_reduces and a.type in TAKE_PROFIT_TYPES]
    return [a for a in found if a.close_position or not a.client_id.startswith(CLIENT_ORDER_PREFIX)]


def covers(stops: Iterable[AlgoReport], position: PositionFact) -> bool:
    """Whether the standing stops take off the whole position."""
    every = list(stops)
    return any(stop.close_position for stop in every) or sum((stop.quantity for stop in every), ZERO) >= position.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Steps in their order: at no moment between them is less covered than before."""

    interim: bool = False  # first place a quantity stop at the wished price, for all of the position
    cancel_closing: list[str] = field(default_factory=list)  # then the closePosition stop at another price goes
    closing: bool = False  # then place the closePosition stop at the wished price
    cancel_rest: list[str] = field(default_factory=list)  # and last, what is no longer needed goes


def align(stops: Sequence[AlgoReport], wish: Decimal, position: PositionFact) -> Alignment:
    """Return how to come from the standing stops to exactly one closePosition stop at `wish`.

    A second closePosition order of one side is refused (-4130), and conditional orders cannot be amended; so a stop
    by quantity stands in while the one is cancelled and the other placed.
    """
    closing = [stop for stop in stops if stop.close_position]
    by_quantity = [stop for stop in stops if not stop.close_position]
    right = [stop for stop in closing if stop.trigger_price == wish]
    if right:
        return Alignment(cancel_rest=[stop.client_id for stop in by_quantity])
    return Alignment(
        interim=bool(closing) and not covers(by_quantity, position),
        cancel_closing=[stop.client_id for stop in closing],
        closing=True,
        cancel_rest=[stop.client_id for stop in by_quantity],
    )
