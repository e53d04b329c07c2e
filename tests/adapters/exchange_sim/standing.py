"""An exchange whose every part a test holds in its hand: nothing moves by itself, the clock neither."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.desk import Desk
from perpmesh.exchange_sim.adapters.door import Door
from perpmesh.exchange_sim.adapters.hub import Hub
from perpmesh.exchange_sim.adapters.opening import open_venue
from perpmesh.exchange_sim.adapters.origin import seeds_of
from perpmesh.exchange_sim.adapters.request_faults import RequestFaults
from perpmesh.exchange_sim.adapters.server import http_server
from perpmesh.exchange_sim.adapters.sockets import Sockets
from perpmesh.exchange_sim.adapters.stream_faults import StreamFaults
from perpmesh.exchange_sim.application.ports import Batch, Happening
from perpmesh.exchange_sim.application.sequencer import Sequencer
from perpmesh.exchange_sim.config import Config
from perpmesh.exchange_sim.domain.fault_plan import FaultPlan
from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.kernel.time import ManualClock


@dataclass
class Standing:
    """`host` is where it is served; `tell` lets the hub say that something happened."""

    clock: ManualClock
    venue: object
    board: Board
    hub: Hub
    sequencer: Sequencer
    sockets: Sockets
    host: str = ""

    def tell(self, *events):
        now = self.venue.market_ms
        self.hub.tell(Batch(now, now, [Happening(event, self.clock.now_ms()) for event in events]))


def standing(limits=None, **options):
    """Put the parts together, unserved."""
    clock = ManualClock()
    venue, journal, replay, _ = open_venue(Config(**options), clock)
    board = Board(venue, clock.now_ms())
    plan = FaultPlan(seeds_of(1))
    hub = Hub(venue, board, clock, StreamFaults(plan, clock))
    sequencer = Sequencer(venue, journal, hub, clock, replay)
    desk = Desk(sequencer, board, limits or Limits(), clock, RequestFaults(plan, clock))
    return Standing(clock, venue, board, hub, sequencer, Sockets(hub, desk, strict_routes=False)), Door(desk)


@asynccontextmanager
async def served(limits=None, **options):
    """Serve the parts and yield them."""
    parts, door = standing(limits, **options)
    async with http_server(door, parts.sockets, "127.0.0.1", 0) as port:
        parts.host = f"127.0.0.1:{port}"
        yield parts
