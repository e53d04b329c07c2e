"""Market data as a process: everything it is made of, put together."""

from perpmesh.market_data.adapters import grpc_api, venue
from perpmesh.market_data.adapters.interruptions import InterruptionLog
from perpmesh.market_data.adapters.price_sink import KafkaPriceSink
from perpmesh.market_data.adapters.store import TABLES, SqlJournal
from perpmesh.market_data.adapters.wire import PUBLISHES
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.application.follow import follow
from perpmesh.market_data.application.prices import Prices
from perpmesh.market_data.config import NAME, POLICY_KEYS, STALE_MS, Config
from perpmesh.platform import process, service
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock

IDLE_FETCH_MS = 500  # only policies come in: there is no hurry


async def run(settings: MeshSettings) -> None:
    """Follow the exchange and serve what it says until the process is told to stop."""
    symbols = settings.symbol_list
    config = Config(symbols=symbols, exchange_url=settings.exchange_url, exchange_ws_url=settings.exchange_ws_url)
    clock = SystemClock()
    async with (
        service.parts(NAME, settings, clock, tables=TABLES, needs=POLICY_KEYS) as parts,
        venue.opened(config) as exchange,
    ):
        prices = Prices(symbols, clock, lambda: parts.policy.integer(STALE_MS))
        candles = Candles(symbols, exchange, SqlJournal(parts.database, parts.outbox), prices.spread_fraction)
        sink = KafkaPriceSink(parts)
        grpc_api.register(parts.serving.server, prices, candles)
        interrupted = InterruptionLog()
        loops = [
            ("follow", lambda: follow(symbols, exchange, prices, candles, interrupted=interrupted)),
            ("publish", lambda: prices.publish(sink)),
        ]
        async with parts.running(
            grpc_services=[grpc_api.SERVICE], publishes=PUBLISHES, loops=loops, fetch_wait_ms=IDLE_FETCH_MS
        ):
            await process.until_stopped()


def main() -> None:
    """Run market data, as the mesh's settings say."""
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
