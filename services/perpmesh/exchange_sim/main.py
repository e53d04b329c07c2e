"""The exchange as a process: everything it is made of, put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.desk import Desk
from perpmesh.exchange_sim.adapters.door import Door
from perpmesh.exchange_sim.adapters.grpc_api import SERVICE, ExchangeControlApi, add_to_server
from perpmesh.exchange_sim.adapters.hub import CADENCES_MS, Hub
from perpmesh.exchange_sim.adapters.opening import open_venue
from perpmesh.exchange_sim.adapters.server import http_server, loops
from perpmesh.exchange_sim.adapters.sockets import Sockets
from perpmesh.exchange_sim.application.sequencer import Sequencer
from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.kernel.time import Clock
from perpmesh.platform import telemetry
from perpmesh.platform.grpc_server import serving
from perpmesh.platform.process import run_service, until_stopped
from perpmesh.platform.settings import EXCHANGE, MeshSettings
from perpmesh.platform.time import SystemClock

log = telemetry.log(__name__)


@asynccontextmanager
async def exchange(config: Config, clock: Clock) -> AsyncIterator[int]:
    """Serve the simulated exchange while the block runs; yield its port."""
    venue, journal, replay, origin = open_venue(config, clock)
    board = Board(venue, clock.now_ms())
    hub = Hub(venue, board, clock)
    sequencer = Sequencer(venue, journal, hub, clock, replay)
    desk = Desk(sequencer, board, config.limits, clock)
    sockets = Sockets(hub, desk, strict_routes=config.strict_routes)
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        stack.push(lambda kind, *_: sequencer.snapshot() if kind is None else None)  # a broken state is not kept
        await stack.enter_async_context(
            loops(sequencer.run(), sockets.tend(), *(hub.beat(each) for each in CADENCES_MS))
        )
        port = await stack.enter_async_context(http_server(Door(desk), sockets, config.host, config.port))
        if config.grpc_listen:
            grpc = await stack.enter_async_context(serving(EXCHANGE, config.grpc_listen))
            add_to_server(ExchangeControlApi(sequencer, origin), grpc.server)
            await grpc.start([SERVICE])
            await grpc.ready()
        log.info("ready", port=port, speed=config.speed, market_ms=venue.market_ms)
        yield port


async def run(config: Config) -> None:
    """Serve the simulated exchange until the process is told to stop."""
    async with exchange(config, SystemClock()):
        await until_stopped()


def main() -> None:
    """Run the mesh's exchange, as its settings say."""
    settings = MeshSettings.load()
    key, secret = settings.api_key.get_secret_value(), settings.api_secret.get_secret_value()
    config = Config(
        host=settings.listen_host,
        port=settings.exchange_port,
        grpc_listen=settings.listen(EXCHANGE),
        speed=settings.exchange_speed,
        accounts=(AccountConfig.parse(f"{key}:{secret}:{settings.exchange_balance}"),),
        state_dir=settings.state_dir / "exchange",
    )
    run_service(EXCHANGE, settings, lambda: run(config))


if __name__ == "__main__":
    main()
