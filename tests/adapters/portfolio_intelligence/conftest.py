"""A real exchange on a free port, a store in a folder of its own, and the books between them."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.exchange_sim.main import exchange
from perpmesh.kernel.errors import NotFound
from perpmesh.platform import database
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.portfolio_intelligence.adapters.exchange_rest import RestExchange, rest_exchange
from perpmesh.portfolio_intelligence.adapters.store import TABLES, SqlStore
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.application.ports import Quote

KEY, SECRET = "books-key", "books-secret"


class BoardPrices:
    """Prices written on a board: the other side of `ports.Prices` while no market_data runs."""

    def __init__(self) -> None:
        self.market_ms = 0
        self.quotes: dict[str, Quote] = {}

    async def market_time_ms(self) -> int:
        return self.market_ms

    async def quote(self, symbol: str) -> Quote:
        if symbol not in self.quotes:
            raise NotFound(symbol)
        return self.quotes[symbol]


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[MeshSettings]:
    account = AccountConfig(KEY, SECRET, Decimal(10_000))
    async with exchange(Config(port=0, accounts=(account,), speed=60.0), SystemClock()) as port:
        yield MeshSettings(
            state_dir=tmp_path, exchange_url=f"http://127.0.0.1:{port}", api_key=KEY, api_secret=SECRET
        )  # fmt: skip


@pytest.fixture
async def venue(settings: MeshSettings) -> AsyncIterator[RestExchange]:
    async with rest_exchange(settings, SystemClock()) as made:
        yield made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with database.opened(MeshSettings(state_dir=tmp_path), "portfolio_intelligence", TABLES) as opened:
        yield SqlStore(opened)


@pytest.fixture
def prices() -> BoardPrices:
    return BoardPrices()


@pytest.fixture
def books(venue: RestExchange, prices: BoardPrices, store: SqlStore) -> KeepBooks:
    return KeepBooks(exchange=venue, prices=prices, store=store, clock=SystemClock())
