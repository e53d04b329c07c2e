"""A simulated exchange as a process that can be killed, and market data put together around it."""

import asyncio
import os
import signal
import sys
import urllib.request
from contextlib import AsyncExitStack, asynccontextmanager

from perpmesh.market_data.adapters import venue
from perpmesh.market_data.adapters.store import TABLES, SqlJournal
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.application.follow import follow
from perpmesh.market_data.application.prices import Prices
from perpmesh.market_data.config import Config
from perpmesh.platform import database, process
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.ports import free_ports

SYMBOLS = ["BTCUSDT", "ETHUSDT"]


def settings_in(folder):
    exchange, control = free_ports(2)
    return MeshSettings(
        state_dir=folder,
        exchange_url=f"http://127.0.0.1:{exchange}",
        exchange_port=exchange,
        exchange_sim_address=f"127.0.0.1:{control}",
        exchange_speed=240.0,
    )


class ExchangeProcess:
    """The exchange, killed and started again over the same state."""

    def __init__(self, settings):
        self.settings = settings
        self.process = None

    async def start(self):
        environment = {**os.environ, **self.settings.environment_of_children()}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "perpmesh.exchange_sim.main", env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(self._answers):
                await asyncio.sleep(0.1)

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.settings.exchange_url}/fapi/v1/ping", timeout=2):
                return True
        except OSError:
            return False

    async def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            self.process = None


@asynccontextmanager
async def exchange_process(settings):
    running = ExchangeProcess(settings)
    await running.start()
    try:
        yield running
    finally:
        await running.kill()


class MarketData:
    """Market data without a mesh around it: what it told is read from its outbox."""

    def __init__(self, prices, candles, outbox):
        self.prices, self.candles, self.outbox = prices, candles, outbox
        self.interruptions = []


def config_of(settings, **options):
    return Config(
        symbols=SYMBOLS, exchange_url=settings.exchange_url, exchange_ws_url=settings.exchange_ws_url, **options
    )


@asynccontextmanager
async def market_data(settings):
    async with AsyncExitStack() as house:
        store = await house.enter_async_context(database.opened(settings, "market_data", TABLES))
        exchange = await house.enter_async_context(venue.opened(config_of(settings, silence_seconds=3.0)))
        clock = SystemClock()
        outbox = Outbox("market_data", settings, store, clock)
        prices = Prices(SYMBOLS, clock, lambda: 2_000)
        candles = Candles(SYMBOLS, exchange, SqlJournal(store, outbox), prices.spread_fraction)
        made = MarketData(prices, candles, outbox)
        step = lambda: follow(SYMBOLS, exchange, prices, candles, interrupted=made.interruptions.append)  # noqa: E731
        await house.enter_async_context(process.background(("follow", step)))
        yield made
