"""A real engine over SQLite on free ports, among neighbours that say what the test has them say.

There is no broker: events wait in the outbox, where we read them; events in are handed to their handlers.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from aiohttp import web
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from perpmesh.ai_engine import main
from perpmesh.ai_engine.config import INTERVAL, POLICY_KEYS
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange_sim.adapters import render
from perpmesh.features import INTERVAL_MS, Bars
from perpmesh.platform import grpc_client, grpc_server
from perpmesh.platform.contracts import catalogue
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.testing.ports import free_ports
from perpmesh_api.ai_engine.v1 import decision_service_pb2_grpc
from perpmesh_api.execution.v1 import order_service_pb2 as orders
from perpmesh_api.execution.v1 import order_service_pb2_grpc
from perpmesh_api.market_data.v1 import market_data_service_pb2 as market
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc
from perpmesh_api.risk_safety.v1 import policy_service_pb2, policy_service_pb2_grpc
from perpmesh_api.rl_training.v1 import model_registry_service_pb2 as registry
from perpmesh_api.rl_training.v1 import model_registry_service_pb2_grpc

NEIGHBOURS = ("risk_safety", "market_data", "execution", "rl_training")


class Policies(policy_service_pb2_grpc.PolicyServiceServicer):
    """The catalogue's defaults."""

    async def ListPolicies(self, request: Any, context: Any) -> policy_service_pb2.ListPoliciesResponse:
        found = policy_service_pb2.ListPoliciesResponse(revision=3)
        for key in POLICY_KEYS:
            default, policy = CATALOGUE[key].default, found.policies.add(key=key)
            if isinstance(default, bool):
                policy.value.bool_value = default
            else:
                policy.value.string_value = str(default)
        return found


class Market(market_data_service_pb2_grpc.MarketDataServiceServicer):
    """Candles we hand out, one by one, and a price at the newest close."""

    def __init__(self) -> None:
        self.candles: dict[str, list[market.Candle]] = {}
        self.stale = False
        self._watchers: list[asyncio.Queue[market.Candle]] = []
        self.watched = asyncio.Event()

    def past(self, symbol: str, bars: Bars) -> None:
        self.candles[symbol] = [candle(symbol, bars, row) for row in range(len(bars))]

    def close(self, new: market.Candle) -> None:
        """Let one more bar close."""
        self.candles[new.symbol].append(new)
        for watcher in self._watchers:
            watcher.put_nowait(new)

    def cut(self) -> None:
        """Let every watcher's stream end; `watched` says when somebody watches again."""
        self.watched.clear()
        for watcher in self._watchers:
            watcher.put_nowait(None)
        self._watchers = []

    async def ListCandles(self, request: Any, context: Any) -> market.ListCandlesResponse:
        return market.ListCandlesResponse(candles=self.candles.get(request.symbol, [])[-request.limit :])

    async def WatchCandles(self, request: Any, context: Any) -> AsyncIterator[market.WatchCandlesResponse]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._watchers.append(queue)
        self.watched.set()
        try:
            for symbol in request.symbols:
                for old in self.candles.get(symbol, [])[-request.history :]:
                    yield market.WatchCandlesResponse(candle=old)
            while (new := await queue.get()) is not None:
                yield market.WatchCandlesResponse(candle=new)
        finally:
            if queue in self._watchers:
                self._watchers.remove(queue)
                self.watched.clear()

    async def GetPrice(self, request: Any, context: Any) -> market.GetPriceResponse:
        close = self.candles[request.symbol][-1].close
        return market.GetPriceResponse(
            price=market.PriceTick(symbol=request.symbol, bid_price=close, ask_price=close, stale=self.stale)
        )


class Execution(order_service_pb2_grpc.OrderServiceServicer):
    """An account with what the test puts into it."""

    def __init__(self) -> None:
        self.equity = "10000"
        self.trades: list[orders.Trade] = []
        self.reconciled_age_ms = 10

    async def GetTradability(self, request: Any, context: Any) -> orders.GetTradabilityResponse:
        return orders.GetTradabilityResponse(equity=self.equity, reconciled_age_ms=self.reconciled_age_ms)

    async def ListTrades(self, request: Any, context: Any) -> orders.ListTradesResponse:
        return orders.ListTradesResponse(trades=self.trades)

    async def ListPositions(self, request: Any, context: Any) -> orders.ListPositionsResponse:
        return orders.ListPositionsResponse()


class Registry(model_registry_service_pb2_grpc.ModelRegistryServiceServicer):
    """The promoted model, when there is one."""

    def __init__(self) -> None:
        self.answer = registry.FetchModelResponse()
        self.asked: asyncio.Queue[None] = asyncio.Queue()

    async def FetchModel(self, request: Any, context: Any) -> registry.FetchModelResponse:
        self.asked.put_nowait(None)
        return self.answer


class Surroundings:
    """Everybody the engine talks to."""

    def __init__(self, settings: MeshSettings) -> None:
        self.settings = settings
        self.market = Market()
        self.execution = Execution()
        self.registry = Registry()


class Engine:
    """One life of the process, and a stub to talk to it."""

    def __init__(self, parts: Any, channel: grpc.aio.Channel, world: Surroundings) -> None:
        self.parts = parts
        self.world = world
        self.api: Any = decision_service_pb2_grpc.DecisionServiceStub(channel)

    async def published(self) -> list[Any]:
        """Return the events of the decisions stream."""
        rows = await self.parts.outbox.page("ai_engine.decisions.v1", 0, 100)
        return [(catalogue()[row.type].message.FromString(row.payload), row.traceparent) for row in rows]


def candle(symbol: str, bars: Bars, row: int) -> market.Candle:
    opened = int(bars.open_time_ms[row])
    prices = {name: f"{getattr(bars, name)[row]:.2f}" for name in ("open", "high", "low", "close", "volume")}
    times = {"open_time_ms": opened, "close_time_ms": opened + INTERVAL_MS - 1}
    return market.Candle(symbol=symbol, interval=INTERVAL, closed=True, **times, **prices)


async def exchange_info(request: web.Request) -> web.Response:
    return web.json_response({"symbols": [render.symbol_info(spec) for spec in default_symbols()]})


@pytest.fixture(scope="session", autouse=True)
def traced() -> None:
    """Let spans have ids, as they have in a process of ours."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[Surroundings]:
    ports = free_ports(len(NEIGHBOURS) + 3)
    addresses = {f"{name}_address": f"127.0.0.1:{port}" for name, port in zip(NEIGHBOURS, ports, strict=False)}
    own, http, kafka = ports[-3:]
    settings = MeshSettings(
        state_dir=tmp_path, ai_engine_address=f"127.0.0.1:{own}", exchange_url=f"http://127.0.0.1:{http}",
        kafka=f"127.0.0.1:{kafka}", **addresses,
    )  # fmt: skip
    around = Surroundings(settings)
    async with AsyncExitStack() as stack:
        for name, add in (
            ("risk_safety", lambda s: policy_service_pb2_grpc.add_PolicyServiceServicer_to_server(Policies(), s)),
            ("market_data", lambda s: market_data_service_pb2_grpc.add_MarketDataServiceServicer_to_server(around.market, s)),
            ("execution", lambda s: order_service_pb2_grpc.add_OrderServiceServicer_to_server(around.execution, s)),
            ("rl_training", lambda s: model_registry_service_pb2_grpc.add_ModelRegistryServiceServicer_to_server(around.registry, s)),
        ):  # fmt: skip
            serving = await stack.enter_async_context(grpc_server.serving(name, settings.listen(name)))
            add(serving.server)
            await serving.start([])
        app = web.Application()
        app.router.add_get("/fapi/v1/exchangeInfo", exchange_info)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", http).start()
        yield around


@asynccontextmanager
async def living(world: Surroundings) -> AsyncIterator[Engine]:
    """One life of the engine in `world`."""
    async with (
        main.engine(world.settings, SystemClock()) as parts,
        grpc_client.channel(world.settings.address("ai_engine")) as channel,
    ):
        await asyncio.wait_for(world.market.watched.wait(), 20)
        yield Engine(parts, channel, world)
