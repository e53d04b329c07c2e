"""A real exchange on a free port, a real store in a folder of its own, and execution between them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.exchange_sim.main import exchange
from perpmesh.execution.adapters.binance_venue import BinanceVenue
from perpmesh.execution.adapters.prices import PriceBoard
from perpmesh.execution.adapters.store import TABLES, SqlLog
from perpmesh.execution.application.assembly import UseCases, assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.entry_lease import Grant
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.words import Stage
from perpmesh.platform import database, telemetry
from perpmesh.platform.database import Database
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.policies import DefaultPolicies
from perpmesh.testing.ports import free_ports
from perpmesh_api.market_data.v1 import market_data_service_pb2 as market

KEY, SECRET = "exec-key", "exec-secret"


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[MeshSettings]:
    account = AccountConfig(KEY, SECRET, Decimal(10_000))
    risk, market_data, execution = free_ports(3)
    async with exchange(Config(port=0, accounts=(account,), speed=1.0), SystemClock()) as port:
        yield MeshSettings(
            state_dir=tmp_path, exchange_url=f"http://127.0.0.1:{port}", api_key=KEY, api_secret=SECRET,
            risk_safety_address=f"127.0.0.1:{risk}", market_data_address=f"127.0.0.1:{market_data}",
            execution_address=f"127.0.0.1:{execution}",
        )  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with database.opened(MeshSettings(state_dir=tmp_path), "execution", TABLES) as opened:
        yield opened


@pytest.fixture
def outbox(settings: MeshSettings, store: Database) -> Outbox:
    return Outbox("execution", settings, store, SystemClock())


@pytest.fixture
def log(store: Database, outbox: Outbox) -> SqlLog:
    return SqlLog(store, outbox, SystemClock())


@dataclass
class House:
    """Execution without its process."""

    cases: UseCases
    venue: BinanceVenue
    log: SqlLog
    board: PriceBoard
    sequence: int = 0

    async def refresh(self, symbol: str = "BTCUSDT") -> Decimal:
        """Hear the newest price, renew the lease; return the mark."""
        quote = await self.venue.client.futures_mark_price(symbol=symbol)
        book = await self.venue.client.futures_orderbook_ticker(symbol=symbol)
        self.board.heard(
            market.PriceTick(
                symbol=symbol, last_price=quote["markPrice"], mark_price=quote["markPrice"],
                bid_price=book["bidPrice"], ask_price=book["askPrice"], market_time_ms=quote["time"],
            )
        )  # fmt: skip
        self.lend()
        return Decimal(quote["markPrice"])

    def lend(self) -> None:
        self.sequence += 1
        self.cases.lease.asked(self.sequence)
        self.cases.lease.granted(
            Grant(sequence=self.sequence, valid_for_ms=60_000, epoch=1, stage=Stage.FULL, policy_revision=1)
        )


@pytest.fixture
async def house(settings: MeshSettings, log: SqlLog) -> AsyncIterator[House]:
    clock = SystemClock()
    board, ledger = PriceBoard(settings, clock), Ledger(log)
    desk = Desk(clock, board)
    venue = BinanceVenue(settings, clock, desk.exchange_now_ms)
    tools = Tools(
        venue=venue, ledger=ledger, desk=desk, policies=DefaultPolicies(**{"execution.price_stale_ms": "60000"}), sleep=asyncio.sleep,
        diary=telemetry.log("test"),
    )  # fmt: skip
    cases = assemble(tools, settings.symbol_list)
    await ledger.load()
    await cases.upkeep.once()
    assert await cases.reconciler.everything()
    made = House(cases, venue, log, board)
    await made.refresh()
    yield made
    await venue.close()
