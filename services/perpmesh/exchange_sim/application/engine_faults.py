"""Where faults strike a command at the engine. What they make of it is a command too, so it is remembered as ever."""

from collections.abc import Callable

from perpmesh.exchange.commands import Command, PlaceAlgoOrder, PlaceInParts, PlaceOrder, RejectWhenTriggered
from perpmesh.exchange.errors import TEXTS
from perpmesh.exchange.events import AlgoUpdated, Event
from perpmesh.exchange.views import AlgoView
from perpmesh.exchange.words import OrderType, Side, TimeInForce
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.fault_plan import Armed, FaultPlan
from perpmesh.exchange_sim.domain.faults import Occasion, PartialFills, Point, RejectTrigger

NEVER_IN_PARTS = (TimeInForce.FOK, TimeInForce.GTX)


class EngineFaults:
    """`nudge` is told after how many ms of wall time something will be due."""

    def __init__(self, plan: FaultPlan, nudge: Callable[[int], None]) -> None:
        self._plan = plan
        self._nudge = nudge

    def execute(self, venue: Venue, command: Command, wall_ms: int) -> list[Event]:
        """Do a command as the faults want it done; a refusal is as ever."""
        if self._plan.armed and self._plan.at(Point.COMMAND):
            if isinstance(command, PlaceOrder):
                return self._place(venue, command, wall_ms)
            if isinstance(command, PlaceAlgoOrder):
                return self._place_algo(venue, command, wall_ms)
        return venue.execute(command, wall_ms)

    def _place(self, venue: Venue, command: PlaceOrder, wall_ms: int) -> list[Event]:
        """Let an order that would fill now fill in parts instead."""
        occasion = Occasion(account=command.account, symbol=command.symbol)
        scripts = self._plan.every(PartialFills, occasion, wall_ms) if _fills_now(venue, command) else []
        if not scripts:
            return venue.execute(command, wall_ms)
        script = scripts[0]
        events = venue.execute(PlaceInParts(command, script.parts, script.delay_ms), wall_ms)
        for number in range(1, len(script.parts)):
            self._nudge(number * script.delay_ms)
        return events

    def _place_algo(self, venue: Venue, command: PlaceAlgoOrder, wall_ms: int) -> list[Event]:
        events = venue.execute(command, wall_ms)
        placed = next(event.algo for event in events if isinstance(event, AlgoUpdated))
        for fault in self._plan.at(Point.COMMAND):
            events += doom(fault, lambda wish: venue.execute(wish, wall_ms), placed, wall_ms)
        return events


def doom(fault: Armed, execute: Callable[[Command], list[Event]], algo: AlgoView, wall_ms: int) -> list[Event]:
    """Let the fault, if it is of that kind and strikes, see to it that a conditional order will be rejected."""
    kind = fault.spec.kind
    occasion = Occasion(account=algo.account, symbol=algo.symbol)
    if not isinstance(kind, RejectTrigger) or not fault.strikes(occasion, wall_ms):
        return []
    reason = TEXTS.get(kind.code, "Order rejected.").replace("%s", "").strip()
    return execute(RejectWhenTriggered(algo.account, algo.algo_id, reason))


def _fills_now(venue: Venue, command: PlaceOrder) -> bool:
    """Whether the order would meet somebody in the book as it is."""
    if command.type is OrderType.MARKET:
        return True
    if command.type is not OrderType.LIMIT or command.price is None or command.time_in_force in NEVER_IN_PARTS:
        return False
    book = venue.engine.depth(command.symbol, 1)
    opposite = book.asks if command.side is Side.BUY else book.bids
    return bool(opposite) and (command.price - opposite[0][0]) * command.side.sign >= 0
