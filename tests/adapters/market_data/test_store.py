"""The journal on a real SQLite file."""

from contextlib import asynccontextmanager

import pytest
from tests.unit.market_data.kit import BTC, START, minute, series

from perpmesh.features import Liquidity, Regime, Trend, Volatility
from perpmesh.market_data.adapters.store import TABLES, SqlJournal
from perpmesh.market_data.domain.conditions import Conditions
from perpmesh.platform import database
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh_api.market_data.v1 import market_data_events_pb2 as events


@asynccontextmanager
async def journal_in(folder):
    settings = MeshSettings(state_dir=folder)
    async with database.opened(settings, "market_data", TABLES) as store:
        outbox = Outbox("market_data", settings, store, SystemClock())
        yield SqlJournal(store, outbox), outbox


async def test_what_was_told_is_remembered_after_a_restart(tmp_path):
    regime = Regime(Trend.UP, Volatility.HIGH, Liquidity.THIN)
    async with journal_in(tmp_path) as (journal, _):
        assert await journal.marks() == {}
        await journal.set_marks([minute(3)])
        await journal.record([minute(4), *series("5m", 0, 5)], Conditions(symbol=BTC, regime=regime))
    async with journal_in(tmp_path) as (journal, outbox):
        assert await journal.marks() == {(BTC, "1m"): START + 240_000, (BTC, "5m"): START}
        assert await journal.regimes() == {BTC: regime}
        rows = await outbox.page("market_data.candles.v1", 0, 10)
        candles = [events.CandleClosed.FromString(row.payload).candle for row in rows]
        assert [(each.interval, each.open_time_ms) for each in candles] == [("1m", START + 240_000), ("5m", START)]
        told = await outbox.page("market_data.conditions.v1", 0, 10)
        assert events.ConditionsUpdated.FromString(told[0].payload).conditions.trend == "TREND_UP"


async def test_candles_and_marks_are_kept_together_or_not_at_all(tmp_path):
    async with journal_in(tmp_path) as (journal, outbox):
        with pytest.raises(AttributeError):
            await journal.record([minute(4), "no candle"])
        assert await journal.marks() == {}
        assert await outbox.page("market_data.candles.v1", 0, 10) == []
