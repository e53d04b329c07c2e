"""portfolio_intelligence as a process: everything it is made of, put together."""

from perpmesh.platform import grpc_client, process, service
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.portfolio_intelligence.adapters import events_in, grpc_api
from perpmesh.portfolio_intelligence.adapters.events_out import PUBLISHES, OutboxAnnouncer
from perpmesh.portfolio_intelligence.adapters.exchange_rest import rest_exchange
from perpmesh.portfolio_intelligence.adapters.prices import MarketDataPrices
from perpmesh.portfolio_intelligence.adapters.store import TABLES, SqlStore
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.application.propose_rebalance import ProposeRebalance
from perpmesh.portfolio_intelligence.config import NO_TRADE_BAND, POLICY_KEYS

NAME = "portfolio_intelligence"


async def run(settings: MeshSettings) -> None:
    """Serve until the process is told to stop."""
    clock = SystemClock()
    async with (
        service.parts(NAME, settings, clock, tables=TABLES, needs=POLICY_KEYS) as parts,
        rest_exchange(settings, clock) as exchange,
        grpc_client.channel(settings.address("market_data")) as market_data,
    ):
        prices = MarketDataPrices(market_data, settings.symbol_list)
        store = SqlStore(parts.database)
        books = KeepBooks(exchange=exchange, prices=prices, store=store, clock=clock)
        await books.load()
        propose = ProposeRebalance(
            books=books, exchange=exchange, prices=prices, announcer=OutboxAnnouncer(parts.database, parts.outbox),
            symbols=settings.symbol_list, band=lambda: parts.policy.decimal(NO_TRADE_BAND), clock=clock,
        )  # fmt: skip
        api = grpc_api.PortfolioApi(
            books=books, propose=propose, store=store, once=parts.once, environment=settings.environment
        )
        async with parts.running(
            grpc_services=[grpc_api.register(parts.serving.server, api)],
            publishes=PUBLISHES,
            handlers=events_in.handlers(books),
            loops=[("books", books.forever)],
        ):
            await process.until_stopped()


def main() -> None:
    """Run it as the environment says."""
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
