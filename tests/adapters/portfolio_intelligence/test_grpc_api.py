"""PortfolioService over a real socket, beside a real exchange."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from perpmesh.platform import database, grpc_client, grpc_server
from perpmesh.platform.database import events_out
from perpmesh.platform.once import Once
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings, VenueKind
from perpmesh.platform.time import SystemClock
from perpmesh.portfolio_intelligence.adapters import grpc_api
from perpmesh.portfolio_intelligence.adapters.events_out import OutboxAnnouncer
from perpmesh.portfolio_intelligence.adapters.exchange_rest import RestExchange
from perpmesh.portfolio_intelligence.adapters.store import TABLES, SqlStore
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.application.ports import Quote
from perpmesh.portfolio_intelligence.application.propose_rebalance import ProposeRebalance
from perpmesh.testing.ports import free_port
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2 as pb
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2_grpc as rpc

from .conftest import BoardPrices

BTC = "BTCUSDT"


class Served:
    """The service's parts, and a stub that calls it."""

    def __init__(self, stub: Any, books: KeepBooks, opened: database.Database) -> None:
        self.stub = stub
        self.books = books
        self.database = opened

    async def events(self) -> int:
        async with self.database.reading() as connection:
            return int((await connection.execute(sa.select(sa.func.count()).select_from(events_out))).scalar() or 0)


@pytest.fixture
async def served(
    settings: MeshSettings, venue: RestExchange, prices: BoardPrices, tmp_path: Path
) -> AsyncIterator[Served]:
    clock, listen = SystemClock(), f"127.0.0.1:{free_port()}"
    prices.quotes[BTC] = Quote(
        bid_price=Decimal("99999.9"), ask_price=Decimal(100_000), mark_price=Decimal(100_000), stale=False
    )
    async with (
        database.opened(MeshSettings(state_dir=tmp_path), "portfolio_intelligence", TABLES) as opened,
        grpc_server.serving("portfolio_intelligence", listen) as serving,
        grpc_client.channel(listen) as channel,
    ):
        store = SqlStore(opened)
        books = KeepBooks(exchange=venue, prices=prices, store=store, clock=clock)
        announcer = OutboxAnnouncer(opened, Outbox("portfolio_intelligence", settings, opened, clock))
        propose = ProposeRebalance(
            books=books, exchange=venue, prices=prices, announcer=announcer, symbols=settings.symbol_list,
            band=lambda: Decimal("0.02"), clock=clock,
        )  # fmt: skip
        api = grpc_api.PortfolioApi(
            books=books, propose=propose, store=store, once=Once(opened, clock), environment=VenueKind.SIMULATED
        )
        await serving.start([grpc_api.register(serving.server, api)])
        yield Served(rpc.PortfolioServiceStub(channel), books, opened)


def targets(**weights: str) -> list[pb.TargetWeight]:
    return [pb.TargetWeight(symbol=symbol, weight=weight) for symbol, weight in weights.items()]


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details() or ""


async def test_the_summary_is_unavailable_until_the_exchange_has_answered(served: Served) -> None:
    code, _ = await refused(served.stub.GetSummary(pb.GetSummaryRequest()))
    assert code is grpc.StatusCode.UNAVAILABLE
    await served.books.refresh()
    summary = (await served.stub.GetSummary(pb.GetSummaryRequest())).summary
    assert (summary.equity, summary.peak_equity, summary.drawdown, summary.profit_factor) == ("10000", "10000", "0", "")
    assert summary.environment == trading_pb2.ENVIRONMENT_SIMULATED
    assert summary.books_agree


async def test_a_proposal_is_made_known_once_however_often_it_is_asked_for(served: Served) -> None:
    await served.books.refresh()
    request = pb.RebalanceRequest(request_id="r-1", targets=targets(BTCUSDT="0.5"))
    first, second = await asyncio.gather(served.stub.Rebalance(request), served.stub.Rebalance(request))
    assert first == second
    (step,) = first.steps
    assert (step.symbol, step.side, step.intent, step.quantity) == (
        BTC, trading_pb2.SIDE_BUY, trading_pb2.INTENT_ENTRY, "0.05",
    )  # fmt: skip
    assert Decimal(step.estimated_cost) > 0
    assert await served.events() == 1


WRONG = [
    (pb.RebalanceRequest(targets=targets(BTCUSDT="2.1")), "INVALID_ARGUMENT", "beyond 2"),
    (pb.RebalanceRequest(targets=targets(BTCUSDT="much")), "INVALID_ARGUMENT", "weight"),
    (pb.RebalanceRequest(targets=targets(NOSUCHUSDT="1")), "NOT_FOUND", "NOSUCHUSDT"),
    (pb.RebalanceRequest(targets=targets(BTCUSDT="1") * 2), "INVALID_ARGUMENT", "twice"),
    (pb.RebalanceRequest(targets=targets(BTCUSDT="1"), no_trade_band="-0.1"), "INVALID_ARGUMENT", "band"),
    (pb.RebalanceRequest(targets=targets(ETHUSDT="1")), "NOT_FOUND", "ETHUSDT"),
]


async def test_a_wrong_request_is_refused_by_name_and_nothing_is_proposed(served: Served) -> None:
    await served.books.refresh()
    for request, code, named in WRONG:
        found, details = await refused(served.stub.Rebalance(request))
        assert (found.name, named in details, details) == (code, True, details)
    assert await served.events() == 0


async def test_a_stale_price_proposes_nothing(served: Served, prices: BoardPrices) -> None:
    await served.books.refresh()
    prices.quotes[BTC] = Quote(bid_price=Decimal(1), ask_price=Decimal(1), mark_price=Decimal(1), stale=True)
    code, _ = await refused(served.stub.Rebalance(pb.RebalanceRequest(targets=targets(BTCUSDT="1"))))
    assert code is grpc.StatusCode.UNAVAILABLE


async def test_a_viewer_may_look_but_not_propose(served: Served) -> None:
    await served.books.refresh()
    viewer = (("x-perpmesh-role", "viewer"),)
    code, _ = await refused(served.stub.Rebalance(pb.RebalanceRequest(), metadata=viewer))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert (await served.stub.GetSummary(pb.GetSummaryRequest(), metadata=viewer)).summary.equity


async def test_a_watcher_gets_the_summary_now_and_only_what_changed(served: Served, prices: BoardPrices) -> None:
    await served.books.refresh()
    watch = served.stub.WatchSummary(pb.WatchSummaryRequest())
    first = await watch.read()
    await served.books.refresh()  # nothing changed
    prices.market_ms = 4_000_000_000_000
    await served.books.refresh()
    second = await watch.read()
    assert (first.summary.market_time_ms != 4_000_000_000_000, second.summary.market_time_ms) == (
        True,
        4_000_000_000_000,
    )
    watch.cancel()
