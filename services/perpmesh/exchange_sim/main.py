"""The exchange as a process: everything it is made of, put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.desk import Desk
from perpmesh.exchange_sim.adapters.door import Door
from perpmesh.exchange_sim.adapters.grpc_api import ExchangeControlApi, control_service
from perpmesh.exchange_sim.adapters.hub import CADENCES_MS, Hub
from perpmesh.exchange_sim.adapters.opening import open_venue
from perpmesh.exchange_sim.adapters.origin import seeds_of
from perpmesh.exchange_sim.adapters.pace import loop_factory, seldom_collected
from perpmesh.exchange_sim.adapters.request_faults import RequestFaults, SkewedClock
from perpmesh.exchange_sim.adapters.server import http_server, loops
from perpmesh.exchange_sim.adapters.sockets import Sockets
from perpmesh.exchange_sim.adapters.stream_faults import StreamFaults
from perpmesh.exchange_sim.application.fault_control import FaultControl
from perpmesh.exchange_sim.application.sequencer import Sequencer
from perpmesh.exchange_sim.config import Config
from perpmesh.exchange_sim.domain.fault_plan import FaultPlan
from perpmesh.kernel.time import Clock
from perpmesh.platform import telemetry
from perpmesh.platform.process import run_service, until_stopped
from perpmesh.platform.settings import EXCHANGE, MeshSettings
from perpmesh.platform.time import SystemClock

log = telemetry.log(__name__)


@asynccontextmanager
async def exchange(config: Config, clock: Clock) -> AsyncIterator[int]:
    """Serve the simulated exchange while the block runs; yield its port."""
    venue, journal, replay, origin = open_venue(config, clock)
    board = Board(venue, clock.now_ms())
    plan = FaultPlan(seeds_of(origin.seed))
    hub = Hub(venue, board, clock, StreamFaults(plan, clock))
    sequencer = Sequencer(venue, journal, hub, clock, replay)
    desk = Desk(sequencer, board, config.limits, SkewedClock(clock, plan), RequestFaults(plan, clock))
    sockets = Sockets(hub, desk, strict_routes=config.strict_routes)
    faults = FaultControl(plan, sequencer, hub, sockets, clock)
    async with AsyncExitStack() as stack:
        stack.callback(venue.close)
        stack.callback(journal.close)
        stack.callback(faults.close)
        stack.push(lambda kind, *_: sequencer.snapshot() if kind is None else None)  # a broken state is not kept
        await stack.enter_async_context(
            loops(sequencer.run(), sockets.tend(), *(hub.beat(each) for each in CADENCES_MS))
        )
        port = await stack.enter_async_context(http_server(Door(desk), sockets, config.host, config.port))
        api = ExchangeControlApi(sequencer, origin, faults)
        await stack.enter_async_context(control_service(config.grpc_listen, api))
        log.info("ready", port=port, speed=config.speed, market_ms=venue.market_ms)
        yield port


async def run(config: Config) -> None:
    """Serve the simulated exchange until the process is told to stop."""
    with seldom_collected():
        async with exchange(config, SystemClock()):
            await until_stopped()


def main() -> None:
    """Run the mesh's exchange, as its settings say."""
    settings = MeshSettings.load()
    config = Config.of_mesh(settings)
    run_service(EXCHANGE, settings, lambda: run(config), loop_factory=loop_factory())


if __name__ == "__main__":
    main()
